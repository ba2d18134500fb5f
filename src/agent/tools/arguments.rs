//! What a model gave a tool, parsed once into an [`Action`]. Tolerant of what models are known to get wrong where
//! the meaning is certain; anything else is an error that says precisely what was wrong, and nothing is run.

use std::time::Duration;

use serde_json::{Map, Value};

use super::Family;
use crate::domain::message::{ToolCall, ToolInput};

/// Most of a model's own broken text that is quoted back to it, in characters.
const QUOTE: usize = 200;

/// A tool call that makes sense. Paths are still as the model wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Shell {
        script: String,
        timeout: Option<Duration>,
        workdir: Option<String>,
    },
    Restart,
    /// `last` is `None` for the end of the file.
    View {
        path: String,
        first: Option<u64>,
        last: Option<u64>,
    },
    Read {
        path: String,
        offset: Option<u64>,
        limit: Option<u64>,
    },
    Write {
        path: String,
        content: String,
    },
    Replace {
        path: String,
        old: String,
        new: String,
        all: bool,
    },
    Insert {
        path: String,
        after_line: u64,
        text: String,
    },
    Patch {
        text: String,
    },
    Grep {
        pattern: String,
        path: Option<String>,
        glob: Option<String>,
    },
}

type Reader = fn(&Fields) -> Result<Action, String>;

/// Reads the call as one of the family's tools.
///
/// # Errors
/// A sentence for the model: what was wrong and what the tool takes.
pub(super) fn parse(family: Family, call: &ToolCall) -> Result<Action, String> {
    let name = call.name.as_str();
    let (usage, read): (&str, Reader) = match (family, name) {
        (Family::Anthropic, "bash") => ("{command: string} or {restart: true}", anthropic_bash),
        (Family::Anthropic, "str_replace_based_edit_tool") => {
            ("{command: view|create|str_replace|insert, path: string, ...}", editor)
        }
        (Family::OpenAi, "shell") => ("{command: string, timeout_ms?: integer}", shell),
        (Family::OpenAi, "apply_patch") => return patch(call),
        (Family::Plain, "bash") => ("{command: string, timeout_s?: integer}", bash),
        (Family::Plain, "read") => ("{path: string, offset?: integer, limit?: integer}", read_file),
        (Family::Plain, "edit") => ("{path: string, old: string, new: string, all?: boolean}", edit),
        (Family::Plain, "write") => ("{path: string, content: string}", write),
        (Family::Plain, "grep") => ("{pattern: string, path?: string, glob?: string}", grep),
        _ => return Err(unknown_tool(family, name)),
    };
    let explain = |why: String| format!("Nothing was run: {why}. {name} takes {usage}.");
    match &call.input {
        ToolInput::Json(Value::Object(map)) => read(&Fields(map)).map_err(explain),
        ToolInput::Json(other) => Err(explain(format!("the arguments are {}, not an object", kind(other)))),
        ToolInput::Text(text) => Err(explain(format!("the arguments are plain text ({}), not an object", quote(text)))),
        ToolInput::Broken(text) => Err(explain(format!("the arguments are not valid JSON: {}", quote(text)))),
    }
}

fn unknown_tool(family: Family, name: &str) -> String {
    let known = match family {
        Family::Anthropic => "bash, str_replace_based_edit_tool",
        Family::OpenAi => "shell, apply_patch",
        Family::Plain => "bash, read, edit, write, grep",
    };
    format!("Nothing was run: there is no tool {}. The tools are {known}.", quote(name))
}

fn anthropic_bash(fields: &Fields) -> Result<Action, String> {
    if fields.boolean(&["restart"])?.unwrap_or(false) {
        return Ok(Action::Restart);
    }
    Ok(Action::Shell { script: fields.text(&["command"])?, timeout: None, workdir: None })
}

fn bash(fields: &Fields) -> Result<Action, String> {
    let timeout = fields.number(&["timeout_s", "timeout"])?.map(Duration::from_secs);
    Ok(Action::Shell { script: script(fields)?, timeout, workdir: fields.optional_text(&["workdir", "cwd"])? })
}

fn shell(fields: &Fields) -> Result<Action, String> {
    let timeout = fields.number(&["timeout_ms", "timeout"])?.map(Duration::from_millis);
    Ok(Action::Shell { script: script(fields)?, timeout, workdir: fields.optional_text(&["workdir", "cwd"])? })
}

/// A script, or the argument vector that older models of this family send instead.
fn script(fields: &Fields) -> Result<String, String> {
    let names = ["command", "cmd", "script"];
    let Some((name, Value::Array(items))) = fields.find(&names) else { return fields.text(&names) };
    let words: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
    match words.as_deref() {
        Some([]) => Err(format!("`{name}` is empty")),
        Some(["bash" | "sh" | "zsh" | "/bin/bash" | "/bin/sh", "-c" | "-lc", script]) => Ok((*script).to_owned()),
        Some(words) => Ok(words.iter().map(|word| quote_for_shell(word)).collect::<Vec<_>>().join(" ")),
        None => Err(format!("`{name}` holds something that is not a string")),
    }
}

/// One word for bash, single-quoted unless every character is plain.
pub(super) fn quote_for_shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn editor(fields: &Fields) -> Result<Action, String> {
    let command = fields.text(&["command"])?;
    let path = fields.text(&["path"])?;
    match command.as_str() {
        "view" => {
            let (first, last) = fields.range("view_range")?;
            Ok(Action::View { path, first, last })
        }
        "create" => Ok(Action::Write { path, content: fields.text(&["file_text", "content"])? }),
        "str_replace" => {
            let new = fields.optional_text(&["new_str"])?.unwrap_or_default();
            Ok(Action::Replace { path, old: fields.text(&["old_str"])?, new, all: false })
        }
        "insert" => {
            let after_line = fields.number(&["insert_line"])?.ok_or("`insert_line` is missing")?;
            Ok(Action::Insert { path, after_line, text: fields.text(&["insert_text", "new_str"])? })
        }
        other => Err(format!("the command {} is not one of view, create, str_replace, insert", quote(other))),
    }
}

fn read_file(fields: &Fields) -> Result<Action, String> {
    Ok(Action::Read {
        path: fields.text(&["path", "file_path"])?,
        offset: fields.number(&["offset"])?,
        limit: fields.number(&["limit"])?,
    })
}

fn edit(fields: &Fields) -> Result<Action, String> {
    Ok(Action::Replace {
        path: fields.text(&["path", "file_path"])?,
        old: fields.text(&["old", "old_string", "old_str"])?,
        new: fields.text(&["new", "new_string", "new_str"])?,
        all: fields.boolean(&["all", "replace_all"])?.unwrap_or(false),
    })
}

fn write(fields: &Fields) -> Result<Action, String> {
    Ok(Action::Write { path: fields.text(&["path", "file_path"])?, content: fields.text(&["content"])? })
}

fn grep(fields: &Fields) -> Result<Action, String> {
    let path = fields.optional_text(&["path"])?.filter(|path| !path.is_empty());
    let glob = fields.optional_text(&["glob", "include"])?.filter(|glob| !glob.is_empty());
    Ok(Action::Grep { pattern: fields.text(&["pattern"])?, path, glob })
}

/// Raw text; also one string in an object, which is how models send a freeform tool they take for a function.
fn patch(call: &ToolCall) -> Result<Action, String> {
    let text = match &call.input {
        ToolInput::Text(text) | ToolInput::Broken(text) | ToolInput::Json(Value::String(text)) => Some(text.clone()),
        ToolInput::Json(Value::Object(map)) => Fields(map).text(&["input", "patch"]).ok(),
        ToolInput::Json(_) => None,
    };
    text.map(|text| Action::Patch { text }).ok_or_else(|| {
        "Nothing was changed: apply_patch takes the patch as raw text, from *** Begin Patch to *** End Patch."
            .to_owned()
    })
}

/// The arguments of a call, read by name. The first name is the one that errors speak of.
struct Fields<'a>(&'a Map<String, Value>);

impl Fields<'_> {
    /// `null` counts as absent.
    fn find<'n>(&self, names: &[&'n str]) -> Option<(&'n str, &Value)> {
        names.iter().find_map(|name| self.0.get(*name).filter(|value| !value.is_null()).map(|value| (*name, value)))
    }

    fn optional_text(&self, names: &[&str]) -> Result<Option<String>, String> {
        match self.find(names) {
            None => Ok(None),
            Some((_, Value::String(text))) => Ok(Some(text.clone())),
            Some((name, other)) => Err(format!("`{name}` is {}, not a string", kind(other))),
        }
    }

    fn text(&self, names: &[&str]) -> Result<String, String> {
        let missing = || format!("`{}` is missing", names.first().unwrap_or(&""));
        self.optional_text(names)?.ok_or_else(missing)
    }

    /// A whole number from 0; also one written as a string or with `.0`.
    fn number(&self, names: &[&str]) -> Result<Option<u64>, String> {
        let Some((name, value)) = self.find(names) else { return Ok(None) };
        whole(value)
            .and_then(|number| u64::try_from(number).ok())
            .map(Some)
            .ok_or_else(|| format!("`{name}` is {}, not a whole number from 0", quote(&value.to_string())))
    }

    fn boolean(&self, names: &[&str]) -> Result<Option<bool>, String> {
        match self.find(names) {
            None => Ok(None),
            Some((_, Value::Bool(value))) => Ok(Some(*value)),
            Some((_, Value::String(text))) if text == "true" || text == "false" => Ok(Some(text == "true")),
            Some((name, other)) => Err(format!("`{name}` is {}, not true or false", kind(other))),
        }
    }

    /// `[first, last]`, where a last of -1 is the end of the file.
    fn range(&self, name: &str) -> Result<(Option<u64>, Option<u64>), String> {
        let Some((_, value)) = self.find(&[name]) else { return Ok((None, None)) };
        let wrong = || format!("`{name}` is {}, not [first, last] with last -1 for the end", quote(&value.to_string()));
        let items = value.as_array().ok_or_else(wrong)?;
        let [first, last] = items.as_slice() else { return Err(wrong()) };
        let first = whole(first).and_then(|n| u64::try_from(n).ok()).ok_or_else(wrong)?;
        let last = whole(last).ok_or_else(wrong)?;
        if last == -1 {
            return Ok((Some(first), None));
        }
        let last = u64::try_from(last).ok().filter(|last| *last >= first).ok_or_else(wrong)?;
        Ok((Some(first), Some(last)))
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            let float = number.as_f64()?;
            #[allow(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
            (float.fract() == 0.0 && float.abs() < 1e15).then_some(float as i64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn quote(text: &str) -> String {
    let mut short: String = text.chars().take(QUOTE).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn call(name: &str, input: ToolInput) -> ToolCall {
        ToolCall { id: "1".into(), name: name.into(), input }
    }

    fn parsed(family: Family, name: &str, input: Value) -> Result<Action, String> {
        parse(family, &call(name, ToolInput::Json(input)))
    }

    fn shell_script(input: Value) -> String {
        match parsed(Family::OpenAi, "shell", input) {
            Ok(Action::Shell { script, .. }) => script,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_wrong_call_is_answered_with_what_was_wrong() {
        let cases = [
            (Family::Plain, "read", json!({}), "`path` is missing"),
            (Family::Plain, "read", json!({"path": 5}), "`path` is a number, not a string"),
            (Family::Plain, "read", json!({"path": null}), "`path` is missing"),
            (Family::Plain, "read", json!({"path": "a", "offset": -1}), "`offset` is \"-1\", not a whole number"),
            (Family::Plain, "read", json!({"path": "a", "offset": 1.5}), "`offset` is \"1.5\", not a whole number"),
            (Family::Plain, "read", json!([]), "the arguments are an array, not an object"),
            (Family::Plain, "edit", json!({"path": "a", "old": "x"}), "`new` is missing"),
            (Family::Plain, "edit", json!({"path": "a", "old": "x", "new": "y", "all": 1}), "`all` is a number"),
            (Family::Plain, "bash", json!({"command": {}}), "`command` is an object, not a string"),
            (Family::Plain, "bash", json!({"command": []}), "`command` is empty"),
            (Family::Plain, "bash", json!({"command": ["ls", 1]}), "holds something that is not a string"),
            (Family::Plain, "shell", json!({"command": "ls"}), "there is no tool \"shell\". The tools are bash, read"),
            (Family::OpenAi, "bash", json!({"command": "ls"}), "The tools are shell, apply_patch"),
            (Family::OpenAi, "apply_patch", json!({"x": 1}), "takes the patch as raw text"),
            (Family::Anthropic, "bash", json!({"restart": false}), "`command` is missing"),
            (
                Family::Anthropic,
                "str_replace_based_edit_tool",
                json!({"command": "undo_edit", "path": "a"}),
                "\"undo_edit\" is not one of view",
            ),
            (
                Family::Anthropic,
                "str_replace_based_edit_tool",
                json!({"command": "view", "path": "a", "view_range": [3, 2]}),
                "not [first, last]",
            ),
            (
                Family::Anthropic,
                "str_replace_based_edit_tool",
                json!({"command": "view", "path": "a", "view_range": [3]}),
                "not [first, last]",
            ),
            (
                Family::Anthropic,
                "str_replace_based_edit_tool",
                json!({"command": "insert", "path": "a", "insert_text": "x"}),
                "`insert_line` is missing",
            ),
        ];
        for (family, name, input, expected) in cases {
            let error = parsed(family, name, input.clone()).expect_err(&input.to_string());
            assert!(error.contains(expected), "{input}: {error}");
            assert!(error.starts_with("Nothing was"), "{error}");
        }
    }

    #[test]
    fn broken_arguments_are_quoted_short_and_never_run() {
        let long = format!("{{\"command\": \"{}", "x".repeat(10_000));
        let error = parse(Family::Plain, &call("bash", ToolInput::Broken(long))).unwrap_err();
        assert!(error.contains("not valid JSON") && error.len() < 500, "{error}");
        assert!(parse(Family::Plain, &call("bash", ToolInput::Text("ls".into()))).is_err());
        let huge = parse(Family::Plain, &call(&"n".repeat(10_000), ToolInput::Json(json!({})))).unwrap_err();
        assert!(huge.len() < 500);
    }

    #[test]
    fn what_is_meant_beyond_doubt_is_taken() {
        assert_eq!(shell_script(json!({"command": ["bash", "-lc", "cd a && ls"]})), "cd a && ls");
        assert_eq!(
            shell_script(json!({"command": ["git", "log", "--format=%h it's"]})),
            r"git log '--format=%h it'\''s'"
        );
        assert_eq!(shell_script(json!({"command": ["echo", "", "$(x)"]})), "echo '' '$(x)'");
        assert_eq!(
            parsed(Family::Plain, "read", json!({"file_path": "a", "offset": "3", "limit": 2.0})),
            Ok(Action::Read { path: "a".into(), offset: Some(3), limit: Some(2) })
        );
        assert_eq!(
            parsed(Family::OpenAi, "apply_patch", json!({"input": "*** Begin Patch"})),
            Ok(Action::Patch { text: "*** Begin Patch".into() })
        );
        assert_eq!(
            parsed(
                Family::Anthropic,
                "str_replace_based_edit_tool",
                json!({"command": "insert", "path": "a", "insert_line": 0, "new_str": "x"})
            ),
            Ok(Action::Insert { path: "a".into(), after_line: 0, text: "x".into() })
        );
        assert_eq!(
            parsed(
                Family::Anthropic,
                "str_replace_based_edit_tool",
                json!({"command": "view", "path": "a", "view_range": [2, -1]})
            ),
            Ok(Action::View { path: "a".into(), first: Some(2), last: None })
        );
        assert_eq!(parsed(Family::Anthropic, "bash", json!({"restart": true})), Ok(Action::Restart));
    }
}
