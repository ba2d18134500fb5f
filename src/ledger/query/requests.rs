//! How many requests a key has sent to a provider's free models on a UTC day: the ledger has a row for each attempt,
//! failed ones among them, as the provider counts.

use jiff::Timestamp;

use crate::ledger::counters::day_of;
use crate::ledger::store::params;
use crate::ledger::{Ledger, LedgerError};

impl Ledger {
    /// Attempts of the free path on the day of `at`. One that found no connection reached nobody and is not among them.
    ///
    /// # Errors
    /// What the database answered.
    pub fn free_requests(&self, provider: &str, fingerprint: Option<&str>, at: Timestamp) -> Result<u64, LedgerError> {
        let start = day_of(at) * 86_400_000;
        let fingerprint = fingerprint.unwrap_or_default();
        self.read(|tx| {
            let count: i64 = tx.row(
                "SELECT count(*) FROM attempts WHERE sent_at >= ?1 AND sent_at < ?2 AND path = 'free' AND provider = ?3
                     AND coalesce(key_fingerprint, '') = ?4 AND coalesce(outcome, '') NOT IN ('transport', 'bad_setup')",
                params![start, start + 86_400_000, provider, fingerprint],
                |row| row.get(0),
            )?;
            Ok(u64::try_from(count).unwrap_or(0))
        })
    }
}
