//! Imported rows beside vk's own: apart in every sum, outside of every budget, and vk's own sessions not among them.

use jiff::Timestamp;
use serde_json::json;
use vibekit::ledger::import::Tool;
use vibekit::ledger::query::{Group, Query};
use vibekit::ledger::{Ledger, Scope, ScopeKind};

use super::{Shelf, claude, copy, fixtures, home_with, import, json as answer, told};
use crate::ledger::{after, attempt, billed, done, noon, settlement, task, usd};
use crate::support::env::Vk;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A task of vk's own, in the project of the logs.
fn own_task(ledger: &Ledger) {
    ledger.begin_task(&task("t0aaaaaaaaaa", noon())).unwrap();
    let new = attempt("t0aaaaaaaaaa", 1, usd("0.50"), after(1));
    ledger.reserve(&new, &[]).unwrap();
    ledger.settle(&new.attempt_id, &settlement(billed(usd("0.25")), after(2))).unwrap();
    ledger.finish_task("t0aaaaaaaaaa", &done(after(9))).unwrap();
}

#[test]
fn no_budget_counts_what_was_imported_and_no_total_calls_it_billed() {
    let vk = home_with(&["claude", "codex", "opencode", "pi"]);
    own_task(&Ledger::open(&vk.data_dir()).unwrap());
    import(&vk);
    let ledger = Ledger::open(&vk.data_dir()).unwrap();
    let scope = |kind, key: &str| Scope { kind, key: key.to_owned(), window: None, limit: usd("5.00") };
    let scopes = [scope(ScopeKind::Global, ""), scope(ScopeKind::Project, "/home/ann/shop")];
    for standing in ledger.standing(&scopes, noon()).unwrap() {
        assert_eq!(standing.settled, usd("0.25"), "{standing:?}");
    }
    let report = answer(&vk.run(&["cost", "--by", "tool", "--output", "json"]));
    let rows: Vec<_> =
        report["rows"].as_array().unwrap().iter().map(|r| json!([r["group"], r["calls"], r["billed_usd"]])).collect();
    assert!(rows.contains(&json!(["vk", 1, "0.25"])), "{report}");
    assert!(rows.contains(&json!(["codex", 6, null])) && rows.contains(&json!(["claude-code", 6, null])), "{report}");
    assert_eq!(report["totals"]["billed"], "0.25");
    // The list of vk's own tasks, and the task that --continue goes on from, are vk's own.
    let tasks = answer(&vk.run(&["tasks", "list", "--all", "--output", "json"]));
    assert!(tasks.to_string().contains("t0aaaaaaaaaa") && !tasks.to_string().contains("imported"), "{tasks}");
    assert_eq!(ledger.tasks(Some("/home/ann/shop".as_ref()), 9, noon()).unwrap().len(), 1);
    // A session is shown call by call like a task.
    let by_task = answer(&vk.run(&["cost", "--output", "json"]));
    let row = by_task["rows"].as_array().unwrap().iter().find(|row| row["tool"] == "claude-code").unwrap();
    assert_eq!(
        (&row["status"], &row["project"], &row["path"]),
        (&json!("imported"), &json!("shop"), &json!("unknown"))
    );
    let shown = answer(&vk.run(&["cost", "show", row["task_id"].as_str().unwrap(), "--output", "json"]));
    assert_eq!(shown["calls"][0]["price"]["as_of"].as_str().map(str::len), Some(10), "{shown}");
}

#[test]
fn sessions_that_vk_drove_are_left_out_whenever_that_is_known() {
    let shelf = Shelf::new();
    let line = |n: u64, session: &str| {
        claude(&format!("msg_{n}"), &format!("req_{n}"), n, 1).replace("\"s1\"", &format!("\"{session}\""))
    };
    shelf.ledger().begin_task(&task("t0aaaaaaaaaa", noon())).unwrap();
    shelf.ledger().drove("t0aaaaaaaaaa", Tool::ClaudeCode, "mine").unwrap();
    shelf.write("p/a.jsonl", &[line(1, "mine"), line(2, "other")].concat());
    let found = shelf.import(Tool::ClaudeCode).tools[&Tool::ClaudeCode].clone();
    assert_eq!((found.calls_new, found.calls_driven, found.sessions), (1, 1, 1));
    // Known too late: what was imported goes.
    shelf.ledger().drove("t0aaaaaaaaaa", Tool::ClaudeCode, "other").unwrap();
    let query = Query::by(Group::Day);
    assert!(shelf.ledger().report(&query, noon()).unwrap().rows.is_empty());
    // The same id of another tool's session is another session.
    shelf.ledger().drove("t0aaaaaaaaaa", Tool::Codex, "s1").unwrap();
    shelf.write("p/b.jsonl", &line(3, "s1"));
    assert_eq!(shelf.import(Tool::ClaudeCode).tools[&Tool::ClaudeCode].calls_new, 1);
}

#[test]
fn a_message_counts_once_by_its_id_and_request_and_its_copies_not_beside_it() {
    let copy = |line: String| line.replace("\"type\":\"assistant\"", "\"type\":\"assistant\",\"isSidechain\":true");
    let (a, b) = (claude("msg_1", "req_1", 10, 5), claude("msg_1", "req_2", 10, 5));
    let copied = copy(claude("msg_1", "req_9", 10, 5));
    let alone = copy(claude("msg_2", "req_3", 10, 5));
    // In whatever order and in however many imports they come.
    for order in [[&a, &b, &copied, &alone], [&copied, &alone, &b, &a], [&b, &copied, &a, &alone]] {
        let shelf = Shelf::new();
        for (at, line) in order.iter().enumerate() {
            shelf.write(&format!("p/{at}.jsonl"), line);
            if at % 2 == 0 {
                shelf.import(Tool::ClaudeCode);
            }
        }
        shelf.import(Tool::ClaudeCode);
        let report = shelf.ledger().report(&Query::by(Group::Day), noon()).unwrap();
        assert_eq!((report.total.calls(), report.total.usage.output), (3, 15));
    }
}

#[test]
fn the_database_of_opencode_is_read_and_then_only_what_changed() {
    let vk = home_with(&["opencode"]);
    let dir = vk.home().join(".local/share/opencode");
    let database = rusqlite::Connection::open(dir.join("opencode.db")).unwrap();
    database
        .execute_batch(
            "PRAGMA journal_mode = wal;
             CREATE TABLE message (id TEXT PRIMARY KEY, session_id TEXT NOT NULL, time_created INTEGER,
                 time_updated INTEGER, data TEXT NOT NULL)",
        )
        .unwrap();
    let put = |id: &str, updated: i64, output: u64| {
        let data = format!(
            r#"{{"role":"assistant","providerID":"anthropic","modelID":"claude-sonnet-4-5-20250929","time":{{"created":1777885200000}},"path":{{"cwd":"/home/ann/shop","root":"/"}},"cost":0,"tokens":{{"input":5,"output":{output},"reasoning":0,"cache":{{"read":0,"write":0}}}}}}"#
        );
        database
            .execute("INSERT OR REPLACE INTO message VALUES (?1, 'ses_01', 1, ?2, ?3)", (id, updated, data))
            .unwrap();
    };
    // One that a file has as well, and a new one that is still being written.
    put("msg_0001", 10, 60);
    put("msg_0009", 20, 1);
    let first = import(&vk);
    let found = told(&first, "opencode");
    // Files are read side by side: the lesser account of the two may come first or second.
    let twice = found["calls_known"].as_u64().unwrap() + found["calls_completed"].as_u64().unwrap();
    assert_eq!((&found["calls_new"], twice), (&json!(4), 1));
    put("msg_0009", 30, 70);
    let second = import(&vk);
    let found = told(&second, "opencode");
    assert_eq!(
        (&found["calls_new"], &found["calls_completed"], &found["files_read"]),
        (&json!(0), &json!(1), &json!(1))
    );
}

#[test]
fn a_folder_of_logs_says_by_itself_whose_they_are() {
    let vk = Vk::new();
    copy(&fixtures(), &vk.project().join("backup"));
    let told_of = answer(&vk.run(&["import", "--dir", "backup", "--output", "json"]));
    let calls = |tool: &str| told(&told_of, tool)["calls_new"].clone();
    assert_eq!((calls("claude-code"), calls("codex"), calls("pi")), (json!(6), json!(6), json!(3)), "{told_of}");
    let told_of = answer(&vk.run(&["import", "opencode", "--dir", "backup/opencode", "--output", "json"]));
    assert_eq!(told(&told_of, "opencode")["calls_new"], 3);
}

/// A ledger of the first schema, as an older vk left it: its calls are there, and its days are summed.
#[test]
fn a_ledger_of_the_first_schema_is_brought_forward() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(vibekit::ledger::FILE_NAME);
    let old = rusqlite::Connection::open(&path).unwrap();
    old.pragma_update(None, "journal_mode", "wal").unwrap();
    old.execute_batch(include_str!("../../../src/ledger/migrations/0001.sql")).unwrap();
    old.execute_batch(
        "INSERT INTO tasks (task_id, tool, session, user_name, project, project_dir, words, path, provider, payer,
             model, engine, started_at, status, owner_pid, owner_started, owner_host, lease_until)
         VALUES ('t1', 'vk', 't1', 'ann', 'shop', '/shop', 'w', 'byok', 'anthropic', 'p', 'm', 'builtin', 1, 'done',
             0, 0, '', 0);
         INSERT INTO attempts (attempt_id, task_id, call_no, attempt_no, state, path, provider, payer, model, sent_at,
             day, hold, counted, charge, certainty, billed, list, proof, input)
         VALUES ('t1-1.1', 't1', 1, 1, 'settled', 'byok', 'anthropic', 'p', 'm', 1780000000000, 20601, 0, 7, 'billed',
             'exact', 7, 7, 'claimed', 11);
         PRAGMA application_id = 1986743345; PRAGMA user_version = 1;",
    )
    .unwrap();
    drop(old);
    let ledger = Ledger::open(dir.path()).unwrap();
    let report = ledger.report(&Query::by(Group::Day), at("2026-06-01T00:00:00Z")).unwrap();
    assert_eq!((report.total.calls(), report.total.usage.input, report.total.billed.nanos()), (1, 11, 7));
    let again = Ledger::open(dir.path()).unwrap();
    assert_eq!(again.report(&Query::by(Group::Day), at("2026-06-01T00:00:00Z")).unwrap(), report);
}
