//! What a place for secrets can do, and how it fails. "Absent" is an answer; everything else is a failure, and a
//! failure is never taken for absence.

use std::error::Error;
use std::path::PathBuf;

use secrecy::zeroize::Zeroizing;

/// Bytes of a secret, wiped when dropped.
pub(crate) type SecretBytes = Zeroizing<Vec<u8>>;

/// A place for secrets: named entries of bytes. Calls may block; the vault puts a deadline on those that wait for
/// another program.
pub(crate) trait SecretStore: Send + Sync {
    /// The most bytes one entry takes.
    fn entry_limit(&self) -> usize;

    /// The entry's bytes, or [`StoreError::Absent`].
    fn get(&self, name: &str) -> Result<SecretBytes, StoreError>;

    /// Writes or overwrites an entry.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError>;

    /// Deletes an entry, or [`StoreError::Absent`].
    fn delete(&self, name: &str) -> Result<(), StoreError>;
}

/// How a store fails. The words name the store and the cause, never an entry's content.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store works and has no such entry.
    #[error("there is no such entry")]
    Absent,
    /// There is no store here: no session bus, no service behind it.
    #[error("no keyring answers: {0}")]
    Unavailable(String),
    /// The store is there and does not open.
    #[error("the keyring is locked or refuses access: {0}")]
    Locked(String),
    /// The store did not answer in time, counted in seconds.
    #[error("the keyring did not answer within {0} s")]
    Slow(u64),
    /// The store answers with something else.
    #[error("the keyring failed: {0}")]
    Failed(String),
    /// What was written reads back differently, or its parts do not fit together.
    #[error("an entry is damaged: {0}")]
    Damaged(String),
    /// A file that others may read or write, or that is not a plain file.
    #[error("{} {problem}", path.display())]
    Unsafe { path: PathBuf, problem: &'static str, fix: String },
    /// The encrypted file has not been made.
    #[error("{} does not exist", .0.display())]
    NoFile(PathBuf),
    /// The encrypted file cannot be decrypted with what was given.
    #[error("{what}")]
    Undecryptable { what: String, source: Option<Box<dyn Error + Send + Sync>> },
    /// The identity or passphrase of the encrypted file is missing or unusable.
    #[error("{0}")]
    Identity(String),
    #[error("{} cannot be used: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
}
