//! Whole `vk run`s at once on one ledger: no budget is passed, and nobody is told that anything is locked.

use vibekit::base::money::Usd;

use super::costs;
use crate::run::{ANTHROPIC, anthropic};
use crate::support::env::code_of;
use crate::support::provider::Provider;

const AT_ONCE: usize = 16;

#[test]
fn tasks_that_run_at_once_never_pass_a_day_together() {
    let provider = Provider::start((0..AT_ONCE).map(|_| costs(1)));
    provider.allow_leftovers();
    // Two holds fit beside each other at first; the last call that fits needs about 3 cents of room.
    let vk = anthropic(&provider).config("[budget]\nday = \"0.12\"\n");
    assert_eq!(vk.run(&["budget", "set", "0.11", "--per", "day", "--team"]).code, 0);
    let start = |n: usize| {
        // A tree is worked on by one task at a time.
        let folder = vk.project().join(format!("p{n}"));
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("vk.toml"), "").unwrap();
        vk.command(&[&ANTHROPIC[..], &["--sandbox", "off", "--approve", "all", "go"]].concat())
            .current_dir(folder)
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..AT_ONCE).map(start).collect();
    let mut done = 0;
    for child in children {
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        match code_of(output.status) {
            0 => done += 1,
            5 => assert!(told.contains("vk budget set") && told.contains("--per day"), "{told}"),
            other => panic!("exit {other}: {told}"),
        }
        for word in ["locked", "busy", "SQLITE"] {
            assert!(!told.contains(word), "{told}");
        }
    }
    assert_eq!(provider.requests().len(), done, "what did not fit was never sent");
    let spent = Usd::from_cents(i64::try_from(done).unwrap());
    let budgets = vk.run(&["budget", "list", "--output", "json"]).json_lines().remove(0)["budgets"].clone();
    for row in budgets.as_array().unwrap().iter().filter(|row| row["per"] == "day") {
        let cents = |key: &str| crate::ledger::usd(row[key].as_str().unwrap());
        assert_eq!(
            (cents("spent_usd"), cents("held_usd"), cents("uncertain_usd")),
            (spent, Usd::ZERO, Usd::ZERO),
            "{row}"
        );
    }
    assert!((7..=11).contains(&done), "{done} cents of 11");
}
