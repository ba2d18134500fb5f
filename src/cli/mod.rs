//! Arguments in, one call, hand the result to `present/`.

pub mod args;
pub mod batch;
pub mod budget;
pub mod compare;
pub mod completions;
mod compose;
pub mod context;
pub mod cost;
pub mod demo;
pub mod doctor;
pub mod exec;
pub mod first_contact;
mod image;
pub mod import;
pub mod keys;
pub mod ledger;
pub mod login;
pub mod logout;
pub mod manual;
pub mod models;
mod pool;
mod prices;
mod reconcile;
mod refused;
pub mod route;
pub mod run;
pub mod sandbox;
mod stdin;
pub mod tasks;
pub mod trust;
pub mod use_path;
pub mod whoami;

use std::ffi::OsString;
use std::future::Future;
use std::sync::Arc;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _};

use crate::base::env::Env;
use crate::domain::failure::{Failure, Status};
use crate::present::failure::{self, Ends};
use crate::present::terminal::{Mode, Terminal};
use args::{Cli, Command, RunOutput};
use context::Context;

/// Runs the command line and gives the exit code. Everything that can go wrong has been told to the person.
#[must_use]
pub fn main(args: impl IntoIterator<Item = OsString>, env: Env) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    let parsed = Cli::command().try_get_matches_from(&args).and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => dispatch(cli, env),
        Err(error) => refuse(&error, &args),
    }
}

/// Help and version are answers; everything else is exit 2, told in the form that was asked for.
fn refuse(error: &clap::Error, args: &[OsString]) -> u8 {
    // Clap writes help to stdout and errors to stderr; a closed pipe is nobody's failure.
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let _ = error.print();
            return 0;
        }
        // `vk keys` alone: the help is what is missing.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
        }
        _ => {
            let (mode, ends) = refused::output_asked_for(args);
            failure::print(&refused::failure(error, args), mode, ends);
        }
    }
    Status::Usage.exit_code()
}

const fn mode_of(output: RunOutput) -> Mode {
    match output {
        RunOutput::Text => Mode::Text,
        RunOutput::Json => Mode::Json,
        RunOutput::StreamJson => Mode::StreamJson,
    }
}

fn dispatch(cli: Cli, env: Env) -> u8 {
    if let Some(Command::Sandbox(args)) = &cli.command {
        return sandbox::run(args);
    }
    let (mode, quiet, is_run) = match &cli.command {
        Some(Command::Run(run)) => (mode_of(run.output), run.quiet, true),
        Some(Command::Batch(batch)) => (mode_of(batch.output), batch.quiet, true),
        _ => (Mode::Text, false, false),
    };
    let ui = Arc::new(Terminal::new(&env, mode, quiet));
    ui.show_requests(matches!(&cli.command, Some(Command::Run(run)) if run.debug));
    let context = Context { env, ui };
    let ended = execute(cli.command, &context);
    // A renewal that was under way is stored before the program is gone.
    crate::credential::plan::settle();
    match ended {
        Ok(()) => 0,
        Err(ended) => {
            // A run has told its end as `task.finished`, a batch as `batch.finished`.
            if !is_run {
                failure::print(&ended, mode, Ends::WithTask);
            }
            ended.exit_code()
        }
    }
}

fn execute(command: Option<Command>, context: &Context) -> Result<(), Failure> {
    match command {
        Some(Command::Cost(args)) => cost::run(args, context),
        Some(Command::Budget(args)) => budget::run(args, context),
        Some(Command::Import(args)) => import::run(&args, context),
        Some(Command::Ledger(args)) => ledger::run(args, context),
        Some(Command::Compare(args)) => compare::run(&args, context),
        None => block_on(first_contact::overview(context)),
        Some(Command::Demo(args)) => block_on(demo::run(args, context)),
        Some(Command::Keys(args)) => block_on(keys::run(args, context)),
        Some(Command::Login(args)) => block_on(login::run(args, context)),
        Some(Command::Logout(args)) => block_on(logout::run(args, context)),
        Some(Command::Whoami(args)) => block_on(whoami::run(args, context)),
        Some(Command::Exec(args)) => exec::run(args, context),
        Some(Command::Route(args)) => block_on(route::run(args, context)),
        Some(Command::Run(args)) => block_on(run::run(*args, context)),
        Some(Command::Batch(args)) => block_on(batch::run(*args, context)),
        Some(Command::Models(args)) => models::run(args, context),
        Some(Command::Tasks(args)) => tasks::run(args, context),
        Some(Command::Doctor(args)) => block_on(doctor::run(args, context)),
        Some(Command::Use(args)) => block_on(use_path::run(args, context)),
        Some(Command::Trust(args)) => trust::run(&args, context),
        Some(Command::Completions(args)) => completions::run(&args),
        Some(Command::Man) => manual::run(),
        // It has no terminal and no errors for people: `dispatch` has run it.
        Some(Command::Sandbox(_)) => Ok(()),
    }
}

/// One thread is enough: a task waits for one stream at a time, and starts faster without a pool.
///
/// # Errors
/// When the system gives no event queue, or what the future itself answers.
pub fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::usage("no_runtime", "the system refused an event queue").why(e.to_string()))?
        .block_on(future)
}
