//! Settings from layers, each value with its source; the trust a project file needs; edits that keep comments.

pub mod dirs;
pub mod edge;
pub mod project;
pub mod provider;
pub mod settings;
pub mod source;
pub mod trust;

use crate::base::env::Env;
use crate::domain::failure::Failure;

pub use dirs::Dirs;
pub use edge::{Allow, Edge, EdgeTarget, Payer};
pub use project::{Project, ProjectFile};
pub use provider::{OwnPrice, PriceSettings, ProviderSettings};
pub use settings::{Budgets, KeyChoice, ModelRule, Require, SandboxSettings, Settings};
pub use source::{Layer, Place, Source, Sourced};
pub use trust::Trust;

/// What the command line says, as typed: the highest layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    pub path: Option<String>,
    pub provider: Option<String>,
    pub model: Option<String>,
    /// A label, or `env:NAME`.
    pub key: Option<String>,
    /// `--max-cost`, in dollars.
    pub max_cost: Option<String>,
    /// `--check`; any replaces the checks of every file.
    pub checks: Vec<String>,
    /// `--fallback EDGE=ask|USD`.
    pub fallback: Vec<String>,
}

/// One reading of everything that configures vk.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    pub settings: Settings,
    pub project: Project,
    pub dirs: Dirs,
    pub trust: Trust,
    /// To be said once.
    pub warnings: Vec<String>,
    /// Variables that would choose a payer elsewhere and do not here.
    pub ignored_ambient: Vec<String>,
}

/// Reads every layer once.
///
/// # Errors
/// Exit 2 naming file, line and column where a file is wrong or a folder cannot be trusted.
pub fn load(_env: &Env, _flags: &Flags) -> Result<Loaded, Failure> {
    Err(Failure::usage("not_built", "configuration is not read yet"))
}
