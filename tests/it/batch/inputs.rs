//! Files and flags that cannot be used: exit 2 before anything is sent, and a script sees the end it waits for.

use serde_json::json;

use super::{args, batch, project, results, tasks};
use crate::run::anthropic;
use crate::support::provider::Provider;

#[test]
fn a_file_that_cannot_be_used_is_refused_whole_before_anything_is_sent() {
    let provider = Provider::start([]);
    let vk = project(&provider, "");
    let file = vk.project().join("tasks.jsonl");
    for (text, code, words) in [
        ("", "empty_batch", "tasks.jsonl has no task"),
        ("\n \n", "empty_batch", "has no task"),
        ("{\"task\":\"a\"}\nfix it\n", "bad_batch_line", "tasks.jsonl:2: it is no JSON object"),
        ("{\"task\":\"a\",\"modle\":\"x\"}\n", "bad_batch_line", "did you mean \"model\"?"),
        ("{\"task\":\"a\",\"path\":\"free\"}\n", "bad_batch_line", "said once for the whole batch: vk batch --path"),
        ("{\"id\":\"a\"}\n", "bad_batch_line", "missing field `task`"),
        ("{\"task\":\"a\",\"id\":\"x\"}\n{\"task\":\"b\",\"id\":\"x\"}\n", "bad_batch_line", "tasks.jsonl:2: the id x"),
        ("{\"task\":\"a\"}\n{\"task\":\"b\",\"model\":\"gpt-9\"}\n", "bad_batch_line", "tasks.jsonl:2: "),
        ("{\"task\":\"a\",\"timeout\":\"10\"}\n", "bad_batch_line", "90s, 10m, 2h"),
    ] {
        std::fs::write(&file, text).unwrap();
        let (ran, end) = batch(&vk, "tasks.jsonl", &[]);
        assert_eq!((ran.code, &end["error"]["code"]), (2, &json!(code)), "{text}: {ran}");
        assert!(end["error"]["message"].as_str().unwrap().contains(words), "{text}: {ran}");
        assert!(!results(&vk).exists(), "{text}");
    }
    assert!(provider.captured().is_empty());
}

#[test]
fn what_every_task_would_stop_at_is_found_before_the_first() {
    let provider = Provider::start([]);
    let vk = project(&provider, &tasks(2));
    for (more, exit, code) in [
        (&["--approve", "ask"][..], 7, "approval_needed"),
        (&["--approve", "edits"], 7, "approval_needed"),
        (&["--model", "gpt-9"], 2, "unknown_model"),
        (&["--engine", "codex"], 2, "engine_of_other_payer"),
        (&["--max-cost", "x"], 2, "bad_amount"),
        (&["--max-task-cost=-1"], 2, "bad_amount"),
        (&["--id", "a b"], 2, "bad_batch_id"),
        (&["--timeout", "10"], 2, "bad_duration"),
        (&["--allow-network=https://x"], 2, "bad_host"),
        (&["--pr"], 2, "no_remote"),
        (&["--results", "a.txt"], 2, "results_foreign"),
        (&["--results", "tasks.jsonl"], 2, "results_foreign"),
        (&["--results", "nowhere/r.jsonl"], 2, "results_unusable"),
    ] {
        let (ran, end) = batch(&vk, "tasks.jsonl", more);
        let found = end["error"]["code"].as_str().unwrap();
        assert!(ran.code == exit && (found == code || code == "no_remote"), "{more:?}: {ran}");
        assert!(!results(&vk).exists(), "{more:?}");
        if let Some(fix) = end["error"]["fix"].as_str() {
            assert!(!fix.contains("vk run"), "{more:?}: {fix}");
        }
    }
    let out = vk.run(&["batch", "tasks.jsonl", "--output", "json"]);
    let end = out.json_lines().pop().unwrap();
    assert_eq!(
        (out.code, &end["type"], &end["status"]),
        (3, &json!("batch.finished"), &json!("no_credential")),
        "{out}"
    );
    for line in [&["batch", "--output", "json"][..], &["batch", "t", "--jobs", "0", "--output=json"]] {
        let out = vk.run(line);
        let end = out.json_lines().pop().unwrap();
        assert_eq!((out.code, &end["type"]), (2, &json!("batch.finished")), "{out}");
    }
    let out = vk.run(&args("none.jsonl", &[]));
    assert_eq!((out.code, out.stderr.contains("none.jsonl cannot be read")), (2, true), "{out}");

    // Without a repository there is no worktree.
    let bare = anthropic(&provider).file("tasks.jsonl", &tasks(1));
    let (ran, end) = batch(&bare, "tasks.jsonl", &[]);
    assert_eq!((ran.code, &end["error"]["code"]), (2, &json!("no_repository")), "{ran}");
    assert!(provider.captured().is_empty());
}

#[test]
fn tasks_come_from_stdin_where_their_results_have_a_place() {
    let provider = Provider::answering(|_| super::says(1));
    let vk = project(&provider, "").stdin(&tasks(2));
    let (ran, end) = batch(&vk, "-", &[]);
    assert_eq!((ran.code, &end["error"]["code"]), (2, &json!("no_results_file")), "{ran}");
    let (ran, end) = batch(&vk, "-", &["--results", "tasks.results.jsonl"]);
    assert_eq!((ran.code, &end["tasks"]["done"]), (0, &json!(2)), "{ran}");
    assert_eq!(batch(&vk, "-", &["--results", "tasks.results.jsonl"]).1["tasks"]["ended_before"], 2);
    assert_eq!(provider.requests().len(), 2);
}

#[test]
fn a_project_that_is_not_trusted_is_exit_7_and_its_hash_is_taken() {
    let provider = Provider::answering(|_| super::says(1));
    let vk = project(&provider, &tasks(2)).file("vk.toml", "checks = [\"true\"]\n");
    let (ran, end) = batch(&vk, "tasks.jsonl", &[]);
    assert_eq!((ran.code, &end["error"]["code"]), (7, &json!("untrusted")), "{ran}");
    let hash = vk.run(&["trust", "--print"]).stdout.trim().to_owned();
    let (ran, end) = batch(&vk, "tasks.jsonl", &["--trust", &hash]);
    assert_eq!((ran.code, &end["tasks"]["done"]), (0, &json!(2)), "{ran}");
}

#[test]
fn a_dry_run_shows_who_pays_and_what_would_run_and_leaves_nothing() {
    let provider = Provider::start([]);
    let vk = project(&provider, &tasks(3));
    let ran = vk.run(&args("tasks.jsonl", &["--dry-run", "--max-cost", "2"]));
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("3 tasks, 3 at once · stops at $5.00 a task, $2.00 in all"), "{ran}");
    assert_eq!(ran.stdout.lines().filter(|line| line.contains(" run ")).count(), 3, "{ran}");
    assert!(!results(&vk).exists() && provider.captured().is_empty());
}
