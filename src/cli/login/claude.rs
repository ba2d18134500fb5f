//! `vk login claude`: the token that `claude setup-token` prints, for CI and for a second account. It is kept for
//! Claude's own program, and vk itself never sends it anywhere.

use super::super::context::Context;
use super::super::keys;
use super::exists;
use crate::base::secret::Secret;
use crate::config::Loaded;
use crate::credential::plan::{CLAUDE, setup_token};
use crate::credential::{KeyKind, NewKey, Vault};
use crate::domain::failure::Failure;

/// Where the program sends it, unless the user's own configuration says otherwise.
const ADDRESS: &str = "https://api.anthropic.com";

pub(super) fn run(context: &Context, loaded: &Loaded, vault: &Vault, label: &str, stdin: bool) -> Result<(), Failure> {
    let replace =
        keys::ready(context, loaded, vault, CLAUDE, label).map_err(|failure| exists(failure, CLAUDE, label))?;
    let token = if stdin { setup_token::read(keys::stdin_text()?)? } else { typed(context)? };
    let base_url = loaded.settings.providers.get(CLAUDE).map_or(ADDRESS, |provider| provider.base_url.value.as_str());
    let new = NewKey { provider: CLAUDE, label, kind: KeyKind::SetupToken, base_url, replace };
    keys::keep(context, loaded, vault, &new, &token)?;
    context
        .ui
        .say("Whose plan it is cannot be verified: the token does not say. It lasts a year from when it was made.");
    context.ui.say("Only Claude's own program is given it.");
    context.ui.say("Next: vk whoami");
    Ok(())
}

fn typed(context: &Context) -> Result<Secret, Failure> {
    if context.ui.interactive() {
        context.ui.say("The token is what this prints, in another terminal: claude setup-token");
    }
    let typed = context.ui.ask_secret("The token (not shown): ").ok_or_else(|| {
        Failure::usage("no_token_given", "no token was given, and nobody is here to type one")
            .why("--token-stdin reads it from a pipe; claude setup-token prints it")
            .fix("pass show claude | vk login claude --token-stdin")
    })?;
    setup_token::read(typed.expose().to_owned())
}
