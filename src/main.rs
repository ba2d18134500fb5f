//! Parse, call, exit code.

use std::process::ExitCode;

use vibekit::base::env::Env;

fn main() -> ExitCode {
    ExitCode::from(vibekit::cli::main(std::env::args_os(), Env::capture()))
}
