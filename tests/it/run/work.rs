//! Tasks that get done: each wire, its tools, the checks, the repository's notes, what goes on from before.

use serde_json::{Value, json};

use super::{ANTHROPIC, OPENAI, anthropic, report};
use crate::support::env::Vk;
use crate::support::provider::{Provider, Script, assert_prefix_grows};
use crate::support::turn::Turn;

const EDITOR: &str = "str_replace_based_edit_tool";

fn edit(old: &str, new: &str) -> Value {
    json!({"command": "str_replace", "path": "a.txt", "old_str": old, "new_str": new})
}

#[test]
fn a_task_on_the_anthropic_wire_edits_and_answers() {
    let provider = Provider::start([
        Script::sse(
            &Turn::new()
                .thinking("hm")
                .text("Editing.")
                .tool("t1", EDITOR, edit("one", "two"))
                .tokens(1_000, 50)
                .anthropic(),
        ),
        Script::sse(&Turn::say("Changed one to two.").tokens(1_200, 20).cached(1_000, 0).anthropic()),
    ]);
    let vk = anthropic(&provider).file("a.txt", "one\n");
    let (ran, finished) = report(&vk, &ANTHROPIC, &["change one to two"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(std::fs::read_to_string(vk.project().join("a.txt")).unwrap(), "two\n");
    assert_eq!(finished["status"], "done");
    assert_eq!(finished["answer"], "Changed one to two.");
    assert_eq!(finished["turns"], 2);
    assert_eq!(finished["files_changed"], json!([{"path": "a.txt", "added": 1, "removed": 1}]));
    // sonnet-5-5: 1,200 x $2/M in, 70 x $10/M out, 1,000 x $0.10/M cache read
    assert_eq!(finished["cost_usd"], "0.0032", "{finished}");
    assert_eq!(finished["cost_state"], "billed");
    assert_eq!(finished["usage"]["cache_read"], 1_000);
    let requests = provider.requests();
    assert_prefix_grows(&requests);
    assert_eq!(requests[0].header("x-api-key").map(|key| key.starts_with("sk-ant-api03-planted")), Some(true));
}

#[test]
fn a_task_on_the_responses_wire_patches_and_passes_reasoning_back() {
    let patch = "*** Begin Patch\n*** Update File: a.txt\n@@\n-one\n+two\n*** End Patch\n";
    let provider = Provider::start([
        Script::sse(&Turn::new().thinking("hm").custom("c1", "apply_patch", patch).tokens(900, 40).responses()),
        Script::sse(&Turn::say("Patched.").tokens(1_000, 10).responses()),
    ]);
    let vk = Vk::new().provider("openai", &format!("{}/v1", provider.url())).file("a.txt", "one\n");
    let (ran, finished) = report(&vk, &OPENAI, &["change one to two"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(std::fs::read_to_string(vk.project().join("a.txt")).unwrap(), "two\n");
    assert_eq!(finished["answer"], "Patched.");
    let second = provider.requests()[1].json();
    assert_eq!(second["store"], false);
    assert!(second["input"].as_array().unwrap().iter().any(|item| item["type"] == "reasoning"), "{second}");
    assert!(second["prompt_cache_key"].is_string());
}

#[test]
fn a_task_on_the_chat_wire_uses_plain_tools_and_a_gateways_markup() {
    let provider = Provider::start([
        Script::sse(
            &Turn::new()
                .tool("c1", "edit", json!({"path": "a.txt", "old": "one", "new": "two"}))
                .tokens(1_000_000, 0)
                .chat(),
        ),
        Script::sse(&Turn::say("Edited.").tokens(1_000_000, 0).chat()),
    ]);
    let config = format!(
        "[providers.work]\nkind = \"platform\"\nwire = \"chat\"\nbase_url = \"{}/v1\"\nauth = \"bearer\"\nmarkup = \"8%\"\n\
         [providers.work.prices.\"house\"]\nas = \"anthropic/claude-sonnet-5-5\"\n",
        provider.url()
    );
    let vk = Vk::new().config(&config).file("a.txt", "one\n").var("WORK_KEY", "house-key-1");
    let flags = [
        "run",
        "--path",
        "platform",
        "--provider",
        "work",
        "--key",
        "env:WORK_KEY",
        "--model",
        "house",
        "--max-cost",
        "50",
    ];
    let (ran, finished) = report(&vk, &flags, &["change one to two"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(std::fs::read_to_string(vk.project().join("a.txt")).unwrap(), "two\n");
    // 2,000,000 x $2/M and 8 % of it; the gateway reports no figure of its own, so it stays an estimate.
    assert_eq!(finished["cost_usd"], "4.32", "{finished}");
    assert_eq!(finished["list_usd"], "4.00");
    assert_eq!(finished["cost_state"], "estimated");
    assert_eq!(finished["payers"][0]["path"], "platform");
}

#[test]
fn a_failing_check_goes_back_and_the_fix_passes() {
    let provider = Provider::start([
        Script::sse(&Turn::say("Done already.").anthropic()),
        Script::sse(&Turn::new().tool("t1", EDITOR, edit("one", "two")).anthropic()),
        Script::sse(&Turn::say("Now it is two.").anthropic()),
    ]);
    let vk = anthropic(&provider).file("a.txt", "one\n");
    let (ran, finished) =
        report(&vk, &ANTHROPIC, &["--check", "grep two a.txt || { echo not two yet; exit 3; }", "make it two"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(finished["checks"][0]["rounds"], 2);
    assert_eq!(finished["checks"][0]["ok"], true);
    let told = provider.requests()[1].json().to_string();
    assert!(told.contains("not two yet") && told.contains("exit status 3"), "{told}");
}

#[test]
fn a_check_that_never_passes_is_exit_1_after_its_rounds() {
    let provider = Provider::start((0..3).map(|_| Script::sse(&Turn::say("It is done.").anthropic())));
    let (ran, finished) =
        report(&anthropic(&provider), &ANTHROPIC, &["--check", "false", "--check-rounds", "2", "do it"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert_eq!(finished["status"], "check_failed");
    assert_eq!(finished["error"]["code"], "check_failed");
}

#[test]
fn continuing_carries_the_conversation_to_another_provider_and_wire() {
    let first = Provider::start([
        Script::sse(
            &Turn::new().thinking("secret thoughts").tool("t1", "bash", json!({"command": "cat a.txt"})).anthropic(),
        ),
        Script::sse(&Turn::say("It says one.").anthropic()),
    ]);
    let second = Provider::start([Script::sse(&Turn::say("Still one.").responses())]);
    let vk = anthropic(&first).provider("openai", &format!("{}/v1", second.url())).file("a.txt", "one\n");
    assert_eq!(report(&vk, &ANTHROPIC, &["what does a.txt say?"]).0.code, 0);
    let (ran, finished) = report(&vk, &OPENAI, &["--continue", "and now?"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(finished["answer"], "Still one.");
    let sent = second.requests()[0].json().to_string();
    assert!(sent.contains("what does a.txt say?") && sent.contains("cat a.txt") && sent.contains("and now?"), "{sent}");
    assert!(!sent.contains("secret thoughts"), "foreign reasoning is dropped: {sent}");
}

#[test]
fn the_repositorys_notes_are_read_where_trusted_and_said_to_be_left_out_elsewhere() {
    let provider = Provider::start((0..1).map(|_| Script::sse(&Turn::say("ok").anthropic())));
    let vk = anthropic(&provider).file("AGENTS.md", "Use tabs, always.\n");
    let ran = vk.run(&[&ANTHROPIC[..], &["hello"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("AGENTS.md is left out"), "{ran}");
    assert!(!provider.requests()[0].json().to_string().contains("Use tabs"));
    assert_eq!(ran.stdout, "ok\n", "the answer alone is on stdout");
}

#[test]
fn a_model_that_uses_tools_badly_is_told_so_and_goes_on() {
    let provider = Provider::start([
        Script::sse(&Turn::new().tool("t1", "no_such_tool", json!({"a": 1})).anthropic()),
        Script::sse(
            &Turn::new()
                .tool(
                    "t2",
                    EDITOR,
                    json!({"command": "str_replace", "path": "a.txt", "old_str": "three", "new_str": "x"}),
                )
                .anthropic(),
        ),
        Script::sse(&Turn::new().tool("t3", EDITOR, json!({"command": "view", "path": "../outside"})).anthropic()),
        Script::sse(&Turn::say("I give up politely.").anthropic()),
    ]);
    let vk = anthropic(&provider).file("a.txt", "one\n");
    let (ran, _) = report(&vk, &ANTHROPIC, &["go"]);
    assert_eq!(ran.code, 0, "{ran}");
    let told: Vec<String> = provider.requests().iter().map(|request| request.json()["messages"].to_string()).collect();
    assert!(told[1].contains("no_such_tool") && told[1].contains("is_error"), "{}", told[1]);
    assert!(told[2].contains("a.txt"), "{}", told[2]);
    assert!(told[3].contains("Refused"), "{}", told[3]);
}
