//! The flags of `vk run`, and those that choose who pays, which other commands have too.

use clap::{Args, ValueEnum, ValueHint};

use super::paths;
use crate::task::order::CHECK_ROUNDS;

// Which account pays and which model runs; each overrides every configuration file.
#[derive(Debug, Clone, Default, Args)]
pub struct ChoiceArgs {
    /// Whose account pays
    #[arg(long, value_name = "PATH", value_parser = paths(), help_heading = "Who pays")]
    pub path: Option<String>,
    /// The provider, by a name you have configured
    #[arg(long, value_name = "NAME", value_hint = ValueHint::Other, help_heading = "Who pays")]
    pub provider: Option<String>,
    /// The model: an alias, an exact id, or fast, balanced, best
    #[arg(long, value_name = "MODEL", value_hint = ValueHint::Other, help_heading = "Who pays")]
    pub model: Option<String>,
    /// A stored key's label, or env:NAME for one run
    #[arg(long, value_name = "LABEL|env:NAME", value_hint = ValueHint::Other, help_heading = "Who pays")]
    pub key: Option<String>,
}

#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  vk run \"add stripe checkout\"\n  git diff | vk run \"review this\"\n  \
    vk run --check 'cargo test' --max-cost 1.50 \"make the failing test pass\"\n  \
    vk run --continue \"now write the docs\"\n  \
    vk run --key env:ANTHROPIC_API_KEY --path byok --provider anthropic --output json \"fix lint\"   # CI")]
pub struct RunArgs {
    /// The task; "-", or nothing with piped stdin, reads it from stdin
    #[arg(value_name = "TASK", value_hint = ValueHint::Other)]
    pub task: Option<String>,
    #[command(flatten)]
    pub choice: ChoiceArgs,
    /// Who runs the loop: vk itself, or the program of a plan; it must be the payer's own
    #[arg(long, value_name = "ENGINE", help_heading = "Who pays")]
    pub engine: Option<RunEngine>,
    /// Allow one change of payer: FROM->TO=ask or FROM->TO=USD, with provider and key on the right side
    #[arg(long, value_name = "EDGE=ask|USD", value_hint = ValueHint::Other, help_heading = "Who pays")]
    pub fallback: Vec<String>,
    /// Stop before the task costs more than this many dollars
    #[arg(long, value_name = "USD", value_hint = ValueHint::Other, help_heading = "Limits")]
    pub max_cost: Option<String>,
    /// Stop after this many model turns
    #[arg(long, value_name = "N", value_hint = ValueHint::Other, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Limits")]
    pub max_turns: Option<u32>,
    /// Stop after this long: 90s, 10m, 2h
    #[arg(long, value_name = "TIME", value_hint = ValueHint::Other, help_heading = "Limits")]
    pub timeout: Option<String>,
    /// A command that must succeed after the work; its failure goes back to the model
    #[arg(long, value_name = "CMD", value_hint = ValueHint::CommandString, help_heading = "Checks")]
    pub check: Vec<String>,
    /// How often failed checks go back to the model
    #[arg(long, value_name = "N", value_hint = ValueHint::Other, default_value_t = CHECK_ROUNDS, help_heading = "Checks")]
    pub check_rounds: u32,
    /// What is asked about: each write and command, commands only, or nothing inside the sandbox
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
    /// Go on from the last task of this project, or from that one; the path may differ
    #[arg(long = "continue", value_name = "TASK_ID", value_hint = ValueHint::Other, num_args = 0..=1, default_missing_value = "", require_equals = true)]
    pub continue_task: Option<String>,
    /// Give the model a PNG, JPEG, GIF or WebP file with the task; repeatable
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub image: Vec<String>,
    /// Work in a git worktree of its own beside the repository; what of your uncommitted changes comes along
    #[arg(long, value_name = "carry|clean", num_args = 0..=1, default_missing_value = "ask", require_equals = true, help_heading = "Git")]
    pub worktree: Option<RunWorktree>,
    /// Commit what the task changed, and nothing of yours, once it is done
    #[arg(long, help_heading = "Git")]
    pub commit: bool,
    /// Commit, push the branch and open a pull request with gh
    #[arg(long, help_heading = "Git")]
    pub pr: bool,
    /// Show the route and stop before anything is sent
    #[arg(long)]
    pub dry_run: bool,
    /// How the result is written
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Output")]
    pub output: RunOutput,
    /// Say less: the route line, errors and the answer
    #[arg(long, help_heading = "Output")]
    pub quiet: bool,
    /// Write the size, status and time of each request to the model to stderr; never its contents
    #[arg(long, help_heading = "Output")]
    pub debug: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RunEngine {
    /// vk's own loop, for keys, gateways and free models
    Builtin,
    /// The installed claude, on its plan
    Claude,
    /// The installed codex, on its plan
    Codex,
}

impl RunEngine {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Claude => "claude",
            Self::Codex => "codex",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Approve {
    /// Each write and each command is asked
    Ask,
    /// Commands are asked
    Edits,
    /// Nothing inside the sandbox is asked
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SandboxMode {
    /// The project folder can be written
    Workspace,
    /// Nothing can be written
    ReadOnly,
    /// No sandbox: commands run with your rights
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RunWorktree {
    /// Ask about uncommitted changes; where nobody is there they stay
    Ask,
    /// Take uncommitted changes along
    Carry,
    /// Begin from the last commit
    Clean,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BatchWorktree {
    /// Take uncommitted changes along
    Carry,
    /// Begin from the last commit
    Clean,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RunOutput {
    /// The answer on stdout, everything else on stderr
    Text,
    /// One JSON object, at the end
    Json,
    /// One JSON object a line, as things happen
    StreamJson,
}
