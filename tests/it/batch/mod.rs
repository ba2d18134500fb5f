//! `vk batch`: many tasks at once under one payer and one cap, through the built binary.

mod caps;
mod endings;
mod inputs;
mod killed;
mod many;
mod shards;
mod shown;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::git::repository;
use crate::support::env::{Ran, Vk};
use crate::support::provider::{Captured, Provider, Script};
use crate::support::turn::Turn;

/// The flags of a headless batch on the user's own Anthropic key.
pub(crate) const FLAGS: [&str; 6] = ["--path", "byok", "--provider", "anthropic", "--key", "env:TEST_ANTHROPIC_KEY"];

pub(crate) fn args<'a>(file: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["batch", file][..], &FLAGS, more].concat()
}

/// The words of the task that a request is of.
pub(crate) fn task_of(request: &Captured) -> String {
    let body = request.json();
    let first = body["messages"][0]["content"].to_string();
    let at = first.find("task ").unwrap_or_else(|| panic!("{first}"));
    first[at..].split(['"', '\\', '\n', '.']).next().unwrap().to_owned()
}

/// How many answers of tools the conversation holds.
pub(crate) fn steps_of(request: &Captured) -> usize {
    let body = request.json();
    let messages = body["messages"].as_array().unwrap();
    messages.iter().filter(|message| message.to_string().contains("tool_result")).count()
}

/// One command, then the last words; each call costs a cent.
pub(crate) fn writes(request: &Captured) -> Script {
    let task = task_of(request);
    if steps_of(request) == 0 {
        let command = format!("echo done > '{}.txt'", task.replace(' ', "-"));
        let turn = Turn::new().tool("t1", "bash", json!({"command": command})).tokens(0, 1_000);
        return Script::sse(&turn.anthropic());
    }
    Script::sse(&Turn::say("All done.").tokens(0, 1_000).anthropic())
}

/// The last words at once, at so many cents.
pub(crate) fn says(cents: u64) -> Script {
    Script::sse(&Turn::say("Done.").tokens(0, cents * 1_000).anthropic())
}

/// The same, within what the request allows, as a provider that keeps to it.
pub(crate) fn says_within(request: &Captured, cents: u64) -> Script {
    let most = request.json()["max_tokens"].as_u64().unwrap();
    Script::sse(&Turn::say("Done.").tokens(0, most.min(cents * 1_000)).anthropic())
}

/// A file of so many tasks, `task 0` with the id `n0`.
pub(crate) fn tasks(count: usize) -> String {
    let lines: Vec<String> = (0..count).map(|n| format!("{{\"task\":\"task {n}.\",\"id\":\"n{n}\"}}")).collect();
    lines.join("\n") + "\n"
}

/// A repository with a file of tasks that is no part of it.
pub(crate) fn project(provider: &Provider, text: &str) -> Vk {
    let vk = repository(provider);
    std::fs::write(vk.project().join("tasks.jsonl"), text).unwrap();
    vk
}

pub(crate) fn results(vk: &Vk) -> PathBuf {
    vk.project().join("tasks.results.jsonl")
}

/// The lines of the results file.
pub(crate) fn recorded(vk: &Vk) -> Vec<Value> {
    let text = std::fs::read_to_string(results(vk)).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// The ends of tasks in the results file, `id status`, in their order.
pub(crate) fn ends(vk: &Vk) -> Vec<String> {
    let all = recorded(vk).into_iter().filter(|line| line["type"] == "task.finished");
    all.map(|line| format!("{} {}", line["id"].as_str().unwrap(), line["status"].as_str().unwrap())).collect()
}

/// Runs with `--output json` and gives the last line of stdout, which is always `batch.finished`.
pub(crate) fn batch(vk: &Vk, file: &str, more: &[&str]) -> (Ran, Value) {
    let ran = vk.run(&[&args(file, more)[..], &["--output", "json"]].concat());
    let last = ran.json_lines().pop().unwrap_or_else(|| panic!("{ran}"));
    assert_eq!(last["type"], "batch.finished", "{ran}");
    assert_eq!(last["exit_code"], ran.code, "{ran}");
    (ran, last)
}

/// Counts the requests that are being answered, and the most there were at once.
#[derive(Clone, Default)]
pub(crate) struct AtOnce {
    /// The first answers come when so many requests are there.
    together: usize,
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    tasks: Arc<Mutex<Vec<String>>>,
}

impl AtOnce {
    pub(crate) fn together(count: usize) -> Self {
        Self { together: count, ..Self::default() }
    }

    /// A request comes: its task is noted, and those that are there are counted.
    pub(crate) fn comes(&self, request: &Captured) {
        self.tasks.lock().unwrap().push(task_of(request));
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        for _ in 0..1_000 {
            if self.most() >= self.together {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
        self.now.fetch_sub(1, Ordering::SeqCst);
    }

    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    /// The tasks of all requests so far, in their order.
    pub(crate) fn tasks(&self) -> Vec<String> {
        self.tasks.lock().unwrap().clone()
    }
}
