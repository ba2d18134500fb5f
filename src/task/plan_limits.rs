//! The limits on a plan, `quota` and `tasks_day`, before a task uses it. What is used later is watched by the engine.

use super::prepare::Known;
use crate::agent::plan::Quota;
use crate::base::clock;
use crate::config::{PlanLimits, Sourced};
use crate::domain::failure::{Failure, Status};
use crate::domain::path::PayPath;
use crate::domain::quota::Window;
use crate::domain::route::Route;
use crate::ledger::{Claim, Ledger, PlanKey, TasksDay};

/// The quota that binds, as an engine watches it.
#[must_use]
pub fn quota(limits: &PlanLimits) -> Option<Quota> {
    let quota = limits.quota.as_ref()?;
    Some(Quota {
        part: quota.value,
        source: quota.source.to_string(),
        of_project: quota.source.is_project(),
        ceiling: limits.quota_ceiling.as_ref().map(|ceiling| ceiling.value),
    })
}

/// Counts the task among those of its plan today, where the plan's limits leave room for it.
///
/// # Errors
/// Exit 5 with what is used, when it begins anew, and what raises it; exit 9 for a ledger that cannot tell.
pub fn claim(known: &Known, ledger: &Ledger, route: &Route, task_id: &str) -> Result<(), Failure> {
    if route.path != PayPath::Subscription {
        return Ok(());
    }
    let (plan, now) = (PlanKey::of(route), clock::now());
    let limits = &known.loaded.settings.budget.plans;
    if let Some(quota) = quota(limits) {
        quota.check(&route.provider, &windows(known, ledger, route)?)?;
    }
    let dir = known.here().dir;
    let all = [(limits.tasks_day.as_ref(), None), (limits.project_tasks_day.as_ref(), Some(dir))];
    let (sourced, days): (Vec<&Sourced<u32>>, Vec<TasksDay<'_>>) = all
        .into_iter()
        .filter_map(|(limit, project_dir)| Some((limit?, TasksDay { limit: limit?.value, project_dir })))
        .unzip();
    match ledger.claim_plan(plan, task_id, dir, &days, now)? {
        Claim::Granted => Ok(()),
        Claim::Full { limit, used } => Err(full(known, route, sourced[limit], used)),
    }
}

/// The windows as the program told them just now, else as they were last seen.
fn windows(known: &Known, ledger: &Ledger, route: &Route) -> Result<Vec<Window>, Failure> {
    if let Some(told) = known.told(route).filter(|told| !told.said.windows.is_empty()) {
        return Ok(told.said.windows.clone());
    }
    let plan = PlanKey::of(route);
    let seen = ledger.plans_now(clock::now())?.into_iter();
    Ok(seen.filter(|one| one.provider == plan.provider && one.account == plan.account).map(|one| one.window).collect())
}

fn full(known: &Known, route: &Route, limit: &Sourced<u32>, used: u32) -> Failure {
    let of_project = limit.source.is_project();
    let place = if of_project { format!(" in project {}", known.loaded.project.name) } else { String::new() };
    let tasks = if used == 1 { "1 task has" } else { &format!("{used} tasks have") };
    let what = format!("{tasks} used the {} plan today{place}, and your budget stops there", route.provider);
    let anew = crate::base::clock::Window::Day.end(clock::now()).strftime("%Y-%m-%d %H:%M UTC");
    let why = format!("budget.tasks_day = {} ({})\nthe day ends {anew}", limit.value, limit.source);
    let failure = Failure::new(Status::Budget, "plan_tasks_day", what).why(why);
    let enough = used.max(limit.value).saturating_add(10);
    let above = known.loaded.settings.budget.plans.tasks_day.as_ref();
    let failure = match above {
        Some(above) if of_project && above.value < enough => failure.fix(format!("vk budget set --tasks-day {enough}")),
        _ => failure,
    };
    let project = if of_project { " --project" } else { "" };
    failure.fix(format!("vk budget set --tasks-day {enough}{project}"))
}
