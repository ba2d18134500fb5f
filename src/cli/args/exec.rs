//! The flags of `vk exec`.

use std::ffi::OsString;

use clap::Args;

use super::paths;

#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  vk exec -- aider --model sonnet\n  vk exec --key client-a -- python3 agent.py\n  \
    vk exec --path byok --provider openai --key env:CI_OPENAI_KEY -- ./script.sh"
)]
pub struct ExecArgs {
    /// Whose account pays
    #[arg(long, value_name = "PATH", value_parser = paths(), help_heading = "Who pays")]
    pub path: Option<String>,
    /// The provider, by a name you have configured
    #[arg(long, value_name = "NAME", value_hint = clap::ValueHint::Other, help_heading = "Who pays")]
    pub provider: Option<String>,
    /// A stored key's label, or env:NAME for one run
    #[arg(long, value_name = "LABEL|env:NAME", value_hint = clap::ValueHint::Other, help_heading = "Who pays")]
    pub key: Option<String>,
    /// Trust what vk.toml chooses, by the hash of vk trust --print
    #[arg(long, value_name = "SHA256", value_hint = clap::ValueHint::Other)]
    pub trust: Option<String>,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "CMD", value_hint = clap::ValueHint::CommandWithArguments)]
    pub command: Vec<OsString>,
}
