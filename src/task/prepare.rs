//! From the order to a route that may be used: configuration, keys, the decision, trust. Nothing is sent in here.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::caps::Here;
use super::free;
use super::ledger;
use super::standing::Standings;
use crate::base::clock;
use crate::base::env::Env;
use crate::base::secret::Secret;
use crate::catalog::{Catalog, Price};
use crate::config::provider::CODEX;
use crate::config::{self, Flags, KeyChoice, Loaded, Payer, Settings, Source, Sourced};
use crate::credential::{self as credentials, KeyInfo, ProviderFacts, Vault};
use crate::domain::failure::{Failure, Status};
use crate::domain::path::PayPath;
use crate::domain::quota::Told;
use crate::domain::route::{CredentialRef, Route};
use crate::domain::ui::Ui;
use crate::engine::standing;
use crate::ledger::Ledger;
use crate::routing::plan::PlanFact;
use crate::routing::{self, EnvKey, Facts, FreeFacts, KeyFact};

/// A decision's failure with its flags as whole commands: `vk run ` before them, what else was typed after.
#[must_use]
pub fn typed_again(mut failure: Failure, flags: &Flags, before: &str, after: &str) -> Failure {
    for fix in &mut failure.fix {
        if let Some(flags) = flags.with(fix) {
            *fix = format!("{before}{}{after}", flags.choice());
        }
    }
    failure
}

/// What is known here before a route is decided.
pub struct Known {
    pub loaded: Loaded,
    pub vault: Vault,
    pub keys: Vec<KeyInfo>,
    pub env_key: Option<EnvKey>,
    /// The bundled prices under what `vk models refresh` stored.
    pub catalog: Catalog,
    pub free: FreeFacts,
    /// Why the free models' record cannot be used: nothing is decided on that path then.
    free_damage: Option<Failure>,
    plans: Plans,
    /// The ledger for reading, once it was asked for; where it cannot be reached, that is found out once.
    ledger: OnceLock<Result<Option<Ledger>, Failure>>,
}

/// What the programs of the plans say; asked once, and only where a plan could pay.
struct Plans {
    env: Env,
    tree: PathBuf,
    settings: Settings,
    said: OnceLock<Vec<PlanFact>>,
}

impl Plans {
    fn ask(&self) -> &[PlanFact] {
        self.said.get_or_init(|| standing::all(&self.env, &self.tree, Some(&self.settings)))
    }
}

impl Known {
    /// # Errors
    /// A configuration that is wrong, a key index that cannot be read, a named variable that holds no key.
    pub fn read(env: &Env, flags: &Flags, ui: &Arc<dyn Ui>) -> Result<Self, Failure> {
        let mut loaded = config::load(env, flags)?;
        let (catalog, damage) = Catalog::load(&loaded.dirs.data);
        loaded.warnings.extend(damage.map(|damage| damage.warning()));
        let vault = Vault::open(&loaded.dirs.data, env, Arc::clone(ui));
        let mut keys = vault.list()?;
        // The password of a ledger pays for nothing, and neither does the key of an MCP server.
        keys.retain(|key| !matches!(key.provider.as_str(), config::PASSWORD_OF | config::mcp::KEYS_OF));
        let env_key = match loaded.settings.key.as_ref().map(|key| &key.value) {
            Some(KeyChoice::Env(name)) => {
                let fingerprint = credentials::env_key(env, name)?.fingerprint();
                Some(EnvKey { name: name.clone(), fingerprint })
            }
            _ => None,
        };
        let (free, free_damage) = match free::facts(&loaded) {
            Ok(facts) => (facts, None),
            Err(failure) => (FreeFacts::default(), Some(failure)),
        };
        let (tree, settings) = (loaded.project.root.clone(), loaded.settings.clone());
        let plans = Plans { env: env.clone(), tree, settings, said: OnceLock::new() };
        Ok(Self { loaded, vault, keys, env_key, catalog, free, free_damage, plans, ledger: OnceLock::new() })
    }

    /// Asks the programs of the plans who is logged in, where every path is to be judged. It takes about a second.
    pub fn ask_programs(&self) -> &[PlanFact] {
        self.plans.ask()
    }

    /// What the plan's program said of its own login's plan, where that login pays.
    #[must_use]
    pub fn told(&self, route: &Route) -> Option<&Told> {
        let said = self.plans.said.get().filter(|_| route.credential == CredentialRef::Login)?;
        said.iter().find(|plan| plan.provider == route.provider).map(|plan| &plan.told)
    }

    /// The route for these words, and the price of its model.
    ///
    /// # Errors
    /// See [`routing::decide`].
    pub fn decide(&self, task: Option<&str>) -> Result<(Route, Option<Price>), Failure> {
        self.decide_with(&self.loaded.settings, task)
    }

    fn decide_with(&self, settings: &Settings, task: Option<&str>) -> Result<(Route, Option<Price>), Failure> {
        if let Some(damage) = self.free_damage.as_ref().filter(|_| settings.path.as_deref() == Some(&PayPath::Free)) {
            return Err(damage.clone());
        }
        self.with_facts(settings, task, |facts| {
            let route = routing::decide(facts)?;
            let price = routing::list_price(settings, facts.catalog, &route.provider, &route.model, facts.now);
            Ok((route, price))
        })
    }

    /// The route as these facts of the free path make it.
    ///
    /// # Errors
    /// See [`routing::decide`].
    pub fn decide_free(&self, free: &FreeFacts, task: &str) -> Result<(Route, Option<Price>), Failure> {
        let settings = &self.loaded.settings;
        self.with_free(free, Some(task), |facts| {
            let route = routing::decide(facts)?;
            let price = routing::list_price(settings, facts.catalog, &route.provider, &route.model, facts.now);
            Ok((route, price))
        })
    }

    /// Asks something of what is known, with these facts of the free path.
    pub fn with_free<T>(&self, free: &FreeFacts, task: Option<&str>, ask: impl FnOnce(&Facts<'_>) -> T) -> T {
        self.with_facts(&self.loaded.settings, task, |facts| ask(&Facts { free, ..*facts }))
    }

    /// Asks something of what is known, under these settings.
    pub fn with_facts<T>(&self, settings: &Settings, task: Option<&str>, ask: impl FnOnce(&Facts<'_>) -> T) -> T {
        let keys: Vec<KeyFact> = self.keys.iter().map(key_fact).collect();
        let plans = match settings.path.as_deref() {
            Some(PayPath::Subscription) => self.plans.ask(),
            _ => self.plans.said.get().map_or(&[][..], Vec::as_slice),
        };
        ask(&Facts {
            plans,
            settings,
            keys: &keys,
            env_key: self.env_key.as_ref(),
            catalog: &self.catalog,
            free: &self.free,
            ambient: &self.loaded.ignored_ambient,
            task,
            now: clock::now(),
        })
    }

    /// The route under another payer, as an edge of the user's names it. The model is the one that was asked for
    /// where it is offered there, else that payer's default.
    ///
    /// # Errors
    /// See [`routing::decide`].
    pub fn decide_for(&self, to: &Payer, source: &Source, task: &str) -> Result<(Route, Option<Price>), Failure> {
        let mut settings = self.loaded.settings.clone();
        // The engine was named for the payer that was.
        settings.builtin = false;
        settings.path = Some(Sourced { value: to.path, source: source.clone() });
        settings.provider = Some(Sourced { value: to.provider.clone(), source: source.clone() });
        settings.key = to.key.clone().map(|label| Sourced { value: KeyChoice::Label(label), source: source.clone() });
        self.decide_with(&settings, Some(task)).or_else(|failure| {
            if failure.status != Status::Usage {
                return Err(failure);
            }
            settings.model = None;
            settings.models.clear();
            self.decide_with(&settings, Some(task)).map_err(|_| failure)
        })
    }

    /// The ledger, made where there is none.
    ///
    /// # Errors
    /// Exit 9: nothing may be spent then.
    pub fn open_ledger(&self) -> Result<Ledger, Failure> {
        ledger::open_with(&self.loaded, &self.plans.env, &self.vault)
    }

    /// The ledger to read from; `None` where there is none yet.
    ///
    /// # Errors
    /// Exit 9.
    pub fn ledger(&self) -> Result<Option<&Ledger>, Failure> {
        let opened = self.ledger.get_or_init(|| ledger::existing_with(&self.loaded, &self.plans.env, &self.vault));
        opened.as_ref().map(Option::as_ref).map_err(Clone::clone)
    }

    /// The project at hand, as budgets speak of it.
    #[must_use]
    pub fn here(&self) -> Here<'_> {
        Here { dir: self.loaded.project.home(), name: &self.loaded.project.name }
    }

    /// Where the budgets of a task stand.
    ///
    /// # Errors
    /// What the ledger answered.
    pub fn standings_in(&self, ledger: &Ledger, route: &Route, task_id: &str) -> Result<Standings, Failure> {
        let budgets = &self.loaded.settings.budget;
        Ok(Standings::read(Some(ledger), budgets, route, self.here(), task_id, clock::now())?)
    }

    /// Where the budgets of a task that is only looked at would stand; with a note where the ledger cannot be read.
    #[must_use]
    pub fn standings(&self, route: &Route) -> (Standings, Option<String>) {
        let budgets = &self.loaded.settings.budget;
        let read = |ledger: Option<&Ledger>| Standings::read(ledger, budgets, route, self.here(), "", clock::now());
        match self.ledger().and_then(|ledger| Ok(read(ledger)?)) {
            Ok(standings) => (standings, None),
            Err(failure) => {
                (Standings::default(), Some(format!("what the budgets have left is not known: {}", failure.what)))
            }
        }
    }

    /// What the key's earlier answers named as its organization.
    #[must_use]
    pub fn pinned(&self, route: &Route) -> Option<String> {
        let CredentialRef::Stored { provider, label, .. } = &route.credential else { return None };
        self.keys.iter().find(|key| key.provider == *provider && key.label == *label)?.organization.clone()
    }

    /// Notes in the key index that the key was used, for a program that uses it by itself.
    pub fn remember_key_use(&self, credential: &CredentialRef) {
        if let CredentialRef::Stored { provider, label, .. } = credential {
            let _ = self.vault.touch_used(provider, label);
        }
    }

    /// Notes in the key index that the key was used, and pins the organization of its first answer. Losing the note
    /// loses nothing but the note.
    pub fn remember_use(&self, route: &Route, answered_by: Option<&str>) {
        let CredentialRef::Stored { provider, label, .. } = &route.credential else { return };
        let _ = self.vault.touch_used(provider, label);
        if answered_by.is_some() && self.pinned(route).is_none() {
            let _ = self.vault.pin_organization(provider, label, answered_by, None);
        }
    }
}

fn key_fact(key: &KeyInfo) -> KeyFact {
    KeyFact {
        provider: key.provider.clone(),
        label: key.label.clone(),
        fingerprint: key.fingerprint.clone(),
        origin: key.origin.clone(),
        is_default: key.is_default,
    }
}

/// The secret of a credential for its provider's address, read just before it is needed.
///
/// # Errors
/// A store that is locked, missing or does not answer; a key that is bound to another address or looks like another
/// provider's; a secret that is not the one whose fingerprint was shown.
pub fn secret(
    env: &Env,
    known: &Known,
    provider: &str,
    base_url: &str,
    credential: &CredentialRef,
) -> Result<Option<Secret>, Failure> {
    let secret = match credential {
        CredentialRef::Login | CredentialRef::None => return Ok(None),
        CredentialRef::Env { name, .. } => {
            let secret = credentials::env_key(env, name)?;
            credentials::shape::check(ProviderFacts { name: provider, base_url }, &secret)?;
            secret
        }
        // A login's token is looked up when it is used, and renewed then.
        CredentialRef::Stored { provider, .. } if provider == CODEX => return Ok(None),
        CredentialRef::Stored { provider, label, .. } => known.vault.secret(provider, label, base_url)?,
    };
    if secret.fingerprint() == credential.fingerprint().unwrap_or_default() {
        return Ok(Some(secret));
    }
    let label = credential.label().unwrap_or_default();
    Err(Failure::new(Status::NoCredential, "key_changed", format!("key {label} is not the one that was shown"))
        .why("the secret's fingerprint differs from the one recorded when the key was added")
        .fix(format!("vk keys remove {label} --provider {provider}"))
        .fix(format!("vk keys add {provider} --label {label}")))
}
