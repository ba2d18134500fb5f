//! `claude` stood in for: whose account it uses, extra usage, an empty plan, odd lines, an early death.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::stand_in::{
    Machine, SETUP_TOKEN, alive, answer, init, limits, login, plan_pays, requesting, result, text, whole,
};
use crate::run::report;
use crate::support::env::Ran;
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;

const PLAN: [&str; 5] = ["run", "--path", "subscription", "--provider", "claude"];

fn run(machine: &Machine, more: &[&str]) -> (Ran, Value) {
    report(&machine.vk, &[&PLAN[..], more].concat(), &["go"])
}

fn code(finished: &Value) -> &str {
    finished["error"]["code"].as_str().unwrap_or_default()
}

#[test]
fn a_whole_task_is_covered_and_proven() {
    let machine = Machine::new().lines("whole", &whole("All done.")).logged_in("say whole; hear");
    let (ran, finished) = run(&machine, &[]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(finished["answer"], "All done.");
    assert_eq!((&finished["cost_state"], &finished["cost_usd"]), (&json!("covered"), &json!("0.00")));
    assert_eq!((&finished["proof"], &finished["list_usd"]), (&json!("verified"), &json!("0.002805")));
    assert_eq!(finished["usage"]["output"], 30);
    let payer = &finished["payers"][0];
    assert_eq!((&payer["path"], &payer["payer"]), (&json!("subscription"), &json!("your Claude Max plan covers it")));
    let heard = machine.heard("claude");
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(heard[0]["message"]["content"], "go");
    let args = machine.read("claude.args");
    for part in
        ["--setting-sources\n\n", "--strict-mcp-config", "failIfUnavailable\":true", "--model\nclaude-sonnet-5-5"]
    {
        assert!(args.contains(part), "{part}: {args}");
    }
    let rows: Value = serde_json::from_str(&machine.vk.run(&["cost", "--output", "json"]).stdout).unwrap();
    assert_eq!((&rows["rows"][0]["cost_state"], &rows["rows"][0]["calls"]), (&json!("covered"), &json!(1)));
    assert_eq!(rows["totals"]["covered_list"], "0.002805");
}

/// Nothing of the parent's credentials and addresses reaches the program; a token reaches that child alone.
#[test]
fn the_program_gets_no_credential_but_its_own() {
    let machine = Machine::new().lines("whole", &whole("ok")).logged_in("say whole; hear");
    let (ran, _) = run(&machine, &[]);
    assert_eq!(ran.code, 0, "{ran}");
    let env = machine.read("claude.env");
    for absent in
        ["poison", "ANTHROPIC", "OPENAI", "CLAUDE_CODE_OAUTH_TOKEN", "BEDROCK", "GITHUB", SETUP_TOKEN, "planted"]
    {
        assert!(!env.contains(absent), "{absent}: {env}");
    }
    assert!(ran.stderr.contains("ignored ambient") && ran.stderr.contains("ANTHROPIC_API_KEY"), "{ran}");

    let account = json!({"tokenSource": "CLAUDE_CODE_OAUTH_TOKEN", "apiProvider": "firstParty"});
    let logged_out = json!({"loggedIn": false, "authMethod": "none"});
    let machine = Machine::new().lines("whole", &whole("ok")).claude(&logged_out, &account, "say whole; hear");
    let (ran, finished) = run(&machine, &["--key", "env:PLAN_TOKEN"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(finished["payers"][0]["key_label"], "env:PLAN_TOKEN");
    let env = machine.read("claude.env");
    assert!(env.contains(&format!("CLAUDE_CODE_OAUTH_TOKEN={SETUP_TOKEN}\n")), "{env}");
    assert!(env.contains("CLAUDE_CONFIG_DIR=") && !env.contains("poison") && !env.contains("PLAN_TOKEN="), "{env}");
    assert!(!machine.read("claude.args").contains("oat01") && !ran.stderr.contains("oat01"), "{ran}");
}

/// A key that is billed per token is found out before a word of the task is told.
#[test]
fn a_metered_account_ends_the_run_before_the_task_is_sent() {
    for account in [
        json!({"tokenSource": "none", "apiKeySource": "ANTHROPIC_API_KEY", "apiProvider": "firstParty"}),
        json!({"apiKeySource": "/login managed key"}),
        json!({"tokenSource": "ANTHROPIC_AUTH_TOKEN"}),
        json!({"apiProvider": "bedrock"}),
    ] {
        let machine = Machine::new().lines("whole", &whole("ok")).claude(&login(), &account, "say whole; hear");
        let (ran, finished) = run(&machine, &[]);
        assert_eq!((ran.code, code(&finished)), (4, "payer_contradicted"), "{account}: {ran}");
        assert!(machine.heard("claude").is_empty(), "{account}");
        assert_eq!(finished["payers"], json!([]), "{account}");
    }
    let mut lines = whole("ok");
    lines[0] = init("ANTHROPIC_API_KEY");
    let machine = Machine::new().lines("whole", &lines).logged_in("say whole; hear");
    let (ran, finished) = run(&machine, &[]);
    assert_eq!((ran.code, code(&finished)), (4, "payer_contradicted"), "{ran}");
    assert_eq!(finished["status"], "contradicted");
}

fn with_extra(sign: &Value) -> Vec<Value> {
    let mut lines = vec![init("none")];
    let tool = json!([{"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "true"}}]);
    lines.extend(answer("msg_1", &tool));
    lines.push(limits(sign));
    let results = json!([{"type": "tool_result", "tool_use_id": "toolu_1", "content": "hi"}]);
    lines.push(json!({"type": "user", "message": {"role": "user", "content": results}}));
    lines.extend(answer("msg_2", &text("More.")));
    lines.push(result("More."));
    lines
}

#[test]
fn extra_usage_is_another_payer() {
    for sign in [
        json!({"status": "rejected", "isUsingOverage": true, "overageStatus": "allowed"}),
        json!({"status": "allowed", "isUsingOverage": false, "rateLimitType": "overage"}),
        json!({"status": "allowed", "overageInUse": true}),
    ] {
        let machine = Machine::new().lines("extra", &with_extra(&sign)).logged_in("say extra; hear");
        let (ran, finished) = run(&machine, &[]);
        assert_eq!((ran.code, code(&finished)), (4, "extra_usage"), "{sign}: {ran}");
        let share = &finished["payers"][0];
        assert_eq!((&share["cost_state"], &share["cost_usd"]), (&json!("unknown"), &Value::Null), "{share}");
        assert!(share["payer"].as_str().unwrap().contains("extra usage"), "{share}");
        assert_eq!((&finished["proof"], &finished["turns"]), (&json!("contradicted"), &json!(1)));
        let rows: Value = serde_json::from_str(&machine.vk.run(&["cost", "--output", "json"]).stdout).unwrap();
        assert_eq!((&rows["rows"][0]["cost_state"], &rows["rows"][0]["calls"]), (&json!("unknown"), &json!(1)));
        assert_eq!(rows["totals"]["covered_list"], "0.00");
    }
}

#[test]
fn only_the_users_edge_allows_extra_usage() {
    let sign = json!({"status": "rejected", "isUsingOverage": true});
    let edge = |allow: &str| format!("subscription:claude -> overage={allow}");
    let machine = Machine::new().lines("extra", &with_extra(&sign)).logged_in("say extra; hear");
    let (ran, finished) = run(&machine, &["--fallback", &edge("2.00")]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(
        (&finished["cost_state"], &finished["cost_usd"]),
        (&json!("estimated"), &json!("0.00561")),
        "{finished}"
    );
    assert!(ran.stderr.contains("allowed by your edge subscription:claude -> overage (--fallback)"), "{ran}");
    // Nobody is there to ask, and so little is allowed that one call passes it.
    for (allow, exit, said) in [("ask", 4, "extra_usage"), ("0.001", 5, "extra_usage_spent")] {
        let machine = Machine::new().lines("extra", &with_extra(&sign)).logged_in("say extra; hear");
        let (ran, finished) = run(&machine, &["--fallback", &edge(allow)]);
        assert_eq!((ran.code, code(&finished)), (exit, said), "{allow}: {ran}");
        assert_eq!(finished["turns"], 1, "{allow}");
    }
    let machine = Machine::new().lines("extra", &with_extra(&sign)).logged_in("say extra; hear");
    let (ran, finished) = run(&machine, &["--fallback", "subscription:codex -> overage=2.00"]);
    assert_eq!((ran.code, code(&finished)), (4, "extra_usage"), "another plan's edge: {ran}");
}

/// An empty plan stops the task whole, names who could go on, and nothing is lost for them.
#[test]
fn a_plan_that_runs_out_names_who_could_go_on() {
    let refused = json!({"type": "assistant", "error": "rate_limit", "api_error_status": 429, "api_error": "usage_limit_reached",
        "message": {"id": "x", "model": "<synthetic>", "content": [{"type": "text", "text": "You've hit your limit"}]}});
    let lines = [init("none"), requesting(), limits(&json!({"status": "rejected", "isUsingOverage": false})), refused];
    let provider = Provider::start([Script::sse(&Turn::say("Gone on.").anthropic())]);
    let mut machine = Machine::new().lines("empty", &lines).logged_in("say empty; hear");
    machine.vk = machine.vk.provider("anthropic", &provider.url());
    let (ran, finished) = run(&machine, &[]);
    assert_eq!((ran.code, code(&finished)), (4, "plan_used_up"), "{ran}");
    assert!(finished["error"]["fix"].as_str().unwrap().contains("vk run --continue"), "{finished}");
    assert_eq!((&finished["payers"], &finished["uncharged_attempts"]), (&json!([]), &json!(1)));
    let byok = ["run", "--continue", "--path", "byok", "--provider", "anthropic", "--key", "env:TEST_ANTHROPIC_KEY"];
    let (ran, finished) = report(&machine.vk, &byok, &[]);
    assert_eq!((ran.code, &finished["answer"]), (0, &json!("Gone on.")), "{ran}");
    assert!(provider.requests()[0].json()["messages"].to_string().contains("\"go\""));
}

/// The record of one engine is the story of the next.
#[test]
fn what_another_payer_began_is_told_to_the_plan() {
    let provider = Provider::start([
        Script::sse(&Turn::new().tool("c1", "bash", json!({"command": "echo from-vk"})).anthropic()),
        Script::sse(&Turn::say("Half done.").anthropic()),
    ]);
    let mut machine = Machine::new().lines("whole", &whole("The rest.")).logged_in("say whole; hear");
    machine.vk = machine.vk.provider("anthropic", &provider.url());
    let byok = ["run", "--path", "byok", "--provider", "anthropic", "--key", "env:TEST_ANTHROPIC_KEY"];
    let (ran, _) = report(&machine.vk, &byok, &["begin"]);
    assert_eq!(ran.code, 0, "{ran}");
    let (ran, _) = report(&machine.vk, &[&PLAN[..], &["--continue"]].concat(), &["finish it"]);
    assert_eq!(ran.code, 0, "{ran}");
    let told = machine.heard("claude")[0]["message"]["content"].as_str().unwrap().to_owned();
    for part in ["[user] begin", "[tool bash]", "from-vk", "[model] Half done.", "finish it"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn odd_lines_are_left_alone_and_a_death_is_told() {
    let odd = "printf 'not json\\n{\"type\":\\n[]\\n{\"type\":\"future\",\"x\":1}\\n\\n{}\\n'; say whole; hear";
    let machine = Machine::new().lines("whole", &whole("All done.")).logged_in(odd);
    let (ran, _) = run(&machine, &[]);
    assert_eq!(ran.code, 0, "{ran}");

    let lines = [&[init("none")][..], &answer("msg_1", &text("I beg"))[..3]].concat();
    let machine = Machine::new().lines("half", &lines).logged_in("say half; echo 'out of memory' >&2; kill -9 $$");
    let (ran, finished) = run(&machine, &[]);
    assert_eq!((ran.code, code(&finished)), (6, "program_died"), "{ran}");
    assert!(finished["error"]["message"].as_str().unwrap().contains("out of memory"), "{finished}");
    assert_eq!(finished["payers"][0]["cost_state"], "covered", "what it used is kept: {finished}");
    assert_eq!(finished["usage"]["input"], 1000);
}

#[test]
fn what_keeps_the_program_from_running_is_told_with_its_command() {
    let machine = Machine::new();
    let (ran, finished) = run(&machine, &[]);
    assert_eq!((ran.code, code(&finished)), (3, "no_program"), "{ran}");
    assert!(finished["error"]["fix"].as_str().unwrap().contains("npm install -g @anthropic-ai/claude-code"));

    let machine = Machine::new().logged_in("");
    machine.write("claude.version", "1.0.40 (Claude Code)\n");
    let (ran, finished) = run(&machine, &[]);
    assert_eq!((ran.code, code(&finished)), (3, "program_too_old"), "{ran}");

    let machine = Machine::new().claude(&json!({"loggedIn": false, "authMethod": "none"}), &json!({}), "");
    let (ran, finished) = run(&machine, &[]);
    assert_eq!((ran.code, code(&finished)), (3, "not_logged_in"), "{ran}");

    let no_sandbox = json!({"type": "result", "subtype": "error_during_execution", "is_error": true,
        "errors": ["Sandbox required but unavailable: socat not installed"],
        "startup_failure_reason": "sandbox_required_unavailable"});
    let machine = Machine::new().lines("no", &[no_sandbox]).logged_in("say no");
    let (ran, finished) = run(&machine, &[]);
    assert_eq!((ran.code, code(&finished)), (8, "no_sandbox"), "{ran}");
    assert!(finished["error"]["fix"].as_str().unwrap().contains("socat"), "{finished}");
}

/// Its questions are answered by vk: its file tools stay in the project, commands run in its own sandbox.
#[test]
fn its_questions_are_answered_by_the_tasks_approvals() {
    let ask = |id: &str, tool: &str, input: Value| {
        json!({"type": "control_request", "request_id": id,
        "request": {"subtype": "can_use_tool", "tool_name": tool, "input": input}})
    };
    let questions = [
        init("none"),
        ask("1", "Write", json!({"file_path": "/etc/passwd", "content": "x"})),
        ask("2", "Write", json!({"file_path": "src/new.rs", "content": "x"})),
        ask("3", "Bash", json!({"command": "make"})),
        ask("4", "Bash", json!({"command": "make", "dangerouslyDisableSandbox": true})),
        ask("5", "WebFetch", json!({"url": "http://example.com"})),
        ask("6", "SandboxNetworkAccess", json!({"host": "example.com"})),
        json!({"type": "control_request", "request_id": "7", "request": {"subtype": "new_thing"}}),
    ];
    let script = "say asks; for i in 1 2 3 4 5 6 7; do hear; done; say whole; hear";
    let machine = Machine::new().lines("asks", &questions).lines("whole", &whole("ok")[1..]).logged_in(script);
    let (ran, finished) = run(&machine, &[]);
    assert_eq!(ran.code, 0, "{ran}");
    let said: Vec<String> = machine.heard("claude")[1..]
        .iter()
        .map(|answer| {
            let response = &answer["response"];
            format!("{} {}", response["request_id"], response["response"]["behavior"].as_str().unwrap_or("error"))
        })
        .collect();
    assert_eq!(
        said,
        ["\"1\" deny", "\"2\" allow", "\"3\" allow", "\"4\" deny", "\"5\" deny", "\"6\" deny", "\"7\" error"]
    );
    let refused = finished["refused"].to_string();
    assert!(refused.contains("/etc/passwd") && refused.contains("example.com"), "{refused}");
}

#[test]
fn a_flag_that_it_cannot_hold_is_exit_2_and_starts_nothing() {
    for flags in [
        &["--max-cost", "1.00"][..],
        &["--engine", "builtin"],
        &["--engine", "codex"],
        &["--allow-network"],
        &["--allow-network=registries"],
        &["--debug"],
    ] {
        let machine = Machine::new().lines("whole", &whole("ok")).logged_in("say whole; hear");
        let (ran, finished) = run(&machine, flags);
        assert_eq!(ran.code, 2, "{flags:?}: {ran}");
        assert!(finished["error"]["fix"].is_string(), "{flags:?}: {finished}");
        assert!(machine.read("claude.args").is_empty(), "{flags:?}");
    }
    let machine = Machine::new().lines("whole", &whole("ok")).logged_in("say whole; hear");
    let (ran, _) = run(&machine, &["--engine", "claude", "--allow-network=crates.io", "--sandbox", "read-only"]);
    assert_eq!(ran.code, 0, "{ran}");
    let args = machine.read("claude.args");
    assert!(
        args.contains("\"allowedDomains\":[\"crates.io\"]") && args.contains("--tools\nBash,Read,Grep,Glob\n"),
        "{args}"
    );
    let byok = ["run", "--path", "byok", "--provider", "anthropic", "--key", "env:TEST_ANTHROPIC_KEY"];
    let (ran, _) = report(&machine.vk, &[&byok[..], &["--engine", "claude"]].concat(), &["go"]);
    assert_eq!(ran.code, 2, "{ran}");
}

/// An API key is not a plan's token, and a plan's token is nobody's key.
#[test]
fn a_credential_of_the_other_kind_is_refused_unsent() {
    let machine = Machine::new().lines("whole", &whole("ok")).logged_in("say whole; hear");
    let (ran, finished) = run(&machine, &["--key", "env:TEST_ANTHROPIC_KEY"]);
    assert_eq!((ran.code, code(&finished)), (3, "not_a_setup_token"), "{ran}");
    let byok = ["run", "--path", "byok", "--provider", "anthropic", "--key", "env:PLAN_TOKEN"];
    let (ran, finished) = report(&machine.vk, &byok, &["go"]);
    assert_eq!((ran.code, code(&finished)), (3, "plan_token"), "{ran}");
    assert!(machine.read("claude.args").is_empty());
}

/// Ctrl-C ends the program and what it started; what was used is in the ledger.
#[test]
fn an_interrupted_task_leaves_nobody_behind() {
    let lines = [&[init("none")][..], &answer("msg_1", &text("Working."))[..], &[plan_pays()]].concat();
    let seconds = format!("{}", 300_000 + std::process::id());
    let machine =
        Machine::new().lines("begun", &lines).logged_in(&format!("say begun; sleep {seconds} & sleep {seconds}"));
    let vk = &machine.vk;
    let child = vk.command(&[&PLAN[..], &["--output", "json", "go"]].concat()).spawn().unwrap();
    let sleeping = format!("sleep {seconds}");
    let started = Instant::now();
    while alive(&sleeping).len() < 2 && started.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let out = child.wait_with_output().unwrap();
    assert_eq!(crate::support::env::code_of(out.status), 130, "{}", String::from_utf8_lossy(&out.stderr));
    let left = alive(&sleeping);
    assert!(left.is_empty(), "{left:?}");
    let finished: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((&finished["status"], &finished["usage"]["input"]), (&json!("interrupted"), &json!(1000)));
}

/// Checks run as with every engine, and a failed one goes back to the program that is still there.
#[test]
fn a_failed_check_goes_back_to_the_same_program() {
    let mut again = answer("msg_2", &text("Now."));
    again.push(result("Now."));
    let script = "say whole; hear; touch \"$(cat \"$here/claude.pwd\")/made\"; say again; hear";
    let machine = Machine::new().lines("whole", &whole("First.")).lines("again", &again).logged_in(script);
    let (ran, finished) = run(&machine, &["--check", "test -f made"]);
    assert_eq!((ran.code, &finished["answer"]), (0, &json!("Now.")), "{ran}");
    assert_eq!(finished["checks"], json!([{"command": "test -f made", "ok": true, "rounds": 2}]));
    let heard = machine.heard("claude");
    assert!(heard[1]["message"]["content"].as_str().unwrap().contains("test -f made"), "{heard:?}");
    assert_eq!(finished["files_changed"][0]["path"], "made");
    let undone = machine.vk.run(&["tasks", "undo"]);
    assert_eq!(undone.code, 0, "{undone}");
    assert!(!machine.vk.project().join("made").exists());
}
