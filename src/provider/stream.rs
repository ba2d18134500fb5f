//! A streamed answer as a state machine: bytes in, display events out, a whole [`Reply`] at the end or none.
//! No connection and no clock, so that every split and every cut of a stream can be tested.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::anthropic;
use super::chat;
use super::error_body::ErrorBody;
use super::responses;
use crate::domain::message::ToolInput;
use crate::domain::path::Wire;
use crate::domain::request::{ModelRequest, Partial, Reply, StreamEvent};
use crate::net::sse::{self, Event, Item};

/// Decoded bytes of one answer; more is no answer of a model. Compressed bodies count at their full size.
const LARGEST_ANSWER: u64 = 256 << 20;

/// Why a stream ended without a whole answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    /// The provider said so, inside the stream.
    #[error("{}", .0.message)]
    Provider(ErrorBody),
    /// What came is not the wire's protocol.
    #[error("{0}")]
    Malformed(String),
    /// It ended before its terminal event.
    #[error("the stream ended before the answer was whole")]
    Interrupted,
}

/// What a piece of the stream was worth to the watchdog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pulse {
    /// Nothing was completed.
    None,
    /// A ping, a comment, an event that means nothing here.
    Alive,
    /// The answer came forward.
    Content,
}

/// One wire's reader. It gets whole events; it never panics on any of them.
pub(super) trait Decode: Send {
    /// Takes one event and adds what is to be shown to `out`.
    fn feed(&mut self, event: &Event, out: &mut Vec<StreamEvent>) -> Result<Pulse, Fault>;

    /// Whether the terminal event came: nothing after it matters.
    fn ended(&self) -> bool;

    /// What is known so far.
    fn partial(&self) -> Partial;

    /// The whole answer, if there is one.
    fn finish(self: Box<Self>) -> Result<Reply, Fault>;
}

/// Reads one answer of one wire.
pub struct AnswerStream {
    sse: sse::Decoder,
    wire: Box<dyn Decode>,
    bytes: u64,
}

impl AnswerStream {
    #[must_use]
    pub fn new(wire: Wire, request: &ModelRequest) -> Self {
        let wire: Box<dyn Decode> = match wire {
            Wire::Anthropic => Box::new(anthropic::Decoder::new(request)),
            Wire::Responses => Box::new(responses::Decoder::new(request)),
            Wire::Chat => Box::new(chat::Decoder::new(request)),
        };
        Self { sse: sse::Decoder::new(), wire, bytes: 0 }
    }

    /// Takes the next bytes and adds what is to be shown to `out`.
    ///
    /// # Errors
    /// An error event, or something that is not the wire's protocol. The stream is then over.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<StreamEvent>) -> Result<Pulse, Fault> {
        self.bytes += bytes.len() as u64;
        if self.bytes > LARGEST_ANSWER {
            return Err(Fault::Malformed(format!("an answer of more than {} MiB", LARGEST_ANSWER >> 20)));
        }
        let mut pulse = Pulse::None;
        for item in self.sse.push(bytes).map_err(|e| Fault::Malformed(e.to_string()))? {
            let worth = match item {
                Item::Comment => Pulse::Alive,
                Item::Event(_) if self.wire.ended() => Pulse::Alive,
                Item::Event(event) => self.wire.feed(&event, out)?,
            };
            pulse = pulse.max(worth);
        }
        Ok(pulse)
    }

    /// Whether the terminal event came.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.wire.ended()
    }

    #[must_use]
    pub fn partial(&self) -> Partial {
        self.wire.partial()
    }

    /// The whole answer, once the stream is over.
    ///
    /// # Errors
    /// [`Fault::Interrupted`] if its terminal event did not come.
    pub fn finish(self) -> Result<Reply, Fault> {
        self.wire.finish()
    }
}

/// Parses an event's data. Bytes that are no UTF-8 inside a string are an error here and nowhere before.
pub(super) fn parse<T: DeserializeOwned>(event: &Event) -> Result<T, Fault> {
    serde_json::from_slice(&event.data).map_err(|e| {
        let data = String::from_utf8_lossy(&event.data);
        let head: String = data.chars().take(80).collect();
        Fault::Malformed(format!("an event that is not what the protocol says ({e}): {head}"))
    })
}

/// Parses an event that names its kind in `type`. One without a kind is an error object of a gateway in between, or
/// nothing that this wire knows (`None`).
pub(super) fn parse_typed<T: DeserializeOwned>(event: &Event) -> Result<Option<T>, Fault> {
    let value: Value = parse(event)?;
    if value.get("type").is_none() {
        return ErrorBody::of_json(&value).map_or(Ok(None), |error| Err(Fault::Provider(error)));
    }
    let malformed =
        |e: serde_json::Error| Fault::Malformed(format!("an event that is not what the protocol says: {e}"));
    T::deserialize(value).map(Some).map_err(malformed)
}

/// The arguments of a call that has closed. Nothing at all means "no arguments".
pub(super) fn tool_input(arguments: String) -> ToolInput {
    if arguments.trim().is_empty() {
        return ToolInput::Json(Value::Object(serde_json::Map::new()));
    }
    match serde_json::from_str(&arguments) {
        Ok(value @ Value::Object(_)) => ToolInput::Json(value),
        _ => ToolInput::Broken(arguments),
    }
}

pub(super) fn chars(text: &str) -> u64 {
    text.chars().count() as u64
}
