//! vk's own two folders.

use std::path::PathBuf;

/// Where vk keeps what is the user's. Neither folder lies in the project's tree or can be written by others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dirs {
    /// `config.toml`.
    pub config: PathBuf,
    /// The ledger, the index of keys, trust, undo.
    pub data: PathBuf,
}
