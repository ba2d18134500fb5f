//! What is sent: the shape of each wire's request, the same bytes for the same beginning, and the rules of each API
//! for transcripts that came from another one.

mod rules;
mod whole;

use serde_json::{Value, json};
use vibekit::domain::message::{Block, Message, ToolInput};
use vibekit::domain::path::Wire;
use vibekit::domain::request::ModelRequest;
use vibekit::provider::prepare;

use super::{call, endpoint, reasoning, result, results};

pub(super) fn body(wire: Wire, request: &ModelRequest) -> Value {
    body_at(wire, "https://api.example.com/v1", request)
}

pub(super) fn body_at(wire: Wire, base_url: &str, request: &ModelRequest) -> Value {
    serde_json::from_slice(&prepare(&endpoint(wire, base_url), request).unwrap().body).unwrap()
}

pub(super) fn pretty(wire: Wire, request: &ModelRequest) -> String {
    serde_json::to_string_pretty(&body(wire, request)).unwrap()
}

fn json_input(text: &str) -> ToolInput {
    ToolInput::Json(json!({ "command": text }))
}

/// A task with one of everything, made on `wire`.
pub(super) fn task(wire: Wire) -> Vec<Message> {
    let data = match wire {
        Wire::Anthropic => json!({"type": "thinking", "thinking": "Hm.", "signature": "sig"}),
        Wire::Responses => json!({"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "enc"}),
        Wire::Chat => json!({"reasoning_content": "Hm."}),
    };
    let mut answered = vec![result("call_1", "a\nb"), result("call_2", "no such file")];
    if let Block::ToolResult(failed) = &mut answered[1] {
        failed.is_error = true;
    }
    vec![
        Message::user("Fix the tests"),
        Message::assistant(vec![
            reasoning(wire, "m", data),
            Block::text("Looking."),
            call("call_1", json_input("ls")),
            call("call_2", json_input("cat x")),
        ]),
        results(answered),
        Message::assistant(vec![Block::Text { text: "Done.".into(), phase: Some("final_answer".into()) }]),
        Message::user("Now the docs"),
    ]
}
