//! The flags of `vk ledger`.

use clap::{Args, Subcommand, ValueHint};

use super::ListOutput;

#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  vk ledger copy --to postgres                    # into the database of [ledger] url\n  \
    vk ledger copy --to postgres://vk@db.example.com/vk --key team\n  \
    vk ledger copy --to sqlite                      # and back into the file of this machine"
)]
pub struct LedgerArgs {
    #[command(subcommand)]
    pub command: LedgerCommand,
}

#[derive(Debug, Clone, Subcommand)]
pub enum LedgerCommand {
    /// Copy every row from this machine's file into a team's database, or back; doing it again changes nothing
    Copy {
        /// postgres (the database of [ledger] url), an address, or sqlite (the file of this machine)
        #[arg(long, value_name = "postgres|sqlite|URL", value_hint = ValueHint::Other)]
        to: String,
        /// The address of a database to copy from, where it is not the one of [ledger] url; with --to sqlite
        #[arg(long, value_name = "URL", value_hint = ValueHint::Other)]
        from: Option<String>,
        /// The password of a database that is given by its address: a stored one's label, or env:NAME
        #[arg(long, value_name = "LABEL|env:NAME", value_hint = ValueHint::Other)]
        key: Option<String>,
        /// How it is written
        #[arg(long, value_name = "FORMAT", default_value = "table")]
        output: ListOutput,
    },
}
