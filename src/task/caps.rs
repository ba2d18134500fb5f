//! From the settings and a route to the budgets that bind a task, each with its source and with what raises it. Pure;
//! those that the ledger keeps itself bind beside them, in the ledger.

use std::path::{Path, PathBuf};

use crate::base::money::Usd;
use crate::config::{Budget, Budgets, Layer, Source, Sourced};
use crate::domain::budget::{Per, Subject};
use crate::domain::route::Route;
use crate::ledger::{Cap, Raise, Scope, ScopeKind, TeamBudget};
use crate::routing::{self, Charged};

/// The project at hand, as budgets speak of it.
#[derive(Clone, Copy, Debug)]
pub struct Here<'a> {
    /// The folder that the ledger knows it by.
    pub dir: &'a Path,
    pub name: &'a str,
}

/// Every budget that binds `task_id` under this route; none where no money moves.
#[must_use]
pub fn of_task(budgets: &Budgets, route: &Route, here: Here<'_>, task_id: &str) -> Vec<Cap> {
    if !route.is_billed() {
        return Vec::new();
    }
    let charged = Charged { path: route.path, provider: &route.provider, credential: &route.credential };
    let mut caps: Vec<Cap> = route.cap.map(|cap| own_cap(budgets, &charged, cap, task_id)).into_iter().collect();
    let windows = budgets.others.iter().filter(|budget| budget.per != Per::Task && charged.is_bound_by(&budget.of));
    caps.extend(windows.filter_map(|budget| window_cap(budgets, budget, here, route.credential.fingerprint())));
    caps
}

/// The cap of the task itself. It may be lower than the settings say: an edge allows less, or the ledger does.
fn own_cap(budgets: &Budgets, charged: &Charged<'_>, cap: Usd, task_id: &str) -> Cap {
    let (_, source) = routing::task_cap(budgets, charged);
    Cap { scope: Scope::task(task_id, cap), whose: String::new(), source: source.to_string(), raise: Raise::Flag }
}

/// A budget of a window as a cap. `fingerprint` is the key's, where the budget is one's; without it nothing can count.
#[must_use]
pub fn window_cap(
    budgets: &Budgets,
    budget: &Sourced<Budget>,
    here: Here<'_>,
    fingerprint: Option<&str>,
) -> Option<Cap> {
    let (kind, key) = match &budget.of {
        Subject::All => (ScopeKind::Global, String::new()),
        Subject::Project => (ScopeKind::Project, here.dir.to_string_lossy().into_owned()),
        Subject::Folder(folder) => (ScopeKind::Project, folder.to_string_lossy().into_owned()),
        Subject::Path(path) => (ScopeKind::Path, path.to_string()),
        Subject::Key { .. } => (ScopeKind::Key, fingerprint?.to_owned()),
    };
    let whose = match &budget.of {
        Subject::Project => format!("in project {}", here.name),
        other => other.to_string(),
    };
    let scope = Scope { kind, key, window: budget.per.window(), limit: budget.limit };
    Some(Cap { scope, whose, source: budget.source.to_string(), raise: raise(budgets, budget) })
}

/// What raises a budget that a file sets.
fn raise(budgets: &Budgets, budget: &Sourced<Budget>) -> Raise {
    let flags = flags(&budget.of, budget.per);
    match (&budget.of, budget.source.layer()) {
        (Subject::Project, Layer::Project) => {
            let above = budgets.others.iter().find(|other| other.of == Subject::All && other.per == budget.per);
            above.map_or(Raise::Set(flags.clone()), |above| Raise::Under {
                ceiling: above.limit,
                above: self::flags(&Subject::All, budget.per),
                flags: flags.clone(),
            })
        }
        (Subject::Project | Subject::Folder(_), _) => Raise::Edit(file_of(&budget.source)),
        _ => Raise::Set(flags),
    }
}

/// The flags of `vk budget set` and `clear` that name a budget.
#[must_use]
pub fn flags(of: &Subject, per: Per) -> String {
    match of {
        Subject::All | Subject::Folder(_) => format!("--per {per}"),
        Subject::Project => format!("--per {per} --project"),
        Subject::Path(path) => format!("--per {per} --path {path}"),
        Subject::Key { provider, label } => format!("--per {per} --key {provider}/{label}"),
    }
}

/// The file that a budget stands in, to be opened.
fn file_of(source: &Source) -> PathBuf {
    match source {
        Source::User(place) | Source::Project(place) | Source::Personal(place) => place.file.to_path_buf(),
        Source::BuiltIn | Source::Env(_) | Source::Flag(_) => PathBuf::new(),
    }
}

/// The ledger's own budgets as caps of a task.
#[must_use]
pub fn of_ledger(team: &[TeamBudget], task_id: &str) -> Vec<Cap> {
    team.iter().map(|budget| Cap::of_ledger(budget.scope(task_id))).collect()
}
