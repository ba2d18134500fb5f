//! The schema's version: numbered migrations, run once by one process, and never over what a newer vk wrote.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};

use crate::base::fsx;
use crate::ledger::LedgerError;

/// `PRAGMA application_id` of a ledger: "vkL1".
const APPLICATION: i64 = 0x766b_4c31;

/// Migration N brings a ledger from version N-1 to N. A published one is never changed.
const MIGRATIONS: &[&str] = &[include_str!("../migrations/0001.sql")];

const LATEST: i64 = MIGRATIONS.len() as i64;

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

/// Whether nothing has to be changed before use.
fn is_current(connection: &Connection, path: &Path) -> Result<bool, LedgerError> {
    let wrong = |e| LedgerError::of(e, path);
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(wrong);
    let (application, version) = (number("application_id")?, number("user_version")?);
    if application == APPLICATION {
        if version > LATEST {
            return Err(LedgerError::NewerSchema { path: path.to_path_buf(), found: version, known: LATEST });
        }
        return Ok(version == LATEST);
    }
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(wrong)?;
    if application == 0 && version == 0 && tables == 0 {
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
