//! `vk cost` as a table: tasks or groups, and below them the sums of each state.

use super::amounts::{at_least, charged, states};
use super::totals::{self, Decimals};
use super::{Style, sums};
use crate::ledger::query::{Group, GroupRow, Report, Rows, Spend, TaskRow};
use crate::present::grid::{Column, table as grid, when};
use crate::present::summary::{status_words, thousands};

pub(super) fn table(report: &Report, style: Style) -> String {
    let decimals = Decimals::of(sums(report));
    let rows = match &report.rows {
        Rows::Tasks(rows) => grid(tasks(rows, decimals, style), style),
        Rows::Groups(rows) => grid(groups(report.by, rows, decimals), style),
    };
    format!("{rows}\n{}", totals::lines(&report.total, decimals))
}

fn tasks(rows: &[TaskRow], decimals: Decimals, style: Style) -> Vec<Column> {
    let text = |name, rank, cell: fn(&TaskRow) -> String| Column::text(name, rank, rows.iter().map(cell));
    let number =
        |name, rank, cell: fn(&Spend) -> String| Column::number(name, rank, rows.iter().map(|row| cell(&row.spend)));
    let tools = rows.iter().any(|row| row.tool != "vk");
    let tool = tools.then(|| text("tool", 4, |row| row.tool.clone()));
    let columns = [
        text("id", 0, |row| row.task_id.clone()),
        Column::text("when (UTC)", 3, rows.iter().map(|row| when(row.started_at, style.now))),
        text("project", 6, |row| row.project.clone()),
        text("task", 1, |row| row.words.clone()).giving_way(),
        text("payer", 2, |row| format!("{} {}", row.path, row.provider)),
        text("key", 12, |row| row.key_label.clone().unwrap_or_default()),
        text("model", 4, |row| row.model.clone()),
        number("calls", 5, |spend| thousands(spend.calls())),
        number("in", 8, |spend| thousands(spend.usage.input)),
        number("cached", 9, |spend| thousands(spend.usage.cache_read)),
        number("to cache", 10, |spend| thousands(spend.usage.cache_written())),
        number("out", 7, |spend| thousands(spend.usage.output)),
        Column::number("at list", 11, rows.iter().map(|row| at_least(row.spend.list, decimals.list))),
        Column::number("cost", 0, rows.iter().map(|row| charged(&row.spend, decimals.charged))),
        text("state", 0, |row| row.state.as_str().to_owned()).tinted(rows.iter().map(|row| row.state)),
        text("ended", 13, |row| status_words(&row.status)),
    ];
    let mut columns = Vec::from(columns);
    if let Some(tool) = tool {
        columns.insert(2, tool);
    }
    columns
}

fn groups(by: Group, rows: &[GroupRow], decimals: Decimals) -> Vec<Column> {
    let number =
        |name, rank, cell: fn(&Spend) -> String| Column::number(name, rank, rows.iter().map(|row| cell(&row.spend)));
    vec![
        Column::text(by.as_str(), 0, rows.iter().map(|row| row.group.clone())).giving_way(),
        number("calls", 2, |spend| thousands(spend.calls())),
        number("in", 4, |spend| thousands(spend.usage.input)),
        number("cached", 6, |spend| thousands(spend.usage.cache_read)),
        number("to cache", 7, |spend| thousands(spend.usage.cache_written())),
        number("out", 5, |spend| thousands(spend.usage.output)),
        Column::number("at list", 3, rows.iter().map(|row| at_least(row.spend.list, decimals.list))),
        Column::number("cost", 0, rows.iter().map(|row| charged(&row.spend, decimals.charged))),
        Column::text("state", 1, rows.iter().map(|row| states(&row.spend, row.state)))
            .tinted(rows.iter().map(|row| row.state)),
    ]
}
