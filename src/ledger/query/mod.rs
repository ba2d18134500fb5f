//! What the ledger answers: reports by any group, one task call by call, lists of tasks. Read only.

mod billed;
mod calls;
mod find;
mod groups;
mod history;
mod past;
mod report;
mod requests;
mod spend;
mod spenders;
mod tasks;
mod typical;
mod uncertain;

pub use calls::{CallRow, CallState};
pub use find::Found;
pub use groups::GroupRow;
pub use history::PastCall;
pub(super) use report::SUMS;
pub use report::{Group, Query, Report, Rows};
pub use spend::{Amount, CallCounts, Spend};
pub use spenders::{Spender, Spenders};
pub(super) use tasks::records as tasks_that;
pub use tasks::{TaskRecord, TaskRow};
pub use uncertain::UncertainCall;
