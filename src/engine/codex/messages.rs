//! One message of `codex app-server`, as far as vk reads it. What is not known is left alone.
//!
//! Measured with codex 0.169.0 against a loopback server (2026-11-24): after each answer of the model come
//! `thread/tokenUsage/updated`, whose `last` is that answer's own usage, and `account/rateLimits/updated`.

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::quota::{Credits, Said, Window};
use crate::domain::usage::Usage;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Message {
    /// The answer to a request of vk's.
    Answer(u64, Result<Value, String>),
    /// A request of the program's.
    Question(Value, String, Value),
    Text(String),
    Thinking(String),
    Started(Item),
    Completed(Item),
    Used(Usage),
    Limits(Said),
    /// Another model than was asked for answers from here on.
    Rerouted(String),
    Retrying(String),
    End {
        status: String,
        error: Option<Value>,
    },
    Other,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Item {
    pub kind: String,
    pub id: String,
    /// A command, a patch, the model's words.
    pub text: String,
    pub output: String,
    pub exit_code: Option<i32>,
    pub status: String,
}

pub(super) fn parse(value: &Value) -> Message {
    let params = &value["params"];
    match (value["method"].as_str(), value.get("id")) {
        (None, Some(id)) => {
            let answer = match value.get("error") {
                Some(error) => Err(text(error, "message").to_owned()),
                None => Ok(value["result"].clone()),
            };
            id.as_u64().map_or(Message::Other, |id| Message::Answer(id, answer))
        }
        (Some(method), Some(id)) => Message::Question(id.clone(), method.to_owned(), params.clone()),
        (Some("item/agentMessage/delta"), _) => Message::Text(text(params, "delta").to_owned()),
        (Some("item/reasoning/summaryTextDelta"), _) => Message::Thinking(text(params, "delta").to_owned()),
        (Some("item/started"), _) => Message::Started(item(&params["item"])),
        (Some("item/completed"), _) => Message::Completed(item(&params["item"])),
        (Some("thread/tokenUsage/updated"), _) => Message::Used(usage(&params["tokenUsage"]["last"])),
        (Some("account/rateLimits/updated"), _) => Message::Limits(limits(&params["rateLimits"])),
        (Some("model/rerouted"), _) => Message::Rerouted(text(params, "toModel").to_owned()),
        (Some("error"), _) if params["willRetry"].as_bool() == Some(true) => {
            Message::Retrying(text(&params["error"], "message").to_owned())
        }
        (Some("turn/completed"), _) => {
            let turn = &params["turn"];
            let error = Some(turn["error"].clone()).filter(|error| !error.is_null());
            Message::End { status: text(turn, "status").to_owned(), error }
        }
        _ => Message::Other,
    }
}

fn item(value: &Value) -> Item {
    let kind = text(value, "type");
    let words = match kind {
        "commandExecution" => text(value, "command").to_owned(),
        "agentMessage" => text(value, "text").to_owned(),
        "fileChange" => {
            let changes = value["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
            changes
                .iter()
                .map(|change| format!("{}\n{}", text(change, "path"), text(change, "diff")))
                .collect::<Vec<_>>()
                .join("\n")
        }
        _ => String::new(),
    };
    Item {
        kind: kind.to_owned(),
        id: text(value, "id").to_owned(),
        text: words,
        output: text(value, "aggregatedOutput").to_owned(),
        exit_code: value["exitCode"].as_i64().and_then(|code| i32::try_from(code).ok()),
        status: text(value, "status").to_owned(),
    }
}

/// What the account has left.
pub(super) fn limits(value: &Value) -> Said {
    let window = |name: &str| {
        let window = &value[name];
        Some(Window {
            name: window["windowDurationMins"]
                .as_u64()
                .map(|minutes| Window::name_of(minutes * 60))
                .unwrap_or_default(),
            used: u32::try_from(window["usedPercent"].as_u64()?).ok()?,
            resets_at: window["resetsAt"].as_i64().and_then(|at| Timestamp::from_second(at).ok()),
        })
    };
    let credits = value["credits"].as_object().map(|credits| Credits {
        has: credits.get("hasCredits").and_then(Value::as_bool).unwrap_or(false),
        unlimited: credits.get("unlimited").and_then(Value::as_bool).unwrap_or(false),
        balance: credits.get("balance").and_then(Value::as_str).and_then(|balance| balance.trim().parse().ok()),
    });
    Said {
        windows: ["primary", "secondary"].into_iter().filter_map(window).collect(),
        credits,
        reached: value["rateLimitReachedType"].is_string(),
    }
}

/// `OpenAI` counts what was cached inside the input.
fn usage(value: &Value) -> Usage {
    let number = |name: &str| value[name].as_u64().unwrap_or(0);
    let (cached, written) = (number("cachedInputTokens"), number("cacheWriteInputTokens"));
    Usage {
        input: number("inputTokens").saturating_sub(cached).saturating_sub(written),
        cache_read: cached,
        cache_write_5m: written,
        cache_write_1h: 0,
        output: number("outputTokens"),
        reasoning: number("reasoningOutputTokens"),
    }
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_cached_is_not_counted_twice() {
        let message = json!({"method": "thread/tokenUsage/updated", "params": {"tokenUsage": {"last":
            {"inputTokens": 1200, "cachedInputTokens": 200, "cacheWriteInputTokens": 100, "outputTokens": 50,
             "reasoningOutputTokens": 10}}}});
        let expected =
            Usage { input: 900, cache_read: 200, cache_write_5m: 100, cache_write_1h: 0, output: 50, reasoning: 10 };
        assert_eq!(parse(&message), Message::Used(expected));
    }

    #[test]
    fn what_is_not_known_is_left_alone() {
        for odd in [json!({}), json!({"method": "x/y"}), json!({"id": "text"}), json!({"method": 3})] {
            assert_eq!(parse(&odd), Message::Other, "{odd}");
        }
    }
}
