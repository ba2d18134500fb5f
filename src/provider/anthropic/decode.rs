//! The events of a streamed message. Unknown events and blocks are skipped; counters in `message_delta` are totals,
//! so they overwrite. The message exists once `message_stop` came.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::usage::Counters;
use crate::domain::message::{Block, Reasoning, ToolCall, ToolInput};
use crate::domain::path::Wire;
use crate::domain::request::{ModelRequest, Partial, Reply, ReportedCost, StopReason, StreamEvent};
use crate::net::sse;
use crate::provider::error_body::ErrorBody;
use crate::provider::reported;
use crate::provider::stream::{Decode, Fault, Pulse, chars, parse_typed, tool_input};

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Message,
    },
    ContentBlockStart {
        index: u64,
        content_block: Value,
    },
    ContentBlockDelta {
        index: u64,
        delta: Delta,
    },
    ContentBlockStop {
        index: u64,
    },
    MessageDelta {
        delta: Option<MessageDelta>,
        usage: Option<Value>,
    },
    MessageStop,
    Error {
        error: Value,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Message {
    id: Option<String>,
    model: Option<String>,
    usage: Option<Value>,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Delta {
    #[serde(rename = "text_delta")]
    Text { text: String },
    #[serde(rename = "input_json_delta")]
    Arguments { partial_json: String },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: String },
    #[serde(rename = "signature_delta")]
    Signature { signature: String },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct MessageDelta {
    stop_reason: Option<String>,
    stop_details: Option<StopDetails>,
}

#[derive(Deserialize)]
struct StopDetails {
    category: Option<String>,
    explanation: Option<String>,
}

/// How a piece is shown.
type Shown = fn(String) -> StreamEvent;

/// A content block as far as it has come.
struct Open {
    index: u64,
    closed: bool,
    kind: Kind,
}

enum Kind {
    Text(String),
    Thinking { thinking: String, signature: Option<String> },
    Redacted(Value),
    ToolUse { id: String, name: String, arguments: String, given: Value },
    Unknown,
}

pub(in crate::provider) struct Decoder {
    provider: String,
    model: String,
    blocks: Vec<Open>,
    counters: Counters,
    usage_reported: bool,
    cost: Option<ReportedCost>,
    response_id: Option<String>,
    answered_by: Option<String>,
    stop: Option<StopReason>,
    received_chars: u64,
    ended: bool,
}

impl Decoder {
    pub(in crate::provider) fn new(request: &ModelRequest) -> Self {
        Self {
            provider: request.provider.clone(),
            model: request.model.clone(),
            blocks: Vec::new(),
            counters: Counters::default(),
            usage_reported: false,
            cost: None,
            response_id: None,
            answered_by: None,
            stop: None,
            received_chars: 0,
            ended: false,
        }
    }

    fn read_usage(&mut self, usage: Option<&Value>) -> Result<(), Fault> {
        let Some(usage) = usage.filter(|usage| usage.is_object()) else { return Ok(()) };
        let counters = Counters::deserialize(usage).map_err(|e| Fault::Malformed(format!("usage: {e}")))?;
        self.counters = self.counters.max(counters);
        self.usage_reported = true;
        self.cost = reported::cost(usage).or(self.cost);
        Ok(())
    }

    fn start_block(&mut self, index: u64, block: Value, out: &mut Vec<StreamEvent>) {
        let text = |key: &str| block.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let kind = match block.get("type").and_then(Value::as_str) {
            Some("text") => {
                // Empty from Anthropic; other servers may begin with some of it.
                let begun = text("text");
                self.show(&begun, StreamEvent::Text, out);
                Kind::Text(begun)
            }
            Some("thinking") => {
                let begun = text("thinking");
                self.show(&begun, StreamEvent::Reasoning, out);
                let signature = Some(text("signature")).filter(|signature| !signature.is_empty());
                Kind::Thinking { thinking: begun, signature }
            }
            Some("redacted_thinking") => Kind::Redacted(block),
            Some("tool_use") => {
                let (id, name) = (text("id"), text("name"));
                out.push(StreamEvent::ToolCall { name: name.clone() });
                let given = block.get("input").cloned().unwrap_or(Value::Null);
                Kind::ToolUse { id, name, arguments: String::new(), given }
            }
            _ => Kind::Unknown,
        };
        self.blocks.push(Open { index, closed: false, kind });
    }

    fn extend_block(&mut self, index: u64, delta: Delta, out: &mut Vec<StreamEvent>) -> Result<(), Fault> {
        let Some(at) = self.blocks.iter().rposition(|block| block.index == index && !block.closed) else {
            return Err(Fault::Malformed("a piece of a content block that is not open".to_owned()));
        };
        let (piece, shown): (String, Option<Shown>) = match (&mut self.blocks[at].kind, delta) {
            (Kind::Text(text), Delta::Text { text: piece }) => {
                text.push_str(&piece);
                (piece, Some(StreamEvent::Text))
            }
            (Kind::Thinking { thinking, .. }, Delta::Thinking { thinking: piece }) => {
                thinking.push_str(&piece);
                (piece, Some(StreamEvent::Reasoning))
            }
            (Kind::Thinking { signature, .. }, Delta::Signature { signature: piece }) => {
                signature.get_or_insert_default().push_str(&piece);
                return Ok(());
            }
            (Kind::ToolUse { arguments, .. }, Delta::Arguments { partial_json: piece }) => {
                arguments.push_str(&piece);
                (piece, None)
            }
            // Citations and whatever comes next.
            (Kind::Unknown, _) | (_, Delta::Other) => return Ok(()),
            _ => return Err(Fault::Malformed("a piece that does not fit its content block".to_owned())),
        };
        match shown {
            Some(event) => self.show(&piece, event, out),
            None => self.received_chars += chars(&piece),
        }
        Ok(())
    }

    fn show(&mut self, piece: &str, event: Shown, out: &mut Vec<StreamEvent>) {
        self.received_chars += chars(piece);
        if !piece.is_empty() {
            out.push(event(piece.to_owned()));
        }
    }

    /// A block as the transcript keeps it. A call whose arguments were cut off by the output limit is left out:
    /// it must never run.
    fn block_of(&self, open: Open) -> Result<Option<Block>, Fault> {
        let reasoning = |data: Value| {
            Block::Reasoning(Reasoning {
                wire: Wire::Anthropic,
                provider: self.provider.clone(),
                model: self.model.clone(),
                data,
            })
        };
        Ok(match open.kind {
            Kind::Text(text) => (!text.is_empty()).then(|| Block::text(text)),
            Kind::Thinking { thinking, signature } => {
                let mut data = Map::new();
                data.insert("type".to_owned(), json!("thinking"));
                data.insert("thinking".to_owned(), json!(thinking));
                if let Some(signature) = signature {
                    data.insert("signature".to_owned(), json!(signature));
                }
                Some(reasoning(Value::Object(data)))
            }
            Kind::Redacted(data) => Some(reasoning(data)),
            Kind::ToolUse { id, name, arguments, given } => {
                let input = match given {
                    Value::Object(map) if arguments.is_empty() && !map.is_empty() => {
                        ToolInput::Json(Value::Object(map))
                    }
                    _ => tool_input(arguments),
                };
                match input {
                    ToolInput::Broken(_) if self.stop == Some(StopReason::MaxTokens) => None,
                    ToolInput::Broken(_) if !open.closed => {
                        return Err(Fault::Malformed("a tool call that was never closed".to_owned()));
                    }
                    input => Some(Block::ToolCall(ToolCall { id, name, input })),
                }
            }
            Kind::Unknown => None,
        })
    }
}

impl Decode for Decoder {
    fn feed(&mut self, event: &sse::Event, out: &mut Vec<StreamEvent>) -> Result<Pulse, Fault> {
        if event.name == "ping" {
            return Ok(Pulse::Alive);
        }
        let Some(event) = parse_typed(event)? else { return Ok(Pulse::Alive) };
        match event {
            Event::MessageStart { message } => {
                self.response_id = message.id.or(self.response_id.take());
                self.answered_by = message.model.or(self.answered_by.take());
                self.read_usage(message.usage.as_ref())?;
                out.push(StreamEvent::Started);
            }
            Event::ContentBlockStart { index, content_block } => self.start_block(index, content_block, out),
            Event::ContentBlockDelta { index, delta } => self.extend_block(index, delta, out)?,
            Event::ContentBlockStop { index } => {
                if let Some(block) = self.blocks.iter_mut().rfind(|block| block.index == index) {
                    block.closed = true;
                }
            }
            Event::MessageDelta { delta, usage } => {
                self.read_usage(usage.as_ref())?;
                if let Some(MessageDelta { stop_reason: Some(reason), stop_details }) = delta {
                    self.stop = Some(stop_of(reason, stop_details));
                }
            }
            Event::MessageStop => self.ended = true,
            Event::Error { error } => return Err(Fault::Provider(ErrorBody::of_error(&error))),
            Event::Other => return Ok(Pulse::Alive),
        }
        Ok(Pulse::Content)
    }

    fn ended(&self) -> bool {
        self.ended
    }

    fn partial(&self) -> Partial {
        Partial {
            usage: self.counters.normalised(),
            usage_reported: self.usage_reported,
            received_chars: self.received_chars,
            response_id: self.response_id.clone(),
        }
    }

    fn finish(mut self: Box<Self>) -> Result<Reply, Fault> {
        if !self.ended {
            return Err(Fault::Interrupted);
        }
        let blocks = std::mem::take(&mut self.blocks);
        let content: Vec<Option<Block>> =
            blocks.into_iter().map(|open| self.block_of(open)).collect::<Result<_, _>>()?;
        let content: Vec<Block> = content.into_iter().flatten().collect();
        let calls = content.iter().any(|block| matches!(block, Block::ToolCall(_)));
        let stop = match self.stop {
            None | Some(StopReason::EndTurn) if calls => StopReason::ToolUse,
            None => StopReason::EndTurn,
            Some(stop) => stop,
        };
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

fn stop_of(reason: String, details: Option<StopDetails>) -> StopReason {
    match reason.as_str() {
        "end_turn" | "stop_sequence" => StopReason::EndTurn,
        "tool_use" => StopReason::ToolUse,
        "max_tokens" => StopReason::MaxTokens,
        "pause_turn" => StopReason::Pause,
        "model_context_window_exceeded" => StopReason::ContextExceeded,
        "refusal" => StopReason::Refusal(
            details.and_then(|details| details.explanation.or(details.category)).unwrap_or_default(),
        ),
        _ => StopReason::Other(reason),
    }
}
