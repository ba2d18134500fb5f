//! The arguments of `vk models`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::ListOutput;

#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:\n  vk models\n  vk models list --output json\n  vk models refresh\n  \
    vk models refresh --from api.json --from model_prices_and_context_window.json\n  vk models prices --diff\n  \
    vk models pool           # the free models, and how each stands")]
pub struct ModelsArgs {
    #[command(subcommand)]
    pub command: Option<ModelsCommand>,
}

#[derive(Debug, Clone, Subcommand)]
pub enum ModelsCommand {
    /// Every known model
    List {
        /// Only models whose id holds this text
        #[arg(value_hint = ValueHint::Other)]
        filter: Option<String>,
        /// Those that their vendor has retired too
        #[arg(long)]
        all: bool,
        /// How it is written
        #[arg(long, value_name = "FORMAT", default_value = "table")]
        output: ListOutput,
    },
    /// Read which models are free now, and today's prices from models.dev and LiteLLM, checked against each other
    Refresh {
        /// A copy of models.dev's api.json or of LiteLLM's price map, instead of the network; both: give it twice
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        from: Vec<PathBuf>,
    },
    /// Every price in force, with its source and date
    Prices {
        /// Only where what was refreshed is not the bundled price, and which of the two is in force
        #[arg(long)]
        diff: bool,
        /// How it is written
        #[arg(long, value_name = "FORMAT", default_value = "table")]
        output: ListOutput,
    },
    /// The free models in the order they are tried: ready, cooling down, or out of use
    Pool(PoolArgs),
}

#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  vk models pool\n  vk models pool --allow-training   # in this project\n  \
    vk models pool --lift openrouter/openai/gpt-oss-20b:free")]
pub struct PoolArgs {
    /// In this project, also use models that keep prompts or train on them
    #[arg(long, conflicts_with_all = ["deny_training", "lift"])]
    pub allow_training: bool,
    /// In this project, use no model that keeps prompts or trains on them
    #[arg(long, conflicts_with = "lift")]
    pub deny_training: bool,
    /// Use a model again that reported a cost, as PROVIDER/ID
    #[arg(long, value_name = "MODEL", value_hint = ValueHint::Other)]
    pub lift: Option<String>,
    /// How it is written
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub output: ListOutput,
}
