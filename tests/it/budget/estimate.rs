//! What a task will likely cost: said from five comparable tasks of this project on, at the route's own price.

use jiff::SignedDuration;
use serde_json::{Value, json};
use vibekit::base::clock;
use vibekit::domain::failure::Status;
use vibekit::domain::usage::Usage;
use vibekit::ledger::{Ledger, TaskEnd, attempt_id};

use super::{costs, route_line};
use crate::ledger::{attempt, billed, settlement, task, usd};
use crate::run::{ANTHROPIC, anthropic};
use crate::support::env::Vk;
use crate::support::provider::Provider;

/// Tasks that ended in this project, of so many thousand tokens of output each, a minute for each thousand.
fn past(vk: &Vk, model: &str, thousands: &[u64]) {
    let ledger = Ledger::open(&vk.data_dir()).unwrap();
    for (n, output) in thousands.iter().enumerate() {
        let id = format!("t0{}{n:04}", if model.contains("haiku") { "h" } else { "s" });
        let began = clock::now() - SignedDuration::from_hours(24 * 30 - i64::try_from(n).unwrap());
        let mut new = task(&id, began);
        new.project_dir = vk.project().canonicalize().unwrap();
        model.clone_into(&mut new.model);
        ledger.begin_task(&new).unwrap();
        ledger.reserve(&attempt(&id, 1, usd("0.50"), began), &[]).unwrap();
        // What was charged then is not what counts: the tokens are priced anew.
        let mut settled = settlement(billed(usd("0.01")), began);
        settled.usage = Usage { output: output * 1_000, ..Usage::default() };
        ledger.settle(&attempt_id(&id, 1, 1), &settled).unwrap();
        let finished_at = began + SignedDuration::from_mins(i64::try_from(*output).unwrap());
        let end =
            TaskEnd { status: Status::Done, exit_code: 0, turns: 1, finished_at, files_changed: 0, summary: None };
        ledger.finish_task(&id, &end).unwrap();
    }
}

fn estimate(vk: &Vk) -> Value {
    let route = vk.run(&[
        "route",
        "--path",
        "byok",
        "--key",
        "env:TEST_ANTHROPIC_KEY",
        "--provider",
        "anthropic",
        "--output",
        "json",
    ]);
    let rows = route.json_lines().remove(0)["paths"].clone();
    rows.as_array().unwrap().iter().find(|row| row["path"] == "byok").unwrap()["estimate_usd"].clone()
}

#[test]
fn from_five_tasks_on_the_route_says_what_such_a_task_costs() {
    let provider = Provider::start([costs(7)]);
    let vk = anthropic(&provider);
    past(&vk, "claude-sonnet-5-5", &[5, 6, 7, 8]);
    assert!(estimate(&vk).is_null(), "four are no history");
    let dry = vk.run(&[&ANTHROPIC[..], &["--dry-run", "go"]].concat());
    assert!(!dry.stderr.contains("usually"), "{dry}");

    past(&vk, "claude-haiku-5", &[90]);
    let all = estimate(&vk);
    assert_eq!((all["p50"].as_str(), all["p90"].as_str()), (Some("0.07"), Some("0.90")), "{all}");
    assert_eq!(all["basis"], "5 tasks in this project");
    assert_eq!(all["kept"], json!({"within": 0, "of": 0}));

    // The task itself is the fifth with this model, and is from then on what the estimate is made from.
    let ran = vk.run(&[&ANTHROPIC[..], &["go"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    let line = route_line(&ran);
    let after = ran.stderr.split(line).nth(1).unwrap().lines().nth(1).unwrap();
    assert_eq!(
        after,
        "usually $0.07, 9 in 10 within $0.90 · 7,000 to 90,000 tokens · 7 to 90 min · from 5 tasks in this project"
    );
    let same = estimate(&vk);
    assert_eq!(same["basis"], "5 tasks in this project with claude-sonnet-5-5", "{same}");
    assert_eq!((same["p50"].as_str(), same["p90"].as_str()), (Some("0.07"), Some("0.08")), "{same}");
    let table = vk.run(&["route", "--path", "byok", "--key", "env:TEST_ANTHROPIC_KEY", "--provider", "anthropic"]);
    assert!(table.stdout.contains("usually") && table.stdout.contains("$0.07 to $0.08"), "{table}");
}

#[test]
fn the_score_says_how_often_reality_kept_to_it() {
    let vk = Vk::new();
    past(&vk, "claude-sonnet-5-5", &[9, 9, 9, 9, 9, 8, 10, 7]);
    let estimate = estimate(&vk);
    assert_eq!(estimate["kept"], json!({"within": 2, "of": 3}), "{estimate}");
    assert_eq!(estimate["seconds"], json!({"p50": 540, "p90": 600}), "{estimate}");
}

#[test]
fn another_projects_tasks_say_nothing_and_imported_sessions_do() {
    let vk = Vk::new();
    past(&vk, "claude-sonnet-5-5", &[1, 2, 3, 4, 5]);
    let ledger = rusqlite::Connection::open(vk.data_dir().join(vibekit::ledger::FILE_NAME)).unwrap();
    let root = vk.project().canonicalize().unwrap().display().to_string();
    ledger.execute("UPDATE tasks SET project_dir = ?1", [format!("{root}-other")]).unwrap();
    assert!(estimate(&vk).is_null());
    // Sessions of another tool in a folder below.
    ledger
        .execute("UPDATE tasks SET project_dir = ?1, status = 'imported', tool = 'codex'", [format!("{root}/web")])
        .unwrap();
    let estimate = estimate(&vk);
    assert_eq!(estimate["basis"], "5 imported sessions of this project", "{estimate}");
    assert_eq!(estimate["p50"], "0.03", "{estimate}");
}
