//! The ledger in a team's PostgreSQL: one connection, made again where it was lost, and the one way to write through it.
//!
//! All writers take turns at one lock of the database, in the order they came, as they do at a file: what is granted is
//! then granted beside everything that was granted before, and no transaction has to be tried again. The tables are in
//! a schema of their own. Nothing is kept in the session, so that a pooler may stand between.

mod connect;
mod error;
mod schema;
mod server;
mod session;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use self::error::{ServerError, Trouble};
pub use self::server::Server;
pub(super) use self::session::{Fault, Session, cell};
use super::{Stop, Tx};
use crate::ledger::LedgerError;

/// The schema of the tables.
const SCHEMA: &str = "vk";

/// How a writer begins: it waits for its turn, half a minute at most. A writer that hangs gives its turn up after a
/// minute. The key of the lock spells "vkL1".
const WRITING: &str = "BEGIN; SET LOCAL search_path = vk; SET LOCAL lock_timeout = '30s';
    SET LOCAL idle_in_transaction_session_timeout = '60s'; SELECT pg_advisory_xact_lock(1986743345)";

/// How a reader begins: everything it reads is of one moment.
const READING: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL search_path = vk";

#[derive(Debug)]
pub(super) struct Database {
    server: Server,
    session: Mutex<Option<Session>>,
}

impl Database {
    /// Enters the database for writing, and makes the ledger's tables where there are none.
    pub(super) fn open(server: Server) -> Result<Self, LedgerError> {
        let database = Self { server, session: Mutex::new(None) };
        if !database.is_current()? {
            database.write(|tx| schema::migrate(tx, &database.server))?;
        }
        Ok(database)
    }

    /// Enters the database if there is a ledger in it.
    pub(super) fn existing(server: Server) -> Result<Option<Self>, LedgerError> {
        let database = Self { server, session: Mutex::new(None) };
        match database.read(|tx| schema::version(tx, &database.server))? {
            None => Ok(None),
            Some(schema::LATEST) => Ok(Some(database)),
            Some(_) => Self::open(database.server).map(Some),
        }
    }

    fn is_current(&self) -> Result<bool, LedgerError> {
        Ok(self.read(|tx| schema::version(tx, &self.server))? == Some(schema::LATEST))
    }

    /// That every table answers.
    pub(super) fn check(&self) -> Result<(), LedgerError> {
        self.read(schema::check)
    }

    /// The machine's part of names that only mean something there.
    pub(super) fn shown(&self) -> String {
        self.server.database.to_string()
    }

    pub(super) fn write<T>(&self, body: impl FnOnce(&Tx<'_>) -> Result<T, Stop>) -> Result<T, LedgerError> {
        self.run(WRITING, body)
    }

    pub(super) fn read<T>(&self, body: impl FnOnce(&Tx<'_>) -> Result<T, Stop>) -> Result<T, LedgerError> {
        self.run(READING, body)
    }

    fn run<T>(&self, begin: &str, body: impl FnOnce(&Tx<'_>) -> Result<T, Stop>) -> Result<T, LedgerError> {
        let mut held = self.lock();
        let outcome = (|| {
            let session = self.begin(&mut held, begin)?;
            let open = Open { session, ended: false };
            let value = body(&Tx::Postgres(session))?;
            open.commit()?;
            Ok(value)
        })();
        outcome.map_err(|stop| match stop {
            Stop::Fault(fault) => ServerError::of(&self.server, fault).into(),
            Stop::Shape(column) => ServerError::of(&self.server, Fault::shape(column)).into(),
            Stop::Sqlite(source) => LedgerError::of(source, std::path::Path::new(&self.shown())),
            Stop::Rule(error) => error,
        })
    }

    /// Begins a transaction, over a new connection where there is none.
    fn begin<'s>(&self, held: &'s mut Option<Session>, begin: &str) -> Result<&'s Session, Stop> {
        let again = held.is_some();
        let session = match held.take() {
            Some(session) => session,
            None => Session::open(&self.server).map_err(LedgerError::from)?,
        };
        session.begin(begin, again);
        Ok(held.insert(session))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Session>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transaction that is taken back unless it is committed, also where its body panics.
struct Open<'s> {
    session: &'s Session,
    ended: bool,
}

impl Open<'_> {
    fn commit(mut self) -> Result<(), Stop> {
        self.ended = true;
        self.session.end("COMMIT")
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.session.forget();
            // A connection that is gone has taken it back.
            let _ = self.session.end("ROLLBACK");
        }
    }
}
