//! Many tasks at once: each in a worktree of its own, all of them recorded, and gone on with.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{AtOnce, args, batch, ends, project, recorded, says, tasks, writes};
use crate::git::{git, read};
use crate::run::{ANTHROPIC, report};
use crate::support::provider::{Provider, Script};

fn keys(value: &Value) -> Vec<&String> {
    value.as_object().unwrap().keys().collect()
}

#[test]
fn many_tasks_run_at_once_each_in_a_worktree_and_all_are_recorded() {
    let at_once = AtOnce::together(4);
    let seen = at_once.clone();
    let provider = Provider::answering(move |request| {
        seen.comes(request);
        writes(request)
    });
    let vk = project(&provider, &tasks(12));
    let before = git(&vk, &["status", "--porcelain"]);
    let (ran, end) = batch(&vk, "tasks.jsonl", &["--jobs", "4"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(at_once.most(), 4, "as many at once as were asked for, and no more");

    // One line a task on stdout and in the file, the same; the shape is that of a task alone, with fields added.
    let told: Vec<Value> = ran.json_lines();
    let lines = recorded(&vk);
    assert_eq!(lines[0]["type"], "batch.started", "{ran}");
    assert_eq!(
        told[..12].iter().map(without_time).collect::<Vec<_>>(),
        lines[1..].iter().map(without_time).collect::<Vec<_>>()
    );
    let (_, alone) = report(&vk, &ANTHROPIC, &["--worktree=clean", "task 99."]);
    let added = ["batch_id", "id", "line", "task_hash"];
    for line in &lines[1..] {
        let own: Vec<&String> = keys(line).into_iter().filter(|key| !added.contains(&key.as_str())).collect();
        assert_eq!(own, keys(&alone), "every field of `task.finished`, in its order");
        for field in ["usage", "payers", "files_changed", "worktree"] {
            let one = |value: &Value| if value.is_array() { value[0].clone() } else { value.clone() };
            assert_eq!(keys(&one(&line[field])), keys(&one(&alone[field])), "{field}");
        }
        assert_eq!((&line["status"], &line["exit_code"], &line["turns"]), (&json!("done"), &json!(0), &json!(2)));
        assert_eq!(line["cost_usd"], "0.02", "{line}");
        assert_eq!(line["batch_id"], end["batch_id"]);
        let number = line["line"].as_u64().unwrap() - 1;
        assert_eq!(line["id"], format!("n{number}"));
        let tree = std::path::Path::new(line["worktree"]["path"].as_str().unwrap());
        assert_eq!(read(&tree.join(format!("task-{number}.txt"))).as_deref(), Some("done\n"), "{line}");
        assert_eq!(
            git(&vk, &["rev-parse", line["worktree"]["branch"].as_str().unwrap()]),
            git(&vk, &["rev-parse", "main"])
        );
    }
    let trees: BTreeSet<&str> = lines[1..].iter().map(|line| line["worktree"]["path"].as_str().unwrap()).collect();
    assert_eq!(trees.len(), 12);
    assert_eq!(
        git(&vk, &["status", "--porcelain"]),
        format!("{before}?? tasks.results.jsonl\n"),
        "the user's own tree is as it was"
    );

    let counts = json!({"total": 12, "done": 12, "failed": 0, "interrupted": 0, "not_started": 0, "ended_before": 0});
    assert_eq!((&end["tasks"], &end["status"], &end["cost_usd"]), (&counts, &json!("done"), &json!("0.24")), "{end}");
    assert_eq!((&end["spent_usd"], &end["error"]), (&json!("0.24"), &Value::Null));

    // In every report the batch is one session, and its tasks are the project's.
    let by = vk.run(&["cost", "--by", "session", "--output", "json"]).json_lines().remove(0);
    let row = by["rows"].as_array().unwrap().iter().find(|row| row["group"] == end["batch_id"]).unwrap();
    assert_eq!((&row["billed_usd"], &row["calls"]), (&json!("0.24"), &json!(24)), "{by}");
    let shown = vk.run(&["tasks", "list", "--output", "json"]).json_lines().remove(0);
    assert_eq!(shown.as_array().unwrap().iter().filter(|task| task["project"] == "project").count(), 13, "{shown}");
}

fn without_time(line: &Value) -> Value {
    let mut line = line.clone();
    line.as_object_mut().unwrap().remove("ts");
    line
}

#[test]
fn the_same_command_goes_on_and_runs_nothing_twice() {
    let at_once = AtOnce::default();
    let seen = at_once.clone();
    let provider = Provider::answering(move |request| {
        seen.comes(request);
        if super::task_of(request) == "task 1" {
            Script::json(400, r#"{"error":{"message":"no such thing"}}"#)
        } else {
            says(1)
        }
    });
    let text = tasks(3) + "{\"task\":\"task 3.\",\"id\":\"n3\",\"checks\":[\"false\"],\"check_rounds\":0}\n";
    let vk = project(&provider, &text);
    let (ran, end) = batch(&vk, "tasks.jsonl", &["--jobs", "1"]);
    assert_eq!((ran.code, &end["status"]), (1, &json!("failed")), "{ran}");
    assert_eq!(ends(&vk), ["n0 done", "n1 provider_failed", "n2 done", "n3 check_failed"]);
    let first = at_once.tasks().len();

    // What the provider kept from its end runs again; a failed check had its try.
    let (ran, end) = batch(&vk, "tasks.jsonl", &["--jobs", "1"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(at_once.tasks()[first..].iter().all(|task| task == "task 1"), "{:?}", &at_once.tasks()[first..]);
    assert_eq!(
        (&end["tasks"]["done"], &end["tasks"]["failed"], &end["tasks"]["ended_before"]),
        (&json!(2), &json!(2), &json!(3))
    );
    let second = at_once.tasks().len();
    let (ran, _) = batch(&vk, "tasks.jsonl", &["--jobs", "1", "--retry-failed"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(at_once.tasks()[second..].contains(&"task 3".to_owned()));

    // Other words under the same name are another task; a line that is gone is none.
    std::fs::write(vk.project().join("tasks.jsonl"), "{\"task\":\"task 7.\",\"id\":\"n0\"}\n").unwrap();
    let third = at_once.tasks().len();
    let (ran, end) = batch(&vk, "tasks.jsonl", &[]);
    assert_eq!((ran.code, &end["tasks"]["total"]), (0, &json!(1)), "{ran}");
    assert_eq!(at_once.tasks()[third..], ["task 7"]);
    let (ran, end) = batch(&vk, "tasks.jsonl", &[]);
    assert_eq!((ran.code, &end["tasks"]["ended_before"], at_once.tasks().len()), (0, &json!(1), third + 1), "{ran}");
}

#[test]
fn a_task_that_changes_nothing_leaves_nothing_and_a_commit_is_one_branch() {
    let provider =
        Provider::answering(|request| if super::task_of(request) == "task 0" { says(1) } else { writes(request) });
    let vk = project(&provider, &tasks(3));
    let (ran, _) = batch(&vk, "tasks.jsonl", &["--commit", "--jobs", "3"]);
    assert_eq!(ran.code, 0, "{ran}");
    for line in &recorded(&vk)[1..] {
        let changed = line["id"] != "n0";
        assert_eq!(line["worktree"]["removed"], !changed, "{line}");
        if changed {
            let branch = line["worktree"]["branch"].as_str().unwrap();
            assert_eq!(git(&vk, &["rev-list", "--count", &format!("main..{branch}")]).trim(), "1");
            assert_eq!(git(&vk, &["rev-parse", branch]).trim(), line["commit"].as_str().unwrap());
        }
    }
    assert_eq!(git(&vk, &["worktree", "list"]).lines().count(), 3);
}

#[test]
fn a_line_chooses_its_model_and_its_limits() {
    let provider = Provider::answering(|_| says(1));
    let text = "{\"task\":\"task 0.\",\"id\":\"a\",\"model\":\"opus\"}\n\
        {\"task\":\"task 1.\",\"id\":\"b\",\"max_cost\":\"0.001\"}\n{\"task\":\"task 2.\",\"id\":\"c\"}\n";
    let vk = project(&provider, text);
    let (ran, end) = batch(&vk, "tasks.jsonl", &["--jobs", "1", "--model", "sonnet", "--max-cost", "9"]);
    assert_eq!(ran.code, 1, "a task's own cap ends that task alone: {ran}");
    assert_eq!(ends(&vk), ["a done", "b budget", "c done"], "{ran}");
    let models: Vec<String> =
        provider.requests().iter().map(|request| request.json()["model"].as_str().unwrap().to_owned()).collect();
    assert!(models[0].contains("opus") && models[1].contains("sonnet") && models.len() == 2, "{models:?}");
    assert_eq!(end["tasks"]["not_started"], 0);
    let line = &recorded(&vk)[2];
    let id = line["task_id"].as_str().unwrap();
    assert!(line["error"]["fix"].as_str().unwrap().contains(&format!("vk run --continue={id} ")), "{line}");
}

#[test]
fn stream_json_names_the_task_of_every_event() {
    let provider = Provider::answering(writes);
    let vk = project(&provider, &tasks(2));
    let ran = vk.run(&args("tasks.jsonl", &["--output", "stream-json"]));
    assert_eq!(ran.code, 0, "{ran}");
    let lines = ran.json_lines();
    assert_eq!(lines[0]["type"], "batch.started");
    assert_eq!(lines.last().unwrap()["type"], "batch.finished");
    for line in &lines[1..lines.len() - 1] {
        assert!(["n0", "n1"].contains(&line["id"].as_str().unwrap_or_else(|| panic!("{line}"))), "{line}");
    }
    for id in ["n0", "n1"] {
        let own: Vec<&str> =
            lines.iter().filter(|line| line["id"] == id).map(|line| line["type"].as_str().unwrap()).collect();
        assert_eq!((own[0], *own.last().unwrap()), ("route.resolved", "task.finished"), "{own:?}");
        assert_eq!(own.iter().filter(|kind| **kind == "call.settled").count(), 2, "{own:?}");
    }
    assert_eq!(lines[0]["route"]["payer"], "you pay Anthropic at list price");
}
