//! pi: `~/.pi/agent/sessions/--FOLDER--/TIME_ID.jsonl`.
//!
//! The first line, of type `session`, has the id and the folder; a line of type `message` whose message has the role
//! `assistant` has `provider`, `model` and `usage`: input without what the cache gave, output with the reasoning in
//! it. A branched session repeats the lines of the one it came from, times and all. The provider's name says where a
//! plan was used: `openai-codex` is a ChatGPT plan, `openrouter` a gateway.
//! Source: badlogic/pi-mono, `packages/coding-agent/docs/session.md` and `packages/ai/src/types.ts` (2026-01).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};

use super::call::{Call, CallId, Payer};
use super::fields::{BAD_TIME, Broken, Count, Maybe, NOT_JSON, Word, millis, moment};
use super::reading::{Log, folder, is_object, stem};
use super::session::{Sessions, cut};
use super::tool::Tool;
use crate::domain::usage::Usage;

const TOOL: Tool = Tool::Pi;

pub(super) struct Pi {
    path: PathBuf,
    sessions: Sessions,
    state: State,
    keys: [Finder<'static>; 2],
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct State {
    session: Option<String>,
    cwd: Option<String>,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Word<'a>,
    #[serde(borrow, default)]
    id: Word<'a>,
    #[serde(borrow, default)]
    cwd: Word<'a>,
    #[serde(borrow, default)]
    timestamp: Word<'a>,
    #[serde(borrow, default)]
    message: Maybe<Message<'a>>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    role: Word<'a>,
    #[serde(borrow, default)]
    provider: Word<'a>,
    #[serde(borrow, default)]
    model: Word<'a>,
    #[serde(borrow, default, rename = "responseId")]
    response: Word<'a>,
    #[serde(default)]
    timestamp: Option<serde_json::Number>,
    #[serde(default)]
    usage: Maybe<RawUsage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawUsage {
    #[serde(default)]
    input: Count,
    #[serde(default)]
    output: Count,
    #[serde(default)]
    cache_read: Count,
    #[serde(default)]
    cache_write: Count,
}

impl Pi {
    pub(super) fn new(path: &Path, state: Option<&str>) -> Self {
        Self {
            path: path.to_owned(),
            sessions: Sessions::new(TOOL),
            state: state.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
            keys: [&b"\"usage\""[..], b"\"session\""].map(Finder::new),
        }
    }

    fn message(&mut self, line: &Line<'_>, message: &Message<'_>, calls: &mut Vec<Call>) -> Result<(), Broken> {
        let Some(raw) = message.usage.0.as_ref().filter(|_| message.role.is("assistant")) else { return Ok(()) };
        let usage = Usage {
            input: raw.input.0,
            cache_read: raw.cache_read.0,
            cache_write_5m: raw.cache_write.0,
            cache_write_1h: 0,
            output: raw.output.0,
            reasoning: 0,
        };
        if usage.total() == 0 {
            return Ok(());
        }
        // The message's own moment is that of the call; the line's, of its writing.
        let sent_at = match message.timestamp.as_ref().and_then(serde_json::Number::as_i64) {
            Some(at) => millis(at)?,
            None => moment(line.timestamp.get()).map_err(|_| BAD_TIME)?,
        };
        let id = self.state.session.as_deref().unwrap_or_else(|| {
            let name = stem(&self.path);
            name.split_once('_').map_or(name, |(_, id)| id)
        });
        let session = self.sessions.get(id, self.state.cwd.as_deref(), folder(&self.path));
        let provider = message.provider.get().map_or("unknown", cut);
        let model = message.model.get().map_or("unknown", cut);
        let which = format!("{sent_at} {provider} {model} {usage:?}");
        calls.push(Call {
            id: CallId::of(TOOL, &which, message.response.get().unwrap_or_default()),
            session,
            payer: Arc::new(payer(provider)),
            model: model.into(),
            sent_at,
            usage,
            message: message.response.get().map(|id| cut(id).into()),
            request: None,
            list: None,
        });
        Ok(())
    }
}

/// Who paid, where the provider's name alone says it.
fn payer(provider: &str) -> Payer {
    match provider {
        "openai-codex" => Payer::plan("codex", "your ChatGPT plan covers it".to_owned()),
        "openrouter" => Payer::gateway(provider),
        other => Payer::unknown(other),
    }
}

impl Log for Pi {
    fn take(&mut self, line: &[u8], calls: &mut Vec<Call>) -> Result<(), Broken> {
        if self.keys.iter().all(|key| key.find(line).is_none()) {
            return if is_object(line) || line.trim_ascii().is_empty() { Ok(()) } else { Err(NOT_JSON) };
        }
        let line: Line<'_> = serde_json::from_slice(line)?;
        match (line.kind.get(), &line.message.0) {
            (Some("session"), _) => {
                self.state.session = line.id.get().map(|id| cut(id).to_owned());
                self.state.cwd = line.cwd.get().map(|cwd| cut(cwd).to_owned());
            }
            (Some("message") | None, Some(message)) => self.message(&line, message, calls)?,
            _ => {}
        }
        Ok(())
    }

    fn state(&self) -> Option<String> {
        serde_json::to_string(&self.state).ok()
    }
}
