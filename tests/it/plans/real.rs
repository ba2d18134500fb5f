//! The real `claude` and `codex`, driven by vk against a server of this file on their wires. `tests/run` installs them
//! into `target/tools/npm`; without them, or without what their sandboxes need, the test says so.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::stand_in::SETUP_TOKEN;
use crate::run::report;
use crate::support::env::Vk;
use crate::support::turn::Turn;

pub fn programs() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/tools/npm");
    folder.join("whole").is_file().then(|| folder.join("node_modules/.bin"))
}

pub fn has(program: &str) -> bool {
    ["/usr/local/bin", "/usr/bin", "/bin"].iter().any(|folder| Path::new(folder).join(program).is_file())
}

/// What the model runs: it looks for a credential wherever a command could find one, and makes a file.
const LOOK: &str = "printenv; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'; cat ~/.claude/* ~/.claude/.c* 2>/dev/null; \
                    echo made > made.txt; echo bad > .git/bad; touch ~/outside; echo looked";

#[derive(Default)]
struct Seen {
    /// Method and path, with the credential's header, and the body.
    requests: Vec<(String, String, Value)>,
}

pub struct Server {
    pub url: String,
    seen: Arc<Mutex<Seen>>,
}

/// The bytes that answer a request, by its first line and its body; none hang up.
type Answer = dyn Fn(&str, &Value) -> Vec<u8> + Send + Sync;

impl Server {
    fn start() -> Self {
        Self::start_with(|line, body| answer(line, body).into_bytes())
    }

    pub fn start_with(answer: impl Fn(&str, &Value) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let answer: Arc<Answer> = Arc::new(answer);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let (shared, answer) = (Arc::clone(&shared), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &shared, &*answer));
            }
        });
        Self { url, seen }
    }

    pub fn calls(&self, path: &str) -> Vec<(String, Value)> {
        let seen = self.seen.lock().unwrap();
        let asked = seen.requests.iter().filter(|(line, ..)| line.starts_with("POST") && line.contains(path));
        asked.map(|(_, credential, body)| (credential.clone(), body.clone())).collect()
    }
}

fn serve(stream: TcpStream, seen: &Mutex<Seen>, answer: &Answer) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut line, mut length, mut credential) = (String::new(), 0, String::new());
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).unwrap_or(0) <= 2 {
            break;
        }
        let lower = header.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if lower.starts_with("authorization:") || lower.starts_with("x-api-key:") {
            header.trim().clone_into(&mut credential);
        }
    }
    let mut body = vec![0; length];
    let _ = reader.read_exact(&mut body);
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let answer = answer(&line, &body);
    seen.lock().unwrap().requests.push((line, credential, body));
    let mut stream = stream;
    let _ = stream.write_all(&answer);
}

pub fn answer(line: &str, body: &Value) -> String {
    let reply = |kind: &str, headers: &str, body: &str| {
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
    };
    let text = body.to_string();
    let path = line.split(' ').nth(1).unwrap_or_default();
    if line.starts_with("POST") && path.contains("/v1/messages") && !path.contains("count_tokens") {
        let model = body["model"].as_str().unwrap_or_default();
        let turn = if text.contains("tool_result") {
            Turn::say("All done.")
        } else {
            Turn::new().text("I look.").tool("toolu_1", "Bash", json!({"command": LOOK, "description": "look"}))
        };
        let limits = "anthropic-ratelimit-unified-status: allowed\r\n\
            anthropic-ratelimit-unified-representative-claim: five_hour\r\nanthropic-ratelimit-unified-reset: 1795600000\r\n\
            anthropic-ratelimit-unified-5h-status: allowed\r\nanthropic-ratelimit-unified-5h-utilization: 0.42\r\n\
            anthropic-ratelimit-unified-5h-reset: 1795600000\r\n";
        return reply("text/event-stream", limits, &turn.model(model).tokens(1_000, 20).anthropic());
    }
    if line.starts_with("POST") && path.ends_with("/responses") {
        let turn = if text.contains("function_call_output") {
            Turn::say("All done.")
        } else {
            Turn::new().tool("call_1", "exec_command", json!({"cmd": LOOK}))
        };
        let limits = "x-codex-primary-used-percent: 42\r\nx-codex-primary-window-minutes: 300\r\n\
            x-codex-primary-reset-at: 1795600000\r\nx-codex-credits-has-credits: false\r\n\
            x-codex-credits-unlimited: false\r\nx-codex-credits-balance: 0\r\n";
        return reply("text/event-stream", limits, &turn.tokens(1_000, 20).responses());
    }
    if path.ends_with("/wham/usage") {
        let window = json!({"used_percent": 41, "limit_window_seconds": 18000, "reset_after_seconds": 9, "reset_at": 1_795_600_000});
        let usage = json!({"plan_type": "pro", "rate_limit": {"allowed": true, "limit_reached": false,
            "primary_window": window}, "credits": {"has_credits": false, "unlimited": false, "balance": "0"}});
        return reply("application/json", "", &usage.to_string());
    }
    reply("application/json", "", "{}")
}

pub fn user(bin: &Path) -> Vk {
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display());
    Vk::new()
        .file("src.txt", "x\n")
        .git()
        .var("PATH", &path)
        .var("PLAN_TOKEN", SETUP_TOKEN)
        .var("ANTHROPIC_API_KEY", "sk-ant-api03-poison")
        .var("OPENAI_API_KEY", "sk-poison")
        .var("CODEX_API_KEY", "sk-poison")
        .var("GITHUB_TOKEN", "poison")
}

/// A folder with a login of codex, and its token. Codex makes its helpers nowhere below /tmp.
pub fn codex_login() -> (tempfile::TempDir, String) {
    let home = tempfile::Builder::new().prefix("codex-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let part = |value: Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({"exp": 4_000_000_000_u64, "email": "ann@example.com", "https://api.openai.com/auth":
        {"chatgpt_account_id": "acc-1", "chatgpt_plan_type": "pro", "chatgpt_user_id": "u-1"}});
    let token = format!("{}.{}.{}", part(json!({"alg": "none"})), part(claims), part(json!({})));
    let login = json!({"auth_mode": "chatgpt", "OPENAI_API_KEY": null, "last_refresh": "2026-11-24T00:00:00Z", "tokens":
        {"id_token": token, "access_token": token, "refresh_token": "", "account_id": "acc-1"}});
    std::fs::write(home.path().join("auth.json"), login.to_string()).unwrap();
    (home, token)
}

/// What the model saw of its command.
fn output(vk: &Vk, finished: &Value) -> String {
    let task = finished["task_id"].as_str().unwrap();
    std::fs::read_to_string(vk.data_dir().join("tasks").join(task).join("transcript.jsonl")).unwrap()
}

#[test]
fn the_real_claude_works_on_a_plans_token() {
    let Some(bin) = programs().filter(|bin| bin.join("claude").exists()) else {
        return eprintln!("skipped: claude is not in target/tools/npm (tests/run installs it)");
    };
    let server = Server::start();
    let vk = user(&bin).provider("claude", &server.url);
    let flags = ["run", "--path", "subscription", "--provider", "claude", "--key", "env:PLAN_TOKEN"];
    let (ran, finished) = report(&vk, &flags, &["--check", "test -f made.txt", "look around"]);
    if !["bwrap", "socat", "rg"].iter().all(|program| has(program)) {
        assert_eq!(ran.code, 8, "without what its sandbox needs it does not start: {ran}");
        return eprintln!("skipped in part: the sandbox of claude needs bubblewrap, socat and ripgrep");
    }
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!((&finished["cost_state"], &finished["proof"]), (&json!("covered"), &json!("verified")), "{finished}");
    assert_eq!((&finished["answer"], &finished["turns"]), (&json!("All done."), &json!(2)), "{finished}");
    assert_eq!((&finished["usage"]["input"], &finished["usage"]["output"]), (&json!(2000), &json!(40)));
    assert_eq!(finished["files_changed"][0]["path"], "made.txt");
    let calls = server.calls("/v1/messages");
    assert_eq!(calls.len(), 2);
    assert!(calls.iter().all(|(credential, _)| credential.contains(SETUP_TOKEN)), "{calls:?}");
    let seen = output(&vk, &finished);
    assert!(seen.contains("looked"), "{seen}");
    for absent in [SETUP_TOKEN, "poison", "planted"] {
        assert!(!seen.contains(absent), "{absent}: {seen}");
    }
    assert!(!vk.project().join(".git/bad").exists() && !vk.home().join("outside").exists());
    assert!(!vk.project().join(".claude").exists(), "its sandbox leaves nothing behind");
    let undone = vk.run(&["tasks", "undo"]);
    assert_eq!(undone.code, 0, "{undone}");
    assert!(!vk.project().join("made.txt").exists());
}

#[test]
fn the_real_codex_works_on_its_own_login() {
    let Some(bin) = programs().filter(|bin| bin.join("codex").exists()) else {
        return eprintln!("skipped: codex is not in target/tools/npm (tests/run installs it)");
    };
    if !has("node") || !has("bwrap") {
        return eprintln!("skipped: codex needs node and bubblewrap");
    }
    let (home, token) = codex_login();
    let server = Server::start();
    let vk = user(&bin).provider("codex", &format!("{}/backend-api", server.url));
    let vk = vk.var("CODEX_HOME", home.path().to_str().unwrap());
    let flags = ["run", "--path", "subscription", "--provider", "codex"];
    let (ran, finished) = report(&vk, &flags, &["--check", "test -f made.txt", "look around"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!((&finished["cost_state"], &finished["proof"]), (&json!("covered"), &json!("verified")), "{finished}");
    assert_eq!((&finished["answer"], &finished["turns"]), (&json!("All done."), &json!(2)), "{finished}");
    assert_eq!(finished["files_changed"][0]["path"], "made.txt");
    let calls = server.calls("/responses");
    assert_eq!(calls.len(), 2);
    assert!(calls.iter().all(|(credential, _)| credential.contains(&token)), "{calls:?}");
    let seen = output(&vk, &finished);
    assert!(seen.contains("looked") && !seen.contains("poison") && !seen.contains("planted"), "{seen}");
    assert!(!vk.project().join(".git/bad").exists() && !vk.home().join("outside").exists());
}
