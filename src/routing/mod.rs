//! The decision: a pure function from what is known to a route and the reason of each of its steps.
//! Nothing is read, asked or sent here; what is known is gathered in `task/`.

mod budget;
pub mod compare;
mod estimate;
mod free;
mod gateway_id;
mod key;
mod model;
mod payer;
pub mod plan;
pub mod pool;
mod price;
mod provider;
mod serving;
mod table;

use jiff::Timestamp;

pub use budget::{Charged, task_cap};
pub use estimate::{Charging, ENOUGH as ENOUGH_TASKS, estimate};
pub use free::{
    FreeFacts, LEAST_CONTEXT, POOL_EXHAUSTED, TRAINING_NOT_ALLOWED, ask as ask_of_pool, back, closed, free_providers,
    hosted, pool_of,
};
pub use model::pinned;
pub use payer::clause as payer;
pub use price::list_price;
pub use serving::{Server, servers};
pub use table::{PathRow, table};

use crate::catalog::Catalog;
use crate::config::Settings;
use crate::config::settings::KeyChoice;
use crate::config::source::Sourced;
use crate::domain::failure::{Failure, Status};
use crate::domain::path::{Auth, PayPath, Wire};
pub use crate::domain::route::Route;
use crate::domain::route::{CredentialRef, Step};
use key::ChosenKey;
use provider::ChosenProvider;

/// Everything a route is decided from. The ambient names are only ever copied into the route to be shown: no
/// decision reads them.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub settings: &'a Settings,
    /// The stored keys of all providers; never their secrets.
    pub keys: &'a [KeyFact],
    /// The variable that the settings name as key, if it is set.
    pub env_key: Option<&'a EnvKey>,
    /// What the programs of the plans say of their logins; empty where no plan is asked for.
    pub plans: &'a [plan::PlanFact],
    pub catalog: &'a Catalog,
    /// What is known of the free path.
    pub free: &'a FreeFacts,
    /// Credentials and addresses in the environment that nobody named.
    pub ambient: &'a [String],
    /// The task's words, for the `[[models]]` rules.
    pub task: Option<&'a str>,
    pub now: Timestamp,
}

/// A stored key, as far as the decision needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFact {
    pub provider: String,
    pub label: String,
    pub fingerprint: String,
    /// The origin it was added for, and is bound to.
    pub origin: String,
    pub is_default: bool,
}

impl Facts<'_> {
    /// What the program of a plan says of its login.
    fn standing(&self, provider: &str) -> Option<&plan::Standing> {
        self.plans.iter().find(|plan| plan.provider == provider).map(|plan| &plan.standing)
    }
}

/// A variable that the user named with `--key env:NAME`, and that is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvKey {
    pub name: String,
    pub fingerprint: String,
}

/// Whose account pays: all of a route that says so. Other tools choose their own model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub path: PayPath,
    pub provider: String,
    pub wire: Wire,
    pub base_url: Sourced<String>,
    pub auth: Auth,
    pub credential: CredentialRef,
    /// One clause for people: "you pay Anthropic at list price".
    pub payer: String,
    pub steps: Vec<Step>,
}

/// Decides path, provider and key, in this order: no later step can move an earlier one.
///
/// # Errors
/// Exit 3 where no path is chosen or no usable credential exists; exit 2 where several things are possible, a name
/// is unknown, or the provider is of another path. Each names what to type.
pub fn account(facts: &Facts<'_>) -> Result<Account, Failure> {
    let path = chosen_path(facts)?;
    let provider = provider::choose(facts, **path)?;
    let key = key::choose(facts, &provider)?;
    Ok(of_account(facts, path, &provider, key))
}

fn of_account(facts: &Facts<'_>, path: &Sourced<PayPath>, provider: &ChosenProvider<'_>, key: ChosenKey) -> Account {
    // The plan's name is that of the login; whose a token is, nobody says.
    let standing = facts.standing(provider.name).filter(|_| key.credential == CredentialRef::Login);
    let first = Step {
        decision: "path".to_owned(),
        value: path.to_string(),
        source: path.source.to_string(),
        reason: "named there; a path is never inferred".to_owned(),
    };
    Account {
        path: **path,
        provider: provider.name.to_owned(),
        wire: provider.settings.wire,
        base_url: provider.settings.base_url.clone(),
        auth: provider.settings.auth,
        credential: key.credential,
        payer: match provider.settings.kind {
            PayPath::Subscription => plan::payer(provider.name, standing, facts.settings.builtin),
            _ => payer::clause(facts.catalog, provider.name, &provider.settings),
        },
        steps: vec![first, provider.step.clone(), key.step],
    }
}

/// Decides path, provider, key, model and cap, in this order: no later step can move an earlier one.
///
/// # Errors
/// Those of [`account`]; exit 2 where the model is not offered there, or has no price under a cap.
pub fn decide(facts: &Facts<'_>) -> Result<Route, Failure> {
    let path = chosen_path(facts)?;
    let provider = provider::choose(facts, **path)?;
    let key = key::choose(facts, &provider)?;
    let model = model::choose(facts, &provider)?;
    let flat = **path == PayPath::Platform && provider.settings.flat_month.is_some();
    let charged = Charged { path: **path, provider: provider.name, credential: &key.credential };
    let cap = (path.is_billed() && !flat).then(|| {
        let (cap, source) = task_cap(&facts.settings.budget, &charged);
        Sourced::new(cap, source.clone())
    });
    if let Some(cap) = &cap
        && list_price(facts.settings, facts.catalog, provider.name, &model.id, facts.now).is_none()
    {
        return Err(model::unpriced(provider.name, &model, cap));
    }
    let account = of_account(facts, path, &provider, key);
    let engine = plan::engine(**path, provider.name, facts.settings.builtin);
    let extra_usage = plan::extra_usage(facts, **path, provider.name, &account.credential);
    let mut steps = account.steps;
    steps.push(model.step);
    if let Some(cap) = &cap {
        steps.push(Step {
            decision: "cap".to_owned(),
            value: cap.value.to_string(),
            source: cap.source.to_string(),
            reason: "this path costs money, so a task stops there".to_owned(),
        });
    }
    Ok(Route {
        path: account.path,
        provider: account.provider,
        wire: account.wire,
        base_url: account.base_url.value,
        auth: account.auth,
        credential: account.credential,
        payer: account.payer,
        model: model.id,
        traits: model.traits,
        may_answer: model.may_answer,
        context: model.context,
        max_output: model.max_output,
        engine,
        markup: provider.settings.markup,
        flat,
        extra_usage,
        cap: cap.map(|cap| cap.value),
        rehearsed: false,
        steps,
        warnings: model.warnings,
        ignored_ambient: facts.ambient.to_vec(),
    })
}

fn chosen_path<'a>(facts: &Facts<'a>) -> Result<&'a Sourced<PayPath>, Failure> {
    facts.settings.path.as_ref().ok_or_else(|| no_path(facts))
}

/// The code of the failure that first contact answers in a terminal.
pub const NO_PATH: &str = "no_path";

/// The code of a provider that is named and has no key.
pub const NO_KEY: &str = "no_key";

/// The codes of a model, or a word for one, that the provider does not offer.
pub const UNKNOWN_MODEL: [&str; 2] = ["unknown_model", "model_not_named"];

fn no_path(facts: &Facts<'_>) -> Failure {
    let failure = Failure::new(Status::NoCredential, NO_PATH, "nothing says whose account pays")
        .why("the path is never inferred: it is chosen once, by you");
    let settings = facts.settings;
    if let Some(KeyChoice::Env(name)) = settings.key.as_deref() {
        let provider = settings.provider.as_ref().map_or("PROVIDER", |provider| provider.value.as_str());
        let path = settings.providers.get(provider).map_or(PayPath::Byok, |provider| provider.kind);
        return failure.fix(format!("vk run --path {path} --provider {provider} --key env:{name} \"TASK\""));
    }
    let mut usable: Vec<(&str, PayPath)> = settings
        .providers
        .iter()
        .filter(|(name, provider)| {
            settings
                .provider
                .as_ref()
                .map_or_else(|| provider::has_credential(facts, name, provider), |chosen| chosen.value == **name)
        })
        .map(|(name, provider)| (name.as_str(), provider.kind))
        .collect();
    usable.truncate(4);
    if usable.is_empty() {
        return failure.fix("vk keys add anthropic").fix("vk use byok --provider anthropic").fix("vk demo");
    }
    usable.iter().fold(failure, |failure, (name, path)| failure.fix(format!("vk use {path} --provider {name}")))
}

#[cfg(test)]
mod payer_law;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
