//! What a provider can do wrong, the exit code it gives, and that the ledger has what was spent.

use super::{ANTHROPIC, anthropic, report};
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;

fn error(kind: &str, message: &str) -> String {
    format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}},"request_id":"req_1"}}"#)
}

/// Runs one task against one failing answer, or several.
fn fault(scripts: Vec<Script>, more: &[&str]) -> (i32, serde_json::Value, usize) {
    let provider = Provider::start(scripts);
    let vk = anthropic(&provider);
    let (ran, finished) = report(&vk, &ANTHROPIC, &[more, &["go"]].concat());
    let has_words = finished["error"]["message"].as_str().is_some_and(|message| message.len() > 10);
    assert!(has_words && finished["error"]["fix"].is_string(), "an error says what, why and what to type: {ran}");
    (ran.code, finished, provider.requests().len())
}

#[test]
fn refusals_end_at_once_with_the_code_of_their_cause() {
    let cases = [
        (401, error("authentication_error", "invalid x-api-key"), 3, "no_credential"),
        (403, error("permission_error", "not allowed"), 3, "no_credential"),
        (402, error("billing_error", "pay first"), 4, "payer_blocked"),
        (
            400,
            error("invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
            4,
            "payer_blocked",
        ),
        (404, error("not_found_error", "model: claude-sonnet-5-5"), 2, "usage"),
    ];
    for (status, body, code, word) in cases {
        let (exit, finished, requests) = fault(vec![Script::json(status, &body)], &[]);
        assert_eq!((exit, requests), (code, 1), "HTTP {status}: {finished}");
        assert_eq!(finished["status"], word, "HTTP {status}: {finished}");
        assert_eq!(finished["payers"], serde_json::json!([]), "nothing was charged: {finished}");
    }
}

#[test]
fn passing_errors_are_tried_again_and_then_told() {
    for (status, kind) in [(500, "api_error"), (529, "overloaded_error"), (429, "rate_limit_error")] {
        let script = || Script::json(status, &error(kind, "later")).header("retry-after-ms", "5");
        let (exit, finished, requests) = fault(vec![script(), script(), script()], &[]);
        assert_eq!((exit, requests), (6, 3), "HTTP {status}: {finished}");
        assert_eq!(finished["status"], "provider_failed");
    }
}

#[test]
fn a_retry_that_succeeds_is_a_success_with_one_row_an_attempt() {
    let provider = Provider::start([
        Script::json(529, &error("overloaded_error", "later")).header("retry-after-ms", "5"),
        Script::sse(&Turn::say("ok").tokens(1_000, 100).anthropic()),
    ]);
    let vk = anthropic(&provider);
    let (ran, finished) = report(&vk, &ANTHROPIC, &["go"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(finished["cost_usd"], "0.003");
    let id = finished["task_id"].as_str().unwrap();
    let shown = vk.run(&["cost", "show", id, "--output", "json"]);
    assert!(shown.stdout.contains("overloaded"), "the failed attempt has a row: {shown}");
}

#[test]
fn a_stream_that_ends_early_is_an_interruption_and_costs_an_estimate() {
    let whole = Turn::say(&"words ".repeat(200)).tokens(10_000, 300).anthropic();
    let cut = || Script::sse(&whole).cut_at(whole.len() - 200);
    let (exit, finished, requests) = fault(vec![cut(), cut(), cut()], &[]);
    assert_eq!((exit, requests), (6, 3), "{finished}");
    assert_eq!(finished["cost_state"], "estimated");
    let cost: f64 = finished["cost_usd"].as_str().unwrap().parse().unwrap();
    // Three times 10,000 tokens in at $2/M and about 300 out at $10/M.
    assert!((0.06..0.08).contains(&cost), "{cost}");
}

#[test]
fn an_error_event_after_200_is_read_by_its_type() {
    let start = Turn::say("par").anthropic();
    let head: String = start.split_inclusive("\n\n").take(2).collect();
    let failing = format!("{head}event: error\ndata: {}\n\n", error("overloaded_error", "Overloaded"));
    let (exit, finished, requests) =
        fault(vec![Script::sse(&failing), Script::sse(&failing), Script::sse(&failing)], &[]);
    assert_eq!((exit, requests), (6, 3), "{finished}");
}

#[test]
fn answers_that_are_no_answers_are_exit_6() {
    for script in [Script::html(200, "<html>captive portal</html>"), Script::redirect(302, "http://127.0.0.1:9/steal")]
    {
        let provider = Provider::start([script]);
        provider.allow_leftovers();
        let (ran, finished) = report(&anthropic(&provider), &ANTHROPIC, &["go"]);
        assert_eq!(ran.code, 6, "{ran}");
        assert_eq!(finished["status"], "provider_failed", "{ran}");
    }
}

#[test]
fn nobody_listening_is_exit_6_and_costs_nothing() {
    let provider = Provider::start([]);
    let vk = anthropic(&provider);
    drop(provider);
    let (ran, finished) = report(&vk, &ANTHROPIC, &["go"]);
    assert_eq!(ran.code, 6, "{ran}");
    assert_eq!(finished["cost_usd"], serde_json::Value::Null);
    assert_eq!(finished["payers"], serde_json::json!([]));
}
