//! The flags of `vk budget`.

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::ListOutput;

#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:\n  vk budget                                       # what is left of each\n  \
    vk budget set 20.00 --per day\n  vk budget set 5.00 --per day --project\n  \
    vk budget set 100 --per month --key client-a\n  \
    vk budget set --quota 80% --tasks-day 20        # of a plan, which charges no dollars\n  \
    vk budget set 200 --per week --team             # binds everyone who uses this ledger\n  \
    vk budget clear --per day\n  vk budget settle t1qk7r-3.1 0.12                # what the provider says it cost")]
pub struct BudgetArgs {
    #[command(subcommand)]
    pub command: Option<BudgetCommand>,
}

#[derive(Debug, Clone, Subcommand)]
pub enum BudgetCommand {
    /// Every budget: where it is set, what is spent, held and left of it, and until when
    List {
        /// How it is written
        #[arg(long, value_name = "FORMAT", default_value = "table")]
        output: ListOutput,
    },
    /// Set a budget: yours in config.toml, a project's in its vk.toml, a team's in the ledger
    Set {
        /// Dollars: 20, 20.00
        #[arg(value_hint = ValueHint::Other, required_unless_present_any = ["quota", "tasks_day"], requires = "per")]
        usd: Option<String>,
        /// How often it begins anew; windows are calendar windows in UTC
        #[arg(long, value_name = "WINDOW", requires = "usd")]
        per: Option<BudgetPer>,
        /// Plans: no call once this part of a window of the plan is used, like 80%
        #[arg(long, value_name = "PERCENT", conflicts_with_all = ["path", "key", "team"])]
        quota: Option<String>,
        /// Plans: at most this many tasks a day (UTC) on one plan
        #[arg(long, value_name = "N", conflicts_with_all = ["path", "key", "team"])]
        tasks_day: Option<u32>,
        #[command(flatten)]
        of: BudgetOf,
    },
    /// Take a budget away
    Clear {
        /// Only this one of them
        #[arg(long, value_name = "WINDOW", conflicts_with_all = ["quota", "tasks_day"])]
        per: Option<BudgetPer>,
        /// The one on a plan's windows
        #[arg(long, conflicts_with_all = ["path", "key", "team"])]
        quota: bool,
        /// The one on a plan's tasks a day
        #[arg(long, conflicts_with_all = ["path", "key", "team"])]
        tasks_day: bool,
        #[command(flatten)]
        of: BudgetOf,
    },
    /// Record what an uncertain call cost, as its provider says
    Settle {
        /// The attempt, as vk budget list shows it
        #[arg(value_hint = ValueHint::Other)]
        attempt: String,
        /// Dollars: 0.12; 0 where the provider charged nothing
        #[arg(value_hint = ValueHint::Other)]
        usd: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BudgetPer {
    Task,
    Day,
    Week,
    Month,
}

/// Whose spending it limits; without any of these, everything you spend
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[group(multiple = false)]
pub struct BudgetOf {
    /// This project, in its vk.toml
    #[arg(long)]
    pub project: bool,
    /// One path: byok or platform
    #[arg(long, value_name = "PATH", value_parser = ["byok", "platform"])]
    pub path: Option<String>,
    /// One stored key: its label, or PROVIDER/LABEL
    #[arg(long, value_name = "LABEL", value_hint = ValueHint::Other)]
    pub key: Option<String>,
    /// Everyone who uses this ledger
    #[arg(long)]
    pub team: bool,
}
