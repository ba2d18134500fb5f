//! Every setting in one list with its source: what `vk route` and `vk doctor` print.

use super::source::{Source, Sourced};
use super::{Budget, Loaded, ProviderSettings};
use crate::domain::budget::Subject;

/// One line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// As in the file: `budget.task`, `providers.work.base_url`.
    pub key: String,
    pub value: String,
    pub source: Source,
}

/// The settings in use. Built-in providers are left out unless something about them was changed.
#[must_use]
pub fn describe(loaded: &Loaded) -> Vec<Described> {
    let settings = &loaded.settings;
    let mut all = Vec::new();
    add(&mut all, "path", settings.path.as_ref());
    add(&mut all, "provider", settings.provider.as_ref());
    add(&mut all, "model", settings.model.as_ref());
    add(&mut all, "key", settings.key.as_ref());
    for rule in &settings.models {
        let value = format!("{} for tasks that match {}", rule.model, rule.pattern);
        all.push(Described { key: "models".to_owned(), value, source: rule.source.clone() });
    }
    for check in &settings.checks {
        add(&mut all, "checks", Some(check));
    }
    add(&mut all, "budget.task", Some(&settings.budget.task));
    let plans = &settings.budget.plans;
    add(&mut all, "budget.quota", plans.quota.as_ref());
    add(&mut all, "budget.tasks_day", plans.tasks_day.as_ref());
    add(&mut all, "budget.tasks_day", plans.project_tasks_day.as_ref());
    for budget in &settings.budget.others {
        let key = budget_key(budget);
        all.push(Described { key, value: budget.limit.to_string(), source: budget.source.clone() });
    }
    for edge in &settings.fallback {
        let value = format!("{}: {}", edge.value, edge.allow);
        all.push(Described { key: "fallback".to_owned(), value, source: edge.source.clone() });
    }
    add(&mut all, "free.pool", settings.free.pool.as_ref());
    if settings.free.allow_training.source != Source::BuiltIn {
        add(&mut all, "free.allow_training", Some(&settings.free.allow_training));
    }
    if settings.bell.source != Source::BuiltIn {
        add(&mut all, "bell", Some(&settings.bell));
    }
    for (name, provider) in &settings.providers {
        describe_provider(&mut all, name, provider);
    }
    for server in &settings.mcp {
        let key = format!("mcp.{}", server.name);
        all.push(Described { key, value: server.to_string(), source: server.source.clone() });
    }
    if let Some(ledger) = &settings.ledger {
        add(&mut all, "ledger.url", Some(&ledger.database));
        add(&mut all, "ledger.key", ledger.key.as_ref());
        add(&mut all, "ledger.user", ledger.user.as_ref());
    }
    let sandbox = &settings.sandbox;
    let require = Sourced::new(sandbox.require.as_str(), sandbox.require.source.clone());
    add(&mut all, "sandbox.require", Some(&require));
    for (key, folders) in [("sandbox.read", &sandbox.read), ("sandbox.write", &sandbox.write)] {
        all.extend(folders.iter().map(|folder| Described {
            key: key.to_owned(),
            value: folder.display().to_string(),
            source: folder.source.clone(),
        }));
    }
    for name in &sandbox.env {
        add(&mut all, "sandbox.env", Some(name));
    }
    all
}

/// As it stands in the file that says it.
fn budget_key(budget: &Budget) -> String {
    let per = budget.per;
    match &budget.of {
        Subject::All | Subject::Project => format!("budget.{per}"),
        Subject::Folder(folder) => format!("projects.\"{}\".budget.{per}", folder.display()),
        Subject::Path(path) => format!("budget.paths.{path}.{per}"),
        Subject::Key { provider, label } => format!("budget.keys.\"{provider}/{label}\".{per}"),
    }
}

fn describe_provider(all: &mut Vec<Described>, name: &str, provider: &ProviderSettings) {
    let address = &provider.base_url;
    if provider.source == Source::BuiltIn && address.source == Source::BuiltIn && provider.prices.is_empty() {
        return;
    }
    let mut value = format!("{} over {} at {}", provider.kind, provider.wire, address.value);
    if provider.markup.ppm() > 0 {
        value = format!("{value}, markup {}", provider.markup);
    }
    if provider.fee.ppm() > 0 {
        value = format!("{value}, fee {}", provider.fee);
    }
    if let Some(flat) = provider.flat_month {
        value = format!("{value}, {flat} a month");
    }
    all.push(Described { key: format!("providers.{name}"), value, source: address.source.clone() });
    all.extend(provider.prices.iter().map(|(model, price)| Described {
        key: format!("providers.{name}.prices.{model}"),
        value: price.to_string(),
        source: price.source.clone(),
    }));
}

fn add<T: std::fmt::Display>(all: &mut Vec<Described>, key: &str, value: Option<&Sourced<T>>) {
    if let Some(value) = value {
        all.push(Described { key: key.to_owned(), value: value.value.to_string(), source: value.source.clone() });
    }
}
