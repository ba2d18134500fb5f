//! `vk cost reconcile`: the ledger beside bills in the providers' own shapes. What was estimated is settled by them,
//! what does not fit is only shown.

use serde_json::{Value, json};

use crate::run::report;
use crate::support::env::{Ran, Vk};
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;

const BYOK: [&str; 7] = ["run", "--path", "byok", "--provider", "anthropic", "--key", "env:TEST_ANTHROPIC_KEY"];
const GATE: [&str; 7] = ["run", "--path", "platform", "--provider", "openrouter", "--key", "env:TEST_OPENROUTER_KEY"];
/// Of every answer on the chat wire.
const CHAT_ID: &str = "chatcmpl-test";
const ADMIN: &str = "sk-ant-admin01-planted0canary0dddddddddddddddddddddd";

fn today() -> String {
    vibekit::base::clock::now().to_string()[..10].to_owned()
}

fn yesterday() -> String {
    let now = vibekit::base::clock::now();
    now.checked_sub(jiff::SignedDuration::from_hours(24)).unwrap().to_string()[..10].to_owned()
}

/// Moves what was spent so far to the day before: a day that goes on is not settled.
fn a_day_passes(vk: &Vk) {
    let ledger = rusqlite::Connection::open(vk.data_dir().join("ledger.db")).unwrap();
    ledger
        .execute_batch(
            "UPDATE attempts SET sent_at = sent_at - 86400000, day = day - 1;
             UPDATE tasks SET started_at = started_at - 86400000; UPDATE counters SET day = day - 1;",
        )
        .unwrap();
}

/// One call that is exact, at $0.003 (1,000 and 100 tokens of Sonnet), and one that broke off and is estimated.
fn user() -> (Provider, Vk) {
    let whole = Turn::say("All done.").tokens(1_000, 100).anthropic();
    let cut = Turn::say(&"words ".repeat(200)).tokens(1_000, 400).anthropic();
    let scripts = [Script::sse(&whole)].into_iter().chain((0..5).map(|_| Script::sse(&cut).cut_at(cut.len() * 2 / 3)));
    let provider = Provider::start(scripts);
    provider.allow_leftovers();
    let vk =
        Vk::new().provider("anthropic", &provider.url()).var("ADMIN_KEY", ADMIN).var("PLAIN_KEY", "sk-ant-api03-x");
    assert_eq!(report(&vk, &BYOK, &["go"]).0.code, 0);
    assert_eq!(report(&vk, &BYOK, &["go"]).0.code, 6);
    (provider, vk)
}

fn reconcile(vk: &Vk, args: &[&str]) -> (Ran, Value) {
    let ran = vk.run(&[&["cost", "reconcile", "--output", "json"], args].concat());
    let told = ran.json_lines().first().cloned().unwrap_or_default();
    (ran, told)
}

fn costs(vk: &Vk) -> Value {
    vk.run(&["cost", "--output", "json"]).json_lines()[0]["totals"].clone()
}

/// Anthropic's report of a day: cents as decimal text.
fn cost_report(day: &str, model: &str, cents: &str) -> String {
    let results = json!([{"amount": cents, "currency": "USD", "cost_type": "tokens", "context_window": "0-200k",
        "description": "Claude Sonnet 5.5 Usage - Output Tokens", "model": model, "service_tier": "standard",
        "token_type": "output_tokens", "workspace_id": null}]);
    let bucket =
        json!({"starting_at": format!("{day}T00:00:00Z"), "ending_at": format!("{day}T24:00:00Z"), "results": results});
    json!({"data": [bucket], "has_more": false, "next_page": null}).to_string()
}

const REPORT: &str = "/v1/organizations/cost_report";
const ASK: [&str; 3] = ["anthropic", "--admin-key", "env:ADMIN_KEY"];

#[test]
fn a_cost_report_settles_what_was_estimated() {
    let (provider, vk) = user();
    let before = costs(&vk);
    assert_ne!(before["estimated"], "0.00", "{before}");
    let sent = provider.requests()[0].json()["model"].as_str().unwrap().to_owned();
    // 0.3 cents of the call that is certain, and 1.65 of the rest.
    provider.answer_get_at(REPORT, Script::json(200, &cost_report(&today(), &sent, "1.95")));
    let (_, told) = reconcile(&vk, &ASK);
    assert_eq!((&told["rows"][0]["finding"], &costs(&vk)), (&json!("day_not_over"), &before), "{told}");
    a_day_passes(&vk);
    provider.answer_get_at(REPORT, Script::json(200, &cost_report(&yesterday(), &sent, "1.95")));
    let (ran, told) = reconcile(&vk, &[&ASK[..], &["--dry-run"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(
        (&told["rows"][0]["finding"], &told["rows"][0]["bill_usd"]),
        (&json!("settled"), &json!("0.0195")),
        "{told}"
    );
    assert_eq!(costs(&vk), before, "a dry run records nothing");

    let ran = vk.run(&[&["cost", "reconcile"], &ASK[..]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.contains("0.00 % apart") && ran.stdout.contains("settled 3 calls"), "{ran}");
    vk.assert_no_leak(&ran);
    let after = costs(&vk);
    assert_eq!((&after["billed"], &after["estimated"]), (&json!("0.0195"), &json!("0.00")), "{after}");
    // Asked with the administrator's key, which no other request carries.
    let asked: Vec<_> = provider.captured().into_iter().filter(|request| request.method == "GET").collect();
    assert!(asked.iter().all(|request| request.header("x-api-key") == Some(ADMIN)), "{asked:?}");
    assert!(provider.requests().iter().all(|request| request.header("x-api-key") != Some(ADMIN)));
    // Again: both sides agree and nothing is settled twice.
    let (_, told) = reconcile(&vk, &ASK);
    assert_eq!(
        (&told["rows"][0]["finding"], &told["totals"]["settled_calls"]),
        (&json!("agrees"), &json!(0)),
        "{told}"
    );
}

#[test]
fn what_does_not_fit_is_shown_and_settles_nothing() {
    let (provider, vk) = user();
    a_day_passes(&vk);
    let before = costs(&vk);
    let sent = provider.requests()[0].json()["model"].as_str().unwrap().to_owned();
    for (model, cents, finding) in [
        (sent.as_str(), "9000", "bill_is_higher"),
        (&sent, "0.0001", "bill_is_lower"),
        (&sent, "-100", "bill_is_lower"),
        ("claude-opus-5", "100", "not_billed_yet"),
    ] {
        provider.answer_get_at(REPORT, Script::json(200, &cost_report(&yesterday(), model, cents)));
        let (ran, told) = reconcile(&vk, &[&ASK[..], &["--dry-run"]].concat());
        assert_eq!(ran.code, 0, "{ran}");
        let findings: Vec<&Value> = told["rows"].as_array().unwrap().iter().map(|row| &row["finding"]).collect();
        assert!(findings.contains(&&json!(finding)), "{model} {cents}: {told}");
    }
    assert_eq!(costs(&vk), before);
    // Neither half a report nor another currency nor another answer settles anything.
    let whole = cost_report(&yesterday(), &sent, "1.95");
    for (from, to) in
        [("false", "true"), ("USD", "EUR"), ("\"data\"", "\"other\""), ("\"1.95\"", "null"), ("starting_at", "begins")]
    {
        provider.answer_get_at(REPORT, Script::json(200, &whole.replace(from, to)));
        let (ran, _) = reconcile(&vk, &ASK);
        assert_eq!(ran.code, 6, "{from}: {ran}");
    }
    assert_eq!(costs(&vk), before);
    // The whole of a day is laid beside the whole of its bill, whenever on it the period begins.
    provider.answer_get_at(REPORT, Script::json(200, &cost_report(&yesterday(), &sent, "1.95")));
    let (_, told) = reconcile(&vk, &[&ASK[..], &["--since", "24h", "--dry-run"]].concat());
    assert_eq!(told["rows"][0]["calls"], 4, "{told}");
    // Another day's figure is not this day's.
    provider.answer_get_at(REPORT, Script::json(200, &cost_report("2026-01-01", &sent, "1")));
    let (_, told) = reconcile(&vk, &ASK);
    assert_eq!(costs(&vk), before, "{told}");
}

#[test]
fn a_gateways_record_of_each_call_settles_that_call() {
    let whole = Turn::say("Done.").tokens(1_000, 100).cost("0.003").chat();
    let cut = Turn::say(&"words ".repeat(200)).tokens(1_000, 400).chat();
    let scripts = [Script::sse(&whole)].into_iter().chain((0..5).map(|_| Script::sse(&cut).cut_at(cut.len() / 2)));
    let provider = Provider::start(scripts);
    provider.allow_leftovers();
    let vk = Vk::new().provider("openrouter", &format!("{}/api/v1", provider.url()));
    assert_eq!(report(&vk, &GATE, &["go"]).0.code, 0);
    assert_eq!(report(&vk, &GATE, &["go"]).0.code, 6);
    let before = costs(&vk);
    assert_ne!(before["estimated"], "0.00", "{before}");
    provider.answer_get_at("/api/v1/generation", Script::json(404, r#"{"error":{"message":"not found","code":404}}"#));
    let (ran, told) = reconcile(&vk, &[]);
    assert_eq!((ran.code, &told["rows"][0]["finding"]), (0, &json!("not_billed_yet")), "{ran}");
    assert_eq!(costs(&vk), before);

    // A record of another call, or of more than the call can have cost, is not taken.
    for odd in
        [json!({"data": {"id": "gen-other", "total_cost": 0.003}}), json!({"data": {"id": CHAT_ID, "total_cost": 400}})]
    {
        provider.answer_get_at("/api/v1/generation", Script::json(200, &odd.to_string()));
        let (ran, told) = reconcile(&vk, &[]);
        assert_eq!((ran.code, &told["totals"]["settled_calls"]), (0, &json!(0)), "{ran}");
    }
    assert_eq!(costs(&vk), before);

    let generation = json!({"data": {"id": CHAT_ID, "upstream_id": null, "total_cost": 0.003, "usage": 0.003, "is_byok": false,
        "model": "anthropic/claude-sonnet-5-5", "native_tokens_prompt": 1000, "native_tokens_completion": 150}});
    provider.answer_get_at("/api/v1/generation", Script::json(200, &generation.to_string()));
    let (ran, told) = reconcile(&vk, &["openrouter"]);
    assert_eq!((ran.code, &told["rows"][0]["finding"]), (0, &json!("settled")), "{ran}");
    assert_eq!(
        (&told["rows"][0]["difference_usd"], &costs(&vk)["estimated"]),
        (&json!("0.00"), &json!("0.00")),
        "{told}"
    );
    let ids =
        provider.captured().into_iter().filter(|request| request.path.starts_with("/api/v1/generation?id=")).count();
    assert!(ids >= 4, "each call is asked for: {ids}");
}

/// A month of calls as an invoice of the provider's would tell them: within 0.1 %, whatever it rounds to.
#[test]
fn a_replayed_invoice_is_within_a_tenth_of_a_percent() {
    let turns: Vec<Turn> = (1..=12_u64).map(|n| Turn::say("Done.").tokens(n * 977, n * 131)).collect();
    let provider = Provider::start(turns.iter().map(|turn| Script::sse(&turn.anthropic())));
    let vk = Vk::new().provider("anthropic", &provider.url());
    for _ in &turns {
        assert_eq!(report(&vk, &BYOK, &["go"]).0.code, 0);
    }
    // What Sonnet costs by hand: $2 and $10 a million tokens, in millionths of a cent.
    let exact: u64 = (1..=12_u64).map(|n| n * 977 * 200 + n * 131 * 1_000).sum();
    let rounded = (exact + 5_000) / 10_000;
    let sent = provider.requests()[0].json()["model"].as_str().unwrap().to_owned();
    let csv = format!(
        "usage_date_utc,model_version,cost_usd\n{},{sent},{}.{:04}\n",
        today(),
        rounded / 10_000,
        rounded % 10_000
    );
    let vk = vk.file("invoice.csv", &csv);
    let (ran, told) = reconcile(&vk, &["anthropic", "--from", "invoice.csv"]);
    assert_eq!((ran.code, &told["rows"][0]["finding"]), (0, &json!("agrees")), "{ran}");
    assert_eq!(told["rows"][0]["calls"], 12);
    let nanos = |name: &str| -> i64 {
        let (whole, part) = told["totals"][name].as_str().unwrap().split_once('.').unwrap();
        whole.parse::<i64>().unwrap() * 1_000_000_000 + format!("{part:0<9}").parse::<i64>().unwrap()
    };
    let (ledger, bill) = (nanos("ledger_usd"), nanos("bill_usd"));
    assert!((ledger - bill).abs() * 1_000 <= bill, "{told}");
}

#[test]
fn what_cannot_be_asked_or_read_is_told_with_its_command() {
    let (provider, vk) = user();
    let vk = vk.file("bad.csv", "a,b\n1,2\n").file("half.csv", &format!("date,cost\n{},1\nlast week,2\n", today()));
    let before = costs(&vk);
    for (args, code, says) in [
        (&["anthropic"][..], 2, "--admin-key env:ANTHROPIC_ADMIN_KEY"),
        (&["anthropc"], 2, "vk cost reconcile anthropic"),
        (&["anthropic", "--admin-key", "env:PLAIN_KEY"], 3, "no administrator's key"),
        (&["anthropic", "--admin-key", "sk-ant-admin01-typed"], 2, "from a variable"),
        (&["anthropic", "--admin-key", "env:NOT_SET"], 3, "NOT_SET"),
        (&["anthropic", "--from", "none.csv"], 2, "none.csv"),
        (&["anthropic", "--from", "bad.csv"], 2, "no column for the day"),
        (&["anthropic", "--from", "half.csv"], 2, "line 3"),
        (&["anthropic", "--since", "tomorrow"], 2, "--since"),
    ] {
        let ran = vk.run(&[&["cost", "reconcile"], args].concat());
        assert_eq!(ran.code, code, "{args:?}: {ran}");
        assert!(ran.stderr.contains(says), "{args:?}: no {says:?} in {ran}");
        assert!(ran.stderr.contains("fix:"), "{args:?}: {ran}");
        vk.assert_no_leak(&ran);
    }
    let gets = || provider.captured().into_iter().filter(|request| request.method == "GET").count();
    assert_eq!(gets(), 0, "nothing was asked");
    for (answer, code, says) in [
        (
            Script::json(
                401,
                r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#,
            ),
            3,
            "with a key that may read costs",
        ),
        (Script::json(500, r#"{"type":"error","error":{"type":"api_error","message":"oops"}}"#), 6, "in a while"),
        (Script::html(200, "<html>sign in</html>"), 6, "vk doctor"),
        (Script::redirect(307, "http://127.0.0.1:9/steal"), 6, "fix:"),
    ] {
        provider.answer_get_at(REPORT, answer);
        let (ran, _) = reconcile(&vk, &ASK);
        assert_eq!(ran.code, code, "{ran}");
        assert!(ran.stderr.contains(says), "no {says:?} in {ran}");
        vk.assert_no_leak(&ran);
    }
    assert_eq!(costs(&vk), before);
    // Without a name it is a line, and no error.
    let ran = vk.run(&["cost", "reconcile"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.contains("anthropic was not asked"), "{ran}");
    let ran = Vk::new().run(&["cost", "reconcile"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{ran}");
}
