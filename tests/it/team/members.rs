//! What one member sets and spends binds and is seen by the others.

use serde_json::json;
use vibekit::base::money::Usd;

use super::{json, member};
use crate::budget::costs;
use crate::run::{ANTHROPIC, report};
use crate::support::env::code_of;
use crate::support::postgres::Postgres;
use crate::support::provider::Provider;

#[test]
fn a_cap_that_one_member_sets_stops_another_whose_own_files_know_nothing_of_it() {
    let Some(server) = Postgres::start() else { return };
    let provider = Provider::start([costs(15)]);
    let (ann, bob) = (member("ann", &server, &provider), member("bob", &server, &provider));
    let set = ann.run(&["budget", "set", "0.17", "--per", "day", "--team"]);
    assert_eq!(set.code, 0, "{set}");
    let ran = ann.run(&[&ANTHROPIC[..], &["refactor the parser"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("$0.17 of $0.17 left today by everyone on this ledger"), "{ran}");
    let (ran, finished) = report(&bob, &ANTHROPIC, &["and the lexer"]);
    assert_eq!((ran.code, finished["status"].as_str()), (5, Some("budget")), "{ran}");
    let message = finished["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("today by everyone on this ledger") && message.contains("$0.15 by ann in task t"),
        "{ran}"
    );
    // The command that is offered is bob's to type, and it is what ann then has.
    let raised = bob.run(&["budget", "set", "1.00", "--per", "day", "--team"]);
    assert_eq!(raised.code, 0, "{raised}");
    let list = json(&ann.run(&["budget", "list", "--output", "json"]));
    let team = list["budgets"].as_array().unwrap().iter().find(|row| row["scope"] == "team").unwrap();
    assert_eq!(
        (&team["limit_usd"], &team["spent_usd"], &team["source"]),
        (&json!("1.00"), &json!("0.15"), &json!("the ledger, by bob"))
    );
    assert!(!ann.data_dir().join(vibekit::ledger::FILE_NAME).exists(), "nothing is recorded in two places");
}

#[test]
fn reports_say_who_spent_what_whoever_asks() {
    let Some(server) = Postgres::start() else { return };
    let provider = Provider::start([costs(15), costs(20), costs(5)]);
    let ann = member("ann", &server, &provider);
    let bob = member("bob", &server, &provider).config("user = \"Bob B.\"\n");
    for (vk, task) in [(&ann, "one"), (&bob, "two"), (&ann, "three")] {
        let ran = vk.run(&[&ANTHROPIC[..], &[task]].concat());
        assert_eq!(ran.code, 0, "{ran}");
    }
    for vk in [&ann, &bob] {
        let by_user = json(&vk.run(&["cost", "--by", "user", "--output", "json"]));
        let rows: Vec<_> = by_user["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| json!([row["group"], row["calls"], row["billed_usd"]]))
            .collect();
        assert_eq!(rows, [json!(["ann", 2, "0.20"]), json!(["Bob B.", 1, "0.20"])], "{by_user}");
        assert_eq!(json(&vk.run(&["cost", "--output", "json"]))["rows"].as_array().unwrap().len(), 3);
    }
    let shown = json(&bob.run(&["cost", "--by", "day", "--output", "json"]));
    assert_eq!(shown["totals"]["billed"], "0.40");
    // An import is its own member's, and no spend of vk's.
    let logs = ann.home().join(".claude/projects/p");
    std::fs::create_dir_all(&logs).unwrap();
    std::fs::write(logs.join("a.jsonl"), crate::import::claude("msg_1", "req_1", 10, 5)).unwrap();
    for new in [1, 0] {
        let imported = json(&ann.run(&["import", "--output", "json"]));
        assert_eq!(imported["tools"][0]["calls_new"], new, "{imported}");
    }
    let by_user = json(&bob.run(&["cost", "--by", "user", "--output", "json"]));
    let row = by_user["rows"].as_array().unwrap().iter().find(|row| row["group"] == "ann").unwrap();
    assert_eq!((&row["calls"], &by_user["totals"]["billed"]), (&json!(3), &json!("0.40")), "{by_user}");
}

#[test]
fn members_that_run_at_once_never_pass_a_cap_together() {
    const AT_ONCE: usize = 12;
    let Some(server) = Postgres::start_with("trust", &[]) else { return };
    let provider = Provider::start((0..AT_ONCE).map(|_| costs(1)));
    provider.allow_leftovers();
    let members: Vec<_> = (0..AT_ONCE).map(|n| member(&format!("m{n}"), &server, &provider)).collect();
    assert_eq!(members[0].run(&["budget", "set", "0.08", "--per", "day", "--team"]).code, 0);
    let start = |vk: &crate::support::env::Vk| {
        vk.command(&[&ANTHROPIC[..], &["--sandbox", "off", "--approve", "all", "go"]].concat()).spawn().unwrap()
    };
    let children: Vec<_> = members.iter().map(start).collect();
    let mut done = 0;
    for child in children {
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        match code_of(output.status) {
            0 => done += 1,
            5 => assert!(told.contains("vk budget set"), "{told}"),
            other => panic!("exit {other}: {told}"),
        }
        for word in ["locked", "serializ", "deadlock", "could not"] {
            assert!(!told.contains(word), "{told}");
        }
    }
    let list = json(&members[1].run(&["budget", "list", "--output", "json"]));
    let team = list["budgets"].as_array().unwrap().iter().find(|row| row["scope"] == "team").unwrap();
    let spent: Usd = team["spent_usd"].as_str().unwrap().parse().unwrap();
    assert_eq!(spent, Usd::from_cents(i64::from(done)), "{team}");
    assert!(spent <= Usd::from_cents(8) && done >= 4, "{done} cents of 8");
    assert_eq!((&team["held_usd"], &team["uncertain_usd"]), (&json!("0.00"), &json!("0.00")), "{team}");
}
