//! `vk compare`: the advice, the table of paths, where they cross, and what the figures rest on.
//!
//! Data in, text out. The table always fits 80 columns, in a pipe too: it is read more than it is parsed.

mod json;
mod markdown;
mod words;

use super::escape::escape_line;
use super::table::{cell, new_table, number, render, wrap};
use crate::base::money::Usd;
use crate::routing::compare::{Comparison, PathCost};
use words::{Paces, beats_own, short};

pub use json::json;
pub use markdown::markdown;

/// Columns where the terminal does not say.
const COLUMNS: u16 = 80;

/// For people. `width` is what [`super::table::width`] says.
#[must_use]
pub fn table(comparison: &Comparison, width: Option<u16>) -> String {
    let width = width.unwrap_or(COLUMNS);
    let columns = usize::from(width);
    let mut parts = vec![
        wrap(&comparison.advice, columns, "", ""),
        wrap(&words::workload(comparison), columns, "", "") + &paths(comparison, width),
    ];
    let crossings = crossings(comparison, width);
    if !crossings.is_empty() {
        parts.push(format!("break-even in tasks a week: from there on the plan costs no more\n{crossings}"));
    }
    if comparison.used.calls > 0 {
        parts.push(models(comparison, width));
    }
    let list = |head: &str, lines: Vec<String>| {
        let lines: String = lines.iter().map(|line| wrap(line, columns, "- ", "  ")).collect();
        format!("{head}\n{lines}")
    };
    let limits = words::limits(comparison);
    if !limits.is_empty() {
        parts.push(list("limits", limits));
    }
    parts.push(list("assumed", comparison.assumptions.clone()));
    parts.push(list("prices of", words::sources(comparison)));
    parts.join("\n")
}

fn paths(comparison: &Comparison, width: u16) -> String {
    let mut table = new_table(&["path", "with", "a month", "1,000 tasks", "beats own keys"], Some(width));
    let paces = Paces::against_own(comparison);
    for (at, path) in comparison.paths.iter().enumerate() {
        table.add_row([
            cell(path.path.as_str()),
            cell(&path.name),
            number(&words::month(comparison, path)),
            number(&words::thousand(comparison, path)),
            cell(&beats_own(comparison, at, paces)),
        ]);
    }
    render(&table)
}

/// Plans down, paths that are paid by the token across.
fn crossings(comparison: &Comparison, width: u16) -> String {
    let position = |flat: bool| {
        let paths = comparison.paths.iter().enumerate().filter(|(_, path)| path.line.is_some());
        paths.filter(move |(_, path)| path.plan.is_some() == flat).collect::<Vec<(usize, &PathCost)>>()
    };
    let (plans, metered) = (position(true), position(false));
    if plans.is_empty() || comparison.pace.tasks == 0 {
        return String::new();
    }
    let names = metered.iter().map(|(_, path)| escape_line(&path.name).into_owned());
    let header: Vec<String> = std::iter::once(String::new()).chain(names).collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut table = new_table(&header, Some(width));
    let flips =
        plans.iter().flat_map(|(plan, _)| metered.iter().filter_map(|(other, _)| pair(comparison, *other, *plan)));
    let paces = Paces::of(flips.flat_map(|(_, flips)| flips.iter().copied().take(2)));
    for (plan, path) in plans {
        let cells = metered.iter().map(|(other, _)| number(&words::crossing(comparison, *other, plan, paces)));
        table.add_row(std::iter::once(cell(&path.name)).chain(cells));
    }
    render(&table)
}

fn models(comparison: &Comparison, width: u16) -> String {
    let mut table = new_table(&["model", "calls", "input", "cached", "written", "output", "at list"], Some(width));
    for one in &comparison.used.models {
        let usage = &one.usage;
        let written = usage.cache_write_5m.saturating_add(usage.cache_write_1h);
        table.add_row([
            cell(&one.id),
            number(&short(one.calls)),
            number(&short(usage.input)),
            number(&short(usage.cache_read)),
            number(&short(written)),
            number(&short(usage.output)),
            number(&words::at_list(comparison, one)),
        ]);
    }
    render(&table)
}

/// Two paths from few tasks to many: whether the one at `a` is cheaper at first, and where that changes.
fn pair(comparison: &Comparison, a: usize, b: usize) -> Option<(bool, &[u64])> {
    let found = comparison.crossings.iter().find(|one| (one.first, one.second) == (a.min(b), a.max(b)))?;
    Some((found.at.first_cheaper? == (a < b), &found.at.flips))
}

/// Whether money is only known to be at least this.
fn is_least(comparison: &Comparison, path: &PathCost) -> bool {
    !comparison.used.unpriced.is_empty() && path.line.is_some() && path.month > Usd::ZERO
}

#[cfg(test)]
mod tests;
