//! Which of the two programs are here, how old, and whose login they have: each is asked, its files are never read.
//!
//! Measured with claude 2.1.331 and codex 0.169.0 (2026-11-24): `claude auth status` prints JSON with `loggedIn`,
//! `authMethod` (`claude.ai` for a plan's login, `oauth_token`, `api_key`, `none`), `email` and `subscriptionType`, and
//! takes 0.2 s; `codex login status` says on stderr "Logged in using ChatGPT", "Logged in using an API key - ..." or
//! "Not logged in".

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::base::env::Env;
use crate::domain::route::EngineKind;
use crate::routing::plan::{Program, Standing};
use crate::sandbox::environment_of_program;

/// Both are large programs; a machine under load takes its time to read them from the disk.
const PATIENCE: Duration = Duration::from_secs(15);
const MOST_BYTES: u64 = 64 * 1024;

/// The variables that say where each program keeps its own things. `DBUS_SESSION_BUS_ADDRESS`: where codex keeps its
/// login in the desktop's keyring.
const OWN_FOLDERS: [(EngineKind, &[&str]); 2] = [
    (EngineKind::Claude, &["CLAUDE_CONFIG_DIR", "XDG_CONFIG_HOME"]),
    (EngineKind::Codex, &["CODEX_HOME", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"]),
];

/// The program's file; never one of the project's own.
#[must_use]
pub fn find(env: &Env, tree: &Path, program: &Program) -> Option<PathBuf> {
    env.find_program(program.name, Some(tree))
}

/// What the program may know of the user's environment: its own folders, and nothing that is a credential or an
/// address of a provider. `cache` is where commands keep their packages; without one, in the user's own folders.
#[must_use]
pub fn environment(
    env: &Env,
    tree: &Path,
    program: &Program,
    wanted: &[String],
    cache: Option<&Path>,
) -> BTreeMap<String, String> {
    let mut vars = environment_of_program(env, tree, wanted, cache);
    let own = OWN_FOLDERS.iter().filter(|(engine, _)| *engine == program.engine).flat_map(|(_, names)| *names);
    for name in own {
        if let Some(value) = env.get(name) {
            vars.insert((*name).to_owned(), value.to_owned());
        }
    }
    vars
}

/// Whether it is here, new enough, and logged in with what.
#[must_use]
pub fn standing(env: &Env, tree: &Path, program: &Program) -> Standing {
    let Some(file) = find(env, tree, program) else { return Standing::Missing };
    let vars = environment(env, tree, program, &[], None);
    let ask = |arguments: &[&str]| ask(&file, arguments, &vars);
    let version = match ask(&["--version"]) {
        Ok(said) => said,
        Err(why) => return Standing::Unclear(why),
    };
    let Some(found) = version_in(&version) else {
        return Standing::Unclear(format!("{} --version said nothing that is a version", file.display()));
    };
    if is_older(&found, program.needed) {
        return Standing::TooOld { found, needed: program.needed };
    }
    match program.engine {
        EngineKind::Codex => ask(&["login", "status"]).map_or_else(Standing::Unclear, |said| of_codex(&said)),
        _ => ask(&["auth", "status"]).map_or_else(Standing::Unclear, |said| of_claude(&said)),
    }
}

/// Both outputs of a short question.
fn ask(file: &Path, arguments: &[&str], vars: &BTreeMap<String, String>) -> Result<String, String> {
    let shown = || format!("{} {}", file.display(), arguments.join(" "));
    let mut child = Command::new(file)
        .args(arguments)
        .env_clear()
        .envs(vars)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{}: {error}", shown()))?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(_)) => break,
            Ok(None) if started.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(10)),
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{} did not answer within {} s", shown(), PATIENCE.as_secs()));
            }
        }
    }
    // A short answer fits into the pipes; whatever else is longer.
    let mut said = String::new();
    let mut read = |pipe: &mut dyn std::io::Read| {
        let mut bytes = Vec::new();
        let _ = pipe.take(MOST_BYTES).read_to_end(&mut bytes);
        said.push_str(&String::from_utf8_lossy(&bytes));
    };
    if let Some(mut out) = out {
        read(&mut out);
    }
    if let Some(mut err) = err {
        read(&mut err);
    }
    Ok(said)
}

/// The first word of numbers and dots: `2.1.331 (Claude Code)`, `codex-cli 0.169.0`.
fn version_in(text: &str) -> Option<String> {
    let is_version = |word: &&str| word.contains('.') && word.split('.').all(|part| part.parse::<u32>().is_ok());
    text.split_whitespace().find(is_version).map(str::to_owned)
}

fn is_older(found: &str, needed: &str) -> bool {
    let parts = |text: &str| text.split('.').map(|part| part.parse::<u32>().unwrap_or(0)).collect::<Vec<_>>();
    parts(found) < parts(needed)
}

/// What `claude auth status` prints.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClaudeStatus {
    logged_in: bool,
    #[serde(default)]
    auth_method: Option<String>,
    #[serde(default)]
    api_provider: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    subscription_type: Option<String>,
}

fn of_claude(said: &str) -> Standing {
    let json = said.find('{').and_then(|from| said.rfind('}').map(|to| &said[from..=to.max(from)]));
    let Some(status) = json.and_then(|json| serde_json::from_str::<ClaudeStatus>(json).ok()) else {
        return Standing::Unclear("claude auth status said nothing that is known here".to_owned());
    };
    let first_party = status.api_provider.as_deref().is_none_or(|provider| provider == "firstParty");
    match (status.logged_in, status.auth_method.as_deref()) {
        (false, _) => Standing::LoggedOut,
        (true, Some("claude.ai")) if first_party => {
            Standing::LoggedIn { account: status.email, plan: status.subscription_type }
        }
        (true, method) if first_party => Standing::NoPlan(method.unwrap_or("something else").to_owned()),
        (true, _) => Standing::NoPlan(status.api_provider.unwrap_or_default()),
    }
}

fn of_codex(said: &str) -> Standing {
    if said.contains("Logged in using ChatGPT") {
        return Standing::LoggedIn { account: None, plan: None };
    }
    if said.contains("Not logged in") {
        return Standing::LoggedOut;
    }
    match said.lines().find_map(|line| line.split_once("Logged in using ")) {
        // What follows a dash is the beginning of a key.
        Some((_, with)) => Standing::NoPlan(with.split(" - ").next().unwrap_or_default().trim().to_owned()),
        None => Standing::Unclear("codex login status said nothing that is known here".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_programs_own_words_are_understood() {
        let claude = r#"{"loggedIn": true, "authMethod": "claude.ai", "apiProvider": "firstParty", "email": "a@b.c",
            "subscriptionType": "max", "planTier": "max_5x"}"#;
        let plan = |account: Option<&str>, plan: Option<&str>| Standing::LoggedIn {
            account: account.map(str::to_owned),
            plan: plan.map(str::to_owned),
        };
        assert_eq!(of_claude(claude), plan(Some("a@b.c"), Some("max")));
        for (said, standing) in [
            (r#"{"loggedIn": false, "authMethod": "none"}"#, Standing::LoggedOut),
            (r#"{"loggedIn": true, "authMethod": "api_key"}"#, Standing::NoPlan("api_key".to_owned())),
            (
                r#"{"loggedIn": true, "authMethod": "claude.ai", "apiProvider": "bedrock"}"#,
                Standing::NoPlan("bedrock".to_owned()),
            ),
        ] {
            assert_eq!(of_claude(said), standing, "{said}");
        }
        assert!(matches!(of_claude("Usage: claude"), Standing::Unclear(_)));
        assert_eq!(of_codex("WARNING: x\nLogged in using ChatGPT\n"), plan(None, None));
        assert_eq!(of_codex("Not logged in\n"), Standing::LoggedOut);
        assert_eq!(of_codex("Logged in using an API key - sk-canary\n"), Standing::NoPlan("an API key".to_owned()));
        assert!(matches!(of_codex(""), Standing::Unclear(_)));
    }

    #[test]
    fn versions_are_compared_by_number() {
        assert_eq!(version_in("2.1.331 (Claude Code)").as_deref(), Some("2.1.331"));
        assert_eq!(version_in("codex-cli 0.169.0").as_deref(), Some("0.169.0"));
        assert_eq!(version_in("who knows."), None);
        assert!(is_older("0.99.0", "0.169.0") && !is_older("0.169.0", "0.169.0") && !is_older("1.0", "0.169.0"));
    }
}
