//! Which of the user's limits bind a route, and what a task may cost under it.

use super::CredentialRef;
use crate::base::money::Usd;
use crate::config::settings::Budgets;
use crate::config::source::{Layer, Sourced};
use crate::domain::budget::{Per, Subject};
use crate::domain::path::PayPath;

/// Who would be charged: what a limit's subject is compared with.
#[derive(Clone, Copy, Debug)]
pub struct Charged<'a> {
    pub path: PayPath,
    pub provider: &'a str,
    pub credential: &'a CredentialRef,
}

impl Charged<'_> {
    /// Whether a limit on `subject` binds.
    #[must_use]
    pub fn is_bound_by(&self, subject: &Subject) -> bool {
        match subject {
            Subject::All | Subject::Project => true,
            Subject::Folder(_) => false,
            Subject::Path(path) => *path == self.path,
            Subject::Key { provider, label } => match self.credential {
                CredentialRef::Stored { provider: of, label: own, .. } => of == provider && own == label,
                CredentialRef::Env { .. } | CredentialRef::Login | CredentialRef::None => false,
            },
        }
    }
}

/// What a task may cost: what was given for this run, else the lowest limit on a task that binds it.
#[must_use]
pub fn task_cap<'a>(budgets: &'a Budgets, charged: &Charged<'_>) -> (Usd, &'a crate::config::Source) {
    let own = (budgets.task.value, &budgets.task.source);
    if budgets.task.layer() >= Layer::Env {
        return own;
    }
    let others = budgets.others.iter().filter(|budget| budget.per == Per::Task && charged.is_bound_by(&budget.of));
    let limits = others.map(|budget: &Sourced<_>| (budget.limit, &budget.source));
    limits.fold(own, |lowest, limit| if limit.0 < lowest.0 { limit } else { lowest })
}
