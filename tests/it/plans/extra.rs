//! Paid extra usage before a task: what the programs say of it is in the route line, and what is used up is not begun.

use serde_json::{Value, json};

use super::codex;
use super::stand_in::{Machine, whole};
use crate::run::report;
use crate::support::provider::Provider;

const CLAUDE: [&str; 5] = ["run", "--path", "subscription", "--provider", "claude"];

fn usage(used: u32, extra: &Value) -> Value {
    json!({"five_hour": {"utilization": used, "resets_at": "2033-05-18T03:33:00Z"},
        "seven_day": {"utilization": 10, "resets_at": null}, "extra_usage": extra})
}

fn claude(limits: &Value) -> Machine {
    Machine::new().lines("whole", &whole("ok")).usage(limits).logged_in("say whole; hear")
}

#[test]
fn the_route_line_says_whether_the_account_allows_it() {
    let edge = &["--fallback", "subscription:claude -> overage=2.00"][..];
    for (extra, flags, line, word) in [
        (json!({"is_enabled": true}), &[][..], "paid extra usage is on: vk stops before it", json!("on")),
        (json!({"is_enabled": true}), edge, "paid extra usage is on, and allowed by you", json!("on")),
        (json!({"is_enabled": false}), edge, "no paid extra usage", json!("off")),
        (Value::Null, &[], "paid extra usage: not told, vk stops there", Value::Null),
    ] {
        let machine = claude(&usage(41, &extra));
        let ran = machine.vk.run(&[&CLAUDE[..], flags, &["--output", "stream-json", "go"]].concat());
        assert_eq!(ran.code, 0, "{ran}");
        let route = ran.json_lines().into_iter().find(|event| event["type"] == "route.resolved").unwrap();
        assert!(route["line"].as_str().unwrap().contains(&format!("plan covers it · {line}")), "{route}");
        assert_eq!(route["extra_usage"], word, "{route}");
        // It was asked, and not told of the task.
        assert!(machine.read("claude.asked").contains("get_usage") && !machine.read("claude.asked").contains("go\""));
    }
    // A program that does not answer holds nothing up for long, and nothing is made up.
    let machine = claude(&Value::Null);
    machine.write("claude.usage", "");
    let ran = machine.vk.run(&[&CLAUDE[..], &["--dry-run", "go"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("not told"), "{ran}");
}

#[test]
fn credits_of_a_codex_account_are_told_too_and_vk_route_shows_what_is_left() {
    for (balance, has, line) in
        [("5.00", true, "paid extra usage is on: vk stops before it"), ("0", false, "no paid extra usage")]
    {
        let mut limits = codex::limits(balance);
        limits["credits"]["hasCredits"] = json!(has);
        let machine = codex::machine_with(&codex::chatgpt(), &limits, &codex::answer(balance));
        let ran = machine.vk.run(&["route", "--output", "json", "--path", "subscription", "--provider", "codex"]);
        assert_eq!(ran.code, 0, "{ran}");
        let said = &ran.json_lines()[0];
        assert!(said["chosen"]["line"].as_str().unwrap().contains(line), "{said}");
        assert!(said["chosen"]["line"].as_str().unwrap().contains("your Codex Pro plan covers it"), "{said}");
        let row = said["paths"].as_array().unwrap().iter().find(|row| row["provider"] == "codex").unwrap();
        assert!(row["left"].as_str().unwrap().starts_with("5 h: 42 % used until 20"), "{row}");
    }
}

/// A plan of which nothing is left is not begun: the first call would be extra usage.
#[test]
fn what_is_used_up_is_not_begun() {
    let machine = claude(&usage(100, &json!({"is_enabled": true})));
    let (ran, finished) = report(&machine.vk, &CLAUDE, &["go"]);
    assert_eq!((ran.code, &finished["error"]["code"]), (4, &json!("plan_used_up")), "{ran}");
    assert!(machine.heard("claude").is_empty(), "the task was told");
    let machine = claude(&usage(100, &json!({"is_enabled": true})));
    let flags = ["--fallback", "subscription:claude -> overage=2.00"];
    let (ran, _) = report(&machine.vk, &[&CLAUDE[..], &flags].concat(), &["go"]);
    assert_eq!(ran.code, 0, "{ran}");
}

/// An edge that leads into a plan is held to the same flags as the plan itself, before the first payer is asked.
#[test]
fn an_edge_into_a_plan_holds_the_flags_or_nothing_is_sent() {
    let edge = |to: &str| format!("byok:anthropic -> subscription:{to}=ask");
    for (to, flags) in [
        ("codex", &["--max-turns", "3"][..]),
        ("codex", &["--approve", "edits"]),
        ("claude", &["--allow-network=registries"]),
    ] {
        let provider = Provider::start([]);
        let mut machine = claude(&Value::Null);
        machine.vk = machine.vk.provider("anthropic", &provider.url());
        let byok = ["run", "--path", "byok", "--provider", "anthropic", "--key", "env:TEST_ANTHROPIC_KEY"];
        let (ran, finished) = report(&machine.vk, &[&byok[..], &["--fallback", &edge(to)], flags].concat(), &["go"]);
        assert_eq!((ran.code, &finished["error"]["code"]), (2, &json!("engine_cannot_hold")), "{flags:?}: {ran}");
        assert!(finished["error"]["message"].as_str().unwrap().contains("(--fallback) may lead there"), "{finished}");
        assert!(provider.requests().is_empty() && machine.read("claude.args").is_empty());
    }
    // One that leads elsewhere binds nothing.
    let provider = Provider::start([]);
    let mut machine = claude(&Value::Null);
    machine.vk = machine.vk.provider("anthropic", &provider.url());
    let other = ["--fallback", "byok:openai -> subscription:codex=ask", "--max-turns", "3", "--dry-run"];
    let byok = ["run", "--path", "byok", "--provider", "anthropic", "--key", "env:TEST_ANTHROPIC_KEY"];
    let ran = machine.vk.run(&[&byok[..], &other, &["go"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
}
