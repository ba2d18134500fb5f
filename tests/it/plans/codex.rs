//! `codex` stood in for: its app-server's messages as recorded from a real one.

use serde_json::{Value, json};

use super::stand_in::Machine;
use crate::run::report;
use crate::support::env::Ran;

const PLAN: [&str; 5] = ["run", "--path", "subscription", "--provider", "codex"];

fn run(machine: &Machine, more: &[&str]) -> (Ran, Value) {
    report(&machine.vk, &[&PLAN[..], more].concat(), &["go"])
}

fn code(finished: &Value) -> &str {
    finished["error"]["code"].as_str().unwrap_or_default()
}

pub(super) fn limits(balance: &str) -> Value {
    json!({"limitId": "codex", "primary": {"usedPercent": 42, "windowDurationMins": 300, "resetsAt": 1_795_600_000},
        "secondary": {"usedPercent": 10, "windowDurationMins": 10080, "resetsAt": 1_795_900_000},
        "credits": {"hasCredits": true, "unlimited": false, "balance": balance}, "rateLimitReachedType": null})
}

pub(super) fn event(method: &str, params: &Value) -> Value {
    json!({"method": method, "params": params})
}

pub(super) fn used() -> Value {
    event(
        "thread/tokenUsage/updated",
        &json!({"threadId": "th", "tokenUsage": {"last": {"totalTokens": 1250, "inputTokens": 1200,
        "cachedInputTokens": 200, "cacheWriteInputTokens": 0, "outputTokens": 50, "reasoningOutputTokens": 10}}}),
    )
}

pub(super) fn item(method: &str, item: &Value) -> Value {
    event(method, &json!({"threadId": "th", "turnId": "tu", "item": item}))
}

pub(super) fn answer(after: &str) -> Vec<Value> {
    let command = |status: &str, output: Value, exit: Value| {
        json!({"type": "commandExecution", "id": "call_1",
        "command": "/bin/bash -lc make", "status": status, "aggregatedOutput": output, "exitCode": exit})
    };
    vec![
        item("item/started", &command("inProgress", Value::Null, Value::Null)),
        used(),
        event("account/rateLimits/updated", &json!({"rateLimits": limits(after)})),
        item("item/completed", &command("completed", json!("made"), json!(0))),
        event("item/agentMessage/delta", &json!({"delta": "All done."})),
        item("item/completed", &json!({"type": "agentMessage", "id": "m1", "text": "All done."})),
        used(),
        event("account/rateLimits/updated", &json!({"rateLimits": limits(after)})),
        event("turn/completed", &json!({"turn": {"id": "tu", "status": "completed", "error": null}})),
    ]
}

fn machine(account: &Value, before: &str, after: &[Value]) -> Machine {
    machine_with(account, &limits(before), after)
}

pub(super) fn machine_with(account: &Value, before: &Value, after: &[Value]) -> Machine {
    installed_on(Machine::new(), account, before, after)
}

pub(super) fn installed_on(machine: Machine, account: &Value, before: &Value, after: &[Value]) -> Machine {
    let reply = |id: u64, result: Value| json!({"id": id, "result": result});
    machine
        .lines("1", &[reply(1, json!({"userAgent": "vk/0.169.0"}))])
        .lines("2", &[reply(2, json!({"account": account, "requiresOpenaiAuth": true}))])
        .lines("3", &[reply(3, json!({"rateLimits": before}))])
        .lines("4", &[reply(4, json!({"thread": {"id": "01a20e40-fcbf-70a0-926d-3dc48674e376"}, "modelProvider": "openai"}))])
        .lines("5", after)
        .program(
            "codex",
            "case \"$1 $2\" in '--version '*) echo 'codex-cli 0.169.0'; exit;; 'login status') echo 'Logged in using ChatGPT' >&2; exit;; esac\n\
             case \"$*\" in *project_doc*) ;; *) for i in 1 2 3; do read -r line; say $i; done; exit;; esac\n\
             printf '%s\\n' \"$@\" > \"$here/codex.args\"; env > \"$here/codex.env\"\n\
             hear; say 1; hear; hear; say 2; hear; say 3; hear; say 4; hear; say 5; hear\n",
        )
}

pub(super) fn chatgpt() -> Value {
    json!({"type": "chatgpt", "email": "ann@example.com", "planType": "pro"})
}

#[test]
fn a_whole_task_is_covered_and_proven() {
    let machine = machine(&chatgpt(), "5.00", &answer("5.00"));
    let (ran, finished) = run(&machine, &[]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!((&finished["answer"], &finished["turns"]), (&json!("All done."), &json!(2)));
    assert_eq!((&finished["cost_state"], &finished["proof"]), (&json!("covered"), &json!("verified")));
    assert_eq!((&finished["usage"]["input"], &finished["usage"]["cache_read"]), (&json!(2000), &json!(400)));
    let heard = machine.heard("codex");
    let turn = heard.last().unwrap();
    assert_eq!((&turn["method"], &turn["params"]["input"][0]["text"]), (&json!("turn/start"), &json!("go")));
    assert_eq!(heard[4]["params"]["sandbox"], "workspace-write");
    let env = machine.read("codex.env");
    for absent in ["poison", "OPENAI", "CODEX_API_KEY", "CODEX_ACCESS_TOKEN", "ANTHROPIC", "GITHUB", "planted"] {
        assert!(!env.contains(absent), "{absent}: {env}");
    }
    assert!(machine.read("codex.args").contains("model_provider=\"openai\""));
    let (ran, _) = run(&machine, &["--sandbox", "read-only"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(machine.heard("codex").iter().any(|said| said["params"]["sandbox"] == "read-only"));
}

#[test]
fn a_falling_balance_is_another_payer() {
    let machine = machine(&chatgpt(), "5.00", &answer("4.99"));
    let (ran, finished) = run(&machine, &[]);
    assert_eq!((ran.code, code(&finished)), (4, "extra_usage"), "{ran}");
    assert_eq!((&finished["payers"][0]["cost_state"], &finished["proof"]), (&json!("unknown"), &json!("contradicted")));
    assert_eq!(finished["turns"], 1);
}

#[test]
fn another_account_or_provider_is_found_out_before_the_task_is_sent() {
    for account in [json!({"type": "apiKey"}), json!({"type": "amazonBedrock"})] {
        let machine = machine(&account, "0", &answer("0"));
        let (ran, finished) = run(&machine, &[]);
        assert_eq!((ran.code, code(&finished)), (4, "payer_contradicted"), "{account}: {ran}");
        assert!(!machine.read("codex.heard").contains("turn/start"));
    }
    let moved = json!({"id": 4, "result": {"thread": {"id": "x"}, "modelProvider": "my-metered-proxy"}});
    let machine = machine(&chatgpt(), "0", &answer("0")).lines("4", &[moved]);
    let (ran, finished) = run(&machine, &[]);
    assert_eq!((ran.code, code(&finished)), (4, "payer_contradicted"), "{ran}");
}

#[test]
fn an_empty_plan_and_what_is_asked_outside_of_the_sandbox() {
    let error = json!({"message": "You've hit your usage limit.", "codexErrorInfo": "usageLimitExceeded"});
    let failed = event("turn/completed", &json!({"turn": {"id": "tu", "status": "failed", "error": error}}));
    let machine = machine(&chatgpt(), "0", &[failed]);
    let (ran, finished) = run(&machine, &[]);
    assert_eq!((ran.code, code(&finished)), (4, "plan_used_up"), "{ran}");
    assert_eq!(finished["payers"], json!([]));

    let ask = json!({"id": 77, "method": "item/commandExecution/requestApproval", "params": {"command": "rm -rf /x",
        "itemId": "call_1", "threadId": "th", "turnId": "tu"}});
    let other = json!({"id": 78, "method": "item/tool/requestUserInput", "params": {}});
    let machine = self::machine(&chatgpt(), "0", &[ask, other]).lines("6", &answer("0"));
    let script = machine.read("codex").replace("say 5; hear", "say 5; hear; hear; say 6; hear");
    machine.write("codex", &script);
    let (ran, finished) = run(&machine, &[]);
    assert_eq!(ran.code, 0, "{ran}");
    let heard = machine.heard("codex");
    assert_eq!(heard[6], json!({"id": 77, "result": {"decision": "decline"}}));
    assert!(heard[7]["error"].is_object(), "{heard:?}");
    assert!(finished["refused"].to_string().contains("rm -rf /x"), "{finished}");
}

/// Where nothing answers, the real one says so for ever.
#[test]
fn a_network_that_does_not_come_back_ends_the_task() {
    let waits =
        event("error", &json!({"error": {"message": "Reconnecting... waiting for network"}, "willRetry": true}));
    let machine = machine(&chatgpt(), "0", &vec![waits.clone(); 5]);
    let (ran, finished) = run(&machine, &[]);
    assert_eq!((ran.code, code(&finished)), (6, "provider_failed"), "{ran}");
    // An answer in between is a network that is there.
    let lines = [vec![waits.clone(); 4], vec![used()], vec![waits; 4], answer("0")].concat();
    let machine = self::machine(&chatgpt(), "0", &lines);
    let (ran, _) = run(&machine, &[]);
    assert_eq!(ran.code, 0, "{ran}");
}

#[test]
fn a_flag_that_it_cannot_hold_is_exit_2_and_starts_nothing() {
    for flags in [
        &["--max-cost", "1.00"][..],
        &["--max-turns", "3"],
        &["--approve", "ask"],
        &["--approve", "edits"],
        &["--allow-network=crates.io"],
        &["--debug"],
    ] {
        let machine = machine(&chatgpt(), "0", &answer("0"));
        let (ran, _) = run(&machine, flags);
        assert!(ran.code == 2, "{flags:?}: {ran}");
        assert!(machine.read("codex.args").is_empty(), "{flags:?}");
    }
    let machine = machine(&chatgpt(), "0", &answer("0"));
    let (ran, _) = run(&machine, &["--engine", "codex", "--allow-network"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(machine.read("codex.args").contains("sandbox_workspace_write.network_access=true"));
}
