//! `vk cost` as people and scripts meet it. The ledger is filled through the library; what is printed is not.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use vibekit::base::money::Usd;
use vibekit::domain::cost::{Certainty, Charge, Cost};
use vibekit::domain::path::PayPath;
use vibekit::ledger::{Ledger, NewAttempt};

use crate::ledger::{after, attempt, billed, done, noon, settlement, task, usd};

struct Home(tempfile::TempDir);

struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(home.0.path().join("project")).unwrap();
        home
    }

    /// A key's task of two calls, and a plan's.
    fn with_tasks() -> Self {
        let home = Self::new();
        let ledger = Ledger::open(&home.data()).unwrap();
        let mut first = task("t0aaaaaaaaaa", noon());
        "=1+1 \x1b[2J".clone_into(&mut first.words);
        ledger.begin_task(&first).unwrap();
        let settle = |new: &NewAttempt, cost| {
            ledger.reserve(new, &[]).unwrap();
            ledger.settle(&new.attempt_id, &settlement(cost, new.sent_at)).unwrap();
        };
        settle(&attempt("t0aaaaaaaaaa", 1, usd("0.50"), after(1)), billed(usd("0.25")));
        settle(&attempt("t0aaaaaaaaaa", 2, usd("0.50"), after(2)), billed(usd("0.0042")));
        ledger.finish_task("t0aaaaaaaaaa", &done(after(9))).unwrap();
        ledger.begin_task(&task("t0abbbbbbbbb", after(60))).unwrap();
        let plan = NewAttempt {
            path: PayPath::Subscription,
            charge: Charge::Covered,
            ..attempt("t0abbbbbbbbb", 1, Usd::ZERO, after(61))
        };
        settle(
            &plan,
            Cost { charge: Charge::Covered, certainty: Certainty::Exact, billed: None, list: Some(usd("0.90")) },
        );
        ledger.finish_task("t0abbbbbbbbb", &done(after(99))).unwrap();
        home
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn vk(&self, args: &[&str]) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_vk"))
            .args(args)
            .env_clear()
            .env("HOME", self.0.path())
            .env("VK_DATA_DIR", self.data())
            .current_dir(self.0.path().join("project"))
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    fn json(&self, args: &[&str]) -> Value {
        let said = self.vk(args);
        assert_eq!(said.code, 0, "{}", said.err);
        serde_json::from_str(&said.out).unwrap()
    }
}

#[test]
fn without_a_ledger_the_next_command_is_named_and_no_file_is_made() {
    let home = Home::new();
    let said = home.vk(&["cost"]);
    assert_eq!((said.code, said.out.as_str()), (0, ""));
    assert!(said.err.contains("vk run") && said.err.contains("vk demo"), "{}", said.err);
    let report = home.json(&["cost", "--output", "json"]);
    assert_eq!(report["rows"], serde_json::json!([]));
    assert_eq!(report["totals"]["billed"], "0.00");
    let said = home.vk(&["cost", "--output", "csv", "--by", "day"]);
    assert!(said.out.starts_with("day,calls,"), "{}", said.out);
    let said = home.vk(&["cost", "show", "t0abc"]);
    assert_eq!(said.code, 2);
    assert!(!home.data().exists());
}

#[test]
fn tasks_are_listed_with_their_payers_and_found_by_a_prefix() {
    let home = Home::with_tasks();
    let said = home.vk(&["cost"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(lines[1].contains("t0abbbbbbbbb") && lines[1].contains("subscription") && lines[1].contains("covered"));
    assert!(lines[2].contains("t0aaaaaaaaaa") && lines[2].contains("$0.25") && lines[2].contains(r"\x1b[2J"));
    assert!(!said.out.contains('\x1b'));
    assert_eq!(said.err, "");

    let report = home.json(&["cost", "--output", "json"]);
    assert_eq!(report["rows"][1]["billed_usd"], "0.2542");
    assert_eq!(report["rows"][0]["list_usd"], "0.90");
    assert_eq!(report["totals"]["covered_list"], "0.90");
    let by_path = home.json(&["cost", "--by", "path", "--output", "json"]);
    assert_eq!(by_path["rows"][0]["group"], "subscription");

    let said = home.vk(&["cost", "show", "t0aa"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("https://claude.com/pricing as of 2026-11-20"), "{}", said.out);
    assert!(said.out.contains("verified"));
    let shown = home.json(&["cost", "show", "t0aa", "--output", "json"]);
    assert_eq!(shown["calls"].as_array().unwrap().len(), 2);

    let said = home.vk(&["cost", "show", "t0a"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("vk cost show t0aaaaaaaaaa") && said.err.contains("vk cost show t0abbbbbbbbb"));
    let said = home.vk(&["cost", "show", "t0xaaaa"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("vk cost show t0aaaaaaaaaa"), "{}", said.err);
}

#[test]
fn a_period_is_checked_and_what_it_leaves_out_is_said() {
    let home = Home::with_tasks();
    let said = home.vk(&["cost", "--since", "last tuesday"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("2026-11-01"), "{}", said.err);
    assert_eq!(home.vk(&["cost", "--since", "2026-11-26", "--until", "2026-11-20"]).code, 2);
    let said = home.vk(&["cost", "--since", "2026-11-26", "--until", "2026-11-27"]);
    assert_eq!((said.code, said.out.as_str()), (0, ""));
    assert!(said.err.contains("vk cost"), "{}", said.err);
    let report = home.json(&["cost", "--since", "2026-11-25", "--until", "2026-11-25", "--output", "json"]);
    assert_eq!(report["rows"].as_array().unwrap().len(), 2);
    let none = home.json(&["cost", "--project", "blog", "--output", "json"]);
    assert_eq!(none["rows"], serde_json::json!([]));
}

#[test]
fn spreadsheets_get_text_and_not_formulas() {
    let home = Home::with_tasks();
    let said = home.vk(&["cost", "--output", "csv"]);
    assert_eq!(said.out.matches("\r\n").count(), 3);
    assert!(said.out.contains(r",'=1+1 \x1b[2J,"), "{}", said.out);
    let said = home.vk(&["cost", "--output", "markdown", "--by", "payer"]);
    assert!(said.out.starts_with("| payer | calls |"), "{}", said.out);
    let said = home.vk(&["cost", "--output", "json", "--by", "payer"]);
    assert!(said.out.contains(r#""group":"byok:anthropic""#), "{}", said.out);
}

#[test]
fn a_ledger_that_cannot_be_read_is_exit_nine() {
    let home = Home::with_tasks();
    let file = home.data().join(vibekit::ledger::FILE_NAME);
    std::fs::write(&file, "rubbish".repeat(2_000)).unwrap();
    let said = home.vk(&["cost"]);
    assert_eq!(said.code, 9, "{}", said.err);
    assert!(said.err.contains("damaged") && said.err.contains("mv "), "{}", said.err);
}
