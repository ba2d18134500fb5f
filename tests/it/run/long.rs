//! Long work, on each wire: a context that is full, a process that is killed, an end from outside.

use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{ANTHROPIC, OPENAI, anthropic, report};
use crate::support::env::{Ran, Vk};
use crate::support::provider::{Captured, Provider, Script};
use crate::support::turn::Turn;

const HOUSE: [&str; 9] =
    ["run", "--path", "platform", "--provider", "work", "--key", "env:WORK_KEY", "--model", "house"];

#[derive(Clone, Copy, Debug)]
enum Kind {
    Anthropic,
    Responses,
    Chat,
}

const KINDS: [Kind; 3] = [Kind::Anthropic, Kind::Responses, Kind::Chat];

impl Kind {
    fn answer(self, turn: &Turn) -> Script {
        Script::sse(&self.body(turn))
    }

    fn body(self, turn: &Turn) -> String {
        match self {
            Self::Anthropic => turn.anthropic(),
            Self::Responses => turn.responses(),
            Self::Chat => turn.chat(),
        }
    }

    /// What the provider says of a prompt that does not fit.
    fn overflow(self) -> Script {
        match self {
            Self::Anthropic => Script::json(
                400,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 1000001 tokens > 1000000 maximum"},"request_id":"req_1"}"#,
            ),
            Self::Responses => Script::json(
                400,
                r#"{"error":{"message":"Your input exceeds the context window of this model. Please adjust your input and try again.","type":"invalid_request_error","param":"input","code":"context_length_exceeded"}}"#,
            ),
            Self::Chat => Script::json(
                400,
                r#"{"error":{"message":"This model's maximum context length is 200000 tokens. However, your messages resulted in 200042 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#,
            ),
        }
    }

    fn vk(self, provider: &Provider) -> (Vk, Vec<&'static str>) {
        let url = format!("{}/v1", provider.url());
        match self {
            Self::Anthropic => (anthropic(provider), ANTHROPIC.to_vec()),
            Self::Responses => (Vk::new().provider("openai", &url), OPENAI.to_vec()),
            Self::Chat => {
                let config = format!(
                    "[providers.work]\nkind = \"platform\"\nwire = \"chat\"\nbase_url = \"{url}\"\nauth = \"bearer\"\n\
                     [providers.work.prices.\"house\"]\nas = \"anthropic/claude-sonnet-5-5\"\n"
                );
                (Vk::new().config(&config).var("WORK_KEY", "house-key-1"), HOUSE.to_vec())
            }
        }
    }

    fn command(self, id: &str, script: &str) -> Turn {
        let name = if matches!(self, Self::Responses) { "shell" } else { "bash" };
        Turn::new().tool(id, name, json!({"command": script}))
    }

    fn edit(self, id: &str) -> Turn {
        match self {
            Self::Anthropic => Turn::new().tool(
                id,
                "str_replace_based_edit_tool",
                json!({"command": "str_replace", "path": "a.txt", "old_str": "one", "new_str": "two"}),
            ),
            Self::Responses => Turn::new().custom(
                id,
                "apply_patch",
                "*** Begin Patch\n*** Update File: a.txt\n@@\n-one\n+two\n*** End Patch\n",
            ),
            Self::Chat => Turn::new().tool(id, "edit", json!({"path": "a.txt", "old": "one", "new": "two"})),
        }
    }
}

/// The words of a request that people or models wrote.
fn said(request: &Captured) -> String {
    let body = request.json();
    let list = if body["messages"].is_array() { &body["messages"] } else { &body["input"] };
    list.to_string()
}

fn messages(request: &Captured) -> usize {
    let body = request.json();
    let list = if body["messages"].is_array() { &body["messages"] } else { &body["input"] };
    let of_user_or_model = |message: &&Value| message["role"] != "system" && message["role"] != "developer";
    list.as_array().unwrap().iter().filter(of_user_or_model).count()
}

#[test]
fn a_context_that_the_provider_says_is_full_is_summed_up_and_the_task_goes_on() {
    for kind in KINDS {
        let summary = "SUMMARY: replaced one by two; next: answer.";
        let provider = Provider::start([
            kind.answer(&kind.edit("c1")),
            kind.answer(&Turn::say("Is two right?")),
            kind.answer(&kind.command("c2", "echo E0308 mismatched; seq 1 3000; exit 3")),
            kind.overflow(),
            kind.answer(&Turn::say(summary).tokens(5_000, 50)),
            kind.answer(&Turn::say("All done.")),
        ]);
        let (vk, args) = kind.vk(&provider);
        let vk = vk.file("a.txt", "one\n");
        let (ran, _) = report(&vk, &args, &["change ONE carefully"]);
        assert_eq!(ran.code, 0, "{kind:?} {ran}");
        let ran = vk.run(&[&args[..], &["--continue", "--output", "stream-json", "yes, and keep the CRLF"]].concat());
        assert_eq!(ran.code, 0, "{kind:?} {ran}");
        let events = ran.json_lines();
        assert!(events.iter().any(|event| event["type"] == "context.compacted"), "{kind:?} {ran}");
        let finished = events.last().unwrap();
        assert_eq!(finished["answer"], "All done.");
        // The summary was paid for and is counted: 5,000 tokens of it.
        assert_eq!(finished["usage"]["input"], 5_200, "{kind:?} {finished}");

        let requests = provider.requests();
        let asked = said(&requests[4]);
        assert!(asked.contains("will be replaced by your answer"), "{kind:?} {asked}");
        assert!(asked.len() < said(&requests[3]).len(), "what was refused is not sent again as it was");
        let after = said(&requests[5]);
        assert_eq!(messages(&requests[5]), 1, "{kind:?} {after}");
        for kept in ["change ONE carefully", "yes, and keep the CRLF", "- a.txt", summary] {
            assert!(after.contains(kept), "{kind:?}: {kept} in {after}");
        }
        assert!(!after.contains("2999"), "{kind:?}");
    }
}

#[test]
fn a_task_that_does_not_fit_after_a_summary_either_ends_and_says_so() {
    for kind in KINDS {
        let provider = Provider::start([
            kind.answer(&kind.edit("c1")),
            kind.overflow(),
            kind.answer(&Turn::say("sum")),
            kind.overflow(),
        ]);
        let (vk, args) = kind.vk(&provider);
        let vk = vk.file("a.txt", "one\n");
        let (ran, finished) = report(&vk, &args, &["go"]);
        assert_eq!((ran.code, finished["error"]["code"].as_str()), (1, Some("context_exceeded")), "{kind:?} {ran}");
        let message = finished["error"]["message"].as_str().unwrap();
        assert!(message.contains("what is left of it does not fit either"), "{message}");
    }
}

#[test]
fn a_task_too_long_by_itself_is_not_summed_up() {
    let provider = Provider::start([Kind::Anthropic.overflow()]);
    let (ran, finished) = report(&anthropic(&provider).stdin(&"words ".repeat(1_000)), &ANTHROPIC, &["go"]);
    assert_eq!(ran.code, 1, "{ran}");
    let message = finished["error"]["message"].as_str().unwrap();
    assert!(message.contains("the task alone") && message.contains("prompt is too long"), "{message}");
    assert_eq!(finished["cost_usd"], Value::Null, "a refused request costs nothing: {finished}");
}

/// The request for a summary is refused as well, first as it is and then shortened: what is known stands in.
#[test]
fn a_summary_that_is_refused_too_is_done_without() {
    let kind = Kind::Anthropic;
    let flood = kind.command("c1", "for i in $(seq 1 4000); do echo line $i; done").text("I look at FLOOD.");
    let provider = Provider::start([
        kind.answer(&flood),
        kind.overflow(),
        kind.overflow(),
        kind.overflow(),
        kind.answer(&Turn::say("Went on.")),
    ]);
    let (ran, finished) = report(&anthropic(&provider), &ANTHROPIC, &["go"]);
    assert_eq!((ran.code, &finished["answer"]), (0, &json!("Went on.")), "{ran}");
    let sizes: Vec<usize> = provider.requests()[1..].iter().map(|request| request.body.len()).collect();
    assert!(sizes.windows(2).all(|pair| pair[1] < pair[0]), "each is asked with less: {sizes:?}");
    let last = said(&provider.requests()[4]);
    assert!(last.contains("I look at FLOOD") && last.contains("This is what is left of it"), "{last}");
}

/// The tokens that the provider reported say that the next prompt would not fit: summed up before it is sent.
#[test]
fn a_context_that_is_nearly_full_is_summed_up_before_it_is_refused() {
    for kind in KINDS {
        let provider = Provider::start([
            kind.answer(&kind.edit("c1")),
            kind.answer(&kind.command("c2", "true").tokens(990_000, 10)),
            kind.answer(&Turn::say("SUMMARY")),
            kind.answer(&Turn::say("Done.")),
        ]);
        let (vk, args) = kind.vk(&provider);
        let vk = vk.file("a.txt", "one\n");
        let (ran, finished) = report(&vk, &args, &["--max-cost", "60", "go"]);
        assert_eq!((ran.code, &finished["answer"]), (0, &json!("Done.")), "{kind:?} {ran}");
        assert!(said(&provider.requests()[2]).contains("will be replaced by your answer"), "{kind:?}");
    }
}

fn wait_for(path: &Path) {
    let waiting = Instant::now();
    while !path.exists() && waiting.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(path.exists(), "{} never came", path.display());
}

fn killed(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_task_that_was_killed_goes_on_whatever_it_was_doing_and_on_whatever_wire() {
    for kind in KINDS {
        // In a command, its answer stored and its result not.
        let provider = Provider::start([
            kind.answer(&kind.edit("c1")),
            kind.answer(&kind.command("c2", "touch started; sleep 20")),
            kind.answer(&Turn::say("went on")),
        ]);
        let (vk, args) = kind.vk(&provider);
        let vk = vk.file("a.txt", "one\n");
        let child = vk.command(&[&args[..], &["the first TASK"]].concat()).spawn().unwrap();
        wait_for(&vk.project().join("started"));
        killed(child);
        let (ran, finished) = report(&vk, &args, &["--continue"]);
        assert_eq!((ran.code, &finished["answer"]), (0, &json!("went on")), "{kind:?} {ran}");
        let sent = said(&provider.requests()[2]);
        for kept in ["the first TASK", "a.txt", "not known: the task was stopped", "Go on with the task."] {
            assert!(sent.contains(kept), "{kind:?}: {kept} in {sent}");
        }

        // In the middle of an answer, which is not stored.
        let whole = kind.body(&Turn::say("half a sentence of words"));
        let provider = Provider::start([
            kind.answer(&kind.edit("c1")),
            Script::sse(&whole).stall_at(whole.len() * 2 / 3),
            kind.answer(&Turn::say("went on")),
        ]);
        let (vk, args) = kind.vk(&provider);
        let vk = vk.file("a.txt", "one\n");
        let child = vk.command(&[&args[..], &["the first TASK"]].concat()).spawn().unwrap();
        let waiting = Instant::now();
        while provider.requests().len() < 2 && waiting.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(10));
        }
        killed(child);
        let (ran, finished) = report(&vk, &args, &["--continue", "and finish"]);
        assert_eq!((ran.code, &finished["answer"]), (0, &json!("went on")), "{kind:?} {ran}");
        let sent = said(&provider.requests()[2]);
        assert!(sent.contains("the first TASK") && sent.contains("and finish"), "{kind:?} {sent}");
    }
}

fn interrupted(vk: &Vk, args: &[&str], when: impl FnOnce()) -> (Duration, Ran, Value) {
    let mut child = vk.command(&[args, &["--output", "json", "go"]].concat()).spawn().unwrap();
    when();
    let started = Instant::now();
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-s", "INT", &id]).status().unwrap().success());
    let status = child.wait().unwrap();
    let took = started.elapsed();
    let out = child.wait_with_output().unwrap();
    let stdout = String::from_utf8_lossy(&out.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
    let ran = Ran { code: crate::support::env::code_of(status), stdout, stderr };
    let finished = ran.json_lines().remove(0);
    (took, ran, finished)
}

/// A second is what a person waits; under the load of a whole test run it is given twice.
const PROMPT: Duration = Duration::from_secs(2);

#[test]
fn ctrl_c_ends_every_kind_of_waiting_within_a_second_and_settles() {
    let kind = Kind::Anthropic;
    let flood = "trap '' INT TERM; touch started; yes | tee /dev/null";
    for script in ["touch started; sleep 60", flood] {
        let provider = Provider::start([kind.answer(&kind.command("c1", script).tokens(1_000, 10))]);
        let vk = anthropic(&provider);
        let (took, ran, finished) = interrupted(&vk, &ANTHROPIC, || wait_for(&vk.project().join("started")));
        assert!(ran.code == 130 && took < PROMPT, "{script}: {took:?} {ran}");
        assert_eq!(finished["cost_usd"], "0.0021", "{finished}");
    }
    // A check.
    let provider = Provider::start([kind.answer(&Turn::say("done").tokens(1_000, 10))]);
    let vk = anthropic(&provider);
    let args = [&ANTHROPIC[..], &["--check", "touch started; sleep 60"]].concat();
    let (took, ran, _) = interrupted(&vk, &args, || wait_for(&vk.project().join("started")));
    assert!(ran.code == 130 && took < PROMPT, "{took:?} {ran}");
    // A pause that the provider asked for.
    let slow = r#"{"type":"error","error":{"type":"rate_limit_error","message":"m"}}"#;
    let provider = Provider::start([Script::json(429, slow).header("retry-after", "30")]);
    let vk = anthropic(&provider);
    let (took, ran, finished) = interrupted(&vk, &ANTHROPIC, || {
        let waiting = Instant::now();
        while provider.requests().is_empty() && waiting.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    assert!(ran.code == 130 && took < PROMPT, "{took:?} {ran}");
    assert_eq!(finished["payers"], json!([]), "nothing was charged: {finished}");
}
