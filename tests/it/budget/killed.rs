//! A task that is killed in the middle of a call: its hold stays counted, is shown as uncertain, and is settled by the
//! provider's figure or after a day; honest work goes on beside it.

use std::time::Duration;

use vibekit::ledger::FILE_NAME;

use super::costs;
use crate::run::{ANTHROPIC, anthropic, report};
use crate::support::env::Vk;
use crate::support::provider::{Provider, Script};

/// The lease of every task is over.
fn a_minute_passes(vk: &Vk) {
    let ledger = rusqlite::Connection::open(vk.data_dir().join(FILE_NAME)).unwrap();
    ledger.execute("UPDATE tasks SET lease_until = lease_until - 61000", []).unwrap();
}

#[test]
fn the_call_of_a_killed_task_is_uncertain_until_it_is_settled() {
    let provider = Provider::start([Script::silence(), costs(15)]);
    let vk = anthropic(&provider).config("[budget]\nday = \"0.33\"\n");
    let mut killed = vk.command(&[&ANTHROPIC[..], &["go"]].concat()).spawn().unwrap();
    for _ in 0..400 {
        if !provider.captured().is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();

    let list = || vk.run(&["budget", "list", "--output", "json"]).json_lines().remove(0);
    let held: f64 = list()["budgets"][1]["held_usd"].as_str().unwrap().parse().unwrap();
    assert!((0.16..0.19).contains(&held), "{held}");
    a_minute_passes(&vk);
    let all = list();
    let day = &all["budgets"][1];
    assert_eq!((day["held_usd"].as_str(), day["spent_usd"].as_str()), (Some("0.00"), Some("0.00")), "{all}");
    let uncertain: f64 = day["uncertain_usd"].as_str().unwrap().parse().unwrap();
    assert!((uncertain - held).abs() < 1e-9, "{all}");
    let attempt = all["uncertain"][0]["attempt_id"].as_str().unwrap().to_owned();

    let table = vk.run(&["budget"]);
    assert!(table.stdout.contains("Uncertain calls") && table.stdout.contains(&attempt), "{table}");
    let cost = vk.run(&["cost"]);
    assert!(cost.stderr.contains("1 call is uncertain and counted at up to $0.1"), "{cost}");
    assert!(cost.stdout.contains('?'), "an unknown cost is never nothing: {cost}");

    // Honest work goes on in what is left, and the refusal names what is uncertain.
    let ran = vk.run(&[&ANTHROPIC[..], &["go"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    let (ran, finished) = report(&vk, &ANTHROPIC, &["go"]);
    assert_eq!(ran.code, 5, "{ran}");
    let message = finished["error"]["message"].as_str().unwrap();
    assert!(message.contains("is uncertain (a call whose process died)"), "{message}");
    assert!(finished["error"]["fix"].as_str().unwrap().contains("vk budget list"), "{finished}");

    // The provider's figure gives back the rest.
    let unknown = vk.run(&["budget", "settle", "t0-1.1", "0.01"]);
    assert_eq!(unknown.code, 2, "{unknown}");
    assert!(unknown.stderr.contains(&format!("vk budget settle {attempt} 0.01")), "{unknown}");
    let settled = vk.run(&["budget", "settle", &attempt, "0.01"]);
    assert_eq!(settled.code, 0, "{settled}");
    let all = list();
    assert_eq!(all["budgets"][1]["spent_usd"], "0.16", "{all}");
    assert_eq!(
        (all["budgets"][1]["uncertain_usd"].as_str(), all["uncertain"].as_array().unwrap().len()),
        (Some("0.00"), 0)
    );
    let again = vk.run(&["budget", "settle", &attempt, "0.02"]);
    assert_eq!((again.code, again.stderr.contains("it was settled at $0.01")), (2, true), "{again}");
}
