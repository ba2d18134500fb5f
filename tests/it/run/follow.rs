//! A person at the terminal: what comes next, how to go on after Ctrl-C, a task that is typed or written in an editor.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::{Value, json};

use super::{ANTHROPIC, anthropic};
use crate::support::env::Vk;
use crate::support::provider::{Provider, Script, assert_prefix_grows};
use crate::support::terminal::{Session, start};
use crate::support::turn::Turn;

const NEXT: &str = "what next? (Enter ends)";
const STEER: &str = "how should it go on? (Enter ends)";

fn says(text: &str) -> Script {
    Script::sse(&Turn::say(text).tokens(1_000, 100).anthropic())
}

fn runs(script: &str) -> Script {
    Script::sse(&Turn::new().tool("t1", "bash", json!({"command": script})).tokens(1_000, 100).anthropic())
}

fn begin(vk: &Vk, more: &[&str]) -> Option<Session> {
    start(vk, &[&ANTHROPIC[..], more].concat())
}

fn tasks(vk: &Vk) -> Value {
    vk.run(&["tasks", "list", "--output", "json"]).json_lines().remove(0)
}

#[test]
fn a_follow_up_is_the_same_task_and_enter_ends() {
    let provider = Provider::start([says("First answer."), runs("touch made"), says("Second answer."), says("Third.")]);
    let vk = anthropic(&provider);
    let Some(mut run) = begin(&vk, &["--check", "echo checked >> checks", "begin"]) else { return };
    run.wait_for("First answer.");
    run.wait_for(&format!("done in 1 turn, $0.0030 so far; {NEXT}"));
    run.type_line("now make it");
    run.wait_for("Second answer.");
    run.wait_for(&format!("done in 3 turns, $0.0090 so far; {NEXT}"));
    run.type_line("and the docs");
    run.wait_for(NEXT);
    run.type_line("");
    let ran = run.end();
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.contains("done · 4 turns · 2 files changed"), "{ran}");
    let requests = provider.requests();
    assert_prefix_grows(&requests);
    assert!(requests[1].json()["messages"].to_string().contains("now make it"));
    let tasks = tasks(&vk);
    assert_eq!(tasks.as_array().unwrap().len(), 1, "{tasks}");
    assert_eq!((&tasks[0]["cost_usd"], &tasks[0]["turns"]), (&json!("0.012"), &json!(4)), "{tasks}");
    assert_eq!(std::fs::read_to_string(vk.project().join("checks")).unwrap().lines().count(), 3, "after each answer");
}

#[test]
fn a_follow_up_counts_against_the_tasks_cap() {
    let provider = Provider::start([Script::sse(&Turn::say("dear").tokens(20_000, 100).anthropic())]);
    let vk = anthropic(&provider);
    let Some(mut run) = begin(&vk, &["--max-cost", "0.05", "begin"]) else { return };
    run.wait_for(NEXT);
    run.type_line("and more");
    run.wait_for("The cap of $0.05 is reached");
    run.wait_for("[0]");
    run.type_line("");
    let ran = run.end();
    assert_eq!(ran.code, 5, "{ran}");
    assert_eq!(provider.requests().len(), 1);
}

#[test]
fn leaving_the_prompt_leaves_a_task_that_is_done() {
    for keys in ["\x03", "\x04", "  \n"] {
        let provider = Provider::start([says("ok")]);
        let vk = anthropic(&provider);
        let Some(mut run) = begin(&vk, &["begin"]) else { return };
        run.wait_for(NEXT);
        run.type_keys(keys);
        let ran = run.end();
        assert_eq!((ran.code, tasks(&vk)[0]["status"].as_str()), (0, Some("done")), "{keys:?} {ran}");
    }
}

#[test]
fn nobody_is_asked_where_the_answer_goes_elsewhere() {
    let provider = Provider::start([says("ok"), says("ok")]);
    let vk = anthropic(&provider);
    let piped = vk.command(&[&ANTHROPIC[..], &["begin"]].concat());
    let line: Vec<String> = piped.get_args().map(|arg| format!("'{}'", arg.to_str().unwrap())).collect();
    let program = format!("'{}' {}", env!("CARGO_BIN_EXE_vk"), line.join(" "));
    for script in [format!("{program} | cat"), format!("echo context | {program}")] {
        let mut shell = std::process::Command::new("/bin/sh");
        shell.args(["-c", &script]).current_dir(vk.project());
        shell.env_clear().envs(piped.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let Some(run) = crate::support::terminal::start_program(&shell) else { return };
        let ran = run.end();
        assert!(ran.code == 0 && !ran.stdout.contains(NEXT), "{script}: {ran}");
    }
}

#[test]
fn ctrl_c_once_takes_steering_and_the_task_goes_on() {
    let whole = Turn::say("I am going the wrong way entirely").tokens(1_000, 100).anthropic();
    let head: String = whole.split_inclusive("\n\n").take(4).collect();
    let provider = Provider::start([
        runs("touch started; sleep 60"),
        Script::sse(&whole).stall_at(head.len()),
        says("Turned around."),
    ]);
    let vk = anthropic(&provider);
    let Some(mut run) = begin(&vk, &["begin"]) else { return };
    // In a command.
    let waiting = std::time::Instant::now();
    while !vk.project().join("started").exists() && waiting.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    run.type_keys("\x03");
    run.wait_for(STEER);
    run.type_line("do not sleep");
    // In an answer.
    let waiting = std::time::Instant::now();
    while provider.requests().len() < 2 && waiting.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(100));
    run.type_keys("\x03");
    run.wait_for(STEER);
    run.type_line("the other way");
    run.wait_for("Turned around.");
    let ran = run.end();
    assert_eq!(ran.code, 0, "{ran}");
    let sent = provider.requests()[2].json()["messages"].to_string();
    for words in ["begin", "stopped by the user", "do not sleep", "the other way"] {
        assert!(sent.contains(words), "{words}: {sent}");
    }
    let tasks = tasks(&vk);
    assert_eq!((tasks.as_array().unwrap().len(), &tasks[0]["status"]), (1, &json!("done")), "{tasks}");
    assert_eq!(tasks[0]["cost_state"], "estimated", "what broke off is counted: {tasks}");
}

#[test]
fn ctrl_c_twice_ends() {
    for second in ["\x03", "\n"] {
        let provider = Provider::start([runs("touch started; sleep 60")]);
        let vk = anthropic(&provider);
        let Some(mut run) = begin(&vk, &["begin"]) else { return };
        let waiting = std::time::Instant::now();
        while !vk.project().join("started").exists() && waiting.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(10));
        }
        run.type_keys("\x03");
        run.wait_for(STEER);
        run.type_keys(second);
        let ran = run.end();
        assert_eq!((ran.code, tasks(&vk)[0]["status"].as_str()), (130, Some("interrupted")), "{ran}");
    }
}

#[test]
fn the_bell_rings_when_a_task_is_done_and_not_where_it_is_unwanted() {
    for (config, flag, rings) in [("", None, true), ("bell = false\n", None, false), ("", Some("--quiet"), false)] {
        let provider = Provider::start([says("ok")]);
        let vk = Vk::new().config(config).provider("anthropic", &provider.url());
        let flags: Vec<&str> = flag.into_iter().chain(["begin"]).collect();
        let Some(mut run) = begin(&vk, &flags) else { return };
        run.wait_for(NEXT);
        run.type_line("");
        let ran = run.end();
        assert_eq!((ran.code, ran.stdout.contains('\x07')), (0, rings), "{config:?} {flag:?} {ran}");
    }
    let provider = Provider::start([says("ok")]);
    let ran = anthropic(&provider).run(&[&ANTHROPIC[..], &["begin"]].concat());
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains('\x07'), "{ran}");
}

#[test]
fn without_a_task_a_person_is_asked_for_one() {
    let provider = Provider::start([says("ok")]);
    let vk = anthropic(&provider);
    let Some(mut run) = begin(&vk, &[]) else { return };
    run.wait_for("what is to be done?");
    run.type_line("typed words");
    assert_eq!(run.end().code, 0);
    assert!(provider.requests()[0].json()["messages"].to_string().contains("typed words"));
    for (keys, code) in [("\n", 2), ("\x03", 130)] {
        let Some(mut run) = begin(&vk, &[]) else { return };
        run.wait_for("what is to be done?");
        run.type_keys(keys);
        assert_eq!(run.end().code, code);
    }
}

#[test]
fn an_empty_line_opens_the_editor() {
    let provider = Provider::start([says("ok")]);
    let editor = |vk: &Vk, body: &str| {
        let path = vk.home().join("editor");
        std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        format!("'{}' --wait", path.display())
    };
    let vk = anthropic(&provider);
    let value = editor(
        &vk,
        "test \"$1\" = --wait && tail -n 1 \"$2\" > $HOME/below && { echo '# A title'; echo 'and words'; cat \"$2\"; } > $HOME/new && mv $HOME/new \"$2\"",
    );
    let vk = vk.var("EDITOR", &value).var("ANTHROPIC_API_KEY", "sk-ant-api03-mine");
    let Some(mut run) = begin(&vk, &[]) else { return };
    run.wait_for("(Enter opens $EDITOR)");
    run.type_line("");
    assert_eq!(run.end().code, 0);
    let sent = provider.requests()[0].json()["messages"][0].to_string();
    assert!(sent.contains("# A title\\nand words\"") && !sent.contains("above this line"), "{sent}");
    // Nothing written, and an editor that fails.
    for (body, words) in [("true", "there is no task"), ("exit 3", "gave no task")] {
        editor(&vk, body);
        let Some(mut run) = begin(&vk, &[]) else { return };
        run.wait_for("(Enter opens $EDITOR)");
        run.type_line("");
        let ran = run.end();
        assert!(ran.code == 2 && ran.stdout.contains(words), "{body}: {ran}");
    }
}
