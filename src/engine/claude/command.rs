//! How `claude` is started: which flags and settings hold it to the task's terms, and what it knows of the environment.
//!
//! Measured with claude 2.1.331 (2026-11-24): `--setting-sources ""` keeps the user's and the repository's settings,
//! `CLAUDE.md` and key helpers out; `--bare` would ignore a plan's token. Its sandbox (bubblewrap and socat on Linux)
//! refuses to start with `failIfUnavailable`, hides `denyRead`, keeps `denyWrite` read-only also where it is absent, has
//! no network but `allowedDomains` and not the host's loopback; a command in it sees neither the token in its
//! environment nor `/proc/*/environ`. `permissions.ask` makes each command and write a question.

use std::process::Command;

use serde_json::{Value, json};

use crate::domain::route::{CredentialRef, Route};
use crate::engine::driven::Terms;
use crate::sandbox::{Mode, Network};

/// The program's tools that stand for vk's own: a shell, files, and search.
const TOOLS: &str = "Bash,Read,Edit,Write,Grep,Glob";

pub(super) fn command(terms: &Terms, route: &Route, turns_taken: u32) -> Command {
    let mut command = Command::new(&terms.program);
    command.args(["-p", "--output-format", "stream-json", "--input-format", "stream-json", "--verbose"]);
    command.args(["--include-partial-messages", "--setting-sources", "", "--strict-mcp-config"]);
    command.args(["--disable-slash-commands", "--no-session-persistence", "--permission-prompt-tool", "stdio"]);
    command.args(["--permission-mode", "default", "--tools", tools(terms.mode), "--model", &route.model]);
    command.args(["--settings", &settings(terms).to_string()]);
    if let Some(max) = terms.max_turns {
        command.args(["--max-turns", &max.saturating_sub(turns_taken).max(1).to_string()]);
    }
    command.env_clear().envs(&terms.environment).current_dir(&terms.root);
    at(&mut command, &route.base_url);
    for (name, secret) in &terms.own {
        command.env(name, secret.expose());
    }
    if route.credential != CredentialRef::Login {
        // The token's account and no other: the user's own login lies in another folder.
        command.env("CLAUDE_CONFIG_DIR", terms.folder.join("claude"));
    }
    command
}

/// The program at this address, without updates, telemetry and other traffic that no task needs. To be called after
/// the environment is set.
pub(super) fn at(command: &mut Command, base_url: &str) {
    command.env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1").env("DISABLE_AUTOUPDATER", "1");
    if base_url != ADDRESS {
        command.env("ANTHROPIC_BASE_URL", base_url);
    }
}

/// Where the program goes by itself.
const ADDRESS: &str = "https://api.anthropic.com";

const fn tools(mode: Mode) -> &'static str {
    match mode {
        Mode::ReadOnly => "Bash,Read,Grep,Glob",
        Mode::Workspace | Mode::Off => TOOLS,
    }
}

fn settings(terms: &Terms) -> Value {
    // The program's own list of harmless commands is not used: each is a question, and vk answers by its own mode.
    let mut settings = json!({"permissions": {"ask": ["Bash", "Edit", "Write", "NotebookEdit"]}});
    if terms.mode == Mode::Off {
        return settings;
    }
    let root = &terms.root;
    let mut deny_write = vec![root.join(".git"), root.join("vk.toml")];
    if terms.mode == Mode::ReadOnly {
        deny_write.push(root.clone());
    }
    let mut deny_read = vec![terms.home.clone()];
    deny_read.extend(terms.protected.iter().cloned());
    let mut allow_read = vec![root.clone()];
    allow_read.extend(terms.readable.iter().chain(&terms.writable).cloned());
    let domains: &[String] = match &terms.network {
        Network::Hosts(hosts) => hosts,
        Network::None | Network::Registries | Network::Any => &[],
    };
    settings["sandbox"] = json!({
        "enabled": true,
        "failIfUnavailable": true,
        "allowUnsandboxedCommands": false,
        "autoAllowBashIfSandboxed": false,
        "network": {"allowedDomains": domains},
        "filesystem": {
            "denyRead": deny_read,
            "allowRead": allow_read,
            "denyWrite": deny_write,
            "allowWrite": terms.writable,
        },
    });
    settings
}
