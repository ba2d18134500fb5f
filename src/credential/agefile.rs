//! The encrypted file, for systems without a keyring: `secrets.age` in the data dir, all entries in one age file,
//! sealed to an X25519 identity or a passphrase, mode 0600, replaced whole. Made only by `vk keys init --file`.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use age::secrecy::SecretString;
use age::{DecryptError, Decryptor, Encryptor, scrypt, x25519};
use secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::identity::{self, Named};
use super::private::{self, Others};
use super::store::{SecretBytes, SecretStore, StoreError};
use crate::base::env::Env;
use crate::base::fsx;
use crate::base::secret::{Secret, sha256_hex};
use crate::domain::ui::Ui;

const MOST_BYTES: u64 = 16 << 20;
/// How often a passphrase may be mistyped.
const TRIES: u32 = 3;

/// What opens the file.
#[derive(Clone)]
enum Opener {
    Identities(Vec<x25519::Identity>),
    Passphrase(SecretString),
}

/// What opened the file last, so that a person is asked once and the key is stretched once: a passphrase costs about
/// a second each time. What an identity opens is cheap to open again, and is.
struct Opened {
    opener: Opener,
    /// The SHA-256 of the sealed bytes and what was in them.
    content: Option<(String, Entries)>,
}

/// How the file was made, for the message after `vk keys init --file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileMade {
    pub path: PathBuf,
    /// The file was there before and opens.
    pub existed: bool,
    /// A new identity was written here.
    pub new_identity: Option<PathBuf>,
    /// Sealed with a passphrase rather than an identity.
    pub passphrase: bool,
}

pub(crate) struct AgeFile {
    path: PathBuf,
    named: Named,
    ui: Arc<dyn Ui>,
    opened: Mutex<Option<Opened>>,
    /// The scrypt work factor (log 2) of a new passphrase file; `None`: about a second on this machine.
    work_factor: Option<u8>,
}

impl AgeFile {
    pub(crate) fn new(data: &Path, env: &Env, ui: Arc<dyn Ui>) -> Self {
        let path = data.join("secrets.age");
        Self { path, named: Named::of(env), ui, opened: Mutex::new(None), work_factor: None }
    }

    #[cfg(test)]
    fn quick(mut self) -> Self {
        self.work_factor = Some(4);
        self
    }

    /// Whether an identity opens the file, so that nobody is asked for a passphrase.
    pub(crate) fn has_identity(&self) -> bool {
        !matches!(self.named, Named::Nothing)
    }

    /// Makes the file, or makes sure that the one which is there opens.
    pub(crate) fn init(&self) -> Result<FileMade, StoreError> {
        let made =
            |existed, new_identity, passphrase| FileMade { path: self.path.clone(), existed, new_identity, passphrase };
        if let Some(sealed) = self.sealed()? {
            self.open(&sealed)?;
            return Ok(made(true, None, is_passphrase(&sealed)));
        }
        let new_identity = match &self.named {
            Named::File(path) if path.symlink_metadata().is_err() => {
                identity::generate(path)?;
                Some(path.clone())
            }
            _ => None,
        };
        let opener = match self.named.load()? {
            Some(identities) => Opener::Identities(identities),
            None => Opener::Passphrase(self.new_passphrase()?),
        };
        if let Some(folder) = self.path.parent() {
            fsx::create_private_dir(folder).map_err(|e| self.io_error(e))?;
        }
        let _held = self.lock()?;
        // Another process may have made it while the passphrase was typed.
        if self.sealed()?.is_some() {
            return Err(StoreError::Failed(format!("{} was made by another process just now", self.path.display())));
        }
        let passphrase = matches!(opener, Opener::Passphrase(_));
        self.write(opener, &Entries::default())?;
        Ok(made(false, new_identity, passphrase))
    }

    fn new_passphrase(&self) -> Result<SecretString, StoreError> {
        let nobody = || {
            StoreError::Identity(format!(
                "nobody is here to choose a passphrase, and {} is not set",
                identity::VARIABLE
            ))
        };
        for _ in 0..TRIES {
            let first = self.ui.ask_secret("A passphrase for the encrypted key file: ").ok_or_else(nobody)?;
            if first.expose().is_empty() {
                self.ui.say("An empty passphrase protects nothing.");
                continue;
            }
            let again = self.ui.ask_secret("The same passphrase again: ").ok_or_else(nobody)?;
            if first.expose() == again.expose() {
                return Ok(SecretString::from(first.expose().to_owned()));
            }
            self.ui.say("The two differ.");
        }
        Err(StoreError::Identity("no passphrase was chosen".to_owned()))
    }

    fn sealed(&self) -> Result<Option<SecretBytes>, StoreError> {
        private::read(&self.path, MOST_BYTES, Others::Nothing)
    }

    /// Decrypts, asking for the passphrase if the file has one and it is not known yet.
    fn open(&self, sealed: &[u8]) -> Result<(Opener, Entries), StoreError> {
        let known = match &*self.opened.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(Opened { opener, content: Some((hash, entries)) }) if *hash == sha256_hex(sealed) => {
                return Ok((opener.clone(), entries.clone()));
            }
            Some(opened) => Some(opened.opener.clone()),
            None => None,
        };
        let (opener, entries) = match known {
            Some(opener) => {
                let entries = self.decrypt(&opener, sealed)?;
                (opener, entries)
            }
            None if is_passphrase(sealed) => self.ask(sealed)?,
            None => {
                let identities = self.named.load()?.ok_or_else(|| {
                    StoreError::Identity(format!(
                        "{} is sealed to an age identity, and {} is not set",
                        self.path.display(),
                        identity::VARIABLE
                    ))
                })?;
                let opener = Opener::Identities(identities);
                let entries = self.decrypt(&opener, sealed)?;
                (opener, entries)
            }
        };
        self.remember(opener.clone(), sealed, &entries);
        Ok((opener, entries))
    }

    fn ask(&self, sealed: &[u8]) -> Result<(Opener, Entries), StoreError> {
        for tries_left in (0..TRIES).rev() {
            let typed = self.ui.ask_secret("The passphrase of the encrypted key file: ").ok_or_else(|| {
                StoreError::Identity(format!(
                    "{} is sealed with a passphrase, and nobody is here to type it",
                    self.path.display()
                ))
            })?;
            let opener = Opener::Passphrase(SecretString::from(typed.expose().to_owned()));
            match self.decrypt(&opener, sealed) {
                Err(StoreError::Undecryptable { source: None, .. }) if tries_left > 0 => {
                    self.ui.say("That is not its passphrase.");
                }
                Err(error) => return Err(error),
                Ok(entries) => return Ok((opener, entries)),
            }
        }
        Err(StoreError::Identity("the passphrase was not given".to_owned()))
    }

    fn remember(&self, opener: Opener, sealed: &[u8], entries: &Entries) {
        let content = matches!(opener, Opener::Passphrase(_)).then(|| (sha256_hex(sealed), entries.clone()));
        *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = Some(Opened { opener, content });
    }

    fn decrypt(&self, opener: &Opener, sealed: &[u8]) -> Result<Entries, StoreError> {
        let plain = decrypt_bytes(opener, sealed).map_err(|error| self.undecryptable(opener, error))?;
        serde_json::from_slice(&plain).map_err(|_| StoreError::Undecryptable {
            what: format!("{} decrypts to something that vk did not write", self.path.display()),
            source: None,
        })
    }

    /// A wrong opener has no source: it can be tried again.
    fn undecryptable(&self, opener: &Opener, error: DecryptError) -> StoreError {
        let shown = self.path.display();
        let (what, source): (String, Option<Box<dyn std::error::Error + Send + Sync>>) = match (opener, error) {
            (Opener::Passphrase(_), DecryptError::DecryptionFailed | DecryptError::NoMatchingKeys) => {
                (format!("that is not the passphrase of {shown}"), None)
            }
            (Opener::Identities(_), DecryptError::DecryptionFailed | DecryptError::NoMatchingKeys) => {
                (format!("{} does not open {shown}: it was sealed to another one", identity::VARIABLE), None)
            }
            (_, error) => (format!("{shown} is damaged or cut short"), Some(Box::new(error))),
        };
        StoreError::Undecryptable { what, source }
    }

    fn write(&self, opener: Opener, entries: &Entries) -> Result<(), StoreError> {
        let failed = |error: &dyn fmt::Display| StoreError::Failed(format!("encrypting failed: {error}"));
        // Room at once: growing would leave copies behind that nobody wipes.
        let mut plain = Zeroizing::new(Vec::with_capacity(entries.room()));
        serde_json::to_writer(&mut *plain, entries).map_err(|e| failed(&e))?;
        let sealed = encrypt_bytes(&opener, self.work_factor, &plain).map_err(|e| failed(&e))?;
        fsx::write_private(&self.path, &sealed).map_err(|e| self.io_error(e))?;
        self.remember(opener, &sealed, entries);
        Ok(())
    }

    fn change<T>(&self, change: impl FnOnce(&mut Entries) -> Result<T, StoreError>) -> Result<T, StoreError> {
        // Opened once before the lock is taken, so that nobody waits for a person who is typing.
        self.open(&self.sealed()?.ok_or_else(|| StoreError::NoFile(self.path.clone()))?)?;
        let _held = self.lock()?;
        let sealed = self.sealed()?.ok_or_else(|| StoreError::NoFile(self.path.clone()))?;
        let (opener, mut entries) = self.open(&sealed)?;
        let answer = change(&mut entries)?;
        self.write(opener, &entries)?;
        Ok(answer)
    }

    fn lock(&self) -> Result<std::fs::File, StoreError> {
        fsx::lock_exclusive(&self.path.with_extension("lock")).map_err(|e| self.io_error(e))
    }

    fn io_error(&self, source: std::io::Error) -> StoreError {
        StoreError::Io { path: self.path.clone(), source }
    }
}

impl SecretStore for AgeFile {
    fn entry_limit(&self) -> usize {
        usize::MAX
    }

    fn get(&self, name: &str) -> Result<SecretBytes, StoreError> {
        let sealed = self.sealed()?.ok_or_else(|| StoreError::NoFile(self.path.clone()))?;
        let (_, entries) = self.open(&sealed)?;
        let secret = entries.0.get(name).ok_or(StoreError::Absent)?;
        Ok(Zeroizing::new(secret.0.expose().as_bytes().to_vec()))
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let text = std::str::from_utf8(bytes).map_err(|_| StoreError::Failed("the secret is not text".to_owned()))?;
        let secret = Sealed(Secret::new(text));
        self.change(|entries| {
            entries.0.insert(name.to_owned(), secret);
            Ok(())
        })
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.change(|entries| entries.0.remove(name).map(drop).ok_or(StoreError::Absent))
    }
}

fn is_passphrase(sealed: &[u8]) -> bool {
    Decryptor::new_buffered(sealed).is_ok_and(|decryptor| decryptor.is_scrypt())
}

fn decrypt_bytes(opener: &Opener, sealed: &[u8]) -> Result<SecretBytes, DecryptError> {
    let decryptor = Decryptor::new_buffered(sealed)?;
    let mut reader = match opener {
        Opener::Identities(identities) => {
            decryptor.decrypt(identities.iter().map(|identity| identity as &dyn age::Identity))?
        }
        Opener::Passphrase(passphrase) => {
            let identity = scrypt::Identity::new(passphrase.clone());
            decryptor.decrypt(std::iter::once(&identity as &dyn age::Identity))?
        }
    };
    let mut plain = Zeroizing::new(Vec::with_capacity(sealed.len()));
    reader.read_to_end(&mut plain)?;
    Ok(plain)
}

fn encrypt_bytes(opener: &Opener, work_factor: Option<u8>, plain: &[u8]) -> Result<Vec<u8>, age::EncryptError> {
    let encryptor = match opener {
        Opener::Identities(identities) => {
            let recipients: Vec<x25519::Recipient> = identities.iter().map(x25519::Identity::to_public).collect();
            Encryptor::with_recipients(recipients.iter().map(|recipient| recipient as &dyn age::Recipient))?
        }
        Opener::Passphrase(passphrase) => {
            let mut recipient = scrypt::Recipient::new(passphrase.clone());
            if let Some(factor) = work_factor {
                recipient.set_work_factor(factor);
            }
            Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))?
        }
    };
    let mut sealed = Vec::new();
    let mut writer = encryptor.wrap_output(&mut sealed)?;
    writer.write_all(plain)?;
    writer.finish()?;
    Ok(sealed)
}

/// The file's plain content. Serialised here and nowhere else: a secret must not become JSON by accident.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
struct Entries(BTreeMap<String, Sealed>);

impl Entries {
    /// More bytes than its JSON has; keys are visible ASCII, of which JSON doubles two characters.
    fn room(&self) -> usize {
        16 + self.0.iter().map(|(name, secret)| 16 + name.len() + 2 * secret.0.expose().len()).sum::<usize>()
    }
}

#[derive(Clone)]
struct Sealed(Secret);

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::new(text)))
    }
}

#[cfg(test)]
mod tests;
