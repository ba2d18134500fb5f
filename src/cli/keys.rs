//! `vk keys`: store, list, test, remove and choose provider keys.

mod add;
mod check;

use std::sync::Arc;

use super::args::{KeysArgs, KeysCommand, ListOutput};
use super::context::Context;
use crate::base::secret::Secret;
use crate::config::mcp::KEYS_OF;
use crate::config::{self, Flags, Loaded, McpServer, PASSWORD_OF, ProviderSettings};
use crate::credential::{CredentialError, FileMade, KeyInfo, KeyKind, NewKey, StoreKind, Vault, vault};
use crate::domain::failure::{Failure, Status};
use crate::domain::path::Auth;
use crate::domain::ui::Question;
use crate::present;

/// # Errors
/// Exit 2 for what was typed, 3 for a key or a store that cannot be used, 4 for a key of another account than before.
pub async fn run(args: KeysArgs, context: &Context) -> Result<(), Failure> {
    let loaded = config::load(&context.env, &Flags::default())?;
    let vault = Vault::open(&loaded.dirs.data, &context.env, Arc::clone(&context.ui));
    let keys = Keys { context, loaded: &loaded, vault: &vault };
    match args.command {
        KeysCommand::Add { provider, label, stdin, from_env } => {
            let key = keys.add(provider.as_deref(), label.as_deref(), &add::Source::of(stdin, from_env))?;
            keys.tell_next(&key);
            Ok(())
        }
        KeysCommand::List { output } => keys.list(output),
        KeysCommand::Test { label, provider, accept_address, output } => {
            keys.test(label.as_deref(), provider.as_deref(), accept_address, output).await
        }
        KeysCommand::Remove { label, provider, yes } => keys.remove(&label, provider.as_deref(), yes),
        KeysCommand::Default { label, provider } => keys.default(&label, provider.as_deref()),
        KeysCommand::Init { file: _ } => keys.init_file(),
    }
}

/// Stores the key that a choice needs first: the variable's, else one that the person types. Gives its label, which is
/// never that of a key that is there.
///
/// # Errors
/// As `vk keys add`.
pub fn store(context: &Context, provider: &str, variable: Option<&str>) -> Result<String, Failure> {
    let loaded = config::load(&context.env, &Flags::default())?;
    let vault = Vault::open(&loaded.dirs.data, &context.env, Arc::clone(&context.ui));
    let keys = Keys { context, loaded: &loaded, vault: &vault };
    let known = vault.list()?;
    let is_free = |label: &String| !known.iter().any(|key| key.provider == provider && key.label == *label);
    let label = (1..=999).map(add::numbered_label).find(is_free);
    let source = add::Source::of(false, variable.map(str::to_owned));
    Ok(keys.add(Some(provider), label.as_deref(), &source)?.label)
}

/// What a login asks before it begins: whether what it brings can be kept, and whether it may take the place of what
/// has its name.
///
/// # Errors
/// As `vk keys add`.
pub(super) fn ready(
    context: &Context,
    loaded: &Loaded,
    vault: &Vault,
    provider: &str,
    label: &str,
) -> Result<bool, Failure> {
    vault::check_label(label)?;
    let keys = Keys { context, loaded, vault };
    let replace = keys.may_replace(provider, label)?;
    keys.check_store()?;
    Ok(replace)
}

/// What stdin gave, as it is.
///
/// # Errors
/// As `vk keys add --stdin`.
pub(super) fn stdin_text() -> Result<String, Failure> {
    add::stdin_text()
}

/// Stores what a login brought.
///
/// # Errors
/// As `vk keys add`.
pub(super) fn keep(
    context: &Context,
    loaded: &Loaded,
    vault: &Vault,
    new: &NewKey<'_>,
    secret: &Secret,
) -> Result<KeyInfo, Failure> {
    Keys { context, loaded, vault }.keep(new, secret)
}

/// What each of the commands works with.
struct Keys<'a> {
    context: &'a Context,
    loaded: &'a Loaded,
    vault: &'a Vault,
}

impl Keys<'_> {
    fn say(&self, line: impl AsRef<str>) {
        self.context.ui.say(line.as_ref());
    }

    /// The MCP server whose key has this label.
    fn mcp_server(&self, label: &str) -> Result<(&McpServer, &str), Failure> {
        let servers = &self.loaded.settings.mcp;
        let found = servers.iter().find_map(|server| Some((server, server.address_of_key(label)?)));
        found.ok_or_else(|| {
            let line = format!("key = \"{label}\"");
            Failure::usage("no_mcp_server", format!("no MCP server of your config.toml has {line}"))
                .why(format!("a key is bound to one address: write url = \"https://...\" and {line} in [mcp.NAME]"))
                .fix("vk doctor   # where config.toml is")
        })
    }

    /// The address that a key of this name is bound to: a provider's, an MCP server's, or that of a team's ledger.
    fn address(&self, name: &str, label: &str) -> Result<String, Failure> {
        if name == KEYS_OF {
            return Ok(self.mcp_server(label)?.1.to_owned());
        }
        if name != PASSWORD_OF {
            return Ok(self.provider(name)?.base_url.value.clone());
        }
        let Some(ledger) = &self.loaded.settings.ledger else {
            return Err(Failure::usage("no_team_ledger", "your config.toml names no database for the ledger")
                .why("a password is bound to one server: url = \"postgres://vk@db.example.com/vk\" in [ledger]")
                .fix("vk doctor   # where config.toml is"));
        };
        Ok(ledger.database.origin())
    }

    /// A provider that takes keys, by the name the user has for it.
    fn provider(&self, name: &str) -> Result<&ProviderSettings, Failure> {
        if matches!(name, "claude" | "codex") {
            return Err(Failure::usage("plan_takes_no_key", format!("{name} is a plan, not a provider of keys"))
                .why("a plan is logged in to; a key is paid by the token")
                .fix(format!("vk login {name}"))
                .fix(format!("vk keys add {}", if name == "claude" { "anthropic" } else { "openai" })));
        }
        let providers = &self.loaded.settings.providers;
        let Some(settings) = providers.get(name) else {
            let names: Vec<&str> = providers.keys().map(String::as_str).collect();
            let near = names.iter().map(|known| (strsim::damerau_levenshtein(known, name), *known)).min();
            let failure = Failure::usage("unknown_provider", format!("there is no provider {name}"))
                .why(format!("known are: {}; others are described in config.toml", names.join(", ")));
            return Err(match near {
                Some((distance, known)) if distance <= 2 => failure.fix(format!("vk keys add {known}")),
                _ => failure.fix("vk doctor   # where config.toml is"),
            });
        };
        if settings.auth == Auth::None {
            return Err(Failure::usage("no_key_needed", format!("{name} takes no key"))
                .why(format!("its address {} is used without one", settings.base_url.value))
                .fix(format!("vk use {} --provider {name}", settings.kind)));
        }
        Ok(settings)
    }

    /// The key of this label. Where several providers have it, the fixes are the command once for each.
    fn find(&self, command: &str, label: &str, provider: Option<&str>) -> Result<KeyInfo, Failure> {
        self.vault.find(label, provider).map_err(|error| {
            let owners =
                if let CredentialError::Ambiguous { providers, .. } = &error { providers.clone() } else { Vec::new() };
            let mut failure = Failure::from(error);
            if !owners.is_empty() {
                failure.fix.clear();
            }
            owners
                .iter()
                .fold(failure, |failure, owner| failure.fix(format!("vk keys {command} {label} --provider {owner}")))
        })
    }

    fn list(&self, output: ListOutput) -> Result<(), Failure> {
        let keys = self.vault.list()?;
        if output == ListOutput::Json {
            return present::stdout(&present::keys::json(&keys));
        }
        if keys.is_empty() {
            self.say("No key is stored. Store one with: vk keys add");
            return Ok(());
        }
        present::stdout(&present::keys::table(&keys, present::table::width(&self.context.env)))
    }

    fn remove(&self, label: &str, provider: Option<&str>, yes: bool) -> Result<(), Failure> {
        let key = self.find("remove", label, provider)?;
        if key.kind == KeyKind::Oauth {
            return Err(Failure::usage("not_a_key", format!("{} is a login, not a key", key.name()))
                .fix(format!("vk logout {} --label {}", key.provider, key.label)));
        }
        let name = key.name();
        if !yes {
            if !self.context.ui.interactive() {
                return Err(Failure::usage("not_confirmed", format!("nobody is here to confirm that {name} goes"))
                    .fix(format!("vk keys remove {} --provider {} --yes", key.label, key.provider)));
            }
            let question = Question::yes_no(format!("Delete the key {name} ({})?", key.fingerprint));
            if !self.context.ui.confirm(&question) {
                self.say("Nothing was deleted.");
                return Ok(());
            }
        }
        match self.vault.remove(&key.provider, &key.label) {
            Ok(()) => self.say(format!("Deleted {name} from {}.", place(key.store))),
            Err(error) if error.is_unreachable() && self.context.ui.interactive() => self.forget(&key, error.into())?,
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// A keyring that is gone for good must not keep its keys in the list for ever.
    fn forget(&self, key: &KeyInfo, failure: Failure) -> Result<(), Failure> {
        let text = format!("{}. Take {} off the list all the same?", failure.what, key.name());
        let question = Question::yes_no(text).detail("If the keyring comes back, the secret is still in it.");
        if !self.context.ui.confirm(&question) {
            return Err(failure);
        }
        self.vault.forget(key)?;
        self.say(format!("{} is off the list; its secret was not deleted.", key.name()));
        Ok(())
    }

    fn default(&self, label: &str, provider: Option<&str>) -> Result<(), Failure> {
        let key = self.find("default", label, provider)?;
        self.vault.set_default(&key.provider, &key.label)?;
        self.say(format!("{} is used where {} has several keys and none is named.", key.name(), key.provider));
        Ok(())
    }

    fn init_file(&self) -> Result<(), Failure> {
        self.tell_file(&self.vault.init_file()?);
        let elsewhere = self.vault.list()?.iter().filter(|key| key.store != StoreKind::File).count();
        if elsewhere > 0 {
            self.say(format!("{elsewhere} of your keys stay in the system keyring and go on working."));
        }
        self.say("Next: vk keys add");
        Ok(())
    }

    fn tell_file(&self, made: &FileMade) {
        let shown = made.path.display();
        if made.existed {
            self.say(format!("New keys go to {shown}, which was there and opens."));
        } else {
            self.say(format!("New keys go to {shown}, encrypted with age."));
        }
        match &made.new_identity {
            Some(path) => self.say(format!(
                "A new identity is in {}. Whoever has it can read the keys; without it nobody can.",
                path.display()
            )),
            None if made.passphrase => self.say("It opens with the passphrase, which vk asks for when it needs a key."),
            None => self.say("It opens with the identity that VK_AGE_IDENTITY gives."),
        }
    }
}

pub(super) fn place(store: StoreKind) -> &'static str {
    match store {
        StoreKind::Keyring => "the system keyring",
        StoreKind::File => "the encrypted file",
        StoreKind::Memory => "memory",
    }
}

fn no_credential(code: &'static str, what: String) -> Failure {
    Failure::new(Status::NoCredential, code, what)
}
