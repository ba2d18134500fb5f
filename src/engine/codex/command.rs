//! How `codex app-server` is started, and with what a thread of it begins.
//!
//! Measured with codex 0.169.0 (2026-11-24): `CODEX_ACCESS_TOKEN` takes an agent identity or a personal access token; a
//! ChatGPT login's access token is refused ("failed to decode agent identity JWT"), and what the program calls
//! `chatgptAuthTokens` is marked as for `OpenAI` alone. So its own login pays, and vk never reads it. Its folder must
//! not be below `/tmp`, or its sandbox finds no helper. Its sandbox keeps `.git` and HOME read-only and has no network;
//! it does not hide HOME, `auth.json` included.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::domain::route::{CredentialRef, Route};
use crate::engine::driven::Terms;
use crate::sandbox::{Mode, Network};

/// Where the program goes by itself.
const ADDRESS: &str = "https://chatgpt.com/backend-api";

pub(super) fn command(terms: &Terms, route: &Route) -> Command {
    let mut command = server(&terms.program, &route.base_url);
    // The repository's notes are given by vk, where they may be.
    let settings = [
        ("project_doc_max_bytes", json!(0)),
        ("sandbox_workspace_write.network_access", json!(terms.network == Network::Any)),
        ("sandbox_workspace_write.writable_roots", json!(terms.writable)),
        ("sandbox_workspace_write.exclude_slash_tmp", json!(true)),
        ("shell_environment_policy.exclude", json!(["CODEX_ACCESS_TOKEN", "DBUS_SESSION_BUS_ADDRESS"])),
    ];
    for (name, value) in settings {
        set(&mut command, name, &value);
    }
    command.env_clear().envs(&terms.environment).current_dir(&terms.root);
    for (name, secret) in &terms.own {
        command.env(name, secret.expose());
    }
    // Its commands may write there, and not in everybody's /tmp.
    command.env("TMPDIR", terms.folder.join("tmp"));
    if route.credential != CredentialRef::Login {
        command.env("CODEX_HOME", terms.folder.join("codex"));
    }
    command
}

/// The program as a server of its plan's provider at this address: whatever other provider the user's own
/// configuration of codex names would be another payer.
pub(super) fn server(program: &Path, base_url: &str) -> Command {
    let mut command = Command::new(program);
    command.arg("app-server");
    if base_url == ADDRESS {
        set(&mut command, "model_provider", &json!("openai"));
        return command;
    }
    set(&mut command, "model_provider", &json!(MOVED));
    set(&mut command, "chatgpt_base_url", &json!(format!("{base_url}/")));
    for (name, value) in [
        ("name", json!(MOVED)),
        ("base_url", json!(format!("{base_url}/codex"))),
        ("wire_api", json!("responses")),
        ("requires_openai_auth", json!(true)),
        ("supports_websockets", json!(false)),
    ] {
        set(&mut command, &format!("model_providers.{MOVED}.{name}"), &value);
    }
    command
}

fn set(command: &mut Command, name: &str, value: &Value) {
    command.args(["-c", &format!("{name}={value}")]);
}

/// The program's name for its provider at another address.
const MOVED: &str = "moved";

pub(super) fn thread(terms: &Terms, route: &Route) -> Value {
    let (sandbox, policy) = match terms.mode {
        Mode::Workspace => ("workspace-write", "on-request"),
        Mode::ReadOnly => ("read-only", "on-request"),
        Mode::Off => ("danger-full-access", "never"),
    };
    json!({"cwd": terms.root, "model": route.model, "sandbox": sandbox, "approvalPolicy": policy, "ephemeral": true})
}

/// The provider that the thread must say it has.
pub(super) fn provider(route: &Route) -> &'static str {
    if route.base_url == ADDRESS { "openai" } else { MOVED }
}
