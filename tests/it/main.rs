//! The tests that see `vk` as its users do, or several parts of it at once. One binary, one file a topic.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]
#![allow(clippy::print_stdout, reason = "what is skipped, and what was measured, is told")]
#![allow(dead_code, unreachable_pub, reason = "support is shared: no topic uses all of it")]

#[cfg(target_os = "linux")]
mod batch;
mod budget;
mod compare;
mod completions;
mod config;
#[cfg(unix)]
mod contact;
mod cost;
mod exec;
mod free;
#[cfg(target_os = "linux")]
mod git;
#[cfg(target_os = "linux")]
mod hostile;
mod import;
mod keys;
mod law;
mod ledger;
mod litellm;
mod llamacpp;
#[cfg(unix)]
mod login;
#[cfg(target_os = "linux")]
mod mcp;
mod patches;
mod plans;
mod reconcile;
mod refresh;
mod run;
#[cfg(target_os = "linux")]
mod sandbox;
#[cfg(target_os = "linux")]
mod score;
mod support;
#[cfg(target_os = "linux")]
mod team;
#[cfg(target_os = "linux")]
mod tools;
mod undo;
mod wires;
