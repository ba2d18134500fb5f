//! The attempts whose cost nobody knows yet: what they hold of every budget, and until when.

use jiff::Timestamp;

use crate::base::money::Usd;
use crate::ledger::holds::UNCERTAIN_FOR;
use crate::ledger::store::{moment, money};
use crate::ledger::{Ledger, LedgerError};

/// An attempt that is counted in full until the provider's figure is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UncertainCall {
    pub attempt_id: String,
    pub task_id: String,
    pub user: String,
    pub project: String,
    pub path: String,
    pub provider: String,
    pub model: String,
    pub sent_at: Timestamp,
    /// What budgets count of it: the most it can have cost.
    pub held: Usd,
    /// When it is settled as estimated, at what it holds.
    pub until: Timestamp,
}

impl Ledger {
    /// Every uncertain attempt, the first that was sent first.
    ///
    /// # Errors
    /// What the database answered.
    pub fn uncertain(&self) -> Result<Vec<UncertainCall>, LedgerError> {
        self.read(|tx| {
            tx.rows(
                "SELECT a.attempt_id, a.task_id, t.user_name, t.project, a.path, a.provider, a.model, a.sent_at,
                     a.counted, a.uncertain_at
                 FROM attempts a JOIN tasks t ON t.task_id = a.task_id
                 WHERE a.state = 'uncertain' ORDER BY a.sent_at, a.attempt_id",
                &[],
                |row| {
                    Ok(UncertainCall {
                        attempt_id: row.get(0)?,
                        task_id: row.get(1)?,
                        user: row.get(2)?,
                        project: row.get(3)?,
                        path: row.get(4)?,
                        provider: row.get(5)?,
                        model: row.get(6)?,
                        sent_at: moment(row.get(7)?),
                        held: money(row.get(8)?),
                        until: moment(row.get(9)?) + UNCERTAIN_FOR,
                    })
                },
            )
        })
    }
}
