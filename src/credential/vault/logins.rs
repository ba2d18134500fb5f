//! Logins in the vault: tokens that replace each other. Each generation has an entry of its own; the index says in one
//! step which of them counts, and an older one is never put in the place of a newer one.

use std::fs::File;
use std::time::{Duration, Instant};

use super::{Vault, bindable, check_label, known, probe};
use crate::base::fsx;
use crate::credential::error::CredentialError;
use crate::credential::index::{Content, KeyInfo, KeyKind};
use crate::credential::parts;
use crate::credential::plan::Tokens;
use crate::credential::store::StoreError;

/// How often a login is read again that another process replaces at that moment.
const TRIES: u32 = 4;

impl Vault {
    /// The one process that may renew, replace or end this login, until the file is dropped.
    pub(crate) fn lock_login(&self, provider: &str, label: &str, limit: Duration) -> Result<File, CredentialError> {
        check_label(label)?;
        let data = self.index.folder();
        let path = data.join(format!("login-{provider}-{label}.lock"));
        let io_error = |path: std::path::PathBuf| move |source| CredentialError::IndexIo { path, source };
        fsx::create_private_dir(data).map_err(io_error(data.to_path_buf()))?;
        let until = Instant::now() + limit;
        loop {
            match fsx::try_lock_exclusive(&path).map_err(io_error(path.clone()))? {
                Some(held) => return Ok(held),
                None if Instant::now() >= until => return Err(CredentialError::Busy { path }),
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    /// A login and its tokens.
    ///
    /// # Errors
    /// [`CredentialError::Unknown`], [`CredentialError::Gone`] or [`CredentialError::Changed`], or that the index or
    /// the store cannot be used.
    pub(crate) fn tokens(&self, provider: &str, label: &str) -> Result<(KeyInfo, Tokens), CredentialError> {
        let mut seen = None;
        for _ in 0..TRIES {
            let key = known(&self.index.read()?, provider, label)?.clone();
            if key.kind != KeyKind::Oauth {
                return Err(CredentialError::NotALogin { provider: key.provider, label: key.label });
            }
            match self.read_tokens(&key, key.generation)? {
                Some(tokens) => return Ok((key, tokens)),
                // Between the two readings it was replaced, and its entry deleted.
                None if seen != Some(key.generation) => seen = Some(key.generation),
                None => break,
            }
        }
        let key = known(&self.index.read()?, provider, label)?.clone();
        // A locked keyring says "absent" too.
        self.with(key.store, |store| probe(store))?;
        Err(CredentialError::Gone { provider: key.provider, label: key.label, store: key.store })
    }

    /// Tokens that were written and not yet entered in the index: their process ended in between.
    pub(crate) fn unfinished(&self, key: &KeyInfo) -> Result<Option<Tokens>, CredentialError> {
        let next = self.read_tokens(key, key.generation + 1);
        match next {
            // Half of an entry is no newer login.
            Err(CredentialError::Changed { .. } | CredentialError::Store(StoreError::Damaged(_))) => Ok(None),
            other => other,
        }
    }

    /// `None` where the store has no such entry.
    fn read_tokens(&self, key: &KeyInfo, generation: u64) -> Result<Option<Tokens>, CredentialError> {
        let entry = entry_of(key, generation);
        let bytes = match self.with(key.store, move |store| parts::get(store, &entry)) {
            Err(StoreError::Absent) => return Ok(None),
            other => other?,
        };
        let tokens = Tokens::of_bytes(&bytes).filter(|tokens| {
            tokens.generation == generation && tokens.fingerprint == key.fingerprint && tokens.login_at == key.added_at
        });
        let changed =
            || CredentialError::Changed { provider: key.provider.clone(), label: key.label.clone(), store: key.store };
        tokens.map(Some).ok_or_else(changed)
    }

    /// Stores a new login under this label, in the place of what has it. The lock of the login must be held.
    ///
    /// # Errors
    /// [`CredentialError::Exists`] if the label is taken and may not be replaced, else as for [`Vault::add`].
    pub(crate) fn add_login(
        &self,
        provider: &str,
        label: &str,
        base_url: &str,
        replace: bool,
        mut tokens: Tokens,
    ) -> Result<KeyInfo, CredentialError> {
        check_label(label)?;
        let content = self.index.read()?;
        let before = content.find(provider, label);
        if before.is_some() && !replace {
            return Err(CredentialError::Exists { provider: provider.to_owned(), label: label.to_owned() });
        }
        tokens.generation = before.map_or(0, |key| key.generation) + 1;
        let key = KeyInfo {
            provider: provider.to_owned(),
            label: label.to_owned(),
            fingerprint: tokens.fingerprint.clone(),
            kind: KeyKind::Oauth,
            store: content.store.unwrap_or(self.first_choice),
            account: None,
            organization: None,
            origin: bindable(base_url)?,
            added_at: tokens.login_at,
            last_used_at: None,
            is_default: before.is_some_and(|key| key.is_default),
            plan: None,
            expires_at: None,
            generation: tokens.generation,
        };
        self.put_login(key, &tokens, false)
    }

    /// Stores renewed tokens of a login. The lock of the login must be held.
    ///
    /// # Errors
    /// [`CredentialError::Overtaken`] if the index has a newer or another login by now, which stays; else as for
    /// [`Vault::add`].
    pub(crate) fn replace_tokens(&self, key: &KeyInfo, tokens: &Tokens) -> Result<KeyInfo, CredentialError> {
        self.put_login(KeyInfo { generation: tokens.generation, ..key.clone() }, tokens, true)
    }

    fn put_login(&self, key: KeyInfo, tokens: &Tokens, renews: bool) -> Result<KeyInfo, CredentialError> {
        let key = KeyInfo {
            account: tokens.email.clone().or_else(|| tokens.account_id.clone()),
            plan: tokens.plan.clone(),
            expires_at: Some(tokens.expires_at),
            ..key
        };
        let is_overtaken = |content: &Content| {
            let before = content.find(&key.provider, &key.label);
            let is_same_login = before.is_some_and(|before| before.added_at == key.added_at);
            before.is_some_and(|before| before.generation >= key.generation) || renews && !is_same_login
        };
        let overtaken = || CredentialError::Overtaken { provider: key.provider.clone(), label: key.label.clone() };
        if is_overtaken(&self.index.read()?) {
            return Err(overtaken());
        }
        let (entry, bytes) = (key.entry(), tokens.to_bytes());
        // Written and read back before anything names it.
        self.with(key.store, move |store| parts::put(store, &entry, &bytes))?;
        let recorded = self.index.update(|content: &mut Content| {
            if is_overtaken(content) {
                return Err(overtaken());
            }
            content.store.get_or_insert(key.store);
            Ok(content.put(key.clone()))
        });
        match recorded {
            Ok(old) => {
                if let Some(old) = old.filter(|old| old.entry() != key.entry() || old.store != key.store) {
                    self.delete_entries(&old, &key);
                }
                Ok(key)
            }
            // What could only not be entered stays: it may be the one place that has these tokens.
            Err(error) => {
                if !renews && !matches!(error, CredentialError::Overtaken { .. }) {
                    let entry = key.entry();
                    let _ = self.with(key.store, move |store| parts::delete(store, &entry));
                }
                Err(error)
            }
        }
    }

    /// Takes a login out of the index and deletes what the store has of it. The lock of the login must be held.
    ///
    /// # Errors
    /// As for [`Vault::remove`].
    pub(crate) fn remove_login(&self, key: &KeyInfo) -> Result<(), CredentialError> {
        self.remove(&key.provider, &key.label)?;
        self.delete_entries(key, &KeyInfo { fingerprint: String::new(), ..key.clone() });
        Ok(())
    }

    /// Deletes what a login that is over has in the store, and what a process that ended too early may have left
    /// beside it; never the entry of the one that counts. Best effort: nothing names them any more.
    fn delete_entries(&self, old: &KeyInfo, current: &KeyInfo) {
        if old.kind != KeyKind::Oauth {
            let entry = old.entry();
            let _ = self.with(old.store, move |store| parts::delete(store, &entry));
            return;
        }
        for generation in [old.generation, old.generation.saturating_sub(1), old.generation + 1] {
            let entry = entry_of(old, generation);
            if entry != current.entry() {
                let _ = self.with(old.store, move |store| parts::delete(store, &entry));
            }
        }
    }
}

fn entry_of(key: &KeyInfo, generation: u64) -> String {
    KeyInfo { generation, ..key.clone() }.entry()
}
