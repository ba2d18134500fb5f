//! What a run was asked for: the command line as values that cannot be wrong.

use std::path::PathBuf;
use std::time::Duration;

use crate::agent::approvals::Mode as Approvals;
use crate::config::Flags;
use crate::domain::failure::Failure;
use crate::domain::message::Block;
use crate::domain::path::PayPath;
use crate::domain::route::{CredentialRef, EngineKind, Route};
use crate::ledger::Cap;
use crate::sandbox::{Mode, Network};

/// How often failed checks go back to the model where `--check-rounds` does not say.
pub const CHECK_ROUNDS: u32 = 3;

/// Which task a run goes on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    Nothing,
    /// The last task of this project.
    Last,
    /// A task's id or its beginning.
    Task(String),
}

/// What becomes of the tree's uncommitted changes when a task gets a worktree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dirty {
    /// A person is asked; where nobody is there, they stay.
    Ask,
    Carry,
    Leave,
}

/// What a task of a batch shares with the others.
#[derive(Clone, Debug)]
pub struct Membership {
    pub batch_id: String,
    /// What the whole batch may cost.
    pub cap: Option<Cap>,
    /// Who pays for all of it, as it was shown before the first of them.
    pub payer: Payer,
}

/// Who pays, apart from the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payer {
    path: PayPath,
    /// The free path has many members, and nobody pays any of them.
    account: Option<(String, String, CredentialRef, EngineKind, bool)>,
}

impl Payer {
    #[must_use]
    pub fn of(route: &Route) -> Self {
        let account = (route.path != PayPath::Free).then(|| {
            let Route { provider, base_url, credential, engine, flat, .. } = route;
            (provider.clone(), base_url.clone(), credential.clone(), *engine, *flat)
        });
        Self { path: route.path, account }
    }
}

impl Membership {
    /// A task is paid by whom the batch was shown to be paid by, also where a file was changed since.
    ///
    /// # Errors
    /// Exit 2.
    pub fn check(&self, route: &Route) -> Result<(), Failure> {
        if Payer::of(route) == self.payer {
            return Ok(());
        }
        Err(Failure::usage("batch_payer_changed", "this task would be paid by another account than its batch")
            .why(format!("it would be {}; the configuration has changed since the batch began", route.line()))
            .fix("vk route"))
    }
}

#[derive(Clone, Debug)]
pub struct Order {
    /// The user's words. Empty only when going on without any.
    pub task: String,
    /// What was piped in beside the task.
    pub stdin: Option<String>,
    pub flags: Flags,
    /// `--engine`: refused where it is not the route's.
    pub engine: Option<String>,
    pub from: From,
    /// `None` takes the default: `all` under a full sandbox, else `ask`.
    pub approve: Option<Approvals>,
    /// What the model's commands may write.
    pub mode: Mode,
    pub network: Network,
    pub max_turns: Option<u32>,
    pub timeout: Option<Duration>,
    pub check_rounds: u32,
    /// Given with the task's words; and the files they were, as typed.
    pub images: Vec<Block>,
    /// Whether each request is told of; the terminal shows it.
    pub debug: bool,
    pub image_files: Vec<String>,
    /// Whether the task gets a git worktree of its own.
    pub worktree: Option<Dirty>,
    /// Whether what it changed is committed at its end.
    pub commit: bool,
    /// Whether the commit is pushed and a pull request opened.
    pub pull_request: bool,
    /// The hash given with `--trust`.
    pub trust: Option<String>,
    pub dry_run: bool,
    /// The model is the rehearsed one of `vk demo`: nobody pays, and every row says so.
    pub rehearsed: bool,
    /// The batch that the task belongs to.
    pub batch: Option<Membership>,
    /// Files of the user's that are no part of the project's changes: those of a batch.
    pub apart: Vec<PathBuf>,
}

impl Order {
    /// What is said to a conversation that goes on.
    #[must_use]
    pub fn follow_up(&self) -> &str {
        if self.task.is_empty() { "Go on with the task." } else { &self.task }
    }
}
