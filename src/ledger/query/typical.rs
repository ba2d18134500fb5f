//! What a task usually costs with one payer: for saying how many more its credits are good for.

use crate::base::money::Usd;
use crate::domain::path::PayPath;
use crate::ledger::store::{money, params};
use crate::ledger::{Ledger, LedgerError};

/// So many of the latest tasks are looked at: habits change.
const LATEST: u32 = 50;
/// Fewer tasks than these are no habit.
const ENOUGH: usize = 3;

impl Ledger {
    /// The median of what the latest finished tasks cost with this payer, in USD; `None` before there are three that
    /// cost anything.
    ///
    /// # Errors
    /// What the database answered.
    pub fn typical_cost(&self, path: PayPath, provider: &str) -> Result<Option<Usd>, LedgerError> {
        self.read(|tx| {
            let mut costs = tx.rows(
                "SELECT CAST(sum(a.counted) AS BIGINT) FROM attempts a JOIN tasks t ON t.task_id = a.task_id
                 WHERE a.path = ?1 AND a.provider = ?2 AND a.state = 'settled' AND a.charge = 'billed'
                     AND t.finished_at IS NOT NULL AND t.status != 'imported'
                 GROUP BY t.task_id HAVING sum(a.counted) > 0 ORDER BY t.started_at DESC, t.task_id DESC LIMIT ?3",
                params![path.as_str(), provider, LATEST],
                |row| row.get(0).map(money),
            )?;
            costs.sort_unstable();
            Ok(costs.get(costs.len() / 2).copied().filter(|_| costs.len() >= ENOUGH))
        })
    }
}
