//! What earlier tasks of a project used, call by call: what estimates are made from.

use std::path::Path;

use crate::domain::estimate::PastTask;
use crate::domain::usage::Usage;
use crate::ledger::store::{Stop, Tx, params, usage};
use crate::ledger::{Ledger, LedgerError};

/// So many of the latest tasks are looked at: habits change.
const LATEST: u32 = 50;
/// Calls of a session that are further apart than this are two sittings, and the person was away in between.
const APART_MS: i64 = 5 * 60 * 1_000;

/// Ends that a task came to by its own work. What the payer, the provider or the person cut short says less than the
/// whole cost of such a task.
const OWN: &str = "status IN ('done', 'check_failed', 'gave_up', 'limit', 'budget')";
const IMPORTED: &str = "status = 'imported'";

impl Ledger {
    /// The latest tasks of vk's own in a project's folder that ended and used tokens, the oldest first; `imported` ones
    /// are the sessions of other tools there and below.
    ///
    /// # Errors
    /// What the database answered.
    pub fn past_tasks(&self, project_dir: &Path, imported: bool) -> Result<Vec<PastTask>, LedgerError> {
        let status = if imported { IMPORTED } else { OWN };
        let sql = format!(
            "SELECT task_id, model, started_at, finished_at FROM tasks
             WHERE (project_dir = ?1 OR (project_dir >= ?2 AND project_dir < ?3)) AND {status}
                 AND finished_at IS NOT NULL
             ORDER BY started_at DESC, task_id DESC LIMIT ?4"
        );
        let dir = project_dir.to_string_lossy();
        // Everything below the folder sorts between its name with `/` and with the sign after it.
        let (below, after) = (format!("{dir}/"), format!("{dir}0"));
        self.read(|tx| {
            let found: Vec<(String, String, u64)> = tx.rows(&sql, params![dir, below, after, LATEST], |row| {
                let (started, finished): (i64, i64) = (row.get(2)?, row.get(3)?);
                let seconds = u64::try_from(finished - started).unwrap_or(0) / 1_000;
                Ok((row.get(0)?, row.get(1)?, seconds))
            })?;
            let mut tasks = Vec::new();
            for (task_id, model, lasted) in found {
                let calls = calls(tx, &task_id)?;
                let seconds = if imported { sat_through(&calls) } else { lasted };
                let calls: Vec<Usage> = calls.into_iter().map(|(_, usage)| usage).collect();
                if calls.iter().any(|call| call.prompt() > 0 || call.output > 0) {
                    tasks.push(PastTask { model, own: !imported, seconds, calls });
                }
            }
            tasks.reverse();
            Ok(tasks)
        })
    }
}

fn calls(tx: &Tx<'_>, task_id: &str) -> Result<Vec<(i64, Usage)>, Stop> {
    tx.rows(
        "SELECT sent_at, input, cache_read, cache_write_5m, cache_write_1h, output, reasoning FROM attempts
         WHERE task_id = ?1 AND state = 'settled' AND charge != 'rehearsed' ORDER BY sent_at, attempt_id",
        params![task_id],
        |row| Ok((row.get(0)?, usage(row, 1)?)),
    )
}

/// The seconds between calls that followed one another.
fn sat_through(calls: &[(i64, Usage)]) -> u64 {
    let gaps = calls.windows(2).map(|pair| pair[1].0 - pair[0].0).filter(|gap| *gap <= APART_MS);
    u64::try_from(gaps.sum::<i64>()).unwrap_or(0) / 1_000
}
