//! A real LiteLLM proxy between vk and a provider on loopback: each wire streams through it, with tools, and what it
//! charges is what the ledger has. `tests/run` installs it into `target/tools/litellm`; without it, the test says so.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::run::report;
use crate::support::env::Vk;
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;

const MASTER: &str = "sk-house-7f3a9c21d5e84b60a1f2c3d4e5f60718";
/// From the first import to the first answer it takes 5 to 20 s on two cores.
const PATIENCE: Duration = Duration::from_mins(2);

fn program() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tools/litellm");
    folder.join("whole").is_file().then(|| folder.join("bin/litellm"))
}

/// The proxy, ended when it is dropped.
struct Proxy {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Proxy {
    /// Three names over one provider, and one whose provider is not there and which falls back to another.
    fn start(program: &PathBuf, upstream: &Provider) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = upstream.url();
        let model = |name: &str, id: &str, base: &str| {
            format!(
                "  - model_name: {name}\n    litellm_params:\n      model: {id}\n      api_base: {base}\n      api_key: sk-upstream\n"
            )
        };
        let config = [
            "model_list:\n".to_owned(),
            model("house-claude", "anthropic/claude-sonnet-4-5", &url),
            model("house-gpt", "openai/gpt-5.4", &format!("{url}/v1")),
            model("house-down", "openai/gpt-5.4", &format!("http://127.0.0.1:{NOBODY}/v1")),
            format!("general_settings:\n  master_key: {MASTER}\n"),
            "litellm_settings:\n  include_cost_in_streaming_usage: true\n".to_owned(),
            "router_settings:\n  num_retries: 0\n  fallbacks: [{\"house-down\": [\"house-claude\"]}]\n".to_owned(),
        ];
        let file = folder.path().join("config.yaml");
        std::fs::write(&file, config.concat()).unwrap();
        let port = quiet_port();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new(program)
            .arg("--config")
            .arg(&file)
            .args(["--host", "127.0.0.1", "--port", &port.to_string()])
            .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
            .env("LITELLM_TELEMETRY", "False")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut proxy = Self { child, port, folder };
        proxy.wait();
        proxy
    }

    fn wait(&mut self) {
        let until = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = || std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(self.child.try_wait().unwrap().is_none(), "the proxy ended: {}", log());
            assert!(Instant::now() < until, "the proxy did not start: {}", log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// A user whose file names the proxy on this wire, and takes these prices for its names.
    fn user(&self, wire: &str) -> Vk {
        let base = format!("http://127.0.0.1:{}{}", self.port, if wire == "anthropic" { "" } else { "/v1" });
        Vk::new()
            .config(&format!(
                "[providers.litellm]\nbase_url = \"{base}\"\nwire = \"{wire}\"\nauth = \"bearer\"\n\
                 [providers.litellm.prices]\nhouse-claude = {{ as = \"anthropic/claude-sonnet-4-5\" }}\n\
                 house-gpt = {{ as = \"openai/gpt-5.4\" }}\n\
                 house-down = {{ as = \"openai/gpt-5.4\" }}\n"
            ))
            .var("TEST_LITELLM_KEY", MASTER)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Nothing listens at the discard port.
const NOBODY: u16 = 9;

/// A port below those that the system gives out by itself: a proxy takes seconds to listen, and until then every other
/// test's server could be given it.
pub fn quiet_port() -> u16 {
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    let mut ports = (first..first + 100).filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    ports.next().expect("a port")
}

const RUN: [&str; 7] = ["run", "--path", "platform", "--provider", "litellm", "--key", "env:TEST_LITELLM_KEY"];

/// A task of two turns with one command, asked for under `model`.
fn task(vk: &Vk, model: &str) -> Value {
    let (ran, finished) = report(vk, &RUN, &["--model", model, "make a file"]);
    assert_eq!(ran.code, 0, "{model}: {ran}");
    assert_eq!(std::fs::read_to_string(vk.project().join("made")).unwrap(), "by hand\n", "{ran}");
    finished
}

#[test]
#[allow(clippy::print_stdout, reason = "a skipped test must be seen")]
fn each_wire_streams_through_a_real_litellm_with_its_own_cost() {
    let Some(program) = program() else {
        println!("skipped: LiteLLM is not installed; tests/run installs it");
        return;
    };
    let upstream = Provider::start([]);
    upstream.allow_leftovers();
    let proxy = Proxy::start(&program, &upstream);
    let input = json!({"command": "echo by hand > made"});
    let call = Turn::new().tool("call_1", "bash", input).tokens(1_000, 100);
    let done = Turn::say("Done.").tokens(2_000, 200);

    // 3,000 x $2.50 and 300 x $15 a million at gpt-5.4, by LiteLLM's own table as by vk's.
    for (wire, call, done) in [
        ("chat", call.clone().model("gpt-5.4").chat(), done.clone().model("gpt-5.4").chat()),
        ("responses", call.clone().model("gpt-5.4").responses(), done.clone().model("gpt-5.4").responses()),
    ] {
        upstream.then(Script::sse(&call));
        upstream.then(Script::sse(&done));
        let finished = task(&proxy.user(wire), "house-gpt");
        assert_eq!(
            (&finished["cost_usd"], &finished["cost_state"], &finished["list_usd"]),
            (&json!("0.012"), &json!("billed"), &json!("0.012")),
            "{wire}: {finished}"
        );
    }

    // 3,000 x $3 and 300 x $15. On this wire LiteLLM's figure leaves the input out, so the tables stand.
    upstream.then(Script::sse(&call.clone().model("claude-sonnet-4-5-20250929").anthropic()));
    upstream.then(Script::sse(&done.clone().model("claude-sonnet-4-5-20250929").anthropic()));
    let finished = task(&proxy.user("anthropic"), "house-claude");
    assert_eq!((&finished["cost_usd"], &finished["cost_state"]), (&json!("0.0135"), &json!("estimated")), "{finished}");

    // Its administrator's fallback is another model than was asked for, and the task stops.
    upstream.then(Script::sse(&done.model("claude-sonnet-4-5-20250929").anthropic()));
    let (ran, finished) = report(&proxy.user("chat"), &RUN, &["--model", "house-down", "go"]);
    assert_eq!((ran.code, finished["error"]["code"].as_str()), (6, Some("other_model")), "{ran}");
    assert!(ran.stderr.contains("asked for house-down, and house-claude answered"), "{ran}");

    // A key that it does not know is refused by it and asked of nobody else.
    let before = upstream.requests().len();
    let vk = proxy.user("chat").var("TEST_LITELLM_KEY", "sk-house-unknown-unknown-unknown-unknown-00");
    let (ran, _) = report(&vk, &RUN, &["--model", "house-gpt", "go"]);
    assert_eq!(ran.code, 3, "{ran}");
    assert_eq!(upstream.requests().len(), before);
}
