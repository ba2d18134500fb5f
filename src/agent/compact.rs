//! How a long transcript becomes a short one: the model sums up its work, and what must not depend on its summary is
//! kept word for word beside it: the task, what the user and the checks said later, the files that were written.
//!
//! It works also when the context is full already. Then the model is asked with less, and where even that is refused,
//! what is known without it stands in for its summary.

use std::collections::BTreeSet;

use super::context::estimate;
use super::tools::{summary, written};
use crate::domain::failure::Failure;
use crate::domain::message::{Block, Message, Role, ToolResult};
use crate::domain::request::ModelRequest;

/// Output tokens for a summary.
pub const SUMMARY_OUTPUT: u32 = 8_192;

const ASK: &str = "\
The conversation is about to exceed the context window and will be replaced by your answer. Do not call tools. \
Write what is needed to go on without it: the task in the user's own words, decisions and why, what is done and \
how it was checked, files that matter and what was changed in each, the files and lines you were working on, failures \
still open with their exact messages, and the next steps.";

const SUMMARY_MARK: &str = "[The conversation so far did not fit the context window.";
const SAID_MARK: &str = "[Said to you later, word for word:]";
const FILES_MARK: &str = "[Files that you wrote or removed with your tools so far:]";
const SHORT_MARK: &str = "[The conversation so far, shortened because it does not fit the context window:]";

/// What vk says by itself when an answer was cut off or empty: nothing to remember.
pub(super) const CUT_OFF: &str = "Your answer was cut off at the output limit. Go on from there, in smaller steps.";
pub(super) const EMPTY: &str = "Your answer was empty. Go on with the task, or say in words that it is done.";

/// Characters of each new tool result that are kept when the newest ones may be what does not fit.
const NEW_RESULT: usize = 2_000;
/// Characters of each text and tool result in a shortened conversation.
const SHORT_TEXT: usize = 2_000;
const SHORT_RESULT: usize = 400;
/// Characters of what was said later that are kept: of one piece, and of all.
const ONE_SAID: usize = 8_000;
const ALL_SAID: usize = 24_000;
/// Files that are listed.
const MOST_FILES: usize = 200;
/// Characters of a shortened conversation that stands in for a summary.
const STAND_IN: usize = 24_000;

/// Whether this failure says that the prompt was too long.
#[must_use]
pub fn is_overflow(failure: &Failure) -> bool {
    matches!(failure.code, "context_exceeded" | "request_too_large")
}

/// Whether there is anything beside the task itself that could be left out.
#[must_use]
pub const fn is_possible(messages: &[Message]) -> bool {
    messages.len() > 1
}

/// The requests for a summary, to be made in order until one is not refused as too long. `overflowed` says that the
/// transcript as it stands has been.
#[must_use]
pub fn requests(request: &ModelRequest, context: u64, overflowed: bool) -> Vec<ModelRequest> {
    let request = ModelRequest { max_output: request.max_output.min(SUMMARY_OUTPUT), ..request.clone() };
    let whole = whole(&request, context, overflowed);
    whole.into_iter().chain([shortened(&request, context)]).collect()
}

/// The transcript as it is, so that the cached prefix is read and not written again; the newest tool results cut where
/// they may be what is too much. `None` when that leaves what was refused already.
fn whole(request: &ModelRequest, context: u64, overflowed: bool) -> Option<ModelRequest> {
    let mut request = request.clone();
    let tight = overflowed || context > 0 && estimate(&request.messages) > context - context / 5;
    let mut is_shorter = false;
    match request.messages.last_mut().filter(|last| last.role == Role::User) {
        Some(last) => {
            for block in &mut last.content {
                if let (true, Block::ToolResult(result)) = (tight, block) {
                    let cut = middle_out(&result.content, NEW_RESULT);
                    is_shorter |= cut.len() < result.content.len();
                    result.content = cut;
                }
            }
            last.content.push(Block::text(ASK));
        }
        None => request.messages.push(Message::user(ASK)),
    }
    (is_shorter || !overflowed).then_some(request)
}

/// The task and what fits of the rest as text, within half the context.
fn shortened(request: &ModelRequest, context: u64) -> ModelRequest {
    let mut request = request.clone();
    let Some((first, rest)) = request.messages.split_first() else { return request };
    let half = usize::try_from(context).unwrap_or(usize::MAX).saturating_mul(2);
    let room = if context == 0 { STAND_IN } else { half.saturating_sub(size(first)).max(STAND_IN / 4) };
    let mut first = first.clone();
    first.content.push(Block::text(format!("{SHORT_MARK}\n\n{}\n\n{ASK}", as_text(rest, room))));
    request.messages = vec![first];
    request
}

/// At most about so many characters of a text: both its ends.
fn middle_out(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let (head, tail) = (most * 2 / 3, most / 3);
    let at = |character: usize| text.char_indices().nth(character).map_or(text.len(), |(at, _)| at);
    format!("{}\n[{} characters left out]\n{}", &text[..at(head)], count - head - tail, &text[at(count - tail)..])
}

fn size(message: &Message) -> usize {
    usize::try_from(estimate(std::slice::from_ref(message))).unwrap_or(usize::MAX).saturating_mul(4)
}

/// A conversation as text: the newest of it that fits into so many characters.
fn as_text(messages: &[Message], room: usize) -> String {
    let mut pieces: Vec<String> = Vec::new();
    let mut left = room;
    for message in messages.iter().rev() {
        let piece = message.content.iter().filter_map(|block| line(message.role, block)).collect::<Vec<_>>().join("\n");
        if piece.is_empty() {
            continue;
        }
        let length = piece.chars().count();
        if length > left {
            pieces.push("[what came before is left out]".to_owned());
            break;
        }
        left -= length;
        pieces.push(piece);
    }
    pieces.reverse();
    pieces.join("\n")
}

fn line(role: Role, block: &Block) -> Option<String> {
    let who = if role == Role::User { "User" } else { "You" };
    match block {
        Block::Text { text, .. } if text.trim().is_empty() => None,
        Block::Text { text, .. } => Some(format!("{who}: {}", middle_out(text.trim(), SHORT_TEXT))),
        Block::ToolCall(call) => Some(format!("You called {}: {}", call.name, summary(call))),
        Block::ToolResult(ToolResult { content, is_error, .. }) => {
            let failed = if *is_error { " (failed)" } else { "" };
            Some(format!("It gave{failed}: {}", middle_out(content.trim(), SHORT_RESULT)))
        }
        Block::Image { .. } => Some(format!("{who}: [an image]")),
        Block::Reasoning(_) => None,
    }
}

/// The short transcript: the first message, what was said and written since, and the summary. Where the model gave
/// none, the shortened conversation takes its place.
#[must_use]
pub fn compacted(messages: &[Message], summary: Option<&str>) -> Vec<Message> {
    let Some((first, rest)) = messages.split_first() else { return Vec::new() };
    let mut first = first.clone();
    let (mut said, mut files) = (Vec::new(), BTreeSet::new());
    first.content.retain(|block| {
        let Block::Text { text, .. } = block else { return true };
        if let Some(earlier) = text.strip_prefix(SAID_MARK) {
            said.push(earlier.trim().to_owned());
        } else if let Some(earlier) = text.strip_prefix(FILES_MARK) {
            files.extend(earlier.lines().filter_map(|line| line.strip_prefix("- ")).map(str::to_owned));
        } else {
            // An earlier summary is part of what the new one sums up.
            return !text.starts_with(SUMMARY_MARK);
        }
        false
    });
    said.extend(said_since(rest));
    files.extend(files_written(rest));
    first.content.extend(newest(said).into_iter().map(|said| Block::text(format!("{SAID_MARK}\n{said}"))));
    if !files.is_empty() {
        let listed: Vec<String> = files.into_iter().take(MOST_FILES).map(|file| format!("- {file}")).collect();
        first.content.push(Block::text(format!("{FILES_MARK}\n{}", listed.join("\n"))));
    }
    let summary = summary.map(str::trim).filter(|summary| !summary.is_empty());
    let summary = match summary {
        Some(summary) => format!("This is your own summary of it.]\n\n{summary}"),
        None => format!("This is what is left of it.]\n\n{}", as_text(rest, STAND_IN)),
    };
    first.content.push(Block::text(format!(
        "{SUMMARY_MARK} {summary}\n\n[Go on from here. Files may have changed since you last saw them.]"
    )));
    vec![first]
}

/// What the user and failed checks said.
fn said_since(messages: &[Message]) -> Vec<String> {
    let of_user = messages.iter().filter(|message| message.role == Role::User);
    let texts = of_user.flat_map(|message| &message.content).filter_map(|block| match block {
        Block::Text { text, .. } => Some(text.trim()),
        _ => None,
    });
    texts.filter(|text| !text.is_empty() && ![CUT_OFF, EMPTY].contains(text)).map(str::to_owned).collect()
}

/// Of all that was said, the newest that fits, in its order.
fn newest(said: Vec<String>) -> Vec<String> {
    let mut left = ALL_SAID;
    let cut = said.into_iter().rev().map(|text| middle_out(&text, ONE_SAID));
    let mut kept: Vec<String> = cut
        .take_while(|text| {
            let length = text.chars().count();
            let fits = length <= left;
            left = left.saturating_sub(length);
            fits
        })
        .collect();
    kept.reverse();
    kept
}

/// What file tools wrote, removed or moved, without those that failed.
fn files_written(messages: &[Message]) -> BTreeSet<String> {
    let failed: BTreeSet<&str> = messages
        .iter()
        .flat_map(|message| &message.content)
        .filter_map(|block| match block {
            Block::ToolResult(result) if result.is_error => Some(result.call_id.as_str()),
            _ => None,
        })
        .collect();
    let calls = messages.iter().flat_map(Message::tool_calls).filter(|call| !failed.contains(call.id.as_str()));
    calls.flat_map(written).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::message::{ToolCall, ToolInput};
    use serde_json::json;

    fn edit(id: &str, path: &str) -> Block {
        let input = json!({"command": "str_replace", "path": path, "old_str": "a", "new_str": "b"});
        let name = "str_replace_based_edit_tool".to_owned();
        Block::ToolCall(ToolCall { id: id.into(), name, input: ToolInput::Json(input) })
    }

    fn result(id: &str, content: &str, is_error: bool) -> Block {
        Block::ToolResult(ToolResult { call_id: id.into(), content: content.into(), is_error })
    }

    fn long() -> Vec<Message> {
        vec![
            Message::user("add a test"),
            Message::assistant(vec![Block::text("looking"), edit("1", "src/a.rs"), edit("2", "src/no.rs")]),
            Message { role: Role::User, content: vec![result("1", "Edited.", false), result("2", "no match", true)] },
            Message::assistant(vec![Block::text("done")]),
            Message::user("the check failed: E0308 mismatched types"),
            Message::assistant(vec![]),
            Message::user(EMPTY),
        ]
    }

    #[test]
    fn the_task_the_users_words_and_the_files_survive_every_compaction() {
        let short = compacted(&long(), Some(" did half "));
        assert_eq!(short.len(), 1);
        let text = short[0].text();
        assert!(text.starts_with("add a test\n"), "{text}");
        for kept in ["E0308 mismatched types", "- src/a.rs", "did half"] {
            assert!(text.contains(kept), "{kept} in {text}");
        }
        assert!(!text.contains("src/no.rs") && !text.contains(EMPTY), "{text}");
        let mut more = short;
        more.extend([Message::assistant(vec![edit("3", "b.rs")]), Message::user("and now the docs")]);
        let text = compacted(&more, Some("did all"))[0].text();
        for kept in ["add a test", "E0308", "and now the docs", "- b.rs\n- src/a.rs", "did all"] {
            assert!(text.contains(kept), "{kept} in {text}");
        }
        assert!(!text.contains("did half"), "{text}");
        assert_eq!(text.matches(SUMMARY_MARK).count(), 1);
    }

    #[test]
    fn without_a_summary_the_shortened_conversation_stands_in() {
        let text = compacted(&long(), Some("  "))[0].text();
        for kept in ["You: looking", "edit src/a.rs", "It gave (failed): no match", "User: the check failed"] {
            assert!(text.contains(kept), "{kept} in {text}");
        }
    }

    #[test]
    fn what_was_said_is_bounded_and_the_newest_is_kept() {
        let mut messages = vec![Message::user("task")];
        messages.extend((0..50).map(|n| Message::user(format!("{n}:{}", "é".repeat(3_000)))));
        let text = compacted(&messages, Some("s"))[0].text();
        assert!(text.chars().count() < ALL_SAID + 3_000, "{}", text.chars().count());
        assert!(text.contains("49:é") && !text.contains("40:é"));
    }

    fn request(messages: Vec<Message>) -> ModelRequest {
        use crate::domain::request::{ModelTraits, Thinking};
        let traits = ModelTraits { thinking: Thinking::None, effort: false, min_cache_prefix: None, images: None };
        let (provider, model, system, session) = Default::default();
        ModelRequest { provider, model, traits, system, messages, tools: Vec::new(), max_output: 99_999, session }
    }

    #[test]
    fn a_cut_keeps_both_ends_and_splits_no_character() {
        let cut = middle_out(&format!("{}z", "é".repeat(3_000)), 300);
        assert!(cut.starts_with(&"é".repeat(200)) && cut.ends_with("éz"), "{cut}");
        assert!(cut.contains("[2701 characters left out]"), "{cut}");
        assert_eq!(middle_out("short", 5), "short");
    }

    #[test]
    fn a_summary_is_asked_for_with_less_and_less() {
        let asked = requests(&request(long()), 100_000, false);
        assert_eq!(asked.iter().map(|request| request.messages.len()).collect::<Vec<_>>(), [7, 1]);
        assert!(asked.iter().all(|request| request.max_output == SUMMARY_OUTPUT));
        assert!(asked[0].messages[6].text().ends_with(ASK));
        // What was refused as it stands is not sent again as it stands.
        assert_eq!(requests(&request(long()), 100_000, true).len(), 1);
        let mut flooded = long();
        flooded.truncate(2);
        let flood = "x".repeat(900_000);
        let results = vec![result("1", &flood, false), result("2", "short", true)];
        flooded.push(Message { role: Role::User, content: results });
        let asked = requests(&request(flooded), 100_000, true);
        assert_eq!(asked.len(), 2);
        assert!(asked.iter().all(|request| estimate(&request.messages) < 5_000));
    }

    #[test]
    fn a_shortened_conversation_keeps_within_half_the_context() {
        let mut messages = vec![Message::user("task")];
        for n in 0..2_000 {
            messages.push(Message::assistant(vec![Block::text(format!("step {n} {}", "x".repeat(500)))]));
            messages.push(Message::user("go on"));
        }
        let asked = requests(&request(messages), 32_000, true).remove(0);
        assert!(estimate(&asked.messages) < 17_000, "{}", estimate(&asked.messages));
        let text = asked.messages[0].text();
        assert!(text.contains("step 1999") && !text.contains("step 1 ") && text.contains("left out"));
    }
}
