//! The schema of a file: its version, and the migrations, run once by one process and never over what a newer vk wrote.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};

use crate::base::fsx;
use crate::ledger::LedgerError;
use crate::ledger::store::migrations::{LATEST, MIGRATIONS};

/// `PRAGMA application_id` of a ledger: "vkL1".
const APPLICATION: i64 = 0x766b_4c31;

/// Sets the connection up and brings the schema to this version. `lock` is the file that processes which find
/// something to change take turns at; switching a file to WAL does not wait for others by itself.
pub(super) fn settle_on(connection: &mut Connection, path: &Path, lock: Option<&Path>) -> Result<(), LedgerError> {
    let wrong = |e| LedgerError::of(e, path);
    if !is_current(connection, path)? {
        let _turn = match lock {
            Some(lock) => Some(
                fsx::lock_exclusive(lock).map_err(|source| LedgerError::Open { path: path.to_path_buf(), source })?,
            ),
            None => None,
        };
        if !is_current(connection, path)? {
            connection.pragma_update(None, "journal_mode", "wal").map_err(wrong)?;
            migrate(connection, path)?;
        }
    }
    // Each commit reaches the disk before it is answered: what was granted is never forgotten.
    connection.pragma_update(None, "synchronous", "full").map_err(wrong)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(wrong)?;
    connection.pragma_update(None, "trusted_schema", false).map_err(wrong)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).map_err(wrong)?;
    Ok(())
}

/// Whether nothing has to be changed before use. One transaction, for another process may be migrating meanwhile.
fn is_current(connection: &mut Connection, path: &Path) -> Result<bool, LedgerError> {
    let wrong = |e| LedgerError::of(e, path);
    let reading = connection.transaction().map_err(wrong)?;
    let number = |sql: &str| reading.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(wrong);
    let (application, version) = (number("PRAGMA application_id")?, number("PRAGMA user_version")?);
    if application == APPLICATION {
        if version > LATEST {
            return Err(LedgerError::NewerSchema { place: path.display().to_string(), found: version, known: LATEST });
        }
        return Ok(version == LATEST);
    }
    if application == 0 && version == 0 && number("SELECT count(*) FROM sqlite_schema")? == 0 {
        return Ok(false);
    }
    Err(LedgerError::Foreign { path: path.to_path_buf() })
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), LedgerError> {
    let wrong = |e| LedgerError::of(e, path);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(wrong)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(wrong)?;
    for migration in MIGRATIONS.iter().skip(usize::try_from(version).unwrap_or(0)) {
        transaction.execute_batch(migration).map_err(wrong)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION).map_err(wrong)?;
    transaction.pragma_update(None, "user_version", LATEST).map_err(wrong)?;
    transaction.commit().map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Ledger, Owner};

    #[test]
    fn every_migration_has_a_number_and_the_statements_of_the_last_schema_are_known() {
        assert_eq!(usize::try_from(LATEST).unwrap(), MIGRATIONS.len());
        let ledger = Ledger::in_memory(Owner::current()).unwrap();
        let names: Vec<String> = ledger
            .read(|tx| {
                let sql = "SELECT type || ' ' || name FROM sqlite_schema WHERE sql IS NOT NULL";
                tx.rows(sql, &[], |row| row.get(0))
            })
            .unwrap();
        insta::assert_snapshot!(names.join(", "), @"table tasks, index tasks_by_project, index tasks_by_start, table attempts, index attempts_by_task, index attempts_by_time, index attempts_live, index attempts_uncertain, table counters, table import_files, table driven_sessions, table day_sums, index day_sums_by_day, table stale_days, table budgets, table plan_tasks, table plan_windows, index plan_windows_by_plan, index tasks_by_batch");
    }

    #[test]
    fn a_ledger_of_the_first_schema_keeps_its_rows() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(MIGRATIONS[0]).unwrap();
        connection.execute("INSERT INTO counters VALUES ('task', 't1', 1, 2, 3, 4)", []).unwrap();
        connection.pragma_update(None, "application_id", APPLICATION).unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        settle_on(&mut connection, Path::new(":memory:"), None).unwrap();
        let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(number("PRAGMA user_version"), LATEST);
        assert_eq!(number("SELECT settled FROM counters"), 2);
        assert_eq!(number("SELECT count(*) FROM import_files"), 0);
    }

    /// What the reservation runs on every call must stay a look-up, however long the history.
    #[test]
    fn the_statements_of_a_reservation_use_their_indexes() {
        let ledger = Ledger::in_memory(Owner::current()).unwrap();
        let plan = |sql: &str| -> String {
            let explain = format!("EXPLAIN QUERY PLAN {sql}");
            let steps: Vec<String> = ledger.read(|tx| tx.rows(&explain, &[], |row| row.get(3))).unwrap();
            steps.join("; ")
        };
        insta::assert_snapshot!(plan("SELECT 1 FROM attempts a JOIN tasks t ON t.task_id = a.task_id WHERE a.state = 'live' AND t.lease_until <= 1"), @"SCAN a USING COVERING INDEX attempts_live; SEARCH t USING INDEX sqlite_autoindex_tasks_1 (task_id=?)");
        insta::assert_snapshot!(plan("SELECT count(*) FROM attempts WHERE state = 'uncertain' AND uncertain_at <= 1"), @"SEARCH attempts USING COVERING INDEX attempts_uncertain (uncertain_at<?)");
        insta::assert_snapshot!(plan("SELECT sum(settled) FROM counters WHERE kind = 'a' AND key = '' AND day BETWEEN 1 AND 2"), @"SEARCH counters USING PRIMARY KEY (kind=? AND key=? AND day>? AND day<?)");
    }
}
