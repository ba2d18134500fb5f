//! The events of a streamed response. Whole items are taken from `response.output_item.done`; deltas are for display
//! and for counting what came. The answer exists once `response.completed` or `response.incomplete` came.

use serde::Deserialize;
use serde_json::Value;

use super::usage::Counters;
use crate::domain::message::{Block, Reasoning, ToolCall, ToolInput};
use crate::domain::path::Wire;
use crate::domain::request::{ModelRequest, Partial, Reply, ReportedCost, StopReason, StreamEvent};
use crate::domain::usage::Usage;
use crate::net::sse;
use crate::provider::error_body::ErrorBody;
use crate::provider::reported;
use crate::provider::stream::{Decode, Fault, Pulse, chars, parse_typed, tool_input};

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Event {
    #[serde(rename = "response.created", alias = "response.in_progress", alias = "response.queued")]
    Begun { response: Response },
    #[serde(rename = "response.output_item.added")]
    ItemAdded { item: Value },
    #[serde(rename = "response.output_item.done")]
    ItemDone { output_index: Option<u64>, item: Value },
    #[serde(rename = "response.output_text.delta", alias = "response.refusal.delta")]
    Text { delta: String },
    #[serde(rename = "response.reasoning_summary_text.delta", alias = "response.reasoning_text.delta")]
    Reasoning { delta: String },
    #[serde(rename = "response.reasoning_summary_part.added")]
    SummaryPart { summary_index: Option<u64> },
    #[serde(rename = "response.function_call_arguments.delta", alias = "response.custom_tool_call_input.delta")]
    Arguments { delta: String },
    #[serde(rename = "response.completed")]
    Completed { response: Response },
    #[serde(rename = "response.incomplete")]
    Incomplete { response: Response },
    #[serde(rename = "response.failed")]
    Failed { response: Response },
    #[serde(rename = "error")]
    Error(Value),
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Response {
    id: Option<String>,
    model: Option<String>,
    usage: Option<Value>,
    output: Option<Vec<Value>>,
    error: Option<Value>,
    incomplete_details: Option<IncompleteDetails>,
}

#[derive(Deserialize)]
struct IncompleteDetails {
    reason: Option<String>,
}

pub(in crate::provider) struct Decoder {
    provider: String,
    model: String,
    /// Whole items by their place in the output.
    items: Vec<(u64, Value)>,
    usage: Usage,
    usage_reported: bool,
    cost: Option<ReportedCost>,
    response_id: Option<String>,
    answered_by: Option<String>,
    started: bool,
    /// Set by the terminal event.
    stop: Option<StopReason>,
    received_chars: u64,
}

impl Decoder {
    pub(in crate::provider) fn new(request: &ModelRequest) -> Self {
        Self {
            provider: request.provider.clone(),
            model: request.model.clone(),
            items: Vec::new(),
            usage: Usage::default(),
            usage_reported: false,
            cost: None,
            response_id: None,
            answered_by: None,
            started: false,
            stop: None,
            received_chars: 0,
        }
    }

    fn read_response(&mut self, response: &mut Response) -> Result<(), Fault> {
        self.response_id = response.id.take().or(self.response_id.take());
        self.answered_by = response.model.take().or(self.answered_by.take());
        if let Some(usage) = response.usage.take().filter(Value::is_object) {
            let counters = Counters::deserialize(&usage).map_err(|e| Fault::Malformed(format!("usage: {e}")))?;
            self.usage = counters.normalised();
            self.usage_reported = true;
            self.cost = reported::cost(&usage);
        }
        Ok(())
    }

    fn end(&mut self, mut response: Response, stop: StopReason) -> Result<(), Fault> {
        self.read_response(&mut response)?;
        if self.items.is_empty() {
            // Some servers send no item events but list the items at the end.
            self.items = (0..).zip(response.output.unwrap_or_default()).collect();
        }
        self.stop = Some(stop);
        Ok(())
    }

    /// An item as the transcript keeps it, and what a refusal said.
    fn block_of(&self, item: Value, last: bool) -> (Option<Block>, Option<String>) {
        let text = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let id = || Some(text("call_id")).filter(|id| !id.is_empty()).unwrap_or_else(|| text("id"));
        let status = item.get("status").and_then(Value::as_str);
        // What the output limit cut off must never run. Arguments show it; raw text does not.
        let limited = self.stop != Some(StopReason::EndTurn);
        let cut = status == Some("incomplete");
        let may_be_cut = cut || (limited && last && status != Some("completed"));
        let block = match item.get("type").and_then(Value::as_str) {
            Some("message") => return message(&item),
            Some("function_call") if !cut => match tool_input(text("arguments")) {
                ToolInput::Broken(_) if limited => None,
                input => Some(Block::ToolCall(ToolCall { id: id(), name: text("name"), input })),
            },
            Some("custom_tool_call") if !may_be_cut => {
                let input = ToolInput::Text(text("input"));
                Some(Block::ToolCall(ToolCall { id: id(), name: text("name"), input }))
            }
            Some("reasoning") => Some(Block::Reasoning(Reasoning {
                wire: Wire::Responses,
                provider: self.provider.clone(),
                model: self.model.clone(),
                data: item,
            })),
            _ => None,
        };
        (block, None)
    }
}

/// A message's text parts as one block, with its phase.
fn message(item: &Value) -> (Option<Block>, Option<String>) {
    let parts = item.get("content").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let joined = |kind: &str, key: &str| {
        let of_kind = parts.iter().filter(|part| part["type"] == kind);
        of_kind.filter_map(|part| part.get(key).and_then(Value::as_str)).collect::<Vec<_>>().concat()
    };
    let (text, refusal) = (joined("output_text", "text"), joined("refusal", "refusal"));
    let phase = item.get("phase").and_then(Value::as_str).map(str::to_owned);
    let said = if text.is_empty() { refusal.clone() } else { text };
    let block = (!said.is_empty()).then_some(Block::Text { text: said, phase });
    (block, Some(refusal).filter(|refusal| !refusal.is_empty()))
}

impl Decode for Decoder {
    fn feed(&mut self, event: &sse::Event, out: &mut Vec<StreamEvent>) -> Result<Pulse, Fault> {
        // Some servers end with OpenAI's older sentinel.
        if event.data == b"[DONE]" || event.name == "ping" || event.name == "keepalive" {
            return Ok(Pulse::Alive);
        }
        let Some(event) = parse_typed(event)? else { return Ok(Pulse::Alive) };
        match event {
            Event::Begun { mut response } => {
                self.read_response(&mut response)?;
                if !std::mem::replace(&mut self.started, true) {
                    out.push(StreamEvent::Started);
                }
            }
            Event::ItemAdded { item } => {
                if matches!(item["type"].as_str(), Some("function_call" | "custom_tool_call")) {
                    let name = item["name"].as_str().unwrap_or_default().to_owned();
                    out.push(StreamEvent::ToolCall { name });
                }
            }
            Event::ItemDone { output_index, item } => {
                let at = output_index.unwrap_or_else(|| self.items.last().map_or(0, |(at, _)| at + 1));
                self.items.push((at, item));
            }
            Event::Text { delta } => {
                self.received_chars += chars(&delta);
                out.push(StreamEvent::Text(delta));
            }
            Event::Reasoning { delta } => {
                self.received_chars += chars(&delta);
                out.push(StreamEvent::Reasoning(delta));
            }
            Event::SummaryPart { summary_index } => {
                if summary_index.is_some_and(|index| index > 0) {
                    out.push(StreamEvent::Reasoning("\n\n".to_owned()));
                }
            }
            Event::Arguments { delta } => self.received_chars += chars(&delta),
            Event::Completed { response } => self.end(response, StopReason::EndTurn)?,
            Event::Incomplete { response } => {
                let reason = response.incomplete_details.as_ref().and_then(|details| details.reason.clone());
                self.end(response, stop_of(reason))?;
            }
            Event::Failed { mut response } => {
                self.read_response(&mut response)?;
                let error = response.error.filter(Value::is_object);
                return Err(Fault::Provider(error.map_or_else(
                    || ErrorBody::of_message("the provider gave up without saying why"),
                    |error| ErrorBody::of_error(&error),
                )));
            }
            Event::Error(error) => return Err(Fault::Provider(ErrorBody::of_error(&error))),
            Event::Other => return Ok(Pulse::Alive),
        }
        Ok(Pulse::Content)
    }

    fn ended(&self) -> bool {
        self.stop.is_some()
    }

    fn partial(&self) -> Partial {
        Partial {
            usage: self.usage,
            usage_reported: self.usage_reported,
            received_chars: self.received_chars,
            response_id: self.response_id.clone(),
        }
    }

    fn finish(mut self: Box<Self>) -> Result<Reply, Fault> {
        let Some(stop) = self.stop.clone() else { return Err(Fault::Interrupted) };
        let mut items = std::mem::take(&mut self.items);
        items.sort_by_key(|(at, _)| *at);
        let count = items.len();
        let (mut content, mut refusals) = (Vec::new(), Vec::new());
        for (at, (_, item)) in items.into_iter().enumerate() {
            let (block, refusal) = self.block_of(item, at + 1 == count);
            content.extend(block);
            refusals.extend(refusal);
        }
        let calls = content.iter().any(|block| matches!(block, Block::ToolCall(_)));
        let stop = match stop {
            StopReason::EndTurn if calls => StopReason::ToolUse,
            StopReason::EndTurn if !refusals.is_empty() => StopReason::Refusal(refusals.join("\n")),
            stop => stop,
        };
        Ok(Reply {
            content,
            stop,
            usage: self.usage,
            usage_reported: self.usage_reported,
            model: self.answered_by,
            response_id: self.response_id,
            reported_cost: self.cost,
        })
    }
}

fn stop_of(reason: Option<String>) -> StopReason {
    match reason.as_deref() {
        Some("max_output_tokens") => StopReason::MaxTokens,
        Some("content_filter") => StopReason::Refusal("the provider's content filter stopped the answer".to_owned()),
        _ => StopReason::Other(reason.unwrap_or_else(|| "incomplete".to_owned())),
    }
}
