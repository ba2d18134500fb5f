//! What the index says of a key beside its secret: whose it is, where it may go, which one is meant where none is named.

use jiff::SignedDuration;

use super::{Vault, bindable, known};
use crate::base::clock;
use crate::credential::error::CredentialError;
use crate::credential::index::KeyInfo;
use crate::credential::store::StoreError;

/// `last_used_at` is not written more often than this.
const USED_AGAIN: SignedDuration = SignedDuration::from_secs(60);

impl Vault {
    /// Takes a key out of the index only; a secret that its store still has stays there.
    ///
    /// # Errors
    /// If the index cannot be used.
    pub fn forget(&self, key: &KeyInfo) -> Result<(), CredentialError> {
        self.index.update(|content| {
            if content.find(&key.provider, &key.label).is_some_and(|found| found.entry() == key.entry()) {
                content.take(&key.provider, &key.label);
            }
            Ok(())
        })
    }

    /// Makes this key the one that is used where its provider has several and none is named.
    ///
    /// # Errors
    /// [`CredentialError::Unknown`], or that the index cannot be used.
    pub fn set_default(&self, provider: &str, label: &str) -> Result<(), CredentialError> {
        self.index.update(|content| {
            known(content, provider, label)?;
            for key in content.keys.iter_mut().filter(|key| key.provider == provider) {
                key.is_default = key.label == label;
            }
            Ok(())
        })
    }

    /// Remembers whose key it is. An organization that is pinned already is never replaced.
    ///
    /// # Errors
    /// [`CredentialError::Unknown`], or that the index cannot be used.
    pub fn pin_organization(
        &self,
        provider: &str,
        label: &str,
        organization: Option<&str>,
        account: Option<&str>,
    ) -> Result<KeyInfo, CredentialError> {
        self.change(provider, label, |key| {
            if key.organization.is_none() {
                key.organization = organization.map(str::to_owned);
            }
            if let Some(account) = account.or(organization) {
                key.account = Some(account.to_owned());
            }
        })
    }

    /// Binds the key to another address: the user has seen both and accepted.
    ///
    /// # Errors
    /// [`CredentialError::Unknown`], [`CredentialError::BadAddress`], or that the index cannot be used.
    pub fn rebind(&self, provider: &str, label: &str, base_url: &str) -> Result<KeyInfo, CredentialError> {
        let origin = bindable(base_url)?;
        self.change(provider, label, |key| key.origin = origin)
    }

    /// Notes that the key was used now.
    ///
    /// # Errors
    /// [`CredentialError::Unknown`], or that the index cannot be used. Not worth ending a run for.
    pub fn touch_used(&self, provider: &str, label: &str) -> Result<(), CredentialError> {
        let now = clock::now();
        self.change(provider, label, |key| {
            if key.last_used_at.is_none_or(|before| now.duration_since(before) > USED_AGAIN) {
                key.last_used_at = Some(now);
            }
        })
        .map(drop)
    }

    fn change(
        &self,
        provider: &str,
        label: &str,
        change: impl FnOnce(&mut KeyInfo),
    ) -> Result<KeyInfo, CredentialError> {
        self.index.update(|content| {
            known(content, provider, label)?;
            let key = content.find_mut(provider, label).ok_or(StoreError::Absent)?;
            change(key);
            Ok(key.clone())
        })
    }
}
