//! The index of stored keys: `keys.json` in the data dir, mode 0600, without any secret. Listing keys reads this
//! file and nothing else. Changes are made under a file lock and written whole, so that many processes may add.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::CredentialError;
use super::private::{self, Others};
use crate::base::fsx;

/// Where a secret lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// The system's keyring.
    Keyring,
    /// The age-encrypted file.
    File,
    /// The process itself: tests.
    Memory,
}

impl StoreKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keyring => "keyring",
            Self::File => "file",
            Self::Memory => "memory",
        }
    }
}

/// What kind of secret it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// A provider's key: paid by the token.
    ApiKey,
    /// What `claude setup-token` prints: a plan's, for Claude's own program alone.
    SetupToken,
    /// A login of vk's own, whose tokens are renewed.
    Oauth,
}

impl KeyKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::SetupToken => "setup_token",
            Self::Oauth => "oauth",
        }
    }
}

/// Everything vk knows about a stored key, except the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyInfo {
    pub provider: String,
    pub label: String,
    /// The first 8 hex digits of the secret's SHA-256.
    pub fingerprint: String,
    pub kind: KeyKind,
    pub store: StoreKind,
    /// Whose key it is, as the provider says, once it has been asked.
    #[serde(default)]
    pub account: Option<String>,
    /// The organization that the provider named when the key was tested; another one is a contradiction.
    #[serde(default)]
    pub organization: Option<String>,
    /// Scheme, host and port that the key may be sent to.
    pub origin: String,
    pub added_at: Timestamp,
    #[serde(default)]
    pub last_used_at: Option<Timestamp>,
    /// Chosen by `vk keys default`: used where a provider has several keys and none is named.
    #[serde(default)]
    pub is_default: bool,
    /// What the service calls the plan of a login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// When the access token of a login ends. It is renewed by itself before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// How often the tokens of a login were replaced; 0 for a key.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub generation: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl KeyInfo {
    /// `anthropic/client-a`: how a key is named across providers.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.provider, self.label)
    }

    /// The name of the store's entry. The fingerprint is part of it: a key that replaces another is written beside
    /// it, and the index decides in one step which of the two counts. So are the generations of a login.
    pub(crate) fn entry(&self) -> String {
        let key = format!("{}/{}/{}", self.provider, self.label, self.fingerprint);
        if self.kind == KeyKind::Oauth { format!("{key}.{}", self.generation) } else { key }
    }

    fn is(&self, provider: &str, label: &str) -> bool {
        self.provider == provider && self.label == label
    }
}

/// Version 2 has kinds beside API keys; a file without them is written as version 1.
const VERSION: u32 = 2;
const MOST_BYTES: u64 = 4 << 20;

/// The file's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    version: u32,
    /// Where new keys go: fixed by the first success, changed only by `vk keys init`, never by a failure.
    #[serde(default)]
    pub store: Option<StoreKind>,
    #[serde(default)]
    pub keys: Vec<KeyInfo>,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl Default for Content {
    fn default() -> Self {
        Self { version: 1, store: None, keys: Vec::new() }
    }
}

impl Content {
    pub(crate) fn find(&self, provider: &str, label: &str) -> Option<&KeyInfo> {
        self.keys.iter().find(|key| key.is(provider, label))
    }

    pub(crate) fn find_mut(&mut self, provider: &str, label: &str) -> Option<&mut KeyInfo> {
        self.keys.iter_mut().find(|key| key.is(provider, label))
    }

    /// Puts a key in, in the place of one of the same name if there is one, which is given back.
    pub(crate) fn put(&mut self, key: KeyInfo) -> Option<KeyInfo> {
        let old = self.take(&key.provider, &key.label);
        self.keys.push(key);
        self.keys.sort_by(|a, b| (&a.provider, &a.label).cmp(&(&b.provider, &b.label)));
        old
    }

    pub(crate) fn take(&mut self, provider: &str, label: &str) -> Option<KeyInfo> {
        let at = self.keys.iter().position(|key| key.is(provider, label))?;
        Some(self.keys.remove(at))
    }
}

/// The file itself. Cloning it opens nothing.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    data: PathBuf,
}

impl Index {
    pub(crate) fn new(data: &Path) -> Self {
        Self { data: data.to_path_buf() }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.data
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.data.join("keys.json")
    }

    /// The content as it is now; empty if there is no file yet.
    pub(crate) fn read(&self) -> Result<Content, CredentialError> {
        let path = self.path();
        let Some(bytes) = private::read(&path, MOST_BYTES, Others::Read)? else { return Ok(Content::default()) };
        // The version first: a newer file may have another shape, and is not damaged.
        let damaged = |source| CredentialError::IndexDamaged { path: path.clone(), source };
        let Version { version } = serde_json::from_slice(&bytes).map_err(damaged)?;
        if version > VERSION {
            return Err(CredentialError::IndexNewer { path, version });
        }
        serde_json::from_slice(&bytes).map_err(damaged)
    }

    /// Reads, changes and writes under the lock. An error of `change` leaves the file as it was.
    pub(crate) fn update<T>(
        &self,
        change: impl FnOnce(&mut Content) -> Result<T, CredentialError>,
    ) -> Result<T, CredentialError> {
        let io_error = |path: PathBuf| move |source| CredentialError::IndexIo { path, source };
        fsx::create_private_dir(&self.data).map_err(io_error(self.data.clone()))?;
        let lock = self.data.join("keys.lock");
        let _held = fsx::lock_exclusive(&lock).map_err(io_error(lock.clone()))?;
        let before = self.read()?;
        let mut content = before.clone();
        let answer = change(&mut content)?;
        content.version = if content.keys.iter().all(|key| key.kind == KeyKind::ApiKey) { 1 } else { VERSION };
        if content != before {
            let mut bytes = serde_json::to_vec_pretty(&content)
                .map_err(|source| CredentialError::IndexDamaged { path: self.path(), source })?;
            bytes.push(b'\n');
            fsx::write_private(&self.path(), &bytes).map_err(io_error(self.path()))?;
        }
        Ok(answer)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::fs;

    pub(crate) fn key(provider: &str, label: &str) -> KeyInfo {
        KeyInfo {
            provider: provider.to_owned(),
            label: label.to_owned(),
            fingerprint: "0a1b2c3d".to_owned(),
            kind: KeyKind::ApiKey,
            store: StoreKind::Memory,
            account: None,
            organization: None,
            origin: "https://api.anthropic.com".to_owned(),
            added_at: Timestamp::UNIX_EPOCH,
            last_used_at: None,
            is_default: false,
            plan: None,
            expires_at: None,
            generation: 0,
        }
    }

    #[test]
    fn fifty_writers_lose_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::new(&dir.path().join("data"));
        std::thread::scope(|scope| {
            for writer in 0..50 {
                let index = index.clone();
                scope.spawn(move || {
                    let added = key("anthropic", &format!("k{writer:02}"));
                    index.update(|content| Ok(content.put(added))).unwrap();
                });
            }
        });
        let labels: Vec<String> = index.read().unwrap().keys.into_iter().map(|k| k.label).collect();
        assert_eq!(labels, (0..50).map(|n| format!("k{n:02}")).collect::<Vec<_>>());
    }

    #[test]
    fn a_file_of_a_newer_version_or_a_damaged_one_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::new(dir.path());
        for text in ["{\"version\": 3, \"keys\": {}}", "{\"version\": 1, \"keys\": [{", "", "[]"] {
            fs::write(index.path(), text).unwrap();
            assert!(index.update(|content| Ok(content.put(key("a", "b")))).is_err(), "{text}");
            assert_eq!(fs::read_to_string(index.path()).unwrap(), text);
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_private_whatever_it_was() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let index = Index::new(dir.path());
        fs::write(index.path(), "{\"version\": 1}").unwrap();
        fs::set_permissions(index.path(), fs::Permissions::from_mode(0o644)).unwrap();
        index.update(|content| Ok(content.put(key("a", "b")))).unwrap();
        assert_eq!(fs::metadata(index.path()).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(index.path(), fs::Permissions::from_mode(0o622)).unwrap();
        assert!(index.read().is_err());
    }
}
