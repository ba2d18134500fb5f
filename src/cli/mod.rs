//! Arguments in, one call, hand the result to `present/`.

pub mod args;
pub mod context;

use std::ffi::OsString;
use std::future::Future;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _};

use crate::base::env::Env;
use crate::domain::failure::{Failure, Status};
use args::{Cli, Command};

/// Runs the command line and gives the exit code. Everything that can go wrong has been told to the person.
#[must_use]
pub fn main(args: impl IntoIterator<Item = OsString>, env: Env) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    let parsed = Cli::command().try_get_matches_from(&args).and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => dispatch(cli, env),
        Err(error) => {
            // Clap writes help to stdout and errors to stderr; a closed pipe is nobody's failure.
            let _ = error.print();
            match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => 0,
                _ => Status::Usage.exit_code(),
            }
        }
    }
}

fn dispatch(cli: Cli, _env: Env) -> u8 {
    match cli.command {
        None | Some(Command::Man) => 0,
        Some(_) => 2,
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
