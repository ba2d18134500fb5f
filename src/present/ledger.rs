//! What a copy of a ledger did, table by table.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::escape::escape_line;
use super::json::text;
use crate::ledger::Copied;

#[must_use]
pub fn json(from: &str, to: &str, copied: &[Copied]) -> String {
    let tables: Vec<Value> = copied
        .iter()
        .map(|one| json!({"table": one.table, "new": one.new, "completed": one.completed, "known": one.known}))
        .collect();
    text(&json!({"from": from, "to": to, "tables": tables}))
}

#[must_use]
pub fn table(from: &str, to: &str, copied: &[Copied]) -> String {
    let mut shown = format!("{} to {}\n", escape_line(from), escape_line(to));
    let name = |table: &str| match table {
        "attempts" => "calls".to_owned(),
        other => other.replace('_', " "),
    };
    for one in copied.iter().filter(|one| one.new + one.completed + one.known > 0) {
        let completed = match one.completed {
            0 => String::new(),
            n => format!(", {n} completed"),
        };
        let _ = writeln!(shown, " {:<16} {} new{completed}, {} there already", name(one.table), one.new, one.known);
    }
    if copied.iter().all(|one| one.new + one.completed + one.known == 0) {
        shown.push_str(" nothing is recorded there yet\n");
    }
    shown
}
