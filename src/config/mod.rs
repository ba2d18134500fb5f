//! Settings from layers, each value with its source; the trust a project file needs; edits that keep comments.
//! Decides nothing: which payer and which model follow from the settings is for `routing`.

pub mod address;
mod budget;
mod budget_change;
pub mod change;
mod database;
pub mod describe;
pub mod dirs;
mod document;
pub mod edge;
mod edit;
pub mod error;
mod excerpt;
pub mod free;
mod given;
mod ledger;
mod load;
pub mod mcp;
mod merge;
pub mod names;
mod plan_budget;
pub mod project;
mod project_file;
pub mod provider;
mod provider_table;
pub mod settings;
pub mod source;
#[cfg(test)]
mod testing;
pub mod trust;
mod user_file;
mod user_text;
mod worktree;
pub mod worktrees;

pub use budget::Budget;
pub use budget_change::{Limit, draft_budget};
pub use change::{Change, Draft, Scope, draft};
pub use database::{Database, DatabaseError};
pub use describe::{Described, describe};
pub use dirs::Dirs;
pub use edge::{Allow, Edge, EdgeTarget, Payer};
pub use free::{FreeSettings, Pool, PoolEntry};
pub use given::Flags;
pub use ledger::{LedgerSettings, PASSWORD_OF};
pub use load::{Loaded, load};
pub use mcp::McpServer;
pub use merge::DEFAULT_TASK_BUDGET;
pub use plan_budget::PlanLimits;
pub use project::{Project, ProjectFile};
pub use provider::{OwnPrice, PriceSettings, ProviderSettings};
pub use settings::{Budgets, KeyChoice, ModelRule, Require, SandboxSettings, Settings};
pub use source::{Layer, Place, Source, Sourced};
pub use trust::Trust;
pub use worktree::WorktreeSettings;
