//! One answer of a model, written once and rendered in each provider's published stream format.
//!
//! ```ignore
//! let answer = Turn::new().text("Looking.").tool("call_1", "bash", json!({"command": "ls"})).tokens(1200, 40);
//! let provider = Provider::start([Script::sse(&answer.anthropic()), Script::sse(&Turn::say("Done.").anthropic())]);
//! ```
//!
//! The renderers write the JSON as text in the order and shape of the providers' documents, never through the types
//! of `vk`, so that a test cannot agree with a mistake in them.

use serde_json::{Value, json};

#[derive(Clone, Debug)]
enum Part {
    Thinking(String),
    Text(String),
    Tool {
        id: String,
        name: String,
        input: Value,
    },
    /// A freeform tool's raw text: Responses only.
    Custom {
        id: String,
        name: String,
        input: String,
    },
}

/// An answer: its parts in order, why it stopped, and what it is said to have used.
#[derive(Clone, Debug)]
pub struct Turn {
    parts: Vec<Part>,
    stop: Option<&'static str>,
    /// The whole prompt, cached or not.
    prompt: u64,
    cache_read: u64,
    cache_write: u64,
    output: u64,
    cost: Option<&'static str>,
    model: String,
}

impl Turn {
    pub fn new() -> Self {
        Self {
            parts: Vec::new(),
            stop: None,
            prompt: 100,
            cache_read: 0,
            cache_write: 0,
            output: 10,
            cost: None,
            model: "model-under-test".into(),
        }
    }

    /// A last answer of one sentence.
    pub fn say(text: &str) -> Self {
        Self::new().text(text)
    }

    pub fn thinking(mut self, text: &str) -> Self {
        self.parts.push(Part::Thinking(text.into()));
        self
    }

    pub fn text(mut self, text: &str) -> Self {
        self.parts.push(Part::Text(text.into()));
        self
    }

    pub fn tool(mut self, id: &str, name: &str, input: Value) -> Self {
        self.parts.push(Part::Tool { id: id.into(), name: name.into(), input });
        self
    }

    pub fn custom(mut self, id: &str, name: &str, input: &str) -> Self {
        self.parts.push(Part::Custom { id: id.into(), name: name.into(), input: input.into() });
        self
    }

    /// The whole prompt and the output; all of the prompt uncached.
    pub fn tokens(mut self, prompt: u64, output: u64) -> Self {
        (self.prompt, self.output) = (prompt, output);
        self
    }

    /// How much of the prompt was read from and written to the cache.
    pub fn cached(mut self, read: u64, write: u64) -> Self {
        (self.cache_read, self.cache_write) = (read, write);
        self
    }

    /// The gateway's own figure: `usage.cost`.
    pub fn cost(mut self, usd: &'static str) -> Self {
        self.cost = Some(usd);
        self
    }

    /// The output limit ended the answer.
    pub fn cut_by_limit(mut self) -> Self {
        self.stop = Some("limit");
        self
    }

    pub fn model(mut self, id: &str) -> Self {
        self.model = id.into();
        self
    }

    fn calls(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Tool { .. } | Part::Custom { .. }))
    }

    /// As `POST /v1/messages` streams it.
    pub fn anthropic(&self) -> String {
        let uncached = self.prompt - self.cache_read - self.cache_write;
        let mut usage = json!({
            "input_tokens": uncached,
            "cache_creation_input_tokens": self.cache_write,
            "cache_read_input_tokens": self.cache_read,
            "cache_creation": {"ephemeral_5m_input_tokens": self.cache_write, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 1,
            "service_tier": "standard",
        });
        if let Some(cost) = self.cost {
            usage["cost"] = serde_json::from_str(cost).unwrap();
        }
        let message = json!({"id": "msg_test", "type": "message", "role": "assistant", "model": self.model,
            "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage});
        let mut out = named("message_start", &json!({"type": "message_start", "message": message}));
        out += &named("ping", &json!({"type": "ping"}));
        for (index, part) in self.parts.iter().enumerate() {
            let (start, deltas) = match part {
                Part::Thinking(text) => (
                    json!({"type": "thinking", "thinking": "", "signature": ""}),
                    vec![
                        json!({"type": "thinking_delta", "thinking": text}),
                        json!({"type": "signature_delta", "signature": "sig-under-test"}),
                    ],
                ),
                Part::Text(text) => (
                    json!({"type": "text", "text": ""}),
                    halves(text).map(|half| json!({"type": "text_delta", "text": half})).to_vec(),
                ),
                Part::Tool { id, name, input } => (
                    json!({"type": "tool_use", "id": id, "name": name, "input": {}}),
                    halves(&input.to_string())
                        .map(|half| json!({"type": "input_json_delta", "partial_json": half}))
                        .to_vec(),
                ),
                Part::Custom { .. } => unreachable!("Anthropic has no freeform tools"),
            };
            out += &named(
                "content_block_start",
                &json!({"type": "content_block_start", "index": index, "content_block": start}),
            );
            for delta in deltas {
                out += &named(
                    "content_block_delta",
                    &json!({"type": "content_block_delta", "index": index, "delta": delta}),
                );
            }
            out += &named("content_block_stop", &json!({"type": "content_block_stop", "index": index}));
        }
        let reason = match self.stop {
            Some(_) => "max_tokens",
            None if self.calls() => "tool_use",
            None => "end_turn",
        };
        let end = json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null},
            "usage": {"output_tokens": self.output}});
        out + &named("message_delta", &end) + &named("message_stop", &json!({"type": "message_stop"}))
    }

    /// As `POST /responses` streams it.
    pub fn responses(&self) -> String {
        let response = |status: &str, rest: Value| {
            let mut response = json!({"id": "resp_test", "object": "response", "status": status,
                "model": self.model, "output": []});
            for (key, value) in rest.as_object().unwrap() {
                response[key] = value.clone();
            }
            response
        };
        let mut number = 0;
        let mut event = |kind: &str, mut data: Value| {
            data["type"] = json!(kind);
            data["sequence_number"] = json!(number);
            number += 1;
            named(kind, &data)
        };
        let mut out = event("response.created", json!({"response": response("in_progress", json!({}))}));
        for (at, part) in self.parts.iter().enumerate() {
            let (item, begun) = match part {
                Part::Thinking(text) => (
                    json!({"id": format!("rs_{at}"), "type": "reasoning",
                        "summary": [{"type": "summary_text", "text": text}], "encrypted_content": "enc-under-test"}),
                    json!({"id": format!("rs_{at}"), "type": "reasoning", "summary": []}),
                ),
                Part::Text(text) => (
                    json!({"id": format!("msg_{at}"), "type": "message", "role": "assistant", "status": "completed",
                        "content": [{"type": "output_text", "text": text, "annotations": []}]}),
                    json!({"id": format!("msg_{at}"), "type": "message", "role": "assistant",
                        "status": "in_progress", "content": []}),
                ),
                Part::Tool { id, name, input } => (
                    json!({"id": format!("fc_{at}"), "type": "function_call", "status": "completed",
                        "call_id": id, "name": name, "arguments": input.to_string()}),
                    json!({"id": format!("fc_{at}"), "type": "function_call", "status": "in_progress",
                        "call_id": id, "name": name, "arguments": ""}),
                ),
                Part::Custom { id, name, input } => (
                    json!({"id": format!("ctc_{at}"), "type": "custom_tool_call", "status": "completed",
                        "call_id": id, "name": name, "input": input}),
                    json!({"id": format!("ctc_{at}"), "type": "custom_tool_call", "status": "in_progress",
                        "call_id": id, "name": name, "input": ""}),
                ),
            };
            let id = item["id"].clone();
            out += &event("response.output_item.added", json!({"output_index": at, "item": begun}));
            let (kind, text) = match part {
                Part::Thinking(text) => ("response.reasoning_summary_text.delta", text.clone()),
                Part::Text(text) => ("response.output_text.delta", text.clone()),
                Part::Tool { input, .. } => ("response.function_call_arguments.delta", input.to_string()),
                Part::Custom { input, .. } => ("response.custom_tool_call_input.delta", input.clone()),
            };
            for half in halves(&text) {
                out += &event(kind, json!({"item_id": id, "output_index": at, "delta": half}));
            }
            out += &event("response.output_item.done", json!({"output_index": at, "item": item}));
        }
        let mut usage = json!({
            "input_tokens": self.prompt,
            "input_tokens_details": {"cached_tokens": self.cache_read, "cache_write_tokens": self.cache_write},
            "output_tokens": self.output,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": self.prompt + self.output,
        });
        if let Some(cost) = self.cost {
            usage["cost"] = serde_json::from_str(cost).unwrap();
        }
        let (kind, status, rest) = match self.stop {
            Some(_) => (
                "response.incomplete",
                "incomplete",
                json!({"usage": usage, "incomplete_details": {"reason": "max_output_tokens"}}),
            ),
            None => ("response.completed", "completed", json!({"usage": usage})),
        };
        out + &event(kind, json!({"response": response(status, rest)}))
    }

    /// As `POST /chat/completions` streams it with `include_usage`.
    pub fn chat(&self) -> String {
        let chunk = |choices: Value, usage: Value| {
            let chunk = json!({"id": "chatcmpl-test", "object": "chat.completion.chunk", "created": 1_764_000_000,
                "model": self.model, "choices": choices, "usage": usage});
            format!("data: {chunk}\n\n")
        };
        let delta = |delta: Value| {
            chunk(json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": null}]), Value::Null)
        };
        let mut out = delta(json!({"role": "assistant", "content": ""}));
        let mut calls = 0;
        for part in &self.parts {
            match part {
                Part::Thinking(text) => out += &delta(json!({"reasoning_content": text})),
                Part::Text(text) => {
                    for half in halves(text) {
                        out += &delta(json!({"content": half}));
                    }
                }
                Part::Tool { id, name, input } => {
                    out += &delta(json!({"tool_calls": [{"index": calls, "id": id, "type": "function",
                        "function": {"name": name, "arguments": ""}}]}));
                    for half in halves(&input.to_string()) {
                        out += &delta(json!({"tool_calls": [{"index": calls, "function": {"arguments": half}}]}));
                    }
                    calls += 1;
                }
                Part::Custom { .. } => unreachable!("Chat Completions has no freeform tools here"),
            }
        }
        let reason = match self.stop {
            Some(_) => "length",
            None if self.calls() => "tool_calls",
            None => "stop",
        };
        let mut usage = json!({
            "prompt_tokens": self.prompt,
            "completion_tokens": self.output,
            "total_tokens": self.prompt + self.output,
            "prompt_tokens_details": {"cached_tokens": self.cache_read, "cache_write_tokens": self.cache_write},
        });
        if let Some(cost) = self.cost {
            usage["cost"] = serde_json::from_str(cost).unwrap();
            usage["is_byok"] = json!(false);
        }
        out += &chunk(json!([{"index": 0, "delta": {}, "finish_reason": reason}]), Value::Null);
        out + &chunk(json!([]), usage) + "data: [DONE]\n\n"
    }
}

/// The text in two pieces, cut at a character.
fn halves(text: &str) -> [String; 2] {
    let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
    [text[..middle].to_owned(), text[middle..].to_owned()]
}

fn named(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

/// Anthropic's error event, which can end a stream at any point after HTTP 200.
pub fn anthropic_error(kind: &str, message: &str) -> String {
    named("error", &json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_test"}))
}
