//! One budget over all tasks and all starts: never passed, with any number of tasks at once.

use serde_json::{Value, json};
use vibekit::base::money::Usd;

use super::{AtOnce, batch, ends, project, recorded, says_within, tasks};
use crate::ledger::usd;
use crate::support::provider::Provider;

/// What the recorded tasks cost.
fn recorded_cost(lines: &[Value]) -> Usd {
    lines.iter().filter_map(|line| line["cost_usd"].as_str()).map(usd).sum()
}

#[test]
fn the_cap_of_a_batch_is_never_passed_by_tasks_at_once_nor_by_its_next_start() {
    let at_once = AtOnce::together(2);
    let seen = at_once.clone();
    let provider = Provider::answering(move |request| {
        seen.comes(request);
        says_within(request, 10)
    });
    // A hold is about 18 cents, so three fit beside each other, and the last calls ask for less.
    let vk = project(&provider, &tasks(16));
    let cap = usd("0.60");
    let (ran, end) = batch(&vk, "tasks.jsonl", &["--jobs", "8", "--max-cost", "0.60"]);
    assert_eq!((ran.code, &end["status"]), (5, &json!("budget")), "{ran}");
    assert!((2..=3).contains(&at_once.most()), "{} calls were held at once", at_once.most());
    let spent = usd(end["spent_usd"].as_str().unwrap());
    assert!(spent <= cap && spent > usd("0.50"), "{spent}");
    assert_eq!(spent, recorded_cost(&recorded(&vk)), "what the results say is what the ledger counts");
    let calls = provider.requests().len();
    assert_eq!(end["tasks"]["done"].as_u64(), u64::try_from(calls).ok(), "what did not fit was never sent: {end}");
    assert!(end["tasks"]["not_started"].as_u64().unwrap() > 0, "nothing begins once the budget is used up: {end}");
    let message = end["error"]["message"].as_str().unwrap();
    assert!(message.contains("no longer fits the budget for this batch"), "{message}");
    for word in ["locked", "busy", "SQLITE"] {
        assert!(!ran.stderr.contains(word), "{ran}");
    }

    // The same cap again: what was spent counts, and nothing more is sent.
    let (ran, again) = batch(&vk, "tasks.jsonl", &["--jobs", "8", "--max-cost", "0.60"]);
    assert_eq!((ran.code, provider.requests().len()), (5, calls), "{ran}");
    assert_eq!(again["spent_usd"], end["spent_usd"]);

    // The command that the error offers goes on under more money, and each task is done once.
    let fix = end["error"]["fix"].as_str().unwrap().lines().next().unwrap().to_owned();
    assert!(fix.starts_with("vk batch tasks.jsonl --jobs 8 --path byok"), "{fix}");
    let ran = vk.run(&fix.strip_prefix("vk ").unwrap().split(' ').collect::<Vec<_>>());
    assert!([0, 5].contains(&ran.code), "{fix}: {ran}");
    assert!(provider.requests().len() > calls, "{fix}: {ran}");
    let (ran, end) = batch(&vk, "tasks.jsonl", &["--jobs", "8", "--max-cost", "9"]);
    assert_eq!((ran.code, end["tasks"]["done"].as_u64()), (0, Some(16)), "{ran}");
    let all = ends(&vk);
    for n in 0..16 {
        assert_eq!(all.iter().filter(|end| **end == format!("n{n} done")).count(), 1, "{all:?}");
    }
    assert_eq!(usd(end["spent_usd"].as_str().unwrap()), recorded_cost(&recorded(&vk)));
}

#[test]
fn a_batch_under_another_name_has_a_cap_of_its_own_and_one_name_is_one_cap() {
    let provider = Provider::answering(|request| says_within(request, 30));
    let vk = project(&provider, &tasks(1));
    let go =
        |id: &str, results: &str| batch(&vk, "tasks.jsonl", &["--max-cost", "0.17", "--id", id, "--results", results]);
    assert_eq!(go("nightly-1", "r1.jsonl").0.code, 0);
    // Another file, as on another machine: the ledger has the same name.
    let (ran, end) = go("nightly-1", "r2.jsonl");
    assert_eq!((ran.code, &end["error"]["code"]), (5, &json!("budget_exhausted")), "{ran}");
    assert_eq!(go("nightly-2", "r3.jsonl").0.code, 0);
    let (ran, end) = go("nightly-3", "r1.jsonl");
    assert_eq!((ran.code, &end["error"]["code"]), (2, &json!("other_batch")), "{ran}");
    assert_eq!(provider.requests().len(), 2);
}

#[test]
fn the_day_ends_a_batch_and_a_line_may_not_pass_the_cap_of_a_task() {
    let provider = Provider::answering(|request| says_within(request, 10));
    let vk = project(&provider, &tasks(6)).config("[budget]\nday = \"0.30\"\n");
    let (ran, end) = batch(&vk, "tasks.jsonl", &["--jobs", "1"]);
    assert_eq!((ran.code, &end["status"], end["tasks"]["done"].as_u64()), (5, &json!("budget"), Some(3)), "{ran}");
    assert_eq!(end["tasks"]["not_started"], 2, "{end}");
    assert!(end["error"]["fix"].as_str().unwrap().contains("vk budget set"), "{end}");
    assert!(end["error"]["fix"].as_str().unwrap().contains("vk batch tasks.jsonl"), "{end}");

    std::fs::write(vk.project().join("dear.jsonl"), "{\"task\":\"task 0.\",\"max_cost\":\"7\"}\n").unwrap();
    let (ran, end) = batch(&vk, "dear.jsonl", &[]);
    assert_eq!((ran.code, &end["error"]["code"]), (2, &json!("bad_batch_line")), "{ran}");
    assert!(end["error"]["message"].as_str().unwrap().contains("dear.jsonl:1: max_cost is $7.00"), "{end}");
    assert!(!vk.project().join("dear.results.jsonl").exists(), "nothing was begun");
    let (ran, _) = batch(&vk, "dear.jsonl", &["--max-task-cost", "8"]);
    assert_eq!(ran.code, 5, "the day is used up: {ran}");
    assert_eq!(recorded(&vk)[0]["type"], "batch.started");
}
