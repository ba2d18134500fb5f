//! Gateways and servers of this machine without a table of the user's: `openrouter`, `litellm`, `ollama`.

use serde_json::json;

use super::report;
use crate::support::env::Vk;
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;

const OPENROUTER: [&str; 7] =
    ["run", "--path", "platform", "--provider", "openrouter", "--key", "env:TEST_OPENROUTER_KEY"];

fn openrouter(gateway: &Provider) -> Vk {
    Vk::new().provider("openrouter", &format!("{}/api/v1", gateway.url()))
}

/// 1,000 x $2 + 100 x $10 a million = $0.003 at list.
fn answer(cost: &'static str) -> String {
    Turn::say("Done.").tokens(1_000, 100).cost(cost).chat()
}

#[test]
fn openrouter_is_asked_for_its_own_id_at_no_more_than_the_shown_price() {
    let gateway = Provider::start([Script::sse(&answer("0.003"))]);
    let vk = openrouter(&gateway);
    let (ran, finished) = report(&vk, &OPENROUTER, &["go"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!((finished["cost_usd"].as_str(), finished["cost_state"].as_str()), (Some("0.003"), Some("billed")));
    assert_eq!(finished["proof"], "verified", "its figure is the computed one: {ran}");
    let sent = gateway.requests()[0].json();
    assert_eq!(sent["model"], "anthropic/claude-sonnet-5.5");
    assert_eq!(sent["provider"]["allow_fallbacks"], false);
    let most = &sent["provider"]["max_price"];
    assert_eq!(most["completion"], json!(10.0), "{sent}");
    let line = vk.run(&[&OPENROUTER[..], &["--dry-run", "go"]].concat()).stderr;
    assert!(line.contains("you pay OpenRouter: list, no markup, 5.5% on credits bought"), "{line}");
}

/// A key of the user's own at the gateway pays another account than the one that was shown.
#[test]
fn a_gateway_that_used_another_key_ends_the_task() {
    let gateway = Provider::start([Script::sse(&answer("0.0002").replace("\"is_byok\":false", "\"is_byok\":true"))]);
    let (ran, finished) = report(&openrouter(&gateway), &OPENROUTER, &["go"]);
    assert_eq!((ran.code, finished["status"].as_str()), (4, Some("contradicted")), "{ran}");
}

#[test]
fn the_gateways_own_figure_is_what_was_billed() {
    let gateway = Provider::start([Script::sse(&answer("0.0041"))]);
    let vk = openrouter(&gateway);
    let (ran, finished) = report(&vk, &OPENROUTER, &["--model", "anthropic/claude-sonnet-5.5", "go"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!((&finished["cost_usd"], &finished["list_usd"]), (&json!("0.0041"), &json!("0.003")));
    assert_eq!(finished["proof"], "claimed", "more than a percent from the computed one");
}

#[test]
fn a_flat_plan_covers_and_needs_no_cap() {
    let gateway = Provider::start([Script::sse(&answer("0.003"))]);
    let vk = Vk::new().config(&format!(
        "[providers.litellm]\nbase_url = \"{}/v1\"\nauth = \"none\"\nflat_month = \"20.00\"\n",
        gateway.url()
    ));
    let flags = ["run", "--path", "platform", "--provider", "litellm", "--model", "anthropic/claude-sonnet-5-5"];
    let (ran, finished) = report(&vk, &flags, &["go"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!((finished["cost_state"].as_str(), &finished["list_usd"]), (Some("covered"), &json!("0.003")));
    let line = vk.run(&[&flags[..], &["--dry-run", "go"]].concat()).stderr;
    assert!(line.contains("your litellm plan of $20.00 a month covers it") && !line.contains("stops at"), "{line}");
}

#[test]
fn a_server_of_this_machine_is_used_once_it_is_named() {
    let server = Provider::start([Script::sse(&Turn::say("Done.").tokens(1_000, 100).chat())]);
    let unnamed = Vk::new();
    let ran = unnamed.run(&["run", "--path", "free", "go"]);
    assert_eq!(ran.code, 3, "{ran}");
    assert!(ran.stderr.contains("vk use free --provider ollama"), "{ran}");
    let vk = Vk::new().provider("ollama", &format!("{}/v1", server.url()));
    let flags = ["run", "--path", "free", "--model", "qwen3:8b"];
    let (ran, finished) = report(&vk, &flags, &["go"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!((finished["cost_state"].as_str(), finished["proof"].as_str()), (Some("free"), Some("verified")));
    // Ollama's own service is not this machine.
    for hosted in ["gpt-oss:120b-cloud", "glm-4.6:cloud"] {
        let ran = vk.run(&["run", "--path", "free", "--model", hosted, "go"]);
        assert_eq!(ran.code, 2, "{ran}");
        assert!(ran.stderr.contains("does not run on this machine"), "{ran}");
    }
    assert_eq!(server.requests().len(), 1);
}

const FREE: [&str; 7] = ["run", "--path", "free", "--provider", "openrouter", "--key", "env:TEST_OPENROUTER_KEY"];

/// The same gateway and key, and nobody pays: asked for at $0, of upstreams that keep nothing, and held to it.
#[test]
fn free_models_of_openrouter_are_held_to_nothing() {
    let gateway = Provider::start([Script::sse(&answer("0")), Script::sse(&answer("0.0001"))]);
    let vk = openrouter(&gateway);
    let model = ["--model", "openai/gpt-oss-120b:free"];
    let (ran, finished) = report(&vk, &FREE, &[&model[..], &["go"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!((finished["cost_state"].as_str(), finished["proof"].as_str()), (Some("free"), Some("verified")));
    // 1,000 x $0.03 + 100 x $0.15 a million: what the model costs elsewhere.
    assert_eq!(finished["list_usd"], "0.000045");
    let sent = gateway.requests()[0].json();
    assert_eq!(sent["model"], "openai/gpt-oss-120b:free");
    let terms =
        json!({"allow_fallbacks": false, "max_price": {"prompt": 0.0, "completion": 0.0}, "data_collection": "deny"});
    assert_eq!(sent["provider"], terms);
    assert!(ran.stderr.contains("nobody pays") && !ran.stderr.contains("stops at"), "{ran}");
    let (ran, finished) = report(&vk, &FREE, &[&model[..], &["go"]].concat());
    assert_eq!((ran.code, finished["status"].as_str()), (4, Some("contradicted")), "{ran}");
    assert!(ran.stdout.contains("reported a charge of $0.0001"), "{ran}");
}

#[test]
fn what_the_gateway_sells_is_refused_on_the_free_path_unasked() {
    let gateway = Provider::start([]);
    let vk = openrouter(&gateway);
    let ran = vk.run(&[&FREE[..], &["--model", "openai/gpt-oss-120b", "go"]].concat());
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains("--path platform --provider openrouter --model openai/gpt-oss-120b"), "{ran}");
    assert!(gateway.captured().is_empty());
}
