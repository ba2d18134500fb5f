//! One task from start to end: route, reserve, engine, settle, record; checks and undo.

pub mod again;
pub mod caps;
pub mod checks;
pub mod credits;
pub mod detect;
mod diff;
pub mod edges;
pub mod engines;
pub mod forecast;
pub mod free;
pub mod hand_over;
pub mod health;
pub mod order;
pub mod prepare;
pub mod report;
pub mod run;
pub mod setup;
mod shown;
pub mod snapshot;
pub mod standing;
pub mod tree;
pub mod undo;
pub mod ways_out;
