//! Claude Code: `projects/FOLDER/SESSION.jsonl` and, for its helpers, `projects/FOLDER/SESSION/subagents/*.jsonl`.
//!
//! A line of type `assistant` has the API's own message in `message`, its `usage` with it. One message is written
//! once for each block of its content, each time with the usage known so far, so only the last is whole. A resumed
//! session may repeat the lines of an older one in a new file, a side conversation (`isSidechain`) those of its
//! parent under request ids of its own; `progress` lines repeat the messages of helpers. None of it says who paid.
//! Sources: ccusage's notes on this format (2026-11); fields as in Anthropic's SDK, `types/usage.py`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use memchr::memmem::Finder;
use serde::Deserialize;

use super::call::{Call, CallId, Payer};
use super::fields::{Broken, Count, Maybe, NOT_JSON, Word, moment};
use super::reading::{Log, folder, is_object, stem};
use super::session::{Session, Sessions, cut};
use super::tool::Tool;
use crate::domain::usage::Usage;

const TOOL: Tool = Tool::ClaudeCode;
/// What Claude Code puts in the place of a model that was not asked.
const SYNTHETIC: &str = "<synthetic>";

pub(super) struct ClaudeCode {
    path: PathBuf,
    sessions: Sessions,
    /// Those of the line before, which are mostly those of the next.
    last: Option<(Box<str>, Arc<Session>)>,
    model: Option<Arc<str>>,
    payer: Arc<Payer>,
    usage_key: Finder<'static>,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Word<'a>,
    #[serde(borrow, default, rename = "sessionId")]
    session: Word<'a>,
    #[serde(borrow, default)]
    cwd: Word<'a>,
    #[serde(borrow, default)]
    uuid: Word<'a>,
    #[serde(borrow, default)]
    timestamp: Word<'a>,
    #[serde(borrow, default, rename = "requestId")]
    request: Word<'a>,
    #[serde(default, rename = "isSidechain")]
    sidechain: Option<bool>,
    #[serde(borrow, default)]
    message: Maybe<Message<'a>>,
    #[serde(borrow, default)]
    data: Maybe<Progress<'a>>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    id: Word<'a>,
    #[serde(borrow, default)]
    model: Word<'a>,
    #[serde(borrow, default)]
    usage: Maybe<RawUsage<'a>>,
}

/// A helper's message, told to the session that waits for it.
#[derive(Deserialize)]
struct Progress<'a> {
    #[serde(borrow, default)]
    message: Maybe<HelperLine<'a>>,
}

#[derive(Deserialize)]
struct HelperLine<'a> {
    #[serde(borrow, default)]
    uuid: Word<'a>,
    #[serde(borrow, default)]
    timestamp: Word<'a>,
    #[serde(borrow, default, rename = "requestId")]
    request: Word<'a>,
    #[serde(borrow, default)]
    message: Maybe<Message<'a>>,
}

#[derive(Deserialize)]
struct RawUsage<'a> {
    #[serde(default)]
    input_tokens: Count,
    #[serde(default)]
    cache_creation_input_tokens: Count,
    #[serde(default)]
    cache_read_input_tokens: Count,
    #[serde(default)]
    cache_creation: Maybe<CacheCreation>,
    #[serde(default)]
    output_tokens: Count,
    #[serde(default)]
    output_tokens_details: Maybe<OutputDetails>,
    #[serde(borrow, default)]
    speed: Word<'a>,
}

#[derive(Deserialize)]
struct CacheCreation {
    #[serde(default)]
    ephemeral_5m_input_tokens: Count,
    #[serde(default)]
    ephemeral_1h_input_tokens: Count,
}

#[derive(Deserialize)]
struct OutputDetails {
    #[serde(default)]
    thinking_tokens: Count,
}

impl RawUsage<'_> {
    /// What was written to the cache for five minutes is what is not said to be for an hour.
    fn usage(&self) -> Usage {
        let split = self.cache_creation.0.as_ref();
        let hour = split.map_or(0, |split| split.ephemeral_1h_input_tokens.0);
        let five = split.map_or(0, |split| split.ephemeral_5m_input_tokens.0);
        let written = self.cache_creation_input_tokens.0.max(five + hour);
        let thinking = self.output_tokens_details.0.as_ref().map_or(0, |details| details.thinking_tokens.0);
        Usage {
            input: self.input_tokens.0,
            cache_read: self.cache_read_input_tokens.0,
            cache_write_5m: written - hour,
            cache_write_1h: hour,
            output: self.output_tokens.0,
            reasoning: thinking.min(self.output_tokens.0),
        }
    }
}

impl ClaudeCode {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            sessions: Sessions::new(TOOL),
            last: None,
            model: None,
            payer: Arc::new(Payer::unknown("anthropic")),
            usage_key: Finder::new(b"\"usage\""),
        }
    }

    fn session(&mut self, line: &Line<'_>) -> Arc<Session> {
        let id = line.session.get().unwrap_or_else(|| stem(&self.path));
        let cwd = line.cwd.get();
        if let Some((place, session)) = &self.last
            && cwd == Some(place)
            && session.id == id
        {
            return Arc::clone(session);
        }
        let session = self.sessions.get(id, cwd, folder(&self.path));
        self.last = cwd.map(|cwd| (cwd.into(), Arc::clone(&session)));
        session
    }

    /// The model's name, made once as long as it stays the same. Fast mode has prices of its own.
    fn model(&mut self, name: &str, fast: bool) -> Arc<str> {
        let same = |known: &Arc<str>| if fast { known.strip_suffix("-fast") == Some(name) } else { **known == *name };
        match &self.model {
            Some(known) if same(known) => Arc::clone(known),
            _ => {
                let made: Arc<str> = if fast { format!("{name}-fast").into() } else { name.into() };
                self.model = Some(Arc::clone(&made));
                made
            }
        }
    }
}

impl Log for ClaudeCode {
    fn take(&mut self, line: &[u8], calls: &mut Vec<Call>) -> Result<(), Broken> {
        if self.usage_key.find(line).is_none() {
            return if is_object(line) || line.trim_ascii().is_empty() { Ok(()) } else { Err(NOT_JSON) };
        }
        let line: Line<'_> = serde_json::from_slice(line)?;
        let progress = line.data.0.as_ref().and_then(|data| data.message.0.as_ref());
        let direct = line.message.0.as_ref().filter(|_| line.kind.is("assistant") || line.kind.get().is_none());
        let (message, timestamp, request, uuid, copy) = match (direct, progress) {
            (Some(message), _) => (message, &line.timestamp, &line.request, &line.uuid, line.sidechain == Some(true)),
            (None, Some(helper)) => match &helper.message.0 {
                Some(message) => (message, &helper.timestamp, &helper.request, &helper.uuid, true),
                None => return Ok(()),
            },
            (None, None) => return Ok(()),
        };
        let Some(raw) = &message.usage.0 else { return Ok(()) };
        let usage = raw.usage();
        let model = message.model.get().unwrap_or("unknown");
        if usage.total() == 0 || model == SYNTHETIC {
            return Ok(());
        }
        let sent_at = moment(timestamp.get())?;
        let session = self.session(&line);
        let id = match message.id.get() {
            Some(id) if copy => CallId::copy_of(TOOL, id),
            Some(id) => CallId::of(TOOL, id, request.get().unwrap_or_default()),
            // Without an id of the message, the line's own.
            None => match uuid.get() {
                Some(uuid) => CallId::of(TOOL, uuid, "line"),
                None => CallId::of(TOOL, &session.id, &format!("{sent_at} {model} {usage:?}")),
            },
        };
        let own = |word: &Word<'_>| word.get().map(|text| cut(text).into());
        let model = self.model(cut(model), raw.speed.is("fast"));
        calls.push(Call {
            id,
            session,
            payer: Arc::clone(&self.payer),
            model,
            sent_at,
            usage,
            message: own(&message.id),
            request: own(request),
            list: None,
        });
        Ok(())
    }
}
