//! The logins of the programs that plans pay for, as the programs themselves say: each is asked, its files are never
//! read, and what it is given of the environment has no credential in it.
//!
//! Measured with claude 2.1.331 and codex 0.169.0 (2026-11-24): `claude auth status` prints JSON on stdout with
//! `loggedIn`, `authMethod`, `email` and `subscriptionType`; `codex login status` says on stderr "Logged in using
//! ChatGPT", "Logged in using an API key - ..." or "Not logged in".

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

use crate::base::env::Env;

/// Both are large programs; a machine under load takes its time to read them from the disk.
const PATIENCE: Duration = Duration::from_secs(15);
const MOST_BYTES: usize = 64 * 1024;

/// What a program says of its own login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnLogin {
    pub program: &'static str,
    /// In a few words: logged in with a plan, not logged in, not installed.
    pub standing: String,
    pub account: Option<String>,
    pub plan: Option<String>,
}

/// Asks both at once.
pub async fn own_logins(env: &Env, tree: &Path) -> Vec<OwnLogin> {
    let (claude, codex) = tokio::join!(
        ask(env, tree, "claude", &["auth", "status"], of_claude),
        ask(env, tree, "codex", &["login", "status"], of_codex),
    );
    vec![claude, codex]
}

async fn ask(
    env: &Env,
    tree: &Path,
    program: &'static str,
    arguments: &[&str],
    read: fn(&'static str, &str) -> Option<OwnLogin>,
) -> OwnLogin {
    let Some(file) = env.find_program(program, Some(tree)) else { return plain(program, "not installed") };
    let mut command = Command::new(&file);
    command.args(arguments).current_dir("/").env_clear().envs(env.without_ambient());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let said = match tokio::time::timeout(PATIENCE, command.output()).await {
        Ok(Ok(said)) => said,
        Ok(Err(error)) => return plain(program, &format!("could not be asked: {error}")),
        Err(_) => return plain(program, &format!("did not answer within {} s", PATIENCE.as_secs())),
    };
    let mut text = String::from_utf8_lossy(&said.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&said.stderr));
    text.truncate(text.floor_char_boundary(MOST_BYTES));
    read(program, &text).unwrap_or_else(|| plain(program, "did not say whether it is logged in"))
}

fn plain(program: &'static str, standing: &str) -> OwnLogin {
    OwnLogin { program, standing: standing.to_owned(), account: None, plan: None }
}

fn of_claude(program: &'static str, said: &str) -> Option<OwnLogin> {
    let json = said.get(said.find('{')?..=said.rfind('}')?)?;
    let status: Value = serde_json::from_str(json).ok()?;
    let word =
        |name: &str| status.get(name).and_then(Value::as_str).map(|word| word.chars().take(200).collect::<String>());
    if !status.get("loggedIn")?.as_bool()? {
        return Some(plain(program, "not logged in"));
    }
    let by = word("authMethod").unwrap_or_else(|| "something else".to_owned());
    let is_plan = by == "claude.ai" && word("apiProvider").is_none_or(|provider| provider == "firstParty");
    let standing = if is_plan {
        "logged in with a plan".to_owned()
    } else {
        format!("logged in with {by}, which is billed per token")
    };
    Some(OwnLogin { program, standing, account: word("email"), plan: word("subscriptionType").filter(|_| is_plan) })
}

fn of_codex(program: &'static str, said: &str) -> Option<OwnLogin> {
    let line = |words: &str| said.lines().find_map(|line| line.trim().strip_prefix(words));
    if line("Logged in using ChatGPT").is_some() {
        return Some(plain(program, "logged in with a plan"));
    }
    if line("Not logged in").is_some() {
        return Some(plain(program, "not logged in"));
    }
    // What follows a dash is the beginning of a key.
    let with = line("Logged in using ")?.split(" - ").next()?.trim();
    Some(plain(program, &format!("logged in with {with}, which is billed per token")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_programs_own_words_are_understood() {
        let claude = |said: &str| of_claude("claude", said).map(|login| (login.standing, login.account, login.plan));
        let plan = r#"{"loggedIn": true, "authMethod": "claude.ai", "apiProvider": "firstParty", "email": "a@b.c", "subscriptionType": "max"}"#;
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(claude(plan), Some(("logged in with a plan".to_owned(), some("a@b.c"), some("max"))));
        assert_eq!(claude(r#"{"loggedIn": false, "authMethod": "none"}"#).unwrap().0, "not logged in");
        let key = claude(r#"{"loggedIn": true, "authMethod": "api_key", "subscriptionType": "max"}"#).unwrap();
        assert_eq!((key.0.as_str(), key.2), ("logged in with api_key, which is billed per token", None));
        assert_eq!(claude("Usage: claude"), None);
        assert_eq!(claude("}{"), None);
        let codex = |said: &str| of_codex("codex", said).map(|login| login.standing);
        assert_eq!(codex("WARNING: x\nLogged in using ChatGPT\n").as_deref(), Some("logged in with a plan"));
        assert_eq!(codex("Not logged in\n").as_deref(), Some("not logged in"));
        let key = codex("Logged in using an API key - sk-canary\n").unwrap();
        assert_eq!(key, "logged in with an API key, which is billed per token");
        assert_eq!(codex(""), None);
    }
}
