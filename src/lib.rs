//! The library behind the `vk` binary. It exists for the tests; its API is not stable.
//! Folders import only what stands below them: `cli` at the top, `base` at the bottom (see `tests/layering.rs`).

pub mod agent;
pub mod base;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod credential;
pub mod domain;
pub mod engine;
pub mod ledger;
pub mod net;
pub mod present;
pub mod provider;
pub mod rehearsal;
pub mod routing;
pub mod sandbox;
pub mod task;
