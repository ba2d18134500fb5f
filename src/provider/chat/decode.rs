//! The chunks of a streamed completion. Usage comes in a last chunk after `finish_reason`, so reading goes on to
//! `[DONE]`; a stream that ends without it is whole if it gave a `finish_reason`, and then has no usage.

use serde::Deserialize;
use serde_json::Value;

use super::calls::{Calls, Piece};
use super::reasoning::Collected;
use super::usage::Counters;
use crate::domain::message::{Block, Reasoning};
use crate::domain::path::Wire;
use crate::domain::request::{ModelRequest, Partial, Reply, ReportedCost, StopReason, StreamEvent};
use crate::net::sse;
use crate::provider::error_body::ErrorBody;
use crate::provider::reported;
use crate::provider::stream::{Decode, Fault, Pulse, chars, parse};

#[derive(Deserialize)]
struct Chunk {
    id: Option<String>,
    model: Option<String>,
    choices: Option<Vec<Choice>>,
    usage: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Delta>,
    finish_reason: Option<String>,
    /// OpenRouter's place for an upstream's failure.
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Delta {
    /// A string; Mistral's reasoning models send a list of parts.
    content: Option<Value>,
    refusal: Option<String>,
    reasoning_content: Option<String>,
    reasoning: Option<String>,
    reasoning_details: Option<Vec<Value>>,
    tool_calls: Option<Vec<Piece>>,
}

pub(in crate::provider) struct Decoder {
    provider: String,
    model: String,
    /// Makes call ids where the server gives none: they must not come twice in a transcript.
    salt: usize,
    text: String,
    refusal: String,
    reasoning: Collected,
    calls: Calls,
    counters: Counters,
    usage_reported: bool,
    cost: Option<ReportedCost>,
    response_id: Option<String>,
    answered_by: Option<String>,
    started: bool,
    finish_reason: Option<String>,
    received_chars: u64,
    done: bool,
}

impl Decoder {
    pub(in crate::provider) fn new(request: &ModelRequest) -> Self {
        Self {
            provider: request.provider.clone(),
            model: request.model.clone(),
            salt: request.messages.len(),
            text: String::new(),
            refusal: String::new(),
            reasoning: Collected::default(),
            calls: Calls::default(),
            counters: Counters::default(),
            usage_reported: false,
            cost: None,
            response_id: None,
            answered_by: None,
            started: false,
            finish_reason: None,
            received_chars: 0,
            done: false,
        }
    }

    fn read_usage(&mut self, usage: &Value) -> Result<(), Fault> {
        let counters = Counters::deserialize(usage).map_err(|e| Fault::Malformed(format!("usage: {e}")))?;
        self.counters = self.counters.max(counters);
        self.usage_reported = true;
        self.cost = reported::cost(usage).or(self.cost);
        Ok(())
    }

    fn read_delta(&mut self, delta: Delta, out: &mut Vec<StreamEvent>) {
        let (text, thought) = words_of(delta.content);
        let details = delta.reasoning_details.unwrap_or_default();
        // Reasoning inside the content is shown only: the server that sends it refuses the other fields.
        let thought = thought + &self.reasoning.take(delta.reasoning_content, delta.reasoning, details);
        let refusal = delta.refusal.unwrap_or_default();
        self.text.push_str(&text);
        self.refusal.push_str(&refusal);
        for (piece, event) in [
            (thought, StreamEvent::Reasoning as fn(String) -> StreamEvent),
            (text, StreamEvent::Text),
            (refusal, StreamEvent::Text),
        ] {
            self.received_chars += chars(&piece);
            if !piece.is_empty() {
                out.push(event(piece));
            }
        }
        for piece in delta.tool_calls.unwrap_or_default() {
            let taken = self.calls.take(piece);
            self.received_chars += taken.chars;
            out.extend(taken.began.map(|name| StreamEvent::ToolCall { name }));
        }
    }

    fn stop(&self) -> StopReason {
        match self.finish_reason.as_deref() {
            Some("length" | "max_tokens") => StopReason::MaxTokens,
            Some("content_filter") => {
                StopReason::Refusal("the provider's content filter stopped the answer".to_owned())
            }
            _ if !self.refusal.is_empty() => StopReason::Refusal(self.refusal.clone()),
            // Some servers say "stop" beside tool calls.
            _ if !self.calls.is_empty() => StopReason::ToolUse,
            None | Some("stop" | "tool_calls" | "function_call" | "eos" | "end_turn") => StopReason::EndTurn,
            Some(other) => StopReason::Other(other.to_owned()),
        }
    }
}

/// The text and the reasoning in a delta's content.
fn words_of(content: Option<Value>) -> (String, String) {
    let parts = match content {
        Some(Value::String(text)) => return (text, String::new()),
        Some(Value::Array(parts)) => parts,
        _ => return (String::new(), String::new()),
    };
    let texts = |kind: &str, parts: &[Value]| {
        let of_kind = parts.iter().filter(|part| part["type"] == kind);
        of_kind.filter_map(|part| part["text"].as_str()).collect::<String>()
    };
    let thinking = parts.iter().filter(|part| part["type"] == "thinking");
    let thought = thinking.filter_map(|part| part["thinking"].as_array()).map(|inner| texts("text", inner)).collect();
    (texts("text", &parts), thought)
}

impl Decode for Decoder {
    fn feed(&mut self, event: &sse::Event, out: &mut Vec<StreamEvent>) -> Result<Pulse, Fault> {
        let data = event.data.trim_ascii();
        if data == b"[DONE]" {
            // Without any finish_reason before it, the answer is whole by the server's own word.
            self.done = true;
            return Ok(Pulse::Content);
        }
        let value: Value = parse(event)?;
        let failed = value.get("error").is_some_and(|error| !error.is_null());
        if (failed || value.get("choices").is_none_or(Value::is_null))
            && let Some(error) = ErrorBody::of_json(&value)
        {
            return Err(Fault::Provider(error));
        }
        let malformed =
            |e: serde_json::Error| Fault::Malformed(format!("a chunk that is not what the protocol says: {e}"));
        let chunk = Chunk::deserialize(value).map_err(malformed)?;
        if !std::mem::replace(&mut self.started, true) {
            out.push(StreamEvent::Started);
        }
        self.response_id = self.response_id.take().or(chunk.id.filter(|id| !id.is_empty()));
        self.answered_by = self.answered_by.take().or(chunk.model.filter(|model| !model.is_empty()));
        if let Some(usage) = chunk.usage.filter(Value::is_object) {
            self.read_usage(&usage)?;
        }
        // One answer is asked for; a second choice would be another answer.
        let Some(choice) = chunk.choices.unwrap_or_default().into_iter().next() else { return Ok(Pulse::Content) };
        if let Some(delta) = choice.delta {
            self.read_delta(delta, out);
        }
        if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
            if reason == "error" {
                let error = choice.error.filter(Value::is_object);
                return Err(Fault::Provider(error.map_or_else(
                    || ErrorBody::of_message("the provider ended the answer with an error and no words"),
                    |error| ErrorBody::of_error(&error),
                )));
            }
            self.finish_reason = Some(reason);
        }
        Ok(Pulse::Content)
    }

    fn ended(&self) -> bool {
        self.done
    }

    fn partial(&self) -> Partial {
        Partial {
            usage: self.counters.normalised(),
            usage_reported: self.usage_reported,
            received_chars: self.received_chars,
            response_id: self.response_id.clone(),
        }
    }

    fn finish(self: Box<Self>) -> Result<Reply, Fault> {
        if !self.done && self.finish_reason.is_none() {
            return Err(Fault::Interrupted);
        }
        if !self.started {
            return Err(Fault::Malformed("a stream that ended without a single chunk".to_owned()));
        }
        let stop = self.stop();
        let mut content = Vec::new();
        if let Some(data) = self.reasoning.into_fields() {
            let (provider, model) = (self.provider, self.model);
            content.push(Block::Reasoning(Reasoning { wire: Wire::Chat, provider, model, data }));
        }
        let said = if self.text.is_empty() { self.refusal } else { self.text };
        if !said.is_empty() {
            content.push(Block::text(said));
        }
        content.extend(self.calls.into_blocks(stop == StopReason::MaxTokens, self.salt));
        Ok(Reply {
            content,
            stop,
            usage: self.counters.normalised(),
            usage_reported: self.usage_reported,
            model: self.answered_by,
            response_id: self.response_id,
            reported_cost: self.cost,
        })
    }
}
