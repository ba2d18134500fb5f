//! Reports by anything but the task: days and weeks, projects, models, payers.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use rusqlite::{Connection, params};

use super::report::{Part, SUMS, part};
use super::{Group, Query, Spend};
use crate::domain::cost::CostState;
use crate::ledger::sqlite::moment;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    /// `2026-11-25`, `2026-W48`, `2026-11`, a project, a model and so on.
    pub group: String,
    pub spend: Spend,
    pub state: CostState,
}

/// One row for each group, the one with the newest call first.
pub(super) fn rows(connection: &Connection, query: &Query) -> rusqlite::Result<Vec<GroupRow>> {
    let key = column(query.by);
    let sql = format!(
        "SELECT {key}, {SUMS} FROM attempts a JOIN tasks t ON t.task_id = a.task_id WHERE {filter}
         GROUP BY {key}, a.charge, a.certainty",
        filter = Query::FILTER
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let (since, until, project) = query.bounds();
    let parts = statement.query_map(params![since, until, project], |row| {
        let group = match query.by {
            Group::Day | Group::Week | Group::Month => calendar(query.by, row.get(0)?),
            _ => row.get(0)?,
        };
        Ok((group, part(row, 1)?))
    })?;
    let mut groups: HashMap<String, Part> = HashMap::new();
    for row in parts {
        let (group, part) = row?;
        groups
            .entry(group)
            .and_modify(|sum| {
                sum.spend += part.spend;
                sum.latest = sum.latest.max(part.latest);
            })
            .or_insert(part);
    }
    let mut groups: Vec<(String, Part)> = groups.into_iter().filter(|(_, part)| part.spend.calls() > 0).collect();
    groups.sort_by(|(a, x), (b, y)| y.latest.cmp(&x.latest).then_with(|| a.cmp(b)));
    let row = |(group, part): (String, Part)| GroupRow {
        group,
        state: part.spend.state().unwrap_or(part.state),
        spend: part.spend,
    };
    Ok(groups.into_iter().map(row).collect())
}

/// What rows of one group have in common.
fn column(by: Group) -> &'static str {
    match by {
        Group::Task => "t.task_id",
        Group::Session => "t.session",
        Group::Day | Group::Week | Group::Month => "a.day",
        Group::Project => "t.project",
        Group::Path => "a.path",
        Group::Model => "a.model",
        Group::Provider => "a.provider",
        Group::Payer => "a.payer",
        // Two keys may share a label, one key may have had two: the fingerprint says which key it was.
        Group::Key => "coalesce(a.key_label || ' ', '') || coalesce(a.key_fingerprint, 'no key')",
        Group::User => "t.user_name",
        Group::Tool => "t.tool",
    }
}

/// A UTC day (counted from 1970) as the group it belongs to: `2026-11-25`, `2026-W48`, `2026-11`.
fn calendar(by: Group, day: i64) -> String {
    let date = moment(day.saturating_mul(86_400_000)).to_zoned_datetime(TimeZone::UTC).date();
    match by {
        Group::Month => date.strftime("%Y-%m").to_string(),
        Group::Week => date.strftime("%G-W%V").to_string(),
        _ => date.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_are_those_of_iso_8601() {
        let day = |text: &str| {
            let date: jiff::civil::Date = text.parse().unwrap();
            date.to_zoned_datetime(TimeZone::UTC).unwrap().timestamp().as_millisecond() / 86_400_000
        };
        assert_eq!(calendar(Group::Week, day("2026-11-25")), "2026-W48");
        assert_eq!(calendar(Group::Week, day("2027-01-03")), "2026-W53");
        assert_eq!(calendar(Group::Month, day("2027-01-03")), "2027-01");
        assert_eq!(calendar(Group::Day, day("2027-01-03")), "2027-01-03");
    }
}
