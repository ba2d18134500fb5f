//! The wires as the rest of `vk` sees them: streams in, requests out, and calls over real connections.

mod calls;
mod cuts;
mod decode;
mod encode;
mod faults;

use std::fmt::Write as _;

use serde_json::json;
use vibekit::domain::message::{Block, Message, Reasoning, Role, ToolCall, ToolInput, ToolResult};
use vibekit::domain::path::{Auth, Wire};
use vibekit::domain::request::{ModelRequest, ModelTraits, Reply, StreamEvent, Thinking, ToolSpec};
use vibekit::provider::{AnswerStream, Endpoint, Fault};

pub const WIRES: [Wire; 3] = [Wire::Anthropic, Wire::Responses, Wire::Chat];

/// Every stream in tests/fixtures/wire of one wire, by name.
pub fn fixtures(wire: Wire) -> Vec<(String, Vec<u8>)> {
    let folder = format!("{}/tests/fixtures/wire/{wire}", env!("CARGO_MANIFEST_DIR"));
    let mut found: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect();
    found.sort();
    found
}

pub fn fixture(wire: Wire, name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixtures/wire/{wire}/{name}.sse", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

pub fn endpoint(wire: Wire, base_url: &str) -> Endpoint {
    let auth = if wire == Wire::Anthropic { Auth::XApiKey } else { Auth::Bearer };
    Endpoint { provider: "p".into(), wire, base_url: base_url.into(), auth, at_most: None, plan: None }
}

pub fn request(wire: Wire, messages: Vec<Message>) -> ModelRequest {
    let thinking = match wire {
        Wire::Anthropic => Thinking::Adaptive,
        Wire::Responses => Thinking::Effort,
        Wire::Chat => Thinking::None,
    };
    ModelRequest {
        provider: "p".into(),
        model: "m".into(),
        traits: ModelTraits { thinking, effort: false, min_cache_prefix: None, images: None },
        system: "Be brief.".into(),
        messages,
        tools: vec![function("bash")],
        max_output: 16_000,
        session: "session-1".into(),
    }
}

pub fn function(name: &str) -> ToolSpec {
    let schema = json!({"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]});
    ToolSpec::Function { name: name.into(), description: "Runs a command.".into(), schema }
}

pub fn call(id: &str, input: ToolInput) -> Block {
    Block::ToolCall(ToolCall { id: id.into(), name: "bash".into(), input })
}

pub fn result(id: &str, content: &str) -> Block {
    Block::ToolResult(ToolResult { call_id: id.into(), content: content.into(), is_error: false })
}

pub fn results(content: Vec<Block>) -> Message {
    Message { role: Role::User, content }
}

pub fn reasoning(wire: Wire, model: &str, data: serde_json::Value) -> Block {
    Block::Reasoning(Reasoning { wire, provider: "p".into(), model: model.into(), data })
}

/// Reads a whole stream in one piece.
pub fn read(wire: Wire, bytes: &[u8]) -> (Vec<StreamEvent>, Result<Reply, Fault>) {
    read_in(wire, &[bytes])
}

/// Reads a stream in pieces, to its terminal event or to what ends it.
pub fn read_in(wire: Wire, pieces: &[&[u8]]) -> (Vec<StreamEvent>, Result<Reply, Fault>) {
    let mut stream = AnswerStream::new(wire, &request(wire, vec![Message::user("do")]));
    let mut events = Vec::new();
    for piece in pieces {
        if let Err(fault) = stream.push(piece, &mut events) {
            return (events, Err(fault));
        }
    }
    let reply = stream.finish();
    (events, reply)
}

/// Everything that a stream gave, a line a thing: for snapshots.
pub fn show(wire: Wire, bytes: &[u8]) -> String {
    let (events, reply) = read(wire, bytes);
    let mut out = String::new();
    for event in events {
        let _ = match event {
            StreamEvent::Started => writeln!(out, "started"),
            StreamEvent::Text(text) => writeln!(out, "text {text:?}"),
            StreamEvent::Reasoning(text) => writeln!(out, "reasoning {text:?}"),
            StreamEvent::ToolCall { name } => writeln!(out, "tool {name}"),
        };
    }
    let reply = match reply {
        Ok(reply) => reply,
        Err(fault) => return out + &format!("{fault:?}"),
    };
    let _ = writeln!(out, "---");
    for block in &reply.content {
        let _ = match block {
            Block::Text { text, phase: None } => writeln!(out, "Text {text:?}"),
            Block::Text { text, phase: Some(phase) } => writeln!(out, "Text {text:?} phase {phase}"),
            Block::ToolCall(ToolCall { id, name, input }) => match input {
                ToolInput::Json(value) => writeln!(out, "Call {id} {name} {value}"),
                ToolInput::Text(text) => writeln!(out, "Call {id} {name} text {text:?}"),
                ToolInput::Broken(text) => writeln!(out, "Call {id} {name} BROKEN {text:?}"),
            },
            Block::Reasoning(Reasoning { wire, provider, model, data }) => {
                writeln!(out, "Reasoning {wire}/{provider}/{model} {data}")
            }
            other => writeln!(out, "{other:?}"),
        };
    }
    let u = reply.usage;
    let _ = writeln!(out, "{:?}", reply.stop);
    let _ = writeln!(
        out,
        "usage in {} read {} write {}+{} out {} reasoning {} reported {}",
        u.input, u.cache_read, u.cache_write_5m, u.cache_write_1h, u.output, u.reasoning, reply.usage_reported
    );
    let _ = write!(out, "model {:?} id {:?} cost {:?}", reply.model, reply.response_id, reply.reported_cost);
    out
}
