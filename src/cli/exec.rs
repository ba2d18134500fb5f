//! `vk exec`: another program with exactly this project's payer. It gets that key and no other, and takes vk's place.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use super::args::ExecArgs;
use super::context::Context;
use crate::config::{self, Flags};
use crate::domain::failure::Failure;
use crate::domain::path::PayPath;
use crate::domain::route::is_local;
use crate::present::handed_over;
use crate::routing::{self, Account};
use crate::task::hand_over::program::{self, Given};
use crate::task::prepare::{self, Known};

/// Does not return where the program was started: its exit code is the one that the caller sees.
///
/// # Errors
/// Those of a route; exit 2 for a program that is not there, and for free models of a gateway that also sells.
pub fn run(args: ExecArgs, context: &Context) -> Result<(), Failure> {
    let Context { env, ui } = context;
    let ui: std::sync::Arc<dyn crate::domain::ui::Ui> = ui.clone();
    let flags = Flags { path: args.path, provider: args.provider, key: args.key, ..Flags::default() };
    let mut known = Known::read(env, &flags, &ui)?;
    for warning in &known.loaded.warnings {
        ui.say(warning);
    }
    config::trust::obtain(&mut known.loaded, args.trust.as_deref(), ui.as_ref())?;
    let account = known
        .with_facts(&known.loaded.settings, None, routing::account)
        .map_err(|failure| prepare::typed_again(failure, &flags, "vk exec ", " -- CMD"))?;
    let (first, rest) = args.command.split_first().ok_or_else(|| missing(OsStr::new("")))?;
    let program = program::find(env, first).ok_or_else(|| missing(first))?;
    let name = program.file_name().unwrap_or(first).to_string_lossy().into_owned();
    if account.path == PayPath::Free && !is_local(&account.base_url.value) {
        return Err(sells_too(&account, &name));
    }
    if account.path == PayPath::Subscription {
        return Err(plan_only(&account, &name));
    }
    let secret = prepare::secret(env, &known, &account.provider, &account.base_url.value, &account.credential)?;
    let ignored = &known.loaded.ignored_ambient;
    for line in handed_over::lines(&account, &name, ignored, &program::env_file_names(&known.loaded.project.root)) {
        ui.say(&line);
    }
    known.remember_key_use(&account.credential);
    let given = Given { account: &account, secret: secret.as_ref(), ledger: known.loaded.settings.ledger.as_ref() };
    let mut command = Command::new(&program);
    command.args(rest).current_dir(env.cwd()).env_clear().envs(given.environment(env, &name));
    become_program(&mut command)
}

#[cfg(unix)]
fn become_program(command: &mut Command) -> Result<(), Failure> {
    use std::os::unix::process::CommandExt as _;
    let error = command.exec();
    Err(not_started(command, &error))
}

#[cfg(not(unix))]
fn become_program(command: &mut Command) -> Result<(), Failure> {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => Err(not_started(command, &error)),
    }
}

fn not_started(command: &Command, error: &std::io::Error) -> Failure {
    let program = Path::new(command.get_program()).display();
    Failure::usage("not_started", format!("{program} could not be started")).why(error.to_string())
}

fn missing(program: &OsStr) -> Failure {
    let program = program.to_string_lossy();
    Failure::usage("no_such_program", format!("there is no program {program}"))
        .why("it was looked for in PATH")
        .fix("vk exec -- /path/to/program")
}

fn plan_only(account: &Account, program: &str) -> Failure {
    let provider = &account.provider;
    Failure::usage("plan_only", format!("a plan pays only for its own program, and {program} was to be given it"))
        .why(format!("vk run drives {provider} itself"))
        .fix("vk run \"TASK\"")
        .fix(format!("vk exec --path byok -- {program}"))
}

fn sells_too(account: &Account, program: &str) -> Failure {
    let provider = &account.provider;
    Failure::usage("not_held_to_free", format!("{program} could not be held to the free models of {provider}"))
        .why(format!("it chooses its own model, and {provider} sells others with the same key"))
        .fix("vk run \"TASK\"")
        .fix(format!("vk exec --path platform --provider {provider} -- {program}"))
}
