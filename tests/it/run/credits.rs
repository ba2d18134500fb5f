//! What a gateway's account has left: shown beside the route, before a task and after it, and never in its way.

use serde_json::json;

use super::report;
use crate::support::env::Vk;
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;

const RUN: [&str; 7] = ["run", "--path", "platform", "--provider", "openrouter", "--key", "env:TEST_OPENROUTER_KEY"];
const KEY: &str = "/api/v1/key";
const CREDITS: &str = "/api/v1/credits";

fn gateway(turns: usize) -> (Provider, Vk) {
    let answer = Turn::say("Done.").tokens(1_000, 100).cost("0.003").chat();
    let provider = Provider::start((0..turns).map(|_| Script::sse(&answer)));
    let vk = Vk::new().provider("openrouter", &format!("{}/api/v1", provider.url()));
    (provider, vk)
}

fn bought(total: &str, used: &str) -> Script {
    Script::json(200, &format!(r#"{{"data":{{"total_credits":{total},"total_usage":{used}}}}}"#))
}

fn key(remaining: &str) -> Script {
    Script::json(
        200,
        &format!(
            r#"{{"data":{{"label":"sk-or-v1-au7...890","limit":100,"limit_remaining":{remaining},"usage":25.5,
                "is_free_tier":false,"free_model_daily_requests":{{"limit":50,"remaining":42,"used":8}}}}}}"#
        ),
    )
}

#[test]
fn credits_are_told_before_a_task_and_after_it() {
    let (provider, vk) = gateway(4);
    provider.answer_get_at(CREDITS, bought("50", "42.5"));
    provider.answer_get_at(KEY, key("null"));
    let (ran, finished) = report(&vk, &RUN, &["go"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(
        finished["credits"],
        json!({"provider": "openrouter", "credits_usd": "7.50", "free_requests": null, "median_usd": null})
    );
    // From the third task on there is a median; 7.50 / 0.003.
    report(&vk, &RUN, &["go"]);
    report(&vk, &RUN, &["go"]);
    let ran = vk.run(&[&RUN[..], &["go"]].concat());
    let told = "$7.50 left, about 2500 tasks at your median of $0.0030";
    assert!(ran.stderr.contains(&format!("credits: {told}\n")), "{ran}");
    assert!(ran.stderr.contains(&format!("credits  {told}\n")), "{ran}");
    // The question carries the key, and it is asked of nobody else.
    let asked = provider.captured();
    let asked: Vec<_> = asked.iter().filter(|request| request.method == "GET").collect();
    assert_eq!(asked.len(), 4 * 2 * 2);
    assert!(
        asked.iter().all(|request| request.header("authorization").is_some_and(|h| h.starts_with("Bearer sk-or-")))
    );
}

#[test]
fn a_task_that_could_use_all_of_it_up_says_so_first() {
    let (provider, vk) = gateway(1);
    provider.answer_get_at(CREDITS, bought("50", "10"));
    provider.answer_get_at(KEY, key("0.42"));
    let ran = vk.run(&[&RUN[..], &["--output", "stream-json", "go"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    let events = ran.json_lines();
    let at =
        |kind: &str| events.iter().position(|event| event["type"] == kind).unwrap_or_else(|| panic!("{kind}: {ran}"));
    let left = &events[at("credits.left")];
    assert_eq!((&left["credits_usd"], &left["at_most_usd"]), (&json!("0.42"), &json!("5.00")), "the key's own limit");
    assert!(at("route.resolved") < at("credits.left") && at("credits.left") < at("budget.reserved"), "{ran}");
}

#[test]
fn an_account_that_says_nothing_is_in_nobodys_way() {
    for odd in [
        Script::json(401, r#"{"error":{"code":401,"message":"not a management key"}}"#),
        Script::html(200, "<html>login</html>"),
        Script::json(200, r#"{"data":{"total_credits":"many","total_usage":null,"limit_remaining":[]}}"#),
        Script::redirect(302, "http://127.0.0.1:1/elsewhere"),
        Script::hang_up(),
    ] {
        let (provider, vk) = gateway(1);
        provider.answer_get(odd);
        let (ran, finished) = report(&vk, &RUN, &["go"]);
        assert_eq!((ran.code, &finished["credits"]), (0, &json!(null)), "{ran}");
        assert!(!ran.stderr.contains("credits:"), "{ran}");
    }
}

#[test]
fn vk_route_shows_what_is_left_beside_each_payer() {
    let (provider, vk) = gateway(0);
    provider.answer_get_at(CREDITS, bought("50", "42.5"));
    provider.answer_get_at(KEY, key("null"));
    let flags = ["route", "--provider", "openrouter", "--key", "env:TEST_OPENROUTER_KEY"];
    let ran = vk.run(&[&flags[..], &["--path", "platform", "--output", "json"]].concat());
    let shown = ran.json_lines().remove(0);
    let row = shown["paths"].as_array().unwrap().iter().find(|row| row["path"] == "platform").unwrap();
    assert_eq!((&row["possible"], &row["left"]), (&json!(true), &json!("$7.50 left")), "{ran}");
    let ran = vk.run(&[&flags[..], &["--path", "platform"]].concat());
    assert!(ran.stdout.contains("left") && ran.stdout.contains("$7.50"), "{ran}");
    let ran =
        vk.run(&[&flags[..], &["--path", "free", "--model", "openai/gpt-oss-120b:free", "--output", "json"]].concat());
    let shown = ran.json_lines().remove(0);
    let row = shown["paths"].as_array().unwrap().iter().find(|row| row["path"] == "free").unwrap();
    assert_eq!(row["left"], "42 free requests left today", "{ran}");
}

#[test]
fn a_virtual_keys_budget_at_litellm_is_its_credit() {
    let answer = Turn::say("Done.").tokens(1_000, 100).chat();
    let provider = Provider::start([Script::sse(&answer)]);
    provider.answer_get_at(
        "/key/info",
        Script::json(200, r#"{"key":"88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b","info":{"spend":1.25,"max_budget":10.0}}"#),
    );
    let vk = Vk::new().provider("litellm", &format!("{}/v1", provider.url())).var("TEST_LITELLM_KEY", "sk-1234");
    let flags = ["run", "--path", "platform", "--provider", "litellm", "--key", "env:TEST_LITELLM_KEY"];
    let (ran, finished) = report(&vk, &flags, &["--model", "anthropic/claude-sonnet-5-5", "go"]);
    assert_eq!((ran.code, &finished["credits"]["credits_usd"]), (0, &json!("8.75")), "{ran}");
}
