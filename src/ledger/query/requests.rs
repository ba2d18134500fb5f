//! How many requests a key has sent to a provider's free models on a UTC day: the ledger has a row for each attempt,
//! failed ones among them, as the provider counts.

use jiff::Timestamp;
use rusqlite::params;

use crate::ledger::counters::day_of;
use crate::ledger::{Ledger, LedgerError};

impl Ledger {
    /// Attempts of the free path on the day of `at`. One that found no connection reached nobody and is not among them.
    ///
    /// # Errors
    /// What SQLite answered.
    pub fn free_requests(&self, provider: &str, fingerprint: Option<&str>, at: Timestamp) -> Result<u64, LedgerError> {
        let start = day_of(at) * 86_400_000;
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(
                "SELECT count(*) FROM attempts WHERE sent_at >= ?1 AND sent_at < ?2 AND path = 'free' AND provider = ?3
                     AND coalesce(key_fingerprint, '') = ?4 AND coalesce(outcome, '') NOT IN ('transport', 'bad_setup')",
            )?;
            let fingerprint = fingerprint.unwrap_or_default();
            let count: i64 =
                statement.query_row(params![start, start + 86_400_000, provider, fingerprint], |row| row.get(0))?;
            Ok(u64::try_from(count).unwrap_or(0))
        })
    }
}
