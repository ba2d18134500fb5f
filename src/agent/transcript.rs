//! The transcript on disk: one message a line, appended as it happens, so that a task can go on after any end.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::base::fsx;
use crate::domain::message::{Block, Message, Role, ToolResult};

/// A transcript larger than this is not read back: it is no longer something a model could be sent.
const READ_LIMIT: u64 = 256 * 1024 * 1024;

#[derive(Debug)]
pub struct Transcript {
    messages: Vec<Message>,
    path: PathBuf,
    file: Option<File>,
}

impl Transcript {
    /// An empty transcript kept at `path`; the file is made with the first message.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { messages: Vec::new(), path, file: None }
    }

    /// Reads what an earlier task left at `from`, repairs its end, and goes on at `path`. A half-written last line
    /// (the task was killed) is dropped.
    ///
    /// # Errors
    /// When the file cannot be read or the copy cannot be written.
    pub fn resume(from: &Path, path: PathBuf) -> io::Result<Self> {
        let bytes = fsx::read_bounded(from, READ_LIMIT)?;
        let mut messages = Vec::new();
        for line in bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice::<Message>(line) {
                Ok(message) => messages.push(message),
                Err(_) => break,
            }
        }
        let mut transcript = Self::new(path);
        transcript.replace(messages)?;
        transcript.answer_open_calls("not known: the task was stopped before this tool call returned")?;
        Ok(transcript)
    }

    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// # Errors
    /// When the line cannot be written. The message is kept in memory all the same.
    pub fn push(&mut self, message: Message) -> io::Result<()> {
        let line = serde_json::to_string(&message)?;
        self.messages.push(message);
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(fsx::append_private(&self.path)?),
        };
        file.write_all(format!("{line}\n").as_bytes())
    }

    /// Adds words of the user: joined to the last message if that is the user's too, so that roles keep alternating.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn say(&mut self, text: impl Into<String>) -> io::Result<()> {
        self.say_all(vec![Block::text(text)])
    }

    /// As [`Transcript::say`], with images before the words.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn say_all(&mut self, blocks: Vec<Block>) -> io::Result<()> {
        match self.messages.last() {
            Some(last) if last.role == Role::User => {
                let mut messages = std::mem::take(&mut self.messages);
                if let Some(last) = messages.last_mut() {
                    last.content.extend(blocks);
                }
                self.replace(messages)
            }
            _ => self.push(Message { role: Role::User, content: blocks }),
        }
    }

    /// Puts other messages in place of all: after compaction. The file is replaced whole.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn replace(&mut self, messages: Vec<Message>) -> io::Result<()> {
        let mut bytes = Vec::new();
        for message in &messages {
            serde_json::to_writer(&mut bytes, message)?;
            bytes.push(b'\n');
        }
        self.messages = messages;
        self.file = None;
        fsx::write_private(&self.path, &bytes)
    }

    /// Gives every tool call of the last message that has no result one that says `why`: providers refuse a
    /// transcript with an unanswered call.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn answer_open_calls(&mut self, why: &str) -> io::Result<()> {
        let Some(last) = self.messages.last().filter(|last| last.role == Role::Assistant) else { return Ok(()) };
        let results: Vec<Block> = last
            .tool_calls()
            .map(|call| {
                Block::ToolResult(ToolResult { call_id: call.id.clone(), content: why.to_owned(), is_error: true })
            })
            .collect();
        if results.is_empty() { Ok(()) } else { self.push(Message { role: Role::User, content: results }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::message::{ToolCall, ToolInput};

    fn call(id: &str) -> Block {
        Block::ToolCall(ToolCall { id: id.into(), name: "bash".into(), input: ToolInput::Text("ls".into()) })
    }

    #[test]
    fn a_killed_task_is_resumed_with_its_open_calls_answered() {
        let dir = tempfile::tempdir().unwrap();
        let first = dir.path().join("a.jsonl");
        let mut transcript = Transcript::new(first.clone());
        transcript.push(Message::user("fix it")).unwrap();
        transcript.push(Message::assistant(vec![call("1"), call("2")])).unwrap();
        std::fs::OpenOptions::new().append(true).open(&first).unwrap().write_all(b"{\"role\":\"us").unwrap();

        let resumed = Transcript::resume(&first, dir.path().join("b.jsonl")).unwrap();
        assert_eq!(resumed.messages().len(), 3);
        let answered: Vec<&str> = resumed.messages()[2]
            .content
            .iter()
            .map(|b| if let Block::ToolResult(r) = b { r.call_id.as_str() } else { "" })
            .collect();
        assert_eq!(answered, ["1", "2"]);
        let again = Transcript::resume(&dir.path().join("b.jsonl"), dir.path().join("c.jsonl")).unwrap();
        assert_eq!(again.messages(), resumed.messages());
    }

    #[test]
    fn the_users_words_join_a_message_that_is_already_theirs() {
        let dir = tempfile::tempdir().unwrap();
        let mut transcript = Transcript::new(dir.path().join("t.jsonl"));
        transcript.say("one").unwrap();
        transcript.say("two").unwrap();
        assert_eq!(transcript.messages().len(), 1);
        transcript.push(Message::assistant(vec![Block::text("ok")])).unwrap();
        transcript.say("three").unwrap();
        assert_eq!(transcript.messages().len(), 3);
    }
}
