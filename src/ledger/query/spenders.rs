//! Who spent a budget: the tasks that took the most of a scope's window.

use jiff::Timestamp;

use crate::base::money::Usd;
use crate::ledger::store::{money, params};
use crate::ledger::{Ledger, LedgerError, Scope, ScopeKind};

/// Tasks that are named; the others become a count.
const NAMED: usize = 3;
/// Characters of a task's words that stand beside its name.
const WORDS: usize = 40;

/// One task's part of a budget: billed, estimated, uncertain and held money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spender {
    pub task_id: String,
    /// The person; empty where the system did not tell.
    pub user: String,
    pub words: String,
    pub counted: Usd,
}

/// The biggest spenders of a scope, and what the others come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spenders {
    pub first: Vec<Spender>,
    pub others: usize,
    pub others_counted: Usd,
}

impl Ledger {
    /// Who took the most of `scope` in the window that holds `at`.
    ///
    /// # Errors
    /// What the database answered.
    pub fn spenders(&self, scope: &Scope, at: Timestamp) -> Result<Spenders, LedgerError> {
        let column = match scope.kind {
            // A task's own spending needs no names.
            ScopeKind::Task => return Ok(Spenders::default()),
            ScopeKind::Global => "''",
            ScopeKind::Project => "t.project_dir",
            ScopeKind::Path => "a.path",
            ScopeKind::Key => "a.key_fingerprint",
            ScopeKind::User => "t.user_name",
            ScopeKind::Batch => "t.batch",
        };
        let (first, end) = match scope.window {
            None => (i64::MIN, i64::MAX),
            Some(window) => (window.start(at).as_millisecond(), window.end(at).as_millisecond()),
        };
        let sql = format!(
            "SELECT t.task_id, t.user_name, t.words, CAST(sum(a.counted) AS BIGINT)
             FROM attempts a JOIN tasks t ON t.task_id = a.task_id
             WHERE a.sent_at >= ?1 AND a.sent_at < ?2 AND a.counted > 0 AND {column} = ?3
             GROUP BY t.task_id, t.user_name, t.words ORDER BY 4 DESC, 1"
        );
        self.read(|tx| {
            let mut all = tx.rows(&sql, params![first, end, scope.key], |row| {
                Ok(Spender { task_id: row.get(0)?, user: row.get(1)?, words: row.get(2)?, counted: money(row.get(3)?) })
            })?;
            let rest = all.split_off(NAMED.min(all.len()));
            let others_counted = rest.iter().map(|spender| spender.counted).sum();
            Ok(Spenders { first: all, others: rest.len(), others_counted })
        })
    }
}

impl Spenders {
    /// `$12.30 by ann in t01jd3k9x2: refactor the parser`, and what the others spent.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let one = |spender: &Spender| {
            let user = if spender.user.is_empty() { String::new() } else { format!("by {} ", spender.user) };
            let line = spender.words.lines().next().unwrap_or_default().trim();
            let words: String = line.chars().take(WORDS).collect();
            let cut = if words.len() < line.len() { "…" } else { "" };
            let words = if words.is_empty() { String::new() } else { format!(": {words}{cut}") };
            format!("{} {user}in task {}{words}", spender.counted, spender.task_id)
        };
        let others = match self.others {
            0 => None,
            1 => Some(format!("{} in 1 other task", self.others_counted)),
            n => Some(format!("{} in {n} other tasks", self.others_counted)),
        };
        self.first.iter().map(one).chain(others).collect()
    }
}
