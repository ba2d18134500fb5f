//! Codex: `sessions/YYYY/MM/DD/rollout-TIME-ID.jsonl` and `archived_sessions/`.
//!
//! Each line is `{timestamp, type, payload}`. `session_meta` begins a session, `turn_context` names the model,
//! `event_msg` of type `token_count` has `info.total_token_usage` (all of the session so far) and
//! `info.last_token_usage` (the last call), both with the cached part inside `input_tokens` and the reasoning inside
//! `output_tokens`. The same count is written again whenever the limits change. `rate_limits` is there only under a
//! ChatGPT plan, whose name is its `plan_type`; with a key it is `null`.
//!
//! A forked session, or a helper's, begins with the lines of the one it came from, under times of its own; those of
//! `session_meta` are among them. So a call is known by the first session of its line of descent and by what that
//! had used before and after. Sources: openai/codex, `codex-rs/protocol/src/protocol.rs` (2026-08); ccusage's notes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};

use super::call::{Call, CallId, Payer};
use super::fields::{Broken, Count, Maybe, NOT_JSON, Word, moment};
use super::reading::{Log, is_object, stem};
use super::session::{Session, Sessions, cut};
use super::tool::Tool;
use crate::domain::usage::Usage;

const TOOL: Tool = Tool::Codex;

pub(super) struct Codex {
    path: PathBuf,
    sessions: Sessions,
    payer: Arc<Payer>,
    model: Arc<str>,
    state: State,
    keys: [Finder<'static>; 3],
}

/// What the lines so far say about those that follow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct State {
    /// The file's own session.
    session: Option<String>,
    cwd: Option<String>,
    /// The first session of the line of descent.
    root: Option<String>,
    /// Who is asked, in Codex' own words; `openai` if nothing is said.
    provider: Option<String>,
    model: Option<String>,
    plan: Option<String>,
    /// Whether the plan's limit is used up while credits remain: then they pay.
    beyond: bool,
    total: Tokens,
}

/// Counts in Codex' own terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Tokens {
    input: u64,
    cached: u64,
    written: u64,
    output: u64,
    reasoning: u64,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Word<'a>,
    #[serde(borrow, default)]
    timestamp: Word<'a>,
    #[serde(borrow, default)]
    payload: Maybe<Payload<'a>>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Word<'a>,
    #[serde(borrow, default)]
    id: Word<'a>,
    #[serde(borrow, default)]
    forked_from_id: Word<'a>,
    #[serde(borrow, default)]
    cwd: Word<'a>,
    #[serde(borrow, default)]
    model: Word<'a>,
    #[serde(borrow, default)]
    model_provider: Word<'a>,
    #[serde(default)]
    info: Maybe<Info>,
    #[serde(borrow, default)]
    rate_limits: Maybe<Limits<'a>>,
}

#[derive(Deserialize)]
struct Info {
    #[serde(default)]
    total_token_usage: Maybe<RawUsage>,
    #[serde(default)]
    last_token_usage: Maybe<RawUsage>,
}

#[derive(Deserialize)]
struct RawUsage {
    #[serde(default, rename = "input_tokens")]
    input: Count,
    #[serde(default, rename = "cached_input_tokens")]
    cached: Count,
    #[serde(default, rename = "cache_write_input_tokens")]
    written: Count,
    #[serde(default, rename = "output_tokens")]
    output: Count,
    #[serde(default, rename = "reasoning_output_tokens")]
    reasoning: Count,
}

#[derive(Deserialize)]
struct Limits<'a> {
    #[serde(default)]
    primary: Maybe<Window>,
    #[serde(default)]
    secondary: Maybe<Window>,
    #[serde(default)]
    credits: Maybe<Credits>,
    #[serde(borrow, default)]
    plan_type: Word<'a>,
}

#[derive(Deserialize)]
struct Window {
    #[serde(default)]
    used_percent: Option<f64>,
}

#[derive(Deserialize)]
struct Credits {
    #[serde(default)]
    has_credits: Option<bool>,
}

impl From<&RawUsage> for Tokens {
    fn from(raw: &RawUsage) -> Self {
        Self {
            input: raw.input.0,
            cached: raw.cached.0,
            written: raw.written.0,
            output: raw.output.0,
            reasoning: raw.reasoning.0,
        }
    }
}

impl Tokens {
    /// What came after `before`; after a reset, everything.
    fn since(self, before: Self) -> Self {
        let sum = |tokens: Self| tokens.input + tokens.output;
        if sum(self) < sum(before) {
            return self;
        }
        Self {
            input: self.input.saturating_sub(before.input),
            cached: self.cached.saturating_sub(before.cached),
            written: self.written.saturating_sub(before.written),
            output: self.output.saturating_sub(before.output),
            reasoning: self.reasoning.saturating_sub(before.reasoning),
        }
    }

    fn usage(self) -> Usage {
        let cached = self.cached.min(self.input);
        let written = self.written.min(self.input - cached);
        Usage {
            input: self.input - cached - written,
            cache_read: cached,
            cache_write_5m: written,
            cache_write_1h: 0,
            output: self.output,
            reasoning: self.reasoning.min(self.output),
        }
    }
}

impl Codex {
    pub(super) fn new(path: &Path, state: Option<&str>) -> Self {
        let state: State = state.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let mut codex = Self {
            path: path.to_owned(),
            sessions: Sessions::new(TOOL),
            payer: Arc::new(Payer::unknown("openai")),
            model: "unknown".into(),
            state,
            keys: [&b"\"token_count\""[..], b"\"turn_context\"", b"\"session_meta\""].map(Finder::new),
        };
        codex.settle_on();
        codex
    }

    /// Who pays and which model runs, by what is known now.
    fn settle_on(&mut self) {
        self.model = self.state.model.as_deref().unwrap_or("unknown").into();
        let provider = self.state.provider.as_deref().unwrap_or("openai");
        self.payer = Arc::new(match &self.state.plan {
            Some(plan) if provider == "openai" && !self.state.beyond => {
                let words = if plan.is_empty() { "your ChatGPT plan" } else { &format!("your ChatGPT plan ({plan})") };
                Payer::plan("codex", format!("{words} covers it"))
            }
            _ => Payer::unknown(provider),
        });
    }

    fn begin(&mut self, payload: &Payload<'_>) {
        let own = |word: &Word<'_>| word.get().map(|text| cut(text).to_owned());
        let root = own(&payload.forked_from_id).or_else(|| own(&payload.id));
        self.state.root = root.or_else(|| self.state.root.take());
        // The first is the file's own; those that follow are repeated from where it was forked.
        if self.state.session.is_none() {
            self.state.session = own(&payload.id);
            self.state.cwd = own(&payload.cwd);
            self.state.provider = own(&payload.model_provider);
            self.settle_on();
        }
    }

    fn turn(&mut self, payload: &Payload<'_>) {
        if let Some(model) = payload.model.get()
            && *self.model != *model
        {
            self.state.model = Some(cut(model).to_owned());
            self.settle_on();
        }
        if let Some(cwd) = payload.cwd.get()
            && self.state.cwd.as_deref() != Some(cwd)
        {
            self.state.cwd = Some(cut(cwd).to_owned());
        }
    }

    fn plan(&mut self, limits: &Limits<'_>) {
        let full = |window: &Maybe<Window>| window.0.as_ref().and_then(|w| w.used_percent).is_some_and(|p| p >= 100.0);
        let credits = limits.credits.0.as_ref().is_some_and(|credits| credits.has_credits == Some(true));
        let beyond = credits && (full(&limits.primary) || full(&limits.secondary));
        let name = limits.plan_type.get().map(cut);
        let named = name.map(str::to_owned).or_else(|| self.state.plan.take()).unwrap_or_default();
        if self.state.plan.as_ref() != Some(&named) || self.state.beyond != beyond {
            self.state.beyond = beyond;
            self.state.plan = Some(named);
            self.settle_on();
        }
    }

    fn session(&mut self) -> Arc<Session> {
        let id = self.state.session.as_deref().unwrap_or_else(|| stem(&self.path));
        self.sessions.get(id, self.state.cwd.as_deref(), "unknown")
    }

    fn count(&mut self, payload: &Payload<'_>, timestamp: &Word<'_>, calls: &mut Vec<Call>) -> Result<(), Broken> {
        if let Some(limits) = &payload.rate_limits.0 {
            self.plan(limits);
        }
        let Some(info) = &payload.info.0 else { return Ok(()) };
        let before = self.state.total;
        let total = info.total_token_usage.0.as_ref().map(Tokens::from);
        let last = info.last_token_usage.0.as_ref().map(Tokens::from);
        if let Some(total) = total {
            self.state.total = total;
            // The same count again: only the limits were news.
            if total == before {
                return Ok(());
            }
        }
        let Some(used) = last.or_else(|| total.map(|total| total.since(before))) else { return Ok(()) };
        let usage = used.usage();
        if usage.total() == 0 {
            return Ok(());
        }
        let sent_at = moment(timestamp.get())?;
        let session = self.session();
        let root = self.state.root.as_deref().unwrap_or(&session.id);
        // Without a total, only the moment tells two calls apart.
        let which = total.map_or_else(|| format!("{sent_at} {used:?}"), |total| format!("{total:?} {used:?}"));
        let id = CallId::of(TOOL, &format!("{root} {which}"), "");
        let (payer, model) = (Arc::clone(&self.payer), Arc::clone(&self.model));
        calls.push(Call { id, session, payer, model, sent_at, usage, message: None, request: None, list: None });
        Ok(())
    }
}

impl Log for Codex {
    fn take(&mut self, line: &[u8], calls: &mut Vec<Call>) -> Result<(), Broken> {
        if self.keys.iter().all(|key| key.find(line).is_none()) {
            return if is_object(line) || line.trim_ascii().is_empty() { Ok(()) } else { Err(NOT_JSON) };
        }
        let line: Line<'_> = serde_json::from_slice(line)?;
        let Some(payload) = &line.payload.0 else { return Ok(()) };
        match line.kind.get() {
            Some("session_meta") => self.begin(payload),
            Some("turn_context") => self.turn(payload),
            Some("event_msg") if payload.kind.is("token_count") => self.count(payload, &line.timestamp, calls)?,
            _ => {}
        }
        Ok(())
    }

    fn state(&self) -> Option<String> {
        serde_json::to_string(&self.state).ok()
    }
}
