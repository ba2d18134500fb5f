//! A team's ledger in a real PostgreSQL, as its members meet it: each with a HOME, a configuration and a `vk` of their
//! own. Skipped, and said so, where no server is installed.

mod copy;
mod faults;
mod members;

use serde_json::Value;

use crate::support::env::{Ran, Vk};
use crate::support::postgres::Postgres;
use crate::support::provider::Provider;

/// A member with a home of their own, who pays with the planted key and records in the team's ledger.
fn member(name: &str, server: &Postgres, provider: &Provider) -> Vk {
    crate::run::anthropic(provider).config(&format!("[ledger]\nurl = \"{}\"\n", server.url())).var("USER", name)
}

fn json(ran: &Ran) -> Value {
    assert_eq!(ran.code, 0, "{ran}");
    ran.json_lines().remove(0)
}
