//! A neutral request as the body of `POST /chat/completions`.

use serde_json::{Value, json};

use crate::domain::message::Role;
use crate::domain::path::Wire;
use crate::domain::request::{ModelRequest, ToolSpec};
use crate::provider::PrepareError;
use crate::provider::transcript::{Part, Turn, as_object, turns};

/// `newer_limit`: OpenAI's own API takes `max_completion_tokens` only; most other servers know `max_tokens` only.
/// `routing`: what a gateway is told about passing the request on.
pub(in crate::provider) fn body(
    request: &ModelRequest,
    newer_limit: bool,
    routing: Option<Value>,
) -> Result<Value, PrepareError> {
    let tools = request.tools.iter().map(tool).collect::<Result<Vec<Value>, _>>()?;
    let mut messages = Vec::new();
    if !request.system.trim().is_empty() {
        messages.push(json!({ "role": "system", "content": request.system }));
    }
    for turn in turns(request, Wire::Chat) {
        match turn.role {
            Role::Assistant => messages.push(assistant(&turn)),
            Role::User => messages.extend(user(&turn)),
        }
    }
    let mut body = json!({
        "model": request.model,
        "stream": true,
        "stream_options": { "include_usage": true },
    });
    body[if newer_limit { "max_completion_tokens" } else { "max_tokens" }] = json!(request.max_output);
    if let Some(routing) = routing {
        body["provider"] = routing;
    }
    if !tools.is_empty() {
        body["tools"] = Value::Array(tools);
    }
    body["messages"] = Value::Array(messages);
    Ok(body)
}

fn tool(spec: &ToolSpec) -> Result<Value, PrepareError> {
    let name = match spec {
        ToolSpec::Function { name, description, schema } => {
            return Ok(json!({
                "type": "function",
                "function": { "name": name, "description": description, "parameters": schema },
            }));
        }
        ToolSpec::Grammar { name, .. } => name,
        ToolSpec::AnthropicBash => "bash",
        ToolSpec::AnthropicTextEditor { .. } => "str_replace_based_edit_tool",
    };
    Err(PrepareError::UnsayableTool { tool: name.to_owned(), wire: Wire::Chat })
}

/// One message: words joined, calls, and reasoning under the fields that it came in.
fn assistant(turn: &Turn<'_>) -> Value {
    let mut words: Vec<&str> = Vec::new();
    let mut calls: Vec<Value> = Vec::new();
    let mut fields = serde_json::Map::new();
    for part in &turn.parts {
        match part {
            Part::Text { text, .. } => words.push(text),
            Part::Call(call) => calls.push(json!({
                "id": call.id,
                "type": "function",
                "function": { "name": call.name, "arguments": as_object(&call.input).to_string() },
            })),
            Part::Reasoning(Value::Object(made)) => fields.extend(made.clone()),
            Part::Reasoning(_) | Part::Image { .. } | Part::Result { .. } => {}
        }
    }
    let content = if words.is_empty() { Value::Null } else { json!(words.join("\n\n")) };
    let mut message = json!({ "role": "assistant", "content": content });
    if let Some(message) = message.as_object_mut() {
        message.extend(fields);
    }
    if !calls.is_empty() {
        message["tool_calls"] = Value::Array(calls);
    }
    message
}

/// A message for each result, then one for the rest: plain text, or parts where there are images.
fn user(turn: &Turn<'_>) -> Vec<Value> {
    let mut messages: Vec<Value> = Vec::new();
    let mut words: Vec<&str> = Vec::new();
    let mut parts: Vec<Value> = Vec::new();
    let mut images = false;
    for part in &turn.parts {
        match part {
            Part::Result { call, content, .. } => {
                messages.push(json!({ "role": "tool", "tool_call_id": call.id, "content": content }));
            }
            Part::Text { text, .. } => {
                words.push(text);
                parts.push(json!({ "type": "text", "text": text }));
            }
            Part::Image { media_type, base64 } => {
                images = true;
                let url = format!("data:{media_type};base64,{base64}");
                parts.push(json!({ "type": "image_url", "image_url": { "url": url } }));
            }
            Part::Call(_) | Part::Reasoning(_) => {}
        }
    }
    if images {
        messages.push(json!({ "role": "user", "content": parts }));
    } else if !words.is_empty() {
        messages.push(json!({ "role": "user", "content": words.join("\n\n") }));
    }
    messages
}
