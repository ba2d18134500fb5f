//! opencode's messages: `storage/message/SESSION/MESSAGE.json` files of older versions, and the rows that newer ones
//! keep in a database (`opencode_db`), which hold the same object without its ids.
//!
//! A message of the role `assistant` has `providerID`, `modelID`, `time`, `path` and `tokens`; input is without what
//! the cache gave. Reasoning stands beside the output in versions that write a `total`, inside it in older ones.
//! Whether a key or a plan paid is not said; a gateway's name is. Sources: anomalyco/opencode,
//! `packages/opencode/src/session/{message-v2,session.sql}.ts` (2026-08); ccusage's notes.

use std::sync::Arc;

use serde::Deserialize;

use super::call::{Call, CallId, Payer};
use super::fields::{BAD_TIME, Broken, Count, Maybe, Word, millis};
use super::reading::Log;
use super::session::{Sessions, cut};
use super::tool::Tool;
use crate::domain::usage::Usage;

const TOOL: Tool = Tool::Opencode;

pub(super) struct Opencode {
    sessions: Sessions,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    id: Word<'a>,
    #[serde(borrow, default, rename = "sessionID")]
    session: Word<'a>,
    #[serde(borrow, default)]
    role: Word<'a>,
    #[serde(borrow, default, rename = "providerID")]
    provider: Word<'a>,
    #[serde(borrow, default, rename = "modelID")]
    model: Word<'a>,
    #[serde(default)]
    time: Maybe<Time>,
    #[serde(borrow, default)]
    path: Maybe<Place<'a>>,
    #[serde(default)]
    tokens: Maybe<Tokens>,
}

#[derive(Deserialize)]
struct Time {
    #[serde(default)]
    created: Option<serde_json::Number>,
}

#[derive(Deserialize)]
struct Place<'a> {
    #[serde(borrow, default)]
    cwd: Word<'a>,
}

#[derive(Deserialize)]
struct Tokens {
    #[serde(default)]
    total: Option<Count>,
    #[serde(default)]
    input: Count,
    #[serde(default)]
    output: Count,
    #[serde(default)]
    reasoning: Count,
    #[serde(default)]
    cache: Maybe<Cache>,
}

#[derive(Deserialize)]
struct Cache {
    #[serde(default)]
    read: Count,
    #[serde(default)]
    write: Count,
}

impl Tokens {
    fn usage(&self) -> Usage {
        let (read, write) = self.cache.0.as_ref().map_or((0, 0), |cache| (cache.read.0, cache.write.0));
        let (input, said) = (self.input.0, self.output.0);
        let beside = self.total.is_some_and(|total| total.0 == input + read + write + said + self.reasoning.0);
        let output = if beside { said + self.reasoning.0 } else { said };
        Usage {
            input,
            cache_read: read,
            cache_write_5m: write,
            cache_write_1h: 0,
            output,
            reasoning: self.reasoning.0.min(output),
        }
    }
}

impl Opencode {
    pub(super) fn new() -> Self {
        Self { sessions: Sessions::new(TOOL) }
    }

    /// Takes one message; a database tells its ids apart from it.
    pub(super) fn message(
        &mut self,
        text: &[u8],
        ids: Option<(&str, &str)>,
        calls: &mut Vec<Call>,
    ) -> Result<(), Broken> {
        let message: Message<'_> = serde_json::from_slice(text)?;
        let Some(tokens) = message.tokens.0.as_ref().filter(|_| message.role.is("assistant")) else { return Ok(()) };
        let usage = tokens.usage();
        if usage.total() == 0 {
            return Ok(());
        }
        let created = message.time.0.as_ref().and_then(|time| time.created.as_ref());
        let sent_at = created.and_then(serde_json::Number::as_i64).ok_or(BAD_TIME).and_then(millis)?;
        let (id, session) = match ids {
            Some((id, session)) => (Some(id), session),
            None => (message.id.get(), message.session.get().unwrap_or("unknown")),
        };
        let cwd = message.path.0.as_ref().and_then(|place| place.cwd.get());
        let session = self.sessions.get(session, cwd, "unknown");
        let provider = message.provider.get().map_or("unknown", cut);
        let which = id.map_or_else(|| format!("{} {sent_at} {usage:?}", session.id), str::to_owned);
        calls.push(Call {
            id: CallId::of(TOOL, &which, ""),
            session,
            payer: Arc::new(payer(provider)),
            model: message.model.get().map_or("unknown", cut).into(),
            sent_at,
            usage,
            message: id.map(|id| cut(id).into()),
            request: None,
            list: None,
        });
        Ok(())
    }
}

/// opencode's own gateway is called as the tool is.
fn payer(provider: &str) -> Payer {
    match provider {
        "openrouter" | "opencode" => Payer::gateway(provider),
        other => Payer::unknown(other),
    }
}

impl Log for Opencode {
    fn take(&mut self, line: &[u8], calls: &mut Vec<Call>) -> Result<(), Broken> {
        self.message(line, None, calls)
    }
}
