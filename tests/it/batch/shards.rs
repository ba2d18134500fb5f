//! `--shard I/N`: the runners of a CI matrix do all tasks, each once.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vibekit::base::money::Usd;

use super::{batch, project, says, says_within, task_of, tasks};
use crate::ledger::usd;
use crate::support::env::{Vk, code_of};
use crate::support::postgres::Postgres;
use crate::support::provider::Provider;

#[test]
fn the_parts_of_a_batch_are_all_of_it_and_none_twice() {
    let provider = Provider::answering(|_| says(1));
    let vk = project(&provider, &tasks(7));
    // Two runners on one machine at once, then the third.
    let start = |part: &str| {
        let more = ["--shard", part, "--jobs", "2", "--id", "run-1", "--output", "json"];
        vk.command(&super::args("tasks.jsonl", &more)).spawn().unwrap()
    };
    let children = ["1/3", "2/3"].map(start);
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let (ran, end) = batch(&vk, "tasks.jsonl", &["--shard", "3/3", "--id", "run-1"]);
    assert_eq!((ran.code, &end["tasks"]["total"]), (0, &json!(2)), "{ran}");
    assert_eq!(end["results"], "tasks.3-of-3.results.jsonl");
    assert_eq!(end["spent_usd"], "0.07", "one name is one budget on one ledger");
    let mut sent: Vec<String> = provider.requests().iter().map(task_of).collect();
    sent.sort();
    assert_eq!(sent, (0..7).map(|n| format!("task {n}")).collect::<Vec<_>>());

    // Concatenated, their results are those of the whole batch: nothing is left to do.
    let all: String = (1..=3)
        .map(|n| std::fs::read_to_string(vk.project().join(format!("tasks.{n}-of-3.results.jsonl"))).unwrap())
        .collect();
    std::fs::write(super::results(&vk), all).unwrap();
    let ids: BTreeSet<String> = super::ends(&vk).into_iter().collect();
    assert_eq!(ids, (0..7).map(|n| format!("n{n} done")).collect());
    let (ran, end) = batch(&vk, "tasks.jsonl", &[]);
    assert_eq!((ran.code, &end["tasks"]["ended_before"], provider.requests().len()), (0, &json!(7), 7), "{ran}");
}

#[test]
fn a_part_without_a_task_is_done_and_no_part_is_exit_2() {
    let provider = Provider::start([]);
    let vk = project(&provider, &tasks(2));
    let (ran, end) = batch(&vk, "tasks.jsonl", &["--shard", "3/3"]);
    assert_eq!((ran.code, &end["tasks"]["total"]), (0, &json!(0)), "{ran}");
    for bad in ["0/3", "4/3", "x", "1", "1/0", "-1/3"] {
        let (ran, end) = batch(&vk, "tasks.jsonl", &[&format!("--shard={bad}")]);
        assert_eq!((ran.code, &end["error"]["code"]), (2, &json!("bad_shard")), "{bad}: {ran}");
    }
}

#[test]
fn runners_that_share_a_ledger_and_a_name_share_one_cap() {
    let Some(server) = Postgres::start() else { return };
    let provider = Provider::answering(|request| says_within(request, 10));
    let runner = || project(&provider, &tasks(8)).config(&format!("[ledger]\nurl = \"{}\"\n", server.url()));
    let runners = [runner(), runner()];
    let start = |(at, vk): (usize, &Vk)| {
        let part = format!("{}/2", at + 1);
        let more = ["--shard", &part, "--id", "run-7", "--max-cost", "0.40", "--jobs", "4", "--output", "json"];
        vk.command(&super::args("tasks.jsonl", &more)).spawn().unwrap()
    };
    let children: Vec<_> = runners.iter().enumerate().map(start).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert_eq!(code_of(output.status), 5, "{}", String::from_utf8_lossy(&output.stderr));
    }
    let costs = runners.iter().enumerate().flat_map(|(at, vk)| {
        let file = vk.project().join(format!("tasks.{}-of-2.results.jsonl", at + 1));
        let text = std::fs::read_to_string(file).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        lines.into_iter().filter_map(|line| line["cost_usd"].as_str().map(usd)).collect::<Vec<_>>()
    });
    let spent: Usd = costs.sum();
    assert!(spent <= usd("0.40") && spent >= usd("0.30"), "{spent}");
}
