//! `vk doctor`: each finding with what it means and what to type.

use serde_json::{Value, json};

use super::json::text;
use super::table::{cell, new_table, render};
use crate::task::health::{Finding, State};

#[must_use]
pub fn json(findings: &[Finding]) -> String {
    let rows: Vec<Value> = findings
        .iter()
        .map(|finding| {
            json!({
                "subject": finding.subject,
                "state": finding.state.as_str(),
                "detail": finding.detail,
                "source": finding.source,
                "fix": finding.fix,
            })
        })
        .collect();
    text(&json!({"ok": works(findings), "findings": rows}))
}

/// Whether nothing that `vk run` needs is broken.
#[must_use]
pub fn works(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.state != State::Broken)
}

#[must_use]
pub fn table(findings: &[Finding], width: Option<u16>) -> String {
    let mut table = new_table(&["", "what", "is", "by"], width);
    for finding in findings {
        table.add_row([
            cell(finding.state.as_str()),
            cell(&finding.subject),
            cell(&finding.detail),
            cell(finding.source.as_deref().unwrap_or("")),
        ]);
        for fix in finding.fix.iter().flat_map(|fix| fix.lines()) {
            table.add_row([cell(""), cell(""), cell(&format!("  {fix}")), cell("")]);
        }
    }
    render(&table)
}
