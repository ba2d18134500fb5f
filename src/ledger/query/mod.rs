//! What the ledger answers: reports by any group, one task call by call, lists of tasks. Read only.

mod report;
mod spend;
mod tasks;

pub use report::{Group, GroupRow, Query, Report, Rows, TaskRow};
pub use spend::{Amount, Spend};
pub use tasks::{CallRow, CallState, Found, TaskRecord};
