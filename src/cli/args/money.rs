//! The flags of the commands that report money: `vk cost`, `vk compare`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::ListOutput;

#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Examples:\n  vk cost\n  vk cost --by month --since 2026-01-01\n  vk cost --by payer --output csv\n  vk cost --by day --chart\n  vk cost --output html > cost.html\n  vk cost show t1qk7r"
)]
pub struct CostArgs {
    #[command(subcommand)]
    pub command: Option<CostCommand>,
    /// One row for each
    #[arg(long, value_name = "GROUP", default_value = "task")]
    pub by: CostGroup,
    /// From here on: 7d, 12h, 2026-11-01 (UTC)
    #[arg(long, value_name = "WHEN", value_hint = ValueHint::Other)]
    pub since: Option<String>,
    /// Up to the end of this day, or this moment
    #[arg(long, value_name = "WHEN", value_hint = ValueHint::Other)]
    pub until: Option<String>,
    /// Only this project's tasks, by its name in the reports
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Other)]
    pub project: Option<String>,
    /// How it is written
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub output: CostReport,
    /// Draw bars, and over time a sparkline
    #[arg(long)]
    pub chart: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CostReport {
    Table,
    Json,
    Csv,
    Markdown,
    /// One page with charts and tables
    Html,
}

#[derive(Debug, Clone, Subcommand)]
pub enum CostCommand {
    /// One task, call by call
    Show {
        /// The task's id or its beginning; without one, the last task here
        #[arg(value_hint = ValueHint::Other)]
        task_id: Option<String>,
        /// How it is written
        #[arg(long, value_name = "FORMAT", default_value = "table")]
        output: CostOutput,
    },
    /// Beside what the providers say that they charged; estimated and uncertain calls are settled by it
    Reconcile(ReconcileArgs),
}

#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  vk cost reconcile                # the gateways' record of each call\n  \
    vk cost reconcile anthropic --admin-key env:ANTHROPIC_ADMIN_KEY --since 30d\n  \
    vk cost reconcile openai --from invoice.csv --dry-run")]
pub struct ReconcileArgs {
    /// Only this provider; without one, every provider that charged for a call
    #[arg(value_hint = ValueHint::Other)]
    pub provider: Option<String>,
    /// From here on: 7d, 2026-11-01 (UTC); default: the last 7 days
    #[arg(long, value_name = "WHEN", value_hint = ValueHint::Other)]
    pub since: Option<String>,
    /// Up to the end of this day, or this moment
    #[arg(long, value_name = "WHEN", value_hint = ValueHint::Other)]
    pub until: Option<String>,
    /// The provider's bill as CSV: a day, a cost and where it has one a model on each line
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "provider")]
    pub from: Option<PathBuf>,
    /// An administrator's key for the cost report, from this variable
    #[arg(long, value_name = "env:NAME", value_hint = ValueHint::Other, requires = "provider", conflicts_with = "from")]
    pub admin_key: Option<String>,
    /// Show the differences and settle nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How it is written
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub output: ListOutput,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CostGroup {
    Task,
    Session,
    Day,
    Week,
    Month,
    Project,
    Path,
    Model,
    Provider,
    Payer,
    Key,
    User,
    Tool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CostOutput {
    Table,
    Json,
    Csv,
    Markdown,
}

#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  vk import                    # every log that is found\n  vk import codex\n  \
    vk import claude-code --dir /mnt/old/.claude\n  vk import && vk cost --by month")]
pub struct ImportArgs {
    /// Only this tool's logs
    pub tool: Option<ImportTool>,
    /// Look in this folder instead of the usual ones
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    /// How it is written
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub output: ListOutput,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ImportTool {
    ClaudeCode,
    Codex,
    Opencode,
    Pi,
}

#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  vk import && vk compare\n  vk compare --since 2026-06-01 --output json\n  \
    vk compare --tasks 5/week --tokens 100k,900k,15k --model sonnet\n  \
    vk compare --tasks 1000 --tokens 100k,900k,15k      # a thousand features in a month")]
pub struct CompareArgs {
    /// From here on: 7d, 2026-11-01 (UTC); default: the last 30 days
    #[arg(long, value_name = "WHEN", value_hint = ValueHint::Other, conflicts_with = "tasks")]
    pub since: Option<String>,
    /// Instead of the history: so many tasks, 5/week, 2/day, 20/month; a plain number is within a month
    #[arg(long, value_name = "N/week", value_hint = ValueHint::Other, requires = "tokens", help_heading = "A stated workload")]
    pub tasks: Option<String>,
    /// The tokens of one task: uncached input, cache reads, output; 100k,900k,15k
    #[arg(long, value_name = "IN,CACHED,OUT", value_hint = ValueHint::Other, requires = "tasks", help_heading = "A stated workload")]
    pub tokens: Option<String>,
    /// The model of the stated workload: an alias, an id, or VENDOR/ID
    #[arg(long, value_name = "MODEL", value_hint = ValueHint::Other, requires = "tasks", help_heading = "A stated workload")]
    pub model: Option<String>,
    /// How it is written
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub output: CompareOutput,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompareOutput {
    Table,
    Json,
    Markdown,
}
