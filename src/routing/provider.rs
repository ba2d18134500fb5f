//! Which provider of the path: the one that was named, else the only one that there is a credential for.

use std::borrow::Cow;

use super::{Facts, NO_KEY, free};
use crate::config::provider::{CLAUDE, CODEX, OPENROUTER, ProviderSettings};
use crate::config::settings::KeyChoice;
use crate::domain::failure::{Failure, Status};
use crate::domain::path::{Auth, PayPath};
use crate::domain::route::Step;

/// The code of a path on which nobody is configured.
pub(super) const NO_PROVIDER: &str = "no_provider";

pub(super) struct ChosenProvider<'a> {
    pub name: &'a str,
    pub settings: Cow<'a, ProviderSettings>,
    pub step: Step,
}

pub(super) fn choose<'a>(facts: &Facts<'a>, path: PayPath) -> Result<ChosenProvider<'a>, Failure> {
    match &facts.settings.provider {
        Some(named) => {
            let (name, settings) = lookup(facts, &named.value)?;
            if !settings.serves(path) {
                return Err(other_path(facts, path, name, settings.kind));
            }
            Ok(chosen(path, name, settings, named.source.to_string(), "named there".to_owned()))
        }
        None => match &facts.settings.free.pool {
            Some(pool) if path == PayPath::Free => free::provider_of_pool(facts, pool),
            _ => infer(facts, path),
        },
    }
}

pub(super) fn chosen<'a>(
    path: PayPath,
    name: &'a str,
    settings: &'a ProviderSettings,
    source: String,
    reason: String,
) -> ChosenProvider<'a> {
    let reason = match &settings.base_url.source {
        crate::config::source::Source::BuiltIn => reason,
        source => format!("{reason}; at {}, by {source}", settings.base_url.value),
    };
    let step = Step { decision: "provider".to_owned(), value: name.to_owned(), source, reason };
    ChosenProvider { name, settings: settings.under(path), step }
}

pub(super) fn lookup<'a>(facts: &Facts<'a>, name: &str) -> Result<(&'a str, &'a ProviderSettings), Failure> {
    let found = facts.settings.providers.get_key_value(name).map(|(name, settings)| (name.as_str(), settings));
    found.ok_or_else(|| unknown(facts, name))
}

pub(super) fn unknown(facts: &Facts<'_>, name: &str) -> Failure {
    let names: Vec<&str> = facts.settings.providers.keys().map(String::as_str).collect();
    let closest = names
        .iter()
        .map(|known| (strsim::jaro_winkler(name, known), *known))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let failure = Failure::usage("unknown_provider", format!("no provider is called \"{name}\""))
        .why(format!("the providers are {}", names.join(", ")));
    match closest {
        Some((_, known)) => failure.fix(format!("--provider {known}")),
        None => failure
            .why(format!(
                "the providers are {}; another one is a table [providers.{name}] of your own config.toml, with kind, \
                 wire and base_url",
                names.join(", ")
            ))
            .fix("vk doctor   # where config.toml is"),
    }
}

pub(super) fn other_path(facts: &Facts<'_>, path: PayPath, name: &str, kind: PayPath) -> Failure {
    let failure =
        Failure::usage("provider_of_other_path", format!("{name} is a {kind} provider, and the path is {path}"))
            .why("a provider's kind must equal the path: it says who pays")
            .fix(format!("--path {kind} --provider {name}"));
    let same: Vec<&str> = of_kind(facts, path).map(|(name, _)| name).collect();
    same.iter().take(3).fold(failure, |failure, name| failure.fix(format!("--path {path} --provider {name}")))
}

fn of_kind<'a>(facts: &Facts<'a>, path: PayPath) -> impl Iterator<Item = (&'a str, &'a ProviderSettings)> + use<'a> {
    let of_path = move |(_, settings): &(&String, &ProviderSettings)| settings.serves(path);
    facts.settings.providers.iter().filter(of_path).map(|(name, settings)| (name.as_str(), settings))
}

/// Whether there is anything to pay with. A key that is bound to another address counts: were it left out, a
/// changed address would move the payer to the next provider.
pub(super) fn has_credential(facts: &Facts<'_>, name: &str, settings: &ProviderSettings) -> bool {
    let stored = |label: Option<&str>| {
        facts.keys.iter().any(|key| key.provider == name && label.is_none_or(|label| key.label == label))
    };
    if settings.auth == Auth::None {
        let named = facts.settings.provider.as_ref().is_some_and(|named| named.value == name);
        let pool = facts.settings.free.pool.as_ref();
        let in_pool = pool.is_some_and(|pool| pool.0.iter().any(|entry| entry.provider == name));
        return named || in_pool || !settings.is_unnamed_server();
    }
    let logged_in = settings.kind == PayPath::Subscription
        && matches!(facts.standing(name), Some(super::plan::Standing::LoggedIn { .. }));
    match facts.settings.key.as_deref() {
        Some(KeyChoice::Label(label)) if label == super::plan::OWN_LOGIN && logged_in => true,
        None if logged_in && !super::plan::is_called(name, facts.settings.builtin) => true,
        // Its program takes no login from outside.
        Some(KeyChoice::Label(_)) | None
            if settings.kind == PayPath::Subscription && !super::plan::takes_stored(name, facts.settings.builtin) =>
        {
            false
        }
        Some(KeyChoice::Env(_)) => true,
        Some(KeyChoice::Label(label)) => stored(Some(label)),
        None => stored(None),
    }
}

/// The providers of a path that could pay, in name order.
pub(super) fn candidates<'a>(facts: &Facts<'a>, path: PayPath) -> Vec<(&'a str, &'a ProviderSettings)> {
    of_kind(facts, path).filter(|(name, settings)| has_credential(facts, name, settings)).collect()
}

fn infer<'a>(facts: &Facts<'a>, path: PayPath) -> Result<ChosenProvider<'a>, Failure> {
    let candidates = candidates(facts, path);
    match candidates[..] {
        [(name, settings)] => {
            let what = match (settings.auth, path) {
                (Auth::None, _) => "",
                (_, PayPath::Subscription) => " with a login",
                _ => " with a key",
            };
            Ok(chosen(path, name, settings, "inferred".to_owned(), format!("the only {path} provider{what}")))
        }
        [] => Err(none(facts, path)),
        _ => {
            let names: Vec<&str> = candidates.iter().map(|(name, _)| *name).collect();
            let failure = Failure::usage(
                "several_providers",
                format!("several {path} providers could pay: {}", names.join(", ")),
            )
            .why("vk does not choose between payers");
            Err(names.iter().fold(failure, |failure, name| failure.fix(format!("--provider {name}"))))
        }
    }
}

fn none(facts: &Facts<'_>, path: PayPath) -> Failure {
    let names: Vec<&str> = of_kind(facts, path).map(|(name, _)| name).collect();
    if names.is_empty() {
        return none_of_kind(path);
    }
    match path {
        PayPath::Free => return no_server_named(&names),
        PayPath::Subscription => return no_plan(facts),
        PayPath::Byok | PayPath::Platform => {}
    }
    let usual = ["anthropic", OPENROUTER].into_iter().find(|usual| names.contains(usual));
    let first = usual.unwrap_or(names[0]);
    if let Some(KeyChoice::Label(label)) = facts.settings.key.as_deref() {
        return super::key::no_such_label(facts, None, label);
    }
    Failure::new(Status::NoCredential, NO_KEY, format!("no {path} provider has a key"))
        .why(format!(
            "the {path} providers are {}; for one run, --key env:NAME takes the key of a variable",
            names.join(", ")
        ))
        .fix(format!("vk keys add {first}"))
}

/// What answers on a port of this machine may be anybody's: it is used once the user has named it.
fn no_server_named(names: &[&str]) -> Failure {
    let servers: Vec<&str> = names.iter().copied().filter(|name| *name != OPENROUTER).collect();
    Failure::new(Status::NoCredential, NO_PROVIDER, "no model server of this machine is named")
        .why(format!(
            "vk knows {}, and uses one once you have said which; openrouter's free models need a key of it",
            servers.join(", ")
        ))
        .fix("vk login openrouter")
        .fix("vk use free --provider ollama")
        .fix("vk doctor   # which servers answer here")
}

/// Neither program is there with a plan: what each says, the nearest to working first.
fn no_plan(facts: &Facts<'_>) -> Failure {
    let why_not = |name: &'static str| super::plan::program(name)?.why_not(facts.standing(name));
    let mut refused: Vec<Failure> = [CLAUDE, CODEX].into_iter().filter_map(why_not).collect();
    refused.sort_by_key(|failure| failure.code == "no_program");
    let whats: Vec<&str> = refused.iter().map(|failure| failure.what.as_str()).collect();
    let failure = Failure::new(Status::NoCredential, NO_PROVIDER, format!("no plan can pay: {}", whats.join("; ")));
    refused.iter().flat_map(|failure| &failure.fix).fold(failure, |failure, fix| failure.fix(fix.clone()))
}

/// Honest about what this version can do: nothing here promises a command that does not exist.
fn none_of_kind(path: PayPath) -> Failure {
    let failure = Failure::new(Status::NoCredential, NO_PROVIDER, format!("no provider of kind {path} is configured"));
    match path {
        PayPath::Subscription => failure.fix("vk use subscription --provider claude"),
        PayPath::Platform => failure.fix("vk keys add openrouter"),
        PayPath::Free => failure.fix("vk login openrouter"),
        PayPath::Byok => failure.fix("vk keys add anthropic"),
    }
}
