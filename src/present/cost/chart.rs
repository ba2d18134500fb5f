//! `vk cost --chart`: a bar for each row, and over time a sparkline. The solid part was charged to an account; the
//! light part is what the rest would have cost at list price.

use std::fmt::Write as _;

use jiff::civil::Date;

use super::amounts::charged;
use super::totals::{self, Decimals};
use super::{Style, sums};
use crate::base::money::Usd;
use crate::ledger::query::{Group, Report, Rows, Spend};
use crate::present::escape::{columns, escape_line, shorten};

/// More rows than anybody reads as bars; the rest is a count.
const MOST: usize = 60;
/// The widest label, and the width of a chart in a pipe.
const LABEL: usize = 32;
const PIPE: usize = 100;
/// Parts of a block, one eighth to eight.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII_HEIGHTS: [char; 8] = ['.', '.', ':', ':', '-', '=', '#', '#'];

/// What is drawn of one row.
struct Bar {
    label: String,
    charged: Usd,
    /// At list price, what was not charged.
    rest: Usd,
    amount: String,
}

pub(super) fn text(report: &Report, style: Style) -> String {
    let decimals = Decimals::of(sums(report));
    let bars = bars(report, decimals);
    let width = style.width.map_or(PIPE, usize::from);
    let mut out = String::new();
    if matches!(report.by, Group::Day | Group::Week | Group::Month) {
        let values: Vec<(&str, Usd)> = bars.iter().map(|bar| (bar.label.as_str(), bar.charged + bar.rest)).collect();
        out.push_str(&sparkline(report.by, &values, width, style.unicode));
    }
    out.push_str(&rows(&bars, width, style.unicode));
    let legend =
        if style.unicode { "█ charged  ░ the rest at list price" } else { "# charged  . the rest at list price" };
    format!("{out}\n {legend}\n\n{}", totals::lines(&report.total, decimals))
}

fn bars(report: &Report, decimals: Decimals) -> Vec<Bar> {
    let bar = |label: String, spend: &Spend| {
        let paid = spend.charged().known;
        let rest = Usd::from_nanos(spend.list.known.nanos().saturating_sub(paid.nanos()).max(0));
        Bar { label: escape_line(&label).into_owned(), charged: paid, rest, amount: charged(spend, decimals.charged) }
    };
    match &report.rows {
        Rows::Tasks(rows) => rows.iter().map(|row| bar(format!("{} {}", row.task_id, row.words), &row.spend)).collect(),
        Rows::Groups(rows) => rows.iter().map(|row| bar(row.group.clone(), &row.spend)).collect(),
    }
}

fn rows(bars: &[Bar], width: usize, unicode: bool) -> String {
    let shown = &bars[..bars.len().min(MOST)];
    let label = shown.iter().map(|bar| columns(&bar.label)).max().unwrap_or(0).min(LABEL.min(width / 3));
    let amount = shown.iter().map(|bar| bar.amount.len()).max().unwrap_or(0);
    // A blank at the start, one before the bar, two before the amount.
    let room = width.saturating_sub(label + amount + 4).max(8);
    let most = shown.iter().map(|bar| bar.charged + bar.rest).max().unwrap_or(Usd::ZERO);
    let mut out = String::new();
    for bar in shown {
        let name = shorten(&bar.label, label);
        let pad = " ".repeat(label.saturating_sub(columns(&name)));
        let drawn = draw(bar, most, room, unicode);
        let gap = " ".repeat(room.saturating_sub(drawn.chars().count()));
        let _ = writeln!(out, " {name}{pad} {drawn}{gap}  {:>amount$}", bar.amount);
    }
    if bars.len() > shown.len() {
        let _ = writeln!(out, " and {} more: vk cost", bars.len() - shown.len());
    }
    out
}

fn draw(bar: &Bar, most: Usd, room: usize, unicode: bool) -> String {
    let solid = eighths(bar.charged, most, room);
    let whole = eighths(bar.charged + bar.rest, most, room).div_ceil(8);
    let mut drawn: String = std::iter::repeat_n(if unicode { '█' } else { '#' }, solid / 8).collect();
    if let Some(part) = (solid % 8).checked_sub(1) {
        drawn.push(if unicode { EIGHTHS[part] } else { '#' });
    }
    let light = whole.saturating_sub(drawn.chars().count());
    drawn.extend(std::iter::repeat_n(if unicode { '░' } else { '.' }, light));
    drawn
}

/// The length of a bar in eighths of a column; a value that is not zero is at least one.
fn eighths(value: Usd, most: Usd, room: usize) -> usize {
    if value.nanos() <= 0 || most.nanos() <= 0 {
        return 0;
    }
    let length = i128::from(value.nanos()) * (room as i128) * 8 / i128::from(most.nanos());
    usize::try_from(length).unwrap_or(0).clamp(1, room * 8)
}

/// The newest values that fit, oldest first; a day without a call has its place.
fn sparkline(by: Group, newest_first: &[(&str, Usd)], width: usize, unicode: bool) -> String {
    let mut values: Vec<(String, Usd)> =
        newest_first.iter().rev().map(|(label, value)| ((*label).to_owned(), *value)).collect();
    if by == Group::Day {
        values = every_day(&values, width);
    }
    let values = &values[values.len().saturating_sub(width.saturating_sub(2).max(1))..];
    let (Some(first), Some(last)) = (values.first(), values.last()) else { return String::new() };
    let most = values.iter().map(|(_, value)| *value).max().unwrap_or(Usd::ZERO);
    let heights = if unicode { HEIGHTS } else { ASCII_HEIGHTS };
    let line: String = values
        .iter()
        .map(|(_, value)| match eighths(*value, most, 1) {
            0 => ' ',
            height => heights[height - 1],
        })
        .collect();
    format!(" {line}\n {} to {}, a {} each\n\n", first.0, last.0, by.as_str())
}

/// The days from the first to the last, at most `limit` of the newest.
fn every_day(days: &[(String, Usd)], limit: usize) -> Vec<(String, Usd)> {
    let dated: Vec<(Date, Usd)> =
        days.iter().filter_map(|(day, value)| Some((day.parse::<Date>().ok()?, *value))).collect();
    let Some(&(last, _)) = dated.last() else { return days.to_vec() };
    let mut all = Vec::new();
    let mut known = dated.iter().rev().peekable();
    let mut day = last;
    while known.peek().is_some() && all.len() < limit {
        let value = known.next_if(|(date, _)| *date == day).map_or(Usd::ZERO, |(_, value)| *value);
        all.push((day.to_string(), value));
        let Ok(before) = day.yesterday() else { break };
        day = before;
    }
    all.reverse();
    all
}
