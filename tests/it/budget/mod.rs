//! Budgets as people and scripts meet them: what stops a task, what is said about it, and `vk budget`.

mod caps;
mod command;
mod estimate;
mod killed;
mod together;

use serde_json::json;

use crate::support::env::{Ran, Vk};
use crate::support::provider::Script;
use crate::support::turn::Turn;

/// An answer that ends the task and costs so many cents: each token of output is a thousandth of one.
pub(crate) fn costs(cents: u64) -> Script {
    Script::sse(&Turn::say("done").tokens(0, cents * 1_000).anthropic())
}

/// A turn that goes on, at so many cents.
fn works(id: &str, cents: u64) -> Script {
    let turn = Turn::new().tool(id, "bash", json!({"command": "true"})).tokens(0, cents * 1_000);
    Script::sse(&turn.anthropic())
}

/// The line that says who pays.
fn route_line(ran: &Ran) -> &str {
    ran.stderr.lines().find(|line| line.contains(" · ")).unwrap_or_else(|| panic!("{ran}"))
}

/// A stored key, so that budgets of keys have one to name.
pub(crate) fn with_key(vk: Vk, label: &str) -> Vk {
    let identity = age::x25519::Identity::generate();
    let identity = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
    let vk = vk.var("VK_AGE_IDENTITY", &identity);
    assert_eq!(vk.run(&["keys", "init", "--file"]).code, 0);
    let added = vk.run(&["keys", "add", "anthropic", "--label", label, "--from-env", "TEST_ANTHROPIC_KEY"]);
    assert_eq!(added.code, 0, "{added}");
    vk
}
