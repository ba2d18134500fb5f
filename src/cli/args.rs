//! The command line as clap types, and nothing else. The doc comments are the help.

mod batch;
mod budget;
mod exec;
mod ledger;
mod login;
mod models;
mod money;
mod run;

use std::path::PathBuf;

pub use batch::BatchArgs;
pub use budget::{BudgetArgs, BudgetCommand, BudgetOf, BudgetPer};
pub use exec::ExecArgs;
pub use ledger::{LedgerArgs, LedgerCommand};
pub use login::{LoginArgs, LoginService, LogoutArgs, WhoamiArgs};
pub use models::{ModelsArgs, ModelsCommand, PoolArgs};
pub use money::{
    CompareArgs, CompareOutput, CostArgs, CostCommand, CostGroup, CostOutput, CostReport, ImportArgs, ImportTool,
    ReconcileArgs,
};
pub use run::{Approve, BatchWorktree, ChoiceArgs, RunArgs, RunEngine, RunOutput, RunWorktree, SandboxMode};

use clap::builder::PossibleValue;
use clap::{Args, Command as Clap, CommandFactory as _, Parser, Subcommand, ValueEnum, ValueHint};

/// The words of the paths.
fn paths() -> [PossibleValue; 4] {
    ["byok", "subscription", "platform", "free"].map(PossibleValue::new)
}

/// Hand coding tasks to AI models; see and decide which model runs and whose account pays.
#[derive(Debug, Parser)]
#[command(name = "vk", version, about, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = "Start here:\n  vk demo                    see it work, without a key\n  \
    vk keys add anthropic      store a key in the OS keyring\n  \
    vk use byok                choose this project's path\n  \
    vk run \"fix the tests\"     run a task; the payer is shown first\n  \
    vk cost                    what each task cost, and who paid")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
}

// The arguments of a command are only put together when it is the one that was typed: a program that is started by
// scripts must start fast.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum Command {
    /// Run a coding task in this repository
    Run(Box<RunArgs>),
    /// Run many tasks, several at once, under one payer and one budget
    Batch(Box<BatchArgs>),
    /// Run another tool with exactly this project's payer
    Exec(ExecArgs),
    /// Store, list and test provider keys; they live in the OS keyring
    Keys(KeysArgs),
    /// Log in to an account of yours, without copying a key
    Login(LoginArgs),
    /// End a login and remove what is stored of it
    Logout(LogoutArgs),
    /// Every credential and plan that is here, and which one pays in this project
    Whoami(WhoamiArgs),
    /// Write this project's path to vk.toml, keeping its comments
    Use(UseArgs),
    /// Show who would pay and which model would run; nothing is sent
    Route(RouteArgs),
    /// What each task cost, and who paid
    Cost(CostArgs),
    /// What may be spent: by task, day, week, month; what is left of it
    Budget(BudgetArgs),
    /// Bring what other tools spent into the ledger, from the logs they leave here
    Import(ImportArgs),
    /// Copy the ledger into a team's database, or back into this machine's file
    Ledger(LedgerArgs),
    /// Your history, or a stated workload, on every path: own keys, plans, gateways, free
    Compare(CompareArgs),
    /// Tasks that ran here: list, look at, undo
    Tasks(TasksArgs),
    /// The models vk knows, their prices and where those are from
    Models(ModelsArgs),
    /// Look at this project's vk.toml and trust what it chooses
    Trust(TrustArgs),
    /// What works here and what does not: keyring, sandbox, git, configuration, proxies
    Doctor(DoctorArgs),
    /// See the real thing work against a rehearsed model, without a key or a network
    Demo(DemoArgs),
    /// Print the completion script of a shell
    Completions(CompletionsArgs),
    /// Print the manual page of every command
    #[command(
        after_help = "Examples:\n  vk man | man -l -\n  mkdir -p ~/.local/share/man/man1 && vk man > ~/.local/share/man/man1/vk.1"
    )]
    Man,
    /// The inside of the sandbox; not for people.
    #[command(name = "__sandbox", hide = true)]
    Sandbox(SandboxArgs),
}

/// A data command's output
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListOutput {
    Table,
    Json,
}

#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  vk keys add anthropic --label client-a\n  \
    pass show openai | vk keys add openai --stdin\n  vk keys test client-a\n  \
    vk keys init --file      # where there is no keyring")]
pub struct KeysArgs {
    #[command(subcommand)]
    pub command: KeysCommand,
}

#[derive(Debug, Clone, Subcommand)]
pub enum KeysCommand {
    /// Store a key; without a provider, the key's prefix names it
    Add {
        /// anthropic, openai, or a provider of your config.toml
        #[arg(value_hint = ValueHint::Other)]
        provider: Option<String>,
        /// A name for the key (default: "default")
        #[arg(long, value_hint = ValueHint::Other)]
        label: Option<String>,
        /// Read the key from stdin
        #[arg(long, conflicts_with = "from_env")]
        stdin: bool,
        /// Read the key from this environment variable, once
        #[arg(long, value_name = "NAME", value_hint = ValueHint::Other)]
        from_env: Option<String>,
    },
    /// The stored keys, never their secrets
    List {
        /// How it is written
        #[arg(long, value_name = "FORMAT", default_value = "table")]
        output: ListOutput,
    },
    /// Ask the provider, with one free request, whether the key works and whose it is
    Test {
        /// The key's label; without one, every stored key
        #[arg(value_hint = ValueHint::Other)]
        label: Option<String>,
        /// Whose key, where several providers have that label
        #[arg(long, value_name = "NAME", value_hint = ValueHint::Other)]
        provider: Option<String>,
        /// Bind the key to the address that config.toml now gives its provider
        #[arg(long)]
        accept_address: bool,
        /// How it is written
        #[arg(long, value_name = "FORMAT", default_value = "table")]
        output: ListOutput,
    },
    /// Delete a key from the store
    Remove {
        /// The key's label, as vk keys list shows it
        #[arg(value_hint = ValueHint::Other)]
        label: String,
        /// Whose key, where several providers have that label
        #[arg(long, value_name = "NAME", value_hint = ValueHint::Other)]
        provider: Option<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Use this key where a provider has several and none is named
    Default {
        /// The key's label, as vk keys list shows it
        #[arg(value_hint = ValueHint::Other)]
        label: String,
        /// Whose key, where several providers have that label
        #[arg(long, value_name = "NAME", value_hint = ValueHint::Other)]
        provider: Option<String>,
    },
    /// Choose where secrets are kept
    Init {
        /// An age-encrypted file, where there is no OS keyring
        #[arg(long, required = true)]
        file: bool,
    },
}

#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  vk use byok\n  vk use byok --provider anthropic --key client-a --model best\n  \
    vk use byok --personal     # for this project, in your own config.toml\n  vk use byok --global       # for every project")]
pub struct UseArgs {
    /// Whose account pays; without anything, a guided choice
    #[arg(value_parser = paths())]
    pub path: Option<String>,
    /// The provider, by a name you have configured
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Other)]
    pub provider: Option<String>,
    /// The model: an alias, an exact id, or fast, balanced, best
    #[arg(long, value_name = "MODEL", value_hint = ValueHint::Other)]
    pub model: Option<String>,
    /// A stored key's label
    #[arg(long, value_name = "LABEL", value_hint = ValueHint::Other)]
    pub key: Option<String>,
    /// Write your own config.toml, for every project
    #[arg(long, conflicts_with = "personal")]
    pub global: bool,
    /// Write your own config.toml, for this project only
    #[arg(long)]
    pub personal: bool,
}

#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  vk route\n  vk route \"refactor the parser\" --output json")]
pub struct RouteArgs {
    /// The task's words, where vk.toml chooses the model by them
    #[arg(value_hint = ValueHint::Other)]
    pub task: Option<String>,
    #[command(flatten)]
    pub choice: ChoiceArgs,
    /// How it is written
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub output: ListOutput,
}

#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Examples:\n  vk tasks\n  vk tasks diff            # what the last task changed\n  vk tasks undo t1qk7r   # put back what that one changed"
)]
pub struct TasksArgs {
    #[command(subcommand)]
    pub command: Option<TasksCommand>,
}

#[derive(Debug, Clone, Subcommand)]
pub enum TasksCommand {
    /// The tasks of this project, newest first
    List {
        /// Tasks of every project
        #[arg(long)]
        all: bool,
        /// How it is written
        #[arg(long, value_name = "FORMAT", default_value = "table")]
        output: ListOutput,
    },
    /// One task: its words, route, calls, checks and files
    Show {
        /// The task's id or its beginning; without one, the last task here
        #[arg(value_hint = ValueHint::Other)]
        task_id: Option<String>,
        /// How it is written
        #[arg(long, value_name = "FORMAT", default_value = "table")]
        output: ListOutput,
    },
    /// What a task changed
    Diff {
        /// The task's id or its beginning; without one, the last task here
        #[arg(value_hint = ValueHint::Other)]
        task_id: Option<String>,
    },
    /// Put back what a task changed; files changed since are shown and skipped
    Undo {
        /// The task's id or its beginning; without one, the last task here
        #[arg(value_hint = ValueHint::Other)]
        task_id: Option<String>,
        /// Also files that were changed after the task
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  vk trust              # shows it and asks\n  vk trust --print      # the hash for vk run --trust in CI"
)]
pub struct TrustArgs {
    /// Print the hash of what vk.toml chooses and stop
    #[arg(long)]
    pub print: bool,
}

#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  vk doctor\n  vk doctor --output json")]
pub struct DoctorArgs {
    /// How it is written
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub output: ListOutput,
}

#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  vk demo\n  vk demo --keep      # look at the folder afterwards")]
pub struct DemoArgs {
    /// Keep the demo's folder and print where it is
    #[arg(long)]
    pub keep: bool,
}

#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  mkdir -p ~/.zfunc && vk completions zsh > ~/.zfunc/_vk")]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// The command line without what is not for people: for completions and the manual page.
#[must_use]
pub fn visible() -> Clap {
    let full = Cli::command();
    let shown = full.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    let mut visible = Clap::new("vk")
        .version(env!("CARGO_PKG_VERSION"))
        .about(full.get_about().cloned().unwrap_or_default())
        .after_help(full.get_after_help().cloned().unwrap_or_default())
        .disable_help_subcommand(true)
        .subcommands(shown);
    visible.build();
    visible
}

#[derive(Debug, Clone, Args)]
pub struct SandboxArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub rest: Vec<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(command: &Clap) {
        assert!(command.get_about().is_some(), "{} says nothing of itself", command.get_name());
        for arg in command.get_arguments() {
            assert!(arg.get_help().is_some(), "{} {} has no help", command.get_name(), arg.get_id());
        }
        command.get_subcommands().for_each(check);
    }

    #[test]
    fn every_command_has_an_example_and_every_argument_its_help() {
        Cli::command().debug_assert();
        let all = visible();
        for command in all.get_subcommands() {
            let more = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(more.contains("vk "), "{} has no example", command.get_name());
            check(command);
        }
        assert!(all.get_subcommands().all(|command| command.get_name() != "__sandbox"));
    }
}
