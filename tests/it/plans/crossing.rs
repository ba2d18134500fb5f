//! A task stops in the middle of two tool calls at once and goes on elsewhere: from each plan's program over every wire
//! and in the other program, and from every wire in each program. What was done and read is carried over.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::codex::{chatgpt, event, installed_on, item, limits as codex_limits, used};
use super::stand_in::{Machine, answer, init, limits, requesting, whole};
use crate::run::report;
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;

const ENGINES: [&str; 2] = ["claude", "codex"];
const WIRES: [&str; 3] = ["anthropic", "responses", "chat"];

/// How the first program stops: its plan has nothing left after both results, or it dies between them.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stop {
    UsedUp,
    Dies,
}

fn claude_that_stops(machine: Machine, stop: Stop) -> Machine {
    let calls = json!([{"type": "text", "text": "I read both."},
        {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "cat a.txt"}},
        {"type": "tool_use", "id": "toolu_2", "name": "Bash", "input": {"command": "cat b.txt"}}]);
    let result = |id: &str, content: &str| {
        let results = json!([{"type": "tool_result", "tool_use_id": id, "content": content}]);
        json!({"type": "user", "message": {"role": "user", "content": results}})
    };
    let mut lines = vec![init("none")];
    lines.extend(answer("msg_1", &calls));
    lines.push(result("toolu_1", "first-content"));
    if stop == Stop::Dies {
        return machine.lines("first", &lines).logged_in("say first; kill -9 $$");
    }
    let refused = json!({"type": "assistant", "error": "rate_limit", "api_error_status": 429, "api_error": "usage_limit_reached",
        "message": {"id": "x", "model": "<synthetic>", "content": [{"type": "text", "text": "You've hit your limit"}]}});
    lines.extend([result("toolu_2", "second-content"), requesting()]);
    lines.extend([limits(&json!({"status": "rejected", "isUsingOverage": false})), refused]);
    machine.lines("first", &lines).logged_in("say first; hear")
}

fn codex_that_stops(machine: Machine, stop: Stop) -> Machine {
    let command = |id: &str, file: &str, output: Value, exit: Value| {
        let status = if exit.is_null() { "inProgress" } else { "completed" };
        json!({"type": "commandExecution", "id": id, "command": format!("/bin/bash -lc 'cat {file}'"), "status": status,
            "aggregatedOutput": output, "exitCode": exit})
    };
    let mut lines = vec![
        item("item/started", &command("call_1", "a.txt", Value::Null, Value::Null)),
        item("item/started", &command("call_2", "b.txt", Value::Null, Value::Null)),
        used(),
        event("account/rateLimits/updated", &json!({"rateLimits": codex_limits("0")})),
        item("item/completed", &command("call_1", "a.txt", json!("first-content"), json!(0))),
    ];
    if stop == Stop::UsedUp {
        let error = json!({"message": "You've hit your usage limit.", "codexErrorInfo": "usageLimitExceeded"});
        lines.push(item("item/completed", &command("call_2", "b.txt", json!("second-content"), json!(0))));
        lines.push(event("turn/completed", &json!({"turn": {"id": "tu", "status": "failed", "error": error}})));
    }
    let machine = installed_on(machine, &chatgpt(), &codex_limits("0"), &lines);
    if stop == Stop::Dies {
        let script = machine.read("codex").replace("say 5; hear", "say 5; kill -9 $$");
        machine.write("codex", &script);
    }
    machine
}

fn stopping(engine: &str, machine: Machine, stop: Stop) -> Machine {
    if engine == "claude" { claude_that_stops(machine, stop) } else { codex_that_stops(machine, stop) }
}

/// The program that goes on.
fn finishing(engine: &str, machine: Machine) -> Machine {
    if engine == "claude" {
        return machine.lines("whole", &whole("Done by the other.")).logged_in("say whole; hear");
    }
    let done = [
        item("item/completed", &json!({"type": "agentMessage", "id": "m1", "text": "Done by the other."})),
        used(),
        event("account/rateLimits/updated", &json!({"rateLimits": codex_limits("0")})),
        event("turn/completed", &json!({"turn": {"id": "tu", "status": "completed", "error": null}})),
    ];
    installed_on(machine, &chatgpt(), &codex_limits("0"), &done)
}

fn plan(engine: &str) -> Vec<&str> {
    vec!["--path", "subscription", "--provider", engine]
}

fn own(wire: &str) -> Vec<&'static str> {
    match wire {
        "anthropic" => vec!["--path", "byok", "--provider", "anthropic", "--key", "env:TEST_ANTHROPIC_KEY"],
        "responses" => vec!["--path", "byok", "--provider", "openai", "--key", "env:TEST_OPENAI_KEY"],
        _ => vec!["--path", "platform", "--provider", "gate", "--model", "house"],
    }
}

fn sse(wire: &str, turn: &Turn) -> Script {
    Script::sse(&match wire {
        "anthropic" => turn.anthropic(),
        "responses" => turn.responses(),
        _ => turn.chat(),
    })
}

fn with_wires(mut machine: Machine, server: &Provider) -> Machine {
    let url = server.url();
    machine.vk = machine.vk.file("a.txt", "first-content\n").file("b.txt", "second-content\n").config(&format!(
        "[providers.anthropic]\nbase_url = \"{url}\"\n[providers.openai]\nbase_url = \"{url}/v1\"\n\
         [providers.gate]\nkind = \"platform\"\nwire = \"chat\"\nauth = \"none\"\nbase_url = \"{url}/v1\"\n\
         [providers.gate.prices.\"house\"]\nas = \"anthropic/claude-sonnet-5-5\"\n"
    ));
    machine
}

/// The ids of the calls in a request, and of the results: a provider refuses a call without one.
fn calls_and_results(value: &Value, calls: &mut BTreeSet<String>, results: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let kind = value["type"].as_str().unwrap_or_default();
            let id = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
            if kind == "tool_use" {
                calls.insert(id("id"));
            } else if kind.ends_with("_call") {
                calls.insert(id("call_id"));
            } else if kind == "tool_result" {
                results.insert(id("tool_use_id"));
            } else if kind.ends_with("_call_output") {
                results.insert(id("call_id"));
            } else if value["role"] == "tool" {
                results.insert(id("tool_call_id"));
            }
            let chat = value["tool_calls"].as_array().into_iter().flatten();
            calls.extend(chat.map(|call| call["id"].as_str().unwrap_or_default().to_owned()));
            fields.values().for_each(|value| calls_and_results(value, calls, results));
        }
        Value::Array(values) => values.iter().for_each(|value| calls_and_results(value, calls, results)),
        _ => {}
    }
}

fn begins(machine: &Machine, flags: &[&str], code: i32, about: &str) {
    let (ran, finished) = report(&machine.vk, &[&["run"], flags].concat(), &["read both files"]);
    assert_eq!(ran.code, code, "{about}: {ran}");
    assert!(finished["error"]["fix"].is_string(), "{about}: {finished}");
}

fn goes_on(machine: &Machine, flags: &[&str], about: &str) {
    let (ran, finished) = report(&machine.vk, &[&["run", "--continue"], flags].concat(), &["go on"]);
    assert_eq!((ran.code, &finished["answer"]), (0, &json!("Done by the other.")), "{about}: {ran}");
    assert_eq!(finished["payers"].as_array().unwrap().len(), 1, "{about}: {finished}");
}

fn carried(stop: Stop) -> Vec<&'static str> {
    let mut words = vec!["read both files", "cat a.txt", "first-content", "cat b.txt", "go on"];
    words.extend((stop == Stop::UsedUp).then_some("second-content"));
    words
}

fn from_engine(engine: &str, to: &str, stop: Stop) {
    let about = format!("{engine} to {to}, {stop:?}");
    let is_engine = ENGINES.contains(&to);
    let scripts = if is_engine { vec![] } else { vec![sse(to, &Turn::say("Done by the other.").tokens(2_000, 20))] };
    let server = Provider::start(scripts);
    let mut machine = with_wires(stopping(engine, Machine::new(), stop), &server);
    begins(&machine, &plan(engine), if stop == Stop::UsedUp { 4 } else { 6 }, &about);
    let told = if is_engine {
        machine = finishing(to, machine);
        goes_on(&machine, &plan(to), &about);
        machine.read(&format!("{to}.heard"))
    } else {
        goes_on(&machine, &own(to), &about);
        let sent = server.requests()[0].json();
        let (mut calls, mut results) = (BTreeSet::new(), BTreeSet::new());
        calls_and_results(&sent, &mut calls, &mut results);
        assert_eq!((calls.len(), &calls), (2, &results), "{about}: {sent}");
        sent.to_string()
    };
    for words in carried(stop) {
        assert!(told.contains(words), "{about}: no {words:?} in {told}");
    }
}

fn to_engine(wire: &str, engine: &str) {
    let about = format!("{wire} to {engine}");
    let shell = if wire == "responses" { "shell" } else { "bash" };
    let calls = Turn::new().text("I read both.").tool("call_1", shell, json!({"command": "cat a.txt"})).tool(
        "call_2",
        shell,
        json!({"command": "cat b.txt"}),
    );
    let credits = r#"{"error":{"message":"Insufficient credits","code":402}}"#;
    let server = Provider::start([sse(wire, &calls.tokens(1_000, 50)), Script::json(402, credits)]);
    let machine = with_wires(finishing(engine, Machine::new()), &server);
    begins(&machine, &own(wire), 4, &about);
    goes_on(&machine, &plan(engine), &about);
    let told = machine.read(&format!("{engine}.heard"));
    for words in carried(Stop::UsedUp) {
        assert!(told.contains(words), "{about}: no {words:?} in {told}");
    }
}

#[test]
fn a_task_that_a_plan_began_goes_on_over_every_wire_and_in_the_other_program() {
    std::thread::scope(|scope| {
        for engine in ENGINES {
            for to in WIRES.into_iter().chain(ENGINES).filter(|to| *to != engine) {
                scope.spawn(move || [Stop::UsedUp, Stop::Dies].map(|stop| from_engine(engine, to, stop)));
            }
        }
    });
}

#[test]
fn a_task_that_a_wire_began_goes_on_in_each_program() {
    std::thread::scope(|scope| {
        for wire in WIRES {
            for engine in ENGINES {
                scope.spawn(move || to_engine(wire, engine));
            }
        }
    });
}
