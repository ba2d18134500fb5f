//! A task that stopped in the middle goes on under another payer and wire: what was done and read is carried over,
//! what the first model thought is not, for every ordered pair of the three wires.

use serde_json::json;

use super::report;
use crate::support::env::Vk;
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;

const WIRES: [&str; 3] = ["anthropic", "responses", "chat"];
const CREDITS: &str = r#"{"error":{"message":"Insufficient credits","code":402}}"#;
const THOUGHT: &str = "a-thought-of-the-first-model";

fn sse(wire: &str, turn: &Turn) -> Script {
    Script::sse(&match wire {
        "anthropic" => turn.anthropic(),
        "responses" => turn.responses(),
        _ => turn.chat(),
    })
}

/// Two calls at once, in the shape that the wire's own family of models knows.
fn two_calls(wire: &str) -> Turn {
    let shell = if wire == "responses" { "shell" } else { "bash" };
    Turn::new()
        .thinking(THOUGHT)
        .text("I read both.")
        .tool("call_1", shell, json!({"command": "cat a.txt"}))
        .tool("call_2", shell, json!({"command": "cat b.txt"}))
        .tokens(1_000, 50)
}

fn flags(wire: &str) -> Vec<&'static str> {
    match wire {
        "anthropic" => vec!["--path", "byok", "--provider", "anthropic", "--key", "env:TEST_ANTHROPIC_KEY"],
        "responses" => vec!["--path", "byok", "--provider", "openai", "--key", "env:TEST_OPENAI_KEY"],
        _ => vec!["--path", "platform", "--provider", "gate", "--model", "house"],
    }
}

fn crosses(from: &str, to: &str) {
    let first = Provider::start([sse(from, &two_calls(from)), Script::json(402, CREDITS)]);
    let second = Provider::start([sse(to, &Turn::say("Done by the other.").tokens(2_000, 20))]);
    let address = |wire: &str| if wire == from { first.url() } else { second.url() };
    let config = format!(
        "[providers.anthropic]\nbase_url = \"{}\"\n[providers.openai]\nbase_url = \"{}/v1\"\n\
         [providers.gate]\nkind = \"platform\"\nwire = \"chat\"\nauth = \"none\"\nbase_url = \"{}/v1\"\n\
         [providers.gate.prices.\"house\"]\nas = \"anthropic/claude-sonnet-5-5\"\n",
        address("anthropic"),
        address("responses"),
        address("chat"),
    );
    let vk = Vk::new().config(&config).file("a.txt", "first-content\n").file("b.txt", "second-content\n");
    let begun = [&["run"], &flags(from)[..]].concat();
    let (ran, finished) = report(&vk, &begun, &["read both files"]);
    assert_eq!((ran.code, finished["status"].as_str()), (4, Some("payer_blocked")), "{from} to {to}: {ran}");
    let went_on = [&["run", "--continue"], &flags(to)[..]].concat();
    let (ran, finished) = report(&vk, &went_on, &["go on"]);
    assert_eq!((ran.code, &finished["answer"]), (0, &json!("Done by the other.")), "{from} to {to}: {ran}");
    let sent = second.requests()[0].json().to_string();
    for carried in ["read both files", "first-content", "second-content", "cat b.txt", "go on"] {
        assert!(sent.contains(carried), "{from} to {to}: no {carried:?} in {sent}");
    }
    assert!(!sent.contains(THOUGHT), "{from} to {to}: {sent}");
    // Each task's own payer is in the ledger.
    let payers = finished["payers"].as_array().unwrap();
    assert_eq!(payers.len(), 1, "{from} to {to}: {finished}");
}

#[test]
fn a_stopped_task_goes_on_over_any_other_wire() {
    std::thread::scope(|scope| {
        for from in WIRES {
            for to in WIRES.into_iter().filter(|to| *to != from) {
                scope.spawn(move || crosses(from, to));
            }
        }
    });
}
