//! A transaction, whatever the database: statements in, rows out. Statements are written in the words that all of them
//! take, with `?1` for the first parameter.

use super::postgres::Session;
use super::value::{Row, Value};
use super::{Stop, sqlite};

pub(in crate::ledger) enum Tx<'c> {
    Sqlite(&'c rusqlite::Transaction<'c>),
    Postgres(&'c Session),
}

impl Tx<'_> {
    /// Changes rows, and gives how many.
    pub(in crate::ledger) fn execute(&self, sql: &str, params: &[Value<'_>]) -> Result<usize, Stop> {
        match self {
            Self::Sqlite(transaction) => sqlite::execute(transaction, sql, params),
            Self::Postgres(session) => session.execute(sql, params),
        }
    }

    /// Changes rows before whatever follows. Where the database is elsewhere, it goes there with the next statement or
    /// the end of the transaction, which then says if it failed.
    pub(in crate::ledger) fn later(&self, sql: &str, params: &[Value<'_>]) -> Result<(), Stop> {
        match self {
            Self::Sqlite(transaction) => sqlite::execute(transaction, sql, params).map(drop),
            Self::Postgres(session) => {
                session.later(sql, params);
                Ok(())
            }
        }
    }

    /// Hands every row to `each` as it comes. No other statement runs meanwhile.
    pub(in crate::ledger) fn each(
        &self,
        sql: &str,
        params: &[Value<'_>],
        each: impl FnMut(&Row<'_>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        match self {
            Self::Sqlite(transaction) => sqlite::each(transaction, sql, params, each),
            Self::Postgres(session) => session.each(sql, params, each),
        }
    }

    /// Every row, as `read` takes it.
    pub(in crate::ledger) fn rows<T>(
        &self,
        sql: &str,
        params: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, Stop>,
    ) -> Result<Vec<T>, Stop> {
        let mut rows = Vec::new();
        self.each(sql, params, |row| {
            rows.push(read(row)?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// The first row, where there is one.
    pub(in crate::ledger) fn optional<T>(
        &self,
        sql: &str,
        params: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, Stop>,
    ) -> Result<Option<T>, Stop> {
        let mut first = None;
        self.each(sql, params, |row| {
            if first.is_none() {
                first = Some(read(row)?);
            }
            Ok(())
        })?;
        Ok(first)
    }

    /// The one row that there always is, as of a sum.
    pub(in crate::ledger) fn row<T>(
        &self,
        sql: &str,
        params: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        self.optional(sql, params, read)?.ok_or(Stop::Shape(0))
    }

    /// Says that many rows follow in no order of the indexes.
    pub(in crate::ledger) fn expect_many(&self) -> Result<(), Stop> {
        match self {
            // Pages of the indexes are met in any order: with room for them, none is written twice.
            Self::Sqlite(transaction) => Ok(transaction.pragma_update(None, "cache_size", -16_000)?),
            Self::Postgres(_) => Ok(()),
        }
    }
}
