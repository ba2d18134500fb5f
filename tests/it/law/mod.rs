//! The payer law under fire: whoever pays, whatever goes wrong, nobody else is asked. A stranger's server stands
//! behind every address that could tempt: the variables of other tools, the project's `.env`, the other providers of
//! the user's own file.

mod edges;
#[cfg(target_os = "linux")]
mod plans;

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::run::report;
use crate::support::env::Vk;
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;

const KEY: &str = "sk-law0planted0canary0dddddddddddddddddddddddddddddd";
const POISON: &str = "sk-ant-api03-poison";

/// One who pays, and the wire that is spoken there.
#[derive(Clone, Copy, Debug)]
struct Payer {
    path: &'static str,
    provider: &'static str,
    wire: &'static str,
}

impl Payer {
    const fn new(path: &'static str, provider: &'static str, wire: &'static str) -> Self {
        Self { path, provider, wire }
    }

    /// An error as this wire's providers write it.
    fn error(self, kind: &str, message: &str) -> String {
        match self.wire {
            "anthropic" => json!({"type": "error", "error": {"type": kind, "message": message}}).to_string(),
            _ => json!({"error": {"message": message, "type": kind, "code": kind}}).to_string(),
        }
    }

    fn turn(self) -> String {
        let turn = Turn::say(&"words ".repeat(50)).tokens(1_000, 60);
        match self.wire {
            "anthropic" => turn.anthropic(),
            "responses" => turn.responses(),
            _ => turn.chat(),
        }
    }

    /// A user whose file has this payer at `at`, and others at the stranger's.
    fn user(self, at: &Provider, stranger: &Provider) -> Vk {
        Self::user_of(&self.config(at, stranger), stranger)
    }

    fn config(self, at: &Provider, stranger: &Provider) -> String {
        let base = |server: &Provider, wire: &str| match wire {
            "anthropic" => server.url(),
            _ => format!("{}/v1", server.url()),
        };
        let mut config = String::new();
        for (name, wire) in [("anthropic", "anthropic"), ("openai", "responses"), ("deepseek", "chat")] {
            let server = if name == self.provider { at } else { stranger };
            let _ = writeln!(config, "[providers.{name}]\nbase_url = \"{}\"", base(server, wire));
        }
        for (name, kind, auth) in [("gate", "platform", "bearer"), ("local", "free", "none")] {
            let (server, wire) = if name == self.provider { (at, self.wire) } else { (stranger, "chat") };
            let _ = writeln!(
                config,
                "[providers.{name}]\nkind = \"{kind}\"\nwire = \"{wire}\"\nauth = \"{auth}\"\nbase_url = \"{}\"\n\
                 [providers.{name}.prices.\"house\"]\nas = \"anthropic/claude-sonnet-5-5\"",
                base(server, wire),
            );
        }
        config
    }

    /// A user with this file, between the stranger's lures.
    fn user_of(config: &str, stranger: &Provider) -> Vk {
        let lures = format!(
            "ANTHROPIC_API_KEY={POISON}\nANTHROPIC_BASE_URL={0}\nOPENAI_BASE_URL={0}/v1\nVK_PATH=free\n",
            stranger.url()
        );
        Vk::new()
            .config(config)
            .file(".env", &lures)
            .var("LAW_KEY", KEY)
            .var("ANTHROPIC_API_KEY", POISON)
            .var("ANTHROPIC_AUTH_TOKEN", POISON)
            .var("ANTHROPIC_BASE_URL", &stranger.url())
            .var("OPENAI_API_KEY", POISON)
            .var("OPENAI_BASE_URL", &stranger.url())
            .var("OPENROUTER_API_KEY", POISON)
            .var("CLAUDE_CODE_OAUTH_TOKEN", POISON)
    }

    fn flags(self) -> Vec<&'static str> {
        let mut flags = vec!["run", "--path", self.path, "--provider", self.provider];
        match self.provider {
            "anthropic" => flags.extend(["--key", "env:TEST_ANTHROPIC_KEY"]),
            "openai" => flags.extend(["--key", "env:TEST_OPENAI_KEY"]),
            "deepseek" => flags.extend(["--key", "env:LAW_KEY"]),
            "gate" => flags.extend(["--key", "env:LAW_KEY", "--model", "house"]),
            _ => flags.extend(["--model", "house"]),
        }
        flags
    }
}

/// What goes wrong, how often it is answered, and the exit code it must give.
fn faults(payer: Payer) -> Vec<(&'static str, Vec<Script>, i32)> {
    let soon = |script: Script| script.header("retry-after-ms", "2");
    let json = |status, kind: &str, message: &str| Script::json(status, &payer.error(kind, message));
    let thrice = |script: &dyn Fn() -> Script| vec![script(), script(), script()];
    let whole = payer.turn();
    let broken: String = match payer.wire {
        "responses" => format!(
            "{}event: error\ndata: {}\n\n",
            whole.split_inclusive("\n\n").take(2).collect::<String>(),
            json!({"type": "error", "code": "server_error", "message": "failed", "sequence_number": 3}),
        ),
        "anthropic" => format!(
            "{}event: error\ndata: {}\n\n",
            whole.split_inclusive("\n\n").take(2).collect::<String>(),
            payer.error("overloaded_error", "Overloaded"),
        ),
        _ => format!(
            "{}data: {}\n\n",
            whole.split_inclusive("\n\n").take(2).collect::<String>(),
            json!({"error": {"code": 502, "message": "upstream failed"}}),
        ),
    };
    let quota = match payer.wire {
        "anthropic" => {
            json(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API.")
        }
        _ => json(429, "insufficient_quota", "You exceeded your current quota."),
    };
    let mut faults = vec![
        ("401", vec![json(401, "authentication_error", "no")], 3),
        ("402", vec![json(402, "billing_error", "pay first")], 4),
        ("403", vec![json(403, "permission_error", "no")], 3),
        ("quota", vec![quota], 4),
        ("429 at once", thrice(&|| json(429, "rate_limit_error", "slow down")), 6),
        ("nobody answers", thrice(&Script::hang_up), 6),
        ("reset", thrice(&|| Script::sse(&whole).reset_at(whole.len() / 2)), 6),
        ("cut", thrice(&|| Script::sse(&whole).cut_at(whole.len() / 2)), 6),
        ("error event", thrice(&|| Script::sse(&broken)), 6),
        ("html", thrice(&|| Script::html(200, "<html>sign in</html>")), 6),
        ("redirect", thrice(&|| Script::redirect(307, "http://127.0.0.1:9/steal")), 6),
    ];
    for (name, status, kind) in [
        ("408", 408, "timeout_error"),
        ("429", 429, "rate_limit_error"),
        ("500", 500, "api_error"),
        ("503", 503, "api_error"),
        ("529", 529, "overloaded_error"),
    ] {
        faults.push((name, thrice(&|| soon(json(status, kind, "later"))), 6));
    }
    faults
}

/// Every fault under one payer, side by side: most of their time is waiting before another try.
fn holds(payer: Payer) {
    std::thread::scope(|scope| {
        for (name, scripts, code) in faults(payer) {
            scope.spawn(move || one(payer, name, scripts, code));
        }
    });
}

fn one(payer: Payer, name: &str, scripts: Vec<Script>, code: i32) {
    let stranger = Provider::start([]);
    let provider = Provider::start(scripts);
    provider.allow_leftovers();
    let vk = payer.user(&provider, &stranger);
    let (ran, finished) = report(&vk, &payer.flags(), &["go"]);
    assert_eq!(ran.code, code, "{payer:?}, {name}: {ran}");
    assert!(!provider.captured().is_empty(), "{payer:?}, {name}: the payer that was shown is asked");
    assert!(stranger.captured().is_empty(), "{payer:?}, {name}: {:?}", stranger.captured());
    assert!(finished["error"]["fix"].is_string(), "{payer:?}, {name}: {finished}");
    for charged in finished["payers"].as_array().unwrap() {
        assert_eq!((&charged["path"], &charged["provider"]), (&json!(payer.path), &json!(payer.provider)));
    }
    let tasks: Value = serde_json::from_str(&vk.run(&["tasks", "list", "--output", "json"]).stdout).unwrap();
    let task = &tasks[0];
    let (path, provider) = (json!(payer.path), json!(payer.provider));
    assert_eq!((&task["path"], &task["provider"]), (&path, &provider), "{payer:?}, {name}: {tasks}");
}

#[test]
fn an_own_key_pays_or_nobody() {
    holds(Payer::new("byok", "anthropic", "anthropic"));
}

#[test]
fn an_own_key_of_openai_pays_or_nobody() {
    holds(Payer::new("byok", "openai", "responses"));
}

#[test]
fn an_own_key_of_a_compatible_provider_pays_or_nobody() {
    holds(Payer::new("byok", "deepseek", "chat"));
}

#[test]
fn a_gateway_pays_or_nobody() {
    holds(Payer::new("platform", "gate", "chat"));
}

#[test]
fn a_gateway_on_the_vendors_wires_pays_or_nobody() {
    holds(Payer::new("platform", "gate", "anthropic"));
    holds(Payer::new("platform", "gate", "responses"));
}

#[test]
fn what_is_free_stays_free_or_ends() {
    holds(Payer::new("free", "local", "chat"));
}
