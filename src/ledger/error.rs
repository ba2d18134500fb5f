//! How the ledger fails, and what a person can do about each way. All of them end a task before it spends: exit 9.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use super::{ServerError, Trouble};
use crate::base::shell;
use crate::domain::failure::{Failure, Status};

#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error("cannot open the ledger {}", path.display())]
    Open { path: PathBuf, source: io::Error },
    #[error("the ledger's folder {} is on a network file system ({kind})", path.display())]
    NetworkFileSystem { path: PathBuf, kind: &'static str },
    #[error("the ledger {place} was written by a newer vk (schema {found}, this one knows {known})")]
    NewerSchema { place: String, found: i64, known: i64 },
    #[error("{} is a database of another program", path.display())]
    Foreign { path: PathBuf },
    #[error("the ledger {} is damaged", path.display())]
    Corrupt { path: PathBuf, source: Option<rusqlite::Error> },
    #[error("the disk that holds the ledger {} is full", path.display())]
    Full { path: PathBuf, source: rusqlite::Error },
    #[error("the ledger {} cannot be written", path.display())]
    ReadOnly { path: PathBuf, source: rusqlite::Error },
    #[error("another process kept the ledger {} locked for 30 seconds", path.display())]
    Locked { path: PathBuf, source: rusqlite::Error },
    #[error("the ledger already has {what} {id}")]
    Duplicate { what: &'static str, id: String },
    #[error("the ledger has no {what} {id}")]
    Missing { what: &'static str, id: String },
    #[error("the ledger {} could not be used", path.display())]
    Sqlite { path: PathBuf, source: rusqlite::Error },
    #[error(transparent)]
    Server(#[from] ServerError),
}

impl LedgerError {
    /// Sorts what SQLite answered by what a person can do about it.
    pub(super) fn of(source: rusqlite::Error, path: &Path) -> Self {
        let path = path.to_path_buf();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path, source },
            Some(ErrorCode::DiskFull) => Self::Full { path, source },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::ReadOnly { path, source }
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt { path, source: Some(source) },
            _ => Self::Sqlite { path, source },
        }
    }

    /// The file may be read but not written.
    pub(super) fn read_only(path: &Path) -> Self {
        Self::of(code(rusqlite::ffi::SQLITE_READONLY), path)
    }

    /// Whether it may be over in a moment: the server is gone, and may come back.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::Server(error) if matches!(error.trouble, Trouble::Lost | Trouble::Unreachable))
    }

    /// Whether it can still be read: only writing is refused, or has to wait.
    #[must_use]
    pub fn leaves_reading(&self) -> bool {
        match self {
            Self::ReadOnly { .. } | Self::Locked { .. } | Self::Full { .. } => true,
            Self::Server(error) => {
                matches!(error.trouble, Trouble::ReadOnly | Trouble::Locked | Trouble::Full | Trouble::NoRight)
            }
            _ => false,
        }
    }

    /// What a person reads. Nothing is spent that cannot be recorded, so each of these is exit 9.
    #[must_use]
    pub fn into_failure(self) -> Failure {
        let what = self.to_string();
        let failure = |code| Failure::new(Status::Ledger, code, what.clone());
        let unspent = "vk spends nothing that it cannot record";
        match self {
            Self::Open { path, source } => failure("ledger_unwritable")
                .why(format!("{source}; {unspent}"))
                .fix(format!("ls -ld {}", shell::path(path.parent().unwrap_or(&path))))
                .fix("VK_DATA_DIR=\"$HOME/vk-data\" vk doctor"),
            Self::NetworkFileSystem { .. } => failure("ledger_network_file_system")
                .why("its locks do not hold between machines, so a budget could be passed")
                .fix("VK_DATA_DIR=\"/var/tmp/vk-$USER\" vk doctor"),
            Self::NewerSchema { .. } => failure("ledger_newer")
                .why("this version would misread it, and changes nothing in it")
                .fix("vk --version   # then install the newer vk"),
            Self::Foreign { path } => failure("ledger_foreign").why("it is left as it is").fix(format!(
                "mv {} {}.other",
                shell::path(&path),
                shell::path(&path)
            )),
            Self::Corrupt { path, source } => failure("ledger_damaged")
                .why(format!("{}; {unspent}", source.map_or_else(|| "its check failed".to_owned(), |s| s.to_string())))
                .fix(format!("sqlite3 {} .recover | sqlite3 {}.recovered", shell::path(&path), shell::path(&path)))
                .fix(format!(
                    "mv {} {}.damaged   # starts a new, empty ledger",
                    shell::path(&path),
                    shell::path(&path)
                )),
            Self::Full { path, .. } => failure("ledger_disk_full")
                .why(unspent)
                .fix(format!("df -h {}", shell::path(path.parent().unwrap_or(&path)))),
            Self::ReadOnly { path, source } => failure("ledger_unwritable")
                .why(format!("{source}; {unspent}"))
                .fix(format!("chmod u+rw {}", shell::path(&path)))
                .fix("VK_DATA_DIR=\"$HOME/vk-data\" vk doctor"),
            Self::Locked { path, .. } => failure("ledger_locked")
                .why("every write takes a few milliseconds, so something is holding it")
                .fix(format!("lsof {}", shell::path(&path))),
            Self::Duplicate { .. } | Self::Missing { .. } => failure("ledger_refused").why(unspent),
            Self::Server(error) => error.into_failure(),
            Self::Sqlite { path, source } => failure("ledger_failed")
                .why(format!("{source}; {unspent}"))
                .fix(format!("df -h {}", shell::path(path.parent().unwrap_or(&path))))
                .fix("vk doctor"),
        }
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        error.into_failure()
    }
}

fn code(code: std::ffi::c_int) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None)
}
