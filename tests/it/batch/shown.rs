//! What a person sees: a live table at a terminal, lines in a log, the table of the end.

use serde_json::json;

use super::{args, project, says, steps_of, task_of, tasks};
use crate::support::provider::{Provider, Script};
use crate::support::terminal::start;
use crate::support::turn::Turn;

#[test]
fn a_terminal_has_a_live_table_and_the_end_a_table_of_all() {
    let gate = crate::support::provider::Gate::default();
    let held = gate.clone();
    let provider = Provider::answering(move |request| {
        if task_of(request) == "task 0" || steps_of(request) > 0 {
            return says(1);
        }
        // What waits at a gate is not told which model was asked for.
        let model = request.json()["model"].as_str().unwrap().to_owned();
        let command = format!("echo done > '{}.txt'", task_of(request));
        let turn = Turn::new().model(&model).tool("t1", "bash", json!({"command": command})).tokens(0, 1_000);
        Script::sse(&turn.anthropic()).behind(&held)
    });
    let vk = project(&provider, &tasks(4));
    let Some(mut session) = start(&vk, &args("tasks.jsonl", &["--jobs", "2", "--max-cost", "3"])) else { return };
    session.wait_for("4 tasks, 2 at once");
    session.wait_for("✓ n0  done · $0.01");
    // A row for each task that is at work, then the whole.
    let table = session.wait_for("1 done · 2 at work · 1 left · $0.01 of $3.00");
    assert!(table.contains("n1  turn 1 · waiting") && table.contains("n2  "), "{table}");
    assert!(!table.contains("begins"), "the log's lines are for logs: {table}");
    gate.open();
    session.wait_for("4 of 4 done");
    let ran = session.end();
    assert_eq!(ran.code, 0, "{ran}");
    let rows: Vec<&str> = ran.stdout.lines().filter(|line| line.contains("done") && line.contains("vk/t")).collect();
    assert!(rows.len() >= 6, "each end and its row in the table: {rows:?}");
}

#[test]
fn a_log_has_a_line_for_each_beginning_and_end() {
    let provider =
        Provider::answering(|request| if task_of(request) == "task 1" { Script::json(401, "{}") } else { says(1) });
    let vk = project(&provider, &tasks(3));
    let ran = vk.run(&args("tasks.jsonl", &["--jobs", "1"]));
    assert_eq!(ran.code, 3, "{ran}");
    for line in
        ["· n0  begins (1 of 3)", "✓ n0  done · $0.01 · 1 turn", "✗ n1  no credential", "no further task begins"]
    {
        assert!(ran.stderr.contains(line), "{line}: {ran}");
    }
    assert!(ran.stderr.contains("1 of 3 done · 1 failed · 1 not started"), "{ran}");
    let rows: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(rows.len(), 4, "stdout is the table alone: {ran}");
    assert!(rows[3].contains("n2") && rows[3].contains("not started"), "{ran}");
    let quiet = vk.run(&args("tasks.jsonl", &["--jobs", "1", "--quiet"]));
    assert!(!quiet.stderr.contains("begins") && quiet.stderr.contains("you pay Anthropic"), "{quiet}");
}
