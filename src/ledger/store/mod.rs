//! Where the ledger lies, and the one way to read and write it. The statements are those of the modules above, which
//! know no database; what one is asked for here is a transaction, begun as a writer or as a reader.

mod columns;
mod migrations;
mod postgres;
mod sqlite;
mod tx;
mod value;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub(super) use self::columns::{moment, money, stored_money, stored_tokens, tokens, usage};
pub use self::postgres::{Server, ServerError, Trouble};
pub use self::sqlite::FILE_NAME;
pub(super) use self::tx::Tx;
pub(super) use self::value::{Bind, Cell, Row, Value, params};
use super::{LedgerError, Owner};

/// How long a server that is gone is asked again for what must not be lost, and how often.
const PATIENCE: Duration = Duration::from_secs(8);
const PAUSE: Duration = Duration::from_millis(200);

/// One connection to the ledger. Its calls block for the milliseconds of a synced write; it may be shared between
/// threads, which then take turns.
#[derive(Debug)]
pub struct Ledger {
    store: Store,
    owner: Owner,
    gave_up: AtomicBool,
}

#[derive(Debug)]
enum Store {
    Sqlite(sqlite::Database),
    Postgres(postgres::Database),
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
        Ok(Self::over(Store::Sqlite(sqlite::Database::open(data_dir)?), owner))
    }

    /// Opens the ledger in `data_dir` to read reports from it; `None` where there is none yet.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn open_existing(data_dir: &Path) -> Result<Option<Self>, LedgerError> {
        let database = sqlite::Database::existing(data_dir)?;
        Ok(database.map(|database| Self::over(Store::Sqlite(database), Owner::current())))
    }

    /// Enters the ledger in a team's database, making its tables where there are none.
    ///
    /// # Errors
    /// See [`LedgerError`]; nothing may be spent then.
    pub fn connect(server: Server) -> Result<Self, LedgerError> {
        Self::connect_as(server, Owner::current())
    }

    /// As [`Ledger::connect`], for an owner that the caller names: for tests of dead owners.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn connect_as(server: Server, owner: Owner) -> Result<Self, LedgerError> {
        Ok(Self::over(Store::Postgres(postgres::Database::open(server)?), owner))
    }

    /// Enters the ledger in a team's database to read reports from it; `None` where there is none yet.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn connect_existing(server: Server) -> Result<Option<Self>, LedgerError> {
        let database = postgres::Database::existing(server)?;
        Ok(database.map(|database| Self::over(Store::Postgres(database), Owner::current())))
    }

    /// A ledger that is gone when it is dropped: for tests.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn in_memory(owner: Owner) -> Result<Self, LedgerError> {
        Ok(Self::over(Store::Sqlite(sqlite::Database::in_memory()?), owner))
    }

    fn over(store: Store, owner: Owner) -> Self {
        Self { store, owner, gave_up: AtomicBool::new(false) }
    }

    /// Goes on as another owner: for tests that play several processes.
    pub fn set_owner(&mut self, owner: Owner) {
        self.owner = owner;
    }

    pub(super) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// What stands before the paths of this machine's files, where several machines share a ledger.
    pub(super) fn machine(&self) -> String {
        let name = self.owner.host.split(':').next().unwrap_or_default();
        match &self.store {
            Store::Sqlite(_) => String::new(),
            Store::Postgres(_) => format!("{name}:"),
        }
    }

    /// Reads the structure of all that is stored: for `vk doctor`, and after damage is suspected.
    ///
    /// # Errors
    /// [`LedgerError::Corrupt`] if it is damaged.
    pub fn check(&self) -> Result<(), LedgerError> {
        match &self.store {
            Store::Sqlite(database) => database.check(),
            Store::Postgres(database) => database.check(),
        }
    }

    /// One write: begun as a writer, so that it never has to become one halfway, and all or nothing.
    pub(super) fn write<T>(&self, body: impl FnOnce(&Tx<'_>) -> Result<T, Stop>) -> Result<T, LedgerError> {
        match &self.store {
            Store::Sqlite(database) => database.write(body),
            Store::Postgres(database) => database.write(body),
        }
    }

    /// A write that changes nothing when it is done again: where the server is gone for a moment, it is tried again for a
    /// little while, so that what was spent is not left unsaid because of a restart.
    pub(super) fn write_again<T>(&self, body: impl Fn(&Tx<'_>) -> Result<T, Stop>) -> Result<T, LedgerError> {
        let began = Instant::now();
        loop {
            match self.write(&body) {
                Err(error) if error.may_pass() && !self.gave_up.load(Ordering::Relaxed) => {
                    // Nobody waits twice for a server that did not come back.
                    self.gave_up.store(began.elapsed() >= PATIENCE, Ordering::Relaxed);
                    std::thread::sleep(PAUSE);
                }
                outcome => return outcome,
            }
        }
    }

    /// One consistent reading.
    pub(super) fn read<T>(&self, body: impl FnOnce(&Tx<'_>) -> Result<T, Stop>) -> Result<T, LedgerError> {
        match &self.store {
            Store::Sqlite(database) => database.read(body),
            Store::Postgres(database) => database.read(body),
        }
    }
}

/// Why a transaction ended early: the database said so, or a rule of the ledger did.
#[derive(Debug)]
pub(super) enum Stop {
    Sqlite(rusqlite::Error),
    Fault(postgres::Fault),
    /// The column at this position holds what no vk writes there.
    Shape(usize),
    Rule(LedgerError),
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
