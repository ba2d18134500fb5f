//! The end of a batch as people read it, and the samples of this folder's tests.

use super::super::summary::tests::finished;
use super::super::talk::tests::route;
use super::report::{Row, ended as line, plan, summary, table};
use super::*;
use crate::domain::batch::BatchCounts;
use crate::domain::event::WorktreeUsed;
use crate::domain::failure::Status;
use crate::task::batch::line as lines;

pub(super) fn started() -> BatchStarted {
    BatchStarted {
        project: "shop".into(),
        batch_id: "b01jd3k9x2aa".into(),
        file: "tasks.jsonl".into(),
        results: "tasks.results.jsonl".into(),
        shard: None,
        tasks: 12,
        ended_before: 2,
        jobs: 4,
        cap_usd: Some(Usd::from_cents(2_000)),
        task_cap_usd: Some(Usd::from_cents(500)),
        at_most_usd: Some(Usd::from_cents(1_900)),
        spent_usd: Usd::from_cents(100),
        route: Some(route()),
        models: vec!["claude-sonnet-5-5".into()],
        line: "byok · anthropic · claude-sonnet-5-5 · key client-a 1a2b3c4d · you pay Anthropic at list price · \
               10 tasks, 4 at once · stops at $5.00 a task, $19.00 in all"
            .into(),
    }
}

pub(super) fn ended(id: &str, status: Status) -> BatchTask {
    let mut end = finished();
    end.status = status;
    if status != Status::Done {
        end.error = Some(Failure::new(status, "check_failed", "cargo test still fails after 3 rounds"));
    }
    let branch = format!("vk/t0{id}");
    end.worktree = Some(WorktreeUsed { path: format!("/w/{id}"), branch, removed: false });
    BatchTask { end, batch_id: "b01jd3k9x2aa".into(), id: id.into(), line: 1, task_hash: "h".into() }
}

fn rows() -> Vec<Row> {
    let text = r#"{"task":"make the parser read empty files\nand more","id":"parser"}
{"task":"fix lint \u001b[2J everywhere","id":"lint","max_cost":1}
{"task":"write docs","id":"docs","model":"best"}
{"task":"old","id":"old"}
{"task":"later","id":"later"}"#;
    let lines = lines::read("tasks.jsonl", text.as_bytes()).unwrap();
    let ends = [Some(Status::Done), Some(Status::CheckFailed), Some(Status::Interrupted), None, None];
    lines
        .into_iter()
        .zip(ends)
        .map(|(line, end)| {
            let end = end.map(|status| ended(&line.id, status));
            let before = (line.id == "old").then_some(Status::Done);
            Row { planned: Planned { line, ended: before }, begun: end.is_some(), end, spent: Usd::from_cents(4) }
        })
        .collect()
}

fn end() -> BatchFinished {
    let one = finished();
    BatchFinished {
        batch_id: Some("b01jd3k9x2aa".into()),
        status: "failed",
        exit_code: 1,
        error: None,
        tasks: BatchCounts { total: 5, done: 2, failed: 1, interrupted: 1, not_started: 1, ended_before: 1 },
        usage: one.usage,
        cost_usd: one.cost_usd,
        cost_state: one.cost_state,
        list_usd: one.list_usd,
        payers: one.payers,
        cap_usd: Some(Usd::from_cents(2_000)),
        spent_usd: Some(Usd::from_cents(112)),
        results: Some("tasks.results.jsonl".into()),
        duration_ms: 250_000,
    }
}

fn style(width: Option<u16>) -> Style {
    let now = "2026-11-25T12:00:00Z".parse().unwrap();
    Style { width, colour: false, unicode: true, now }
}

#[test]
fn the_end_is_a_table_and_what_to_type() {
    insta::assert_snapshot!(table(&rows(), style(Some(80))), @"
    id      status           cost  turns    time  files  branch       words
    parser  done          $0.0412      3  1m 12s      2  vk/t0parser  make the…es…
    lint    check failed  $0.0412      3  1m 12s      2  vk/t0lint    fix lint…ere
    docs    interrupted   $0.0412      3  1m 12s      2  vk/t0docs    write docs
    old     done before         -      -       -      -  -            old
    later   not started         -      -       -      -  -            later
    ");
    insta::assert_snapshot!(table(&rows(), style(None)), @r"
    id      status           cost  turns    time  files  branch       words
    parser  done          $0.0412      3  1m 12s      2  vk/t0parser  make the parser read empty files…
    lint    check failed  $0.0412      3  1m 12s      2  vk/t0lint    fix lint \x1b[2J everywhere
    docs    interrupted   $0.0412      3  1m 12s      2  vk/t0docs    write docs
    old     done before         -      -       -      -  -            old
    later   not started         -      -       -      -  -            later
    ");
    insta::assert_snapshot!(summary(&end(), &rows(), "vk batch tasks.jsonl", Usd::ZERO, Paint(false), Some(80)), @r#"
    2 of 5 done · 1 failed · 1 interrupted · 1 not started · 1 of them before · 4m
      10s
      tokens   1,234 in · 80,000 cached · 2,000 to cache · 912 out
      cost     $0.0412
      budget   $1.12 of $20.00 is spent by all starts of this batch
      paid by  byok · anthropic · key client-a · you pay Anthropic at list price
      failed   vk run --continue=t01jd3k9x2 --path byok --provider anthropic --key client-a "..."   # lint
      take     vk tasks diff TASK | git apply   # TASK is the branch's name without vk/
      results  tasks.results.jsonl
      go on    vk batch tasks.jsonl
      again    vk batch tasks.jsonl --retry-failed
    "#);
    insta::assert_snapshot!(plan(&rows(), &started(), style(Some(80))), @r"
    id      would  before  model  at most  words
    parser  run    -       -        $5.00  make the parser read empty files…
    lint    run    -       -        $1.00  fix lint \x1b[2J everywhere
    docs    run    -       best     $5.00  write docs
    old     skip   done    -            -  old
    later   run    -       -        $5.00  later
    ");
}

#[test]
fn each_end_is_one_line_and_why() {
    let told = |status| line(&ended("lint", status), Usd::ZERO, Paint(false), Some(80)).join("\n");
    insta::assert_snapshot!(told(Status::Done), @"✓ lint  done · $0.0412 · 3 turns · 1m 12s · vk/t0lint");
    insta::assert_snapshot!(told(Status::CheckFailed), @"
    ✗ lint  check failed · $0.0412 · 3 turns · 1m 12s · vk/t0lint
      cargo test still fails after 3 rounds
    ");
}

#[test]
fn no_line_of_the_end_is_wider_than_the_terminal() {
    for width in 40..120_u16 {
        let told = started();
        let begins = report::begins(&told, false, Paint(false), Some(usize::from(width)));
        let all = [begins.join("\n"), table(&rows(), style(Some(width)))].join("\n");
        for line in all.lines() {
            assert!(super::super::escape::columns(line) <= usize::from(width), "{width}: {line}");
        }
    }
}
