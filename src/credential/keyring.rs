//! The system's keyring: Secret Service on Linux, Keychain on macOS, Credential Manager on Windows. One entry a
//! secret, service `vk`. Everything here may block for as long as a person lets an unlock prompt stand.

use keyring::{Entry, Error};
use secrecy::zeroize::{Zeroize as _, Zeroizing};

use super::store::{SecretBytes, SecretStore, StoreError};

const SERVICE: &str = "vk";

/// Credential Manager's own limit in bytes (CRED_MAX_CREDENTIAL_BLOB_SIZE is 5 x 512).
const WINDOWS_LIMIT: usize = 2_560;

pub(crate) struct OsKeyring;

impl OsKeyring {
    fn entry(name: &str) -> Result<Entry, StoreError> {
        // The facade hides why it has no store; its status has the cause.
        if let Err(error) = Entry::store_status() {
            return Err(StoreError::Unavailable(cause(error)));
        }
        Entry::new(SERVICE, name).map_err(translate)
    }
}

impl SecretStore for OsKeyring {
    fn entry_limit(&self) -> usize {
        if cfg!(windows) { WINDOWS_LIMIT } else { usize::MAX }
    }

    fn get(&self, name: &str) -> Result<SecretBytes, StoreError> {
        Self::entry(name)?.get_secret().map(Zeroizing::new).map_err(translate)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        Self::entry(name)?.set_secret(bytes).map_err(translate)
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        Self::entry(name)?.delete_credential().map_err(translate)
    }
}

/// The keyring's error as ours. Bytes that an error carries are wiped; they can be the secret.
fn translate(error: Error) -> StoreError {
    match error {
        Error::NoEntry => StoreError::Absent,
        Error::NoStorageAccess(source) => StoreError::Locked(source.to_string()),
        Error::NoDefaultStore => StoreError::Unavailable("the system has no store for secrets".to_owned()),
        Error::PlatformFailure(source) => StoreError::Failed(source.to_string()),
        Error::Ambiguous(entries) => StoreError::Failed(format!("{} entries have the same name", entries.len())),
        Error::BadEncoding(mut bytes) | Error::BadDataFormat(mut bytes, _) => {
            bytes.zeroize();
            StoreError::Damaged("it is not what vk stores".to_owned())
        }
        other => StoreError::Failed(other.to_string()),
    }
}

fn cause(error: &Error) -> String {
    match error {
        Error::PlatformFailure(source) | Error::NoStorageAccess(source) => source.to_string(),
        Error::Invalid(..) => "this system has no keyring that vk can use".to_owned(),
        other => other.to_string(),
    }
}
