//! The budgets that the ledger keeps itself. They bind everyone who spends through it: each reservation reads them
//! in its own transaction, so that no file and no older reading is above them.

use jiff::Timestamp;

use super::holds::{self, LAPSED, OVERDUE};
use super::store::{Stop, Tx, moment, money, params, stored_money};
use super::{Ledger, LedgerError, NewAttempt, Scope, ScopeKind};
use crate::base::money::Usd;
use crate::domain::budget::Per;

/// A budget over everything that is spent through a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamBudget {
    pub per: Per,
    pub limit: Usd,
    /// The person, as their operating system names them.
    pub set_by: String,
    pub set_at: Timestamp,
}

impl TeamBudget {
    /// What it limits, for a task of this id.
    #[must_use]
    pub fn scope(&self, task_id: &str) -> Scope {
        scope(ScopeKind::Global, "", self.per, task_id, self.limit)
    }
}

impl Ledger {
    /// The budgets over everything in this ledger, the shortest window first.
    ///
    /// # Errors
    /// What the database answered.
    pub fn team_budgets(&self) -> Result<Vec<TeamBudget>, LedgerError> {
        let sql = "SELECT per, amount, set_by, set_at FROM budgets WHERE kind = 'global' AND key = ''";
        let mut budgets: Vec<TeamBudget> = self.read(|tx| {
            tx.rows(sql, &[], |row| {
                let (limit, set_at) = (money(row.get(1)?), moment(row.get(3)?));
                Ok(TeamBudget { per: per_of(row.text(0)?), limit, set_by: row.get(2)?, set_at })
            })
        })?;
        budgets.sort_by_key(|budget| budget.per);
        Ok(budgets)
    }

    /// Sets a budget over everything in this ledger, in place of the one of its kind.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn set_team_budget(&self, budget: &TeamBudget) -> Result<(), LedgerError> {
        self.write(|tx| {
            tx.execute(
                "INSERT INTO budgets (kind, key, per, amount, set_by, set_at) VALUES ('global', '', ?1, ?2, ?3, ?4)
                 ON CONFLICT (kind, key, per) DO UPDATE SET amount = excluded.amount, set_by = excluded.set_by,
                     set_at = excluded.set_at",
                params![budget.per.as_str(), stored_money(budget.limit), budget.set_by, budget.set_at.as_millisecond()],
            )?;
            Ok(())
        })
    }

    /// Takes a budget over everything in this ledger away; `false` where there was none.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn clear_team_budget(&self, per: Per) -> Result<bool, LedgerError> {
        let sql = "DELETE FROM budgets WHERE kind = 'global' AND key = '' AND per = ?1";
        self.write(|tx| Ok(tx.execute(sql, params![per.as_str()])? > 0))
    }
}

/// What an attempt that is about to be made meets in the ledger.
pub(super) struct Binding {
    pub project_dir: String,
    pub user: String,
    pub batch: Option<String>,
    /// The ledger's own budgets that bind it.
    pub scopes: Vec<Scope>,
    /// Whether it was made before.
    pub is_known: bool,
    /// Whether holds of the dead have to be looked at first.
    pub is_due: bool,
}

/// How an attempt is bound, by the task and the path that it is part of; `None` without such a task.
pub(super) fn binding(tx: &Tx<'_>, attempt: &NewAttempt) -> Result<Option<Binding>, Stop> {
    let task_id = attempt.task_id.as_str();
    let [now, lease, overdue] = holds::due_at(attempt.sent_at);
    // One statement: where the database is elsewhere, each one is a way there and back, with everybody waiting.
    let sql = format!(
        "SELECT t.project_dir, t.user_name, b.kind, b.key, b.per, b.amount, t.batch,
             CASE WHEN EXISTS (SELECT 1 FROM attempts WHERE attempt_id = ?4) THEN 1 ELSE 0 END,
             CASE WHEN EXISTS ({LAPSED}) OR EXISTS ({OVERDUE}) THEN 1 ELSE 0 END
         FROM tasks t LEFT JOIN budgets b ON (b.kind = 'global' AND b.key = '')
             OR (b.kind = 'project' AND b.key = t.project_dir) OR (b.kind = 'path' AND b.key = ?2)
             OR (b.kind = 'key' AND b.key = ?3) OR (b.kind = 'user' AND b.key = t.user_name)
         WHERE t.task_id = ?1"
    );
    let mut found: Option<Binding> = None;
    tx.each(
        &sql,
        params![task_id, attempt.path.as_str(), attempt.key_fingerprint, attempt.attempt_id, now, lease, overdue],
        |row| {
            let binding = match found.take() {
                Some(binding) => binding,
                None => Binding {
                    project_dir: row.get(0)?,
                    user: row.get(1)?,
                    batch: row.get(6)?,
                    scopes: Vec::new(),
                    is_known: row.get::<i64>(7)? == 1,
                    is_due: row.get::<i64>(8)? == 1,
                },
            };
            let binding = found.insert(binding);
            if let Some(amount) = row.get::<Option<i64>>(5)? {
                let kind = row.text(2)?;
                let kind = ScopeKind::ALL.into_iter().find(|known| known.as_str() == kind).unwrap_or(ScopeKind::Global);
                binding.scopes.push(scope(kind, row.text(3)?, per_of(row.text(4)?), task_id, money(amount)));
            }
            Ok(())
        },
    )?;
    Ok(found)
}

/// A budget for each task is that task's own; one for a window is the subject's.
fn scope(kind: ScopeKind, key: &str, per: Per, task_id: &str, limit: Usd) -> Scope {
    match per.window() {
        None => Scope::task(task_id, limit),
        window => Scope { kind, key: key.to_owned(), window, limit },
    }
}

/// What the schema lets no row be is read as the shortest, which is the strictest.
fn per_of(text: &str) -> Per {
    text.parse().unwrap_or(Per::Task)
}
