//! Sessions that vk began in another tool. That tool logs them as its own, and vk has each of their calls already.

use super::call::session_task_id;
use super::tool::Tool;
use crate::ledger::store::params;
use crate::ledger::{Ledger, LedgerError, days};

impl Ledger {
    /// Says that `session` of `tool` is driven by the task: to be called as soon as the tool has named it. What an
    /// import took of it in the meantime is taken out again.
    ///
    /// # Errors
    /// What the database answered.
    pub fn drove(&self, task_id: &str, tool: Tool, session: &str) -> Result<(), LedgerError> {
        self.write(|tx| {
            tx.execute(
                "INSERT INTO driven_sessions (tool, session, task_id) VALUES (?1, ?2, ?3)
                 ON CONFLICT (tool, session) DO NOTHING",
                params![tool.as_str(), session, task_id],
            )?;
            let twin = session_task_id(tool, session);
            let gone = "DELETE FROM attempts WHERE task_id = ?1 RETURNING day";
            let days: Vec<i64> = tx.rows(gone, params![twin], |row| row.get(0))?;
            days::mark(tx, days)?;
            tx.execute("DELETE FROM tasks WHERE task_id = ?1", params![twin])?;
            Ok(())
        })
    }
}
