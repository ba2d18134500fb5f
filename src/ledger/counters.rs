//! The counters behind the budgets: what each scope has taken of each day. They change with the attempt, in its
//! transaction, and are always equal to the sum over the attempts.

use jiff::Timestamp;

use super::scope::{Scope, ScopeKind, Standing};
use super::store::{Bind as _, Row, Stop, Tx, Value, money, params};

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
    pub batch: Option<String>,
    pub day: i64,
}

/// The columns of a [`Place`] in `attempts a JOIN tasks t`.
pub(super) const PLACE: &str = "a.task_id, t.project_dir, a.path, a.key_fingerprint, t.user_name, t.batch, a.day";

impl Place {
    /// From a row that begins with [`PLACE`].
    pub(super) fn of(row: &Row<'_>) -> Result<Self, Stop> {
        Ok(Self {
            task_id: row.get(0)?,
            project_dir: row.get(1)?,
            path: row.get(2)?,
            key_fingerprint: row.get(3)?,
            user: row.get(4)?,
            batch: row.get(5)?,
            day: row.get(6)?,
        })
    }

    /// Where an attempt that is in the ledger counts.
    pub(super) fn load(tx: &Tx<'_>, attempt_id: &str) -> Result<Self, Stop> {
        let sql =
            format!("SELECT {PLACE} FROM attempts a JOIN tasks t ON t.task_id = a.task_id WHERE a.attempt_id = ?1");
        tx.row(&sql, params![attempt_id], Self::of)
    }
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
pub(super) fn rebook(tx: &Tx<'_>, place: &Place, before: Taken, after: Taken) -> Result<(), Stop> {
    if before == after { Ok(()) } else { add(tx, place, before, after) }
}

/// The same, also where nothing changes: the counters are then there.
pub(super) fn add(tx: &Tx<'_>, place: &Place, before: Taken, after: Taken) -> Result<(), Stop> {
    let scopes = [
        (ScopeKind::Task, Some(place.task_id.as_str())),
        (ScopeKind::Global, Some("")),
        (ScopeKind::Project, Some(place.project_dir.as_str())),
        (ScopeKind::Path, Some(place.path.as_str())),
        (ScopeKind::Key, place.key_fingerprint.as_deref()),
        (ScopeKind::User, Some(place.user.as_str())),
        (ScopeKind::Batch, place.batch.as_deref()),
    ];
    let change = [after.settled - before.settled, after.uncertain - before.uncertain, after.live - before.live];
    let mut values = params![place.day, change[0], change[1], change[2]].to_vec();
    let mut rows = Vec::new();
    for (kind, key) in &scopes {
        let Some(key) = key else { continue };
        let next = values.len() + 1;
        values.extend([Value::Text(Some(kind.as_str())), key.bind()]);
        rows.push(format!("(?{next}, ?{}, ?1, ?2, ?3, ?4)", next + 1));
    }
    // All in one statement: where the database is elsewhere, each one is a way there and back.
    let sql = format!(
        "INSERT INTO counters (kind, key, day, settled, uncertain, live) VALUES {}
         ON CONFLICT (kind, key, day) DO UPDATE SET settled = counters.settled + excluded.settled,
             uncertain = counters.uncertain + excluded.uncertain, live = counters.live + excluded.live",
        rows.join(", ")
    );
    tx.later(&sql, &values)
}

/// What each of `scopes` has taken in its window that holds `at`.
pub(super) fn standings(tx: &Tx<'_>, scopes: &[Scope], at: Timestamp) -> Result<Vec<Standing>, Stop> {
    if scopes.is_empty() {
        return Ok(Vec::new());
    }
    let (mut sums, mut values) = (Vec::new(), Vec::new());
    let windows: Vec<(i64, i64)> = scopes.iter().map(|scope| days_of(scope, at)).collect();
    for (place, (scope, (first, last))) in scopes.iter().zip(&windows).enumerate() {
        let next = values.len() + 1;
        values.extend([Value::Text(Some(scope.kind.as_str())), scope.key.bind(), first.bind(), last.bind()]);
        sums.push(format!(
            "SELECT {place} AS place, CAST(coalesce(sum(settled), 0) AS BIGINT),
                 CAST(coalesce(sum(uncertain), 0) AS BIGINT), CAST(coalesce(sum(live), 0) AS BIGINT)
             FROM counters WHERE kind = ?{next} AND key = ?{} AND day BETWEEN ?{} AND ?{}",
            next + 1,
            next + 2,
            next + 3
        ));
    }
    let sql = format!("{} ORDER BY place", sums.join(" UNION ALL "));
    let mut scopes = scopes.iter();
    tx.rows(&sql, &values, |row| {
        Ok(Standing {
            scope: scopes.next().ok_or(Stop::Shape(0))?.clone(),
            settled: money(row.get(1)?),
            uncertain: money(row.get(2)?),
            live: money(row.get(3)?),
            of_ledger: false,
        })
    })
}

/// The first and the last day of a scope's window that holds `at`.
fn days_of(scope: &Scope, at: Timestamp) -> (i64, i64) {
    match scope.window {
        None => (i64::MIN, i64::MAX),
        Some(window) => (day_of(window.start(at)), day_of(window.end(at)) - 1),
    }
}
