//! What the two engines that drive another program have in common. That program runs its own loop, in its own sandbox,
//! on the user's plan; vk starts it, answers its questions, keeps the books and ends it.

pub mod books;
pub mod child;
pub mod drive;
pub mod failure;
pub mod permit;
pub mod programs;
pub mod story;
pub mod told;

use std::path::PathBuf;

use crate::agent::plan::PlanTerms;
use crate::sandbox::{Mode, Network};

/// What a driven program is started with: the route says who pays, this what it may do.
#[derive(Clone, Debug)]
pub struct Terms {
    pub program: PathBuf,
    pub root: PathBuf,
    pub home: PathBuf,
    /// A private folder of this task, for what the program keeps where it does not use the user's own.
    pub folder: PathBuf,
    pub mode: Mode,
    pub network: Network,
    /// Below HOME, and still to be read by the model's commands: toolchains, and what the user's configuration names.
    pub readable: Vec<PathBuf>,
    /// What the user's configuration lets commands write outside of the project.
    pub writable: Vec<PathBuf>,
    /// vk's own folders.
    pub protected: Vec<PathBuf>,
    /// The whole environment of the program, without any credential.
    pub environment: std::collections::BTreeMap<String, String>,
    /// Variables of this child alone, the token among them.
    pub own: Vec<(&'static str, crate::base::secret::Secret)>,
    pub max_turns: Option<u32>,
    /// What binds the task on the plan.
    pub plan: PlanTerms,
}
