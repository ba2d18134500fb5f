//! `vk ledger copy`: a file into a database and back, row for row, beside what others have there already.

use rusqlite::types::ValueRef;
use serde_json::{Value, json};
use vibekit::base::clock;
use vibekit::domain::cost::{Certainty, Charge, Cost};
use vibekit::ledger::{Corrected, FILE_NAME, Ledger, Owner, TeamBudget, Word, attempt_id, task_id};

use super::{json as answer, member};
use crate::budget::costs;
use crate::ledger::{after, attempt, billed, done, noon, owner, settlement, task, usd};
use crate::run::ANTHROPIC;
use crate::support::env::Vk;
use crate::support::postgres::Postgres;
use crate::support::provider::Provider;

/// Everything but the sums of days, which are made from it.
const TABLES: [(&str, &str); 8] = [
    ("tasks", "task_id"),
    ("attempts", "attempt_id"),
    ("counters", "kind, key, day"),
    ("budgets", "kind, key, per"),
    ("driven_sessions", "tool, session"),
    ("plan_tasks", "provider, account, day, task_id"),
    ("plan_windows", "task_id, provider, account, name"),
    ("import_files", "path"),
];

/// The rows of a file as `COPY TO` writes them.
fn of_file(vk: &Vk) -> Vec<String> {
    let connection = rusqlite::Connection::open(vk.data_dir().join(FILE_NAME)).unwrap();
    let mut all = Vec::new();
    for (table, order) in TABLES {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table} ORDER BY {order}")).unwrap();
        let width = statement.column_count();
        let rows = statement.query_map([], |row| {
            let cell = |at: usize| match row.get_ref(at).unwrap() {
                ValueRef::Null => "\\N".to_owned(),
                ValueRef::Integer(number) => number.to_string(),
                other => other.as_str().unwrap().replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t"),
            };
            Ok((0..width).map(cell).collect::<Vec<_>>().join("\t"))
        });
        all.extend(rows.unwrap().map(|row| format!("{table}: {}", row.unwrap())));
    }
    all
}

/// The rows of a database; without the machine before the paths of its files.
fn of_server(server: &Postgres) -> Vec<String> {
    let mut all = Vec::new();
    let host = Owner::current().host;
    let machine = format!("{}:", host.split(':').next().unwrap());
    for (table, order) in TABLES {
        let text = server.sql("vk", &format!("COPY (SELECT * FROM vk.{table} ORDER BY {order}) TO STDOUT"));
        let rows =
            text.lines().map(|row| if table == "import_files" { row.strip_prefix(&machine).unwrap() } else { row });
        all.extend(rows.map(|row| format!("{table}: {row}")));
    }
    all
}

/// Calls in every state, of two days, of two people, with words that need care; an import; a budget.
fn filled(vk: &Vk) {
    let mut ledger = Ledger::open_as(&vk.data_dir(), owner("gone")).unwrap();
    let mut first = task("t1aaaaaaaaaa", noon());
    "tabs\tand\nlines, \\ and ünïcode".clone_into(&mut first.words);
    ledger.begin_task(&first).unwrap();
    for call in 1..=5 {
        ledger.reserve(&attempt("t1aaaaaaaaaa", call, usd("0.50"), after(i64::from(call) * 30_000)), &[]).unwrap();
    }
    let of = |call| attempt_id("t1aaaaaaaaaa", call, 1);
    ledger.settle(&of(1), &settlement(billed(usd("0.20")), after(1))).unwrap();
    ledger.abort(&of(2), "interrupted", after(2)).unwrap();
    let unknown = Cost { charge: Charge::Billed, certainty: Certainty::Unknown, billed: None, list: None };
    ledger.settle(&of(3), &settlement(unknown, after(200_000))).unwrap();
    ledger.finish_task("t1aaaaaaaaaa", &done(after(200_000))).unwrap();
    ledger.expire(after(200_001 + 86_400)).unwrap();
    ledger.set_owner(Owner::current());
    let mut second = task("t2bbbbbbbbbb", after(10));
    "bob".clone_into(&mut second.user);
    second.batch = Some("b1".to_owned());
    (second.key_label, second.key_fingerprint) = (None, None);
    ledger.begin_task(&second).unwrap();
    // More rows than are copied at once.
    for call in 1..=230 {
        ledger.reserve(&attempt("t2bbbbbbbbbb", call, usd("0.01"), after(10)), &[]).unwrap();
        ledger.settle(&attempt_id("t2bbbbbbbbbb", call, 1), &settlement(billed(usd("0.001")), after(11))).unwrap();
    }
    ledger.finish_task("t2bbbbbbbbbb", &done(after(12))).unwrap();
    let team = TeamBudget {
        per: vibekit::domain::budget::Per::Day,
        limit: usd("20"),
        set_by: "ann".to_owned(),
        set_at: noon(),
    };
    ledger.set_team_budget(&team).unwrap();
    ledger.drove("t1aaaaaaaaaa", vibekit::ledger::import::Tool::Codex, "s9").unwrap();
    let logs = vk.home().join(".claude/projects/p");
    std::fs::create_dir_all(&logs).unwrap();
    let lines: String = (0..3).map(|n| crate::import::claude(&format!("msg_{n}"), &format!("req_{n}"), n, 5)).collect();
    std::fs::write(logs.join("a.jsonl"), lines).unwrap();
    assert_eq!(vk.run(&["import"]).code, 0);
}

fn counts(told: &Value, table: &str) -> [u64; 3] {
    let row = told["tables"].as_array().unwrap().iter().find(|row| row["table"] == table).unwrap();
    ["new", "completed", "known"].map(|key| row[key].as_u64().unwrap())
}

#[test]
fn everything_goes_into_a_database_and_back_row_for_row() {
    let Some(server) = Postgres::start() else { return };
    let vk = Vk::new().var("USER", "ann");
    filled(&vk);
    let before = of_file(&vk);
    assert!(before.len() > 250, "{}", before.len());
    let copy = ["ledger", "copy", "--to", &server.url(), "--output", "json"];
    let told = answer(&vk.run(&copy));
    assert_eq!((counts(&told, "tasks"), counts(&told, "attempts")), ([3, 0, 0], [238, 0, 0]), "{told}");
    assert_eq!(of_server(&server), before);
    // Again changes nothing.
    let told = answer(&vk.run(&copy));
    assert_eq!((counts(&told, "tasks"), counts(&told, "attempts")), ([0, 0, 3], [0, 0, 238]), "{told}");
    assert_eq!((of_server(&server), of_file(&vk)), (before.clone(), before.clone()));
    // Another machine takes it back into a file, and reports say the same everywhere.
    let back = Vk::new();
    let ran = back.run(&["ledger", "copy", "--to", "sqlite", "--from", &server.url()]);
    assert!(ran.code == 0 && ran.stdout.contains(" calls            238 new, 0 there already"), "{ran}");
    let apart = |rows: Vec<String>| rows.into_iter().filter(|row| !row.starts_with("import_files")).collect::<Vec<_>>();
    assert_eq!(apart(of_file(&back)), apart(before));
    let team = Vk::new().config(&format!("[ledger]\nurl = \"{}\"\n", server.url()));
    for by in ["task", "day", "user", "model", "tool"] {
        let reports = [&vk, &back, &team].map(|vk| answer(&vk.run(&["cost", "--by", by, "--output", "json"])));
        assert_eq!((&reports[0], &reports[0]), (&reports[1], &reports[2]), "{by}");
    }
    let imported =
        team.run(&["import", "--dir", vk.home().join(".claude/projects").to_str().unwrap(), "--output", "json"]);
    assert_eq!(answer(&imported)["tools"][0]["calls_new"], 0, "what was imported is known: {imported}");
}

#[test]
fn what_others_have_there_stays_and_adds_up_and_what_has_ended_since_is_completed() {
    let Some(server) = Postgres::start() else { return };
    let provider = Provider::start([costs(15)]);
    let bob = member("bob", &server, &provider);
    assert_eq!(bob.run(&[&ANTHROPIC[..], &["go"]].concat()).code, 0);
    let ann = Vk::new().var("USER", "ann").config(&format!("[ledger]\nurl = \"{}\"\n", server.url()));
    // Opened anew each time: a run looks for leaks in every file, and closing one takes this process's locks away.
    let (file, now) = (|| Ledger::open(&ann.data_dir()).unwrap(), clock::now());
    let id = task_id(now);
    let mut gone = task(&id, now);
    gone.user = "ann".to_owned();
    file().begin_task(&gone).unwrap();
    file().reserve(&attempt(&id, 1, usd("0.50"), now), &[]).unwrap();

    let running = ann.run(&["ledger", "copy", "--to", "postgres"]);
    assert_eq!((running.code, running.stderr.contains(&id)), (2, true), "{running}");
    file().finish_task(&id, &done(now)).unwrap();
    let copy = || answer(&ann.run(&["ledger", "copy", "--to", "postgres", "--output", "json"]));
    assert_eq!(counts(&copy(), "attempts"), [1, 0, 0]);
    let standing = || {
        let set = ann.run(&["budget", "set", "9", "--per", "month", "--team"]);
        assert_eq!(set.code, 0, "{set}");
        let list = answer(&bob.run(&["budget", "list", "--output", "json"]));
        let row = list["budgets"].as_array().unwrap().iter().find(|row| row["scope"] == "team").cloned().unwrap();
        json!([row["spent_usd"], row["uncertain_usd"]])
    };
    assert_eq!(standing(), json!(["0.15", "0.50"]));
    // The figure that came to the file afterwards.
    let corrected = file().correct(&attempt_id(&id, 1, 1), usd("0.05"), Word::Person, now).unwrap();
    assert!(matches!(corrected, Corrected::Recorded { .. }), "{corrected:?}");
    assert_eq!(counts(&copy(), "attempts"), [0, 1, 0]);
    assert_eq!(standing(), json!(["0.20", "0.00"]));
    // One that was given there is not taken back.
    assert_eq!(counts(&copy(), "attempts"), [0, 0, 1]);
}

#[test]
fn what_cannot_be_copied_is_said_with_a_command_that_can() {
    let vk = Vk::new();
    let refused = |args: &[&str]| {
        let ran = vk.run(&[&["ledger", "copy"], args].concat());
        assert_eq!(ran.code, 2, "{ran}");
        ran.stderr
    };
    insta::assert_snapshot!(refused(&["--to", "postgres"]), @"
    error: your config.toml names no database for the ledger
      fix: vk ledger copy --to postgres://vk@db.example.com/vk
    ");
    insta::assert_snapshot!(refused(&["--to", "postgres://vk:hunter2@db/vk"]), @"
    error: --to: a password does not belong into an address
      fix: vk keys add ledger --label team
           vk ledger copy --to postgres://vk@db.example.com/vk --key team
    ");
    insta::assert_snapshot!(refused(&["--to", "postgres", "--from", "sqlite"]), @"
    error: --from names a database, and goes with --to sqlite
      why: what goes into a database comes from the file of this machine
      fix: vk ledger copy --to postgres
           vk ledger copy --to sqlite --from postgres://vk@db.example.com/vk
    ");
    insta::assert_snapshot!(refused(&["--to", "postgres://vk@127.0.0.1:1/vk"]).replace(vk.data_dir().to_str().unwrap(), "DATA"), @"
    error: there is no ledger in DATA/ledger.db
      fix: vk doctor
    ");
}
