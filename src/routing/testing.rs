//! A made-up home for the tests of this folder: settings and keys as values, nothing on disk.

use std::collections::BTreeMap;

use super::plan::PlanFact;
use super::{EnvKey, Facts, FreeFacts, KeyFact, decide};
use crate::base::money::{Rate, Usd};
use crate::catalog::Catalog;
use crate::config::FreeSettings;
use crate::config::provider::{OwnPrice, PriceSettings, ProviderSettings, built_in};
use crate::config::settings::{Budgets, KeyChoice, Require, SandboxSettings, Settings};
use crate::config::source::{Place, Source, Sourced};
use crate::domain::failure::Failure;
use crate::domain::path::{Auth, PayPath, Wire};
use crate::domain::route::Route;

/// A home with keys and settings, changed by each test and then asked for its route.
#[derive(Debug)]
pub(super) struct World {
    pub(super) settings: Settings,
    pub(super) keys: Vec<KeyFact>,
    pub(super) env_key: Option<EnvKey>,
    pub(super) plans: Vec<PlanFact>,
    pub(super) ambient: Vec<String>,
    pub(super) free: FreeFacts,
}

pub(super) fn line(shown: &str, line: usize) -> Place {
    Place { file: std::sync::Arc::new(shown.into()), shown: shown.into(), line }
}

pub(super) fn user(n: usize) -> Source {
    Source::User(line("config.toml", n))
}

pub(super) fn project(n: usize) -> Source {
    Source::Project(line("vk.toml", n))
}

pub(super) fn key(provider: &str, label: &str, origin: &str) -> KeyFact {
    let (provider, label, origin) = (provider.to_owned(), label.to_owned(), origin.to_owned());
    KeyFact { provider, label, fingerprint: "3f9c01aa".to_owned(), origin, is_default: false }
}

pub(super) fn provider(kind: PayPath, wire: Wire, auth: Auth, base_url: &str) -> ProviderSettings {
    ProviderSettings {
        kind,
        wire,
        base_url: Sourced::new(base_url.to_owned(), user(3)),
        auth,
        has_free_models: false,
        markup: Rate::ZERO,
        fee: Rate::ZERO,
        flat_month: None,
        other_models: false,
        prices: BTreeMap::new(),
        source: user(1),
    }
}

pub(super) fn same_as(model: &str) -> Sourced<PriceSettings> {
    let price = PriceSettings::As { vendor: "anthropic".to_owned(), model: model.to_owned() };
    Sourced::new(price, user(9))
}

impl World {
    pub(super) fn new() -> Self {
        let settings = Settings {
            worktree: crate::config::WorktreeSettings::default(),
            bell: crate::config::Sourced::built_in(true),
            path: None,
            provider: None,
            model: None,
            key: None,
            providers: built_in(),
            models: Vec::new(),
            checks: Vec::new(),
            budget: Budgets::of_task(Sourced::built_in(Usd::from_cents(500))),
            fallback: Vec::new(),
            ledger: None,
            mcp: Vec::new(),
            codex_issuer: None,
            builtin: false,
            sandbox: SandboxSettings {
                require: Sourced::built_in(Require::Full),
                read: Vec::new(),
                write: Vec::new(),
                env: Vec::new(),
            },
            free: FreeSettings { pool: None, allow_training: Sourced::built_in(false) },
        };
        Self {
            settings,
            keys: Vec::new(),
            env_key: None,
            plans: Vec::new(),
            ambient: Vec::new(),
            free: FreeFacts::default(),
        }
    }

    pub(super) fn path(mut self, path: PayPath) -> Self {
        self.settings.path = Some(Sourced::new(path, project(1)));
        self
    }

    pub(super) fn on(mut self, name: &str) -> Self {
        self.settings.provider = Some(Sourced::new(name.to_owned(), project(2)));
        self
    }

    pub(super) fn model(mut self, name: &str) -> Self {
        self.settings.model = Some(Sourced::new(name.to_owned(), project(3)));
        self
    }

    pub(super) fn label(mut self, label: &str) -> Self {
        self.settings.key = Some(Sourced::new(KeyChoice::Label(label.to_owned()), project(4)));
        self
    }

    pub(super) fn env(mut self, name: &str, set: bool) -> Self {
        self.settings.key = Some(Sourced::new(KeyChoice::Env(name.to_owned()), Source::Flag("--key")));
        self.env_key = set.then(|| EnvKey { name: name.to_owned(), fingerprint: "aaaa0000".to_owned() });
        self
    }

    pub(super) fn anthropic_key(mut self, label: &str) -> Self {
        self.keys.push(key("anthropic", label, "https://api.anthropic.com"));
        self
    }

    pub(super) fn openai_key(mut self, label: &str) -> Self {
        self.keys.push(key("openai", label, "https://api.openai.com"));
        self
    }

    pub(super) fn gateway(mut self, name: &str, change: impl FnOnce(&mut ProviderSettings)) -> Self {
        let mut settings = provider(PayPath::Platform, Wire::Chat, Auth::Bearer, "https://llm.example.com/v1");
        change(&mut settings);
        self.settings.providers.insert(name.to_owned(), settings);
        self.keys.push(key(name, "default", "https://llm.example.com"));
        self
    }

    pub(super) fn local(mut self) -> Self {
        let settings = provider(PayPath::Free, Wire::Chat, Auth::None, "http://127.0.0.1:11434/v1");
        self.settings.providers.insert("ollama".to_owned(), settings);
        self
    }

    pub(super) fn facts<'a>(&'a self, task: Option<&'a str>) -> Facts<'a> {
        Facts {
            settings: &self.settings,
            keys: &self.keys,
            env_key: self.env_key.as_ref(),
            plans: &self.plans,
            catalog: Catalog::bundled(),
            free: &self.free,
            ambient: &self.ambient,
            task,
            now: "2026-11-24T12:00:00Z".parse().unwrap(),
        }
    }

    pub(super) fn decide(&self) -> Result<Route, Failure> {
        decide(&self.facts(None))
    }

    pub(super) fn route(&self) -> Route {
        self.decide().unwrap_or_else(|failure| panic!("{failure:?}"))
    }

    /// Code, exit code and everything that is said.
    pub(super) fn refused(&self) -> (&'static str, u8, String) {
        let failure = self.decide().unwrap_err();
        let why = failure.why.clone().unwrap_or_default();
        let told = format!("{}\n{why}\n{}", failure.what, failure.fix.join("\n"));
        (failure.code, failure.exit_code(), told)
    }
}

/// The user's own price of a model, in USD a million tokens.
pub(super) fn own_price(input: &str, output: &str) -> Sourced<PriceSettings> {
    let own = OwnPrice {
        input: input.parse().unwrap(),
        output: output.parse().unwrap(),
        cache_read: None,
        cache_write_5m: None,
        cache_write_1h: None,
    };
    Sourced::new(PriceSettings::Own(own), user(7))
}
