//! Who takes over from a member that cannot go on, with the same key and nobody paying, the transcript going on.

use serde_json::json;

use super::{FREE, TOOLS, asked, busy, done, error, list, tool, two, user};
use crate::run::{ANTHROPIC, report};
use crate::support::env::Vk;
use crate::support::provider::{Provider, Script};

#[test]
fn a_limit_in_the_middle_of_a_task_hands_it_to_the_next_member() {
    let answers = [tool("a/first:free", "echo one > one.txt"), busy("a/first:free"), done("a/second:free")];
    let (gateway, vk) = user(two(), answers);
    let ran = vk.run(&[&FREE[..], &["--output", "stream-json", "go"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(asked(&gateway), ["a/first:free", "a/first:free", "a/second:free"]);
    let events = ran.json_lines();
    let switched: Vec<_> = events.iter().filter(|event| event["type"] == "model.switched").collect();
    assert_eq!(switched.len(), 1, "{ran}");
    assert_eq!((&switched[0]["from"], &switched[0]["to"]), (&json!("a/first:free"), &json!("a/second:free")));
    assert!(switched[0]["reason"].as_str().unwrap().contains("rate-limited upstream"), "{ran}");
    // The transcript goes on: the first member's call and its result are in the second's request.
    let sent = gateway.requests()[2].json()["messages"].to_string();
    assert!(sent.contains("echo one > one.txt") && sent.contains("tool_call_id"), "{sent}");
    // The same key, and the same terms.
    let requests = gateway.requests();
    assert_eq!(requests[2].header("authorization"), requests[0].header("authorization"));
    assert_eq!(requests[2].json()["provider"], requests[0].json()["provider"]);
    let finished = events.last().unwrap();
    assert_eq!(finished["payers"].as_array().unwrap().len(), 1, "one payer, which is nobody: {ran}");
    assert_eq!((finished["cost_usd"].as_str(), finished["cost_state"].as_str()), (Some("0.00"), Some("free")), "{ran}");
    assert_eq!(std::fs::read_to_string(vk.project().join("one.txt")).unwrap(), "one\n");
    let told = user(two(), [busy("a/first:free"), done("a/second:free")]);
    let ran = told.1.run(&[&FREE[..], &["go"]].concat());
    assert!(ran.stderr.contains("model switched: a/first:free → a/second:free"), "{ran}");
}

#[test]
fn whatever_fails_at_one_member_is_left_to_the_next() {
    let gone = || error(404, "No endpoints found for a/first:free.", &json!({}));
    let cut = || {
        let whole = crate::support::turn::Turn::say("many words here").cost("0").chat();
        Script::sse(&whole).cut_at(whole.len() / 2)
    };
    let inside = || {
        let failed = json!({"id": "gen-1", "object": "chat.completion.chunk", "created": 1_764_000_000,
            "model": "a/first:free", "choices": [], "error": {"code": 502, "message": "Provider returned error"}});
        Script::sse(&format!("data: {failed}\n\n"))
    };
    for (name, fault) in [
        ("404", gone()),
        ("500", error(500, "Internal Server Error", &json!({}))),
        ("502", error(502, "Provider returned error", &json!({"raw": "upstream down", "provider_name": "X"}))),
        ("503", error(503, "No instances available", &json!({}))),
        ("429", busy("a/first:free")),
        ("html", Script::html(200, "<html>sign in</html>")),
        ("cut", cut()),
        ("error inside", inside()),
    ] {
        let (gateway, vk) = user(two(), [fault, done("a/second:free")]);
        let ran = vk.run(&[&FREE[..], &["go"]].concat());
        assert_eq!(ran.code, 0, "{name}: {ran}");
        assert_eq!(asked(&gateway), ["a/first:free", "a/second:free"], "{name}: {ran}");
    }
}

/// Who cannot pay, or may not ask, is the account's matter: another model would hide it.
#[test]
fn what_is_the_accounts_matter_ends_the_task() {
    for (fault, code) in [
        (error(401, "User not found.", &json!({})), 3),
        (error(402, "Insufficient credits. Add more using https://openrouter.ai/settings/credits", &json!({})), 4),
        (error(403, "Key disabled", &json!({})), 3),
    ] {
        let (gateway, vk) = user(two(), [fault]);
        let ran = vk.run(&[&FREE[..], &["go"]].concat());
        assert_eq!(ran.code, code, "{ran}");
        assert_eq!(asked(&gateway), ["a/first:free"], "{ran}");
    }
}

#[test]
fn a_cool_down_is_kept_for_the_next_process_and_ends_when_it_was_said() {
    let soon = busy("a/first:free").header("retry-after", "300");
    let (gateway, vk) = user(two(), [soon, done("a/second:free"), done("a/second:free")]);
    for _ in 0..2 {
        let ran = vk.run(&[&FREE[..], &["go"]].concat());
        assert_eq!(ran.code, 0, "{ran}");
    }
    assert_eq!(asked(&gateway), ["a/first:free", "a/second:free", "a/second:free"]);
    // As if five minutes had passed.
    let path = vk.data_dir().join("free.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let at = text.find("\"cool_until\": \"").unwrap() + 15;
    let until: jiff::Timestamp = text[at..].split('"').next().unwrap().parse().unwrap();
    let left = until.duration_since(vibekit::base::clock::now()).as_secs();
    assert!((200..=300).contains(&left), "the header's own time: {left}");
    let over = text.replace(&until.to_string(), "2026-01-01T00:00:00Z");
    std::fs::write(&path, over).unwrap();
    gateway.then(done("a/first:free"));
    assert_eq!(vk.run(&[&FREE[..], &["go"]].concat()).code, 0);
    assert_eq!(asked(&gateway).last().unwrap(), "a/first:free");
}

#[test]
fn an_exhausted_pool_says_when_the_first_is_back() {
    let long = |model| busy(model).header("retry-after", "7200");
    let hour = busy("a/second:free").header("retry-after", "3600");
    let (gateway, vk) = user(two(), [long("a/first:free"), hour]);
    let (ran, finished) = report(&vk, &FREE, &["go"]);
    assert_eq!((ran.code, finished["status"].as_str()), (6, Some("provider_failed")), "{ran}");
    assert_eq!(finished["error"]["code"], "pool_exhausted", "{ran}");
    let message = finished["error"]["message"].as_str().unwrap();
    assert!(message.contains("a/second:free is the first back, at ") && message.contains("in 60 min"), "{ran}");
    assert!(finished["error"]["fix"].as_str().unwrap().contains("vk run --continue"), "{ran}");
    assert_eq!(asked(&gateway).len(), 2);
}

/// Only the last that is ready is tried again in place: there is nobody else to go to.
#[test]
fn the_last_member_is_tried_again() {
    let one = list(&[("a/only:free", "0", TOOLS, 131_072)]);
    let soon = || error(503, "No instances available", &json!({})).header("retry-after-ms", "2");
    let (gateway, vk) = user(one, [soon(), done("a/only:free")]);
    let ran = vk.run(&[&FREE[..], &["go"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(gateway.requests().len(), 2);
}

#[test]
fn a_model_that_was_named_is_not_taken_over_from() {
    let late = || busy("a/first:free").header("retry-after", "3600");
    let (gateway, vk) = user(two(), [late()]);
    let (ran, finished) = report(&vk, &FREE, &["--model", "a/first:free", "go"]);
    assert_eq!((ran.code, asked(&gateway).len()), (6, 1), "{ran}");
    let message = finished["error"]["message"].as_str().unwrap();
    assert!(message.contains("a/first:free was named, so no other free model takes over"), "{ran}");
}

/// Never to a provider that is not in the pool, and across providers only as the user's own pool says.
#[test]
fn another_provider_takes_over_only_where_the_pool_names_it() {
    let server = || {
        let server = Provider::start([]);
        let models = json!({"object": "list", "data": [{"id": "qwen3:8b", "object": "model", "owned_by": "vllm", "max_model_len": 40_960}]});
        server.answer_get(Script::json(404, "404 page not found"));
        server.answer_get_at("/v1/models", Script::json(200, &models.to_string()));
        server
    };
    let one = || list(&[("a/only:free", "0", TOOLS, 131_072)]);
    let late = || busy("a/only:free").header("retry-after", "3600");
    let unnamed = server();
    let (_gateway, vk) = user(one(), [late()]);
    let vk = vk.provider("vllm", &format!("{}/v1", unnamed.url()));
    let ran = vk.run(&[&FREE[..], &["go"]].concat());
    assert_eq!(ran.code, 6, "{ran}");
    assert!(unnamed.captured().is_empty(), "another provider is not even looked at: {ran}");

    let named = server();
    named.then(done("qwen3:8b"));
    let (_gateway, vk) = user(one(), [late()]);
    let vk = vk
        .provider("vllm", &format!("{}/v1", named.url()))
        .config("[free]\npool = [\"openrouter/*:free\", \"vllm/*\"]\n");
    let ran = vk.run(&["run", "--path", "free", "--key", "env:TEST_OPENROUTER_KEY", "--output", "stream-json", "go"]);
    assert_eq!(ran.code, 0, "{ran}");
    // The key of the one never goes to the other, and the other is shown before it is asked.
    assert!(named.captured().iter().all(|request| request.header("authorization").is_none()), "{ran}");
    let events = ran.json_lines();
    let shown: Vec<_> = events.iter().filter(|event| event["type"] == "route.resolved").collect();
    assert_eq!(
        (shown.len(), &shown[1]["provider"], &shown[1]["key_label"]),
        (2, &json!("vllm"), &json!(null)),
        "{ran}"
    );
    let switched = events.iter().find(|event| event["type"] == "model.switched").unwrap();
    assert_eq!((&switched["from"], &switched["to"]), (&json!("openrouter/a/only:free"), &json!("vllm/qwen3:8b")));
    assert_eq!(events.last().unwrap()["cost_usd"], "0.00", "{ran}");
}

/// The pool is of the path that was chosen: from a server that an edge led to, nothing leads back to who paid before.
#[test]
fn nobody_takes_over_from_a_route_that_an_edge_led_to() {
    let refusal = json!({"type": "error", "error": {"type": "billing_error", "message": "pay first"}});
    let paid = Provider::start([Script::json(402, &refusal.to_string())]);
    let down = || error(503, "loading", &json!({})).header("retry-after-ms", "2");
    let server = Provider::start([down(), down(), down()]);
    let vk = Vk::new().provider("anthropic", &paid.url()).provider("vllm", &format!("{}/v1", server.url()));
    let vk = vk
        .config("[fallback]\n\"byok:anthropic -> free:vllm\" = \"1.00\"\n")
        .config("[providers.vllm.prices.\"house\"]\nas = \"anthropic/claude-sonnet-5-5\"\n");
    let (ran, finished) = report(&vk, &ANTHROPIC, &["go"]);
    assert_eq!((ran.code, finished["status"].as_str()), (4, Some("payer_blocked")), "the first cause: {ran}");
    assert_eq!((paid.requests().len(), server.requests().len()), (1, 3), "{ran}");
}
