//! The layers on top of each other. A higher layer replaces what a lower one says; a project can only tighten.

use std::collections::BTreeMap;

use super::budget::{self, Amounts, Budget, Ceilings};
use super::edge::Edge;
use super::error::ConfigError;
use super::free::FreeSettings;
use super::given::Given;
use super::mcp;
use super::plan_budget::PlanLimits;
use super::project_file::{Choice, ProjectValues};
use super::provider::ProviderSettings;
use super::settings::{Budgets, Require, SandboxSettings, Settings};
use super::source::{Layer, Sourced};
use super::user_file::{UserValues, check_edge};
use super::worktree::WorktreeSettings;
use crate::base::money::Usd;
use crate::domain::budget::{Per, Subject};

/// What a task may cost on a billed path unless somebody says otherwise.
pub const DEFAULT_TASK_BUDGET: Usd = Usd::from_cents(500);

/// The layers above the built-in one, parsed; `personal` from the outer folder to the inner.
pub(super) struct Layers {
    pub(super) user: UserValues,
    pub(super) project: ProjectValues,
    pub(super) personal: Vec<Choice>,
    /// The user's budgets but a task's own, as they are called in this project.
    pub(super) budgets: Vec<Sourced<Budget>>,
    pub(super) env: Given,
    pub(super) flags: Given,
}

/// What the user's own layers allow a task to cost.
fn users_limit(user: &UserValues, env: &Given, flags: &Given) -> Sourced<Usd> {
    let own = flags.budget_task.as_ref().or(env.budget_task.as_ref()).or(user.budget_task.as_ref());
    own.cloned().unwrap_or(Sourced::built_in(DEFAULT_TASK_BUDGET))
}

/// The most that a project may ask for: what the user's file allows, or more where this run was allowed more.
pub(super) fn ceilings(user: &UserValues, env: &Given, flags: &Given) -> Ceilings {
    let file = user.budget_task.clone().unwrap_or(Sourced::built_in(DEFAULT_TASK_BUDGET));
    let given = [&flags.budget_task, &env.budget_task].into_iter().flatten();
    let task = given.fold(file, |most, given| if given.value > most.value { given.clone() } else { most });
    let windows = user.budgets.iter().filter(|budget| budget.of == Subject::All);
    let window = |budget: &Sourced<Budget>| (budget.per, Sourced::new(budget.limit, budget.source.clone()));
    let amounts = [(Per::Task, task)].into_iter().chain(windows.map(window)).collect();
    Ceilings { amounts, plans: user.plan_budgets.clone() }
}

/// The settings, and what has to be said about values that were set aside.
pub(super) fn merge(layers: Layers) -> Result<(Settings, Vec<String>), ConfigError> {
    let Layers { user, project, personal, mut budgets, env, flags } = layers;
    let limit = users_limit(&user, &env, &flags);
    let (tasks, windows): (Amounts, Amounts) = project.budget.into_iter().partition(|(per, _)| *per == Per::Task);
    let task = match tasks.into_iter().next() {
        Some((_, task)) if limit.layer() < Layer::Project && task.value <= limit.value => task,
        _ => limit,
    };
    budgets.extend(budget::limits(&Subject::Project, windows));
    let stack: Vec<Choice> =
        [user.choice, project.choice].into_iter().chain(personal).chain([env.choice, flags.choice]).collect();
    let (choice, mut warnings) = choose(&stack, &user.providers);
    let (mcp, set_aside) = mcp::merge(user.mcp, project.mcp, flags.mcp.as_ref())?;
    warnings.extend(set_aside);
    let model_is_higher = choice.model.as_ref().is_some_and(|model| model.layer() > Layer::Project);
    let settings = Settings {
        path: choice.path,
        provider: choice.provider,
        model: choice.model,
        key: choice.key,
        models: if model_is_higher { Vec::new() } else { project.models },
        checks: if flags.checks.is_empty() { project.checks } else { flags.checks },
        budget: Budgets { task, others: budgets, plans: PlanLimits::of(user.plan_budgets, project.plan_budgets) },
        fallback: edges(user.fallback, flags.fallback, &user.providers)?,
        sandbox: SandboxSettings {
            require: user.require.unwrap_or(Sourced::built_in(Require::Partial)),
            read: user.read,
            write: user.write,
            env: user.env,
        },
        free: FreeSettings {
            pool: project.free.pool.or(user.free.pool),
            allow_training: user.free.allow_training.unwrap_or(Sourced::built_in(false)),
        },
        mcp,
        ledger: user.ledger,
        codex_issuer: user.codex_issuer,
        builtin: false,
        bell: user.bell.unwrap_or(Sourced::built_in(true)),
        worktree: if flags.worktree { project.worktree } else { WorktreeSettings::default() },
        providers: user.providers,
    };
    Ok((settings, warnings))
}

/// The highest value of each, except that a provider belongs to the path it was named under, and a key to its provider:
/// when a higher layer moves the payer, what was said for the old one is set aside rather than tried on the new.
fn choose(stack: &[Choice], providers: &BTreeMap<String, ProviderSettings>) -> (Choice, Vec<String>) {
    let mut warnings = Vec::new();
    let path = top(stack, |choice| choice.path.as_ref());
    let mut provider = top(stack, |choice| choice.provider.as_ref());
    if let (Some((path_at, path)), Some((at, named))) = (path, provider)
        && path_at > at
        && providers.get(&named.value).is_some_and(|settings| !settings.serves(path.value))
    {
        warnings.push(format!(
            "provider {} ({}) is not {} ({}) and is set aside",
            named.value, named.source, path.value, path.source
        ));
        provider = None;
    }
    let mut key = top(stack, |choice| choice.key.as_ref());
    if let Some((at, named)) = key {
        let below = &stack[..=at];
        let was_for = top(below, |choice| choice.provider.as_ref()).map(|(_, provider)| &provider.value);
        let is_for = provider.map(|(_, provider)| &provider.value);
        let old_path = top(below, |choice| choice.path.as_ref()).map(|(_, path)| path.value);
        let moved = was_for.is_some() && was_for != is_for;
        let other_path = old_path.is_some() && old_path != path.map(|(_, path)| path.value);
        if moved || (was_for.is_none() && other_path) {
            let what = was_for.map_or_else(|| "another path".to_owned(), Clone::clone);
            warnings.push(format!("key {} ({}) is for {what} and is set aside", named.value, named.source));
            key = None;
        }
    }
    let model = top(stack, |choice| choice.model.as_ref());
    let choice = Choice {
        path: path.map(|(_, path)| path.clone()),
        provider: provider.map(|(_, provider)| provider.clone()),
        model: model.map(|(_, model)| model.clone()),
        key: key.map(|(_, key)| key.clone()),
    };
    (choice, warnings)
}

/// The highest layer that has the value, and its place in the stack.
fn top<'a, T>(
    stack: &'a [Choice],
    value: impl Fn(&'a Choice) -> Option<&'a Sourced<T>>,
) -> Option<(usize, &'a Sourced<T>)> {
    stack.iter().enumerate().rev().find_map(|(at, choice)| value(choice).map(|found| (at, found)))
}

/// The user's edges; one given as a flag replaces the one between the same payers.
fn edges(
    user: Vec<Sourced<Edge>>,
    flags: Vec<Sourced<Edge>>,
    providers: &BTreeMap<String, ProviderSettings>,
) -> Result<Vec<Sourced<Edge>>, ConfigError> {
    for edge in &flags {
        check_edge(edge, providers).map_err(|what| ConfigError::Given { origin: "--fallback", what, fix: None })?;
    }
    let given = |edge: &Sourced<Edge>| flags.iter().any(|flag| flag.from == edge.from && flag.to == edge.to);
    let kept: Vec<_> = user.into_iter().filter(|edge| !given(edge)).collect();
    Ok(kept.into_iter().chain(flags).collect())
}

#[cfg(test)]
mod tests;
