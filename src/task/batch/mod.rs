//! Many tasks under one payer and one cap: each in a git worktree of its own, several at once, gone on with after a
//! crash.
//!
//! Every task is one of `task::run` on a thread of its own; what holds the cap over them is the ledger. Nothing is shown
//! here: the board is told.

pub mod line;
pub mod plan;
pub mod results;
mod run;
mod seat;
pub mod shard;
mod start;
mod tally;
mod worker;

use std::path::PathBuf;

use self::line::Line;
use self::plan::Planned;
use self::shard::Shard;
use super::again;
use super::order::{Membership, Order};
use crate::base::money::Usd;
use crate::domain::batch::{BatchFinished, BatchStarted, BatchTask};
use crate::domain::event::Event;
use crate::domain::failure::Failure;

pub use run::run;

/// What a batch was asked for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// What every task is asked for; without words.
    pub order: Order,
    /// The file of tasks, as it was named, and what is in it.
    pub file: String,
    pub bytes: Vec<u8>,
    pub results: PathBuf,
    /// The same as it is shown.
    pub results_name: String,
    /// Tasks that run at once.
    pub jobs: usize,
    pub shard: Option<Shard>,
    /// The batch's name, where the person gave one.
    pub id: Option<String>,
    pub retry_failed: bool,
    /// What the whole batch may cost.
    pub cap: Option<Usd>,
    /// The file and the flags that only a batch has, as typed; without its cap.
    pub typed: String,
}

/// The end of a batch that could not be read.
#[must_use]
pub fn refused(failure: Failure) -> BatchFinished {
    tally::Tally::new().finished(Some(failure))
}

impl Wish {
    /// What one task is asked for.
    #[must_use]
    pub fn order_of(&self, line: &Line) -> Order {
        Order {
            task: line.task.clone(),
            flags: start::flags(&self.order.flags, line),
            max_turns: line.max_turns.or(self.order.max_turns),
            timeout: line.timeout.or(self.order.timeout),
            check_rounds: line.check_rounds.unwrap_or(self.order.check_rounds),
            ..self.order.clone()
        }
    }

    /// The command that goes on with the batch.
    #[must_use]
    pub fn again(&self) -> String {
        again::batch(&self.order, &self.own(), "")
    }

    /// The file and the flags that only a batch has.
    fn own(&self) -> String {
        let cap = self.cap.map(|cap| format!(" --max-cost {}", cap.exact())).unwrap_or_default();
        format!("{}{cap}", self.typed)
    }

    fn order_in(&self, line: &Line, membership: &Membership) -> Order {
        Order { batch: Some(membership.clone()), ..self.order_of(line) }
    }
}

/// Where a batch is shown. Called from the threads of the tasks; none of it may wait for a person.
pub trait Board: Send + Sync {
    /// Who pays, how much at most, and what there is to do.
    fn begins(&self, started: &BatchStarted, tasks: &[Planned]);
    /// A task begins; `at` is its place in the list that `begins` was given.
    fn task_begins(&self, at: usize);
    /// Something happened in a task.
    fn of_task(&self, at: usize, event: &Event);
    /// A task has something to say.
    fn said_by(&self, at: usize, line: &str);
    /// A task ended, and its end is recorded.
    fn task_ended(&self, at: usize, end: &BatchTask);
    /// The batch is being stopped.
    fn stopping(&self, why: &str);
    /// The end, whatever it is.
    fn finished(&self, end: &BatchFinished);
    /// Whether the terminal's bell rings at the end.
    fn ring(&self, on: bool);
    /// An event as one line of JSON, as the results file keeps it.
    fn line(&self, event: &Event) -> String;
}
