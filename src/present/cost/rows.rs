//! `vk cost` as a table: tasks or groups, and below them the sums of each state.

use super::amounts::{at_least, charged, states};
use super::{Style, totals};
use crate::ledger::query::{Group, GroupRow, Report, Rows, Spend, TaskRow};
use crate::present::grid::{Column, table as grid, when};
use crate::present::summary::thousands;

pub(super) fn table(report: &Report, style: Style) -> String {
    let rows = match &report.rows {
        Rows::Tasks(rows) => grid(tasks(rows, style), style),
        Rows::Groups(rows) => grid(groups(report.by, rows), style),
    };
    format!("{rows}\n{}", totals::lines(&report.total))
}

fn tasks(rows: &[TaskRow], style: Style) -> Vec<Column> {
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
        text("key", 11, |row| row.key_label.clone().unwrap_or_default()),
        text("model", 4, |row| row.model.clone()),
        number("calls", 5, |spend| thousands(spend.calls())),
        number("in", 8, fresh),
        number("cached", 9, |spend| thousands(spend.usage.cache_read)),
        number("out", 7, |spend| thousands(spend.usage.output)),
        number("at list", 10, |spend| at_least(spend.list)),
        number("cost", 0, charged),
        text("state", 0, |row| row.state.as_str().to_owned()).tinted(rows.iter().map(|row| row.state)),
        text("ended", 12, |row| row.status.clone()),
    ];
    let mut columns = Vec::from(columns);
    if let Some(tool) = tool {
        columns.insert(2, tool);
    }
    columns
}

fn groups(by: Group, rows: &[GroupRow]) -> Vec<Column> {
    let number =
        |name, rank, cell: fn(&Spend) -> String| Column::number(name, rank, rows.iter().map(|row| cell(&row.spend)));
    vec![
        Column::text(by.as_str(), 0, rows.iter().map(|row| row.group.clone())).giving_way(),
        number("calls", 2, |spend| thousands(spend.calls())),
        number("in", 4, fresh),
        number("cached", 6, |spend| thousands(spend.usage.cache_read)),
        number("out", 5, |spend| thousands(spend.usage.output)),
        number("at list", 3, |spend| at_least(spend.list)),
        number("cost", 0, charged),
        Column::text("state", 1, rows.iter().map(|row| states(&row.spend, row.state)))
            .tinted(rows.iter().map(|row| row.state)),
    ]
}

/// Prompt tokens that no cache gave.
fn fresh(spend: &Spend) -> String {
    thousands(spend.usage.prompt().saturating_sub(spend.usage.cache_read))
}
