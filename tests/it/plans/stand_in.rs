//! Programs that stand in for `claude` and `codex`: a shell script that answers as recorded and keeps what it was told.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::env::Vk;

pub const SETUP_TOKEN: &str = "sk-ant-oat01-plan0planted0canary0eeeeeeeeeeeeeeeeeeeeeeeeeeee";

/// A user whose `PATH` begins with a folder of such programs.
pub struct Machine {
    pub vk: Vk,
    pub bin: PathBuf,
}

impl Machine {
    pub fn new() -> Self {
        let vk = Vk::new();
        let bin = vk.home().join("bin");
        std::fs::create_dir(&bin).unwrap();
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display());
        let vk = vk
            .var("PATH", &path)
            .var("ANTHROPIC_API_KEY", "sk-ant-api03-poison")
            .var("ANTHROPIC_AUTH_TOKEN", "poison")
            .var("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
            .var("CLAUDE_CODE_USE_BEDROCK", "1")
            .var("OPENAI_API_KEY", "sk-poison")
            .var("CODEX_API_KEY", "sk-poison")
            .var("GITHUB_TOKEN", "poison")
            .var("PLAN_TOKEN", SETUP_TOKEN);
        Self { vk, bin }
    }

    /// A `claude` of this version, login and account, which does `script` once it has the task. There, `say FILE`
    /// prints lines, `hear` waits for one and keeps it.
    pub fn claude(self, status: &Value, account: &Value, script: &str) -> Self {
        self.write("claude.version", "2.1.331 (Claude Code)\n");
        let machine = if self.bin.join("claude.usage").exists() { self } else { self.usage(&Value::Null) };
        machine.claude_program(status, account, script)
    }

    fn claude_program(self, status: &Value, account: &Value, script: &str) -> Self {
        self.write("claude.status", &format!("{status:#}\n"));
        let answer = json!({"type": "control_response", "response": {"subtype": "success", "request_id": "vk-initialize",
            "response": {"commands": [], "account": account}}});
        self.write("claude.account", &format!("{answer}\n"));
        self.program(
            "claude",
            &format!(
                "case \"$1\" in --version) cat \"$here/claude.version\"; exit;; auth) cat \"$here/claude.status\"; exit;; esac\n\
                 case \"$*\" in *--model*) ;; *) read -r line; read -r line; printf '%s\\n' \"$line\" > \"$here/claude.asked\"; say claude.usage; exit;; esac\n\
                 printf '%s\\n' \"$@\" > \"$here/claude.args\"; env > \"$here/claude.env\"; pwd > \"$here/claude.pwd\"\n\
                 read -r line; cat \"$here/claude.account\"\n\
                 hear\n{script}\n"
            ),
        )
    }

    /// What it says of its plan before a task: its `rate_limits`.
    pub fn usage(self, limits: &Value) -> Self {
        let answer = json!({"type": "control_response", "response": {"subtype": "success", "request_id": "vk-usage",
            "response": {"rate_limits_available": true, "rate_limits": limits}}});
        self.write("claude.usage", &format!("{answer}\n"));
        self
    }

    /// One that is logged in with a plan.
    pub fn logged_in(self, script: &str) -> Self {
        self.claude(&login(), &json!({"subscriptionType": "Claude Max", "apiProvider": "firstParty"}), script)
    }

    /// What `say NAME` prints.
    pub fn lines(self, name: &str, lines: &[Value]) -> Self {
        let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
        self.write(name, &(lines.join("\n") + "\n"));
        self
    }

    pub fn program(self, name: &str, body: &str) -> Self {
        let script = format!(
            "#!/bin/sh\nhere=$(dirname \"$0\")\n\
             hear() {{ read -r line || exit 0; printf '%s\\n' \"$line\" >> \"$here/{name}.heard\"; }}\n\
             say() {{ cat \"$here/$1\"; }}\n{body}"
        );
        self.write(name, &script);
        std::fs::set_permissions(self.bin.join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.bin.join(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.bin.join(name)).unwrap_or_default()
    }

    /// What the program was told after its start, as JSON.
    pub fn heard(&self, name: &str) -> Vec<Value> {
        self.read(&format!("{name}.heard")).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

pub fn login() -> Value {
    json!({"loggedIn": true, "authMethod": "claude.ai", "apiProvider": "firstParty", "email": "ann@example.com",
        "subscriptionType": "max"})
}

pub fn init(key_source: &str) -> Value {
    json!({"type": "system", "subtype": "init", "session_id": "5e551011-0000-4000-8000-000000000001", "cwd": "/",
        "tools": ["Bash"], "model": "claude-sonnet-5-5", "permissionMode": "default", "apiKeySource": key_source,
        "claude_code_version": "2.1.331", "sandbox_enabled": true})
}

pub fn requesting() -> Value {
    json!({"type": "system", "subtype": "status", "status": "requesting"})
}

/// An answer as it is streamed: its start, its text, its use, and the whole of it.
pub fn answer(id: &str, content: &Value) -> Vec<Value> {
    let usage = json!({"input_tokens": 1000, "cache_creation_input_tokens": 200, "cache_read_input_tokens": 50,
        "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 0}, "output_tokens": 1});
    let message = json!({"id": id, "type": "message", "role": "assistant", "model": "claude-sonnet-5-5", "content": [],
        "usage": usage});
    let mut whole = message.clone();
    whole["content"] = content.clone();
    let stream = |event: Value| json!({"type": "stream_event", "event": event});
    vec![
        requesting(),
        stream(json!({"type": "message_start", "message": message})),
        json!({"type": "assistant", "message": whole, "request_id": "req_1"}),
        stream(json!({"type": "message_delta", "delta": {}, "usage": {"output_tokens": 30}})),
        stream(json!({"type": "message_stop"})),
    ]
}

pub fn text(words: &str) -> Value {
    json!([{"type": "text", "text": words}])
}

pub fn limits(info: &Value) -> Value {
    json!({"type": "rate_limit_event", "rate_limit_info": info})
}

pub fn plan_pays() -> Value {
    limits(&json!({"status": "allowed", "rateLimitType": "five_hour", "isUsingOverage": false, "unifiedWindows":
        {"five_hour": {"utilization": 0.42, "resetsAt": 1_795_600_000, "status": "allowed"}}}))
}

pub fn result(words: &str) -> Value {
    json!({"type": "result", "subtype": "success", "is_error": false, "result": words, "num_turns": 1})
}

/// A whole task of one answer.
pub fn whole(words: &str) -> Vec<Value> {
    let mut lines = vec![init("none")];
    lines.extend(answer("msg_1", &text(words)));
    lines.extend([plan_pays(), result(words)]);
    lines
}

/// The processes whose command line has `word`.
pub fn alive(word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(word) && entry.path() != Path::new("/proc/self") {
            found.push(line);
        }
    }
    found
}
