//! The loop: send, stream, run tools, repeat until the model ends its turn.

pub mod approvals;
pub mod call;
pub mod cancel;
pub mod compact;
pub mod context;
mod debug;
pub mod hold;
pub mod limits;
pub mod mcp;
pub mod notes;
pub mod on_plan;
pub mod plan;
pub mod prompt;
pub mod proof;
mod reserve;
pub mod session;
pub mod spent;
pub mod tariff;
pub mod tools;
pub mod transcript;
mod verdict;
