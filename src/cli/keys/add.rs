//! `vk keys add`: the key comes from hidden input, stdin or a named variable, never from the command line.

use std::io::{IsTerminal as _, Read as _};

use secrecy::zeroize::Zeroizing;

use super::{Keys, place};
use crate::base::secret::Secret;
use crate::config::PASSWORD_OF;
use crate::config::mcp::KEYS_OF;
use crate::credential::{CredentialError, KeyInfo, KeyKind, NewKey, ProviderFacts, env_key, shape, vault};
use crate::domain::failure::Failure;
use crate::domain::ui::Question;

/// The label of a key for which none was given.
const DEFAULT_LABEL: &str = "default";

/// `default`, `default-2`, ...
pub(super) fn numbered_label(number: u32) -> String {
    if number == 1 { DEFAULT_LABEL.to_owned() } else { format!("{DEFAULT_LABEL}-{number}") }
}

/// Where the key comes from.
pub(super) enum Source {
    Person,
    Stdin,
    Variable(String),
}

impl Source {
    pub(super) fn of(stdin: bool, from_env: Option<String>) -> Self {
        match from_env {
            Some(name) => Self::Variable(name),
            None if stdin => Self::Stdin,
            None => Self::Person,
        }
    }
}

impl Keys<'_> {
    pub(super) fn add(&self, provider: Option<&str>, label: Option<&str>, source: &Source) -> Result<KeyInfo, Failure> {
        let label = label.unwrap_or(DEFAULT_LABEL);
        vault::check_label(label)?;
        // What can be refused is refused before anybody types a key.
        let mut replace = false;
        if let Some(name) = provider {
            self.address(name, label)?;
            replace = self.may_replace(name, label)?;
        }
        if matches!(source, Source::Person) && self.context.ui.interactive() {
            self.check_store()?;
        }
        let secret = self.read_key(provider, source)?;
        let inferred = if provider.is_none() { self.provider_of(&secret)? } else { String::new() };
        let name = provider.unwrap_or(&inferred);
        if provider.is_none() {
            replace = self.may_replace(name, label)?;
        }
        let base_url = &self.address(name, label)?;
        shape::check(ProviderFacts { name, base_url }, &secret)?;
        self.keep(&NewKey { provider: name, label, kind: KeyKind::ApiKey, base_url, replace }, &secret)
    }

    /// Stores what may be stored, and says so.
    pub(super) fn keep(&self, new: &NewKey<'_>, secret: &Secret) -> Result<KeyInfo, Failure> {
        let known = self.vault.list()?;
        let key = match self.vault.add(new, secret) {
            Err(error) if self.moves_to_file(&error)? => self.vault.add(new, secret)?,
            other => other?,
        };
        self.tell(&key, &known);
        Ok(key)
    }

    /// Nobody types a key for a store that then does not open.
    pub(super) fn check_store(&self) -> Result<(), Failure> {
        match self.vault.probe() {
            Err(error) if self.moves_to_file(&error)? => Ok(()),
            other => Ok(other?),
        }
    }

    pub(super) fn may_replace(&self, provider: &str, label: &str) -> Result<bool, Failure> {
        let keys = self.vault.list()?;
        let Some(key) = keys.iter().find(|key| key.provider == provider && key.label == label) else {
            return Ok(false);
        };
        let question = Question::yes_no(format!("Replace the key {} ({})?", key.name(), key.fingerprint));
        if self.context.ui.confirm(&question) {
            return Ok(true);
        }
        Err(CredentialError::Exists { provider: provider.to_owned(), label: label.to_owned() }.into())
    }

    fn read_key(&self, provider: Option<&str>, source: &Source) -> Result<Secret, Failure> {
        match source {
            Source::Variable(name) => env_key(&self.context.env, name),
            Source::Stdin => from_stdin(),
            Source::Person => {
                let prompt = match provider {
                    Some(PASSWORD_OF) => "The password of the ledger's database (not shown): ".to_owned(),
                    Some(KEYS_OF) => "The key of the MCP server (not shown): ".to_owned(),
                    Some(name) => format!("The key of {name} (not shown): "),
                    None => "The key (not shown): ".to_owned(),
                };
                let typed = self.context.ui.ask_secret(&prompt).ok_or_else(|| {
                    let name = provider.unwrap_or("anthropic");
                    Failure::usage("no_key_given", "no key was given, and nobody is here to type one")
                        .why("--stdin reads it from a pipe, --from-env NAME from a variable")
                        .fix(format!("pass show {name} | vk keys add {name} --stdin"))
                        .fix(format!("vk keys add {name} --from-env {}_API_KEY", name.to_uppercase().replace('-', "_")))
                })?;
                shape::clean(typed.expose().to_owned())
            }
        }
    }

    /// The provider that the key's prefix names, else the one the person names.
    fn provider_of(&self, secret: &Secret) -> Result<String, Failure> {
        let providers = &self.loaded.settings.providers;
        if let Some(name) = shape::provider_of(secret) {
            if providers.contains_key(name) {
                return Ok(name.to_owned());
            }
            return Err(Failure::usage(
                "provider_not_configured",
                format!("this is a key of {name}, which is not configured"),
            )
            .why(format!("its address belongs in your own config.toml, in a table [providers.{name}] with kind, wire, base_url and auth"))
            .fix("vk doctor   # where config.toml is"));
        }
        // A token of a plan names nobody either; it gets its own refusal.
        shape::check(ProviderFacts { name: "", base_url: "" }, secret)?;
        let names: Vec<&str> = providers.keys().map(String::as_str).collect();
        let prompt = format!("Which provider issued it ({})? ", names.join(", "));
        let answer = self.context.ui.ask_line(&prompt).map(|line| line.trim().to_owned());
        answer.filter(|name| !name.is_empty()).ok_or_else(|| {
            Failure::usage("provider_unknown", "the key does not say which provider issued it")
                .why(format!("known are: {}", names.join(", ")))
                .fix("vk keys add anthropic --stdin")
        })
    }

    /// Where no keyring answers the very first key, a person may choose the encrypted file on the spot.
    fn moves_to_file(&self, error: &CredentialError) -> Result<bool, Failure> {
        if !error.is_unreachable() || !self.context.ui.interactive() || self.vault.store()?.is_some() {
            return Ok(false);
        }
        let question = Question::yes_no("Keep keys in an age-encrypted file instead?")
            .detail("The system keyring cannot be used here. The file opens with a passphrase that you choose now, or with the identity that VK_AGE_IDENTITY names.");
        if !self.context.ui.confirm(&question) {
            return Ok(false);
        }
        self.tell_file(&self.vault.init_file()?);
        Ok(true)
    }

    fn tell(&self, key: &KeyInfo, before: &[KeyInfo]) {
        self.say(format!("Stored {} ({}) in {}.", key.name(), key.fingerprint, place(key.store)));
        let twin = before.iter().find(|other| other.fingerprint == key.fingerprint && other.name() != key.name());
        if let Some(twin) = twin {
            self.say(format!("It is the same key as {}.", twin.name()));
        }
    }

    pub(super) fn tell_next(&self, key: &KeyInfo) {
        if key.provider == PASSWORD_OF {
            self.say(format!("Next: key = \"{}\" in [ledger] of your config.toml, then vk keys test {0}", key.label));
            return;
        }
        if key.provider == KEYS_OF {
            self.say(format!("Next: vk keys test {} --provider {KEYS_OF}", key.label));
            return;
        }
        self.say(format!("Next: vk keys test {} --provider {}", key.label, key.provider));
        self.say(format!("      {}", self.next_command(key)));
    }

    /// `vk use byok`, with the provider and the key where more than one of them would be possible.
    fn next_command(&self, key: &KeyInfo) -> String {
        let providers = &self.loaded.settings.providers;
        let keys = self.vault.list().unwrap_or_default();
        let kind = providers.get(&key.provider).map(|settings| settings.kind);
        let same_kind = |other: &&KeyInfo| providers.get(&other.provider).map(|settings| settings.kind) == kind;
        let mut command = vec!["vk use", kind.map_or("byok", |kind| kind.as_str())];
        if keys.iter().filter(same_kind).any(|other| other.provider != key.provider) {
            command.extend(["--provider", &key.provider]);
        }
        if keys.iter().any(|other| other.provider == key.provider && other.label != key.label) {
            command.extend(["--key", &key.label]);
        }
        command.join(" ")
    }
}

fn from_stdin() -> Result<Secret, Failure> {
    shape::clean(stdin_text()?)
}

pub(super) fn stdin_text() -> Result<String, Failure> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Err(Failure::usage("stdin_is_terminal", "stdin is a terminal, which would show the key")
            .fix("vk keys add      # asks for the key without showing it"));
    }
    // One byte more than is taken, so that what is too long is refused and not cut. White space around it is dropped.
    let mut bytes = Zeroizing::new(Vec::with_capacity(shape::MOST_BYTES + 1_024));
    let read = stdin.lock().take(shape::MOST_BYTES as u64 + 1_024).read_to_end(&mut bytes);
    read.map_err(|error| Failure::usage("stdin_unreadable", "stdin cannot be read").why(error.to_string()))?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| super::no_credential("not_a_key", "what stdin gave is not text".to_owned()))?;
    Ok(text.to_owned())
}
