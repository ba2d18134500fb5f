//! The ledger in a file of this machine: one connection to SQLite, and the one way to write through it.

mod file;
mod patience;
mod schema;
#[cfg(test)]
mod tests;
mod turn;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, OpenFlags, Transaction, TransactionBehavior};

use super::value::{Cell, Row, Value};
use super::{Stop, Tx};
use crate::ledger::LedgerError;

/// The ledger's file in the data folder.
pub const FILE_NAME: &str = "ledger.db";

/// Room for every statement of the ledger, so that none is parsed twice in a process.
const STATEMENTS: usize = 64;

#[derive(Debug)]
pub(super) struct Database {
    connection: Mutex<Connection>,
    turns: turn::Turns,
    path: PathBuf,
}

impl Database {
    /// Opens the file in `data_dir` for writing, and makes it where there is none.
    pub(super) fn open(data_dir: &Path) -> Result<Self, LedgerError> {
        let database = Self::connect(file::prepare(data_dir)?)?;
        if database.lock().is_readonly("main").unwrap_or(true) {
            return Err(LedgerError::read_only(&database.path));
        }
        Ok(database)
    }

    /// Opens the file in `data_dir` if there is one.
    pub(super) fn existing(data_dir: &Path) -> Result<Option<Self>, LedgerError> {
        file::existing(data_dir)?.map(Self::connect).transpose()
    }

    pub(super) fn in_memory() -> Result<Self, LedgerError> {
        let path = PathBuf::from(":memory:");
        let mut connection = Connection::open_in_memory().map_err(|e| LedgerError::of(e, &path))?;
        schema::settle_on(&mut connection, &path, None)?;
        Ok(Self::over(connection, turn::Turns::default(), path))
    }

    fn connect(path: PathBuf) -> Result<Self, LedgerError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let wrong = |e| LedgerError::of(e, &path);
        let mut connection = Connection::open_with_flags(&path, flags).map_err(wrong)?;
        connection.busy_handler(Some(patience::wait)).map_err(wrong)?;
        schema::settle_on(&mut connection, &path, Some(&path.with_extension("lock")))?;
        Ok(Self::over(connection, turn::Turns::at(&path), path))
    }

    fn over(connection: Connection, turns: turn::Turns, path: PathBuf) -> Self {
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Self { connection: Mutex::new(connection), turns, path }
    }

    /// Reads every page's structure.
    pub(super) fn check(&self) -> Result<(), LedgerError> {
        let verdict: String = self.read(|tx| tx.row("PRAGMA quick_check(1)", &[], |row| row.get(0)))?;
        if verdict == "ok" { Ok(()) } else { Err(LedgerError::Corrupt { path: self.path.clone(), source: None }) }
    }

    pub(super) fn write<T>(&self, body: impl FnOnce(&Tx<'_>) -> Result<T, Stop>) -> Result<T, LedgerError> {
        let mut connection = self.lock();
        let _turn = self.turns.take();
        self.run(&mut connection, TransactionBehavior::Immediate, body)
    }

    pub(super) fn read<T>(&self, body: impl FnOnce(&Tx<'_>) -> Result<T, Stop>) -> Result<T, LedgerError> {
        self.run(&mut self.lock(), TransactionBehavior::Deferred, body)
    }

    fn run<T>(
        &self,
        connection: &mut Connection,
        behavior: TransactionBehavior,
        body: impl FnOnce(&Tx<'_>) -> Result<T, Stop>,
    ) -> Result<T, LedgerError> {
        let outcome = (|| {
            let transaction = connection.transaction_with_behavior(behavior)?;
            let value = body(&Tx::Sqlite(&transaction))?;
            transaction.commit()?;
            Ok(value)
        })();
        outcome.map_err(|stop: Stop| match stop {
            Stop::Sqlite(source) => LedgerError::of(source, &self.path),
            // Statements of a file have no server.
            Stop::Fault(_) => LedgerError::of(rusqlite::Error::InvalidQuery, &self.path),
            Stop::Shape(column) => LedgerError::of(rusqlite::Error::InvalidColumnIndex(column), &self.path),
            Stop::Rule(error) => error,
        })
    }

    /// A thread that panicked in a transaction has rolled it back, so the connection is sound.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Changes rows, and gives how many.
pub(super) fn execute(transaction: &Transaction<'_>, sql: &str, params: &[Value<'_>]) -> Result<usize, Stop> {
    let mut statement = transaction.prepare_cached(sql)?;
    bind(&mut statement, params)?;
    Ok(statement.raw_execute()?)
}

/// Hands every row to `each`.
pub(super) fn each(
    transaction: &Transaction<'_>,
    sql: &str,
    params: &[Value<'_>],
    mut each: impl FnMut(&Row<'_>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut statement = transaction.prepare_cached(sql)?;
    bind(&mut statement, params)?;
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        each(&Row::Sqlite(row))?;
    }
    Ok(())
}

fn bind(statement: &mut CachedStatement<'_>, params: &[Value<'_>]) -> Result<(), Stop> {
    for (at, value) in params.iter().enumerate() {
        match value {
            Value::Int(number) => statement.raw_bind_parameter(at + 1, number)?,
            Value::Text(text) => statement.raw_bind_parameter(at + 1, text)?,
        }
    }
    Ok(())
}

pub(super) fn cell<'r>(row: &'r rusqlite::Row<'_>, at: usize) -> Result<Cell<'r>, Stop> {
    Ok(match row.get_ref(at)? {
        ValueRef::Null => Cell::None,
        ValueRef::Integer(number) => Cell::Int(number),
        text @ ValueRef::Text(_) => Cell::Text(text.as_str().map_err(|_| Stop::Shape(at))?),
        _ => return Err(Stop::Shape(at)),
    })
}
