//! `vk completions`: the script that teaches a shell the words of vk. It is made from the same types as the parser.

use std::fmt::Write as _;

use clap_complete::Shell;

use super::args::{self, CompletionsArgs};
use crate::domain::failure::Failure;
use crate::present;

/// # Errors
/// When stdout cannot be written.
pub fn run(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut args::visible(), "vk", &mut script);
    if args.shell == Shell::Fish {
        script.extend(fish_words().bytes());
    }
    present::stdout(&String::from_utf8_lossy(&script))
}

/// The words that stand in a place of their own, such as `vk use byok`: the generator for fish leaves them out.
fn fish_words() -> String {
    let mut lines = String::new();
    for command in args::visible().get_subcommands() {
        for place in command.get_positionals() {
            let words = place.get_possible_values();
            let words: Vec<&str> = words.iter().map(clap::builder::PossibleValue::get_name).collect();
            if !words.is_empty() {
                let name = command.get_name();
                let _ = writeln!(
                    lines,
                    "complete -c vk -n \"__fish_vk_using_subcommand {name}\" -f -a \"{}\"",
                    words.join(" ")
                );
            }
        }
    }
    lines
}
