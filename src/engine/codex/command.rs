//! How `codex app-server` is started, and with what a thread of it begins.
//!
//! Measured with codex 0.169.0 (2026-11-24): `CODEX_ACCESS_TOKEN` takes an agent identity or a personal access token; a
//! ChatGPT login's access token is refused ("failed to decode agent identity JWT"), and what the program calls
//! `chatgptAuthTokens` is marked as for `OpenAI` alone. So its own login pays, and vk never reads it. Its folder must
//! not be below `/tmp`, or its sandbox finds no helper. Its sandbox keeps `.git` and HOME read-only and has no network;
//! it does not hide HOME, `auth.json` included.

use std::process::Command;

use serde_json::{Value, json};

use crate::domain::route::{CredentialRef, Route};
use crate::engine::driven::Terms;
use crate::sandbox::{Mode, Network};

/// Where the program goes by itself.
const ADDRESS: &str = "https://chatgpt.com/backend-api";

pub(super) fn command(terms: &Terms, route: &Route) -> Command {
    let mut command = Command::new(&terms.program);
    command.arg("app-server");
    // The repository's notes are given by vk, where they may be.
    let mut settings = vec![("project_doc_max_bytes", json!(0))];
    settings.push(("sandbox_workspace_write.network_access", json!(terms.network == Network::Any)));
    settings.push(("sandbox_workspace_write.writable_roots", json!(terms.writable)));
    settings.push(("sandbox_workspace_write.exclude_slash_tmp", json!(true)));
    settings.push(("shell_environment_policy.exclude", json!(["CODEX_ACCESS_TOKEN", "DBUS_SESSION_BUS_ADDRESS"])));
    if route.base_url == ADDRESS {
        // Whatever other provider the user's own configuration of codex names: that one would be another payer.
        settings.push(("model_provider", json!("openai")));
    } else {
        settings.push(("model_provider", json!(MOVED)));
        settings.push(("chatgpt_base_url", json!(format!("{}/", route.base_url))));
        for (name, value) in [
            ("name", json!(MOVED)),
            ("base_url", json!(format!("{}/codex", route.base_url))),
            ("wire_api", json!("responses")),
            ("requires_openai_auth", json!(true)),
            ("supports_websockets", json!(false)),
        ] {
            command.args(["-c", &format!("model_providers.{MOVED}.{name}={value}")]);
        }
    }
    for (name, value) in settings {
        command.args(["-c", &format!("{name}={value}")]);
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
