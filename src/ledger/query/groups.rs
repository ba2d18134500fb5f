//! Reports by anything but the task: days and weeks, projects, models, payers.

use std::collections::HashMap;

use jiff::tz::TimeZone;

use super::report::{Part, SUMS, part};
use super::{Group, Query, Spend};
use crate::domain::cost::CostState;
use crate::ledger::days::DAY_MS;
use crate::ledger::store::{Stop, Tx, Value, moment, params};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    /// `2026-11-25`, `2026-W48`, `2026-11`, a project, a model and so on.
    pub group: String,
    pub spend: Spend,
    pub state: CostState,
}

/// One row for each group, the one with the newest call first.
pub(super) fn rows(tx: &Tx<'_>, query: &Query) -> Result<Vec<GroupRow>, Stop> {
    let mut groups: HashMap<String, Part> = HashMap::new();
    let (since, until, _) = query.bounds();
    if by_days(query.by) {
        for (from, to) in days(tx, query, &mut groups)? {
            calls(tx, query, from, to, &mut groups)?;
        }
    } else {
        calls(tx, query, since, until, &mut groups)?;
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

/// Whether the sums of days know this group.
pub(super) const fn by_days(by: Group) -> bool {
    !matches!(by, Group::Task | Group::Session)
}

/// Adds the whole days of the period from their sums, and gives the stretches that must be summed call by call: the
/// beginnings and ends of days at its edges, and days whose calls changed since they were summed.
fn days(tx: &Tx<'_>, query: &Query, groups: &mut HashMap<String, Part>) -> Result<Vec<(i64, i64)>, Stop> {
    let (since, until, project) = query.bounds();
    let (first, end) = (since.div_euclid(DAY_MS) + i64::from(since.rem_euclid(DAY_MS) > 0), until.div_euclid(DAY_MS));
    if first >= end {
        return Ok(vec![(since, until)]);
    }
    let key = column(query.by, "s", "s");
    let sums = [
        "calls",
        "input",
        "cache_read",
        "cache_write_5m",
        "cache_write_1h",
        "output",
        "reasoning",
        "billed",
        "list",
        "unpriced",
    ];
    let sums = sums.map(|column| format!("CAST(sum(s.{column}) AS BIGINT)")).join(", ");
    let sql = format!(
        "SELECT {key}, s.charge, s.certainty, max(s.latest), {sums}
         FROM day_sums s WHERE s.day >= ?1 AND s.day < ?2 AND (?3 IS NULL OR s.project = ?3)
             AND s.day NOT IN (SELECT day FROM stale_days) GROUP BY {key}, s.charge, s.certainty"
    );
    add(tx, &sql, params![first, end, project], query.by, groups)?;
    let mut open = vec![(since, first.saturating_mul(DAY_MS)), (end.saturating_mul(DAY_MS), until)];
    open.retain(|(from, to)| from < to);
    let stale = crate::ledger::days::stale(tx)?;
    let inside = stale.into_iter().filter(|day| (first..end).contains(day));
    open.extend(inside.map(|day| (day.saturating_mul(DAY_MS), (day + 1).saturating_mul(DAY_MS))));
    Ok(open)
}

/// Adds the calls of a stretch of time.
fn calls(tx: &Tx<'_>, query: &Query, since: i64, until: i64, groups: &mut HashMap<String, Part>) -> Result<(), Stop> {
    let key = column(query.by, "a", "t");
    let sql = format!(
        "SELECT {key}, {SUMS} FROM attempts a JOIN tasks t ON t.task_id = a.task_id WHERE {filter}
         GROUP BY {key}, a.charge, a.certainty",
        filter = Query::FILTER
    );
    add(tx, &sql, params![since, until, query.project], query.by, groups)
}

fn add(
    tx: &Tx<'_>,
    sql: &str,
    parameters: &[Value<'_>],
    by: Group,
    groups: &mut HashMap<String, Part>,
) -> Result<(), Stop> {
    tx.each(sql, parameters, |row| {
        let group = match by {
            Group::Day | Group::Week | Group::Month => calendar(by, row.get(0)?),
            _ => row.get(0)?,
        };
        let part = part(row, 1)?;
        groups
            .entry(group)
            .and_modify(|sum| {
                sum.spend += part.spend;
                sum.latest = sum.latest.max(part.latest);
            })
            .or_insert(part);
        Ok(())
    })
}

/// What rows of one group have in common, of a call `a` and its task `t`.
fn column(by: Group, a: &str, t: &str) -> String {
    match by {
        Group::Task => format!("{t}.task_id"),
        Group::Session => format!("{t}.session"),
        Group::Day | Group::Week | Group::Month => format!("{a}.day"),
        Group::Project => format!("{t}.project"),
        Group::Path => format!("{a}.path"),
        Group::Model => format!("{a}.model"),
        Group::Provider => format!("{a}.provider"),
        // As in the edges of a configuration: the sentence that people see changes with markups and addresses.
        Group::Payer => format!("{a}.path || ':' || {a}.provider"),
        // Two keys may share a label, one key may have had two: the fingerprint says which key it was.
        Group::Key => format!("coalesce({a}.key_label || ' ', '') || coalesce({a}.key_fingerprint, 'no key')"),
        Group::User => format!("coalesce(nullif({t}.user_name, ''), '(none)')"),
        Group::Tool => format!("{t}.tool"),
    }
}

/// A UTC day (counted from 1970) as the group it belongs to: `2026-11-25`, `2026-W48`, `2026-11`.
fn calendar(by: Group, day: i64) -> String {
    let date = moment(day.saturating_mul(DAY_MS)).to_zoned_datetime(TimeZone::UTC).date();
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
