//! vk's own loop on a Codex plan: `--engine builtin`, with the tokens of vk's own login.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::codex::log_in_by_device;
use super::identity::{CANARY, Identity};
use crate::run::report;
use crate::support::env::Vk;
use crate::support::provider::{Gate, Script};
use crate::support::turn::Turn;

const BUILTIN: [&str; 7] = ["run", "--path", "subscription", "--provider", "codex", "--engine", "builtin"];

/// An answer with what the service says of the plan beside it.
fn answer(turn: &Turn, used: &str, balance: Option<&str>) -> Script {
    let script = Script::sse(&turn.responses())
        .header("x-codex-primary-used-percent", used)
        .header("x-codex-primary-window-minutes", "300")
        .header("x-codex-primary-reset-at", "2000000000")
        .header("x-codex-credits-has-credits", if balance.is_some() { "true" } else { "false" })
        .header("x-codex-credits-unlimited", "false");
    balance.map_or(script.clone(), |balance| script.header("x-codex-credits-balance", balance))
}

fn tool() -> Turn {
    Turn::new().tool("call_1", "shell", json!({"command": "echo from-the-tool"})).model("gpt-6.2-sol").tokens(1_000, 20)
}

fn done() -> Turn {
    Turn::say("All done.").model("gpt-6.2-sol").tokens(1_100, 30)
}

fn logged_in(identity: &Identity) -> Option<Vk> {
    let vk = identity.vk().provider("codex", &identity.backend());
    log_in_by_device(identity, &vk, &[]).map(|_| vk)
}

fn code(finished: &Value) -> &str {
    finished["error"]["code"].as_str().unwrap_or_default()
}

#[test]
fn a_whole_task_is_covered_and_a_refused_token_is_renewed_once() {
    let identity = Identity::start();
    let Some(vk) = logged_in(&identity) else { return };
    identity.state().answers.extend([answer(&tool(), "12", None), answer(&done(), "14", None)]);
    let (ran, finished) = report(&vk, &BUILTIN, &["go"]);
    assert_eq!((ran.code, &finished["answer"]), (0, &json!("All done.")), "{ran}");
    assert_eq!((&finished["cost_state"], &finished["proof"]), (&json!("covered"), &json!("verified")), "{finished}");
    assert!(finished["list_usd"].as_str().is_some_and(|usd| usd != "0.00"), "{finished}");
    assert!(ran.stderr.contains("called by vk's own loop") && ran.stderr.contains("stops there"), "{ran}");
    let calls = identity.requests("/backend-api/codex/responses");
    assert_eq!(calls.len(), 2);
    for call in &calls {
        let body = call.json();
        assert_eq!((&body["store"], &body["stream"]), (&json!(false), &json!(true)));
        assert!(body.get("max_output_tokens").is_none() && body["instructions"].is_string(), "{body}");
        assert_eq!((call.header("originator"), call.header("chatgpt-account-id")), (Some("vk"), Some("acc-1")));
        assert!(call.header("user-agent").unwrap().starts_with("vk/"), "{:?}", call.header("user-agent"));
    }
    assert!(calls[1].json()["input"].to_string().contains("from-the-tool"));
    // Nothing of the token is where it must not be.
    assert!(!ran.stdout.contains(CANARY) && !ran.stderr.contains(CANARY), "{ran}");
    let task = finished["task_id"].as_str().unwrap();
    let shown = vk.run(&["cost", "show", task, "--output", "json"]).json_lines().remove(0);
    assert_eq!((&shown["plans"][0]["used_before"], &shown["plans"][0]["used_after"]), (&json!(12), &json!(14)));
    assert_eq!(shown["calls"][0]["cost_state"], "covered");

    // Its token is taken back in the middle: one renewal, and the task goes on.
    let before = identity.state().renewals;
    {
        let mut state = identity.state();
        let number = state.number;
        state.answers.extend([answer(&tool(), "14", None), answer(&done(), "15", None)]);
        state.revoke_after = Some((1, number));
    }
    let (ran, finished) = report(&vk, &BUILTIN, &["go"]);
    assert_eq!((ran.code, &finished["answer"]), (0, &json!("All done.")), "{ran}");
    assert_eq!(identity.state().renewals - before, 1, "{ran}");
    assert_eq!((&finished["uncharged_attempts"], &finished["turns"]), (&json!(1), &json!(2)));
}

#[test]
fn a_falling_balance_and_an_empty_plan_end_the_task_whole() {
    let identity = Identity::start();
    let Some(vk) = logged_in(&identity) else { return };
    {
        let mut state = identity.state();
        state.balance = Some("5.00");
        state.answers.extend([answer(&tool(), "12", Some("4.99"))]);
    }
    let (ran, finished) = report(&vk, &BUILTIN, &["go"]);
    assert_eq!((ran.code, code(&finished), &finished["turns"]), (4, "extra_usage", &json!(0)), "{ran}");
    assert_eq!((&finished["payers"][0]["cost_state"], &finished["proof"]), (&json!("unknown"), &json!("contradicted")));

    // Credits would pay for the next call: it is not made.
    identity.state().answers.extend([answer(&tool(), "100", Some("5.00"))]);
    let (ran, finished) = report(&vk, &BUILTIN, &["go"]);
    assert_eq!((ran.code, code(&finished), &finished["turns"]), (4, "plan_used_up", &json!(1)), "{ran}");
    assert_eq!(finished["cost_state"], "covered", "{finished}");

    let refused =
        r#"{"error":{"type":"usage_limit_reached","message":"You've hit your usage limit.","plan_type":"plus"}}"#;
    identity.state().balance = None;
    identity.state().answers.extend([answer(&tool(), "99", None), Script::json(429, refused)]);
    let vk = vk.var("TEST_ANTHROPIC_KEY", "sk-ant-api03-test-canary-0123456789");
    let (ran, finished) = report(&vk, &BUILTIN, &["go"]);
    assert_eq!((ran.code, code(&finished)), (4, "plan_used_up"), "{ran}");
    assert!(finished["error"]["fix"].as_str().unwrap().contains("vk run --continue"), "{finished}");
    assert_eq!(finished["uncharged_attempts"], 1, "{finished}");
}

/// The token is refused in the middle, and the store that has what renews it is gone.
#[test]
fn a_store_that_is_gone_in_the_middle_ends_the_task_and_loses_nothing() {
    let identity = Identity::start();
    let Some(vk) = logged_in(&identity) else { return };
    let gate = Gate::default();
    let refused = Script::json(401, r#"{"error":{"message":"token expired","code":"token_expired"}}"#).behind(&gate);
    identity.state().answers.extend([answer(&tool(), "12", None), refused]);
    let renewals = identity.state().renewals;
    let child = vk.command(&[&BUILTIN[..], &["--output", "json", "go"]].concat()).spawn().unwrap();
    let began = Instant::now();
    while identity.requests("/backend-api/codex/responses").len() < 2 && began.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let (store, aside) = (vk.data_dir().join("secrets.age"), vk.home().join("aside"));
    std::fs::rename(&store, &aside).unwrap();
    gate.open();
    let out = child.wait_with_output().unwrap();
    let finished: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((&finished["exit_code"], &finished["status"]), (&json!(3), &json!("no_credential")), "{finished}");
    assert!(finished["error"]["fix"].is_string() && finished["cost_state"] == "covered", "{finished}");
    assert_eq!(identity.state().renewals, renewals, "nothing is renewed that could not be stored");
    std::fs::rename(&aside, &store).unwrap();
    identity.state().answers.extend([answer(&done(), "13", None)]);
    let (ran, finished) = report(&vk, &[&BUILTIN[..], &["--continue"]].concat(), &[]);
    assert_eq!((ran.code, &finished["answer"]), (0, &json!("All done.")), "{ran}");
}

#[test]
fn it_is_a_choice_of_its_own_and_claude_has_none() {
    let identity = Identity::start();
    let vk = identity.vk().provider("codex", &identity.backend());
    let (ran, finished) = report(&vk, &BUILTIN, &["go"]);
    assert_eq!((ran.code, code(&finished)), (3, "no_login"), "{ran}");
    assert_eq!(finished["error"]["fix"], "vk login codex", "{finished}");
    let Some(vk) = logged_in(&identity) else { return };
    // Without the flag vk's login is no payer: codex pays with its own.
    let (ran, _) = report(&vk, &BUILTIN[..5], &["--dry-run", "go"]);
    assert_eq!(ran.code, 3, "{ran}");
    for (more, said) in [(&["--key", "login"][..], "login_not_taken"), (&["--max-cost", "1.00"], "engine_cannot_hold")]
    {
        let (ran, finished) = report(&vk, &[&BUILTIN[..], more].concat(), &["go"]);
        assert_eq!((ran.code, code(&finished)), (2, said), "{ran}");
    }
    assert!(identity.requests("/backend-api/codex").is_empty());
}
