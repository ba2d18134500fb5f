//! The vault: keys by provider and label. The index says what there is; a store holds the secrets. A key leaves it
//! only for the address it was added for, and only if it is still the key that was added.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::agefile::{AgeFile, FileMade};
use super::deadline::{self, Missed, Patience};
use super::error::CredentialError;
use super::index::{Content, Index, KeyInfo, KeyKind, StoreKind};
use super::keyring::OsKeyring;
use super::memory::Memory;
use super::store::{SecretBytes, SecretStore, StoreError};
use super::{origin, parts};
use crate::base::clock;
use crate::base::env::Env;
use crate::base::secret::Secret;
use crate::domain::ui::Ui;

/// With nobody there, an unlock prompt is answered by nobody: the whole failure stays under 3 s.
const HEADLESS: Duration = Duration::from_millis(2_500);
/// Time for a person to see an unlock prompt and type.
const ATTENDED: Duration = Duration::from_secs(30);
const NOTICE: Duration = Duration::from_millis(1_500);

/// A key to be added.
#[derive(Clone, Debug)]
pub struct NewKey<'a> {
    pub provider: &'a str,
    pub label: &'a str,
    pub kind: KeyKind,
    /// The provider's address now; the key is bound to its origin.
    pub base_url: &'a str,
    /// Whether a key of the same name gives way.
    pub replace: bool,
}

/// All of it blocks; none of it needs or enters the async runtime. A clone is the same vault.
#[derive(Clone)]
pub struct Vault {
    index: Index,
    keyring: Arc<dyn SecretStore>,
    file: Arc<AgeFile>,
    memory: Arc<Memory>,
    ui: Arc<dyn Ui>,
    patience: Patience,
    /// A keyring call did not come back; another would only wait behind it.
    stuck: Arc<AtomicBool>,
    /// Where the first key goes when nothing is pinned.
    first_choice: StoreKind,
}

impl Vault {
    /// Opens nothing and asks nobody yet. `data` need not exist.
    #[must_use]
    pub fn open(data: &Path, env: &Env, ui: Arc<dyn Ui>) -> Self {
        Self {
            index: Index::new(data),
            keyring: Arc::new(OsKeyring),
            file: Arc::new(AgeFile::new(data, env, Arc::clone(&ui))),
            memory: Arc::new(Memory::new()),
            patience: Patience { limit: if ui.interactive() { ATTENDED } else { HEADLESS }, notice: NOTICE },
            ui,
            stuck: Arc::default(),
            first_choice: StoreKind::Keyring,
        }
    }

    /// A vault whose secrets live in this process: for tests of what uses keys.
    #[must_use]
    pub fn in_memory(data: &Path, ui: Arc<dyn Ui>) -> Self {
        Self { first_choice: StoreKind::Memory, ..Self::open(data, &Env::default(), ui) }
    }

    #[cfg(test)]
    fn with_keyring(data: &Path, ui: Arc<dyn Ui>, keyring: Arc<dyn SecretStore>, limit: Duration) -> Self {
        let patience = Patience { limit, notice: limit / 4 };
        Self { keyring, patience, ..Self::open(data, &Env::default(), ui) }
    }

    /// The stored keys by provider and label. Touches no store and prompts nobody.
    ///
    /// # Errors
    /// If the index cannot be read.
    pub fn list(&self) -> Result<Vec<KeyInfo>, CredentialError> {
        Ok(self.index.read()?.keys)
    }

    /// Where new keys go, once that is decided.
    ///
    /// # Errors
    /// If the index cannot be read.
    pub fn store(&self) -> Result<Option<StoreKind>, CredentialError> {
        Ok(self.index.read()?.store)
    }

    /// Whether the store that a new key goes to opens: asked before anybody is asked for a key.
    ///
    /// # Errors
    /// That the index or the store cannot be used.
    pub fn probe(&self) -> Result<(), CredentialError> {
        let kind = self.store()?.unwrap_or(self.first_choice);
        match self.with(kind, |store| store.get("probe")) {
            Ok(_) | Err(StoreError::Absent) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The key of this label: `client-a` where only one provider has it, or `anthropic/client-a`.
    ///
    /// # Errors
    /// [`CredentialError::Unknown`], [`CredentialError::Ambiguous`], or that the index cannot be read.
    pub fn find(&self, label: &str, provider: Option<&str>) -> Result<KeyInfo, CredentialError> {
        let keys = self.list()?;
        let (provider, label) = match label.split_once('/') {
            Some((named, label)) if provider.is_none_or(|provider| provider == named) => (Some(named), label),
            _ => (provider, label),
        };
        let mut found: Vec<&KeyInfo> = keys
            .iter()
            .filter(|key| key.label == label && provider.is_none_or(|provider| key.provider == provider))
            .collect();
        match (found.pop(), found.as_slice()) {
            (Some(key), []) => Ok(key.clone()),
            (Some(key), others) => Err(CredentialError::Ambiguous {
                label: label.to_owned(),
                providers: others.iter().map(|other| &other.provider).chain([&key.provider]).cloned().collect(),
            }),
            (None, _) => Err(CredentialError::Unknown {
                wanted: provider.map_or_else(|| label.to_owned(), |provider| format!("{provider}/{label}")),
                known: keys.iter().map(KeyInfo::name).collect(),
            }),
        }
    }

    /// The secret, for a request to `base_url`.
    ///
    /// # Errors
    /// [`CredentialError::OtherAddress`] if the key was added for another origin, [`CredentialError::Gone`] or
    /// [`CredentialError::Changed`] if the store has nothing or something else under its name, else that the index
    /// or the store cannot be used.
    pub fn secret(&self, provider: &str, label: &str, base_url: &str) -> Result<Secret, CredentialError> {
        let content = self.index.read()?;
        let key = known(&content, provider, label)?;
        let wanted = bindable(base_url)?;
        if key.origin != wanted {
            return Err(CredentialError::OtherAddress {
                provider: provider.to_owned(),
                label: label.to_owned(),
                bound: key.origin.clone(),
                wanted,
            });
        }
        if key.kind == KeyKind::Oauth {
            return Err(CredentialError::NotAKey { provider: provider.to_owned(), label: label.to_owned() });
        }
        let entry = key.entry();
        let bytes = self.with(key.store, move |store| read_or_probe(store, &entry)).map_err(|error| match error {
            StoreError::Absent => {
                CredentialError::Gone { provider: provider.to_owned(), label: label.to_owned(), store: key.store }
            }
            other => CredentialError::Store(other),
        })?;
        let changed =
            || CredentialError::Changed { provider: provider.to_owned(), label: label.to_owned(), store: key.store };
        let secret = Secret::new(std::str::from_utf8(&bytes).map_err(|_| changed())?);
        if secret.fingerprint() == key.fingerprint { Ok(secret) } else { Err(changed()) }
    }

    /// Whether the secret can be read without asking anybody for a passphrase.
    #[must_use]
    pub fn is_unattended(&self, key: &KeyInfo) -> bool {
        match key.store {
            StoreKind::Keyring | StoreKind::Memory => true,
            StoreKind::File => self.file.has_identity(),
        }
    }

    /// Stores a key and reads it back. The first success decides where keys go from then on.
    ///
    /// # Errors
    /// [`CredentialError::BadLabel`], [`CredentialError::BadAddress`], [`CredentialError::Exists`], or that the index
    /// or the store cannot be used; nothing has changed then.
    pub fn add(&self, new: &NewKey<'_>, secret: &Secret) -> Result<KeyInfo, CredentialError> {
        check_label(new.label)?;
        let content = self.index.read()?;
        let exists = || CredentialError::Exists { provider: new.provider.to_owned(), label: new.label.to_owned() };
        let before = content.find(new.provider, new.label);
        if before.is_some() && !new.replace {
            return Err(exists());
        }
        let key = KeyInfo {
            provider: new.provider.to_owned(),
            label: new.label.to_owned(),
            fingerprint: secret.fingerprint(),
            kind: new.kind,
            store: content.store.unwrap_or(self.first_choice),
            account: None,
            organization: None,
            origin: bindable(new.base_url)?,
            added_at: clock::now(),
            last_used_at: None,
            is_default: before.is_some_and(|key| key.is_default),
            plan: None,
            expires_at: None,
            generation: 0,
        };
        let (entry, bytes) = (key.entry(), SecretBytes::new(secret.expose().as_bytes().to_vec()));
        self.with(key.store, move |store| parts::put(store, &entry, &bytes))?;
        let recorded = self.index.update(|content| {
            if content.find(&key.provider, &key.label).is_some() && !new.replace {
                return Err(exists());
            }
            content.store.get_or_insert(key.store);
            Ok(content.put(key.clone()))
        });
        match recorded {
            Ok(old) => {
                // The old secret is no longer named by anything; that it stays is untidy, not wrong.
                if let Some(old) = old.filter(|old| old.entry() != key.entry() || old.store != key.store) {
                    let _ = self.with(old.store, move |store| parts::delete(store, &old.entry()));
                }
                Ok(key)
            }
            Err(error) => {
                let same = matches!(self.index.read().ok().as_ref().and_then(|c| c.find(&key.provider, &key.label)),
                    Some(other) if other.entry() == key.entry() && other.store == key.store);
                if !same {
                    let entry = key.entry();
                    let _ = self.with(key.store, move |store| parts::delete(store, &entry));
                }
                Err(error)
            }
        }
    }

    /// Deletes a key from its store, then from the index.
    ///
    /// # Errors
    /// [`CredentialError::Unknown`], or that the index or the store cannot be used; the index then still has the key,
    /// so that its secret does not stay behind unseen.
    pub fn remove(&self, provider: &str, label: &str) -> Result<(), CredentialError> {
        let key = known(&self.index.read()?, provider, label)?.clone();
        let entry = key.entry();
        let deleted = self.with(key.store, move |store| match parts::delete(store, &entry) {
            // A locked keyring says "absent" too: only one that takes a write is believed.
            Err(StoreError::Absent) => probe(store),
            other => other,
        });
        match deleted {
            // Without the file, its secrets are gone already.
            Ok(()) | Err(StoreError::NoFile(_)) => self.forget(&key),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes the encrypted file, or opens the one that is there, and sends new keys to it.
    ///
    /// # Errors
    /// If there is no identity and nobody to choose a passphrase, or a file cannot be used.
    pub fn init_file(&self) -> Result<FileMade, CredentialError> {
        let made = self.file.init()?;
        self.index.update(|content| {
            content.store = Some(StoreKind::File);
            Ok(())
        })?;
        Ok(made)
    }

    /// Whether the system keyring takes, gives back and deletes an entry: for `vk doctor`.
    ///
    /// # Errors
    /// How it fails.
    pub fn probe_keyring(&self) -> Result<(), CredentialError> {
        self.with(StoreKind::Keyring, |store| probe(store)).map_err(Into::into)
    }

    /// Whether this store takes, gives back and deletes an entry.
    pub(crate) fn probe_store(&self, store: StoreKind) -> Result<(), CredentialError> {
        self.with(store, |store| probe(store)).map_err(Into::into)
    }

    /// Runs a job on a store: on the keyring with a deadline and on a thread of its own, on the others at once.
    fn with<T: Send + 'static>(
        &self,
        kind: StoreKind,
        job: impl FnOnce(&dyn SecretStore) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match kind {
            StoreKind::File => return job(&*self.file),
            StoreKind::Memory => return job(&*self.memory),
            StoreKind::Keyring => {}
        }
        let seconds = self.patience.limit.as_secs() + u64::from(self.patience.limit.subsec_nanos() > 0);
        if self.stuck.load(Ordering::Relaxed) {
            return Err(StoreError::Slow(seconds));
        }
        let keyring = Arc::clone(&self.keyring);
        let notice = || self.ui.say("Waiting for the system keyring; it may be asking you to unlock it.");
        deadline::within(self.patience, notice, move || job(&*keyring)).unwrap_or_else(|missed| {
            self.stuck.store(true, Ordering::Relaxed);
            Err(match missed {
                Missed::Slow => StoreError::Slow(seconds),
                Missed::Died | Missed::NoThread => StoreError::Failed(missed.to_string()),
            })
        })
    }
}

/// A label that can be typed, shown and put in a fallback edge without quotes.
///
/// # Errors
/// [`CredentialError::BadLabel`].
pub fn check_label(label: &str) -> Result<(), CredentialError> {
    let valid = (1..=64).contains(&label.len())
        && label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        && !label.starts_with('-');
    if valid { Ok(()) } else { Err(CredentialError::BadLabel(label.to_owned())) }
}

fn bindable(base_url: &str) -> Result<String, CredentialError> {
    origin::of(base_url).ok_or_else(|| CredentialError::BadAddress(base_url.to_owned()))
}

fn known<'a>(content: &'a Content, provider: &str, label: &str) -> Result<&'a KeyInfo, CredentialError> {
    content.find(provider, label).ok_or_else(|| CredentialError::Unknown {
        wanted: format!("{provider}/{label}"),
        known: content.keys.iter().map(KeyInfo::name).collect(),
    })
}

/// A keyring that was never unlocked answers "no such entry" for everything. So when an entry that must be there is
/// not, the store has to prove by taking a write that it is open.
fn read_or_probe(store: &dyn SecretStore, entry: &str) -> Result<SecretBytes, StoreError> {
    match parts::get(store, entry) {
        Err(StoreError::Absent) => probe(store).and(Err(StoreError::Absent)),
        other => other,
    }
}

/// Writes, reads and deletes an entry of this process's own.
fn probe(store: &dyn SecretStore) -> Result<(), StoreError> {
    let entry = format!("probe/{}", std::process::id());
    parts::put(store, &entry, b"vk")?;
    match store.delete(&entry) {
        Err(StoreError::Absent) | Ok(()) => Ok(()),
        Err(error) => Err(error),
    }
}

mod facts;
mod logins;

#[cfg(test)]
mod tests;
