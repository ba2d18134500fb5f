//! `[ledger]` of the user's own file: a database that a team shares, and how it is entered. Without it the ledger is a
//! file of this machine.

use std::path::{Path, PathBuf};

use super::database::{Database, DatabaseError};
use super::document::Entry;
use super::error::ConfigError;
use super::names;
use super::provider_table::secret;
use super::settings::KeyChoice;
use super::source::Sourced;
use super::user_file::absolute;

/// The name that a database's password is stored under: `vk keys add ledger --label team`.
pub const PASSWORD_OF: &str = "ledger";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerSettings {
    pub database: Sourced<Database>,
    /// Where its password is; `None` where the server asks for none.
    pub key: Option<Sourced<KeyChoice>>,
    /// The certificates of who may vouch for the server, in place of the system's.
    pub certificates: Option<Sourced<PathBuf>>,
    /// As whom one's tasks stand in it, in place of the account's name.
    pub user: Option<Sourced<String>>,
}

pub(super) fn read(entry: &Entry<'_>, home: Option<&Path>) -> Result<LedgerSettings, ConfigError> {
    let mut table = entry.table()?;
    table.expect(&["url", "key", "certificates", "user"], &[secret("password")])?;
    let Some(url) = table.take("url") else {
        let wrong = entry.wrong_key("bad_value", "[ledger] needs the address of a database");
        return Err(wrong.instead("write url = \"postgres://vk@db.example.com/vk\"").into());
    };
    let text = url.text()?;
    let database = text.value.parse::<Database>().map_err(|error| match error {
        // Not shown: the password stands in it.
        DatabaseError::Password => url
            .wrong_key("not_allowed_here", error.to_string())
            .why("secrets are never kept in configuration; if a real one stands here, remove it")
            .instead(format!(
                "leave it out of the address, store it and name it here: key = \"team\" in [{}]",
                entry.key
            ))
            .first(format!("vk keys add {PASSWORD_OF} --label team")),
        error => url.wrong_value(error.to_string()),
    })?;
    let key = table.take("key").map(|entry| key(&entry)).transpose()?;
    let certificates = table.take("certificates").map(|entry| certificates(&entry, home)).transpose()?;
    let user = table.take("user").map(|entry| entry.text_that(names::is_project, "a name of one line")).transpose()?;
    Ok(LedgerSettings { database: Sourced::new(database, text.source), key, certificates, user })
}

fn key(entry: &Entry<'_>) -> Result<Sourced<KeyChoice>, ConfigError> {
    let is_one = |text: &str| text.strip_prefix("env:").map_or_else(|| names::is_key_label(text), names::is_variable);
    let text = entry.text()?;
    if !is_one(&text.value) {
        // Not shown: people put the password itself here.
        let wrong = entry.wrong_key("bad_value", "\"ledger.key\" must be the label of a stored password, or env:NAME");
        return Err(wrong.first(format!("vk keys add {PASSWORD_OF} --label team")).into());
    }
    let choice = match text.value.strip_prefix("env:") {
        Some(name) => KeyChoice::Env(name.to_owned()),
        None => KeyChoice::Label(text.value.clone()),
    };
    Ok(Sourced::new(choice, text.source))
}

fn certificates(entry: &Entry<'_>, home: Option<&Path>) -> Result<Sourced<PathBuf>, ConfigError> {
    let text = entry.text()?;
    let file = absolute(&text.value, home)
        .ok_or_else(|| entry.wrong_value("a file must be an absolute path, or begin with ~/"))?;
    Ok(Sourced::new(file, text.source))
}
