//! What can go wrong with stored keys, and what a person is told: the cause that is known, and what to type.

use std::io;
use std::path::PathBuf;

use super::index::StoreKind;
pub use super::store::StoreError;
use crate::base::shell;
use crate::domain::failure::{Failure, Status};

#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    #[error("{} cannot be used: {source}", path.display())]
    IndexIo { path: PathBuf, source: io::Error },
    #[error("{} is damaged: {source}", path.display())]
    IndexDamaged { path: PathBuf, source: serde_json::Error },
    #[error("{} was written by a newer vk (version {version})", path.display())]
    IndexNewer { path: PathBuf, version: u32 },
    #[error("\"{0}\" cannot be a label")]
    BadLabel(String),
    #[error("\"{0}\" is not an http or https address")]
    BadAddress(String),
    #[error("there is a key {provider}/{label} already")]
    Exists { provider: String, label: String },
    #[error("there is no key {wanted}")]
    Unknown { wanted: String, known: Vec<String> },
    #[error("several keys are called {label}")]
    Ambiguous { label: String, providers: Vec<String> },
    /// The key was added for another address than the one it is wanted for.
    #[error("the key {provider}/{label} is bound to {bound}, not to {wanted}")]
    OtherAddress { provider: String, label: String, bound: String, wanted: String },
    /// The index has the key, the store works, and the secret is not in it.
    #[error("the secret of {provider}/{label} is gone from the {}", place(*store))]
    Gone { provider: String, label: String, store: StoreKind },
    /// The store gave a secret that is not the one which was added.
    #[error("the {} holds another secret for {provider}/{label} than the one that was added", place(*store))]
    Changed { provider: String, label: String, store: StoreKind },
    #[error("{provider}/{label} is a login, not a key")]
    NotAKey { provider: String, label: String },
    #[error("{provider}/{label} is a key, not a login")]
    NotALogin { provider: String, label: String },
    /// Another process renews, replaces or ends the login and does not come to an end.
    #[error("another vk is busy with this login")]
    Busy { path: PathBuf },
    /// While tokens were renewed, the login was replaced or ended.
    #[error("the login {provider}/{label} was replaced or ended meanwhile")]
    Overtaken { provider: String, label: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn place(store: StoreKind) -> &'static str {
    match store {
        StoreKind::Keyring => "keyring",
        StoreKind::File => "encrypted file",
        StoreKind::Memory => "memory",
    }
}

impl CredentialError {
    /// Whether the store did not give access, as opposed to answering that something is missing.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Store(
                StoreError::Unavailable(_) | StoreError::Locked(_) | StoreError::Slow(_) | StoreError::Failed(_)
            )
        )
    }
}

impl From<CredentialError> for Failure {
    fn from(error: CredentialError) -> Self {
        let what = error.to_string();
        let unusable = |code| Failure::new(Status::NoCredential, code, what.clone());
        match error {
            CredentialError::IndexIo { path, .. } => {
                unusable("key_index_unusable").fix(format!("ls -ld {}", shell::path(&path)))
            }
            CredentialError::IndexDamaged { path, .. } => unusable("key_index_damaged")
                .why("it is never overwritten while it cannot be read; the secrets are not in it")
                .fix(format!("mv {0} {0}.damaged && vk keys add   # once for each key", shell::path(&path))),
            CredentialError::IndexNewer { .. } => {
                unusable("key_index_newer").why("this vk is older than the one that wrote it").fix("vk --version")
            }
            CredentialError::BadLabel(_) => Failure::usage("bad_label", what)
                .why("a label has 1 to 64 of the characters A-Z a-z 0-9 . _ -")
                .fix("vk keys list"),
            CredentialError::BadAddress(_) => Failure::usage("bad_address", what).fix("vk doctor   # where it is set"),
            CredentialError::Exists { provider, label } => Failure::usage("key_exists", what)
                .fix(format!("vk keys add {provider} --label {label}-2"))
                .fix(format!("vk keys remove {label} --provider {provider}")),
            CredentialError::Unknown { known, .. } => {
                let failure = unusable("unknown_key");
                if known.is_empty() {
                    failure.why("no key is stored").fix("vk keys add")
                } else {
                    failure.why(format!("stored are: {}", known.join(", "))).fix("vk keys list")
                }
            }
            CredentialError::Ambiguous { label, providers } => {
                let names: Vec<String> = providers.iter().map(|provider| format!("{provider}/{label}")).collect();
                Failure::usage("ambiguous_key", what).why(format!("they are {}", names.join(", "))).fix("vk keys list")
            }
            CredentialError::OtherAddress { provider, label, .. } => unusable("key_bound_elsewhere")
                .why("a key is sent only to the address it was added for")
                .fix(format!("vk keys test {label} --provider {provider} --accept-address")),
            CredentialError::Gone { provider, label, store } => unusable("key_gone")
                .why(match store {
                    StoreKind::Keyring => {
                        "the keyring is open and works, so its entry was deleted or the keyring was made anew"
                    }
                    _ => "the file is another one than the key was added to",
                })
                .fix(format!("vk keys remove {label} --provider {provider} --yes"))
                .fix(format!("vk keys add {provider} --label {label}")),
            CredentialError::Changed { provider, label, .. } => unusable("key_changed")
                .why("its fingerprint differs, so it was not used: who pays would not be who was shown")
                .fix(format!("vk keys remove {label} --provider {provider} --yes"))
                .fix(format!("vk keys add {provider} --label {label}")),
            CredentialError::NotAKey { .. } => Failure::usage("not_a_key", what).fix("vk whoami"),
            CredentialError::NotALogin { provider, label } => Failure::usage("not_a_login", what)
                .fix(format!("vk keys remove {label} --provider {provider}"))
                .fix("vk whoami"),
            CredentialError::Busy { path } => unusable("login_busy")
                .why("it renews the login or waits for a keyring")
                .fix(format!("fuser -v {}   # who it is", shell::path(&path))),
            CredentialError::Overtaken { .. } => unusable("login_overtaken").fix("vk whoami"),
            CredentialError::Store(error) => store_failure(error, &what),
        }
    }
}

fn store_failure(error: StoreError, what: &str) -> Failure {
    let failure = |code, what: &str| Failure::new(Status::NoCredential, code, what);
    let other_ways = |code, what: &str, why: &str| {
        failure(code, what)
            .why(format!("{why}\nwithout a store, vk run --key env:NAME takes the key of a variable for one run"))
            .fix("vk keys init --file      # an age-encrypted file")
    };
    match error {
        StoreError::Unavailable(cause) => other_ways("no_keyring", "no system keyring answers here", &cause),
        StoreError::Locked(cause) => other_ways(
            "keyring_locked",
            "the system keyring is locked or refuses access",
            &format!("{cause}; unlock it (in a desktop session, log in or open its password manager) and try again"),
        ),
        StoreError::Slow(seconds) => other_ways(
            "keyring_timeout",
            &format!("the system keyring did not answer within {seconds} s"),
            "it may wait for somebody to unlock it, where nobody sees the question",
        ),
        StoreError::Failed(cause) => other_ways("keyring_failed", "the system keyring failed", &cause),
        StoreError::Absent => failure("key_gone", "the secret is not in the store").fix("vk keys list"),
        StoreError::Damaged(cause) => {
            failure("key_damaged", "the stored secret is damaged").why(cause).fix("vk keys list").fix("vk keys add")
        }
        StoreError::Unsafe { fix, .. } => failure("key_file_unsafe", what).why("vk does not use it like that").fix(fix),
        StoreError::NoFile(_) => failure("no_key_file", what).fix("vk keys init --file"),
        StoreError::Undecryptable { source, .. } => {
            let failure = failure("key_file_closed", what);
            match source {
                Some(source) => failure.why(source.to_string()),
                None => failure,
            }
            .fix("vk doctor")
        }
        StoreError::Identity(_) => failure("no_age_identity", what)
            .why("VK_AGE_IDENTITY names it: the file that age-keygen or vk keys init --file made; without it, a key can stand in a variable for one run: --key env:NAME")
            .fix("vk doctor"),
        StoreError::Io { path, .. } => {
            failure("key_file_unusable", what).fix(format!("ls -ld {}", shell::path(&path)))
        }
    }
}
