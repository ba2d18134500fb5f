//! Events and results as JSON: one object a line, each with `v`, `type` and `ts`. For scripts only; people read
//! what the other files of this folder write.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::escape::is_hidden;
use crate::base::clock;
use crate::domain::event::{Event, TaskFinished};
use crate::domain::failure::Failure;
use crate::domain::usage::Usage;

/// The version of the event format. Fields are only added under it.
const VERSION: u8 = 1;

/// An event as one line of JSON, without the line feed. Hidden characters are written as `\uXXXX`, so that a log
/// in a terminal cannot be disturbed by what a model says; the value read back is the same.
#[must_use]
pub fn line(event: &Event, at: Timestamp) -> String {
    line_of(event, at, None)
}

/// The same for an event of one task of a batch, whose name is its first field after the time.
#[must_use]
pub fn line_of(event: &Event, at: Timestamp, id: Option<&str>) -> String {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(event) else { return String::new() };
    let mut object = Map::new();
    object.insert("v".to_owned(), VERSION.into());
    object.insert("type".to_owned(), fields.shift_remove("type").unwrap_or_default());
    object.insert("ts".to_owned(), clock::rfc3339(at).into());
    if let Some(id) = id {
        object.insert("id".to_owned(), id.into());
    }
    object.extend(fields);
    text(&Value::Object(object))
}

/// A JSON value on one line.
#[must_use]
pub fn text(value: &Value) -> String {
    let plain = value.to_string();
    if !plain.contains(is_hidden) {
        return plain;
    }
    let mut shown = String::with_capacity(plain.len() + 32);
    for c in plain.chars() {
        if is_hidden(c) {
            // Outside of strings JSON is plain ASCII, so this stands inside one.
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

/// The end of a run that failed before there was a task: everything about calls is empty or unknown.
#[must_use]
pub fn finished_from_failure(failure: &Failure) -> Event {
    Event::TaskFinished(Box::new(TaskFinished {
        task_id: None,
        status: failure.status,
        exit_code: failure.exit_code(),
        error: Some(failure.clone()),
        turns: 0,
        usage: Usage::default(),
        cost_usd: None,
        cost_state: None,
        list_usd: None,
        payers: Vec::new(),
        proof: None,
        sandbox: None,
        files_changed: Vec::new(),
        checks: Vec::new(),
        answer: None,
        refused: Vec::new(),
        mcp: Vec::new(),
        uncharged_attempts: 0,
        credits: None,
        duration_ms: 0,
        budgets: Vec::new(),
        worktree: None,
        commit: None,
        pull_request: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Timestamp {
        "2026-11-25T13:45:10.5Z".parse().unwrap()
    }

    #[test]
    fn every_event_begins_with_version_type_and_time() {
        let event =
            Event::ToolFinished { call_id: "c1".into(), name: "bash".into(), ok: true, exit_code: Some(0), ms: 1200 };
        insta::assert_snapshot!(line(&event, at()), @r#"{"v":1,"type":"tool.finished","ts":"2026-11-25T13:45:10.500Z","call_id":"c1","name":"bash","ok":true,"exit_code":0,"ms":1200}"#);
    }

    #[test]
    fn a_failure_before_any_task_still_ends_with_task_finished() {
        let failure = Failure::usage("unknown_model", "anthropic has no model named gpt-9").fix("vk models list");
        insta::assert_snapshot!(line(&finished_from_failure(&failure), at()), @r#"{"v":1,"type":"task.finished","ts":"2026-11-25T13:45:10.500Z","task_id":null,"status":"usage","exit_code":2,"error":{"code":"unknown_model","message":"anthropic has no model named gpt-9","fix":"vk models list"},"turns":0,"usage":{"input":0,"cache_read":0,"cache_write_5m":0,"cache_write_1h":0,"output":0,"reasoning":0},"cost_usd":null,"cost_state":null,"list_usd":null,"payers":[],"proof":null,"sandbox":null,"files_changed":[],"checks":[],"answer":null,"refused":[],"uncharged_attempts":0,"credits":null,"duration_ms":0,"budgets":[],"worktree":null,"commit":null,"pull_request":null,"mcp":[]}"#);
    }

    #[test]
    fn hidden_characters_are_escaped_and_read_back_the_same() {
        let said = "a\x1b[2J\u{202e}b\u{9b}c\u{e0041}\n";
        let shown = line(&Event::TextDelta { text: said.into() }, at());
        assert!(!shown.contains(is_hidden), "{shown}");
        let back: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(back["text"], said);
    }
}
