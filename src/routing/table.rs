//! Every path side by side: what each would do for this task, or why it cannot.

use serde::Serialize;

use super::{Facts, POOL_EXHAUSTED, decide, provider};
use crate::config::Settings;
use crate::config::source::{Layer, Source, Sourced};
use crate::domain::estimate::Estimate;
use crate::domain::failure::Failure;
use crate::domain::path::PayPath;
use crate::domain::route::{CredentialRef, Route};

/// One way to pay. A path has a row for each provider that could pay on it, and one without a provider if none can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PathRow {
    pub path: PayPath,
    pub provider: Option<String>,
    pub possible: bool,
    /// Why, or why not.
    pub reason: String,
    pub model: Option<String>,
    /// "you pay Anthropic at list price"
    pub payer: Option<String>,
    /// What such a task will likely cost; `None` until this project has the history for it.
    pub estimate_usd: Option<Estimate>,
    /// What is left of a plan or of credits; `None` is unknown.
    pub left: Option<String>,
    /// The whole route, where there is one.
    #[serde(skip)]
    pub route: Option<Route>,
}

/// The rows of all four paths, in their fixed order.
#[must_use]
pub fn table(facts: &Facts<'_>) -> Vec<PathRow> {
    PayPath::ALL.into_iter().flat_map(|path| rows(facts, path)).collect()
}

fn rows(facts: &Facts<'_>, path: PayPath) -> Vec<PathRow> {
    let settings = on_path(facts.settings, path);
    let facts = Facts { settings: &settings, ..*facts };
    if let Some(named) = &settings.provider {
        return vec![row(path, Some(named.value.clone()), &facts)];
    }
    let candidates = provider::candidates(&facts, path);
    if candidates.is_empty() {
        return vec![row(path, None, &facts)];
    }
    let of_provider = |(name, _): (&str, _)| {
        let provider = Some(Sourced { value: name.to_owned(), source: Source::Flag("--provider") });
        let settings = Settings { provider, ..settings.clone() };
        row(path, Some(name.to_owned()), &Facts { settings: &settings, ..facts })
    };
    candidates.into_iter().map(of_provider).collect()
}

/// The settings as they would be with `--path`: what belongs to another path's provider is left out.
fn on_path(settings: &Settings, path: PayPath) -> Settings {
    let mut settings = settings.clone();
    if settings.path.as_deref() != Some(&path) {
        settings.path = Some(Sourced { value: path, source: Source::Flag("--path") });
        let named = settings.provider.as_ref().and_then(|named| settings.providers.get(&named.value));
        if !named.is_some_and(|provider| provider.serves(path)) {
            settings.provider = None;
            if settings.key.as_ref().is_some_and(|key| key.layer() < Layer::Env) {
                settings.key = None;
            }
        }
    }
    settings
}

fn row(path: PayPath, provider: Option<String>, facts: &Facts<'_>) -> PathRow {
    let empty = PathRow {
        path,
        provider,
        possible: false,
        reason: String::new(),
        model: None,
        payer: None,
        estimate_usd: None,
        left: None,
        route: None,
    };
    match decide(facts) {
        Ok(route) => PathRow {
            provider: Some(route.provider.clone()),
            possible: true,
            reason: route.credential.label().map_or_else(|| "no key needed".to_owned(), |label| format!("key {label}")),
            model: Some(route.model.clone()),
            payer: Some(route.payer.clone()),
            left: left(facts, &route),
            route: Some(route),
            ..empty
        },
        Err(failure) => PathRow { reason: why_not(path, &failure), ..empty },
    }
}

/// What the plan says of its windows.
fn left(facts: &Facts<'_>, route: &Route) -> Option<String> {
    let plan = facts.plans.iter().find(|plan| plan.provider == route.provider && route.extra_usage.is_some())?;
    let windows: Vec<String> = plan.told.said.windows.iter().map(ToString::to_string).collect();
    (route.credential == CredentialRef::Login && !windows.is_empty()).then(|| windows.join("; "))
}

fn why_not(path: PayPath, failure: &Failure) -> String {
    if path == PayPath::Subscription {
        return failure.what.clone();
    }
    // Only time mends it.
    if failure.code == POOL_EXHAUSTED {
        return failure.what.clone();
    }
    // Who must be described first has no command for it.
    if let (provider::NO_PROVIDER, Some(why)) = (failure.code, &failure.why) {
        return format!("{}: {why}", failure.what);
    }
    failure.fix.first().map_or_else(|| failure.what.clone(), |fix| format!("{}: {fix}", failure.what))
}
