//! A neutral request as the body of `POST /responses`.
//!
//! Nothing is stored at the provider: reasoning comes back encrypted and is replayed verbatim, in its place, to the
//! model that made it. Item ids other than reasoning's are not sent: only their own response could vouch for them.

use serde_json::{Value, json};

use crate::domain::message::{Role, ToolInput};
use crate::domain::path::Wire;
use crate::domain::request::{ModelRequest, Thinking, ToolSpec};
use crate::provider::PrepareError;
use crate::provider::transcript::{Part, Turn, as_object, call_id, turns};

/// `of_plan`: for the service of a plan, which takes no limit on the output (codex-rs/codex-api, 2026-08).
pub(in crate::provider) fn body(request: &ModelRequest, of_plan: bool) -> Result<Value, PrepareError> {
    let tools = request.tools.iter().map(tool).collect::<Result<Vec<Value>, _>>()?;
    let input: Vec<Value> = turns(request, Wire::Responses).iter().flat_map(items).collect();
    let mut body = json!({ "model": request.model, "stream": true, "store": false });
    if !request.system.trim().is_empty() {
        body["instructions"] = json!(request.system);
    }
    if !tools.is_empty() {
        body["tools"] = Value::Array(tools);
        body["parallel_tool_calls"] = json!(true);
    }
    if of_plan {
        body["tool_choice"] = json!("auto");
    } else {
        body["max_output_tokens"] = json!(request.max_output);
    }
    body["prompt_cache_key"] = json!(request.session);
    if request.traits.thinking == Thinking::Effort {
        body["reasoning"] = json!({ "summary": "auto" });
        body["include"] = json!(["reasoning.encrypted_content"]);
    }
    body["input"] = Value::Array(input);
    Ok(body)
}

fn tool(spec: &ToolSpec) -> Result<Value, PrepareError> {
    let unsayable = |tool: &str| PrepareError::UnsayableTool { tool: tool.to_owned(), wire: Wire::Responses };
    match spec {
        ToolSpec::Function { name, description, schema } => Ok(json!({
            "type": "function",
            "name": name,
            "description": description,
            "parameters": schema,
            // The API's default is strict, which refuses schemas with optional fields.
            "strict": false,
        })),
        ToolSpec::Grammar { name, description, lark } => Ok(json!({
            "type": "custom",
            "name": name,
            "description": description,
            "format": { "type": "grammar", "syntax": "lark", "definition": lark },
        })),
        ToolSpec::AnthropicBash => Err(unsayable("bash")),
        ToolSpec::AnthropicTextEditor { .. } => Err(unsayable("str_replace_based_edit_tool")),
    }
}

/// A turn's items: a message for its words, an item for each call, result and reasoning, in order.
fn items(turn: &Turn<'_>) -> Vec<Value> {
    let mut items: Vec<Value> = Vec::new();
    let mut words: Vec<Value> = Vec::new();
    // Reasoning without the item that it led to is refused (400), so it waits for one.
    let mut waiting: Vec<Value> = Vec::new();
    for part in &turn.parts {
        match part {
            Part::Text { text, phase } if turn.role == Role::Assistant => {
                items.append(&mut waiting);
                let mut message = json!({
                    "type": "message",
                    "role": "assistant",
                    "content": [{ "type": "output_text", "text": text }],
                });
                if let Some(phase) = phase {
                    message["phase"] = json!(phase);
                }
                items.push(message);
            }
            Part::Text { text, .. } => words.push(json!({ "type": "input_text", "text": text })),
            Part::Image { media_type, base64 } => words.push(json!({
                "type": "input_image",
                "image_url": format!("data:{media_type};base64,{base64}"),
            })),
            Part::Call(call) => {
                items.append(&mut waiting);
                items.push(match &call.input {
                    ToolInput::Text(input) => json!({
                        "type": "custom_tool_call",
                        "call_id": call_id(&call.id),
                        "name": call.name,
                        "input": input,
                    }),
                    input => json!({
                        "type": "function_call",
                        "call_id": call_id(&call.id),
                        "name": call.name,
                        "arguments": as_object(input).to_string(),
                    }),
                });
            }
            Part::Result { call, content, .. } => {
                let kind = match call.input {
                    ToolInput::Text(_) => "custom_tool_call_output",
                    _ => "function_call_output",
                };
                items.push(json!({ "type": kind, "call_id": call_id(&call.id), "output": content }));
            }
            // Without its encrypted content there is nothing that the provider could read again.
            Part::Reasoning(data) if data["encrypted_content"].is_string() => waiting.push((*data).clone()),
            Part::Reasoning(_) => {}
        }
    }
    if !words.is_empty() {
        items.push(json!({ "type": "message", "role": "user", "content": words }));
    }
    items
}
