//! The ledger that this user's configuration names: a file in the data folder, or a team's database, entered with a
//! password that is read just before it is needed.

use std::sync::Arc;

use crate::base::env::Env;
use crate::base::secret::Secret;
use crate::config::{KeyChoice, LedgerSettings, Loaded, PASSWORD_OF};
use crate::credential::{CredentialError, Vault};
use crate::domain::failure::{Failure, Status};
use crate::domain::ui::Ui;
use crate::ledger::{Ledger, Server};

/// Opens it for writing, and makes it where there is none.
///
/// # Errors
/// Exit 9: nothing may be spent then.
pub fn open(loaded: &Loaded, env: &Env, ui: &Arc<dyn Ui>) -> Result<Ledger, Failure> {
    open_with(loaded, env, &vault(loaded, env, ui))
}

/// Opens it to read reports from it; `None` where there is none yet.
///
/// # Errors
/// Exit 9.
pub fn existing(loaded: &Loaded, env: &Env, ui: &Arc<dyn Ui>) -> Result<Option<Ledger>, Failure> {
    existing_with(loaded, env, &vault(loaded, env, ui))
}

pub(super) fn open_with(loaded: &Loaded, env: &Env, vault: &Vault) -> Result<Ledger, Failure> {
    Ok(match &loaded.settings.ledger {
        Some(settings) => Ledger::connect(server(settings, env, vault)?)?,
        None => Ledger::open(&loaded.dirs.data)?,
    })
}

pub(super) fn existing_with(loaded: &Loaded, env: &Env, vault: &Vault) -> Result<Option<Ledger>, Failure> {
    Ok(match &loaded.settings.ledger {
        Some(settings) => Ledger::connect_existing(server(settings, env, vault)?)?,
        None => Ledger::open_existing(&loaded.dirs.data)?,
    })
}

fn vault(loaded: &Loaded, env: &Env, ui: &Arc<dyn Ui>) -> Vault {
    Vault::open(&loaded.dirs.data, env, Arc::clone(ui))
}

/// The database with its password.
///
/// # Errors
/// Exit 9 for a password that is not where the configuration says.
pub fn server(settings: &LedgerSettings, env: &Env, vault: &Vault) -> Result<Server, Failure> {
    let database = settings.database.value.clone();
    let key = settings.key.as_ref().map(|key| &key.value);
    let password = key.map(|key| password(key, &database.origin(), env, vault)).transpose()?;
    let password_fix = match key {
        Some(KeyChoice::Label(label)) => format!("vk keys add {PASSWORD_OF} --label {label}"),
        Some(KeyChoice::Env(name)) => format!("read -rs {name} && export {name}   # the password of {}", database.role),
        None => format!("vk keys add {PASSWORD_OF} --label team   # then key = \"team\" in [ledger]"),
    };
    let certificates = settings.certificates.as_ref().map(|file| file.value.clone());
    Ok(Server { database, password, certificates, password_fix })
}

fn password(key: &KeyChoice, origin: &str, env: &Env, vault: &Vault) -> Result<Secret, Failure> {
    match key {
        KeyChoice::Label(label) => vault.secret(PASSWORD_OF, label, origin).map_err(|error| {
            let is_unknown = matches!(error, CredentialError::Unknown { .. });
            // Whatever keeps the ledger from being entered is the ledger's failure: no account was asked yet.
            let mut failure = Failure { status: Status::Ledger, ..Failure::from(error) };
            if is_unknown {
                failure.fix.insert(0, format!("vk keys add {PASSWORD_OF} --label {label}"));
            }
            failure
        }),
        KeyChoice::Env(name) => env.get(name).map(Secret::new).ok_or_else(|| {
            Failure::new(Status::Ledger, "ledger_password_unset", format!("the variable {name} is not set, or empty"))
                .why("[ledger] in your config.toml says that the ledger's password is in it")
                .fix(format!("read -rs {name} && export {name}"))
                .fix(format!("vk keys add {PASSWORD_OF} --label team   # then key = \"team\" in [ledger]"))
        }),
    }
}

/// As whom tasks stand in the ledger: the name the configuration gives, the person for whom a CI runs, the account.
#[must_use]
pub fn user(loaded: &Loaded, env: &Env) -> String {
    let given = loaded.settings.ledger.as_ref().and_then(|settings| settings.user.as_ref());
    given.map_or_else(|| env.person(), |user| user.value.clone())
}
