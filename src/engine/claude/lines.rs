//! One line of `claude -p --output-format stream-json`, as far as vk reads it. What is not known is left alone.
//!
//! Measured with claude 2.1.331 against a loopback server (2026-11-24): the answer to `initialize` and `system/init`
//! come before the first request; `system/status` says `requesting` before each; an assistant message comes as one line
//! for each of its blocks, all with the usage of `message_start`, so the whole usage is that of the `stream_event`s
//! (`--include-partial-messages`); `rate_limit_event` comes only for a plan's login and only when something changed.

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::message::{Block, ToolCall, ToolInput, ToolResult};
use crate::domain::quota::{Window, percent_of_part};
use crate::domain::usage::Usage;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Line {
    Init(Init),
    /// A request to the API follows.
    Requesting,
    Retrying {
        attempt: u32,
        of: u32,
        wait_ms: u64,
        reason: String,
    },
    MessageStart {
        id: String,
        model: String,
        usage: Usage,
    },
    Text(String),
    Thinking(String),
    /// Counters are those of the whole message so far.
    MessageDelta(Usage),
    /// One block, or several, of a message that the API gave.
    Said {
        id: String,
        request_id: Option<String>,
        blocks: Vec<Block>,
    },
    /// What the program says in place of an answer.
    ApiError(ApiError),
    ToolResults(Vec<ToolResult>),
    Limits(Limits),
    /// The program asks whether it may.
    Ask {
        request_id: String,
        tool: String,
        input: Value,
    },
    /// A question of the program's that is not known here.
    Unknown {
        request_id: String,
        subtype: String,
    },
    /// The answer to a question of vk's.
    Answer(Value),
    End(End),
    Other,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Init {
    pub session: String,
    pub key_source: String,
    pub model: String,
    /// 2.1.197 does not say.
    pub sandboxed: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ApiError {
    /// `rate_limit`, `authentication_failed`, `billing_error`, `model_not_found`, `server_error`, `invalid_request`.
    pub kind: String,
    pub status: Option<u16>,
    pub words: String,
    /// `usage_limit_reached`, where the plan is used up.
    pub code: Option<String>,
}

/// What an answer said of the plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Limits {
    /// It goes on as paid extra usage.
    pub extra: bool,
    /// Whether it would: `allowed`, `rejected`.
    pub extra_status: Option<String>,
    pub rejected: bool,
    pub windows: Vec<Window>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct End {
    pub subtype: String,
    pub is_error: bool,
    /// The HTTP status of the answer that ended it.
    pub status: Option<u16>,
    pub text: String,
    pub startup: Option<String>,
    pub errors: Vec<String>,
}

pub(super) fn parse(value: &Value) -> Line {
    match text(value, "type") {
        "system" => system(value),
        "stream_event" => stream(&value["event"]),
        "assistant" => assistant(value),
        "user" => Line::ToolResults(results(&value["message"]["content"])),
        "rate_limit_event" => Line::Limits(limits(&value["rate_limit_info"])),
        "control_request" => question(value),
        "control_response" => Line::Answer(value["response"].clone()),
        "result" => Line::End(End {
            subtype: text(value, "subtype").to_owned(),
            is_error: value["is_error"].as_bool().unwrap_or(false),
            status: status(value),
            text: text(value, "result").to_owned(),
            startup: value["startup_failure_reason"].as_str().map(str::to_owned),
            errors: strings(&value["errors"]),
        }),
        _ => Line::Other,
    }
}

fn system(value: &Value) -> Line {
    match text(value, "subtype") {
        "init" => Line::Init(Init {
            session: text(value, "session_id").to_owned(),
            key_source: text(value, "apiKeySource").to_owned(),
            model: text(value, "model").to_owned(),
            sandboxed: value["sandbox_enabled"].as_bool(),
        }),
        "status" if text(value, "status") == "requesting" => Line::Requesting,
        "api_retry" => {
            let number = |name: &str| value[name].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
            Line::Retrying {
                attempt: number("attempt"),
                of: number("max_retries"),
                wait_ms: value["retry_delay_ms"].as_u64().unwrap_or(0),
                reason: text(value, "error").to_owned(),
            }
        }
        _ => Line::Other,
    }
}

fn stream(event: &Value) -> Line {
    match text(event, "type") {
        "message_start" => {
            let message = &event["message"];
            Line::MessageStart {
                id: text(message, "id").to_owned(),
                model: text(message, "model").to_owned(),
                usage: usage(&message["usage"]),
            }
        }
        "message_delta" => Line::MessageDelta(usage(&event["usage"])),
        "content_block_delta" => {
            let delta = &event["delta"];
            match text(delta, "type") {
                "text_delta" => Line::Text(text(delta, "text").to_owned()),
                "thinking_delta" => Line::Thinking(text(delta, "thinking").to_owned()),
                _ => Line::Other,
            }
        }
        _ => Line::Other,
    }
}

fn assistant(value: &Value) -> Line {
    let message = &value["message"];
    let blocks = blocks(&message["content"]);
    if let Some(kind) = value["error"].as_str() {
        let words = blocks.iter().map(|block| if let Block::Text { text, .. } = block { text.as_str() } else { "" });
        return Line::ApiError(ApiError {
            kind: kind.to_owned(),
            status: status(value),
            words: words.collect::<Vec<_>>().join(" "),
            code: value["api_error"].as_str().map(str::to_owned),
        });
    }
    let request_id = value["request_id"].as_str().map(str::to_owned);
    Line::Said { id: text(message, "id").to_owned(), request_id, blocks }
}

fn status(value: &Value) -> Option<u16> {
    value["api_error_status"].as_u64().and_then(|status| u16::try_from(status).ok())
}

fn blocks(content: &Value) -> Vec<Block> {
    let block = |block: &Value| match text(block, "type") {
        "text" => Some(Block::text(text(block, "text"))),
        "tool_use" => Some(Block::ToolCall(ToolCall {
            id: text(block, "id").to_owned(),
            name: text(block, "name").to_owned(),
            input: ToolInput::Json(block["input"].clone()),
        })),
        _ => None,
    };
    content.as_array().map(|all| all.iter().filter_map(block).collect()).unwrap_or_default()
}

fn results(content: &Value) -> Vec<ToolResult> {
    let result = |block: &Value| {
        (text(block, "type") == "tool_result").then(|| ToolResult {
            call_id: text(block, "tool_use_id").to_owned(),
            content: match &block["content"] {
                Value::String(words) => words.clone(),
                Value::Array(parts) => parts.iter().map(|part| text(part, "text")).collect::<Vec<_>>().join("\n"),
                _ => String::new(),
            },
            is_error: block["is_error"].as_bool().unwrap_or(false),
        })
    };
    content.as_array().map(|all| all.iter().filter_map(result).collect()).unwrap_or_default()
}

fn question(value: &Value) -> Line {
    let (request_id, request) = (text(value, "request_id").to_owned(), &value["request"]);
    match text(request, "subtype") {
        "can_use_tool" => {
            Line::Ask { request_id, tool: text(request, "tool_name").to_owned(), input: request["input"].clone() }
        }
        subtype => Line::Unknown { request_id, subtype: subtype.to_owned() },
    }
}

fn limits(info: &Value) -> Limits {
    let flag = |name: &str| info[name].as_bool().unwrap_or(false);
    let window = |name: &str, window: &Value| {
        Some(Window {
            name: window_name(name),
            used: percent_of_part(window["utilization"].as_number()?)?,
            resets_at: window["resetsAt"].as_i64().and_then(|at| Timestamp::from_second(at).ok()),
        })
    };
    let mut windows: Vec<Window> = match info["unifiedWindows"].as_object() {
        Some(all) => all.iter().filter_map(|(name, value)| window(name, value)).collect(),
        // An older program tells of the one window that binds.
        None => window(text(info, "rateLimitType"), info).into_iter().collect(),
    };
    windows.sort_by(|one, other| one.name.len().cmp(&other.name.len()).then_with(|| one.name.cmp(&other.name)));
    Limits {
        extra: flag("isUsingOverage") || flag("overageInUse") || text(info, "rateLimitType") == "overage",
        extra_status: info["overageStatus"].as_str().map(str::to_owned),
        rejected: text(info, "status") == "rejected",
        windows,
    }
}

/// `five_hour` and `seven_day_opus` in the words that every plan's windows have.
pub(super) fn window_name(name: &str) -> String {
    for (theirs, ours) in [("five_hour", "5 h"), ("5h", "5 h"), ("seven_day", "1 week"), ("7d", "1 week")] {
        if let Some(rest) = name.strip_prefix(theirs) {
            return format!("{ours}{}", rest.replace('_', " "));
        }
    }
    name.replace('_', " ")
}

/// As the API counts: the input of each kind apart, the reasoning inside the output.
pub(super) fn usage(value: &Value) -> Usage {
    let number = |value: &Value, name: &str| value[name].as_u64().unwrap_or(0);
    let written = number(value, "cache_creation_input_tokens");
    let hour = number(&value["cache_creation"], "ephemeral_1h_input_tokens");
    Usage {
        input: number(value, "input_tokens"),
        cache_read: number(value, "cache_read_input_tokens"),
        cache_write_5m: written.saturating_sub(hour),
        cache_write_1h: hour,
        output: number(value, "output_tokens"),
        reasoning: number(&value["output_tokens_details"], "thinking_tokens"),
    }
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

fn strings(value: &Value) -> Vec<String> {
    value
        .as_array()
        .map(|all| all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn extra_usage_is_told_by_any_of_its_three_signs() {
        let extra = |info: Value| matches!(parse(&json!({"type": "rate_limit_event", "rate_limit_info": info})), Line::Limits(l) if l.extra);
        assert!(!extra(json!({"status": "allowed", "isUsingOverage": false, "rateLimitType": "five_hour"})));
        assert!(extra(json!({"isUsingOverage": true})));
        assert!(extra(json!({"isUsingOverage": false, "rateLimitType": "overage"})));
        assert!(extra(json!({"overageInUse": true})));
    }

    #[test]
    fn an_hours_cache_is_not_counted_twice() {
        let reported = json!({"input_tokens": 3, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 70,
            "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 60}, "output_tokens": 9});
        let expected =
            Usage { input: 3, cache_read: 5, cache_write_5m: 10, cache_write_1h: 60, output: 9, reasoning: 0 };
        assert_eq!(usage(&reported), expected);
    }

    #[test]
    fn what_is_not_known_is_left_alone() {
        for odd in [json!({}), json!({"type": 3}), json!({"type": "system"}), json!({"type": "stream_event"})] {
            assert_eq!(parse(&odd), Line::Other, "{odd}");
        }
    }
}
