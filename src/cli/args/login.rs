//! The arguments of logging in.

use clap::{Args, ValueEnum, ValueHint};

#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  vk login openrouter          # a key of yours, without copying one\n  \
    vk use free                  # and it runs free models for $0\n\n\
    A browser opens where there is one. Over SSH, paste the address that it ended at.")]
pub struct LoginArgs {
    /// Whose account
    pub service: LoginService,
    /// A name for what is stored (default: "default")
    #[arg(long, value_hint = ValueHint::Other)]
    pub label: Option<String>,
}

/// What can be logged in to
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LoginService {
    /// A key of your OpenRouter account, for the platform and the free path
    Openrouter,
}
