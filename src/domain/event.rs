//! What happens in a task, as it is told to people and scripts. The field names are a contract (DESIGN 6).

use serde::Serialize;

use super::batch::{BatchFinished, BatchStarted, BatchTask};
use super::cost::{CostState, Proof};
use super::credits::CreditsLeft;
use super::failure::{Failure, Status};
use super::usage::Usage;
use crate::base::money::Usd;

/// One event. `present/` adds `v`, `ts` and writes one JSON object a line; `null` is unknown, never absent.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type")]
pub enum Event {
    #[serde(rename = "route.resolved")]
    RouteResolved(Box<RouteResolved>),
    #[serde(rename = "budget.reserved")]
    BudgetReserved { attempt_id: String, hold_usd: Usd, left_usd: Option<Usd> },
    /// Live holds of other tasks are in the way; at most a minute.
    #[serde(rename = "budget.waiting")]
    BudgetWaiting { scope: String, hold_usd: Usd, waited_ms: u64 },
    /// The task's MCP servers are being started or reached.
    #[serde(rename = "mcp.starting")]
    McpStarting { servers: Vec<String> },
    /// A server answers, and this is what its tools add to each request.
    #[serde(rename = "mcp.ready")]
    McpReady {
        server: String,
        /// `stdio` or `http`.
        transport: String,
        /// Where it is configured.
        source: String,
        tools: usize,
        /// Estimated: about four bytes a token.
        #[serde(rename = "context_tokens")]
        tokens: u64,
        /// Tools that the model is not given, and why.
        left_out: Vec<String>,
    },
    /// The next call fits no more beside what is spent: it is not sent.
    #[serde(rename = "budget.exhausted")]
    BudgetExhausted {
        /// `today in all projects`, `this task`.
        budget: String,
        /// `task`, `batch`, `day`, `week`, `month`.
        per: &'static str,
        hold_usd: Usd,
        left_usd: Usd,
    },
    #[serde(rename = "turn.started")]
    TurnStarted { turn: u32 },
    #[serde(rename = "text.delta")]
    TextDelta { text: String },
    #[serde(rename = "reasoning.delta")]
    ReasoningDelta { text: String },
    /// An attempt failed and another follows.
    #[serde(rename = "call.retrying")]
    CallRetrying { attempt: u32, of: u32, wait_ms: u64, reason: String },
    #[serde(rename = "tool.started")]
    ToolStarted { call_id: String, name: String, summary: String },
    #[serde(rename = "tool.finished")]
    ToolFinished { call_id: String, name: String, ok: bool, exit_code: Option<i32>, ms: u64 },
    #[serde(rename = "call.settled")]
    CallSettled {
        attempt_id: String,
        usage: Usage,
        cost_usd: Option<Usd>,
        cost_state: CostState,
        proof: Proof,
        /// Billed and estimated money of the task so far.
        spent_usd: Usd,
    },
    #[serde(rename = "context.compacted")]
    ContextCompacted { before_tokens: u64, after_tokens: u64 },
    /// What the account that pays has left, before anything is sent.
    #[serde(rename = "credits.left")]
    CreditsLeft {
        #[serde(flatten)]
        left: CreditsLeft,
        /// What the task may cost at most, where that is more than is left; else `null`.
        at_most_usd: Option<Usd>,
    },
    #[serde(rename = "model.switched")]
    ModelSwitched { from: String, to: String, reason: String },
    /// The payer of the route cannot or may not pay.
    #[serde(rename = "payer.blocked")]
    PayerBlocked { payer: String, code: String, message: String },
    #[serde(rename = "check.started")]
    CheckStarted { command: String, round: u32 },
    #[serde(rename = "check.finished")]
    CheckFinished { command: String, ok: bool, exit_code: Option<i32>, round: u32, ms: u64 },
    #[serde(rename = "setup.started")]
    SetupStarted { command: String },
    /// A set-up command of the task's worktree ended.
    #[serde(rename = "setup.finished")]
    SetupFinished { command: String, ok: bool, exit_code: Option<i32>, ms: u64 },
    #[serde(rename = "notice")]
    Notice { message: String },
    #[serde(rename = "task.finished")]
    TaskFinished(Box<TaskFinished>),
    #[serde(rename = "batch.started")]
    BatchStarted(Box<BatchStarted>),
    /// The same as that of a task alone, with its place in the batch.
    #[serde(rename = "task.finished")]
    BatchTaskFinished(Box<BatchTask>),
    #[serde(rename = "batch.finished")]
    BatchFinished(Box<BatchFinished>),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RouteResolved {
    pub task_id: Option<String>,
    pub path: String,
    pub provider: String,
    pub model: String,
    pub engine: String,
    pub key_label: Option<String>,
    pub key_fingerprint: Option<String>,
    pub payer: String,
    /// On a plan: whether its account goes on as paid extra usage; `null` where that is not told.
    pub extra_usage: Option<super::quota::Overage>,
    pub cap_usd: Option<Usd>,
    pub sources: Vec<super::route::Step>,
    pub ignored_ambient: Vec<String>,
    pub warnings: Vec<String>,
    /// What such a task will likely cost; `null` before this project has five of them.
    pub estimate_usd: Option<super::estimate::Estimate>,
    /// The line people see. Not in DESIGN's list; added so that a log shows what was shown.
    pub line: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskFinished {
    pub task_id: Option<String>,
    pub status: Status,
    pub exit_code: u8,
    pub error: Option<Failure>,
    pub turns: u32,
    pub usage: Usage,
    /// Charged to the payer; `null` when any part is unknown.
    pub cost_usd: Option<Usd>,
    pub cost_state: Option<CostState>,
    pub list_usd: Option<Usd>,
    /// Each payer that was charged: with no edge taken, exactly the one that was shown.
    pub payers: Vec<PayerShare>,
    pub proof: Option<Proof>,
    pub sandbox: Option<String>,
    pub files_changed: Vec<FileChange>,
    pub checks: Vec<CheckResult>,
    /// The model's last words: the answer that text mode leaves on stdout.
    pub answer: Option<String>,
    /// What was not allowed, and by whom: `network: crates.io (nobody was there to answer)`.
    pub refused: Vec<String>,
    /// Attempts that failed before anything could be charged for them; all others are in `usage` and the costs.
    pub uncharged_attempts: u32,
    /// What the account that paid has left, where it says so.
    pub credits: Option<CreditsLeft>,
    pub duration_ms: u64,
    /// The budgets of which half or more is used now, the fullest first.
    pub budgets: Vec<BudgetAlert>,
    /// The task's own worktree, where it had one.
    pub worktree: Option<WorktreeUsed>,
    /// The commit of what the task changed, in full.
    pub commit: Option<String>,
    /// The address of the pull request.
    pub pull_request: Option<String>,
    /// The MCP servers whose tools the model was given.
    pub mcp: Vec<McpServerUsed>,
}

/// An MCP server of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct McpServerUsed {
    pub server: String,
    /// `stdio` or `http`.
    pub transport: String,
    pub tools: usize,
    /// What its tools add to each request; estimated.
    pub context_tokens: u64,
    pub calls: u32,
}

/// The git worktree that a task worked in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorktreeUsed {
    pub path: String,
    pub branch: String,
    /// Whether it is gone: nothing was changed in it.
    pub removed: bool,
}

/// A budget of which half or more is used: billed, estimated, uncertain and held money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BudgetAlert {
    /// `today in all projects`, `this task`.
    pub budget: String,
    /// Rounded down; above 100 where a provider charged more than was held.
    pub percent: u64,
    pub used_usd: Usd,
    pub limit_usd: Usd,
    /// Where the limit was set.
    pub source: String,
}

impl std::fmt::Display for BudgetAlert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { budget, percent, used_usd, limit_usd, source } = self;
        write!(f, "{percent} % of the budget for {budget} is used: {used_usd} of {limit_usd} ({source})")
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PayerShare {
    pub path: String,
    pub provider: String,
    pub payer: String,
    pub key_label: Option<String>,
    pub cost_usd: Option<Usd>,
    pub cost_state: CostState,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// Relative to the project's root, `/` between its parts.
    pub path: String,
    /// Lines added and removed; `null` for binary files.
    pub added: Option<u64>,
    pub removed: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckResult {
    pub command: String,
    pub ok: bool,
    pub rounds: u32,
}
