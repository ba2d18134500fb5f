//! `vk budget`: what may be spent, where that is set, what is left of it; and what an uncertain call did cost.

mod list;
mod settle;

use super::args::{BudgetArgs, BudgetCommand, BudgetOf, BudgetPer, ListOutput};
use super::context::Context;
use crate::base::money::{ParseUsdError, Usd};
use crate::base::{clock, shell};
use crate::config::error::nearest;
use crate::config::{self, Flags, Layer, Limit, Source, Sourced, trust};
use crate::domain::budget::{Per, Subject};
use crate::domain::failure::Failure;
use crate::domain::path::PayPath;
use crate::domain::quota::{ParsePartError, Part};
use crate::ledger::TeamBudget;
use crate::task::prepare::Known;
use crate::task::{caps, ledger};

/// # Errors
/// Exit 2 for what was typed or cannot be written, 7 for a project's file that is not trusted, 9 for the ledger.
pub fn run(args: BudgetArgs, context: &Context) -> Result<(), Failure> {
    match args.command.unwrap_or(BudgetCommand::List { output: ListOutput::Table }) {
        BudgetCommand::List { output } => list::run(output, context),
        BudgetCommand::Set { usd, per, quota, tasks_day, of } => {
            let plans = plan_limits(quota.as_deref(), tasks_day)?;
            if let (Some(usd), Some(per)) = (usd, per) {
                let amount = parse(&usd, |usd| format!("vk budget set {usd} {}", shown_flags(&of, Some(per_of(per)))))?;
                set(amount, per_of(per), &of, context)?;
            }
            if plans.is_empty() { Ok(()) } else { set_plans(&plans, &of, context) }
        }
        BudgetCommand::Clear { quota: false, tasks_day: false, per, of } => clear(per.map(per_of), &of, context),
        BudgetCommand::Clear { quota, tasks_day, of, .. } => {
            let plans = [quota.then_some(Limit::Quota(None)), tasks_day.then_some(Limit::TasksDay(None))];
            set_plans(&plans.into_iter().flatten().collect::<Vec<_>>(), &of, context)
        }
        BudgetCommand::Settle { attempt, usd } => {
            let cost = parse(&usd, |usd| format!("vk budget settle {} {usd}", shell::word(&attempt)))?;
            settle::run(&attempt, cost, context)
        }
    }
}

const fn per_of(per: BudgetPer) -> Per {
    match per {
        BudgetPer::Task => Per::Task,
        BudgetPer::Day => Per::Day,
        BudgetPer::Week => Per::Week,
        BudgetPer::Month => Per::Month,
    }
}

fn plan_limits(quota: Option<&str>, tasks_day: Option<u32>) -> Result<Vec<Limit>, Failure> {
    let part = quota.map(|text| {
        text.parse().map_err(|error: ParsePartError| {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            let meant = format!("{digits}%").parse::<Part>().map_or_else(|_| "80%".to_owned(), |part| part.to_string());
            Failure::usage("bad_quota", error.to_string()).fix(format!("vk budget set --quota {meant}"))
        })
    });
    let quota = part.transpose()?.map(|part| Limit::Quota(Some(part)));
    Ok(quota.into_iter().chain(tasks_day.map(|tasks| Limit::TasksDay(Some(tasks)))).collect())
}

/// The limits of plans, of the user or of the project.
fn set_plans(limits: &[Limit], of: &BudgetOf, context: &Context) -> Result<(), Failure> {
    let known = Known::read(&context.env, &Flags::default(), &context.ui)?;
    let subject = if of.project { Subject::Project } else { Subject::All };
    write(&subject, limits, &known, context)?;
    if subject == Subject::All && !limits.iter().all(Limit::is_taken_out) {
        let binds = &config::load(&context.env, &Flags::default())?.settings.budget.plans;
        let project = binds.quota.as_ref().filter(|quota| quota.source.is_project());
        if let Some(quota) = project.filter(|_| limits.iter().any(|limit| matches!(limit, Limit::Quota(_)))) {
            context.ui.say(&format!("note: {} says {} here, which is lower", quota.source, quota.value));
        }
    }
    Ok(())
}

fn parse(text: &str, again: impl FnOnce(&str) -> String) -> Result<Usd, Failure> {
    text.parse().map_err(|error: ParseUsdError| {
        // `20,00` and `20 USD` are what people write elsewhere.
        let plain = text.trim().trim_start_matches('$').trim_end_matches("USD").trim().replace(',', ".");
        let failure = Failure::usage("bad_amount", error.to_string());
        match plain.parse::<Usd>() {
            Ok(meant) => failure.fix(again(&meant.exact())),
            // No amount is made up: it would be written by whoever pastes the command.
            Err(_) => failure.why("an amount is written like 20 or 0.25, in USD").fix("vk budget --help"),
        }
    })
}

/// The flags as they were typed.
fn shown_flags(of: &BudgetOf, per: Option<Per>) -> String {
    let mut flags: Vec<String> = per.map(|per| format!("--per {per}")).into_iter().collect();
    flags.extend(of.project.then(|| "--project".to_owned()));
    flags.extend(of.path.as_ref().map(|path| format!("--path {path}")));
    flags.extend(of.key.as_ref().map(|key| format!("--key {}", shell::word(key))));
    flags.extend(of.team.then(|| "--team".to_owned()));
    flags.join(" ")
}

/// Where a budget is kept.
enum Place {
    File(Subject),
    Ledger,
}

fn place(of: &BudgetOf, known: &Known) -> Result<Place, Failure> {
    if of.team {
        return Ok(Place::Ledger);
    }
    if of.project {
        return Ok(Place::File(Subject::Project));
    }
    if let Some(path) = &of.path {
        let path: PayPath = path
            .parse()
            .map_err(|error| Failure::usage("bad_value", format!("--path: {error}")).fix("vk budget set --help"))?;
        return Ok(Place::File(Subject::Path(path)));
    }
    match &of.key {
        Some(name) => key(name, known).map(Place::File),
        None => Ok(Place::File(Subject::All)),
    }
}

/// The stored key that a label, or a provider and a label, names.
fn key(name: &str, known: &Known) -> Result<Subject, Failure> {
    let (provider, label) = name.split_once('/').map_or((None, name), |(provider, label)| (Some(provider), label));
    let fits = |key: &&crate::credential::KeyInfo| {
        key.label == label && provider.is_none_or(|provider| key.provider == provider)
    };
    let found: Vec<_> = known.keys.iter().filter(fits).collect();
    if let [key] = found[..] {
        return Ok(Subject::Key { provider: key.provider.clone(), label: key.label.clone() });
    }
    if found.is_empty() {
        let failure = Failure::usage("no_such_key", format!("no stored key is called {name}"));
        let labels = known.keys.iter().map(|key| key.label.as_str());
        let near = nearest(label, labels).map(|near| format!("--key {near}"));
        let failure = near.into_iter().fold(failure, Failure::fix);
        return Err(failure.fix("vk keys list"));
    }
    let several = Failure::usage("several_keys", format!("several providers have a key that is called {name}"));
    Err(found.iter().fold(several, |failure, key| failure.fix(format!("--key {}/{}", key.provider, key.label))))
}

fn set(amount: Usd, per: Per, of: &BudgetOf, context: &Context) -> Result<(), Failure> {
    let known = Known::read(&context.env, &Flags::default(), &context.ui)?;
    let before = format!("vk budget set {} --per {per} ", amount.exact());
    match place(of, &known).map_err(|failure| whole(failure, &before))? {
        Place::Ledger => {
            let ledger = known.open_ledger()?;
            let set_by = ledger::user(&known.loaded, &context.env);
            ledger.set_team_budget(&TeamBudget { per, limit: amount, set_by, set_at: clock::now() })?;
            context.ui.say(&format!("the ledger (written): {amount} a {per} for everyone who uses it"));
        }
        Place::File(subject) => {
            write(&subject, &[Limit::Usd(per, Some(amount))], &known, context)?;
            for line in overridden(&subject, per, amount, context)? {
                context.ui.say(&line);
            }
        }
    }
    list::tell_left(per, context)
}

fn whole(mut failure: Failure, before: &str) -> Failure {
    for fix in failure.fix.iter_mut().filter(|fix| fix.starts_with("--")) {
        *fix = format!("{before}{fix}");
    }
    failure
}

fn write(subject: &Subject, limits: &[Limit], known: &Known, context: &Context) -> Result<(), Failure> {
    let draft = config::draft_budget(&context.env, &known.loaded, subject, limits)?;
    if draft.is_unchanged() || (draft.is_nothing_new() && limits.iter().all(Limit::is_taken_out)) {
        context.ui.say(&format!("{} (was so already): {}", draft.shown, draft.lines.join(", ")));
        return Ok(());
    }
    if *subject == Subject::Project {
        trust::ask_whole(&known.loaded, context.ui.as_ref())?;
    }
    draft.write(&known.loaded)?;
    context.ui.say(&format!("{} (written): {}", draft.shown, draft.lines.join(", ")));
    Ok(())
}

/// What binds more tightly than the budget that was just written, or stands above it.
fn overridden(subject: &Subject, per: Per, amount: Usd, context: &Context) -> Result<Vec<String>, Failure> {
    let settings = config::load(&context.env, &Flags::default())?.settings;
    let task = &settings.budget.task;
    if per == Per::Task && task.layer() >= Layer::Env {
        return Ok(vec![format!("warning: {} says {}, which wins over every file here", task.source, task.value)]);
    }
    if *subject == Subject::All && per == Per::Task && task.value < amount {
        return Ok(vec![format!("note: {} says {} here, which is lower", task.source, task.value)]);
    }
    let others = settings.budget.others.iter();
    let lower = others.filter(|other| other.per == per && other.of != *subject && other.limit < amount);
    Ok(lower
        .filter(|other| !matches!(other.of, Subject::Folder(_)))
        .map(|other| format!("note: {} {} ({}) binds beside it", other.limit, other.of, other.source))
        .collect())
}

fn clear(per: Option<Per>, of: &BudgetOf, context: &Context) -> Result<(), Failure> {
    let known = Known::read(&context.env, &Flags::default(), &context.ui)?;
    if per.is_none() && *of == BudgetOf::default() {
        return Err(clear_what(&known)?);
    }
    let pers = per.map_or(Per::ALL.to_vec(), |per| vec![per]);
    let before = per.map_or_else(|| "vk budget clear ".to_owned(), |per| format!("vk budget clear --per {per} "));
    match place(of, &known).map_err(|failure| whole(failure, &before))? {
        Place::Ledger => {
            let mut cleared = Vec::new();
            if let Some(ledger) = known.ledger()? {
                for per in pers {
                    if ledger.clear_team_budget(per)? {
                        cleared.push(format!("no budget a {per}"));
                    }
                }
            }
            let said = if cleared.is_empty() { "(was so already)".to_owned() } else { cleared.join(", ") };
            context.ui.say(&format!("the ledger: {said} for everyone who uses it"));
        }
        Place::File(subject) => {
            let limits: Vec<_> = pers.iter().map(|per| Limit::Usd(*per, None)).collect();
            write(&subject, &limits, &known, context)?;
            if subject == Subject::All && pers.contains(&Per::Task) {
                let task = config::load(&context.env, &Flags::default())?.settings.budget.task;
                context.ui.say(&format!("a task stops at {} ({})", task.value, task.source));
            }
        }
    }
    Ok(())
}

/// `vk budget clear` alone names each budget that could be meant.
fn clear_what(known: &Known) -> Result<Failure, Failure> {
    let budgets = &known.loaded.settings.budget;
    let mut commands: Vec<String> = Vec::new();
    if budgets.task.layer() == Layer::User {
        commands.push("vk budget clear --per task".to_owned());
    }
    let others = budgets.others.iter().filter(|budget| match budget.of {
        Subject::Folder(_) => false,
        Subject::Project => budget.source.is_project(),
        _ => true,
    });
    commands.extend(others.map(|budget| format!("vk budget clear {}", caps::flags(&budget.of, budget.per))));
    let plans = [
        ("--quota", plan_source(budgets.plans.quota.as_ref())),
        ("--tasks-day", plan_source(budgets.plans.tasks_day.as_ref())),
    ];
    commands.extend(plans.iter().filter_map(|(flag, source)| {
        let project = if source.as_ref()?.is_project() { " --project" } else { "" };
        Some(format!("vk budget clear {flag}{project}"))
    }));
    commands.extend(budgets.plans.project_tasks_day.iter().map(|_| "vk budget clear --tasks-day --project".to_owned()));
    if let Some(ledger) = known.ledger()? {
        let team = ledger.team_budgets()?;
        commands.extend(team.iter().map(|budget| format!("vk budget clear --per {} --team", budget.per)));
    }
    let failure = Failure::usage("clear_what", "vk budget clear was not told which budget");
    Ok(commands.into_iter().fold(failure, Failure::fix).fix("vk budget list"))
}

fn plan_source<T>(limit: Option<&Sourced<T>>) -> Option<&Source> {
    limit.map(|limit| &limit.source)
}
