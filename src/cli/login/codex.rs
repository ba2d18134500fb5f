//! `vk login codex`: a login of vk's own to a ChatGPT account, by browser or by a code that is typed on another device.
//! No other program's login is read or used.

use std::time::Duration;

use tokio::time::Instant;

use super::super::context::Context;
use super::super::keys;
use super::super::run::listen;
use super::wait::{Page, code};
use super::{exists, no_port};
use crate::agent::cancel::Cancel;
use crate::base::clock;
use crate::config::Loaded;
use crate::credential::login::Listener;
use crate::credential::plan::codex::{Device, Issuer, Login, PORTS};
use crate::credential::plan::{CODEX, Given, Service, Tokens};
use crate::credential::{KeyInfo, Vault};
use crate::domain::failure::{Failure, Status};
use crate::net::http::Client;

/// The service's own limit for a code. Source: codex-rs/login/src/device_code_auth.rs (2026-08).
const DEVICE: Duration = Duration::from_mins(15);
/// In a row: a service that is away for longer is told of.
const MOST_FAILURES: u32 = 5;
/// For another vk that renews the login which is there.
const LOCK: Duration = Duration::from_mins(1);

const BY_CODE: &str = "vk login codex --device";

pub(super) async fn run(
    context: &Context,
    loaded: &Loaded,
    vault: &Vault,
    label: &str,
    device: bool,
) -> Result<(), Failure> {
    // What can be refused is refused before anybody logs in.
    let replace = keys::ready(context, loaded, vault, CODEX, label).map_err(|failure| exists(failure, CODEX, label))?;
    let client = Client::new(&context.env)?;
    if let Some(note) = client.proxy_note() {
        context.ui.say(&note);
    }
    let service = Service::of(&loaded.settings);
    let issuer = Issuer::new(&service.issuer)?;
    let given = if device {
        by_device(context, &client, &issuer).await?
    } else {
        by_browser(context, loaded, &client, &issuer).await?
    };
    let tokens = Tokens::of_login(given, &service.issuer, clock::now()).ok_or_else(|| {
        Failure::new(Status::ProviderFailed, "malformed", "the service answered without the tokens of a login")
            .fix("vk login codex")
    })?;
    let key = {
        let _held = vault.lock_login(CODEX, label, LOCK)?;
        vault.add_login(CODEX, label, &service.base_url, replace, tokens)?
    };
    tell(context, &key);
    Ok(())
}

fn tell(context: &Context, key: &KeyInfo) {
    let whose = key.account.as_deref().map(|account| format!(" as {account}")).unwrap_or_default();
    let plan = key.plan.as_deref().map(|plan| format!(", plan {plan}")).unwrap_or_default();
    context.ui.say(&format!("Logged in to Codex{whose}{plan}."));
    context.ui.say(&format!(
        "Stored {} ({}) in {}; vk renews it by itself.",
        key.name(),
        key.fingerprint,
        keys::place(key.store)
    ));
    context.ui.say("The program codex pays with its own login (`codex login`); this one is for vk's own loop.");
    context.ui.say("Next: vk run --path subscription --provider codex --engine builtin \"...\"");
}

async fn by_browser(context: &Context, loaded: &Loaded, client: &Client, issuer: &Issuer) -> Result<Given, Failure> {
    let login = Login::begin()?;
    let listener = Listener::bind(PORTS).await.map_err(|error| {
        let [first, second] = [PORTS[0], PORTS[1]];
        Failure {
            what: format!("the ports {first} and {second} are taken, and the service knows no others"),
            ..no_port(&error, BY_CODE)
        }
    })?;
    let redirect = listener.url(&login.expected.path);
    let address = issuer.page(&login, &redirect);
    let expected = login.expected.clone();
    let page = Page {
        service: CODEX,
        address: &address,
        listener,
        expected: &expected,
        tree: &loaded.project.root,
        otherwise: BY_CODE,
    };
    let code = code(context, page).await?;
    issuer.exchange(client, login, &code, &redirect).await
}

async fn by_device(context: &Context, client: &Client, issuer: &Issuer) -> Result<Given, Failure> {
    if !context.ui.interactive() {
        return Err(Failure::new(Status::NoCredential, "nobody_here", "nobody is here to log in")
            .why("a login needs a person who sees the code that is shown")
            .fix("vk login codex --device      # in a terminal"));
    }
    let cancel = Cancel::default();
    listen(&cancel);
    let device = issuer.begin_device(client).await?;
    context.ui.say("Open this address in a browser, on any device:");
    context.ui.say(&device.page);
    context.ui.say(&format!("and type there, and nowhere else, the code {}", device.user_code));
    context.ui.say("Whoever asks you for such a code wants your account. Waiting; Ctrl-C ends it.");
    tokio::select! {
        signal = cancel.cancelled() => Err(signal.failure()),
        given = poll(client, issuer, &device) => given,
    }
}

async fn poll(client: &Client, issuer: &Issuer, device: &Device) -> Result<Given, Failure> {
    let (end, mut failures) = (Instant::now() + DEVICE, 0);
    loop {
        tokio::time::sleep(device.interval).await;
        match issuer.poll_device(client, device).await {
            Ok(Some(given)) => return Ok(given),
            Ok(None) => failures = 0,
            Err(failure) if failure.status == Status::ProviderFailed && failures < MOST_FAILURES => failures += 1,
            Err(failure) => return Err(failure),
        }
        if Instant::now() >= end {
            return Err(Failure::new(
                Status::NoCredential,
                "login_timeout",
                "the code was not typed within 15 minutes",
            )
            .why("nothing was stored")
            .fix(BY_CODE));
        }
    }
}
