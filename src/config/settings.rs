//! What the layers add up to. Plain values: reading files is in `load`, the decision is in `routing`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use regex::Regex;

use super::budget::Budget;
use super::edge::Edge;
use super::free::FreeSettings;
use super::ledger::LedgerSettings;
use super::mcp::McpServer;
use super::plan_budget::PlanLimits;
use super::provider::ProviderSettings;
use super::source::Sourced;
use super::worktree::WorktreeSettings;
use crate::base::money::Usd;
use crate::domain::path::{PayPath, UnknownWord};

/// The merged configuration of one start of vk, each value with its source.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Never inferred: `None` asks in a terminal and is exit 3 without one.
    pub path: Option<Sourced<PayPath>>,
    pub provider: Option<Sourced<String>>,
    /// An alias, an exact id, or `fast`, `balanced`, `best`, as written.
    pub model: Option<Sourced<String>>,
    pub key: Option<Sourced<KeyChoice>>,
    /// By name: the built-in ones and the user's own.
    pub providers: BTreeMap<String, ProviderSettings>,
    /// The model by kind of task; the first match wins. Empty where a higher layer names the model.
    pub models: Vec<Sourced<ModelRule>>,
    /// Shell commands that run after the work, in the sandbox.
    pub checks: Vec<Sourced<String>>,
    pub budget: Budgets,
    /// The changes of payer that the user allows, in the order written.
    pub fallback: Vec<Sourced<Edge>>,
    pub sandbox: SandboxSettings,
    pub free: FreeSettings,
    /// Whether the terminal rings when a task is done or asks something.
    pub bell: Sourced<bool>,
    /// What a new worktree gets; empty where none is asked for.
    pub worktree: WorktreeSettings,
    /// Programs and services whose tools the model may be given, by name; those that are off too.
    pub mcp: Vec<McpServer>,
    /// The database that a team shares; `None`: a file of this machine.
    pub ledger: Option<LedgerSettings>,
    /// Where Codex logins are made and renewed; `None`: at the service's own identity server.
    pub codex_issuer: Option<Sourced<String>>,
    /// `--engine builtin`: vk's own loop, also where the plan has a program of its own and allows another.
    pub builtin: bool,
}

/// Which key pays: one of vk's store, or a variable that the user names for this run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyChoice {
    Label(String),
    /// The name of the variable; from a flag or `VK_KEY` only, never from a file.
    Env(String),
}

impl std::fmt::Display for KeyChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Label(label) => f.pad(label),
            Self::Env(name) => write!(f, "env:{name}"),
        }
    }
}

/// `[[models]]`: a model for the tasks whose words match.
#[derive(Clone, Debug)]
pub struct ModelRule {
    pub pattern: String,
    pub model: String,
    pub(super) regex: Regex,
}

impl ModelRule {
    /// Whether the task's words match, whatever their case.
    #[must_use]
    pub fn matches(&self, task: &str) -> bool {
        self.regex.is_match(task)
    }
}

impl PartialEq for ModelRule {
    fn eq(&self, other: &Self) -> bool {
        self.pattern == other.pattern && self.model == other.model
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// What one task may cost at most on a billed path. A flag or the user may set any; a project only a lower one.
    pub task: Sourced<Usd>,
    /// Every other limit: windows, and tasks on single paths, with single keys, of single projects. Each binds beside
    /// the others.
    pub others: Vec<Sourced<Budget>>,
    /// Those of plans, which charge no money.
    pub plans: PlanLimits,
}

impl Budgets {
    /// A limit for each task and no other.
    #[must_use]
    pub const fn of_task(task: Sourced<Usd>) -> Self {
        Self { task, others: Vec::new(), plans: PlanLimits::NONE }
    }
}

/// The user's wishes for the sandbox; a project has no say in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxSettings {
    pub require: Sourced<Require>,
    /// Folders outside the workspace that commands may read; absolute.
    pub read: Vec<Sourced<PathBuf>>,
    /// Folders outside the workspace that commands may write; absolute, never vk's own.
    pub write: Vec<Sourced<PathBuf>>,
    /// Variables that commands see beside the built-in list; never a provider's credential.
    pub env: Vec<Sourced<String>>,
}

/// The weakest containment that a run accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Require {
    /// bubblewrap, or no run.
    Full,
    /// Landlock will do where bubblewrap is not there.
    Partial,
}

impl Require {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial => "partial",
        }
    }
}

impl std::str::FromStr for Require {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Full, Self::Partial]
            .into_iter()
            .find(|level| level.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned(), "full, partial"))
    }
}
