//! What opens the encrypted file: an age X25519 identity that `VK_AGE_IDENTITY` gives or names, or a passphrase.

use std::path::{Path, PathBuf};

use age::secrecy::{ExposeSecret as _, SecretString};
use age::x25519;

use super::private::{self, Others};
use super::store::StoreError;
use crate::base::env::Env;
use crate::base::fsx;

pub(crate) const VARIABLE: &str = "VK_AGE_IDENTITY";
const PREFIX: &str = "AGE-SECRET-KEY-1";
const MOST_BYTES: u64 = 64 << 10;

/// Where the user says the identity is. The value itself is a secret: no Debug, no Display.
#[derive(Clone)]
pub(crate) enum Named {
    Nothing,
    Value(SecretString),
    File(PathBuf),
    /// Set, and neither an identity nor an absolute path. Not kept: it may be a mistyped identity.
    Unusable,
}

impl Named {
    pub(crate) fn of(env: &Env) -> Self {
        let Some(path) = env.path(VARIABLE) else { return Self::Nothing };
        let text = env.get(VARIABLE).unwrap_or_default().trim();
        if text.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX)) {
            return Self::Value(SecretString::from(text.to_owned()));
        }
        match (text.strip_prefix("~/"), env.home()) {
            (Some(rest), Some(home)) => Self::File(home.join(rest)),
            _ if path.is_absolute() => Self::File(path),
            _ => Self::Unusable,
        }
    }

    /// The identities, in the order of the file; `None` if the variable is not set.
    pub(crate) fn load(&self) -> Result<Option<Vec<x25519::Identity>>, StoreError> {
        match self {
            Self::Nothing => Ok(None),
            Self::Unusable => Err(StoreError::Identity(format!(
                "{VARIABLE} is neither an age identity ({PREFIX}...) nor the absolute path of an identity file"
            ))),
            Self::Value(text) => parse(text.expose_secret())
                .map(Some)
                .map_err(|why| StoreError::Identity(format!("{VARIABLE} is no usable age identity: {why}"))),
            Self::File(path) => from_file(path).map(Some),
        }
    }
}

fn from_file(path: &Path) -> Result<Vec<x25519::Identity>, StoreError> {
    let Some(bytes) = private::read(path, MOST_BYTES, Others::Nothing)? else {
        return Err(StoreError::Identity(format!("{}, which {VARIABLE} names, does not exist", path.display())));
    };
    std::str::from_utf8(&bytes)
        .map_err(|_| "it is not text")
        .and_then(parse)
        .map_err(|why| StoreError::Identity(format!("{} has no usable age identity: {why}", path.display())))
}

/// An identity file's text: one identity a line, `#` before comments.
fn parse(text: &str) -> Result<Vec<x25519::Identity>, &'static str> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut identities = Vec::new();
    for line in lines {
        if line.starts_with("age-encryption.org/") || line.starts_with("-----BEGIN") {
            return Err("it is encrypted itself, or an SSH key; vk takes plain X25519 identities");
        }
        identities.push(line.parse().map_err(|_| "a line is not an X25519 identity (AGE-SECRET-KEY-1...)")?);
    }
    if identities.is_empty() { Err("it is empty") } else { Ok(identities) }
}

/// Makes a new identity file, readable by its owner only; never over something that is there.
pub(crate) fn generate(path: &Path) -> Result<(), StoreError> {
    let io_error = |source| StoreError::Io { path: path.to_path_buf(), source };
    if let Some(folder) = path.parent() {
        fsx::create_private_dir(folder).map_err(io_error)?;
    }
    if path.symlink_metadata().is_ok() {
        return Err(io_error(std::io::ErrorKind::AlreadyExists.into()));
    }
    let identity = x25519::Identity::generate();
    let secret = identity.to_string();
    let text = zeroize_text(format!("# public key: {}\n{}\n", identity.to_public(), secret.expose_secret()));
    fsx::write_private(path, text.as_bytes()).map_err(io_error)
}

fn zeroize_text(text: String) -> secrecy::zeroize::Zeroizing<String> {
    secrecy::zeroize::Zeroizing::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn loaded(env: &Env) -> Result<Option<usize>, String> {
        Named::of(env).load().map(|found| found.map(|list| list.len())).map_err(|e| e.to_string())
    }

    #[test]
    fn an_identity_comes_as_a_value_or_from_a_private_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sub/identity.txt");
        let name = file.to_str().unwrap();
        let env = |value: &str| Env::of(&[(VARIABLE, value), ("HOME", dir.path().to_str().unwrap())], dir.path());
        assert_eq!(loaded(&Env::of(&[], dir.path())), Ok(None));
        assert!(loaded(&env(name)).unwrap_err().contains("does not exist"));
        generate(&file).unwrap();
        assert!(generate(&file).is_err());
        assert_eq!(loaded(&env(name)), Ok(Some(1)));
        assert_eq!(loaded(&env("~/sub/identity.txt")), Ok(Some(1)));
        let value = x25519::Identity::generate().to_string();
        assert_eq!(loaded(&env(value.expose_secret())), Ok(Some(1)));
        fs::write(&file, "# nothing\n").unwrap();
        assert!(loaded(&env(name)).unwrap_err().contains("empty"));
    }

    #[test]
    fn a_mistyped_identity_is_not_repeated() {
        let dir = tempfile::tempdir().unwrap();
        for value in ["AGE-SECRET-KEY-1CANARY", "GE-SECRET-KEY-1CANARY", "sub/CANARY"] {
            let error = loaded(&Env::of(&[(VARIABLE, value)], dir.path())).unwrap_err();
            assert!(!error.contains("CANARY"), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_identity_file_that_others_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("identity.txt");
        generate(&file).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let error = loaded(&Env::of(&[(VARIABLE, file.to_str().unwrap())], dir.path())).unwrap_err();
        assert!(error.contains("can be read by other users"), "{error}");
    }
}
