//! The context window: how full it is. What is done about it is in `compact`.

use super::call::Caller;
use super::compact::SUMMARY_OUTPUT;
use super::hold::Prefix;
use super::transcript::Transcript;
use crate::domain::message::{Block, Message, Role};

/// A likely token count of an image, whatever its bytes: a large one at a provider that counts many.
const IMAGE: u64 = 8_192;

/// A likely token count of a transcript: about four bytes a token.
#[must_use]
pub fn estimate(messages: &[Message]) -> u64 {
    let bytes = |message: &Message| serde_json::to_string(message).map_or(0, |text| text.len() as u64);
    let (mut all, mut images) = (0, 0);
    for message in messages {
        all += bytes(message);
        for block in &message.content {
            if let Block::Image { base64, .. } = block {
                all -= base64.len() as u64;
                images += 1;
            }
        }
    }
    all / 4 + images * IMAGE
}

/// Whether the next prompt may leave too little room for an answer. Counted from the provider's own last figure; where
/// there is none, with the likely `tokens` of what servers' tools are told in each request.
#[must_use]
pub fn is_nearly_full(caller: &Caller, transcript: &Transcript, tokens: u64, output: u32) -> bool {
    let context = caller.route.context;
    if context == 0 || transcript.messages().len() < 4 {
        return false;
    }
    let likely = match caller.prefix {
        Prefix { tokens: 0, .. } => tokens + estimate(transcript.messages()),
        Prefix { tokens, .. } => tokens + newest(transcript.messages()),
    };
    // A tenth is kept free: the estimate of what is new is rough.
    likely + u64::from(output.min(SUMMARY_OUTPUT * 2)) > context - context / 10
}

/// The likely tokens of what came after the last answer was counted: that answer and what followed.
fn newest(messages: &[Message]) -> u64 {
    let from = messages.iter().rposition(|message| message.role == Role::Assistant).unwrap_or(0);
    estimate(&messages[from..])
}
