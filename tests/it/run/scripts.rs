//! What scripts rely on: stdin, JSON on every exit, the CI files, a run that is only shown.

use serde_json::json;

use super::{ANTHROPIC, anthropic, report};
use crate::support::env::Vk;
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;

fn once() -> Provider {
    Provider::start([Script::sse(&Turn::say("ok").tokens(1_000, 100).anthropic())])
}

#[test]
fn stdin_is_the_task_or_stands_beside_it() {
    for (args, marked) in [(&["-"][..], false), (&[][..], false), (&["review this"][..], true)] {
        let provider = once();
        let vk = anthropic(&provider).stdin("piped words\n");
        let (ran, _) = report(&vk, &ANTHROPIC, args);
        assert_eq!(ran.code, 0, "{ran}");
        let first = provider.requests()[0].json()["messages"][0].to_string();
        assert!(first.contains("piped words"), "{first}");
        assert_eq!(first.contains("<stdin>"), marked, "{first}");
    }
}

#[test]
fn no_task_at_all_is_exit_2_also_in_json() {
    let (ran, finished) = report(&Vk::new(), &["run"], &[]);
    assert_eq!((ran.code, finished["error"]["code"].as_str()), (2, Some("no_task")), "{ran}");
}

#[test]
fn wrong_arguments_end_with_task_finished_in_json_modes() {
    for mode in ["json", "stream-json"] {
        let ran = Vk::new().run(&["run", "--output", mode, "--no-such-flag", "go"]);
        let last = ran.json_lines().pop().unwrap();
        assert_eq!((ran.code, last["status"].as_str()), (2, Some("usage")), "{ran}");
    }
}

#[test]
fn a_key_in_the_wrong_place_is_not_repeated() {
    let key = format!("sk-ant-api03-{}AA", "CANARY0".repeat(13));
    let vk = Vk::new();
    let cases: [&[&str]; 9] = [
        &["keys", "add", &key],
        &["keys", "test", &key],
        &["keys", "remove", &key],
        &["use", &key],
        &["cost", "show", &key],
        &["run", "--output", "json", "--path", &key, "go"],
        &["run", "--output", "json", "--timeout", &key, "go"],
        &["run", "--output", "stream-json", "--max-turns", &key, "go"],
        &[&key],
    ];
    for args in cases {
        let ran = vk.run(args);
        assert!(ran.code != 0 && ran.stderr.contains("sk-***"), "{ran}");
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("CANARY0"), "{ran}");
    }
}

#[test]
fn a_command_that_is_offered_is_one_that_works() {
    let provider = once();
    let vk = anthropic(&provider);
    let (_, first) = report(&vk, &ANTHROPIC, &["go"]);
    let (ran, finished) = report(&vk, &ANTHROPIC, &["--continue=nosuch", "go"]);
    let with_id = format!("vk run --continue={}", first["task_id"].as_str().unwrap());
    assert!(
        finished["error"]["fix"].as_str().unwrap().contains(&with_id),
        "with a space the id would be the task: {ran}"
    );
    let (ran, finished) = report(&vk, &ANTHROPIC, &["--max-turns", "0", "go"]);
    assert_eq!((ran.code, &finished["status"]), (2, &serde_json::json!("usage")), "{ran}");
    let (ran, finished) = report(&anthropic(&Provider::start([])), &ANTHROPIC, &["--max-cost", "0.001", "go"]);
    let error = &finished["error"];
    let dollars = |text: &str, before: &str| -> f64 {
        let rest = text.split_once(before).unwrap().1.trim_start_matches('$');
        rest.split(' ').next().unwrap().parse().unwrap()
    };
    let needed = dollars(error["message"].as_str().unwrap(), "may cost up to ");
    assert!(dollars(error["fix"].as_str().unwrap(), "--max-cost ") >= needed, "{ran}");
}

#[test]
fn without_a_route_nothing_is_guessed() {
    let (ran, finished) = report(&Vk::new().var("ANTHROPIC_API_KEY", "sk-ant-api03-ambient"), &["run"], &["go"]);
    assert_eq!((ran.code, finished["status"].as_str()), (3, Some("no_credential")), "{ran}");
    assert!(finished["error"]["fix"].as_str().unwrap().starts_with("vk "), "{ran}");
}

#[test]
fn a_dry_run_shows_the_route_and_sends_nothing() {
    let provider = Provider::start([]);
    let ran = anthropic(&provider).run(&[&ANTHROPIC[..], &["--dry-run", "go"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("byok · anthropic · claude-sonnet-5-5 · key env:TEST_ANTHROPIC_KEY"), "{ran}");
    assert!(ran.stderr.contains("you pay Anthropic at list price · stops at $5.00"), "{ran}");
    assert!(provider.captured().is_empty());
}

#[test]
fn the_stream_tells_the_story_in_order() {
    let provider = Provider::start([
        Script::sse(&Turn::new().text("Let me look.").tool("t1", "bash", json!({"command": "echo hi"})).anthropic()),
        Script::sse(&Turn::say("Said hi.").anthropic()),
    ]);
    let ran = anthropic(&provider).run(&[&ANTHROPIC[..], &["--output", "stream-json", "go"]].concat());
    let lines = ran.json_lines();
    assert!(
        lines.iter().all(|line| line["v"] == 1 && line["ts"].as_str().is_some_and(|ts| ts.ends_with('Z'))),
        "{ran}"
    );
    let mut kinds: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    kinds.dedup();
    assert_eq!(
        kinds,
        [
            "route.resolved",
            "turn.started",
            "budget.reserved",
            "text.delta",
            "call.settled",
            "tool.started",
            "tool.finished",
            "turn.started",
            "budget.reserved",
            "text.delta",
            "call.settled",
            "task.finished"
        ],
        "{ran}"
    );
}

#[test]
fn the_ci_files_get_the_cost_and_the_payer() {
    let provider = once();
    let vk = anthropic(&provider);
    let (summary, output) = (vk.home().join("summary.md"), vk.home().join("output"));
    let vk = vk.var("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()).var("GITHUB_OUTPUT", output.to_str().unwrap());
    assert_eq!(report(&vk, &ANTHROPIC, &["go"]).0.code, 0);
    let output = std::fs::read_to_string(output).unwrap();
    for name in ["task_id", "payer", "model", "cost_usd", "cost_state"] {
        assert!(output.contains(name), "{output}");
    }
    assert!(std::fs::read_to_string(summary).unwrap().contains("claude-sonnet-5-5"));
}

#[test]
fn what_needs_asking_is_refused_before_anything_is_sent() {
    let provider = Provider::start([]);
    for mode in ["ask", "edits"] {
        let (ran, finished) = report(&anthropic(&provider), &ANTHROPIC, &["--approve", mode, "go"]);
        assert_eq!((ran.code, finished["status"].as_str()), (7, Some("untrusted")), "{ran}");
    }
    let vk = anthropic(&provider).file("vk.toml", "path = \"byok\"\nchecks = [\"touch CANARY\"]\n");
    let (ran, finished) = report(&vk, &["run"], &["go"]);
    assert_eq!((ran.code, finished["status"].as_str()), (7, Some("untrusted")), "{ran}");
    assert!(!vk.project().join("CANARY").exists());
    assert!(provider.captured().is_empty());
}

#[test]
fn a_hash_given_in_ci_trusts_exactly_what_it_was_made_from() {
    let provider = once();
    let vk = anthropic(&provider).file("vk.toml", "path = \"byok\"\nprovider = \"anthropic\"\n");
    let hash = vk.run(&["trust", "--print"]);
    assert_eq!(hash.code, 0, "{hash}");
    let flags = ["run", "--key", "env:TEST_ANTHROPIC_KEY", "--trust", hash.stdout.trim()];
    assert_eq!(report(&vk, &flags, &["go"]).0.code, 0);
    let vk = vk.file("vk.toml", "path = \"byok\"\nprovider = \"openai\"\n");
    assert_eq!(report(&vk, &flags, &["go"]).0.code, 7);
}
