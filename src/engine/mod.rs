//! Who runs the loop, behind one trait: vk's own agent, or a program that a plan pays for.

mod builtin;
mod claude;
mod codex;
pub mod driven;
pub mod holds;
pub mod standing;
#[cfg(test)]
mod testing;

use std::future::Future;

pub use builtin::Builtin;
pub use claude::Claude;
pub use codex::Codex;

use crate::agent::call::Spent;
use crate::domain::failure::Failure;

/// What an engine has used so far under its one payer.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub spent: Spent,
    /// Turns of the whole task.
    pub turns: u32,
    /// Calls of the whole task.
    pub calls: u32,
    /// The organization that the credential's answers name.
    pub organization: Option<String>,
}

/// Works on a task under one route until the model ends its turn, and can be spoken to again.
pub trait Engine {
    /// Runs until the model ends its turn; gives its last words.
    ///
    /// # Errors
    /// Whatever ends the task. What was spent is settled, and the transcript can be gone on with.
    fn run(&mut self) -> impl Future<Output = Result<String, Failure>>;

    /// Adds words of the user's side for the next run.
    ///
    /// # Errors
    /// When the transcript cannot be written.
    fn say(&mut self, text: &str) -> Result<(), Failure>;

    fn tally(&self) -> Tally;

    /// Ends whatever the engine has running.
    fn close(&mut self) -> impl Future<Output = ()> {
        std::future::ready(())
    }
}
