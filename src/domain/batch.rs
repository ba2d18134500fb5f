//! A batch as it is told to people and scripts: many tasks under one payer and one cap. The field names are a contract
//! like those of the events; fields are only added.

use serde::Serialize;

use super::cost::CostState;
use super::event::{PayerShare, RouteResolved, TaskFinished};
use super::failure::Failure;
use super::usage::Usage;
use crate::base::money::Usd;

/// What is shown before the first token: who pays for all of it, and how much at most.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BatchStarted {
    /// Kept in the results file, so that a later start goes on under the same cap.
    pub batch_id: String,
    /// The project's name in reports: results of another are not gone on from.
    pub project: String,
    /// The file of tasks as it was named; `-` is stdin.
    pub file: String,
    pub results: String,
    /// `2/4`, where this start takes only a part of the file.
    pub shard: Option<String>,
    /// Tasks of the file that are this start's.
    pub tasks: usize,
    /// Those of them that an earlier start brought to their end.
    pub ended_before: usize,
    /// How many run at once.
    pub jobs: usize,
    /// What the whole batch may cost, over all its starts; `null` where none was given.
    pub cap_usd: Option<Usd>,
    /// What each task may cost; `null` where no money moves.
    pub task_cap_usd: Option<Usd>,
    /// What this start may cost at most; `null` where no money moves.
    pub at_most_usd: Option<Usd>,
    /// What earlier starts spent under the cap, uncertain calls included.
    pub spent_usd: Usd,
    /// The route of every task; `null` where none is left to run. Models may differ by task, the payer does not.
    pub route: Option<RouteResolved>,
    pub models: Vec<String>,
    /// The line people see.
    pub line: String,
}

/// The end of one task of a batch: `task.finished` with what tells it apart from the others.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BatchTask {
    #[serde(flatten)]
    pub end: TaskFinished,
    pub batch_id: String,
    /// The task's own name in the batch.
    pub id: String,
    /// Its line in the file, counted from 1.
    pub line: usize,
    /// What was asked, in one word: another text, model or check makes another task of the same name.
    pub task_hash: String,
}

/// How many tasks ended how. Together they are the batch, or this shard of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BatchCounts {
    pub total: usize,
    /// Done, by this start or an earlier one.
    pub done: usize,
    /// Ended otherwise, by this start or an earlier one.
    pub failed: usize,
    /// Cut off when the batch was stopped: they run again.
    pub interrupted: usize,
    pub not_started: usize,
    /// Of the done and failed, those of earlier starts.
    pub ended_before: usize,
}

/// The end of a start.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BatchFinished {
    pub batch_id: Option<String>,
    /// `done`, `failed` where a task was not achieved, else the status that stopped the batch.
    pub status: &'static str,
    pub exit_code: u8,
    /// What stopped it before its last task.
    pub error: Option<Failure>,
    pub tasks: BatchCounts,
    /// Of this start's tasks, as is everything down to `payers`.
    pub usage: Usage,
    pub cost_usd: Option<Usd>,
    pub cost_state: Option<CostState>,
    pub list_usd: Option<Usd>,
    pub payers: Vec<PayerShare>,
    pub cap_usd: Option<Usd>,
    /// What all starts spent under the cap; `null` where the ledger could not tell.
    pub spent_usd: Option<Usd>,
    pub results: Option<String>,
    pub duration_ms: u64,
}
