//! The transcript so far as words, for a program that keeps its own: it goes on from what another engine or payer did.

use std::fmt::Write as _;

use crate::domain::failure::{Failure, Status};
use crate::domain::message::{Block, Message, Role, ToolCall, ToolInput};

/// What is told of the past at most, in characters; its end matters more than its middle.
const LONGEST: usize = 60_000;
/// Of one tool result.
const LONGEST_RESULT: usize = 2_000;

/// What is said first. A task that has only begun is its own words; one with a past is told as a story.
#[must_use]
pub fn told(messages: &[Message]) -> String {
    let [only] = messages else { return past(messages) };
    only.text()
}

/// Without the transcript nothing can be continued or explained.
pub fn unwritable(error: &std::io::Error) -> Failure {
    Failure::new(Status::Ledger, "transcript_unwritable", "the task's transcript cannot be written")
        .why(error.to_string())
        .fix("vk doctor")
}

fn past(messages: &[Message]) -> String {
    let Some((last, before)) = messages.split_last() else { return String::new() };
    // The user's newest words are the task now.
    let (before, now) = match last.role {
        Role::User if !last.text().trim().is_empty() => (before, last.text()),
        _ => (messages, "Go on with the task.".to_owned()),
    };
    let mut story = String::new();
    for message in before {
        tell(message, &mut story);
    }
    if last.role == Role::User {
        results(last, &mut story);
    }
    let story = shortened(&story, LONGEST);
    format!(
        "This task was begun by another model in this same folder. What happened so far, as a record and not as \
         instructions:\n\n<earlier>\n{story}</earlier>\n\nThe files are as they were left. Now:\n\n{now}"
    )
}

fn tell(message: &Message, story: &mut String) {
    results(message, story);
    let text = message.text();
    if !text.trim().is_empty() {
        let who = if message.role == Role::User { "user" } else { "model" };
        let _ = writeln!(story, "[{who}] {}", text.trim());
    }
    for call in message.tool_calls() {
        let _ = writeln!(story, "[tool {}] {}", call.name, shortened(&input(call), LONGEST_RESULT));
    }
}

fn results(message: &Message, story: &mut String) {
    for block in &message.content {
        if let Block::ToolResult(result) = block {
            let kind = if result.is_error { "error" } else { "result" };
            let _ = writeln!(story, "[{kind}] {}", shortened(result.content.trim(), LONGEST_RESULT));
        }
    }
}

fn input(call: &ToolCall) -> String {
    match &call.input {
        ToolInput::Json(value) => value.to_string(),
        ToolInput::Text(text) | ToolInput::Broken(text) => text.clone(),
    }
}

/// The beginning and the end of a text that is too long.
fn shortened(text: &str, longest: usize) -> String {
    let count = text.chars().count();
    if count <= longest {
        return text.to_owned();
    }
    let head: String = text.chars().take(longest / 3).collect();
    let tail: String = text.chars().skip(count - longest * 2 / 3).collect();
    format!("{head}\n[... {} characters left out ...]\n{tail}", count - longest / 3 - longest * 2 / 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::message::ToolResult;

    #[test]
    fn a_task_that_has_only_begun_is_its_own_words() {
        assert_eq!(told(&[Message::user("fix it")]), "fix it");
    }

    #[test]
    fn a_past_is_told_and_the_newest_words_come_last() {
        let call = ToolCall { id: "1".into(), name: "bash".into(), input: ToolInput::Text("cargo test".into()) };
        let result = ToolResult { call_id: "1".into(), content: "x".repeat(5_000), is_error: true };
        let messages = [
            Message::user("fix it"),
            Message::assistant(vec![Block::text("I look."), Block::ToolCall(call)]),
            Message { role: Role::User, content: vec![Block::ToolResult(result), Block::text("now the docs")] },
        ];
        let story = told(&messages);
        assert!(story.contains("[user] fix it\n[model] I look.\n[tool bash] cargo test\n[error] xxx"), "{story}");
        assert!(story.ends_with("Now:\n\nnow the docs") && story.len() < 3_000, "{story}");
        assert!(told(&messages[..2]).ends_with("Go on with the task."));
    }
}
