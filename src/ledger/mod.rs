//! What every attempt cost and who paid: written before it is sent, settled after; and the caps that hold.
//!
//! A [`Ledger`] is one connection to the ledger's database. Money is reserved in one immediate transaction over
//! every scope that has a limit, so that no number of processes passes a cap. It does not price calls (the catalog
//! does), choose scopes (configuration does) or print (`present/cost` does).

mod budgets;
mod cap;
mod copy;
mod counters;
mod days;
mod error;
mod holds;
mod id;
pub mod import;
mod owner;
mod period;
mod plans;
pub mod query;
mod record;
mod scope;
mod settle;
mod store;

pub use budgets::TeamBudget;
pub use cap::{Cap, Raise};
pub use copy::Copied;
pub use error::LedgerError;
pub use id::{attempt_id, batch_id, task_id};
pub use owner::Owner;
pub use period::{ParsePeriodError, since, until};
pub use plans::{Claim, PlanKey, TasksDay, WindowUse};
pub use record::{Aborted, Corrected, NewAttempt, NewTask, PriceRef, Settled, Settlement, TaskEnd, Word};
pub use scope::{Reserve, Scope, ScopeKind, Standing};
pub use store::{FILE_NAME, Ledger, Server, ServerError, Trouble};
