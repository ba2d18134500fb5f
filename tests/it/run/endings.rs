//! Ends from outside: signals at awkward moments, a second task in the tree, undo.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{ANTHROPIC, anthropic, report};
use crate::support::provider::{Provider, Script};
use crate::support::terminal::start;
use crate::support::turn::Turn;

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap().success());
}

/// Reads events until one of this type has come.
fn read_until(lines: &mut impl Iterator<Item = std::io::Result<String>>, kind: &str) -> Vec<Value> {
    let mut seen = Vec::new();
    for line in lines.by_ref() {
        let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let found = event["type"] == kind;
        seen.push(event);
        if found {
            break;
        }
    }
    seen
}

#[test]
fn signals_end_a_stream_within_seconds_and_settle_what_was_spent() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let whole = Turn::say("many words here").tokens(10_000, 100).anthropic();
        let head: String = whole.split_inclusive("\n\n").take(4).collect();
        let provider = Provider::start([Script::sse(&whole).stall_at(head.len())]);
        let vk = anthropic(&provider);
        let mut child = vk.command(&[&ANTHROPIC[..], &["--output", "stream-json", "go"]].concat()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        read_until(&mut lines, "text.delta");
        let started = Instant::now();
        signal(&child, name);
        let finished = read_until(&mut lines, "task.finished").pop().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        assert_eq!(finished["status"], "interrupted");
        assert_eq!(finished["cost_state"], "estimated", "{finished}");
        let cost: f64 = finished["cost_usd"].as_str().unwrap().parse().unwrap();
        assert!(cost >= 0.02, "10,000 tokens went in: {cost}");
    }
}

#[test]
fn ctrl_c_is_heard_from_the_first_line_on() {
    let provider = Provider::start([]);
    let vk = anthropic(&provider);
    let mut child = vk.command(&[&ANTHROPIC[..], &["--output", "json", "go"]].concat()).spawn().unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(told.next().unwrap().unwrap().contains("byok"));
    signal(&child, "INT");
    let finished =
        read_until(&mut BufReader::new(child.stdout.take().unwrap()).lines(), "task.finished").pop().unwrap();
    assert_eq!((child.wait().unwrap().code(), &finished["exit_code"]), (Some(130), &json!(130)), "{finished}");
}

#[test]
fn ctrl_c_at_a_question_ends_the_task_before_anything_more_is_spent() {
    let provider =
        Provider::start([Script::sse(&Turn::new().tool("t1", "bash", json!({"command": "touch made"})).anthropic())]);
    let vk = anthropic(&provider);
    let Some(mut run) = start(&vk, &[&ANTHROPIC[..], &["--approve", "ask", "go"]].concat()) else { return };
    run.wait_for("Run this command?");
    run.wait_for("(n):");
    run.type_keys("\x03");
    run.wait_for("how should it go on?");
    run.type_keys("\x03");
    let ran = run.end();
    assert_eq!((ran.code, provider.requests().len()), (130, 1), "{ran}");
    assert!(!vk.project().join("made").exists());
}

#[test]
fn a_command_that_runs_is_ended_with_everything_it_started() {
    let script = "touch started; (sleep 31.4159 & sleep 31.4159)";
    let provider =
        Provider::start([Script::sse(&Turn::new().tool("t1", "bash", json!({"command": script})).anthropic())]);
    let vk = anthropic(&provider);
    let mut child = vk.command(&[&ANTHROPIC[..], &["--output", "stream-json", "go"]].concat()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    read_until(&mut lines, "tool.started");
    let waiting = Instant::now();
    while !vk.project().join("started").exists() && waiting.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(20));
    }
    signal(&child, "INT");
    read_until(&mut lines, "task.finished");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    std::thread::sleep(Duration::from_millis(100));
    let left = Command::new("pgrep").args(["-f", "sleep 31.4159"]).output().unwrap();
    assert!(left.stdout.is_empty(), "orphans: {}", String::from_utf8_lossy(&left.stdout));
}

#[test]
fn a_killed_task_can_be_gone_on_with_and_its_hold_is_not_lost() {
    let provider = Provider::start([
        Script::sse(&Turn::new().tool("t1", "bash", json!({"command": "touch started; sleep 20"})).anthropic()),
        Script::sse(&Turn::say("went on").anthropic()),
    ]);
    let vk = anthropic(&provider);
    let mut child = vk.command(&[&ANTHROPIC[..], &["go"]].concat()).spawn().unwrap();
    let waiting = Instant::now();
    while !vk.project().join("started").exists() && waiting.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let (ran, finished) = report(&vk, &ANTHROPIC, &["--continue", "go on"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(finished["answer"], "went on");
    let sent = provider.requests()[1].json()["messages"].to_string();
    assert!(sent.contains("not known: the task was stopped"), "{sent}");
}

#[test]
fn a_second_task_in_the_same_tree_is_told_of_the_first() {
    let provider = Provider::start([Script::silence()]);
    // The first may be ended before its request has come.
    provider.allow_leftovers();
    let vk = anthropic(&provider);
    let mut first = vk.command(&[&ANTHROPIC[..], &["--output", "stream-json", "go"]].concat()).spawn().unwrap();
    let mut lines = BufReader::new(first.stdout.take().unwrap()).lines();
    read_until(&mut lines, "budget.reserved");
    let (ran, finished) = report(&vk, &ANTHROPIC, &["go too"]);
    assert_eq!((ran.code, finished["error"]["code"].as_str()), (2, Some("tree_busy")), "{ran}");
    signal(&first, "TERM");
    first.wait().unwrap();
}

#[test]
fn undo_puts_back_what_the_task_changed_and_leaves_the_users_own_edits() {
    let provider = Provider::start([
        Script::sse(
            &Turn::new()
                .tool("t1", "bash", json!({"command": "echo task > a.txt; echo new > made.txt; rm gone.txt"}))
                .anthropic(),
        ),
        Script::sse(&Turn::say("ok").anthropic()),
    ]);
    let vk = anthropic(&provider).file("a.txt", "mine\n").file("gone.txt", "keep\n").file("dirty.txt", "user\n").git();
    let vk = vk.file("dirty.txt", "the user's own edit\n");
    let (ran, finished) = report(&vk, &ANTHROPIC, &["go"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(finished["files_changed"].as_array().unwrap().len(), 3, "{finished}");
    let undone = vk.run(&["tasks", "undo"]);
    assert_eq!(undone.code, 0, "{undone}");
    let read = |name: &str| std::fs::read_to_string(vk.project().join(name)).ok();
    assert_eq!(read("a.txt").as_deref(), Some("mine\n"));
    assert_eq!(read("gone.txt").as_deref(), Some("keep\n"));
    assert_eq!(read("made.txt"), None);
    assert_eq!(read("dirty.txt").as_deref(), Some("the user's own edit\n"));
}
