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
mod tests {
    use super::super::testing::Person;
    use super::*;
    use age::secrecy::ExposeSecret as _;
    use std::fs;

    fn identity() -> String {
        x25519::Identity::generate().to_string().expose_secret().to_owned()
    }

    fn file(data: &Path, identity: &str, person: &Arc<Person>) -> AgeFile {
        let env = Env::of(&[("VK_AGE_IDENTITY", identity)], data);
        AgeFile::new(data, &env, Arc::clone(person) as Arc<dyn Ui>).quick()
    }

    fn read(store: &AgeFile, name: &str) -> Result<String, String> {
        store.get(name).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()).map_err(|e| e.to_string())
    }

    #[test]
    fn entries_of_every_size_read_back_with_the_identity_and_not_without() {
        let dir = tempfile::tempdir().unwrap();
        let (own, nobody) = (identity(), Person::nobody());
        let store = file(dir.path(), &own, &nobody);
        assert!(matches!(store.put("k", b"s"), Err(StoreError::NoFile(_))));
        assert!(!store.init().unwrap().existed);
        let sizes = [1, 100, 2_560, 65_536];
        for size in sizes {
            store.put(&format!("k{size}"), "x".repeat(size).as_bytes()).unwrap();
        }
        let again = file(dir.path(), &own, &nobody);
        for size in sizes {
            assert_eq!(read(&again, &format!("k{size}")).unwrap().len(), size);
        }
        again.delete("k1").unwrap();
        assert!(matches!(again.delete("k1"), Err(StoreError::Absent)));
        assert!(matches!(store.get("k1"), Err(StoreError::Absent)));
        assert!(again.init().unwrap().existed);

        let other = read(&file(dir.path(), &identity(), &nobody), "k100").unwrap_err();
        assert!(other.contains("sealed to another one"), "{other}");
        let none = read(&file(dir.path(), "", &nobody), "k100").unwrap_err();
        assert!(none.contains("VK_AGE_IDENTITY is not set"), "{none}");
        let sealed = fs::read(dir.path().join("secrets.age")).unwrap();
        assert!(!sealed.windows(4).any(|window| window == b"xxxx"));
    }

    #[test]
    fn a_file_that_is_cut_short_or_changed_is_damaged_and_stays_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (own, nobody) = (identity(), Person::nobody());
        let store = file(dir.path(), &own, &nobody);
        store.init().unwrap();
        store.put("k", b"secret").unwrap();
        let path = dir.path().join("secrets.age");
        let whole = fs::read(&path).unwrap();
        for cut in (0..whole.len()).step_by(3) {
            fsx::write_private(&path, &whole[..cut]).unwrap();
            let store = file(dir.path(), &own, &nobody);
            assert!(store.get("k").is_err(), "cut at {cut}");
            assert!(store.put("k", b"new").is_err(), "cut at {cut}");
            assert!(store.init().is_err(), "cut at {cut}");
            assert_eq!(fs::read(&path).unwrap(), &whole[..cut]);
        }
        for flipped in (0..whole.len()).step_by(7) {
            let mut bytes = whole.clone();
            bytes[flipped] ^= 1;
            fsx::write_private(&path, &bytes).unwrap();
            assert!(file(dir.path(), &own, &nobody).get("k").is_err(), "byte {flipped}");
        }
    }

    #[test]
    fn a_passphrase_is_asked_once_and_may_be_mistyped() {
        let dir = tempfile::tempdir().unwrap();
        let person = Person::typing(&["", "one", "two", "open sesame", "open sesame"]);
        let store = file(dir.path(), "", &person);
        let made = store.init().unwrap();
        assert!(made.passphrase && person.has_typed_all());
        store.put("k", b"secret").unwrap();

        let forgetful = Person::typing(&["sesame", "open sesame"]);
        let store = file(dir.path(), "", &forgetful);
        assert_eq!(read(&store, "k").unwrap(), "secret");
        assert_eq!(*forgetful.heard.lock().unwrap(), ["That is not its passphrase."]);
        assert_eq!(read(&store, "k").unwrap(), "secret");

        let wrong = file(dir.path(), "", &Person::typing(&["a", "b", "c", "open sesame"]));
        assert!(read(&wrong, "k").unwrap_err().contains("not the passphrase"));
        let nobody = file(dir.path(), "", &Person::nobody());
        assert!(read(&nobody, "k").unwrap_err().contains("nobody is here"));
        let identity = file(dir.path(), &identity(), &Person::nobody());
        assert!(read(&identity, "k").unwrap_err().contains("nobody is here"));
    }

    #[test]
    fn without_identity_and_person_no_file_is_made() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(file(dir.path(), "", &Person::nobody()).init(), Err(StoreError::Identity(_))));
        assert!(matches!(file(dir.path(), "relative/x", &Person::nobody()).init(), Err(StoreError::Identity(_))));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_named_identity_that_is_not_there_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let (data, named) = (dir.path().join("data"), dir.path().join("identity.txt"));
        let store = file(&data, named.to_str().unwrap(), &Person::nobody());
        assert_eq!(store.init().unwrap().new_identity.as_ref(), Some(&named));
        store.put("k", b"secret").unwrap();
        assert_eq!(read(&file(&data, named.to_str().unwrap(), &Person::nobody()), "k").unwrap(), "secret");
    }

    #[test]
    fn two_processes_that_write_lose_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let own = identity();
        file(dir.path(), &own, &Person::nobody()).init().unwrap();
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let (own, data) = (&own, dir.path());
                scope.spawn(move || file(data, own, &Person::nobody()).put(&format!("k{writer}"), b"s").unwrap());
            }
        });
        let store = file(dir.path(), &own, &Person::nobody());
        assert!((0..8).all(|writer| read(&store, &format!("k{writer}")).unwrap() == "s"));
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_private_and_a_loose_or_linked_one_is_refused() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let dir = tempfile::tempdir().unwrap();
        let (own, nobody) = (identity(), Person::nobody());
        let store = file(dir.path(), &own, &nobody);
        store.init().unwrap();
        let path = dir.path().join("secrets.age");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(store.get("k"), Err(StoreError::Unsafe { .. })));
        let Err(StoreError::Unsafe { fix, .. }) = store.put("k", b"s") else { panic!() };
        assert_eq!(fix, format!("chmod 600 '{}'", path.display()));
        assert_eq!(mode(), 0o644);
        let target = dir.path().join("target");
        fs::rename(&path, &target).unwrap();
        symlink(&target, &path).unwrap();
        assert!(matches!(store.init(), Err(StoreError::Unsafe { .. })));
        assert!(matches!(store.put("k", b"s"), Err(StoreError::Unsafe { .. })));
    }
}
