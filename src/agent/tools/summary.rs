//! A tool call as one line for people. It is talk, not truth: what was really asked is in the transcript.

use serde_json::Value;

use crate::agent::mcp;
use crate::domain::message::{ToolCall, ToolInput};

/// Longest line, in characters.
const WIDTH: usize = 120;
/// How much of a longer line's end is kept: a long command hides its purpose there as often as at the start.
const TAIL: usize = 40;

/// One line: `$ cargo test`, `edit src/lib.rs`. Not escaped; `present/` does that.
#[must_use]
pub fn summary(call: &ToolCall) -> String {
    let (verb, object) = match &call.input {
        ToolInput::Json(input) => match call.name.as_str() {
            "bash" | "shell" if input["restart"] == true => ("restart", "the shell".to_owned()),
            "bash" | "shell" => ("$", words(&input["command"])),
            "str_replace_based_edit_tool" => {
                let verb = match input["command"].as_str() {
                    Some("view") => "read",
                    Some("create") => "write",
                    _ => "edit",
                };
                (verb, words(&input["path"]))
            }
            "apply_patch" => ("patch", patched(input["input"].as_str().unwrap_or_default())),
            "grep" => ("grep", words(&input["pattern"])),
            name => match mcp::named(name) {
                Some((server, tool)) => (server, format!("{tool} {}", compact(input))),
                None => (name, words(&input["path"])),
            },
        },
        ToolInput::Text(text) if call.name == "apply_patch" => ("patch", patched(text)),
        ToolInput::Text(text) => (call.name.as_str(), text.clone()),
        ToolInput::Broken(_) => (call.name.as_str(), "(broken arguments)".to_owned()),
    };
    one_line(&format!("{verb} {object}"))
}

/// Arguments as one line, without the braces of an empty object.
fn compact(input: &Value) -> String {
    if input.as_object().is_some_and(serde_json::Map::is_empty) { String::new() } else { input.to_string() }
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(" "),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The files that a call of a file tool was to write, move or remove. Commands are not looked into.
#[must_use]
pub fn written(call: &ToolCall) -> Vec<String> {
    let paths = match &call.input {
        ToolInput::Json(input) => match call.name.as_str() {
            "str_replace_based_edit_tool" if input["command"] == "view" => Vec::new(),
            "str_replace_based_edit_tool" | "edit" | "write" => vec![words(&input["path"])],
            "apply_patch" => named(input["input"].as_str().unwrap_or_default()),
            _ => Vec::new(),
        },
        ToolInput::Text(text) if call.name == "apply_patch" => named(text),
        ToolInput::Text(_) | ToolInput::Broken(_) => Vec::new(),
    };
    paths.into_iter().filter(|path| !path.is_empty() && !path.contains(char::is_control)).collect()
}

/// The files a patch names, for people.
fn patched(text: &str) -> String {
    named(text).join(", ")
}

fn named(text: &str) -> Vec<String> {
    let path = |line: &str| {
        let line = line.trim();
        ["*** Add File: ", "*** Update File: ", "*** Delete File: "]
            .iter()
            .find_map(|marker| line.strip_prefix(marker))
            .map(str::to_owned)
    };
    text.lines().filter_map(path).collect()
}

/// White space runs as one space, the middle of a long line as `…`.
fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let characters: Vec<char> = line.chars().collect();
    if characters.len() <= WIDTH {
        return line;
    }
    let head: String = characters[..WIDTH - TAIL - 3].iter().collect();
    let tail: String = characters[characters.len() - TAIL..].iter().collect();
    format!("{head} … {tail}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(name: &str, input: ToolInput) -> String {
        summary(&ToolCall { id: "1".into(), name: name.into(), input })
    }

    #[test]
    fn a_call_reads_as_one_line() {
        let editor = |command: &str| json!({"command": command, "path": "src/lib.rs"});
        let cases = [
            ("bash", json!({"command": "cargo   test\n  --all"}), "$ cargo test --all"),
            ("bash", json!({"restart": true}), "restart the shell"),
            ("shell", json!({"command": ["git", "log"]}), "$ git log"),
            ("str_replace_based_edit_tool", editor("view"), "read src/lib.rs"),
            ("str_replace_based_edit_tool", editor("create"), "write src/lib.rs"),
            ("str_replace_based_edit_tool", editor("str_replace"), "edit src/lib.rs"),
            ("edit", json!({"path": "a.rs"}), "edit a.rs"),
            ("grep", json!({"pattern": "fn main"}), "grep fn main"),
            ("read", json!({}), "read"),
            ("mcp__files__list_all", json!({"path": "a"}), r#"files list_all {"path":"a"}"#),
            ("mcp__files__now", json!({}), "files now"),
            ("read", json!(7), "read"),
        ];
        for (name, input, expected) in cases {
            assert_eq!(of(name, ToolInput::Json(input)), expected);
        }
        let patch = "*** Begin Patch\n*** Add File: a\n+*** Add File: no\n*** Update File: b\n*** End Patch";
        assert_eq!(of("apply_patch", ToolInput::Text(patch.into())), "patch a, b");
        assert_eq!(of("bash", ToolInput::Broken("{".into())), "bash (broken arguments)");
    }

    #[test]
    fn a_long_command_keeps_its_end() {
        let line =
            of("bash", ToolInput::Json(json!({"command": format!("echo {} ; rm -rf important", "x".repeat(900))})));
        assert_eq!(line.chars().count(), WIDTH);
        assert!(line.starts_with("$ echo") && line.ends_with("rm -rf important"), "{line}");
    }
}
