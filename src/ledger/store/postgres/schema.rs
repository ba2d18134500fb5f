//! The schema of a database: its version, and the migrations, run once by one process and never over what a newer vk
//! wrote. The statements are those of the file, in this database's words for the same types.

pub(super) use crate::ledger::store::migrations::LATEST;

use super::{SCHEMA, Server, ServerError, Trouble};
use crate::ledger::LedgerError;
use crate::ledger::store::migrations::MIGRATIONS;
use crate::ledger::store::{Stop, Tx, params};

/// What the tables and statements need is there from version 12 on (2019).
const OLDEST: i64 = 120_000;

/// The version of the ledger in the database; `None` where there is none.
pub(super) fn version(tx: &Tx<'_>, server: &Server) -> Result<Option<i64>, Stop> {
    let found = "SELECT CAST(current_setting('server_version_num') AS BIGINT),
             CASE WHEN to_regclass('vk.ledger_version') IS NULL THEN 0 ELSE 1 END,
             (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ?1)";
    let (running, is_ledger, tables): (i64, i64, i64) =
        tx.row(found, params![SCHEMA], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let wrong = |trouble, why: String| Err(LedgerError::from(ServerError::new(server, trouble, why)).into());
    if running < OLDEST {
        return wrong(Trouble::OldServer, format!("it is version {}, and vk needs 12", running / 10_000));
    }
    if is_ledger == 0 {
        if tables > 0 {
            return wrong(Trouble::Foreign, String::new());
        }
        return Ok(None);
    }
    let version = tx.row("SELECT max(version) FROM ledger_version", &[], |row| row.get(0))?;
    if version > LATEST {
        let place = server.database.to_string();
        return Err(LedgerError::NewerSchema { place, found: version, known: LATEST }.into());
    }
    Ok(Some(version))
}

/// Brings the database to this version. Other processes that want to wait for their turn as writers.
pub(super) fn migrate(tx: &Tx<'_>, server: &Server) -> Result<(), Stop> {
    let from = version(tx, server)?;
    if from.is_none() {
        tx.execute(&format!("CREATE SCHEMA IF NOT EXISTS {SCHEMA}"), &[])?;
        tx.execute("CREATE TABLE ledger_version (version BIGINT NOT NULL)", &[])?;
        tx.execute("INSERT INTO ledger_version (version) VALUES (0)", &[])?;
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(from.unwrap_or(0)).unwrap_or(0)) {
        for statement in statements(migration) {
            tx.execute(&statement, &[])?;
        }
    }
    tx.execute("UPDATE ledger_version SET version = ?1", params![LATEST])?;
    Ok(())
}

/// That every table answers.
pub(super) fn check(tx: &Tx<'_>) -> Result<(), Stop> {
    for table in
        ["tasks", "attempts", "counters", "budgets", "import_files", "driven_sessions", "day_sums", "stale_days"]
    {
        tx.row(&format!("SELECT count(*) FROM {table}"), &[], |row| row.get::<i64>(0))?;
    }
    Ok(())
}

/// The statements of a migration, one by one. Text is compared by its bytes, as in a file: ids are found by ranges.
fn statements(migration: &str) -> Vec<String> {
    let lines = migration.lines().map(|line| line.split("--").next().unwrap_or_default());
    let text: String = lines.collect::<Vec<_>>().join("\n");
    let text = text
        .replace(") STRICT, WITHOUT ROWID;", ");")
        .replace(") STRICT;", ");")
        .replace(" INTEGER", " BIGINT")
        .replace(" TEXT", " TEXT COLLATE \"C\"");
    text.split(';').map(str::trim).filter(|statement| !statement.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_is_translated_whole() {
        for (at, migration) in MIGRATIONS.iter().enumerate() {
            let all = statements(migration);
            assert_eq!(all.len(), migration.matches(";\n").count(), "{at}");
            for statement in &all {
                for word in ["STRICT", "ROWID", "INTEGER", "--"] {
                    assert!(!statement.contains(word), "{statement}");
                }
                assert_eq!(statement.matches('(').count(), statement.matches(')').count(), "{statement}");
            }
        }
    }
}
