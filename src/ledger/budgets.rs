//! The budgets that the ledger keeps itself. They bind everyone who spends through it: each reservation reads them
//! in its own transaction, so that no file and no older reading is above them.

use jiff::Timestamp;

use super::store::{Stop, Tx, moment, money, params, stored_money};
use super::{Ledger, LedgerError, Scope, ScopeKind};
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

/// Where the attempts of a task count, and the ledger's own budgets that bind one of them.
#[derive(Debug)]
pub(super) struct Binding {
    pub project_dir: String,
    pub user: String,
    pub batch: Option<String>,
    pub scopes: Vec<Scope>,
}

/// What binds an attempt of a task; `None` without such a task.
pub(super) fn binding(
    tx: &Tx<'_>,
    task_id: &str,
    path: &str,
    key_fingerprint: Option<&str>,
) -> Result<Option<Binding>, Stop> {
    let mut found: Option<Binding> = None;
    tx.each(
        "SELECT t.project_dir, t.user_name, b.kind, b.key, b.per, b.amount, t.batch
         FROM tasks t LEFT JOIN budgets b ON (b.kind = 'global' AND b.key = '')
             OR (b.kind = 'project' AND b.key = t.project_dir) OR (b.kind = 'path' AND b.key = ?2)
             OR (b.kind = 'key' AND b.key = ?3) OR (b.kind = 'user' AND b.key = t.user_name)
         WHERE t.task_id = ?1",
        params![task_id, path, key_fingerprint],
        |row| {
            if found.is_none() {
                let (project_dir, user, batch) = (row.get(0)?, row.get(1)?, row.get(6)?);
                found = Some(Binding { project_dir, user, batch, scopes: Vec::new() });
            }
            if let (Some(Binding { scopes, .. }), Some(amount)) = (&mut found, row.get::<Option<i64>>(5)?) {
                let kind = row.text(2)?;
                let kind = ScopeKind::ALL.into_iter().find(|known| known.as_str() == kind).unwrap_or(ScopeKind::Global);
                scopes.push(scope(kind, row.text(3)?, per_of(row.text(4)?), task_id, money(amount)));
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
