//! `vk login openrouter`: the service makes a key for vk, which is stored as any other key is.

use super::super::context::Context;
use super::super::keys;
use super::wait::{Page, code};
use super::{exists, no_port};
use crate::config::Loaded;
use crate::config::provider::OPENROUTER;
use crate::credential::login::Listener;
use crate::credential::login::openrouter::{Login, PORTS};
use crate::credential::{KeyKind, NewKey, Vault};
use crate::domain::failure::Failure;
use crate::net::http::Client;

pub(super) async fn run(context: &Context, loaded: &Loaded, vault: &Vault, label: &str) -> Result<(), Failure> {
    let provider = loaded.settings.providers.get(OPENROUTER);
    let base_url = provider.map(|provider| provider.base_url.value.as_str()).unwrap_or_default();
    // What can be refused is refused before anybody logs in.
    let replace =
        keys::ready(context, loaded, vault, OPENROUTER, label).map_err(|failure| exists(failure, OPENROUTER, label))?;
    let client = Client::new(&context.env)?;
    if let Some(note) = client.proxy_note() {
        context.ui.say(&note);
    }
    let login = Login::begin(base_url)?;
    let listener = Listener::bind(PORTS).await.map_err(|error| no_port(&error, "vk keys add openrouter"))?;
    let address = login.page(&listener.url(&login.expected.path));
    let expected = login.expected.clone();
    let page = Page {
        service: OPENROUTER,
        address: &address,
        listener,
        expected: &expected,
        tree: &loaded.project.root,
        otherwise: "vk keys add openrouter --stdin      # with a key from https://openrouter.ai/settings/keys",
    };
    let code = code(context, page).await?;
    let granted = login.exchange(&client, &code).await?;
    let new = NewKey { provider: OPENROUTER, label, kind: KeyKind::ApiKey, base_url, replace };
    let key = keys::keep(context, loaded, vault, &new, &granted.key)?;
    if let Some(account) = &granted.account {
        vault.pin_organization(OPENROUTER, label, None, Some(account))?;
        context.ui.say(&format!("It is a key of the OpenRouter account {account}."));
    }
    tell_next(context, vault, &key.label)
}

fn tell_next(context: &Context, vault: &Vault, label: &str) -> Result<(), Failure> {
    let others = vault.list()?.iter().any(|key| key.provider == OPENROUTER && key.label != label);
    let which = if others { format!(" --provider {OPENROUTER} --key {label}") } else { String::new() };
    context.ui.say(&format!("Next: vk use free{which}          # open models, $0"));
    context.ui.say(&format!("      vk use platform{which}      # every model, paid by your credits there"));
    Ok(())
}
