//! What tasks cost, for people (tables), spreadsheets (CSV), pages (markdown) and scripts (JSON).
//!
//! Data in, text out: nothing here prints. An amount of which a part is unknown is `>= $x` or `?`, never `$0.00`.

mod amounts;
mod calls;
mod chart;
mod csv;
mod flat;
mod html;
mod json;
mod markdown;
mod rows;
mod totals;

pub use super::grid::Style;
use crate::ledger::WindowUse;
use crate::ledger::query::{CallRow, Report, Rows, Spend, TaskRecord};

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Table,
    Json,
    Csv,
    Markdown,
}

/// `vk cost`.
#[must_use]
pub fn report(report: &Report, format: Format, style: Style) -> String {
    match format {
        Format::Table => rows::table(report, style),
        Format::Json => json::report(report),
        Format::Csv => csv::text(&flat::report(report)),
        Format::Markdown => markdown::report(report),
    }
}

/// `vk cost --chart`.
#[must_use]
pub fn chart(report: &Report, style: Style) -> String {
    chart::text(report, style)
}

pub use html::CHARTS;

/// `vk cost --output html`: `charts` are reports by each of [`CHARTS`].
#[must_use]
pub fn page(report: &Report, charts: &[Report], style: Style) -> String {
    html::page(report, charts, style)
}

/// `vk cost show`: one task, call by call.
#[must_use]
pub fn task(task: &TaskRecord, calls: &[CallRow], plans: &[WindowUse], format: Format, style: Style) -> String {
    match format {
        Format::Table => calls::table(task, calls, plans, style),
        Format::Json => json::task(task, calls, plans),
        Format::Csv => csv::text(&flat::calls(calls)),
        Format::Markdown => markdown::calls(task, calls),
    }
}

/// Every sum of a report that is shown: its rows and their total.
fn sums(report: &Report) -> impl Iterator<Item = &Spend> + Clone {
    let (tasks, groups) = match &report.rows {
        Rows::Tasks(rows) => (&rows[..], &[][..]),
        Rows::Groups(rows) => (&[][..], &rows[..]),
    };
    let rows = tasks.iter().map(|row| &row.spend).chain(groups.iter().map(|row| &row.spend));
    rows.chain(std::iter::once(&report.total))
}

#[cfg(test)]
mod sample;
