//! Answers that do not hold to the route: another model than was asked for, a cost that cannot be.

use serde_json::json;

use super::{ANTHROPIC, anthropic, report};
use crate::support::env::Vk;
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;

const PLATFORM: [&str; 9] =
    ["run", "--path", "platform", "--provider", "gate", "--key", "env:TEST_GATE_KEY", "--model", "house-large"];

fn gate(provider: &Provider, more: &str) -> Vk {
    let config = format!(
        "[providers.gate]\nkind = \"platform\"\nwire = \"chat\"\nbase_url = \"{}/v1\"\nmarkup = \"8%\"\n{more}\n\
         [providers.gate.prices.\"house-large\"]\nas = \"anthropic/claude-sonnet-5-5\"\n",
        provider.url()
    );
    Vk::new().config(&config).var("TEST_GATE_KEY", "house-key-planted-canary-0123456789")
}

fn turn() -> Turn {
    Turn::say("Done.").tokens(1_000, 100)
}

#[test]
fn another_model_than_was_asked_for_ends_the_task() {
    let provider = Provider::start([Script::sse(&turn().model("claude-haiku-5-5").anthropic())]);
    let vk = anthropic(&provider);
    let (ran, finished) = report(&vk, &ANTHROPIC, &["--model", "opus", "go"]);
    assert_eq!((ran.code, finished["error"]["code"].as_str()), (6, Some("other_model")), "{ran}");
    let said = finished["error"]["message"].as_str().unwrap();
    assert!(said.contains("asked for claude-opus-5-5, and claude-haiku-5-5 answered"), "{said}");
    let fix = finished["error"]["fix"].as_str().unwrap();
    let again = "vk run --continue --model claude-haiku-5-5 --path byok --provider anthropic --key env:TEST_ANTHROPIC_KEY \"go on\"";
    assert!(fix.starts_with(again), "{fix}");
    // What came was paid for, at a price that is not sure.
    assert_eq!(finished["cost_state"], "estimated", "{ran}");
    let task = finished["task_id"].as_str().unwrap();
    let calls = vk.run(&["cost", "show", task, "--output", "json"]);
    assert!(calls.stdout.contains("claude-haiku-5-5"), "{calls}");
}

#[test]
fn the_same_model_under_another_spelling_goes_on() {
    for name in ["claude-sonnet-5-5-20261007", "anthropic/claude-sonnet-5.5", "claude-sonnet-5-5", ""] {
        let provider = Provider::start([Script::sse(&turn().model(name).anthropic())]);
        let (ran, finished) = report(&anthropic(&provider), &ANTHROPIC, &["--model", "sonnet", "go"]);
        assert_eq!((ran.code, finished["cost_state"].as_str()), (0, Some("billed")), "{name}: {ran}");
    }
}

#[test]
fn a_gateway_may_choose_only_where_the_user_says_so() {
    // What the price is taken from is the same model by the user's own word.
    for (more, answered, code) in [
        ("", "gpt-6-luna", 6),
        ("", "claude-sonnet-5-5", 0),
        ("", "house-large", 0),
        ("allow_other_models = true", "gpt-6-luna", 0),
        ("allow_other_models = false", "gpt-6-luna", 6),
    ] {
        let provider = Provider::start([Script::sse(&turn().model(answered).chat())]);
        let (ran, _) = report(&gate(&provider, more), &PLATFORM, &["go"]);
        assert_eq!(ran.code, code, "{more} {answered}: {ran}");
    }
    let vk = Vk::new().file("vk.toml", "allow_other_models = true\n");
    assert_eq!(vk.run(&["route"]).code, 2, "a project does not say so");
}

/// 1,000 x $2 + 100 x $10 a million, and 8%: $0.00324. What is held for the call is more, for its output may be long.
#[test]
fn a_cost_that_cannot_be_ends_the_task_and_one_that_is_none_is_estimated() {
    for (cost, code, billed, state) in [
        ("0.00324", 0, "0.00324", "billed"),
        ("0.02", 0, "0.02", "billed"),
        ("-5", 0, "0.00324", "estimated"),
        ("12.5", 4, "12.50", "billed"),
        ("1e30", 4, "9223372036.854775807", "billed"),
    ] {
        let provider = Provider::start([Script::sse(&turn().cost(cost).chat())]);
        let (ran, finished) = report(&gate(&provider, ""), &PLATFORM, &["go"]);
        let got = (ran.code, finished["cost_usd"].as_str().unwrap(), finished["cost_state"].as_str().unwrap());
        assert_eq!(got, (code, billed, state), "{cost}: {ran}");
        if code == 4 {
            assert_eq!(finished["proof"], "contradicted", "{ran}");
            let why = finished["error"]["message"].as_str().unwrap();
            assert!(why.contains("cannot cost more than $0.1"), "{why}");
        }
    }
    // Where no usage is told either, both are estimates, and neither is nothing.
    let silent = turn().chat().lines().filter(|line| !line.contains("\"usage\":{")).collect::<Vec<_>>().join("\n");
    let provider = Provider::start([Script::sse(&silent)]);
    let (ran, finished) = report(&gate(&provider, ""), &PLATFORM, &["go"]);
    assert_eq!((ran.code, &finished["cost_state"]), (0, &json!("estimated")), "{ran}");
    assert_ne!(finished["cost_usd"], "0.00");
}
