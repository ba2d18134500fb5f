//! `vk run` as a script sees it: the built binary against providers on loopback.

mod answers;
mod credits;
mod crossing;
mod endings;
mod faults;
mod fixes;
#[cfg(unix)]
mod follow;
mod gateway;
#[cfg(target_os = "linux")]
mod hostile;
mod images;
mod long;
mod money;
mod payer;
mod requests;
mod scripts;
mod work;

use serde_json::Value;

use crate::support::env::{Ran, Vk};
use crate::support::provider::Provider;

/// The flags of a headless run on the user's own Anthropic key.
pub const ANTHROPIC: [&str; 7] =
    ["run", "--path", "byok", "--provider", "anthropic", "--key", "env:TEST_ANTHROPIC_KEY"];
pub const OPENAI: [&str; 7] = ["run", "--path", "byok", "--provider", "openai", "--key", "env:TEST_OPENAI_KEY"];

pub fn anthropic(provider: &Provider) -> Vk {
    Vk::new().provider("anthropic", &provider.url())
}

/// Runs with `--output json` and gives the one object that stdout must hold.
pub fn report(vk: &Vk, base: &[&str], more: &[&str]) -> (Ran, Value) {
    let args = [base, &["--output", "json"], more].concat();
    let ran = vk.run(&args);
    let mut lines = ran.json_lines();
    assert_eq!(lines.len(), 1, "one line of JSON: {ran}");
    let finished = lines.remove(0);
    assert_eq!(finished["type"], "task.finished", "{ran}");
    assert_eq!(finished["exit_code"], ran.code, "{ran}");
    (ran, finished)
}
