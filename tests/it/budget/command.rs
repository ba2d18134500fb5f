//! `vk budget`: files and ledger after it, what it lists, and what it says where it cannot.

use serde_json::Value;

use super::{costs, with_key};
use crate::run::{ANTHROPIC, anthropic, report};
use crate::support::env::{Ran, Vk};
use crate::support::provider::Provider;

fn config(vk: &Vk) -> String {
    std::fs::read_to_string(vk.config_dir().join("config.toml")).unwrap_or_default()
}

fn ok(vk: &Vk, args: &[&str]) -> Ran {
    let ran = vk.run(&[&["budget"], args].concat());
    assert_eq!(ran.code, 0, "{ran}");
    ran
}

fn list(vk: &Vk) -> Value {
    ok(vk, &["list", "--output", "json"]).json_lines().remove(0)
}

/// `all day 20.00`, one a line.
fn listed(vk: &Vk) -> String {
    let of = |row: &Value| {
        let words = ["scope", "target", "per", "limit_usd"].map(|key| row[key].as_str().unwrap_or("-").to_owned());
        words.join(" ")
    };
    list(vk)["budgets"].as_array().unwrap().iter().map(of).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_budget_is_written_where_it_belongs_and_taken_out_again_with_comments_kept() {
    let vk = Vk::new().config("# mine\n[budget] # money\ntask = \"3.00\" # each\n");
    let vk = with_key(vk, "client-a");
    for args in [
        &["set", "20", "--per", "day"][..],
        &["set", "2.50", "--per", "task"],
        &["set", "30", "--per", "week", "--path", "byok"],
        &["set", "50", "--per", "month", "--key", "client-a"],
        &["set", "5", "--per", "day", "--project"],
        &["set", "99", "--per", "month", "--team"],
    ] {
        ok(&vk, args);
    }
    insta::assert_snapshot!(config(&vk), @r#"
    # mine
    [budget] # money
    task = "2.50" # each
    day = "20.00"

    [budget.paths.byok]
    week = "30.00"

    [budget.keys."anthropic/client-a"]
    month = "50.00"
    "#);
    insta::assert_snapshot!(std::fs::read_to_string(vk.project().join("vk.toml")).unwrap(), @r#"
    # Whose account pays for coding tasks here. `vk route` explains it.

    [budget]
    day = "5.00"
    "#);
    insta::assert_snapshot!(listed(&vk), @"
    all - task 2.50
    all - day 20.00
    path byok week 30.00
    key anthropic/client-a month 50.00
    project project day 5.00
    team - month 99.00
    ");
    for args in [
        &["clear", "--per", "day"][..],
        &["clear", "--path", "byok"],
        &["clear", "--key", "anthropic/client-a", "--per", "month"],
        &["clear", "--project"],
        &["clear", "--team"],
        &["clear", "--per", "task"],
    ] {
        ok(&vk, args);
    }
    assert!(config(&vk).starts_with("# mine\n[budget] # money\n"), "{}", config(&vk));
    assert_eq!(listed(&vk), "all - task 5.00");
    let again = ok(&vk, &["clear", "--per", "day"]);
    assert!(again.stderr.contains("was so already"), "{again}");
}

#[test]
fn what_cannot_be_set_is_said_with_a_command_that_can() {
    let vk = with_key(Vk::new(), "client-a");
    let refused = |args: &[&str], code: i32| {
        let ran = vk.run(&[&["budget"], args].concat());
        assert_eq!(ran.code, code, "{args:?}: {ran}");
        ran.stderr
    };
    insta::assert_snapshot!(refused(&["set", "20,50", "--per", "day"], 2), @r#"
    error: "20,50" is not an amount of dollars; write it like 2.00
      fix: vk budget set 20.50 --per day
    "#);
    insta::assert_snapshot!(refused(&["set", "20", "--per", "day", "--key", "client-b"], 2), @"
    error: no stored key is called client-b
      fix: vk budget set 20.00 --per day --key client-a
           vk keys list
    ");
    insta::assert_snapshot!(refused(&["clear"], 2), @"
    error: vk budget clear was not told which budget
      fix: vk budget list
    ");
    insta::assert_snapshot!(refused(&["settle", "t1-1.1", "0.10"], 2), @"
    error: no attempt has the id t1-1.1
      why: nothing has been spent yet
      fix: vk budget list
    ");
    for wrong in [
        &["set", "20"][..],
        &["set", "20", "--per", "year"],
        &["set", "20", "--per", "day", "--path", "free"],
        &["set", "20", "--per", "day", "--path", "byok", "--team"],
    ] {
        assert!(refused(wrong, 2).contains("fix: vk budget"), "{wrong:?}");
    }
    let vk = vk.config("[budget]\nday = \"20.00\"\n");
    let above = vk.run(&["budget", "set", "30", "--per", "day", "--project"]);
    assert_eq!((above.code, above.stderr.contains("a project may only lower that")), (2, true), "{above}");
    assert!(!vk.project().join("vk.toml").exists());
    ok(&vk, &["set", "10", "--per", "day", "--project"]);
    let below = vk.run(&["budget", "set", "5", "--per", "day"]);
    assert_eq!(below.code, 2, "{below}");
    assert!(below.stderr.contains("vk budget set 5.00 --per day --project\n"), "{below}");
    ok(&vk, &["set", "5.00", "--per", "day", "--project"]);
    ok(&vk, &["set", "5.00", "--per", "day"]);
}

#[test]
fn a_strangers_file_is_not_changed_where_nobody_can_be_asked() {
    let vk = Vk::new().file("vk.toml", "path = \"byok\"\n");
    let ran = vk.run(&["budget", "set", "5", "--per", "day", "--project"]);
    assert_eq!(ran.code, 7, "{ran}");
    assert_eq!(std::fs::read_to_string(vk.project().join("vk.toml")).unwrap(), "path = \"byok\"\n");
}

#[test]
fn a_teams_budget_binds_whatever_the_files_say() {
    let provider = Provider::start([costs(15)]);
    let vk = anthropic(&provider).config("[budget]\nday = \"100.00\"\n").var("USER", "ann");
    ok(&vk, &["set", "0.17", "--per", "day", "--team"]);
    ok(&vk, &["set", "0.90", "--per", "task", "--team"]);
    let ran = vk.run(&[&ANTHROPIC[..], &["go"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("stops at $0.90 · $0.17 of $0.17 left today by everyone on this ledger"), "{ran}");
    let (ran, finished) = report(&vk, &ANTHROPIC, &["--max-cost", "50", "go"]);
    assert_eq!(ran.code, 5, "{ran}");
    let message = finished["error"]["message"].as_str().unwrap();
    assert!(message.contains("for today by everyone on this ledger:\n$0.15 of $0.17 is spent (the ledger)"), "{ran}");
    let fix = finished["error"]["fix"].as_str().unwrap().lines().next().unwrap().to_owned();
    assert_eq!(fix, "vk budget set 1.00 --per day --team");
    // The command that is offered does what it says.
    ok(&vk, &["set", "1.00", "--per", "day", "--team"]);
    let provider = Provider::start([costs(15)]);
    let vk = vk.config(&format!("[providers.work]\nkind = \"platform\"\nwire = \"anthropic\"\nbase_url = \"{}\"\nauth = \"none\"\n[providers.work.prices.\"house\"]\nas = \"anthropic/claude-sonnet-5-5\"\n", provider.url()));
    let ran = vk.run(&["run", "--path", "platform", "--provider", "work", "--model", "house", "go"]);
    assert_eq!(ran.code, 0, "{ran}");
}

#[test]
fn the_list_says_what_is_spent_and_left_and_until_when() {
    let provider = Provider::start([costs(15)]);
    let vk = anthropic(&provider).config("[budget]\nday = \"2.00\"\nmonth = \"20.00\"\n");
    assert_eq!(vk.run(&[&ANTHROPIC[..], &["go"]].concat()).code, 0);
    let all = list(&vk);
    let day = &all["budgets"][1];
    assert_eq!((day["spent_usd"].as_str(), day["left_usd"].as_str()), (Some("0.15"), Some("1.85")), "{day}");
    assert_eq!((day["percent"].as_u64(), day["held_usd"].as_str()), (Some(7), Some("0.00")), "{day}");
    assert!(day["ends_at"].as_str().unwrap().ends_with("T00:00:00.000Z"), "{day}");
    assert!(day["source"].as_str().unwrap().contains("config.toml:"), "{day}");
    assert!(all["budgets"][0]["left_usd"].is_null() && all["uncertain"].as_array().unwrap().is_empty(), "{all}");
    let table = ok(&vk, &[]);
    assert!(table.stdout.contains("day    all projects") && table.stdout.contains("7 %"), "{table}");
}
