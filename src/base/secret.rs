//! Secrets as `secrecy` values: no Display, a redacting Debug, exposed only where a header or a store is written.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// A key or token. Cloning copies the bytes; each copy is wiped when it is dropped.
#[derive(Clone, Debug)]
pub struct Secret(SecretString);

impl Secret {
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The only way to the bytes. Grep for it: each use is a header, a store write or a prefix check.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The first 8 hex digits of the SHA-256 of the secret: enough to tell keys apart, useless to guess one.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex(&Sha256::digest(self.expose().as_bytes())[..4])
    }
}

/// Lower-case hex of bytes.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The SHA-256 of some bytes as lower-case hex.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_never_shows_the_secret() {
        let secret = Secret::new("sk-ant-api03-canary");
        assert!(!format!("{secret:?}").contains("canary"));
        assert_eq!(secret.fingerprint().len(), 8);
    }
}
