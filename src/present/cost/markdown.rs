//! Reports as markdown tables, for pages and pull requests.

use std::fmt::Write as _;

use super::flat::{self, Field, Records};
use super::sums;
use super::totals::{self, Decimals};
use crate::ledger::query::{CallRow, Report, TaskRecord};
use crate::present::github::markdown as shown;

pub(super) fn report(report: &Report) -> String {
    format!("{}\n{}", table(&flat::report(report)), list(&totals::lines(&report.total, Decimals::of(sums(report)))))
}

pub(super) fn calls(task: &TaskRecord, calls: &[CallRow]) -> String {
    let head = format!("### {}: {}\n\n", shown(&task.task_id), shown(&task.words));
    format!(
        "{head}{}\n{}",
        table(&flat::calls(calls)),
        list(&totals::lines(&task.spend, Decimals::of(std::iter::once(&task.spend))))
    )
}

fn table(records: &Records) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let right = |at: usize| {
        let mut fields = records.rows.iter().map(|row| &row[at]);
        fields.clone().any(|f| matches!(f, Field::Number(_))) && !fields.any(|f| matches!(f, Field::Text(_)))
    };
    let mut text = line(records.names.iter().map(|name| shown(name)).collect());
    text += &line((0..records.names.len()).map(|at| if right(at) { "---:" } else { "---" }.to_owned()).collect());
    for row in &records.rows {
        text += &line(row.iter().map(cell).collect());
    }
    text
}

fn cell(field: &Field) -> String {
    match field {
        Field::Text(text) => shown(text),
        Field::Number(digits) => digits.clone(),
        Field::Nothing => String::new(),
        Field::Unknown => "?".to_owned(),
    }
}

/// The lines of sums as a list.
fn list(lines: &str) -> String {
    let mut text = String::new();
    for line in lines.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let _ = writeln!(text, "- {}", shown(&words.join(" ")));
    }
    text
}
