//! What is written: a task when it begins, an attempt before it is sent and after it ended, a task's end.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::base::money::{Rate, Usd};
use crate::domain::cost::{Charge, Cost, Proof};
use crate::domain::failure::Status;
use crate::domain::path::{PayPath, Wire};
use crate::domain::route::Route;
use crate::domain::usage::Usage;

/// A task as it begins. Its attempts refer to it; its owner is the process behind the [`super::Ledger`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTask {
    /// From [`super::task_id`].
    pub id: String,
    /// `vk`, or the tool that `vk exec` runs.
    pub tool: String,
    /// What `--continue` keeps: tasks of one conversation share it.
    pub session: String,
    /// The batch it belongs to.
    pub batch: Option<String>,
    /// The person, as the operating system names them.
    pub user: String,
    /// The project's name in reports.
    pub project_name: String,
    /// The project's folder, canonical: the key of a project's budget. Worktrees give their main repository's.
    pub project_dir: PathBuf,
    /// The task's own words; the first 200 characters are kept.
    pub words: String,
    pub path: PayPath,
    pub provider: String,
    pub payer: String,
    pub key_label: Option<String>,
    pub key_fingerprint: Option<String>,
    pub model: String,
    /// `builtin`, `claude`, `codex`.
    pub engine: String,
    pub cap: Option<Usd>,
    pub started_at: Timestamp,
}

impl NewTask {
    /// A task under `route`; the session is the task's own until the caller says otherwise.
    #[must_use]
    pub fn of(route: &Route, id: String, words: &str, started_at: Timestamp) -> Self {
        Self {
            tool: "vk".to_owned(),
            session: id.clone(),
            batch: None,
            id,
            user: String::new(),
            project_name: String::new(),
            project_dir: PathBuf::new(),
            words: words.to_owned(),
            path: route.path,
            provider: route.provider.clone(),
            payer: route.payer.clone(),
            key_label: route.credential.label(),
            key_fingerprint: route.credential.fingerprint().map(str::to_owned),
            model: route.model.clone(),
            engine: route.engine.as_str().to_owned(),
            cap: route.cap,
            started_at,
        }
    }
}

/// Where the price of an attempt came from, kept beside its cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceRef {
    /// The page or file: `https://claude.com/pricing`, `config.toml:14`.
    pub source: String,
    /// The day the price was read, `2026-11-20`.
    pub as_of: String,
    pub hash: String,
}

/// One HTTP attempt, as it is written before it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAttempt {
    /// From [`super::attempt_id`].
    pub attempt_id: String,
    pub task_id: String,
    /// Counts the task's calls from 1.
    pub call_no: u32,
    /// Counts the attempts of one call from 1.
    pub attempt_no: u32,
    pub path: PayPath,
    pub provider: String,
    pub payer: String,
    pub key_label: Option<String>,
    pub key_fingerprint: Option<String>,
    pub model: String,
    pub wire: Option<Wire>,
    /// Who is charged if all goes as the route said; the settlement may find otherwise.
    pub charge: Charge,
    /// The most this attempt may cost the payer, markup included; zero where no money moves.
    pub hold: Usd,
    /// `None` where the model has no price.
    pub price: Option<PriceRef>,
    /// The gateway's markup on list price.
    pub markup: Rate,
    pub sent_at: Timestamp,
}

impl NewAttempt {
    /// An attempt of `task_id` under `route` that holds `hold`.
    #[must_use]
    pub fn of(route: &Route, task_id: &str, call_no: u32, attempt_no: u32, hold: Usd, sent_at: Timestamp) -> Self {
        let charge = match route.path {
            _ if route.rehearsed => Charge::Rehearsed,
            PayPath::Byok | PayPath::Platform => Charge::Billed,
            PayPath::Subscription => Charge::Covered,
            PayPath::Free => Charge::Free,
        };
        Self {
            attempt_id: super::attempt_id(task_id, call_no, attempt_no),
            task_id: task_id.to_owned(),
            call_no,
            attempt_no,
            path: route.path,
            provider: route.provider.clone(),
            payer: route.payer.clone(),
            key_label: route.credential.label(),
            key_fingerprint: route.credential.fingerprint().map(str::to_owned),
            model: route.model.clone(),
            wire: Some(route.wire),
            charge,
            hold,
            price: None,
            markup: route.markup,
            sent_at,
        }
    }
}

/// How an attempt ended and what it cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    pub usage: Usage,
    /// A billed call of unknown cost that held money stays counted in full, as uncertain.
    pub cost: Cost,
    pub proof: Proof,
    /// `ok`, or the kind of error: `overloaded`, `interrupted`.
    pub outcome: String,
    /// The model the provider says it ran, where it is not the one that was asked for.
    pub model: Option<String>,
    pub response_id: Option<String>,
    pub request_id: Option<String>,
    pub organization: Option<String>,
    pub http_status: Option<u16>,
    /// What the provider asked to wait before a retry, in milliseconds.
    pub retry_after_ms: Option<u64>,
    pub finished_at: Timestamp,
    pub duration_ms: u64,
}

/// What settling did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The figures are in the ledger now.
    Recorded,
    /// The attempt was settled before; nothing changed.
    Already,
}

/// What aborting did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aborted {
    /// The hold is free again.
    Released,
    /// The attempt had ended before; nothing changed.
    Already,
}

/// Whose word a figure is that comes after the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// A person's, who read it at the provider's.
    Person,
    /// The provider's own record, report or invoice.
    Provider,
}

impl Word {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Provider => "provider",
        }
    }
}

/// What a person's figure for an attempt did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Corrected {
    /// It is the attempt's cost now.
    Recorded {
        task_id: String,
        /// What budgets counted of it before.
        before: Usd,
    },
    /// It may be under way still; nothing changed.
    Live,
    /// Its cost is known; nothing changed.
    Known(Option<Usd>),
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskEnd {
    pub status: Status,
    pub exit_code: u8,
    pub turns: u32,
    pub finished_at: Timestamp,
    pub files_changed: u32,
    /// The model's last words; the first 1,000 characters are kept.
    pub summary: Option<String>,
}
