//! Sums of days, so that a report over a million calls reads a few thousand rows. Exact at any moment: whoever
//! changes a call names its day as stale, and a stale day is summed from its calls.

use rusqlite::{Connection, params};

use super::query::SUMS;
use super::{Ledger, LedgerError};

/// Milliseconds of a day.
pub(super) const DAY_MS: i64 = 86_400_000;

/// The columns of a group of calls in `attempts a JOIN tasks t`, in the order of `day_sums` after its day; before
/// its sums, [`SUMS`] begins with the two that are still missing.
const GROUP: &str = "t.project, t.tool, t.user_name, a.path, a.provider, a.payer, a.key_label, a.key_fingerprint,
    a.model";

/// Says that calls of these days changed.
pub(super) fn mark(connection: &Connection, days: impl IntoIterator<Item = i64>) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare_cached("INSERT INTO stale_days (day) VALUES (?1) ON CONFLICT (day) DO NOTHING")?;
    for day in days {
        statement.execute([day])?;
    }
    Ok(())
}

/// Says that this call changed.
pub(super) fn mark_call(connection: &Connection, attempt_id: &str) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO stale_days (day) SELECT day FROM attempts WHERE attempt_id = ?1 ON CONFLICT (day) DO NOTHING",
    )?;
    statement.execute([attempt_id])?;
    Ok(())
}

/// The days that have to be summed anew, in order.
pub(super) fn stale(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    let mut statement = connection.prepare_cached("SELECT day FROM stale_days ORDER BY day")?;
    statement.query_map([], |row| row.get(0))?.collect()
}

impl Ledger {
    /// Sums the stale days, so that the reports that follow are quick.
    ///
    /// # Errors
    /// What SQLite answered.
    pub(super) fn sum_days(&self) -> Result<(), LedgerError> {
        if self.read(|transaction| Ok(stale(transaction)?.is_empty()))? {
            return Ok(());
        }
        self.write(|transaction| {
            let mut forget = transaction.prepare_cached("DELETE FROM day_sums WHERE day = ?1")?;
            let mut sum = transaction.prepare_cached(&format!(
                "INSERT INTO day_sums SELECT ?1, {GROUP}, {SUMS}
                 FROM attempts a JOIN tasks t ON t.task_id = a.task_id
                 WHERE a.sent_at >= ?2 AND a.sent_at < ?3 AND a.state != 'aborted' GROUP BY {GROUP}, a.charge, a.certainty"
            ))?;
            for day in stale(transaction)? {
                forget.execute([day])?;
                let first = day.saturating_mul(DAY_MS);
                sum.execute(params![day, first, first.saturating_add(DAY_MS)])?;
            }
            transaction.prepare_cached("DELETE FROM stale_days")?.execute([])?;
            Ok(())
        })
    }
}
