//! The calls of vk that an account is charged for, for a bill to be laid beside them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::bill::BilledCall;
use crate::ledger::store::{moment, money, params};
use crate::ledger::{Ledger, LedgerError};

/// Calls that were charged or may have been. What was imported was reckoned from another tool's log and is not vk's.
const BILLED: &str = "a.charge = 'billed' AND a.state IN ('settled', 'uncertain') AND t.tool = 'vk'
    AND a.sent_at >= ?1 AND a.sent_at < ?2";

impl Ledger {
    /// The providers that charged anybody in this period.
    ///
    /// # Errors
    /// What the database answered.
    pub fn billed_providers(&self, since: Timestamp, until: Timestamp) -> Result<Vec<String>, LedgerError> {
        self.read(|tx| {
            let sql = format!(
                "SELECT DISTINCT a.provider FROM attempts a JOIN tasks t ON t.task_id = a.task_id
                 WHERE {BILLED} ORDER BY a.provider"
            );
            tx.rows(&sql, params![since.as_millisecond(), until.as_millisecond()], |row| row.get(0))
        })
    }

    /// The calls of a provider in this period, the first first.
    ///
    /// # Errors
    /// What the database answered.
    pub fn billed_calls(
        &self,
        provider: &str,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<BilledCall>, LedgerError> {
        self.read(|tx| {
            let sql = format!(
                "SELECT a.attempt_id, a.sent_at, a.model, a.response_id, a.key_label,
                     a.state, a.certainty, a.counted, a.hold
                 FROM attempts a JOIN tasks t ON t.task_id = a.task_id
                 WHERE {BILLED} AND a.provider = ?3 ORDER BY a.sent_at, a.attempt_id"
            );
            tx.rows(&sql, params![since.as_millisecond(), until.as_millisecond(), provider], |row| {
                let (state, certainty): (String, String) = (row.get(5)?, row.get(6)?);
                Ok(BilledCall {
                    attempt_id: row.get(0)?,
                    day: TimeZone::UTC.to_datetime(moment(row.get(1)?)).date(),
                    model: row.get(2)?,
                    response_id: row.get(3)?,
                    key_label: row.get(4)?,
                    is_exact: state == "settled" && certainty == "exact",
                    counted: money(row.get(7)?),
                    most: money(row.get(8)?),
                })
            })
        })
    }
}
