//! Keys and tokens: where they are kept and what may be done with them. Secrets lie in the OS keyring or in an
//! age-encrypted file, one entry each; beside them an index without secrets says what there is. Nothing here
//! sends a key anywhere or decides which one pays.

mod agefile;
mod deadline;
pub mod error;
mod identity;
pub mod index;
mod keyring;
pub mod login;
mod memory;
pub mod origin;
mod parts;
pub mod plan;
mod private;
pub mod shape;
mod store;
#[cfg(test)]
mod testing;
pub mod vault;

pub use agefile::FileMade;
pub use error::CredentialError;
pub use index::{KeyInfo, KeyKind, StoreKind};
pub use shape::{ProviderFacts, env_key};
pub use vault::{NewKey, Vault};
