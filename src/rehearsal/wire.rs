//! A line as bytes on a wire: Anthropic Messages and Chat Completions streams, in the providers' published formats.

use serde_json::{Value, json};

use super::lines::{Count, Line};
use crate::domain::path::Wire;

/// Pieces of a server-sent-event stream, in order; words come in small pieces, as a model's do.
pub(super) fn stream(wire: Wire, line: &Line, count: Count, number: usize) -> Vec<String> {
    let Line::Say(text, calls) = line else { return Vec::new() };
    match wire {
        Wire::Anthropic => anthropic(text, calls, count, number),
        Wire::Chat | Wire::Responses => chat(text, calls, count, number),
    }
}

/// The body of an error answer.
pub(super) fn error(wire: Wire, code: &str, message: &str) -> Value {
    match wire {
        Wire::Anthropic => {
            json!({"type": "error", "error": {"type": code, "message": message}, "request_id": "req_rehearsed"})
        }
        Wire::Chat | Wire::Responses => json!({"error": {"type": code, "code": code, "message": message}}),
    }
}

const MODEL: &str = "rehearsed";

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ')
}

fn anthropic(text: &str, calls: &[(&'static str, Value)], count: Count, number: usize) -> Vec<String> {
    let event = |data: Value| format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default());
    let usage = json!({
        "input_tokens": count.fresh.min(4),
        "cache_creation_input_tokens": count.fresh.saturating_sub(4),
        "cache_read_input_tokens": count.cached,
        "cache_creation": {"ephemeral_5m_input_tokens": count.fresh.saturating_sub(4), "ephemeral_1h_input_tokens": 0},
        "output_tokens": 1,
    });
    let message = json!({"id": format!("msg_{number}"), "type": "message", "role": "assistant", "model": MODEL,
        "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage});
    let mut out = vec![event(json!({"type": "message_start", "message": message}))];
    let mut index = 0;
    if !text.is_empty() {
        out.push(event(
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        ));
        for word in words(text) {
            out.push(event(
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}),
            ));
        }
        out.push(event(json!({"type": "content_block_stop", "index": 0})));
        index = 1;
    }
    for (i, (name, input)) in calls.iter().enumerate() {
        let index = index + i;
        let block = json!({"type": "tool_use", "id": format!("toolu_{number}_{i}"), "name": name, "input": {}});
        out.push(event(json!({"type": "content_block_start", "index": index, "content_block": block})));
        let delta = json!({"type": "input_json_delta", "partial_json": input.to_string()});
        out.push(event(json!({"type": "content_block_delta", "index": index, "delta": delta})));
        out.push(event(json!({"type": "content_block_stop", "index": index})));
    }
    let stop = if calls.is_empty() { "end_turn" } else { "tool_use" };
    out.push(event(json!({"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": null},
        "usage": {"output_tokens": count.output}})));
    out.push(event(json!({"type": "message_stop"})));
    out
}

fn chat(text: &str, calls: &[(&'static str, Value)], count: Count, number: usize) -> Vec<String> {
    let chunk = |choices: Value, usage: Value| {
        let data = json!({"id": format!("chatcmpl-{number}"), "object": "chat.completion.chunk", "created": 0,
            "model": MODEL, "choices": choices, "usage": usage});
        format!("data: {data}\n\n")
    };
    let delta = |delta: Value, finish: Value| {
        chunk(json!([{"index": 0, "delta": delta, "finish_reason": finish}]), Value::Null)
    };
    let mut out = vec![delta(json!({"role": "assistant", "content": ""}), Value::Null)];
    out.extend(words(text).map(|word| delta(json!({"content": word}), Value::Null)));
    for (i, (name, input)) in calls.iter().enumerate() {
        let call = json!({"index": i, "id": format!("call_{number}_{i}"), "type": "function",
            "function": {"name": name, "arguments": input.to_string()}});
        out.push(delta(json!({"tool_calls": [call]}), Value::Null));
    }
    out.push(delta(json!({}), json!(if calls.is_empty() { "stop" } else { "tool_calls" })));
    out.push(chunk(
        json!([]),
        json!({"prompt_tokens": count.cached + count.fresh, "completion_tokens": count.output,
            "total_tokens": count.cached + count.fresh + count.output,
            "prompt_tokens_details": {"cached_tokens": count.cached}}),
    ));
    out.push("data: [DONE]\n\n".to_owned());
    out
}
