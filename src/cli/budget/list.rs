//! `vk budget list`: every budget that is set, and where it stands.

use jiff::Timestamp;

use crate::base::clock;
use crate::cli::args::ListOutput;
use crate::cli::context::Context;
use crate::cli::cost;
use crate::config::Flags;
use crate::domain::budget::{Per, Subject};
use crate::domain::failure::Failure;
use crate::ledger::{Ledger, Standing, WindowUse};
use crate::present;
use crate::present::budget::{self, PlanLimit, PlanRow, Row};
use crate::present::grid::Style;
use crate::task::caps;
use crate::task::prepare::Known;

pub(super) fn run(output: ListOutput, context: &Context) -> Result<(), Failure> {
    let known = Known::read(&context.env, &Flags::default(), &context.ui)?;
    let now = clock::now();
    let ledger = cost::open(&known.loaded, now, context)?;
    let rows = rows(&known, ledger.as_ref())?;
    let plans = plans(&known, ledger.as_ref(), now)?;
    let uncertain = ledger.map_or(Ok(Vec::new()), |ledger| ledger.uncertain())?;
    present::stdout(&match output {
        ListOutput::Json => budget::json(&rows, &plans, &uncertain, now),
        ListOutput::Table => budget::table(&rows, &plans, &uncertain, Style::of(&context.env, now)),
    })
}

/// After a change: what is left of the budgets of that window.
pub(super) fn tell_left(per: Per, context: &Context) -> Result<(), Failure> {
    let known = Known::read(&context.env, &Flags::default(), &context.ui)?;
    let ledger = cost::open(&known.loaded, clock::now(), context)?;
    for row in rows(&known, ledger.as_ref())?.iter().filter(|row| row.per == per) {
        if let Some(line) = row.left_line() {
            context.ui.say(&line);
        }
    }
    Ok(())
}

fn rows(known: &Known, ledger: Option<&Ledger>) -> Result<Vec<Row>, Failure> {
    let now = clock::now();
    let budgets = &known.loaded.settings.budget;
    let here = known.here();
    let mut rows = vec![Row {
        scope: "all",
        target: None,
        per: Per::Task,
        limit: budgets.task.value,
        standing: None,
        ends_at: None,
        source: budgets.task.source.to_string(),
    }];
    for budget in &budgets.others {
        let fingerprint = match &budget.of {
            Subject::Key { provider, label } => {
                let key = known.keys.iter().find(|key| key.provider == *provider && key.label == *label);
                key.map(|key| key.fingerprint.as_str())
            }
            _ => None,
        };
        let (scope, target) = match &budget.of {
            Subject::All => ("all", None),
            Subject::Project => ("project", Some(here.name.to_owned())),
            Subject::Folder(folder) => ("project", Some(folder.display().to_string())),
            Subject::Path(path) => ("path", Some(path.to_string())),
            Subject::Key { provider, label } => ("key", Some(format!("{provider}/{label}"))),
        };
        let cap = caps::window_cap(budgets, budget, here, fingerprint).filter(|cap| cap.scope.window.is_some());
        rows.push(Row {
            scope,
            target,
            per: budget.per,
            limit: budget.limit,
            standing: cap.map(|cap| standing(ledger, cap.scope, now)).transpose()?,
            ends_at: budget.per.window().map(|window| window.end(now)),
            source: budget.source.to_string(),
        });
    }
    for team in ledger.map_or(Ok(Vec::new()), Ledger::team_budgets)? {
        let scope = team.scope("");
        let by = if team.set_by.is_empty() { String::new() } else { format!(", by {}", team.set_by) };
        rows.push(Row {
            scope: "team",
            target: None,
            per: team.per,
            limit: team.limit,
            standing: scope.window.map(|_| standing(ledger, scope, now)).transpose()?,
            ends_at: team.per.window().map(|window| window.end(now)),
            source: format!("the ledger{by}"),
        });
    }
    Ok(rows)
}

/// The limits on plans, beside each plan that they bind now.
fn plans(known: &Known, ledger: Option<&Ledger>, now: Timestamp) -> Result<Vec<PlanRow>, Failure> {
    let limits = &known.loaded.settings.budget.plans;
    let mut rows = Vec::new();
    if let Some(quota) = &limits.quota {
        let row = |seen: Option<WindowUse>| PlanRow {
            project: quota.source.is_project().then(|| known.here().name.to_owned()),
            provider: seen.as_ref().map(|seen| seen.provider.clone()),
            account: seen.as_ref().map(|seen| seen.account.clone()).unwrap_or_default(),
            ends_at: seen.as_ref().and_then(|seen| seen.window.resets_at),
            source: quota.source.to_string(),
            limit: PlanLimit::Quota { part: quota.value, used: seen.map(|seen| (seen.window.name, seen.window.used)) },
        };
        let seen = ledger.map_or(Ok(Vec::new()), |ledger| ledger.plans_now(now))?;
        let none = seen.is_empty().then(|| row(None));
        rows.extend(seen.into_iter().map(|seen| row(Some(seen))).chain(none));
    }
    let dir = known.here().dir;
    for (limit, project) in [(&limits.tasks_day, None), (&limits.project_tasks_day, Some(dir))] {
        let Some(limit) = limit else { continue };
        let row = |provider: Option<String>, account: String, used: u32| PlanRow {
            limit: PlanLimit::TasksDay { most: limit.value, used },
            project: project.map(|_| known.here().name.to_owned()),
            provider,
            account,
            ends_at: Some(clock::Window::Day.end(now)),
            source: limit.source.to_string(),
        };
        let used = ledger.map_or(Ok(Vec::new()), |ledger| ledger.plans_today(project, now))?;
        let none = used.is_empty().then(|| row(None, String::new(), 0));
        rows.extend(used.into_iter().map(|(plan, account, used)| row(Some(plan), account, used)).chain(none));
    }
    Ok(rows)
}

fn standing(ledger: Option<&Ledger>, scope: crate::ledger::Scope, now: Timestamp) -> Result<Standing, Failure> {
    let Some(ledger) = ledger else { return Ok(Standing::untouched(scope)) };
    let standings = ledger.standing(std::slice::from_ref(&scope), now)?;
    Ok(standings.into_iter().next().unwrap_or_else(|| Standing::untouched(scope)))
}
