//! What other tools spent, read from the logs they leave on this machine: one file a foreign log, and what they share.
//!
//! A log is read where it stands and never changed. Each call is counted once, however often its tool wrote it down
//! and in how many files; what was read is remembered, so that the next time only new bytes are. Imported calls are
//! no spend of vk's: no budget counts them, and nothing here says they were billed.

mod book;
mod call;
mod claude_code;
mod codex;
mod driven;
mod fields;
mod files;
mod lines;
mod mark;
mod opencode;
mod opencode_db;
mod outcome;
mod pi;
mod places;
mod prices;
mod reading;
mod run;
mod session;
mod tool;

pub use outcome::{Found, Imported, Oddity, Unpriced};
pub use places::{Kind, Place, given, usual};
pub use prices::PriceList;
pub use tool::Tool;
