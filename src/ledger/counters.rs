//! The counters behind the budgets: what each scope has taken of each day. They change with the attempt, in its
//! transaction, and are always equal to the sum over the attempts.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::scope::{Scope, ScopeKind, Standing};
use super::sqlite::money;

const DAY_MS: i64 = 86_400_000;

/// The UTC day of a moment, counted from 1970.
pub(super) fn day_of(at: Timestamp) -> i64 {
    at.as_millisecond().div_euclid(DAY_MS)
}

/// Where an attempt counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub task_id: String,
    pub project_dir: String,
    pub path: String,
    pub key_fingerprint: Option<String>,
    pub user: String,
    pub day: i64,
}

/// What an attempt takes from its scopes, in nano-dollars: one of the three, or nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    pub settled: i64,
    pub uncertain: i64,
    pub live: i64,
}

impl Taken {
    /// By the word in `attempts.state` and the money in `attempts.counted`.
    pub(super) fn of(state: &str, counted: i64) -> Self {
        match state {
            "live" => Self { live: counted, ..Self::default() },
            "uncertain" => Self { uncertain: counted, ..Self::default() },
            "settled" => Self { settled: counted, ..Self::default() },
            _ => Self::default(),
        }
    }
}

/// Moves an attempt's money in every scope it counts in.
pub(super) fn rebook(connection: &Connection, place: &Place, before: Taken, after: Taken) -> rusqlite::Result<()> {
    if before == after {
        return Ok(());
    }
    let scopes = [
        (ScopeKind::Task, Some(place.task_id.as_str())),
        (ScopeKind::Global, Some("")),
        (ScopeKind::Project, Some(place.project_dir.as_str())),
        (ScopeKind::Path, Some(place.path.as_str())),
        (ScopeKind::Key, place.key_fingerprint.as_deref()),
        (ScopeKind::User, Some(place.user.as_str())),
    ];
    let mut statement = connection.prepare_cached(
        "INSERT INTO counters (kind, key, day, settled, uncertain, live) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (kind, key, day) DO UPDATE SET settled = counters.settled + excluded.settled,
             uncertain = counters.uncertain + excluded.uncertain, live = counters.live + excluded.live",
    )?;
    for (kind, key) in scopes {
        let Some(key) = key else { continue };
        statement.execute(params![
            kind.as_str(),
            key,
            place.day,
            after.settled - before.settled,
            after.uncertain - before.uncertain,
            after.live - before.live,
        ])?;
    }
    Ok(())
}

/// What `scope` has taken in the window that holds `at`.
pub(super) fn standing(connection: &Connection, scope: &Scope, at: Timestamp) -> rusqlite::Result<Standing> {
    let (first, last) = match scope.window {
        None => (i64::MIN, i64::MAX),
        Some(window) => (day_of(window.start(at)), day_of(window.end(at)) - 1),
    };
    let mut statement = connection.prepare_cached(
        "SELECT coalesce(sum(settled), 0), coalesce(sum(uncertain), 0), coalesce(sum(live), 0) FROM counters
         WHERE kind = ?1 AND key = ?2 AND day BETWEEN ?3 AND ?4",
    )?;
    statement.query_row(params![scope.kind.as_str(), scope.key, first, last], |row| {
        Ok(Standing {
            scope: scope.clone(),
            settled: money(row.get(0)?),
            uncertain: money(row.get(1)?),
            live: money(row.get(2)?),
            of_ledger: false,
        })
    })
}
