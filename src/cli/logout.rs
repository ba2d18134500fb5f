//! `vk logout`: ends a login at its service where that can be done, and removes what is stored of it.

use std::sync::Arc;
use std::time::Duration;

use super::args::LogoutArgs;
use super::context::Context;
use super::keys::place;
use crate::config::provider::OPENROUTER;
use crate::config::{self, Flags, Loaded};
use crate::credential::plan::codex::Issuer;
use crate::credential::plan::{CLAUDE, CODEX, Service};
use crate::credential::{CredentialError, KeyInfo, KeyKind, Vault};
use crate::domain::failure::{Failure, Status};
use crate::net::Limits;
use crate::net::http::Client;

/// A service that does not answer keeps nobody logged in here.
const REVOKE: Duration = Duration::from_secs(10);
/// For another vk that renews this login.
const LOCK: Duration = Duration::from_mins(1);

/// # Errors
/// Exit 2 where several logins could be meant, 3 where there is none or its store does not open.
pub async fn run(args: LogoutArgs, context: &Context) -> Result<(), Failure> {
    let loaded = config::load(&context.env, &Flags::default())?;
    let vault = Vault::open(&loaded.dirs.data, &context.env, Arc::clone(&context.ui));
    let key = chosen(&vault.list()?, args.provider.as_deref(), args.label.as_deref())?;
    match (key.kind, key.provider.as_str()) {
        (KeyKind::Oauth, _) => end_login(context, &loaded, &vault, &key).await,
        (KeyKind::SetupToken, _) => {
            vault.remove(&key.provider, &key.label)?;
            told(context, &key);
            context.ui.say("The token itself works on until its year is over; revoke it at https://claude.ai/settings if somebody may have it.");
            Ok(())
        }
        (KeyKind::ApiKey, _) => {
            vault.remove(&key.provider, &key.label)?;
            told(context, &key);
            context.ui.say(
                "The key itself works on; delete it at https://openrouter.ai/settings/keys if nothing else uses it.",
            );
            Ok(())
        }
    }
}

fn told(context: &Context, key: &KeyInfo) {
    context.ui.say(&format!("Logged out: {} is gone from {}.", key.name(), place(key.store)));
}

/// Ends it there, then here. A login whose tokens are gone or cannot be ended there is removed all the same.
async fn end_login(context: &Context, loaded: &Loaded, vault: &Vault, key: &KeyInfo) -> Result<(), Failure> {
    let _held = vault.lock_login(&key.provider, &key.label, LOCK)?;
    let key = match vault.tokens(&key.provider, &key.label) {
        Ok((key, tokens)) => {
            // Only the server that made the login is told.
            let issuer = Issuer::new(&tokens.issuer)?;
            let limits = Limits { total: REVOKE, ..Limits::default() };
            let client = Client::with_limits(&context.env, limits)?;
            let is_known = tokens.issuer == Service::of(&loaded.settings).issuer;
            let ended = if is_known { issuer.revoke(&client, &tokens.refresh).await } else { Ok(()) };
            if let (false, _) | (_, Err(_)) = (is_known, &ended) {
                let why = ended.err().map_or_else(
                    || "its identity server is another one than is configured".to_owned(),
                    |failure| failure.message(),
                );
                context.ui.say(&format!("The service was not told: {why}. Its tokens end by themselves."));
            }
            key
        }
        Err(CredentialError::Gone { .. } | CredentialError::Changed { .. }) => key.clone(),
        Err(error) => return Err(error.into()),
    };
    vault.remove_login(&key)?;
    told(context, &key);
    Ok(())
}

fn chosen(keys: &[KeyInfo], provider: Option<&str>, label: Option<&str>) -> Result<KeyInfo, Failure> {
    if let Some(name) = provider.filter(|name| ![CLAUDE, CODEX, OPENROUTER].contains(name)) {
        let failure = Failure::usage("no_login", format!("{name} has keys, and no login"));
        let fix = label
            .map_or_else(|| "vk keys list".to_owned(), |label| format!("vk keys remove {label} --provider {name}"));
        return Err(failure.fix(fix).fix("vk whoami"));
    }
    let is_meant = |key: &&KeyInfo| match provider {
        Some(name) => key.provider == name,
        // A key that was added by hand is not logged out of by accident.
        None => key.kind != KeyKind::ApiKey,
    };
    let found: Vec<&KeyInfo> =
        keys.iter().filter(is_meant).filter(|key| label.is_none_or(|label| key.label == label)).collect();
    match found[..] {
        [key] => Ok(key.clone()),
        [] => {
            let whose = provider.map(|name| format!(" to {name}")).unwrap_or_default();
            let named = label.map(|label| format!(" labelled {label}")).unwrap_or_default();
            Err(Failure::new(Status::NoCredential, "no_login", format!("there is no login{whose}{named} here"))
                .fix("vk whoami"))
        }
        _ => {
            let failure = Failure::usage("several_logins", "there are several logins").why("say which one");
            Err(found
                .iter()
                .fold(failure, |failure, key| failure.fix(format!("vk logout {} --label {}", key.provider, key.label))))
        }
    }
}
