//! `vk login`: a credential of the person's own account, without copying one by hand.

mod browser;
mod claude;
mod codex;
mod openrouter;
mod wait;

use std::sync::Arc;

use super::args::{LoginArgs, LoginService};
use super::context::Context;
use crate::config::{self, Flags};
use crate::credential::{CredentialError, Vault};
use crate::domain::failure::{Failure, Status};

/// The label of what is stored where none was given.
const DEFAULT_LABEL: &str = "default";

/// # Errors
/// Exit 2 for what was typed, 3 where nobody is there, the service refused or nothing can be stored, 6 where the
/// service does not answer, 130 and 143 where the login was ended.
pub async fn run(args: LoginArgs, context: &Context) -> Result<(), Failure> {
    let loaded = config::load(&context.env, &Flags::default())?;
    let vault = Vault::open(&loaded.dirs.data, &context.env, Arc::clone(&context.ui));
    let other = |flag: &str, service: &str| {
        Failure::usage("bad_arguments", format!("{flag} is for {service}")).fix(format!("vk login {service} {flag}"))
    };
    if args.device && args.service != LoginService::Codex {
        return Err(other("--device", "codex"));
    }
    if args.token_stdin && args.service != LoginService::Claude {
        return Err(other("--token-stdin", "claude"));
    }
    let label = args.label.as_deref().unwrap_or(DEFAULT_LABEL);
    match args.service {
        LoginService::Claude => claude::run(context, &loaded, &vault, label, args.token_stdin),
        LoginService::Codex => codex::run(context, &loaded, &vault, label, args.device).await,
        LoginService::Openrouter => openrouter::run(context, &loaded, &vault, label).await,
    }
}

fn no_port(error: &std::io::Error, otherwise: &str) -> Failure {
    Failure::new(Status::NoCredential, "no_port", "no port of this machine can be had for the login")
        .why(error.to_string())
        .fix(otherwise)
}

/// A label that is taken, told as a login tells it.
fn exists(failure: Failure, service: &str, label: &str) -> Failure {
    if failure.code != Failure::from(CredentialError::Exists { provider: String::new(), label: String::new() }).code {
        return failure;
    }
    let remove = failure.fix.last().cloned();
    let failure = Failure { fix: Vec::new(), ..failure }.fix(format!("vk login {service} --label {label}-2"));
    remove.into_iter().fold(failure, Failure::fix)
}
