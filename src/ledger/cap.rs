//! A budget as a task meets it: its scope, where it was set, and the command that raises it. What it says when a call
//! no longer fits names who spent it.

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::query::Spenders;
use super::scope::{Scope, ScopeKind, Standing};
use crate::base::clock::Window;
use crate::base::money::Usd;
use crate::base::shell;
use crate::domain::failure::{Failure, Status};

/// A budget that binds a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cap {
    pub scope: Scope,
    /// `in all projects`, `on path byok`; empty for a task's own.
    pub whose: String,
    /// Where it was set: `~/.config/vk/config.toml:3`, `--max-cost`.
    pub source: String,
    /// What raises it.
    pub raise: Raise,
}

/// How a budget is raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Raise {
    /// For one run: `--max-cost`.
    Flag,
    /// For a batch: this command, which goes on with it, and `--max-cost`.
    Batch(String),
    /// `vk budget set USD` and these flags.
    Set(String),
    /// The same, after the user's own of its kind, which is this one's ceiling.
    Under { ceiling: Usd, above: String, flags: String },
    /// By hand, in this file of the user's.
    Edit(PathBuf),
}

impl Cap {
    /// A budget that the ledger keeps itself.
    #[must_use]
    pub fn of_ledger(scope: Scope) -> Self {
        let whose = match scope.kind {
            ScopeKind::Task => String::new(),
            ScopeKind::Global => "by everyone on this ledger".to_owned(),
            _ => scope.subject(),
        };
        let raise = Raise::Set(format!("--per {} --team", scope.per_word()));
        Self { scope, whose, source: "the ledger".to_owned(), raise }
    }

    /// `this task`, `today in all projects`.
    #[must_use]
    pub fn words(&self) -> String {
        let window = match self.scope.window {
            None if self.scope.kind == ScopeKind::Batch => "this batch",
            None => "this task",
            Some(Window::Day) => "today",
            Some(Window::Week) => "this week",
            Some(Window::Month) => "this month",
        };
        if self.whose.is_empty() { window.to_owned() } else { format!("{window} {}", self.whose) }
    }

    /// Exit 5: `hold` does not fit beside what is spent.
    #[must_use]
    pub fn exhausted(&self, standing: &Standing, hold: Usd, spenders: &Spenders, now: Timestamp) -> Failure {
        let what = format!("the next call may cost up to {hold} and no longer fits the budget for {}", self.words());
        let failure = Failure::new(Status::Budget, "budget_exhausted", what).why(self.why(standing, spenders, now));
        self.remedies(failure, standing, standing.settled + standing.uncertain + hold)
    }

    /// Exit 5: calls under way held the rest of it for as long as is waited.
    #[must_use]
    pub fn held(&self, standing: &Standing, hold: Usd, spenders: &Spenders, now: Timestamp) -> Failure {
        let what = format!(
            "the next call may cost up to {hold}, and for a minute other calls have held the budget for {}",
            self.words()
        );
        let failure = Failure::new(Status::Budget, "budget_held", what).why(self.why(standing, spenders, now));
        let failure = match &self.raise {
            Raise::Batch(command) => failure.fix(command.clone()),
            _ => failure.fix("vk run --continue \"go on\"   # once they have ended"),
        };
        self.remedies(failure, standing, standing.scope.limit - standing.available() + hold)
    }

    fn why(&self, standing: &Standing, spenders: &Spenders, now: Timestamp) -> String {
        let mut first = format!("{} of {} is spent", standing.settled, standing.scope.limit);
        if !standing.uncertain.is_zero() {
            first = format!("{first}, {} is uncertain (a call whose process died)", standing.uncertain);
        }
        if !standing.live.is_zero() {
            first = format!("{first}, {} is held by calls under way", standing.live);
        }
        let mut lines = vec![format!("{first} ({})", self.source)];
        lines.extend(spenders.lines());
        if let Some(window) = self.scope.window {
            let anew = window.end(now).to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC");
            lines.push(format!("it begins anew {anew}"));
        }
        lines.join("\n")
    }

    fn remedies(&self, failure: Failure, standing: &Standing, needed: Usd) -> Failure {
        let enough = roomier(self.scope.limit, needed);
        let set = |usd: Usd, flags: &str| format!("vk budget set {} {flags}", usd.exact());
        let failure = match &self.raise {
            Raise::Flag => failure.fix(format!("vk run --continue --max-cost {} \"go on\"", enough.exact())),
            Raise::Batch(command) => failure.fix(format!("{command} --max-cost {}", enough.exact())),
            Raise::Set(flags) => failure.fix(set(enough, flags)),
            Raise::Under { ceiling, flags, .. } if needed <= *ceiling => failure.fix(set(enough.min(*ceiling), flags)),
            Raise::Under { above, flags, .. } => failure.fix(set(enough, above)).fix(set(enough, flags)),
            Raise::Edit(file) => failure.fix(format!("${{EDITOR:-vi}} {}", shell::path(file))),
        };
        let is_own = matches!(self.scope.kind, ScopeKind::Task | ScopeKind::Batch);
        if standing.uncertain.is_zero() && is_own { failure } else { failure.fix("vk budget list") }
    }
}

/// Twice the limit, or what the next call needs if that is more, in whole cents: a limit worth suggesting.
fn roomier(limit: Usd, needed: Usd) -> Usd {
    const CENT: i64 = 10_000_000;
    let over = |amount: Usd| (amount.nanos() / CENT).saturating_add(1);
    let twice = limit.nanos() / CENT * 2;
    Usd::from_cents(twice.max(over(needed)).max(100))
}
