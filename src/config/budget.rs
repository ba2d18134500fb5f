//! `[budget]` and its like: what may be spent by a task, in a day, a week, a month; by everything, by a project, on a
//! path, with a key. What it comes to for a route is for `task/caps`, what is left of it for the ledger.

use std::collections::BTreeMap;

use super::document::{Entry, Reason, Refused, Table};
use super::error::{ConfigError, did_you_mean};
use super::names;
use super::plan_budget::{self, PlanBudgets};
use super::provider::ProviderSettings;
use super::source::Sourced;
use crate::base::money::Usd;
use crate::domain::budget::{Per, Subject};
use crate::domain::path::PayPath;

/// One limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    pub of: Subject,
    pub per: Per,
    pub limit: Usd,
}

/// The amounts of one table.
pub(super) type Amounts = Vec<(Per, Sourced<Usd>)>;

const PERS: [&str; 4] = ["task", "day", "week", "month"];
/// The two of plans.
pub(super) const QUOTA: &str = "quota";
pub(super) const TASKS_DAY: &str = "tasks_day";

const REFUSED: [Refused; 2] = [of_all_plans(QUOTA), of_all_plans(TASKS_DAY)];

const fn of_all_plans(key: &'static str) -> Refused {
    let why = "it limits each plan, and a plan is no key and no other path";
    Refused { key, reason: Reason::NotHere { why, instead: "write it under [budget]" } }
}

/// What a project may ask for at most.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Ceilings {
    pub(super) amounts: Amounts,
    pub(super) plans: PlanBudgets,
}

/// What the user's own file says.
pub(super) struct OfUser {
    pub(super) task: Option<Sourced<Usd>>,
    pub(super) others: Vec<Sourced<Budget>>,
    pub(super) plans: PlanBudgets,
}

/// The user's `[budget]`: their own amount for each task, and every other limit.
pub(super) fn of_user(
    entry: &Entry<'_>,
    providers: &BTreeMap<String, ProviderSettings>,
) -> Result<OfUser, ConfigError> {
    let mut table = entry.table()?;
    table.expect(&["task", "day", "week", "month", QUOTA, TASKS_DAY, "paths", "keys"], &[])?;
    let plans = plan_budget::take(&mut table)?;
    let mut amounts = take(&mut table)?;
    let task = amounts.iter().position(|(per, _)| *per == Per::Task).map(|at| amounts.remove(at).1);
    let mut all = limits(&Subject::All, amounts);
    if let Some(paths) = table.take("paths") {
        for entry in paths.table()?.into_entries() {
            let subject = Subject::Path(billed_path(&entry)?);
            all.extend(limits(&subject, only_amounts(&entry)?));
        }
    }
    if let Some(keys) = table.take("keys") {
        for entry in keys.table()?.into_entries() {
            let subject = key(&entry, providers)?;
            all.extend(limits(&subject, only_amounts(&entry)?));
        }
    }
    Ok(OfUser { task, others: all, plans })
}

/// A table of amounts and nothing else.
pub(super) fn only_amounts(entry: &Entry<'_>) -> Result<Amounts, ConfigError> {
    let mut table = entry.table()?;
    table.expect(&PERS, &REFUSED)?;
    take(&mut table)
}

/// A project's `[budget]`: at most the `ceilings`, where there is one of its kind.
pub(super) fn of_project(entry: &Entry<'_>, ceilings: &Ceilings) -> Result<(Amounts, PlanBudgets), ConfigError> {
    let mut table = entry.table()?;
    table.expect(&["task", "day", "week", "month", QUOTA, TASKS_DAY], &[])?;
    let plans = plan_budget::take_under(&mut table, &ceilings.plans)?;
    let mut amounts = Vec::new();
    for per in Per::ALL {
        let Some(entry) = table.take(per.as_str()) else { continue };
        let amount: Sourced<Usd> = entry.parsed(&[])?;
        let ceiling = ceilings.amounts.iter().find(|(of, _)| *of == per).map(|(_, limit)| limit);
        if let Some(limit) = ceiling.filter(|limit| amount.value > limit.value) {
            let whose = if per == Per::Task { "a task".to_owned() } else { format!("a {per}") };
            let what = format!(
                "{whose} may cost {} at most ({}), and a project may only lower that",
                limit.value, limit.source
            );
            let or = if per == Per::Task { ", or VK_BUDGET_TASK" } else { "" };
            let instead =
                format!("[budget] {per} = \"{}\" in your own config.toml allows it{or}", amount.value.exact());
            return Err(entry.wrong_value(what).instead(instead).into());
        }
        amounts.push((per, amount));
    }
    Ok((amounts, plans))
}

fn take(table: &mut Table<'_>) -> Result<Amounts, ConfigError> {
    let mut amounts = Vec::new();
    for per in Per::ALL {
        if let Some(entry) = table.take(per.as_str()) {
            amounts.push((per, entry.parsed(&[])?));
        }
    }
    Ok(amounts)
}

/// The amounts of one subject.
pub(super) fn limits(of: &Subject, amounts: Amounts) -> Vec<Sourced<Budget>> {
    let budget = |(per, limit): (Per, Sourced<Usd>)| {
        Sourced::new(Budget { of: of.clone(), per, limit: limit.value }, limit.source)
    };
    amounts.into_iter().map(budget).collect()
}

fn billed_path(entry: &Entry<'_>) -> Result<PayPath, ConfigError> {
    let path: PayPath = entry.key.parse().map_err(|_| {
        let hint = did_you_mean(&entry.key, ["byok", "platform"]);
        entry.wrong_key("unknown_key", format!("\"{}\" is no path{hint}", entry.key))
    })?;
    if path.is_billed() {
        return Ok(path);
    }
    let what = format!("nothing is charged by the token on path {path}, so there is nothing to limit");
    Err(entry.wrong_key("bad_value", what).into())
}

fn key(entry: &Entry<'_>, providers: &BTreeMap<String, ProviderSettings>) -> Result<Subject, ConfigError> {
    let parts = entry
        .key
        .split_once('/')
        .filter(|(provider, label)| names::is_provider(provider) && names::is_key_label(label));
    let Some((provider, label)) = parts else {
        let wrong = entry.wrong_key("bad_value", "a key is named by its provider and label");
        return Err(wrong.instead("write [budget.keys.\"anthropic/client-a\"]").into());
    };
    if !providers.contains_key(provider) {
        let hint = did_you_mean(provider, providers.keys().map(String::as_str));
        return Err(entry.wrong_key("unknown_key", format!("\"{provider}\" is no provider you have{hint}")).into());
    }
    Ok(Subject::Key { provider: provider.to_owned(), label: label.to_owned() })
}
