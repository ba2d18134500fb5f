//! `vk import`: what was found in the logs, what of it was new, and what could not be read.

use serde_json::{Value, json};

use super::escape::escape_line;
use super::json::text;
use super::summary::thousands;
use super::table::{cell, new_table, number, render};
use crate::ledger::import::{Found, Imported, Oddity, Tool};

#[must_use]
pub fn table(imported: &Imported, width: Option<u16>) -> String {
    let mut table = new_table(&["tool", "files", "read", "sessions", "new calls", "known", "at list price"], width);
    for (tool, found) in &imported.tools {
        let list = match (found.calls_new, unpriced(found)) {
            (0, _) => "-".to_owned(),
            (all, none) if all == none => "?".to_owned(),
            (_, 0) => found.list.to_string(),
            _ => format!(">= {}", found.list),
        };
        table.add_row([
            cell(tool.as_str()),
            number(&thousands(found.files)),
            number(&size(found.bytes_read)),
            number(&thousands(found.sessions)),
            number(&thousands(found.calls_new)),
            number(&thousands(found.calls_known + found.calls_completed)),
            number(&list),
        ]);
    }
    render(&table)
}

/// What a person should know beside the table, and what to type next.
#[must_use]
pub fn remarks(imported: &Imported) -> Vec<String> {
    let mut lines = Vec::new();
    for (tool, found) in &imported.tools {
        let tool = tool.as_str();
        if found.calls_driven > 0 {
            let calls = count(found.calls_driven, "call");
            lines.push(format!("{tool}: {calls} left out of sessions that vk itself ran: the ledger has them already"));
        }
        for one in &found.unpriced {
            let (calls, model) = (count(one.calls, "call"), escape_line(&one.model));
            lines.push(format!("{tool}: no price is known for {model}, {calls}: vk models refresh"));
        }
        lines.extend(odd(tool, "said nothing", found.broken, &found.broken_named));
        lines.extend(odd(tool, "left for the next import", found.unfinished, &found.unfinished_named));
    }
    for path in &imported.unreadable {
        lines.push(format!("could not be read: {}", escape_line(&path.to_string_lossy())));
    }
    let new: u64 = imported.tools.values().map(|found| found.calls_new).sum();
    if imported.tools.is_empty() {
        let names: Vec<&str> = Tool::ALL.into_iter().map(Tool::as_str).collect();
        lines.push(format!("No logs of {} were found here. Elsewhere: vk import --dir DIR", names.join(", ")));
    } else if new > 0 {
        lines.push("None of it counts against budgets. Look at it: vk cost --by month, vk compare".to_owned());
    } else {
        lines.push("Nothing new. Look at it: vk cost --by tool".to_owned());
    }
    lines
}

fn odd(tool: &str, what: &str, all: u64, named: &[Oddity]) -> Vec<String> {
    if all == 0 {
        return Vec::new();
    }
    let mut lines = vec![format!("{tool}: {} {what}", count(all, "line"))];
    lines.extend(
        named.iter().map(|one| format!("  {}:{}: {}", escape_line(&one.file.to_string_lossy()), one.line, one.why)),
    );
    if all > named.len() as u64 {
        lines.push(format!("  and {} more", all - named.len() as u64));
    }
    lines
}

#[must_use]
pub fn json(imported: &Imported) -> String {
    let tools: Vec<Value> = imported.tools.iter().map(|(tool, found)| of_tool(*tool, found)).collect();
    let unreadable: Vec<_> = imported.unreadable.iter().map(|path| path.to_string_lossy()).collect();
    text(&json!({ "tools": tools, "unreadable": unreadable }))
}

fn of_tool(tool: Tool, found: &Found) -> Value {
    let lines = |named: &[Oddity]| -> Vec<Value> {
        named.iter().map(|one| json!({"file": one.file.to_string_lossy(), "line": one.line, "why": one.why})).collect()
    };
    let models: Vec<Value> = found
        .unpriced
        .iter()
        .map(|one| json!({"provider": one.provider, "model": one.model, "calls": one.calls}))
        .collect();
    json!({
        "tool": tool.as_str(),
        "files": found.files,
        "files_read": found.files_read,
        "bytes_read": found.bytes_read,
        "sessions": found.sessions,
        "calls_new": found.calls_new,
        "calls_completed": found.calls_completed,
        "calls_known": found.calls_known,
        "calls_driven": found.calls_driven,
        "list_usd": (unpriced(found) == 0).then_some(found.list),
        "unpriced": models,
        "broken_lines": found.broken,
        "broken": lines(&found.broken_named),
        "unfinished_lines": found.unfinished,
        "unfinished": lines(&found.unfinished_named),
    })
}

fn unpriced(found: &Found) -> u64 {
    found.unpriced.iter().map(|one| one.calls).sum()
}

fn count(all: u64, what: &str) -> String {
    format!("{} {what}{}", thousands(all), if all == 1 { "" } else { "s" })
}

fn size(bytes: u64) -> String {
    match bytes {
        0 => "-".to_owned(),
        1..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        _ => format!("{} MB", thousands(bytes.div_ceil(1_000_000))),
    }
}
