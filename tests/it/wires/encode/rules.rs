//! What holds for requests whatever is in them: one beginning, marks for the cache, the rules of each API.

use serde_json::{Value, json};
use vibekit::domain::message::{Block, Message, ToolInput};
use vibekit::domain::path::Wire;
use vibekit::domain::request::{ModelRequest, Thinking, ToolSpec};
use vibekit::provider::{PrepareError, prepare};

use super::{body, body_at, json_input, task};
use crate::wires::{WIRES, call, endpoint, request, result, results};

#[test]
fn urls_headers_and_lengths_are_those_of_the_wire() {
    let request = request(Wire::Anthropic, task(Wire::Anthropic));
    let prepared = prepare(&endpoint(Wire::Anthropic, "https://api.anthropic.com"), &request).unwrap();
    assert_eq!(prepared.url, "https://api.anthropic.com/v1/messages");
    assert_eq!(prepared.bytes, prepared.body.len() as u64);
    assert!(prepared.headers.contains(&("anthropic-version", "2023-06-01".to_owned())));
}

#[test]
fn openai_itself_has_another_name_for_the_output_limit() {
    let request = request(Wire::Chat, vec![Message::user("hi")]);
    let openai = body_at(Wire::Chat, "https://api.openai.com/v1", &request);
    assert_eq!((openai.get("max_tokens"), &openai["max_completion_tokens"]), (None, &json!(16_000)));
    let other = body_at(Wire::Chat, "https://openai.com.example/v1", &request);
    assert_eq!((&other["max_tokens"], other.get("max_completion_tokens")), (&json!(16_000), None));
}

#[test]
fn a_tool_that_a_wire_cannot_offer_is_refused_by_name() {
    let grammar = ToolSpec::Grammar { name: "apply_patch".into(), description: String::new(), lark: String::new() };
    for (wire, spec, tool) in [
        (Wire::Anthropic, grammar.clone(), "apply_patch"),
        (Wire::Chat, grammar, "apply_patch"),
        (Wire::Chat, ToolSpec::AnthropicBash, "bash"),
        (Wire::Responses, ToolSpec::AnthropicBash, "bash"),
        (Wire::Responses, ToolSpec::AnthropicTextEditor { max_characters: 1 }, "str_replace_based_edit_tool"),
    ] {
        let mut request = request(wire, vec![Message::user("hi")]);
        request.tools = vec![spec];
        let refused = prepare(&endpoint(wire, "https://api.example.com"), &request);
        assert_eq!(refused, Err(PrepareError::UnsayableTool { tool: tool.into(), wire }));
    }
}

#[test]
fn thinking_is_asked_for_as_the_model_accepts_it() {
    let thinking = |kind: Thinking, max_output: u32, messages: Vec<Message>| {
        let mut request = request(Wire::Anthropic, messages);
        request.traits.thinking = kind;
        request.max_output = max_output;
        body(Wire::Anthropic, &request).get("thinking").cloned()
    };
    let hi = || vec![Message::user("hi")];
    assert_eq!(thinking(Thinking::Adaptive, 100, hi()), Some(json!({"type": "adaptive", "display": "summarized"})));
    assert_eq!(thinking(Thinking::Budget, 16_000, hi()), Some(json!({"type": "enabled", "budget_tokens": 4096})));
    assert_eq!(thinking(Thinking::Budget, 1_025, hi()), Some(json!({"type": "enabled", "budget_tokens": 1024})));
    assert_eq!(thinking(Thinking::Budget, 1_024, hi()), None, "a budget must be smaller than the output limit");
    assert_eq!(thinking(Thinking::None, 16_000, hi()), None);
    // Results of calls that another model made: this one cannot begin that turn with its own thinking.
    let taken_over = vec![
        Message::user("do"),
        Message::assistant(vec![call("call_1", json_input("ls"))]),
        results(vec![result("call_1", "a")]),
    ];
    assert_eq!(thinking(Thinking::Budget, 16_000, taken_over), None);
}

/// The longer the task, the same its beginning, on every wire; and never more than four marks.
#[test]
fn the_beginning_of_a_growing_transcript_never_changes() {
    for wire in WIRES {
        let mut messages = vec![Message::user("Fix the tests")];
        let mut before: Option<Vec<String>> = None;
        for turn in 0..30 {
            let request = request(wire, messages.clone());
            assert_eq!(body(wire, &request), body(wire, &request), "the same request twice");
            let now = parts(body(wire, &request));
            if let Some(before) = &before {
                assert!(now.starts_with(before), "{wire} at turn {turn}");
                assert!(now.len() > before.len());
            }
            before = Some(now);
            let ids: Vec<String> = (0..=turn % 4).map(|at| format!("call_{turn}_{at}")).collect();
            let mut said = task(wire)[1].content[..2].to_vec();
            said.extend(ids.iter().map(|id| call(id, json_input("ls"))));
            messages.push(Message::assistant(said));
            let mut answers: Vec<Block> = ids.iter().map(|id| result(id, "ok")).collect();
            if turn % 5 == 4 {
                answers.push(Block::text("Please hurry."));
            }
            messages.push(results(answers));
        }
    }
}

/// A request's prompt as the ordered parts that a cache sees: the marks left out.
fn parts(mut body: Value) -> Vec<String> {
    assert!(body.to_string().matches("cache_control").count() <= 4);
    unmark(&mut body);
    let mut parts = vec![body["tools"].to_string(), body["system"].to_string() + &body["instructions"].to_string()];
    let messages = body.get("messages").or_else(|| body.get("input")).and_then(Value::as_array).unwrap();
    for message in messages {
        match message["content"].as_array() {
            Some(blocks) => parts.extend(blocks.iter().map(|block| format!("{} {block}", message["role"]))),
            None => parts.push(message.to_string()),
        }
    }
    parts
}

fn unmark(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.shift_remove("cache_control");
            map.values_mut().for_each(unmark);
        }
        Value::Array(list) => list.iter_mut().for_each(unmark),
        _ => {}
    }
}

#[test]
fn marks_stand_where_the_previous_request_ended_and_at_the_end() {
    let marked = |messages: Vec<Message>| {
        let body = body(Wire::Anthropic, &request(Wire::Anthropic, messages));
        let mut places = Vec::new();
        for (m, message) in body["messages"].as_array().unwrap().iter().enumerate() {
            for (b, block) in message["content"].as_array().unwrap().iter().enumerate() {
                if block.get("cache_control").is_some() {
                    places.push((m, b));
                }
            }
        }
        places
    };
    let task = task(Wire::Anthropic);
    assert_eq!(marked(task[..1].to_vec()), [(0, 0)]);
    assert_eq!(marked(task[..3].to_vec()), [(0, 0), (2, 1)]);
    assert_eq!(marked(task), [(2, 1), (4, 0)]);
}

#[test]
fn reasoning_is_dropped_for_another_model_provider_or_wire() {
    for wire in WIRES {
        for made_on in WIRES {
            let mut request = request(wire, task(made_on));
            let kept = |request: &ModelRequest| {
                let body = body(wire, request).to_string();
                body.contains("\"signature\"")
                    || body.contains("\"encrypted_content\"")
                    || body.contains("reasoning_content")
            };
            assert_eq!(kept(&request), wire == made_on, "{made_on} on {wire}");
            request.model = "another".into();
            assert!(!kept(&request), "another model");
            request.model = "m".into();
            request.provider = "another".into();
            assert!(!kept(&request), "another provider");
        }
    }
}

/// Calls of every kind, ids of every server, an interrupted call: each wire can say them.
#[test]
fn a_transcript_of_any_wire_can_go_on_under_any_other() {
    let messages = vec![
        Message::user("do"),
        Message::assistant(vec![
            call("functions.bash:0", json_input("ls")),
            call("call_2", ToolInput::Text("*** Begin Patch".into())),
            call("call_3", ToolInput::Broken("{\"command\": ".into())),
            call("call_4", json_input("sleep 100")),
        ]),
        results(vec![result("functions.bash:0", ""), result("call_2", "ok"), result("call_3", "not JSON")]),
    ];
    let anthropic = body(Wire::Anthropic, &request(Wire::Anthropic, messages.clone()));
    let calls = anthropic["messages"][1]["content"].as_array().unwrap();
    let answers = anthropic["messages"][2]["content"].as_array().unwrap();
    assert!(calls.iter().all(|call| call["input"].is_object()));
    let ids = |list: &[Value], key: &str| list.iter().map(|item| item[key].clone()).collect::<Vec<_>>();
    assert_eq!(ids(calls, "id"), ids(answers, "tool_use_id"));
    assert!(!ids(calls, "id")[0].as_str().unwrap().contains('.'));
    assert_eq!(answers[0]["content"], "(no output)");
    assert_eq!(answers[3]["is_error"], true);

    let responses = body(Wire::Responses, &request(Wire::Responses, messages.clone()));
    let kinds = ids(responses["input"].as_array().unwrap(), "type");
    assert_eq!(
        kinds,
        [
            "message",
            "function_call",
            "custom_tool_call",
            "function_call",
            "function_call",
            "function_call_output",
            "custom_tool_call_output",
            "function_call_output",
            "function_call_output",
        ]
    );
    let chat = body(Wire::Chat, &request(Wire::Chat, messages));
    assert_eq!(chat["messages"][2]["content"], Value::Null);
    assert_eq!(chat["messages"][2]["tool_calls"][1]["function"]["arguments"], r#"{"input":"*** Begin Patch"}"#);
    assert_eq!(ids(chat["messages"].as_array().unwrap(), "role")[3..], ["tool", "tool", "tool", "tool"]);
}

#[test]
fn images_are_written_in_each_wires_way() {
    let image = Block::Image { media_type: "image/png".into(), base64: "AA==".into() };
    let messages = vec![results(vec![Block::text("look"), image])];
    let block = |wire: Wire, path: &str| body(wire, &request(wire, messages.clone())).pointer(path).unwrap().clone();
    assert_eq!(
        block(Wire::Anthropic, "/messages/0/content/1/source"),
        json!({"type": "base64", "media_type": "image/png", "data": "AA=="})
    );
    assert_eq!(block(Wire::Responses, "/input/0/content/1/image_url"), "data:image/png;base64,AA==");
    assert_eq!(block(Wire::Chat, "/messages/1/content/1/image_url/url"), "data:image/png;base64,AA==");
}
