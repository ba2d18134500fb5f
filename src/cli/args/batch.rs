//! The flags of `vk batch`.

use clap::{Args, ValueHint};

use super::{Approve, BatchWorktree, ChoiceArgs, RunEngine, RunOutput, SandboxMode};
use crate::task::order::CHECK_ROUNDS;

#[derive(Debug, Clone, Args)]
#[command(
    after_help = "A line is an object with a \"task\", and may have \"id\", \"model\", \"max_cost\", \"max_turns\", \"timeout\",\n\
    \"checks\" and \"check_rounds\":\n  \
    {\"task\": \"fix the flaky test\", \"id\": \"flaky\", \"max_cost\": \"0.50\", \"checks\": [\"npm test\"]}\n\n\
    The same command again goes on: tasks that are done are left out, those that something kept from their end run\n\
    again. A task that failed on its own (a check, the model, its turns or time) runs again with --retry-failed.\n\n\
    Exit code: 0 all done; 1 a task was not achieved; 3 4 5 7 8 9 as for vk run, once every further task would meet it\n\
    (nothing new begins then); 2 or 6 when as many tasks in a row as run at once end so; 130, 143 interrupted.\n\n\
    Examples:\n  vk batch tasks.jsonl --jobs 4 --max-cost 20.00\n  \
    vk batch tasks.jsonl --commit --check 'cargo test'      # each task one commit on a branch of its own\n  \
    vk batch tasks.jsonl --shard 2/4 --output json          # one of four runners of a CI matrix\n  \
    vk batch tasks.jsonl --dry-run                          # who would pay, and which tasks would run"
)]
pub struct BatchArgs {
    /// The tasks, one JSON object a line; "-" reads stdin
    #[arg(value_name = "FILE.jsonl", value_hint = ValueHint::FilePath)]
    pub file: String,
    /// How many tasks run at once
    #[arg(long, value_name = "N", value_hint = ValueHint::Other, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: u16,
    #[command(flatten)]
    pub choice: ChoiceArgs,
    /// Who runs the loop: vk itself, or the program of a plan; it must be the payer's own
    #[arg(long, value_name = "ENGINE", help_heading = "Who pays")]
    pub engine: Option<RunEngine>,
    /// Allow one change of payer, in each task: FROM->TO=ask or FROM->TO=USD, with provider and key on the right side
    #[arg(long, value_name = "EDGE=ask|USD", value_hint = ValueHint::Other, help_heading = "Who pays")]
    pub fallback: Vec<String>,
    /// Stop before the whole batch costs more than this many dollars, all its starts together
    #[arg(long, value_name = "USD", value_hint = ValueHint::Other, help_heading = "Limits")]
    pub max_cost: Option<String>,
    /// Stop a task before it costs more than this many dollars
    #[arg(long, value_name = "USD", value_hint = ValueHint::Other, help_heading = "Limits")]
    pub max_task_cost: Option<String>,
    /// Stop a task after this many model turns
    #[arg(long, value_name = "N", value_hint = ValueHint::Other, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Limits")]
    pub max_turns: Option<u32>,
    /// Stop a task after this long: 90s, 10m, 2h
    #[arg(long, value_name = "TIME", value_hint = ValueHint::Other, help_heading = "Limits")]
    pub timeout: Option<String>,
    /// A command that must succeed after each task; its failure goes back to the model
    #[arg(long, value_name = "CMD", value_hint = ValueHint::CommandString, help_heading = "Checks")]
    pub check: Vec<String>,
    /// How often failed checks go back to the model
    #[arg(long, value_name = "N", value_hint = ValueHint::Other, default_value_t = CHECK_ROUNDS, help_heading = "Checks")]
    pub check_rounds: u32,
    /// What would be asked about; nobody answers in a batch, so anything but all is refused
    #[arg(long, value_name = "WHAT", help_heading = "Containment")]
    pub approve: Option<Approve>,
    /// What the model's commands may write: the workspace, nothing, or anything (no sandbox)
    #[arg(long, value_name = "MODE", help_heading = "Containment")]
    pub sandbox: Option<SandboxMode>,
    /// Let commands reach the package registries, these hosts, or (alone) any host
    #[arg(long, value_name = "registries|HOST,...", value_hint = ValueHint::Other, num_args = 0..=1, default_missing_value = "*", require_equals = true, help_heading = "Containment")]
    pub allow_network: Option<String>,
    /// Use only these MCP servers, or none
    #[arg(long, value_name = "NAME,...|none", value_hint = ValueHint::Other, help_heading = "Containment")]
    pub mcp: Option<String>,
    /// Trust this project's vk.toml if its hash is the one `vk trust --print` gave
    #[arg(long, value_name = "SHA256", value_hint = ValueHint::Other, help_heading = "Containment")]
    pub trust: Option<String>,
    /// What of your uncommitted changes comes along into the tasks' worktrees; asked once where it is not said
    #[arg(long, value_name = "carry|clean", require_equals = true, help_heading = "Git")]
    pub worktree: Option<BatchWorktree>,
    /// Commit what each task changed, on its own branch, once it is done
    #[arg(long, help_heading = "Git")]
    pub commit: bool,
    /// Commit, push each branch and open a pull request for it with gh
    #[arg(long, help_heading = "Git")]
    pub pr: bool,
    /// Take only the I-th of N parts of the file, counted from 1
    #[arg(long, value_name = "I/N", value_hint = ValueHint::Other, help_heading = "Which tasks")]
    pub shard: Option<String>,
    /// Run again also the tasks that failed on their own
    #[arg(long, help_heading = "Which tasks")]
    pub retry_failed: bool,
    /// Where the results are kept and gone on from (default: beside FILE, as FILE.results.jsonl)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Which tasks")]
    pub results: Option<String>,
    /// The batch's name: starts with the same name share one cap, on every machine of a team's ledger
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Other, help_heading = "Which tasks")]
    pub id: Option<String>,
    /// Show who would pay and which tasks would run, and stop
    #[arg(long)]
    pub dry_run: bool,
    /// How the results are written
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    pub output: RunOutput,
    /// Say less: who pays, errors and the table of the end
    #[arg(long, help_heading = "Output")]
    pub quiet: bool,
}
