//! What is said before another program takes over: who pays for it, and what vk cannot do for it.

use crate::domain::route::CredentialRef;
use crate::ledger::import::Tool;
use crate::routing::Account;

/// The lines for stderr, the payer first.
#[must_use]
pub fn lines(account: &Account, program: &str, ignored_ambient: &[String], env_file: &[String]) -> Vec<String> {
    let key = match &account.credential {
        CredentialRef::Stored { label, fingerprint, .. } => format!(" · key {label} {fingerprint}"),
        CredentialRef::Env { name, fingerprint } => format!(" · key env:{name} {fingerprint}"),
        CredentialRef::Login | CredentialRef::None => String::new(),
    };
    let (path, provider, payer) = (account.path, &account.provider, &account.payer);
    let mut lines = vec![format!("{path} · {provider}{key} · {payer}")];
    let counted = match tool(program) {
        Some(tool) => format!("what it used comes in with: vk import {}", tool.as_str()),
        None => "what it spends is not in vk's ledger".to_owned(),
    };
    lines.push(format!("{program} calls {provider} by itself: no cap of vk's binds it, and {counted}"));
    if !ignored_ambient.is_empty() {
        lines.push(format!("ignored ambient {}: {program} does not get it", ignored_ambient.join(", ")));
    }
    if !env_file.is_empty() {
        let names = env_file.join(", ");
        lines.push(format!("the .env of this project has {names}: a program that reads .env by itself may use that"));
    }
    lines
}

/// Whose logs `vk import` reads.
fn tool(program: &str) -> Option<Tool> {
    match program {
        "claude" => Some(Tool::ClaudeCode),
        other => Tool::ALL.into_iter().find(|tool| tool.as_str() == other),
    }
}
