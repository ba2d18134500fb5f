//! Calls over real connections to a provider on loopback.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use vibekit::base::env::Env;
use vibekit::base::secret::Secret;
use vibekit::domain::message::{Block, Message, ToolInput};
use vibekit::domain::path::Wire;
use vibekit::domain::request::{ModelRequest, StopReason, StreamEvent};
use vibekit::net::Limits;
use vibekit::net::http::Client;
use vibekit::provider::{Answer, CallError, CallErrorKind, Progress, check_key, prepare, send};

use super::{WIRES, call, endpoint, request, result, results};
use crate::support::provider::{Provider, Script, assert_prefix_grows};
use crate::support::turn::Turn;

pub const KEY: &str = "sk-test-planted-canary-0123456789";

/// Limits for tests of what ends a call: silence after 300 ms, keep-alives alone after 600 ms.
pub fn impatient() -> Limits {
    let ms = Duration::from_millis;
    Limits { idle: ms(300), idle_loopback: ms(300), without_content: ms(600), ..Limits::default() }
}

pub fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub fn client(limits: Limits) -> Client {
    Client::with_limits(&Env::of(&[], Path::new("/")), limits).unwrap()
}

pub fn base_url(provider: &Provider, wire: Wire) -> String {
    if wire == Wire::Anthropic { provider.url() } else { format!("{}/v1", provider.url()) }
}

pub fn stream_of(turn: &Turn, wire: Wire) -> String {
    match wire {
        Wire::Anthropic => turn.anthropic(),
        Wire::Responses => turn.responses(),
        Wire::Chat => turn.chat(),
    }
}

/// One call of the wire, with the planted key.
pub fn ask(provider: &Provider, wire: Wire, request: &ModelRequest) -> (Result<Answer, CallError>, Progress) {
    ask_at(&base_url(provider, wire), wire, request, Limits::default())
}

pub fn ask_at(
    base_url: &str,
    wire: Wire,
    request: &ModelRequest,
    limits: Limits,
) -> (Result<Answer, CallError>, Progress) {
    let progress = Progress::new();
    let endpoint = endpoint(wire, base_url);
    let prepared = prepare(&endpoint, request).unwrap();
    let secret = Secret::new(KEY);
    let answer = run(send(&client(limits), &endpoint, Some(&secret), &prepared, request, &progress, &mut |_| {}));
    if let Err(error) = &answer {
        assert!(!format!("{error:?}").contains("canary"), "the key is in the error: {error:?}");
    }
    (answer, progress)
}

pub fn hi(wire: Wire) -> ModelRequest {
    request(wire, vec![Message::user("hi")])
}

#[test]
fn a_whole_task_of_calls_keeps_every_rule_and_its_beginning() {
    for wire in WIRES {
        let look = Turn::new().thinking("Hm.").text("Looking.").tool("call_1", "bash", json!({"command": "ls"}));
        let more = Turn::new()
            .tool("call_2", "bash", json!({"command": "cat a"}))
            .tool("call_3", "bash", json!({"command": "cat b"}))
            .cached(80, 20);
        let turns = [look, more, Turn::say("Done.")];
        let provider = Provider::start(turns.iter().map(|turn| Script::sse(&stream_of(turn, wire)).in_pieces_of(7)));
        let mut request = hi(wire);
        let mut stops = Vec::new();
        for _ in 0..3 {
            let answer = ask(&provider, wire, &request).0.unwrap();
            stops.push(answer.reply.stop.clone());
            let reply = Message::assistant(answer.reply.content);
            let answers: Vec<Block> = reply.tool_calls().map(|call| result(&call.id, "ok")).collect();
            request.messages.push(reply);
            if !answers.is_empty() {
                request.messages.push(results(answers));
            }
        }
        assert_eq!(stops, [StopReason::ToolUse, StopReason::ToolUse, StopReason::EndTurn], "{wire}");
        let sent = provider.requests();
        assert_prefix_grows(&sent);
        // The reasoning of the first answer went back with the calls that it led to.
        let reasoning = ["sig-under-test", "enc-under-test", "reasoning_content"];
        let replayed = String::from_utf8_lossy(&sent[2].body).into_owned();
        assert!(reasoning.iter().any(|mark| replayed.contains(mark)), "{wire}");
    }
}

#[test]
fn the_credential_is_in_its_header_and_nowhere_else() {
    for (wire, header, value) in [
        (Wire::Anthropic, "x-api-key", KEY.to_owned()),
        (Wire::Responses, "authorization", format!("Bearer {KEY}")),
        (Wire::Chat, "authorization", format!("Bearer {KEY}")),
    ] {
        let provider = Provider::start([Script::sse(&stream_of(&Turn::say("Hi."), wire))]);
        ask(&provider, wire, &hi(wire)).0.unwrap();
        let sent = &provider.requests()[0];
        assert_eq!(sent.header(header), Some(value.as_str()));
        assert_eq!(sent.headers.iter().filter(|(_, v)| v.contains("canary")).count(), 1);
        assert_eq!(sent.header("content-length"), Some(sent.body.len().to_string().as_str()));
        assert_eq!(sent.header("content-type"), Some("application/json"));
        assert!(sent.header("user-agent").unwrap().starts_with("vk/"));
    }
}

#[test]
fn a_key_that_no_header_can_carry_is_refused_unsent() {
    let provider = Provider::start([]);
    let endpoint = endpoint(Wire::Chat, &base_url(&provider, Wire::Chat));
    let request = hi(Wire::Chat);
    let prepared = prepare(&endpoint, &request).unwrap();
    for bad in ["", "sk with space", "sk\r\nx-evil: 1", "schlüssel"] {
        let secret = Secret::new(bad);
        let progress = Progress::new();
        let refused = run(send(
            &client(Limits::default()),
            &endpoint,
            Some(&secret),
            &prepared,
            &request,
            &progress,
            &mut |_| {},
        ));
        assert_eq!(refused.unwrap_err().kind, CallErrorKind::Unauthorized);
        assert!(!progress.sent());
    }
    assert!(provider.captured().is_empty());
}

#[test]
fn the_answers_headers_become_facts() {
    let script = Script::sse(&Turn::say("Hi.").anthropic())
        .header("anthropic-organization-id", "org-a")
        .header("request-id", "req_1");
    let provider = Provider::start([script]);
    let answer = ask(&provider, Wire::Anthropic, &hi(Wire::Anthropic)).0.unwrap();
    assert_eq!(answer.facts.organization.as_deref(), Some("org-a"));
    assert_eq!(answer.facts.request_id.as_deref(), Some("req_1"));
    assert_eq!(answer.facts.http_status, Some(200));
}

#[test]
fn events_are_shown_as_they_come() {
    let provider = Provider::start([Script::sse(&Turn::say("Hello").chat())]);
    let endpoint = endpoint(Wire::Chat, &base_url(&provider, Wire::Chat));
    let request = hi(Wire::Chat);
    let prepared = prepare(&endpoint, &request).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&seen);
    let mut on = move |event| into.lock().unwrap().push(event);
    run(send(&client(Limits::default()), &endpoint, None, &prepared, &request, &Progress::new(), &mut on)).unwrap();
    let text = |text: &str| StreamEvent::Text(text.into());
    assert_eq!(*seen.lock().unwrap(), [StreamEvent::Started, text("He"), text("llo")]);
}

#[test]
fn a_dropped_call_still_says_what_had_come() {
    let stream = Turn::say("Hello, world").tokens(700, 9).anthropic();
    let at = stream.find("event: content_block_stop").unwrap();
    let provider = Provider::start([Script::sse(&stream).stall_at(at)]);
    let endpoint = endpoint(Wire::Anthropic, &provider.url());
    let request = hi(Wire::Anthropic);
    let prepared = prepare(&endpoint, &request).unwrap();
    let client = client(Limits::default());
    let progress = Progress::new();
    assert!(!progress.sent());
    let seen = Arc::new(Mutex::new(String::new()));
    let into = Arc::clone(&seen);
    let mut on = move |event| {
        if let StreamEvent::Text(text) = event {
            into.lock().unwrap().push_str(&text);
        }
    };
    run(async {
        let sending = send(&client, &endpoint, None, &prepared, &request, &progress, &mut on);
        let all_came = async {
            while progress.partial().received_chars < 12 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::select! {
            ended = sending => panic!("{ended:?}"),
            () = all_came => {}
        }
    });
    let partial = progress.partial();
    assert!(progress.sent());
    assert_eq!((partial.usage.input, partial.usage_reported, partial.received_chars), (700, true, 12));
    assert_eq!(partial.response_id.as_deref(), Some("msg_test"));
    assert_eq!(*seen.lock().unwrap(), "Hello, world");
}

#[test]
fn a_key_is_checked_with_one_free_request() {
    let secret = Secret::new(KEY);
    for (wire, path) in [(Wire::Anthropic, "/v1/models?limit=1"), (Wire::Chat, "/v1/models")] {
        let provider = Provider::start([]);
        provider.answer_get(Script::json(200, r#"{"data":[]}"#).header("openai-organization", "org-b"));
        let checked =
            run(check_key(&client(Limits::default()), &endpoint(wire, &base_url(&provider, wire)), &secret)).unwrap();
        assert_eq!(checked.organization.as_deref(), Some("org-b"));
        let asked = provider.captured();
        assert_eq!((asked.len(), asked[0].method.as_str(), asked[0].path.as_str()), (1, "GET", path));
        assert!(asked[0].body.is_empty());
    }
}

#[test]
fn a_refused_key_is_told_in_the_providers_words_without_the_key() {
    let provider = Provider::start([]);
    let body = format!(r#"{{"error":{{"message":"Incorrect API key provided: {KEY}.","code":"invalid_api_key"}}}}"#);
    provider.answer_get(Script::json(401, &body));
    let endpoint = endpoint(Wire::Chat, &base_url(&provider, Wire::Chat));
    let refused = run(check_key(&client(Limits::default()), &endpoint, &Secret::new(KEY))).unwrap_err();
    assert_eq!(refused.kind, CallErrorKind::Unauthorized);
    assert_eq!(refused.message, "Incorrect API key provided: [key].");
    provider.answer_get(Script::html(200, "<html><title>Sign in to the hotel</title>"));
    let refused = run(check_key(&client(Limits::default()), &endpoint, &Secret::new(KEY))).unwrap_err();
    assert_eq!(refused.kind, CallErrorKind::Malformed);
    assert_eq!(refused.message, "an HTML page (\"Sign in to the hotel\") instead of JSON");
}

#[test]
fn the_transcript_moves_to_another_wire_in_the_middle_of_a_task() {
    let first = Turn::new().thinking("Hm.").tool("toolu_1", "bash", json!({"command": "ls"}));
    for from in WIRES {
        for to in WIRES {
            let provider = Provider::start([
                Script::sse(&stream_of(&first, from)),
                Script::sse(&stream_of(&Turn::say("Done."), to)),
            ]);
            let mut request = hi(from);
            let reply = ask(&provider, from, &request).0.unwrap().reply;
            assert_eq!(reply.content.last(), Some(&call("toolu_1", ToolInput::Json(json!({"command": "ls"})))));
            request.messages.push(Message::assistant(reply.content));
            request.messages.push(results(vec![result("toolu_1", "a")]));
            request.traits = hi(to).traits;
            ask(&provider, to, &request).0.unwrap();
        }
    }
}
