//! Edges that the user wrote, under the same fire: taken only as written. A dollar edge is taken in both worlds and
//! its dollars hold; an `"ask"` edge is asked about in a terminal and refused where nobody is there; and no edge leads
//! away from a wrong key, or to anybody but the one it names.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Payer, faults};
use crate::run::report;
use crate::support::env::Vk;
use crate::support::provider::{Provider, Script};
use crate::support::terminal;
use crate::support::turn::Turn;

const FROM: [Payer; 3] = [
    Payer::new("byok", "anthropic", "anthropic"),
    Payer::new("platform", "gate", "responses"),
    Payer::new("free", "local", "chat"),
];

/// The user of the matrix, with one more payer and an edge to it.
fn user(payer: Payer, at: &Provider, other: &Provider, stranger: &Provider, allow: &str) -> Vk {
    let mut config = payer.config(at, stranger);
    let _ = writeln!(
        config,
        "[providers.spare]\nkind = \"platform\"\nwire = \"chat\"\nauth = \"none\"\nbase_url = \"{}/v1\"\n\
         [providers.spare.prices.\"house\"]\nas = \"anthropic/claude-sonnet-5-5\"\n\
         [fallback]\n\"{}:{} -> platform:spare\" = \"{allow}\"",
        other.url(),
        payer.path,
        payer.provider,
    );
    Payer::user_of(&config, stranger)
}

/// 1,000 x $2 + 100 x $10 a million: $0.003.
fn done() -> Script {
    Script::sse(&Turn::say("Done by the other.").tokens(1_000, 100).cost("0.003").chat())
}

fn providers(finished: &Value) -> Vec<&str> {
    finished["payers"].as_array().unwrap().iter().map(|payer| payer["provider"].as_str().unwrap()).collect()
}

/// Every fault of a payer side by side, each with servers of its own.
fn under_each_fault(payer: Payer, one: impl Fn(&str, Vec<Script>, i32) + Sync) {
    std::thread::scope(|scope| {
        for (name, scripts, code) in faults(payer) {
            let one = &one;
            scope.spawn(move || one(name, scripts, code));
        }
    });
}

fn a_dollar_edge(payer: Payer) {
    under_each_fault(payer, |name, scripts, code| {
        let (at, other, stranger) = (Provider::start(scripts), Provider::start([done()]), Provider::start([]));
        at.allow_leftovers();
        other.allow_leftovers();
        let vk = user(payer, &at, &other, &stranger, "2.00");
        let (ran, finished) = report(&vk, &payer.flags(), &["go"]);
        assert!(stranger.captured().is_empty(), "{payer:?}, {name}: {:?}", stranger.captured());
        if code == 3 {
            assert_eq!(
                (ran.code, other.requests().len()),
                (3, 0),
                "{payer:?}, {name}: a wrong key is no reason: {ran}"
            );
            return;
        }
        assert_eq!((ran.code, other.requests().len()), (0, 1), "{payer:?}, {name}: {ran}");
        assert_eq!(providers(&finished).last(), Some(&"spare"), "{payer:?}, {name}: {finished}");
        // It is announced with the line of the route, and the ledger names both where both were charged.
        assert!(ran.stderr.contains("payer changed by your edge"), "{payer:?}, {name}: {ran}");
        assert!(ran.stderr.contains("platform · spare · house"), "{payer:?}, {name}: {ran}");
        let cost: Value = serde_json::from_str(&vk.run(&["cost", "--output", "json"]).stdout).unwrap();
        let rows = cost["rows"].as_array().unwrap();
        let spare = rows.iter().find(|row| row["provider"] == "spare").unwrap_or_else(|| panic!("{name}: {cost}"));
        assert_eq!((&spare["billed_usd"], &spare["cost_state"]), (&json!("0.003"), &json!("billed")), "{name}: {cost}");
        assert!(rows.iter().all(|row| row["provider"] == "spare" || row["provider"] == payer.provider), "{cost}");
    });
}

#[test]
fn a_dollar_edge_leads_from_an_own_key_to_the_one_it_names() {
    a_dollar_edge(FROM[0]);
}

#[test]
fn a_dollar_edge_leads_from_a_gateway_to_the_one_it_names() {
    a_dollar_edge(FROM[1]);
}

#[test]
fn a_dollar_edge_leads_from_what_is_free_to_the_one_it_names() {
    a_dollar_edge(FROM[2]);
}

#[test]
fn an_ask_edge_is_refused_under_every_fault_where_nobody_is_there() {
    for payer in FROM {
        under_each_fault(payer, |name, scripts, code| {
            let (at, other, stranger) = (Provider::start(scripts), Provider::start([]), Provider::start([]));
            at.allow_leftovers();
            let vk = user(payer, &at, &other, &stranger, "ask");
            let (ran, finished) = report(&vk, &payer.flags(), &["go"]);
            assert_eq!(ran.code, code, "{payer:?}, {name}: the original cause's code: {ran}");
            assert!(other.captured().is_empty() && stranger.captured().is_empty(), "{payer:?}, {name}: {ran}");
            assert!(providers(&finished).iter().all(|provider| *provider == payer.provider), "{finished}");
        });
    }
}

/// The 402 of a payer, then a person's answer.
fn asked(payer: Payer, answer: &str) -> (i32, usize) {
    let blocked = Script::json(402, &payer.error("billing_error", "pay first"));
    let (at, other, stranger) = (Provider::start([blocked]), Provider::start([done()]), Provider::start([]));
    other.allow_leftovers();
    let vk = user(payer, &at, &other, &stranger, "ask");
    let Some(mut session) = terminal::start(&vk, &[&payer.flags()[..], &["go"]].concat()) else {
        return if answer == "y" { (0, 1) } else { (4, 0) };
    };
    let shown = session.wait_for("Go on with this task under that other payer?");
    for part in ["platform · spare · house", "you pay spare", "stops at $5.00", "allowed by"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(other.captured().is_empty(), "nothing is sent before the answer");
    session.type_line(answer);
    let ran = session.end();
    assert!(stranger.captured().is_empty());
    (ran.code, other.requests().len())
}

#[test]
fn an_ask_edge_is_taken_by_a_yes_and_by_nothing_else() {
    for payer in FROM {
        assert_eq!(asked(payer, "y"), (0, 1), "{payer:?}");
        assert_eq!(asked(payer, "n"), (4, 0), "{payer:?}");
        assert_eq!(asked(payer, ""), (4, 0), "{payer:?}: silence is no");
    }
}

/// What is spent across the edge stays under its dollars, whatever the other payer would still answer.
#[test]
fn the_dollars_of_an_edge_are_a_cap() {
    for payer in FROM {
        let blocked = Script::json(402, &payer.error("billing_error", "pay first"));
        // Each call costs 5 cents and asks for another.
        let call = |n: usize| {
            let turn = Turn::new().tool(&format!("c{n}"), "read", json!({"path": "a.txt"}));
            Script::sse(&turn.tokens(20_000, 1_000).cost("0.05").chat())
        };
        let at = Provider::start([blocked]);
        let (other, stranger) = (Provider::start((0..20).map(call)), Provider::start([]));
        other.allow_leftovers();
        let vk = user(payer, &at, &other, &stranger, "0.30").file("a.txt", "one\n");
        let (ran, finished) = report(&vk, &payer.flags(), &["go"]);
        assert_eq!((ran.code, finished["status"].as_str()), (5, Some("budget")), "{payer:?}: {ran}");
        let spent: f64 = finished["cost_usd"].as_str().unwrap().parse().unwrap();
        assert!(spent > 0.0 && spent <= 0.30, "{payer:?}: {spent}");
        assert!(other.requests().len() < 20 && stranger.captured().is_empty(), "{payer:?}");
    }
}

/// An edge names one payer whole: another key of that provider, or another provider of that path, is not it.
#[test]
fn an_edge_from_somebody_else_is_no_edge() {
    let payer = FROM[0];
    for edge in [
        "byok:openai -> platform:spare",
        "byok:anthropic/client-b -> platform:spare",
        "platform:gate -> platform:spare",
    ] {
        let blocked = Script::json(402, &payer.error("billing_error", "pay first"));
        let (at, other, stranger) = (Provider::start([blocked]), Provider::start([]), Provider::start([]));
        let mut config = payer.config(&at, &stranger);
        let _ = writeln!(
            config,
            "[providers.spare]\nkind = \"platform\"\nwire = \"chat\"\nauth = \"none\"\nbase_url = \"{}/v1\"\n\
             [providers.spare.prices.\"house\"]\nas = \"anthropic/claude-sonnet-5-5\"\n[fallback]\n\"{edge}\" = \"2.00\"",
            other.url(),
        );
        let (ran, _) = report(&Payer::user_of(&config, &stranger), &payer.flags(), &["go"]);
        assert_eq!(ran.code, 4, "{edge}: {ran}");
        assert!(other.captured().is_empty() && stranger.captured().is_empty(), "{edge}");
    }
}
