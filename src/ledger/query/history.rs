//! The calls of a period one by one, in the order they were sent: for what depends on each call's own size, such as
//! pricing them elsewhere. Rehearsed calls are left out, for no model ran.

use super::Query;
use crate::domain::usage::Usage;
use crate::ledger::store::{moment, params, usage};
use crate::ledger::{Ledger, LedgerError};

/// One call that was sent, imported ones among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastCall<'a> {
    pub task_id: &'a str,
    pub provider: &'a str,
    pub model: &'a str,
    pub sent_at: jiff::Timestamp,
    pub usage: Usage,
}

impl Ledger {
    /// Hands every call of the query's period and project to `each`, the first one first.
    ///
    /// # Errors
    /// What the database answered.
    pub fn each_call(&self, query: &Query, mut each: impl FnMut(PastCall<'_>)) -> Result<(), LedgerError> {
        self.read(|tx| {
            let sql = format!(
                "SELECT a.task_id, a.provider, a.model, a.sent_at, a.input, a.cache_read, a.cache_write_5m,
                     a.cache_write_1h, a.output, a.reasoning
                 FROM attempts a JOIN tasks t ON t.task_id = a.task_id
                 WHERE {filter} AND a.state != 'live' AND a.charge != 'rehearsed' ORDER BY a.sent_at, a.attempt_id",
                filter = Query::FILTER
            );
            let (since, until, project) = query.bounds();
            tx.each(&sql, params![since, until, project], |row| {
                each(PastCall {
                    task_id: row.text(0)?,
                    provider: row.text(1)?,
                    model: row.text(2)?,
                    sent_at: moment(row.get(3)?),
                    usage: usage(row, 4)?,
                });
                Ok(())
            })
        })
    }
}
