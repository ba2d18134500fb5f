//! The arguments of logging in.

use clap::{Args, ValueEnum, ValueHint};

use super::ListOutput;

#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  vk login openrouter          # a key of yours, without copying one\n  \
    vk use free                  # and it runs free models for $0\n  \
    vk login codex               # your ChatGPT plan\n  \
    vk login codex --device      # the same, with a code that you type on another device\n  \
    pass show claude | vk login claude --token-stdin     # what claude setup-token printed\n\n\
    A browser opens where there is one. Over SSH, paste the address that it ended at.")]
pub struct LoginArgs {
    /// Whose account
    pub service: LoginService,
    /// A name for what is stored (default: "default")
    #[arg(long, value_hint = ValueHint::Other)]
    pub label: Option<String>,
    /// codex: show a code to type in a browser on any device
    #[arg(long)]
    pub device: bool,
    /// claude: read the token from stdin
    #[arg(long, conflicts_with = "device")]
    pub token_stdin: bool,
}

#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  vk logout\n  vk logout codex --label work")]
pub struct LogoutArgs {
    /// claude, codex or openrouter; without one, the only login there is
    #[arg(value_hint = ValueHint::Other)]
    pub provider: Option<String>,
    /// Which of several logins
    #[arg(long, value_hint = ValueHint::Other)]
    pub label: Option<String>,
}

#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  vk whoami\n  vk whoami --output json")]
pub struct WhoamiArgs {
    /// How it is written
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub output: ListOutput,
}

/// What can be logged in to
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LoginService {
    /// A token of your Claude plan, for Claude's own program: what claude setup-token prints
    Claude,
    /// Your ChatGPT plan
    Codex,
    /// A key of your OpenRouter account, for the platform and the free path
    Openrouter,
}
