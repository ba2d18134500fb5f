//! The context window: when it is nearly full, and how a long transcript becomes a short one.

use super::call::Caller;
use super::hold::Prefix;
use super::transcript::Transcript;
use crate::domain::failure::{Failure, Status};
use crate::domain::message::{Block, Message, Role};
use crate::domain::request::{ModelRequest, ToolSpec};

/// Output tokens for a summary.
pub const SUMMARY_OUTPUT: u32 = 8_192;

const ASK: &str = "\
The conversation is about to exceed the context window and will be replaced by your answer. Do not call tools. \
Write what is needed to go on without it: the task in the user's own words, decisions and why, what is done and \
how it was checked, files that matter and what was changed in each, failures still open with their exact messages, \
and the next steps.";

const SUMMARY_MARK: &str = "[The conversation so far did not fit the context window.";

/// Characters of the newest message that are kept when the overflow already happened.
const KEPT_CHARS: usize = 2_000;

/// A likely token count of a transcript: about four bytes a token.
#[must_use]
pub fn estimate(messages: &[Message]) -> u64 {
    messages.iter().map(|message| serde_json::to_string(message).map_or(0, |text| text.len() as u64)).sum::<u64>() / 4
}

/// Whether the next prompt may leave too little room for an answer. Counted from the provider's own last figure.
#[must_use]
pub fn is_nearly_full(caller: &Caller, transcript: &Transcript, specs: &[ToolSpec], output: u32) -> bool {
    let context = caller.route.context;
    if context == 0 || transcript.messages().len() < 4 {
        return false;
    }
    let _ = specs;
    let likely = match caller.prefix {
        Prefix { tokens: 0, .. } => estimate(transcript.messages()),
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

/// Turns a request into one for a summary. Tools stay as they are, so that the cached prefix is read and not
/// written again. Where the newest results alone may not fit, they are cut.
pub fn ask_for_summary(request: &mut ModelRequest, context: u64) {
    let too_long = context > 0 && estimate(&request.messages) > context - context / 5;
    if let Some(last) = request.messages.last_mut().filter(|last| last.role == Role::User) {
        if too_long {
            for block in &mut last.content {
                if let Block::ToolResult(result) = block {
                    result.content = cut(&result.content);
                }
            }
        }
        last.content.push(Block::text(ASK));
    } else {
        request.messages.push(Message::user(ASK));
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= KEPT_CHARS {
        return text.to_owned();
    }
    let head: String = text.chars().take(KEPT_CHARS).collect();
    format!("{head}\n[cut: the rest did not fit]")
}

/// The short transcript: the first message (the task and the repository's notes) and the summary.
///
/// # Errors
/// When the model gave no summary.
pub fn compacted(messages: &[Message], summary: &str) -> Result<Vec<Message>, Failure> {
    let (Some(first), false) = (messages.first(), summary.trim().is_empty()) else {
        return Err(Failure::new(
            Status::Limit,
            "context_full",
            "the context window is full and could not be summarised",
        )
        .why("the model gave no summary of its work so far")
        .fix("vk run \"...\"   # in a new conversation"));
    };
    let mut first = first.clone();
    // An earlier summary is part of what the new one summarises.
    first.content.retain(|block| !matches!(block, Block::Text { text, .. } if text.starts_with(SUMMARY_MARK)));
    first.content.push(Block::text(format!(
        "{SUMMARY_MARK} This is your own summary of it.]\n\n{}\n\n\
         [Go on from here. Files may have changed since you last saw them.]",
        summary.trim()
    )));
    Ok(vec![first])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_task_survives_compaction_beside_the_summary() {
        let long =
            vec![Message::user("add a test"), Message::assistant(vec![Block::text("looking")]), Message::user("x")];
        let short = compacted(&long, " did half ").unwrap();
        assert_eq!(short.len(), 1);
        assert!(short[0].text().starts_with("add a test"));
        assert!(short[0].text().contains("did half"));
        let again = compacted(&short, "did all").unwrap();
        assert!(again[0].text().contains("did all") && !again[0].text().contains("did half"));
        assert_eq!(compacted(&long, "  ").unwrap_err().code, "context_full");
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        let text = "é".repeat(KEPT_CHARS + 1);
        assert!(cut(&text).starts_with(&"é".repeat(KEPT_CHARS)));
        assert_eq!(cut("short"), "short");
    }
}
