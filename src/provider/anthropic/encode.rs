//! A neutral request as the body of `POST /v1/messages`.
//!
//! Prompt order is tools, system, messages. Every byte of an earlier turn is the same in later calls, but for the
//! moving `cache_control` marks, which do not count for the cache.

use serde_json::{Value, json};

use super::cache::{self, Markable};
use crate::domain::message::Role;
use crate::domain::path::Wire;
use crate::domain::request::{ModelRequest, Thinking, ToolSpec};
use crate::provider::PrepareError;
use crate::provider::transcript::{Part, Turn, as_object, call_id, turns};

pub(in crate::provider) const VERSION: &str = "2023-06-01";

/// The smallest thinking budget the API takes.
const SMALLEST_BUDGET: u32 = 1_024;
/// One fixed budget: a different one in every call would lose the cached messages.
const BUDGET: u32 = 4_096;

/// A content block; its mark is a key of its own at its end.
struct Block(Value);

impl Block {
    fn mark(&mut self) {
        self.0["cache_control"] = cache::mark();
    }
}

impl Markable for Block {
    fn takes_mark(&self) -> bool {
        !matches!(self.0["type"].as_str(), Some("thinking" | "redacted_thinking"))
    }
}

pub(in crate::provider) fn body(request: &ModelRequest) -> Result<Value, PrepareError> {
    let turns = turns(request, Wire::Anthropic);
    let mut tools = request.tools.iter().map(tool).collect::<Result<Vec<Value>, _>>()?;
    let mut system = Block(json!({ "type": "text", "text": request.system }));
    let has_system = !request.system.trim().is_empty();
    if has_system {
        system.mark();
    } else if let Some(last) = tools.last_mut() {
        last["cache_control"] = cache::mark();
    }
    let mut contents: Vec<Vec<Block>> = turns.iter().map(content).collect();
    for (message, block) in cache::places(&contents, |at| turns[at].role == Role::Assistant) {
        contents[message][block].mark();
    }
    let messages = turns.iter().zip(contents).map(|(turn, blocks)| {
        let blocks: Vec<Value> = blocks.into_iter().map(|block| block.0).collect();
        json!({ "role": turn.role, "content": blocks })
    });
    let messages: Vec<Value> = messages.collect();
    let mut body = json!({ "model": request.model, "max_tokens": request.max_output, "stream": true });
    if let Some(thinking) = thinking(request, &turns) {
        body["thinking"] = thinking;
    }
    if !tools.is_empty() {
        body["tools"] = Value::Array(tools);
    }
    if has_system {
        body["system"] = json!([system.0]);
    }
    body["messages"] = Value::Array(messages);
    Ok(body)
}

/// Only what the model accepts: newer ones refuse a budget, older ones know no other way.
fn thinking(request: &ModelRequest, turns: &[Turn<'_>]) -> Option<Value> {
    match request.traits.thinking {
        // Without `summarized`, text between tool calls would come back empty.
        Thinking::Adaptive => Some(json!({ "type": "adaptive", "display": "summarized" })),
        Thinking::Budget if request.max_output > SMALLEST_BUDGET && may_think(turns) => {
            let budget = if request.max_output > 2 * BUDGET { BUDGET } else { SMALLEST_BUDGET };
            Some(json!({ "type": "enabled", "budget_tokens": budget }))
        }
        Thinking::Budget | Thinking::Effort | Thinking::None => None,
    }
}

/// With a budget, an answer that called tools must begin with its thinking while its results are being sent; after a
/// change of model in the middle of a task it has none, and thinking must wait for the next task.
fn may_think(turns: &[Turn<'_>]) -> bool {
    match turns {
        [.., answer, results] if matches!(results.parts.first(), Some(Part::Result { .. })) => {
            matches!(answer.parts.first(), Some(Part::Reasoning(_)))
        }
        _ => true,
    }
}

fn tool(spec: &ToolSpec) -> Result<Value, PrepareError> {
    Ok(match spec {
        ToolSpec::Function { name, description, schema } => {
            json!({ "name": name, "description": description, "input_schema": schema })
        }
        ToolSpec::AnthropicBash => json!({ "type": "bash_20250124", "name": "bash" }),
        ToolSpec::AnthropicTextEditor { max_characters } => json!({
            "type": "text_editor_20250728",
            "name": "str_replace_based_edit_tool",
            "max_characters": max_characters,
        }),
        ToolSpec::Grammar { name, .. } => {
            return Err(PrepareError::UnsayableTool { tool: name.clone(), wire: Wire::Anthropic });
        }
    })
}

fn content(turn: &Turn<'_>) -> Vec<Block> {
    let mut parts = turn.parts.as_slice();
    // An assistant message must not end with thinking (400).
    while let [before @ .., Part::Reasoning(_)] = parts {
        parts = before;
    }
    parts.iter().map(|part| Block(block(part))).collect()
}

fn block(part: &Part<'_>) -> Value {
    match part {
        Part::Text { text, .. } => json!({ "type": "text", "text": text }),
        Part::Image { media_type, base64 } => json!({
            "type": "image",
            "source": { "type": "base64", "media_type": media_type, "data": base64 },
        }),
        Part::Call(call) => json!({
            "type": "tool_use",
            "id": call_id(&call.id),
            "name": call.name,
            "input": as_object(&call.input),
        }),
        Part::Result { call, content, is_error } => {
            let mut result = json!({ "type": "tool_result", "tool_use_id": call_id(&call.id), "content": content });
            if *is_error {
                result["is_error"] = json!(true);
            }
            result
        }
        Part::Reasoning(data) => (*data).clone(),
    }
}
