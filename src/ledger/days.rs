//! Sums of days, so that a report over a million calls reads a few thousand rows. Exact at any moment: whoever
//! changes a call names its day as stale, and a stale day is summed from its calls.

use super::query::SUMS;
use super::store::{Stop, Tx, params};
use super::{Ledger, LedgerError};

/// Milliseconds of a day.
pub(super) const DAY_MS: i64 = 86_400_000;

/// The columns of a group of calls in `attempts a JOIN tasks t`, in the order of `day_sums` after its day; before
/// its sums, [`SUMS`] begins with the two that are still missing.
const GROUP: &str = "t.project, t.tool, t.user_name, a.path, a.provider, a.payer, a.key_label, a.key_fingerprint,
    a.model";

/// Says that calls of these days changed.
pub(super) fn mark(tx: &Tx<'_>, days: impl IntoIterator<Item = i64>) -> Result<(), Stop> {
    for day in days {
        tx.later("INSERT INTO stale_days (day) VALUES (?1) ON CONFLICT (day) DO NOTHING", params![day])?;
    }
    Ok(())
}

/// Says that this call changed.
pub(super) fn mark_call(tx: &Tx<'_>, attempt_id: &str) -> Result<(), Stop> {
    tx.later(
        "INSERT INTO stale_days (day) SELECT day FROM attempts WHERE attempt_id = ?1 ON CONFLICT (day) DO NOTHING",
        params![attempt_id],
    )
}

/// The days that have to be summed anew, in order.
pub(super) fn stale(tx: &Tx<'_>) -> Result<Vec<i64>, Stop> {
    tx.rows("SELECT day FROM stale_days ORDER BY day", &[], |row| row.get(0))
}

impl Ledger {
    /// Sums the stale days, so that the reports that follow are quick.
    ///
    /// # Errors
    /// What the database answered.
    pub(super) fn sum_days(&self) -> Result<(), LedgerError> {
        if self.read(|tx| Ok(stale(tx)?.is_empty()))? {
            return Ok(());
        }
        let sum = format!(
            "INSERT INTO day_sums SELECT ?1, {GROUP}, {SUMS}
             FROM attempts a JOIN tasks t ON t.task_id = a.task_id
             WHERE a.sent_at >= ?2 AND a.sent_at < ?3 AND a.state != 'aborted' GROUP BY {GROUP}, a.charge, a.certainty"
        );
        self.write(|tx| {
            for day in stale(tx)? {
                tx.execute("DELETE FROM day_sums WHERE day = ?1", params![day])?;
                let first = day.saturating_mul(DAY_MS);
                tx.execute(&sum, params![day, first, first.saturating_add(DAY_MS)])?;
            }
            tx.execute("DELETE FROM stale_days", &[])?;
            Ok(())
        })
    }
}
