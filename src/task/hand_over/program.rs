//! The program that is given an account: where it is, and the environment it gets.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::{Value, variables};
use crate::base::env::{Env, is_ambient};
use crate::base::fsx;
use crate::base::secret::Secret;
use crate::config::{KeyChoice, LedgerSettings, Source};
use crate::routing::Account;

/// An `.env` larger than this is not read.
const LARGEST: u64 = 256 * 1024;

/// What a program is given.
#[derive(Debug)]
pub struct Given<'a> {
    pub account: &'a Account,
    /// `None` where the server takes none.
    pub secret: Option<&'a Secret>,
    /// Where the team's ledger is; its password is not the program's.
    pub ledger: Option<&'a LedgerSettings>,
}

impl Given<'_> {
    /// The environment of the program of that name: the user's own, without any credential or address of a provider but
    /// the chosen one.
    #[must_use]
    pub fn environment(&self, env: &Env, program: &str) -> Vec<(OsString, OsString)> {
        let withheld = self.withheld();
        let kept = env.without_ambient().filter(|(name, _)| withheld.iter().all(|held| name.to_str() != Some(held)));
        let mut all: Vec<(OsString, OsString)> =
            kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let own_address = self.account.base_url.source != Source::BuiltIn;
        let known = super::Account { provider: &self.account.provider, wire: self.account.wire, own_address };
        for (variable, value) in variables(program, &known) {
            let value = match value {
                // Programs refuse to start without a key, also where the server takes none.
                Value::Secret => self.secret.map_or("none", Secret::expose),
                Value::Address => &self.account.base_url.value,
            };
            all.push((variable.into(), value.into()));
        }
        all
    }

    /// Credentials that are not named like one: the variable that was named for this run, what opens the store, and the
    /// password of the team's ledger.
    fn withheld(&self) -> Vec<String> {
        let named = self.account.credential.label();
        let named = named.and_then(|label| label.strip_prefix("env:").map(str::to_owned));
        let password = match self.ledger.and_then(|settings| settings.key.as_ref()).map(|key| &key.value) {
            Some(KeyChoice::Env(name)) => Some(name.clone()),
            _ => None,
        };
        [named, password, Some("VK_AGE_IDENTITY".to_owned())].into_iter().flatten().collect()
    }
}

/// As a shell would find it, but never in a relative entry of `PATH`.
#[must_use]
pub fn find(env: &Env, program: &OsStr) -> Option<PathBuf> {
    let path = Path::new(program);
    if path.components().count() > 1 || path.is_absolute() {
        let file = env.cwd().join(path);
        return file.is_file().then_some(file);
    }
    env.find_program(program.to_str()?, None)
}

/// Names of credentials in the project's `.env`, which many programs read by themselves.
#[must_use]
pub fn env_file_names(root: &Path) -> Vec<String> {
    let Ok(bytes) = fsx::read_unfollowed(&root.join(".env"), LARGEST) else { return Vec::new() };
    let text = String::from_utf8_lossy(&bytes);
    let name = |line: &str| {
        let line = line.trim().trim_start_matches("export ");
        line.split_once('=').map(|(name, _)| name.trim().to_owned())
    };
    let mut names: Vec<String> = text.lines().filter_map(name).filter(|n| is_ambient(n)).collect();
    names.sort();
    names.dedup();
    names
}
