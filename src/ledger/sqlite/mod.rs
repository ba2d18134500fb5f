//! The ledger in SQLite: one connection, and the one way to write through it.

mod columns;
mod file;
mod patience;
mod schema;
mod turn;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

pub(super) use self::columns::{moment, money, stored_money, stored_tokens, tokens, usage};
use super::{LedgerError, Owner};

/// The ledger's file in the data folder.
pub const FILE_NAME: &str = "ledger.db";

/// Room for every statement of this module, so that none is parsed twice in a process.
const STATEMENTS: usize = 64;

/// One connection to the ledger. Its calls block for the milliseconds of a synced write; it may be shared between
/// threads, which then take turns.
#[derive(Debug)]
pub struct Ledger {
    connection: Mutex<Connection>,
    turns: turn::Turns,
    path: PathBuf,
    owner: Owner,
}

impl Ledger {
    /// Opens the ledger in `data_dir`, making it (mode 0600) where there is none.
    ///
    /// # Errors
    /// See [`LedgerError`]; nothing may be spent then.
    pub fn open(data_dir: &Path) -> Result<Self, LedgerError> {
        Self::open_as(data_dir, Owner::current())
    }

    /// As [`Ledger::open`], for an owner that the caller names: for tests of dead owners.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn open_as(data_dir: &Path, owner: Owner) -> Result<Self, LedgerError> {
        let path = file::prepare(data_dir)?;
        let ledger = Self::connect(path, owner)?;
        if ledger.lock().is_readonly("main").unwrap_or(true) {
            return Err(LedgerError::read_only(&ledger.path));
        }
        Ok(ledger)
    }

    /// Opens the ledger in `data_dir` to read reports from it; `None` where there is none yet.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn open_existing(data_dir: &Path) -> Result<Option<Self>, LedgerError> {
        match file::existing(data_dir)? {
            Some(path) => Self::connect(path, Owner::current()).map(Some),
            None => Ok(None),
        }
    }

    /// A ledger that is gone when it is dropped: for tests.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn in_memory(owner: Owner) -> Result<Self, LedgerError> {
        let path = PathBuf::from(":memory:");
        let mut connection = Connection::open_in_memory().map_err(|e| LedgerError::of(e, &path))?;
        schema::settle_on(&mut connection, &path, None)?;
        Ok(Self::over(connection, turn::Turns::default(), path, owner))
    }

    /// Goes on as another owner: for tests that play several processes.
    pub fn set_owner(&mut self, owner: Owner) {
        self.owner = owner;
    }

    fn connect(path: PathBuf, owner: Owner) -> Result<Self, LedgerError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let wrong = |e| LedgerError::of(e, &path);
        let mut connection = Connection::open_with_flags(&path, flags).map_err(wrong)?;
        connection.busy_handler(Some(patience::wait)).map_err(wrong)?;
        schema::settle_on(&mut connection, &path, Some(&path.with_extension("lock")))?;
        Ok(Self::over(connection, turn::Turns::at(&path), path, owner))
    }

    fn over(connection: Connection, turns: turn::Turns, path: PathBuf, owner: Owner) -> Self {
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Self { connection: Mutex::new(connection), turns, path, owner }
    }

    /// Reads every page's structure: for `vk doctor`, and after damage is suspected.
    ///
    /// # Errors
    /// [`LedgerError::Corrupt`] if the file is damaged.
    pub fn check(&self) -> Result<(), LedgerError> {
        let verdict = self.read(|c| Ok(c.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))?))?;
        if verdict == "ok" { Ok(()) } else { Err(LedgerError::Corrupt { path: self.path.clone(), source: None }) }
    }

    pub(super) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// One write: begun as a writer, so that it never has to become one halfway, and all or nothing.
    pub(super) fn write<T>(&self, body: impl FnOnce(&Transaction<'_>) -> Result<T, Stop>) -> Result<T, LedgerError> {
        let mut connection = self.lock();
        let Some(_turn) = self.turns.take() else { return Err(LedgerError::locked(&self.path)) };
        let outcome = (|| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = body(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })();
        outcome.map_err(|stop: Stop| stop.at(&self.path))
    }

    /// One consistent reading.
    pub(super) fn read<T>(&self, body: impl FnOnce(&Transaction<'_>) -> Result<T, Stop>) -> Result<T, LedgerError> {
        let mut connection = self.lock();
        let outcome = (|| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
            let value = body(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })();
        outcome.map_err(|stop: Stop| stop.at(&self.path))
    }

    /// A thread that panicked in a transaction has rolled it back, so the connection is sound.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a transaction ended early: SQLite said so, or a rule of the ledger did.
#[derive(Debug)]
pub(super) enum Stop {
    Sqlite(rusqlite::Error),
    Rule(LedgerError),
}

impl Stop {
    fn at(self, path: &Path) -> LedgerError {
        match self {
            Self::Sqlite(source) => LedgerError::of(source, path),
            Self::Rule(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Stop {
    fn from(source: rusqlite::Error) -> Self {
        Self::Sqlite(source)
    }
}

impl From<LedgerError> for Stop {
    fn from(error: LedgerError) -> Self {
        Self::Rule(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock;
    use crate::base::money::{Rate, Usd};
    use crate::domain::cost::Charge;
    use crate::domain::path::PayPath;
    use crate::ledger::{NewAttempt, NewTask, Reserve};

    fn task(id: &str) -> NewTask {
        NewTask {
            id: id.to_owned(),
            tool: "vk".to_owned(),
            session: id.to_owned(),
            user: String::new(),
            project_name: "shop".to_owned(),
            project_dir: "/shop".into(),
            words: "w".repeat(10_000),
            path: PayPath::Byok,
            provider: "anthropic".to_owned(),
            payer: "p".repeat(2_000),
            key_label: None,
            key_fingerprint: None,
            model: "m".to_owned(),
            engine: "builtin".to_owned(),
            cap: None,
            started_at: clock::now(),
        }
    }

    fn attempt(id: &str, call_no: u32) -> NewAttempt {
        NewAttempt {
            attempt_id: crate::ledger::attempt_id(id, call_no, 1),
            task_id: id.to_owned(),
            call_no,
            attempt_no: 1,
            path: PayPath::Byok,
            provider: "anthropic".to_owned(),
            payer: "p".repeat(2_000),
            key_label: None,
            key_fingerprint: None,
            model: "m".to_owned(),
            wire: None,
            charge: Charge::Billed,
            hold: Usd::from_cents(1),
            price: None,
            markup: Rate::ZERO,
            sent_at: clock::now(),
        }
    }

    #[test]
    fn a_full_disk_is_told_and_what_was_granted_before_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path()).unwrap();
        ledger.begin_task(&task("t1")).unwrap();
        ledger.lock().pragma_update(None, "max_page_count", 24).unwrap();
        let mut granted = 0;
        let error = loop {
            match ledger.reserve(&attempt("t1", granted + 1), &[]) {
                Ok(answer) => assert!(matches!(answer, Reserve::Granted { .. })),
                Err(error) => break error,
            }
            granted += 1;
        };
        assert!(granted > 0);
        assert!(matches!(error, LedgerError::Full { .. }), "{error:?}");
        let failure = error.into_failure();
        assert_eq!((failure.exit_code(), failure.code), (9, "ledger_disk_full"));
        assert_eq!(ledger.calls("t1").unwrap().len(), usize::try_from(granted).unwrap());
        ledger.check().unwrap();
        // With room again, work goes on over the same connection.
        ledger.lock().pragma_update(None, "max_page_count", 10_000).unwrap();
        ledger.reserve(&attempt("t1", granted + 1), &[]).unwrap();
    }

    #[test]
    fn a_thread_that_panics_while_writing_leaves_nothing_half_done() {
        let ledger = Ledger::in_memory(Owner::current()).unwrap();
        ledger.begin_task(&task("t1")).unwrap();
        let writes = || -> Result<(), LedgerError> {
            ledger.write(|transaction| {
                transaction.execute("DELETE FROM tasks", [])?;
                panic!("on purpose")
            })
        };
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(writes)).is_err());
        assert_eq!(ledger.tasks(None, 9, clock::now()).unwrap().len(), 1);
    }
}
