//! The tests that see `vk` as its users do, or several parts of it at once. One binary, one file a topic.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

mod cost;
mod keys;
mod ledger;
mod undo;
#[cfg(target_os = "linux")]
mod sandbox;
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers may end the test")]
#![allow(dead_code, unreachable_pub, reason = "support is for the tests to come as well")]

mod ledger;
mod support;
mod wires;
