//! `vk whoami`: every credential and plan that is here, whose it is, how long it lasts and what is left of it, and
//! which of them pays in this project.

use std::time::Duration;

use futures_util::future::join_all;

use super::args::{ListOutput, WhoamiArgs};
use super::context::Context;
use super::run::listen;
use crate::agent::cancel::Cancel;
use crate::config::Flags;
use crate::credential::plan::{CODEX, Service, Want, codex_access, quota};
use crate::credential::{KeyInfo, KeyKind};
use crate::domain::failure::Failure;
use crate::domain::path::PayPath;
use crate::net::Limits;
use crate::net::http::Client;
use crate::present;
use crate::present::whoami::{Identity, Row};
use crate::provider::{self, Endpoint};
use crate::task::prepare::Known;

/// What is left is beside the point where it takes longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// # Errors
/// A configuration that is wrong, or a key index that cannot be read. What is wrong with one credential stands in its
/// own row.
pub async fn run(args: WhoamiArgs, context: &Context) -> Result<(), Failure> {
    let known = Known::read(&context.env, &Flags::default(), &context.ui)?;
    let limits =
        Limits { connect: PATIENCE, idle: PATIENCE, idle_loopback: PATIENCE, total: PATIENCE, ..Limits::default() };
    let client = Client::with_limits(&context.env, limits)?;
    let route = known.decide(None).map(|(route, _)| route);
    // A login that is renewed meanwhile is stored before the program ends.
    let cancel = Cancel::default();
    listen(&cancel);
    let rows = tokio::select! {
        signal = cancel.cancelled() => return Err(signal.failure()),
        rows = join_all(known.keys.iter().map(|key| row(context, &known, &client, key))) => rows,
    };
    let programs = known.ask_programs();
    let identity = Identity { project: &known.loaded.project.name, route: route.as_ref(), rows, programs };
    match args.output {
        ListOutput::Json => present::stdout(&present::whoami::json(&identity)),
        ListOutput::Table => present::stdout(&present::whoami::table(&identity, present::table::width(&context.env))),
    }
}

/// A credential with what its service says of it, where that takes one free request and no question to anybody.
async fn row(context: &Context, known: &Known, client: &Client, key: &KeyInfo) -> Row {
    let plain = || Row { key: key.clone(), left: None, problem: None };
    if !known.vault.is_unattended(key) {
        return plain();
    }
    match key.kind {
        KeyKind::Oauth if key.provider == CODEX => match codex_left(context, known, client, &key.label).await {
            // A renewal may have changed what is known of it.
            Ok(left) => {
                let key = known.vault.find(&key.label, Some(CODEX)).unwrap_or_else(|_| key.clone());
                Row { key, left: Some(left).filter(|left| !left.is_empty()), problem: None }
            }
            Err(problem) => Row { problem: Some(problem), ..plain() },
        },
        KeyKind::ApiKey => Row { left: gateway_left(known, client, key).await, ..plain() },
        KeyKind::Oauth | KeyKind::SetupToken => plain(),
    }
}

async fn codex_left(context: &Context, known: &Known, client: &Client, label: &str) -> Result<String, Failure> {
    let Service { issuer, base_url } = &Service::of(&known.loaded.settings);
    let access = |want| codex_access(&known.vault, &context.env, issuer, base_url, label, want);
    let mut want = Want::Fresh;
    // A token that another process left, then one that was renewed.
    for _ in 0..3 {
        let access = access(want).await?;
        match quota::left(client, base_url, &access).await {
            Ok(quota) => return Ok(quota.to_string()),
            Err(quota::Unknown::Failed(failure)) => return Err(failure),
            Err(quota::Unknown::Unauthorized) => want = Want::OtherThan(access.access_token),
        }
    }
    Err(quota::refused(label))
}

/// What the account behind a gateway's key has left.
async fn gateway_left(known: &Known, client: &Client, key: &KeyInfo) -> Option<String> {
    let settings = known.loaded.settings.providers.get(&key.provider)?;
    if settings.kind != PayPath::Platform {
        return None;
    }
    let base_url = settings.base_url.value.as_str();
    let secret = known.vault.secret(&key.provider, &key.label, base_url).ok()?;
    let endpoint = Endpoint::configured(&key.provider, settings);
    let left = provider::left(client, &endpoint, &secret).await?;
    let credits = left.credits.map(|credits| format!("{credits} of credits left"));
    let free = left.free_requests.map(|free| format!("{} of {} free requests left today", free.left, free.limit));
    let said: Vec<String> = [credits, free].into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join("; "))
}
