//! One task from start to end: route, reserve, engine, settle, record; checks and undo.

pub mod snapshot;
pub mod undo;
