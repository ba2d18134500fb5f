//! `vk compare` as people and scripts meet it. The ledger is filled through the library; what is printed is not.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use vibekit::base::money::Usd;
use vibekit::domain::cost::{Certainty, Charge, Cost};
use vibekit::domain::path::PayPath;
use vibekit::domain::usage::Usage;
use vibekit::ledger::{Ledger, NewAttempt, Settlement};

use crate::ledger::{attempt, billed, done, settlement, task};
use crate::support::env::{Ran, Vk};

/// A task's calls: provider, model, hours ago, tokens.
type Calls<'a> = &'a [(&'a str, &'a str, i64, Usage)];

fn now() -> Timestamp {
    vibekit::base::clock::now()
}

fn record(vk: &Vk, id: &str, charge: Charge, calls: Calls<'_>) {
    let ledger = Ledger::open(&vk.data_dir()).unwrap();
    let ago = |hours: i64| now() - SignedDuration::from_hours(hours);
    ledger.begin_task(&task(id, ago(calls[0].2))).unwrap();
    for (at, (provider, model, hours, usage)) in calls.iter().enumerate() {
        let path = if charge == Charge::Covered { PayPath::Subscription } else { PayPath::Byok };
        let new = NewAttempt {
            provider: (*provider).to_owned(),
            model: (*model).to_owned(),
            charge,
            path,
            ..attempt(id, u32::try_from(at).unwrap() + 1, Usd::ZERO, ago(*hours))
        };
        ledger.reserve(&new, &[]).unwrap();
        let cost = match charge {
            Charge::Billed => billed(Usd::from_cents(1)),
            _ => Cost { charge, certainty: Certainty::Exact, billed: None, list: None },
        };
        ledger.settle(&new.attempt_id, &Settlement { usage: *usage, ..settlement(cost, new.sent_at) }).unwrap();
    }
    ledger.finish_task(id, &done(now())).unwrap();
}

fn json(ran: &Ran) -> Value {
    assert_eq!(ran.code, 0, "{ran}");
    ran.json_lines().pop().unwrap()
}

fn month(answer: &Value, id: &str) -> String {
    let path = answer["paths"].as_array().unwrap().iter().find(|path| path["id"] == id);
    path.unwrap_or_else(|| panic!("no {id}"))["month_usd"].as_str().unwrap().to_owned()
}

fn fits(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

/// 1,000 x $2 + 50,000 x $0.10 + 4,000 x $2.50 + 2,000 x $4 + 3,000 x $10 a million = $0.055 with sonnet 5.5.
const SONNET: Usage = Usage {
    input: 1_000,
    cache_read: 50_000,
    cache_write_5m: 4_000,
    cache_write_1h: 2_000,
    output: 3_000,
    reasoning: 0,
};

#[test]
fn a_light_history_keeps_its_own_key_to_the_cent() {
    let vk = Vk::new();
    record(&vk, "t0aaaaaaaaaa", Charge::Billed, &[("anthropic", "claude-sonnet-5-5", 30, SONNET); 2]);
    // A prompt of 100,001 with haiku 5.5 is above its band: 100,001 x $0.50 + 1,000 x $2.50 a million = $0.0525005.
    let long = Usage { input: 100_001, output: 1_000, ..Usage::default() };
    record(&vk, "t0bbbbbbbbbb", Charge::Billed, &[("anthropic", "claude-haiku-5-5", 3, long)]);
    let answer = json(&vk.run(&["compare", "--output", "json"]));
    // 2 x $0.055 + $0.0525005
    assert_eq!(month(&answer, "own-keys"), "0.1625005");
    assert_eq!(answer["paths"][0]["period_usd"], "0.1625005");
    assert_eq!((answer["tasks"].as_u64(), answer["calls"].as_u64()), (Some(2), Some(3)));
    assert!(answer["advice"].as_str().unwrap().starts_with("Your own key costs least: $0.16 a month"), "{answer}");
    assert_eq!(month(&answer, "claude-pro"), "20.00");
    // The same sum as the ledger's own report of list prices would be; and nothing was written.
    let ran = vk.run(&["compare"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran}");
    fits(&ran.stdout);
    assert!(ran.stdout.contains("Claude Pro"), "{ran}");
    let page = vk.run(&["compare", "--output", "markdown"]);
    assert!(page.stdout.starts_with("**Your own key costs least"), "{page}");
}

#[test]
fn a_heavy_history_takes_a_plan_whoever_paid_for_it() {
    let vk = Vk::new();
    // Opus 5.5: 2,000,000 x $0.20 + 200,000 x $5 + 40,000 x $20 a million = $2.20 a call.
    let opus = Usage { cache_read: 2_000_000, cache_write_5m: 200_000, output: 40_000, ..Usage::default() };
    let calls = [("claude", "claude-opus-5-5", 100, opus); 50];
    record(&vk, "t0aaaaaaaaaa", Charge::Covered, &calls);
    let answer = json(&vk.run(&["compare", "--output", "json"]));
    assert_eq!(month(&answer, "own-keys"), "110.00");
    let advice = answer["advice"].as_str().unwrap();
    assert!(advice.contains("Claude Pro saves $90.00 a month if its limit"), "{advice}");
    assert!(advice.contains("Claude Max would still save $10.00"), "{advice}");
    let pair = answer["break_even"].as_array().unwrap().iter().find(|pair| pair["b"] == "claude-pro").unwrap();
    // $20.00 / $110.00 a task x 7 / 30 = 0.0424 a week.
    assert_eq!((&pair["a"], &pair["tasks_week"]), (&"own-keys".into(), &"0.05".into()));
    // Of the last two days nothing is recorded.
    let none = vk.run(&["compare", "--since", "2d", "--output", "json"]);
    assert_eq!(json(&none)["workload"]["from"], "example");
    assert!(none.stderr.contains("in that period"), "{none}");
    // Ten days hold all of it, and a month is three times that.
    let answer = json(&vk.run(&["compare", "--since", "10d", "--output", "json"]));
    assert_eq!(
        (month(&answer, "own-keys"), answer["paths"][0]["period_usd"].as_str()),
        ("330.00".to_owned(), Some("110.00"))
    );
}

#[test]
fn rehearsed_calls_are_nobodys_use() {
    let vk = Vk::new();
    record(&vk, "t0aaaaaaaaaa", Charge::Rehearsed, &[("anthropic", "claude-sonnet-5-5", 3, SONNET)]);
    assert_eq!(json(&vk.run(&["compare", "--output", "json"]))["workload"]["from"], "example");
}

#[test]
fn without_a_history_an_example_is_shown_and_the_next_command_named() {
    let vk = Vk::new();
    let ran = vk.run(&["compare"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("vk import") && ran.stderr.contains("--tasks 5/week"), "{ran}");
    assert!(ran.stdout.contains("An example, for there is no history here yet"), "{ran}");
    fits(&ran.stdout);
    assert!(!vk.data_dir().join("ledger.db").exists());
}

#[test]
fn a_stated_workload_and_the_thousand_features() {
    let vk = Vk::new();
    let ran = vk.run(&[
        "compare",
        "--tasks",
        "5/week",
        "--tokens",
        "100000,900000,15000",
        "--model",
        "sonnet",
        "--output",
        "json",
    ]);
    let answer = json(&ran);
    // 100,000 x $2 + 900,000 x $0.10 + 15,000 x $10 a million = $0.44 a task: a thousand are $440.00.
    assert_eq!(answer["paths"][0]["thousand_tasks_usd"], "440.00");
    assert_eq!(month(&answer, "own-keys"), "9.428571429");
    assert_eq!(answer["workload"]["model"], "anthropic/claude-sonnet-5-5");
    // A thousand within a month.
    let thousand = json(&vk.run(&["compare", "--tasks", "1000", "--tokens", "100k,900k,15k", "--output", "json"]));
    assert_eq!(month(&thousand, "own-keys"), "440.00");
    assert!(thousand["advice"].as_str().unwrap().starts_with("A plan costs less"), "{thousand}");
    let gpt =
        json(&vk.run(&["compare", "--tasks", "5/week", "--tokens", "1k,1k,1k", "--model", "gpt", "--output", "json"]));
    assert!(gpt["paths"].as_array().unwrap().iter().any(|path| path["id"] == "chatgpt-plus"), "{gpt}");
}

#[test]
fn what_was_typed_wrong_is_answered_with_what_to_type() {
    let vk = Vk::new();
    for (args, said) in [
        (&["--tasks", "five/week", "--tokens", "1,1,1"][..], "5/week"),
        (&["--tasks", "5/week", "--tokens", "1,1"], "IN,CACHED,OUT"),
        (&["--tasks", "5/week"], "--tokens"),
        (&["--tokens", "1,1,1"], "--tasks"),
        (&["--since", "yesterweek"], "--since"),
        (&["--since", "2999-01-01"], "--since is not before now"),
        (&["--tasks", "5/week", "--tokens", "1,1,1", "--model", "sonet"], "--model sonnet"),
        (&["--tasks", "5/week", "--tokens", "1,1,1", "--since", "7d"], "cannot be used with"),
    ] {
        let ran = vk.run(&[&["compare"], args].concat());
        assert_eq!(ran.code, 2, "{args:?} {ran}");
        assert!(ran.stderr.contains(said), "{args:?} {ran}");
    }
}

#[test]
fn a_gateway_of_the_users_own_is_among_the_paths() {
    let vk = Vk::new().config(
        "[providers.work]\nkind = \"platform\"\nwire = \"chat\"\nbase_url = \"https://llm.example.com/v1\"\nauth = \"bearer\"\nmarkup = \"8%\"\n",
    );
    let answer = json(&vk.run(&["compare", "--tasks", "100/month", "--tokens", "100k,900k,15k", "--output", "json"]));
    // $44.00 and 8 %.
    assert_eq!(month(&answer, "work"), "47.52");
}
