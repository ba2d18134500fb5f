//! `vk cost`: what was spent, by task or by any other group, in a period, in a project.

use jiff::Timestamp;

use super::spend::Spend;
use super::{GroupRow, TaskRow, groups, tasks};
use crate::domain::cost::{Certainty, Charge, CostState};
use crate::ledger::store::{Row, Stop, money, tokens, usage};
use crate::ledger::{Ledger, LedgerError};

/// What a report has one row for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    Task,
    Session,
    Day,
    Week,
    Month,
    Project,
    Path,
    Model,
    Provider,
    Payer,
    Key,
    User,
    Tool,
}

impl Group {
    pub const ALL: [Self; 13] = [
        Self::Task,
        Self::Session,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Project,
        Self::Path,
        Self::Model,
        Self::Provider,
        Self::Payer,
        Self::Key,
        Self::User,
        Self::Tool,
    ];

    /// The word of `vk cost --by`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Session => "session",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Project => "project",
            Self::Path => "path",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Payer => "payer",
            Self::Key => "key",
            Self::User => "user",
            Self::Tool => "tool",
        }
    }
}

/// Which calls a report looks at, and how it groups them. A call belongs to the moment it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub by: Group,
    /// The first moment that counts.
    pub since: Option<Timestamp>,
    /// The first moment that no longer counts.
    pub until: Option<Timestamp>,
    /// A project's name in reports.
    pub project: Option<String>,
}

impl Query {
    #[must_use]
    pub fn by(by: Group) -> Self {
        Self { by, since: None, until: None, project: None }
    }

    /// The condition on `attempts a JOIN tasks t`, whose parameters 1 to 3 are [`Query::bounds`].
    pub(super) const FILTER: &'static str =
        "a.state != 'aborted' AND a.sent_at >= ?1 AND a.sent_at < ?2 AND (?3 IS NULL OR t.project = ?3)";

    pub(super) fn bounds(&self) -> (i64, i64, Option<&str>) {
        let since = self.since.map_or(i64::MIN, Timestamp::as_millisecond);
        let until = self.until.map_or(i64::MAX, Timestamp::as_millisecond);
        (since, until, self.project.as_deref())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rows {
    Tasks(Vec<TaskRow>),
    Groups(Vec<GroupRow>),
}

impl Rows {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Tasks(rows) => rows.is_empty(),
            Self::Groups(rows) => rows.is_empty(),
        }
    }
}

/// Rows, newest first, and their sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub by: Group,
    pub rows: Rows,
    pub total: Spend,
}

impl Report {
    /// The report of a ledger that has nothing to tell.
    #[must_use]
    pub fn empty(by: Group) -> Self {
        let rows = if by == Group::Task { Rows::Tasks(Vec::new()) } else { Rows::Groups(Vec::new()) };
        Self { by, rows, total: Spend::default() }
    }
}

impl Ledger {
    /// What was spent. `now` decides which tasks still run.
    ///
    /// # Errors
    /// What the database answered.
    pub fn report(&self, query: &Query, now: Timestamp) -> Result<Report, LedgerError> {
        if groups::by_days(query.by) {
            match self.sum_days() {
                // Without room or right to keep them, the sums are made for this report alone.
                Err(error) if !error.leaves_reading() => return Err(error),
                _ => {}
            }
        }
        self.read(|tx| {
            let (rows, total) = if query.by == Group::Task {
                let rows = tasks::rows(tx, query, self.owner(), now)?;
                let total = rows.iter().map(|row| row.spend).sum();
                (Rows::Tasks(rows), total)
            } else {
                let rows = groups::rows(tx, query)?;
                let total = rows.iter().map(|row| row.spend).sum();
                (Rows::Groups(rows), total)
            };
            Ok(Report { by: query.by, rows, total })
        })
    }
}

/// The columns that [`part`] reads: sums over attempts of one charge and one certainty. An attempt under way
/// has no figures yet: where it moves money, what it costs is unknown and not nothing.
pub(in crate::ledger) const SUMS: &str = "a.charge, a.certainty, max(a.sent_at),
    sum(CASE WHEN a.state != 'live' OR a.charge = 'billed' THEN 1 ELSE 0 END), CAST(sum(a.input) AS BIGINT),
    CAST(sum(a.cache_read) AS BIGINT), CAST(sum(a.cache_write_5m) AS BIGINT), CAST(sum(a.cache_write_1h) AS BIGINT),
    CAST(sum(a.output) AS BIGINT), CAST(sum(a.reasoning) AS BIGINT), CAST(coalesce(sum(a.billed), 0) AS BIGINT),
    CAST(coalesce(sum(a.list), 0) AS BIGINT),
    sum(CASE WHEN (a.state != 'live' OR a.charge = 'billed') AND a.list IS NULL THEN 1 ELSE 0 END)";

/// Some calls of one state.
pub(super) struct Part {
    pub state: CostState,
    /// When the last of them was sent, in milliseconds.
    pub latest: i64,
    pub spend: Spend,
}

/// Reads the columns of [`SUMS`] from the column `first` on.
pub(super) fn part(row: &Row<'_>, first: usize) -> Result<Part, Stop> {
    let state = CostState::of(Charge::parse(row.text(first)?), Certainty::parse(row.text(first + 1)?));
    let spend = Spend::of(
        state,
        tokens(row.get(first + 3)?),
        usage(row, first + 4)?,
        money(row.get(first + 10)?),
        money(row.get(first + 11)?),
        tokens(row.get(first + 12)?),
    );
    Ok(Part { state, latest: row.get(first + 2)?, spend })
}
