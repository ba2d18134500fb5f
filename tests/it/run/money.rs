//! The cap holds: before a call is sent, whatever the model or the clock do.

use serde_json::json;

use super::{ANTHROPIC, anthropic, report};
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;

#[test]
fn a_call_that_does_not_fit_the_cap_is_never_sent() {
    let provider = Provider::start([]);
    let (ran, finished) = report(&anthropic(&provider), &ANTHROPIC, &["--max-cost", "0.001", "go"]);
    assert_eq!(ran.code, 5, "{ran}");
    assert_eq!(finished["status"], "budget");
    assert!(provider.requests().is_empty());
    assert!(finished["error"]["fix"].as_str().unwrap().contains("--max-cost"), "{finished}");
}

#[test]
fn the_output_is_made_smaller_until_the_call_fits() {
    let provider = Provider::start([Script::sse(&Turn::say("ok").tokens(500, 5).anthropic())]);
    let (ran, _) = report(&anthropic(&provider), &ANTHROPIC, &["--max-cost", "0.06", "go"]);
    assert_eq!(ran.code, 0, "{ran}");
    let wanted = provider.requests()[0].json()["max_tokens"].as_u64().unwrap();
    assert!((1_024..16_384).contains(&wanted), "{wanted}");
}

#[test]
fn a_loop_of_calls_stops_at_the_cap_and_not_after_it() {
    // Each call costs $0.162 until the output that still fits the cap of $1.00 is smaller than what a call would give.
    let turn = |i: usize, output: u64| {
        Turn::new().tool(&format!("t{i}"), "bash", json!({"command": "true"})).tokens(1_000, output).anthropic()
    };
    let provider = Provider::start((0..20).map(|i| Script::sse(&turn(i, if i < 6 { 16_000 } else { 900 }))));
    provider.allow_leftovers();
    let (ran, finished) = report(&anthropic(&provider), &ANTHROPIC, &["--max-cost", "1.00", "go"]);
    assert_eq!(ran.code, 5, "{ran}");
    let cost: f64 = finished["cost_usd"].as_str().unwrap().parse().unwrap();
    assert!(cost <= 1.0 && cost > 0.97, "{cost}");
    let wanted: Vec<u64> = provider.requests().iter().map(|r| r.json()["max_tokens"].as_u64().unwrap()).collect();
    assert!(
        wanted[..6].iter().all(|&most| most >= 16_000) && wanted[6..].iter().all(|&most| most < 2_800),
        "{wanted:?}"
    );
}

#[test]
fn a_provider_that_gives_more_than_was_asked_is_recorded_as_it_charged_and_stops_the_task() {
    let turn = Turn::new().tool("t1", "bash", json!({"command": "true"})).tokens(1_000, 60_000).anthropic();
    let provider = Provider::start([Script::sse(&turn), Script::sse(&Turn::say("never").anthropic())]);
    provider.allow_leftovers();
    let (ran, finished) = report(&anthropic(&provider), &ANTHROPIC, &["--max-cost", "0.30", "go"]);
    assert_eq!((ran.code, provider.requests().len()), (5, 1), "{ran}");
    assert_eq!(finished["cost_usd"], "0.602");
}

#[test]
fn a_model_without_a_price_is_refused_under_a_cap_before_anything_is_sent() {
    let provider = Provider::start([]);
    let (ran, finished) = report(&anthropic(&provider), &ANTHROPIC, &["--model", "claude-unheard-of-9", "go"]);
    assert_eq!(ran.code, 2, "{ran}");
    assert!(provider.requests().is_empty());
    assert!(finished["error"].to_string().contains("prices"), "it names the table that prices it: {finished}");
}

#[test]
fn turns_are_limited_and_the_cut_is_continued() {
    let provider = Provider::start([
        Script::sse(&Turn::new().tool("t1", "bash", json!({"command": "echo one"})).anthropic()),
        Script::sse(&Turn::say("finished").anthropic()),
    ]);
    let vk = anthropic(&provider);
    let (ran, finished) = report(&vk, &ANTHROPIC, &["--max-turns", "1", "go"]);
    assert_eq!((ran.code, finished["status"].as_str()), (1, Some("limit")), "{ran}");
    let (ran, finished) = report(&vk, &ANTHROPIC, &["--continue"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(finished["answer"], "finished");
}

#[test]
fn time_is_limited_even_in_the_middle_of_a_command() {
    let provider =
        Provider::start([Script::sse(&Turn::new().tool("t1", "bash", json!({"command": "sleep 30"})).anthropic())]);
    let started = std::time::Instant::now();
    let (ran, finished) = report(&anthropic(&provider), &ANTHROPIC, &["--timeout", "1s", "go"]);
    assert_eq!((ran.code, finished["status"].as_str()), (1, Some("limit")), "{ran}");
    assert!(started.elapsed().as_secs() < 15);
}
