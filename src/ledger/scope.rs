//! Budget scopes: whose spending is added up, over which window, against which limit.

use std::fmt;

use crate::base::clock::Window;
use crate::base::money::Usd;
use crate::domain::failure::{Failure, Status};

/// Whose spending is added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScopeKind {
    /// One task, by its id.
    Task,
    /// Everything in this ledger; the key is empty.
    Global,
    /// A project, by its canonical folder.
    Project,
    /// A pay path: `byok`, `platform`.
    Path,
    /// A provider key, by its fingerprint.
    Key,
    /// A person, by the name the ledger has for them.
    User,
}

impl ScopeKind {
    pub const ALL: [Self; 6] = [Self::Task, Self::Global, Self::Project, Self::Path, Self::Key, Self::User];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Global => "global",
            Self::Project => "project",
            Self::Path => "path",
            Self::Key => "key",
            Self::User => "user",
        }
    }
}

/// A limit on what one scope may spend in one window.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    pub kind: ScopeKind,
    /// What [`ScopeKind`] says it is.
    pub key: String,
    /// The UTC window the attempt is sent in; `None` is all time.
    pub window: Option<Window>,
    pub limit: Usd,
}

impl Scope {
    /// The cap of one task.
    #[must_use]
    pub fn task(task_id: &str, limit: Usd) -> Self {
        Self { kind: ScopeKind::Task, key: task_id.to_owned(), window: None, limit }
    }
}

/// `this task`, `today in all projects`, `this month in project /home/a/shop`.
impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let window = match self.window {
            None => "",
            Some(Window::Day) => "today ",
            Some(Window::Week) => "this week ",
            Some(Window::Month) => "this month ",
        };
        match self.kind {
            ScopeKind::Task => write!(f, "{}this task", if window.is_empty() { "" } else { window }),
            ScopeKind::Global => write!(f, "{window}in all projects"),
            ScopeKind::Project => write!(f, "{window}in project {}", self.key),
            ScopeKind::Path => write!(f, "{window}on path {}", self.key),
            ScopeKind::Key => write!(f, "{window}with key {}", self.key),
            ScopeKind::User => write!(f, "{window}by {}", self.key),
        }
    }
}

/// Where a scope stands: what of its limit is taken and how surely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub scope: Scope,
    /// Billed and estimated.
    pub settled: Usd,
    /// Held by attempts whose owner is gone; counted in full until their figure is known.
    pub uncertain: Usd,
    /// Held by attempts that are under way.
    pub live: Usd,
}

impl Standing {
    /// What may still be held; negative after a provider charged more than was held.
    #[must_use]
    pub fn available(&self) -> Usd {
        self.without_live() - self.live
    }

    /// What could be held if every live hold were released.
    #[must_use]
    pub fn without_live(&self) -> Usd {
        self.scope.limit - self.settled - self.uncertain
    }

    /// Exit 5, for a scope beside whose settled spend `hold` does not fit.
    #[must_use]
    pub fn into_failure(self, hold: Usd) -> Failure {
        let scope = &self.scope;
        let mut why = format!("{} of {} is spent", self.settled, scope.limit);
        if !self.uncertain.is_zero() {
            why = format!("{why}, {} is uncertain (a call whose process died)", self.uncertain);
        }
        let failure = Failure::new(
            Status::Budget,
            "budget_exhausted",
            format!("the next call may cost up to {hold} and no longer fits the budget for {scope}"),
        );
        let failure = failure.why(why);
        match scope.kind {
            ScopeKind::Task => failure.fix(format!(
                "vk run --continue --max-cost {} \"go on\"",
                roomier(scope.limit, self.settled + self.uncertain + hold)
            )),
            _ => failure,
        }
    }
}

/// Twice the limit, or what the next call needs if that is more, in whole cents: a cap worth suggesting.
fn roomier(limit: Usd, needed: Usd) -> String {
    const CENT: i64 = 10_000_000;
    let over = |amount: Usd| (amount.nanos() / CENT).saturating_add(1);
    Usd::from_cents(over(limit).saturating_mul(2).max(over(needed)).max(100)).exact()
}

/// The answer to a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reserve {
    /// The attempt is in the ledger and may be sent.
    Granted {
        /// What the tightest scope has left after this hold; `None` without any limit.
        left: Option<Usd>,
    },
    /// Nothing was written. It would fit if the live holds in this scope were released: wait and ask again.
    Busy(Standing),
    /// Nothing was written. It does not fit beside what this scope has spent.
    Exhausted(Standing),
}
