//! Which credential of the provider: the one that was named, else the only one, else the default one.

use super::plan::{self, OWN_LOGIN, Standing};
use super::provider::ChosenProvider;
use super::{Facts, KeyFact, NO_KEY};
use crate::config::settings::KeyChoice;
use crate::config::source::{Layer, Sourced};
use crate::domain::failure::{Failure, Status};
use crate::domain::path::{Auth, PayPath};
use crate::domain::route::{CredentialRef, Step};

pub(super) struct ChosenKey {
    pub credential: CredentialRef,
    pub step: Step,
}

pub(super) fn choose(facts: &Facts<'_>, provider: &ChosenProvider<'_>) -> Result<ChosenKey, Failure> {
    let named = facts.settings.key.as_ref();
    if provider.settings.auth == Auth::None {
        // A pool may hold providers that take a key and servers that take none: the key is for the former.
        let by_pool = facts.settings.provider.is_none() && facts.settings.free.pool.is_some();
        return without(provider.name, named.filter(|_| !by_pool));
    }
    if provider.settings.kind == PayPath::Subscription {
        let takes_stored = plan::takes_stored(provider.name, facts.settings.builtin);
        let is_called = plan::is_called(provider.name, facts.settings.builtin);
        match named {
            None if is_called => return infer(facts, provider),
            Some(Sourced { value: KeyChoice::Label(label), .. }) if is_called && label == OWN_LOGIN => {
                return Err(Failure::usage("login_not_taken", "vk's own loop does not use the login of codex")
                    .why("that login is the program's, and vk never reads it; vk has one of its own")
                    .fix("vk login codex")
                    .fix("--engine codex"));
            }
            None if !takes_stored => {
                return own_login(facts, provider, "inferred".to_owned(), "the program's own login");
            }
            Some(Sourced { value: KeyChoice::Label(label), .. }) if label != OWN_LOGIN && !takes_stored => {
                let name = provider.name;
                return Err(Failure::usage(
                    "login_not_taken",
                    format!("{name} does not take the stored login {label}"),
                )
                .why(format!("{name} takes no login of a plan from outside; its own one pays"))
                .fix(format!("--key {OWN_LOGIN}")));
            }
            None => return login_or_stored(facts, provider),
            Some(Sourced { value: KeyChoice::Label(label), source }) if label == OWN_LOGIN => {
                return own_login(facts, provider, source.to_string(), "named there");
            }
            Some(_) => {}
        }
    }
    match named {
        None => infer(facts, provider),
        Some(Sourced { value: KeyChoice::Label(label), source }) => {
            let found = facts.keys.iter().find(|key| key.provider == provider.name && key.label == *label);
            let key = found.ok_or_else(|| no_such_label(facts, Some(provider.name), label))?;
            stored(provider, key, source.to_string(), "named there")
        }
        Some(Sourced { value: KeyChoice::Env(name), source }) => {
            let key = facts.env_key.filter(|key| key.name == *name).ok_or_else(|| {
                Failure::new(Status::NoCredential, "env_key_unset", format!("{name} is not set"))
                    .why(format!("{source} names it as the key of {}", provider.name))
                    .fix(format!("vk keys add {}", provider.name))
            })?;
            let credential = CredentialRef::Env { name: name.clone(), fingerprint: key.fingerprint.clone() };
            Ok(chosen(credential, format!("env:{name}"), source.to_string(), "named for this run"))
        }
    }
}

fn chosen(credential: CredentialRef, value: String, source: String, reason: &str) -> ChosenKey {
    let step = Step { decision: "key".to_owned(), value, source, reason: reason.to_owned() };
    ChosenKey { credential, step }
}

fn without(provider: &str, named: Option<&Sourced<KeyChoice>>) -> Result<ChosenKey, Failure> {
    match named {
        // Said for this very run, so it is answered; a file's key belongs to that file's provider.
        Some(key) if key.layer() >= Layer::Env => Err(Failure::usage(
            "key_not_taken",
            format!("{provider} takes no key, and {} names {}", key.source, key.value),
        )
        .why("leave the key out, or name another provider")
        .fix("vk route")),
        _ => Ok(chosen(CredentialRef::None, "none".to_owned(), "inferred".to_owned(), "its address takes none")),
    }
}

/// The program's own login, or a token of vk's store. A token never takes the place of a login that has ended.
fn login_or_stored(facts: &Facts<'_>, provider: &ChosenProvider<'_>) -> Result<ChosenKey, Failure> {
    let stored = facts.keys.iter().filter(|key| key.provider == provider.name).collect::<Vec<_>>();
    match (facts.standing(provider.name), &stored[..]) {
        (_, []) => own_login(facts, provider, "inferred".to_owned(), "the program's own login"),
        _ if stored.iter().any(|key| key.is_default) => infer(facts, provider),
        (Some(Standing::LoggedIn { .. }), _) => {
            let name = provider.name;
            let failure =
                Failure::usage("several_keys", format!("{name} is logged in, and a token of it is stored too"))
                    .why("vk does not choose between payers")
                    .fix(format!("--key {OWN_LOGIN}"));
            let failure = stored.iter().fold(failure, |failure, key| failure.fix(format!("--key {}", key.label)));
            Err(failure.fix(format!("vk keys default {} --provider {name}", stored[0].label)))
        }
        _ => infer(facts, provider),
    }
}

fn own_login(
    facts: &Facts<'_>,
    provider: &ChosenProvider<'_>,
    source: String,
    reason: &str,
) -> Result<ChosenKey, Failure> {
    let standing = facts.standing(provider.name);
    if let Some(failure) = plan::program(provider.name).and_then(|program| program.why_not(standing)) {
        return Err(failure);
    }
    let value = match standing {
        Some(Standing::LoggedIn { account: Some(account), .. }) => account.clone(),
        _ => OWN_LOGIN.to_owned(),
    };
    Ok(chosen(CredentialRef::Login, value, source, reason))
}

fn infer(facts: &Facts<'_>, provider: &ChosenProvider<'_>) -> Result<ChosenKey, Failure> {
    let keys: Vec<&KeyFact> = facts.keys.iter().filter(|key| key.provider == provider.name).collect();
    let defaults: Vec<&KeyFact> = keys.iter().copied().filter(|key| key.is_default).collect();
    match (&keys[..], &defaults[..]) {
        ([], _) if plan::is_called(provider.name, facts.settings.builtin) => {
            Err(Failure::new(Status::NoCredential, "no_login", "there is no login of vk's to Codex")
                .why("vk's own loop pays with a login of its own, and never with that of codex")
                .fix("vk login codex"))
        }
        ([], _) => Err(Failure::new(Status::NoCredential, NO_KEY, format!("no key of {} is stored", provider.name))
            .why("for one run, --key env:NAME takes the key of a variable that you name")
            .fix(format!("vk keys add {}", provider.name))),
        ([key], _) => stored(provider, key, "inferred".to_owned(), "the only stored key of this provider"),
        (_, [key]) => stored(provider, key, "vk keys default".to_owned(), "the default of several stored keys"),
        _ => {
            let labels: Vec<&str> = keys.iter().map(|key| key.label.as_str()).collect();
            let failure = Failure::usage(
                "several_keys",
                format!("{} has several keys and none is the default: {}", provider.name, labels.join(", ")),
            )
            .why("vk does not choose between payers");
            let failure = labels.iter().fold(failure, |failure, label| failure.fix(format!("--key {label}")));
            Err(failure.fix(format!("vk keys default {} --provider {}", labels[0], provider.name)))
        }
    }
}

fn stored(provider: &ChosenProvider<'_>, key: &KeyFact, source: String, reason: &str) -> Result<ChosenKey, Failure> {
    let origin = provider.settings.origin();
    if key.origin != origin {
        return Err(Failure::new(
            Status::NoCredential,
            "key_of_other_address",
            format!("key {} was added for {}, and {} is now at {origin}", key.label, key.origin, provider.name),
        )
        .why(format!(
            "{} changed the address; a stored key is never sent to another one",
            provider.settings.base_url.source
        ))
        .fix(format!("vk keys test {} --provider {} --accept-address", key.label, provider.name)));
    }
    let credential = CredentialRef::Stored {
        provider: key.provider.clone(),
        label: key.label.clone(),
        fingerprint: key.fingerprint.clone(),
    };
    Ok(chosen(credential, key.label.clone(), source, reason))
}

/// `provider` is `None` where no provider has the label.
pub(super) fn no_such_label(facts: &Facts<'_>, provider: Option<&str>, label: &str) -> Failure {
    let whose = provider.map(|name| format!(" of {name}")).unwrap_or_default();
    let source = facts.settings.key.as_ref().map(|key| key.source.to_string()).unwrap_or_default();
    let failure =
        Failure::new(Status::NoCredential, "no_such_key", format!("no key{whose} is labelled \"{label}\" ({source})"));
    let stored: Vec<String> = facts
        .keys
        .iter()
        .filter(|key| provider.is_none_or(|name| key.provider == name) || key.label == label)
        .map(|key| format!("{} {}", key.provider, key.label))
        .collect();
    let failure = match &stored[..] {
        [] => failure.why(format!("no key{whose} is stored")),
        _ => failure.why(format!("stored: {}", stored.join(", "))),
    };
    failure.fix(format!("vk keys add {} --label {label}", provider.unwrap_or("anthropic")))
}
