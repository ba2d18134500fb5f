//! A batch that is killed or interrupted: nothing runs on, what was done stays done, what was spent counts.

use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use vibekit::ledger::FILE_NAME;

use super::{AtOnce, args, batch, ends, project, recorded, steps_of, task_of, tasks};
use crate::ledger::usd;
use crate::support::env::{Vk, code_of};
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;

/// Waits until it holds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < limit, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Sleeping commands of so many seconds.
fn running(seconds: &str) -> usize {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| *line == format!("sleep\0{seconds}\0").into_bytes()).count()
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
}

/// The first two tasks end, the others' commands wait for ever under this word.
fn waits(seconds: &'static str) -> impl Fn(&crate::support::provider::Captured) -> Script + Send + Sync {
    move |request| {
        let ends = ["task 0", "task 1"].contains(&task_of(request).as_str()) || steps_of(request) > 0;
        if ends {
            return Script::sse(&Turn::say("Done.").tokens(0, 1_000).anthropic());
        }
        let turn = Turn::new().tool("t1", "bash", json!({"command": format!("sleep {seconds}")})).tokens(0, 1_000);
        Script::sse(&turn.anthropic())
    }
}

#[test]
fn after_a_kill_nothing_runs_on_and_the_next_start_does_what_is_left() {
    let at_once = AtOnce::default();
    let seen = at_once.clone();
    let wait = waits("98765.125");
    let provider = Provider::answering(move |request| {
        seen.comes(request);
        wait(request)
    });
    let vk = project(&provider, &tasks(6));
    let cap = ["--jobs", "3", "--max-cost", "5"];
    let mut child = vk.command(&args("tasks.jsonl", &cap)).spawn().unwrap();
    until("two are done and three work", || ends(&vk).len() == 2 && running("98765.125") >= 3);
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    let killed = Instant::now();
    until("commands run on", || running("98765.125") == 0);
    assert!(killed.elapsed() < Duration::from_secs(3), "{:?}", killed.elapsed());
    let mut done = ends(&vk);
    done.sort();
    assert_eq!(done, ["n0 done", "n1 done"]);
    // A crash in the middle of a line, too.
    let whole = std::fs::read_to_string(super::results(&vk)).unwrap();
    let torn = whole.lines().last().unwrap();
    std::fs::write(super::results(&vk), format!("{whole}{}", &torn[..torn.len() / 2])).unwrap();

    let before = at_once.tasks().len();
    let provider_says_done = Provider::answering(|_| Script::sse(&Turn::say("Done.").tokens(0, 1_000).anthropic()));
    let vk = vk.config("");
    point_at(&vk, &provider, &provider_says_done);
    let (ran, end) = batch(&vk, "tasks.jsonl", &cap);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(at_once.tasks().len(), before, "no request to the first provider");
    let mut again: Vec<String> = provider_says_done.requests().iter().map(task_of).collect();
    again.sort();
    assert_eq!(again, ["task 2", "task 3", "task 4", "task 5"], "what was done is not done again");
    assert_eq!((&end["tasks"]["done"], &end["tasks"]["ended_before"]), (&json!(6), &json!(2)));
    assert_eq!(recorded(&vk).len(), 2 + 2 + 4, "the torn line is gone");
    // Three calls before the kill beside the two tasks, four after it.
    assert_eq!(usd(end["spent_usd"].as_str().unwrap()), usd("0.09"), "{end}");
}

/// From here on the first provider's requests go to the second.
fn point_at(vk: &Vk, from: &Provider, to: &Provider) {
    let file = vk.config_dir().join("config.toml");
    let text = std::fs::read_to_string(&file).unwrap().replace(&from.url(), &to.url());
    std::fs::write(file, text).unwrap();
}

#[test]
fn the_call_of_a_killed_batch_counts_under_its_cap() {
    let provider = Provider::answering(|_| Script::silence());
    let vk = project(&provider, &tasks(1));
    let mut child = vk.command(&args("tasks.jsonl", &["--max-cost", "0.18"])).spawn().unwrap();
    until("a call is out", || !provider.requests().is_empty());
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    let ledger = rusqlite::Connection::open(vk.data_dir().join(FILE_NAME)).unwrap();
    ledger.execute("UPDATE tasks SET lease_until = lease_until - 61000", []).unwrap();
    drop(ledger);
    // All but a cent or two is uncertain, and no call is as small as that.
    let (ran, end) = batch(&vk, "tasks.jsonl", &["--max-cost", "0.18"]);
    assert_eq!((ran.code, &end["status"]), (5, &json!("budget")), "{ran}");
    assert!(end["error"]["message"].as_str().unwrap().contains("is uncertain"), "{end}");
    assert_eq!(provider.requests().len(), 1);
}

#[test]
fn the_first_signal_settles_and_records_and_the_second_ends_at_once() {
    for (sent, code, seconds) in [(Signal::INT, 130, "98765.25"), (Signal::TERM, 143, "98765.5")] {
        let provider = Provider::answering(waits(seconds));
        let vk = project(&provider, &tasks(6));
        let child = vk.command(&args("tasks.jsonl", &["--jobs", "3", "--output", "json"])).spawn().unwrap();
        until("two are done and three work", || ends(&vk).len() == 2 && running(seconds) >= 3);
        let at = Instant::now();
        signal(&child, sent);
        let output = child.wait_with_output().unwrap();
        assert!(at.elapsed() < Duration::from_secs(3), "{:?}", at.elapsed());
        assert_eq!(code_of(output.status), code);
        until("commands run on", || running(seconds) == 0);
        let last = String::from_utf8_lossy(&output.stdout).lines().last().unwrap().to_owned();
        let end: serde_json::Value = serde_json::from_str(&last).unwrap();
        assert_eq!((&end["type"], &end["status"]), (&json!("batch.finished"), &json!("interrupted")), "{end}");
        let counts = json!({"total": 6, "done": 2, "failed": 0, "interrupted": 3, "not_started": 1, "ended_before": 0});
        assert_eq!(end["tasks"], counts, "{end}");
        assert_eq!(ends(&vk).iter().filter(|end| end.ends_with(" interrupted")).count(), 3);
        assert_eq!(end["spent_usd"], "0.05", "every call is settled: {end}");
        // They run again.
        let done = Provider::answering(|_| Script::sse(&Turn::say("Done.").tokens(0, 1_000).anthropic()));
        point_at(&vk, &provider, &done);
        assert_eq!(batch(&vk, "tasks.jsonl", &[]).0.code, 0);
        assert_eq!(done.requests().len(), 4);
    }
}

#[test]
fn a_second_batch_on_the_same_results_is_refused() {
    let provider = Provider::answering(|_| Script::silence());
    let vk = project(&provider, &tasks(1));
    let mut child = vk.command(&args("tasks.jsonl", &[])).spawn().unwrap();
    until("a call is out", || !provider.requests().is_empty());
    let (ran, end) = batch(&vk, "tasks.jsonl", &[]);
    assert_eq!((ran.code, &end["error"]["code"]), (2, &json!("batch_busy")), "{ran}");
    // Looking is no work.
    assert_eq!(batch(&vk, "tasks.jsonl", &["--dry-run"]).0.code, 0);
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    assert!(Path::new(&super::results(&vk)).exists());
}
