//! The law for a plan: the real `claude` and `codex` meet every fault, and nobody else is asked. What they do with a
//! fault is theirs; whom they ask and what vk makes of the end is tested here.

use std::path::Path;

use serde_json::{Value, json};

use super::Payer;
use crate::plans::real::{Server, answer, codex_login, has, programs, user};
use crate::run::report;
use crate::support::provider::Provider;

/// The bytes in place of a whole answer.
type Spoilt = Box<dyn Fn(&str) -> Vec<u8> + Send + Sync>;

/// What goes wrong with every call, and the exit code that it must give.
struct Fault {
    name: &'static str,
    bytes: Spoilt,
    code: i32,
}

fn http(status: u16, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The faults as the provider of `program` writes them. Where it listens to that, it is told not to try again.
fn faults(program: &'static str) -> Vec<Fault> {
    let body = move |kind: &str, message: &str| match program {
        "claude" => json!({"type": "error", "error": {"type": kind, "message": message}}).to_string(),
        _ => json!({"error": {"message": message, "type": kind, "code": kind}}).to_string(),
    };
    let status = |name, status: u16, kind: &'static str, code| {
        let bytes = http(status, "x-should-retry: false\r\n", &body(kind, "no"));
        Fault { name, bytes: Box::new(move |_| bytes.clone()), code }
    };
    let whole = |change: &'static (dyn Fn(&str) -> Vec<u8> + Send + Sync)| Box::new(change) as Box<_>;
    vec![
        status("401", 401, "authentication_error", 3),
        status("402", 402, "billing_error", 4),
        status("403", 403, "permission_error", 3),
        status("408", 408, "timeout_error", 6),
        status("429", 429, "rate_limit_error", 6),
        status("500", 500, "api_error", 6),
        status("503", 503, "api_error", 6),
        status("529", 529, "overloaded_error", 6),
        Fault { name: "nobody answers", bytes: whole(&|_| Vec::new()), code: 6 },
        Fault { name: "cut", bytes: whole(&|whole| whole.as_bytes()[..whole.len() / 2].to_vec()), code: 6 },
        Fault { name: "redirect", bytes: whole(&|_| http(307, "location: http://127.0.0.1:9/steal\r\n", "")), code: 6 },
        Fault { name: "html", bytes: whole(&|_| http(200, "", "<html>sign in</html>")), code: 6 },
    ]
}

fn is_call(line: &str) -> bool {
    line.starts_with("POST") && (line.contains("/v1/messages") || line.contains("/responses"))
}

/// A user with this program, and a stranger behind every other address.
fn one(program: &'static str, bin: &Path, fault: Fault) {
    let Fault { name, bytes, code } = fault;
    let stranger = Provider::start([]);
    let server = Server::start_with(move |line, body| {
        let whole = answer(line, body);
        if is_call(line) { bytes(&whole) } else { whole.into_bytes() }
    });
    let (home, _) = codex_login();
    let base = if program == "codex" { format!("{}/backend-api", server.url) } else { server.url.clone() };
    let config = Payer::new("subscription", program, "").config(&stranger, &stranger);
    let vk = user(bin)
        .config(&format!("{config}[providers.{program}]\nbase_url = \"{base}\"\n"))
        .file(".env", &format!("ANTHROPIC_API_KEY=sk-ant-api03-poison\nOPENAI_BASE_URL={}/v1\n", stranger.url()))
        .var("ANTHROPIC_BASE_URL", &stranger.url())
        .var("OPENAI_BASE_URL", &stranger.url())
        .var("CODEX_HOME", home.path().to_str().unwrap());
    let mut flags = vec!["run", "--path", "subscription", "--provider", program];
    if program == "claude" {
        flags.extend(["--key", "env:PLAN_TOKEN"]);
    }
    let (ran, finished) = report(&vk, &flags, &["go"]);
    assert_eq!(ran.code, code, "{program}, {name}: {ran}");
    assert!(
        !server.calls("/").iter().all(|(credential, _)| credential.is_empty()),
        "{program}, {name}: the plan is asked"
    );
    assert!(stranger.captured().is_empty(), "{program}, {name}: {:?}", stranger.captured());
    assert!(finished["error"]["fix"].is_string(), "{program}, {name}: {finished}");
    for charged in finished["payers"].as_array().unwrap() {
        assert_eq!((&charged["path"], &charged["provider"]), (&json!("subscription"), &json!(program)));
    }
    let tasks: Value = serde_json::from_str(&vk.run(&["tasks", "list", "--output", "json"]).stdout).unwrap();
    assert_eq!(
        (&tasks[0]["path"], &tasks[0]["provider"]),
        (&json!("subscription"), &json!(program)),
        "{name}: {tasks}"
    );
}

#[allow(clippy::print_stderr, reason = "a skipped test must be seen")]
fn holds(program: &'static str, which: impl Fn(&str) -> bool) {
    let Some(bin) = programs().filter(|bin| bin.join(program).exists()) else {
        return eprintln!("skipped: {program} is not in target/tools/npm (tests/run installs it)");
    };
    if !["bwrap", "socat", "rg", "node"].iter().all(|program| has(program)) {
        return eprintln!("skipped: the sandboxes of claude and codex need bubblewrap, socat and ripgrep");
    }
    std::thread::scope(|scope| {
        for fault in faults(program).into_iter().filter(|fault| which(fault.name)) {
            scope.spawn(|| one(program, &bin, fault));
        }
    });
}

/// After these the programs try again for minutes.
const SLOW: [&str; 3] = ["529", "nobody answers", "redirect"];

#[test]
fn the_plan_of_claude_pays_or_nobody() {
    holds("claude", |name| !SLOW.contains(&name));
}

#[test]
fn the_plan_of_codex_pays_or_nobody() {
    // A login that is rejected is renewed by a server outside, which no test asks.
    holds("codex", |name| !["401", "redirect"].contains(&name));
}

#[test]
#[ignore = "slow: the programs try again for three minutes"]
fn the_plans_pay_or_nobody_after_many_attempts() {
    holds("claude", |name| SLOW.contains(&name));
    holds("codex", |name| name == "redirect");
}
