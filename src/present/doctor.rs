//! `vk doctor`: each finding with what it means and what to type.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::escape::{columns, escape_line};
use super::json::text;
use super::table::hanging;
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

/// What was found, a line each, and below it what to type for what is not as it should be: commands stay whole, so
/// that they can be pasted.
#[must_use]
pub fn table(findings: &[Finding], width: Option<u16>) -> String {
    let subject = findings.iter().map(|finding| columns(&escape_line(&finding.subject))).max().unwrap_or(0);
    let label = |state: &str, name: &str| {
        let name = escape_line(name);
        format!(" {state:<8} {name}{}  ", " ".repeat(subject.saturating_sub(columns(&name))))
    };
    let mut shown = String::new();
    for finding in findings {
        let source = finding.source.as_ref().map(|source| format!(" ({source})")).unwrap_or_default();
        let text = format!("{}{source}", finding.detail);
        shown.push_str(&hanging(&label(finding.state.as_str(), &finding.subject), &text, width));
    }
    let mut begin = "\nwhat to type\n";
    for finding in findings {
        for (at, fix) in finding.fix.iter().flat_map(|fix| fix.lines()).enumerate() {
            shown.push_str(std::mem::take(&mut begin));
            let name = if at == 0 { escape_line(&finding.subject).into_owned() } else { String::new() };
            let pad = " ".repeat(subject.saturating_sub(columns(&name)));
            let _ = writeln!(shown, " {name}{pad}  {}", escape_line(fix));
        }
    }
    shown
}
