//! Budget scopes: whose spending is added up, over which window, against which limit.

use std::fmt;

use crate::base::clock::Window;
use crate::base::money::Usd;

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
    /// Many tasks under one cap, by the name of their batch.
    Batch,
}

impl ScopeKind {
    pub const ALL: [Self; 7] =
        [Self::Task, Self::Global, Self::Project, Self::Path, Self::Key, Self::User, Self::Batch];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Global => "global",
            Self::Project => "project",
            Self::Path => "path",
            Self::Key => "key",
            Self::User => "user",
            Self::Batch => "batch",
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

    /// The cap of a batch, over all its tasks and all its starts.
    #[must_use]
    pub fn batch(batch_id: &str, limit: Usd) -> Self {
        Self { kind: ScopeKind::Batch, key: batch_id.to_owned(), window: None, limit }
    }

    /// What the limit is for, in a word: `task`, `batch`, `day`.
    #[must_use]
    pub const fn per_word(&self) -> &'static str {
        match (self.window, self.kind) {
            (None, ScopeKind::Batch) => "batch",
            (None, _) => "task",
            (Some(Window::Day), _) => "day",
            (Some(Window::Week), _) => "week",
            (Some(Window::Month), _) => "month",
        }
    }

    /// Whose spending it is, without the window.
    pub(super) fn subject(&self) -> String {
        match self.kind {
            ScopeKind::Task => "this task".to_owned(),
            ScopeKind::Global => "in all projects".to_owned(),
            ScopeKind::Project => format!("in project {}", self.key),
            ScopeKind::Path => format!("on path {}", self.key),
            ScopeKind::Key => format!("with key {}", self.key),
            ScopeKind::User => format!("by {}", self.key),
            ScopeKind::Batch => "this batch".to_owned(),
        }
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
        write!(f, "{window}{}", self.subject())
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
    /// Whether the ledger itself keeps the limit, and not the caller.
    pub of_ledger: bool,
}

impl Standing {
    /// A scope of which nothing is taken.
    #[must_use]
    pub const fn untouched(scope: Scope) -> Self {
        Self { scope, settled: Usd::ZERO, uncertain: Usd::ZERO, live: Usd::ZERO, of_ledger: false }
    }

    /// What is taken of it, however surely.
    #[must_use]
    pub fn used(&self) -> Usd {
        self.settled + self.uncertain + self.live
    }

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
