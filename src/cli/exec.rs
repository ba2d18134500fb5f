//! `vk exec`: another program with exactly this project's payer. It gets that key and no other, and takes vk's place.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::args::ExecArgs;
use super::context::Context;
use crate::base::env::Env;
use crate::base::secret::Secret;
use crate::config::{self, Flags, KeyChoice, LedgerSettings};
use crate::domain::failure::Failure;
use crate::domain::path::PayPath;
use crate::domain::route::is_local;
use crate::present::handed_over;
use crate::routing::{self, Account};
use crate::task::hand_over::{self, Value};
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
    let program = find(env, first).ok_or_else(|| missing(first))?;
    let name = program.file_name().unwrap_or(first).to_string_lossy().into_owned();
    if account.path == PayPath::Free && !is_local(&account.base_url.value) {
        return Err(sells_too(&account, &name));
    }
    if account.path == PayPath::Subscription {
        return Err(plan_only(&account, &name));
    }
    let secret = prepare::secret(env, &known, &account.provider, &account.base_url.value, &account.credential)?;
    let ignored = &known.loaded.ignored_ambient;
    for line in handed_over::lines(&account, &name, ignored, &env_file_names(&known.loaded.project.root)) {
        ui.say(&line);
    }
    known.remember_key_use(&account.credential);
    become_program(&mut command(
        env,
        &program,
        &account,
        &name,
        secret.as_ref(),
        known.loaded.settings.ledger.as_ref(),
        rest,
    ))
}

/// The program's environment: the user's own, without any credential or address of a provider but the chosen one.
fn command(
    env: &Env,
    program: &Path,
    account: &Account,
    name: &str,
    secret: Option<&Secret>,
    ledger: Option<&LedgerSettings>,
    arguments: &[std::ffi::OsString],
) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(env.cwd()).env_clear();
    // The variable that was named for this run is a credential too, whatever it is called; so is what opens the store.
    // And so is the password of a team's ledger.
    let password = match ledger.and_then(|settings| settings.key.as_ref()).map(|key| &key.value) {
        Some(KeyChoice::Env(name)) => Some(name.as_str()),
        _ => None,
    };
    let named = account.credential.label().and_then(|label| label.strip_prefix("env:").map(str::to_owned));
    let kept = env.without_ambient().filter(|(name, _)| {
        name.to_str()
            .is_none_or(|name| Some(name) != named.as_deref() && Some(name) != password && name != "VK_AGE_IDENTITY")
    });
    command.envs(kept);
    let own_address = account.base_url.source != config::Source::BuiltIn;
    let known = hand_over::Account { provider: &account.provider, wire: account.wire, own_address };
    for (variable, value) in hand_over::variables(name, &known) {
        match value {
            // Programs refuse to start without a key, also where the server takes none.
            Value::Secret => command.env(variable, secret.map_or("none", Secret::expose)),
            Value::Address => command.env(variable, &account.base_url.value),
        };
    }
    command
}

/// As a shell would find it, but never in a relative entry of `PATH`.
fn find(env: &Env, program: &OsStr) -> Option<PathBuf> {
    let path = Path::new(program);
    if path.components().count() > 1 || path.is_absolute() {
        let file = env.cwd().join(path);
        return file.is_file().then_some(file);
    }
    env.find_program(program.to_str()?, None)
}

/// Names of credentials in the project's `.env`, which many programs read by themselves.
fn env_file_names(root: &Path) -> Vec<String> {
    const MOST: u64 = 256 * 1024;
    let Ok(bytes) = crate::base::fsx::read_unfollowed(&root.join(".env"), MOST) else { return Vec::new() };
    let text = String::from_utf8_lossy(&bytes);
    let name = |line: &str| {
        let line = line.trim().trim_start_matches("export ");
        line.split_once('=').map(|(name, _)| name.trim().to_owned())
    };
    let mut names: Vec<String> = text.lines().filter_map(name).filter(|n| crate::base::env::is_ambient(n)).collect();
    names.sort();
    names.dedup();
    names
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
