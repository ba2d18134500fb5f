//! opencode's database: messages as rows, read only, those that changed since the last time.
//!
//! `message (id, session_id, time_created, time_updated, data)`, in milliseconds since 1970.
//! Source: anomalyco/opencode, `packages/opencode/src/session/session.sql.ts` (2026-08).

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use super::call::Call;
use super::opencode::Opencode;
use super::outcome::Odd;

/// A message is a few hundred bytes; what it says is kept elsewhere.
const LONGEST: i32 = 4 * 1024 * 1024;

/// Hands every message that changed since `state` to `each` and gives the state of the next reading.
pub(super) fn read(
    path: &Path,
    state: Option<&str>,
    odd: &mut Odd,
    mut each: impl FnMut(&mut Vec<Call>),
) -> rusqlite::Result<Option<String>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONGEST)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    let (is_table, has_time) = shape(&connection)?;
    if !is_table {
        return Ok(None);
    }
    let since = state.and_then(|text| text.parse::<i64>().ok()).unwrap_or(i64::MIN);
    let updated = if has_time { "time_updated" } else { "0" };
    // What was changed in the very millisecond of the last reading is read again.
    let mut statement = connection
        .prepare(&format!("SELECT id, session_id, data, {updated} FROM message WHERE {updated} >= ?1 OR ?2"))?;
    let mut rows = statement.query(rusqlite::params![since, !has_time])?;
    let (mut reader, mut calls, mut latest, mut count) = (Opencode::new(), Vec::new(), since, 0_u64);
    while let Some(row) = rows.next()? {
        count += 1;
        let text = |at: usize| -> rusqlite::Result<&[u8]> {
            Ok(match row.get_ref(at)? {
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
                _ => &[],
            })
        };
        latest = latest.max(row.get::<_, Option<i64>>(3).ok().flatten().unwrap_or(since));
        let (id, session) = (String::from_utf8_lossy(text(0)?), String::from_utf8_lossy(text(1)?));
        if let Err(broken) = reader.message(text(2)?, Some((&id, &session)), &mut calls) {
            odd.broken(path, count, broken.0);
        }
        each(&mut calls);
    }
    Ok(has_time.then(|| latest.to_string()))
}

/// Whether `message` is a table (a view could do anything), and whether its rows tell when they changed.
fn shape(connection: &Connection) -> rusqlite::Result<(bool, bool)> {
    let is_table: i64 = connection.query_row(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'message'",
        [],
        |row| row.get(0),
    )?;
    let sql = "SELECT count(*) FROM pragma_table_info('message') WHERE name = 'time_updated'";
    let has_time: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    Ok((is_table == 1, has_time == 1))
}
