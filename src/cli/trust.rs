//! `vk trust`: shows what this project's `vk.toml` chooses, asks, and remembers the answer; or prints its hash for CI.

use super::args::TrustArgs;
use super::context::Context;
use crate::config::{self, Flags, Trust, trust};
use crate::domain::failure::Failure;
use crate::present;

/// # Errors
/// Exit 2 where there is no `vk.toml` or it is wrong, 7 where nobody is there to ask or the answer is no.
pub fn run(args: &TrustArgs, context: &Context) -> Result<(), Failure> {
    let loaded = config::load(&context.env, &Flags::default())?;
    let ui = context.ui.as_ref();
    let Some(file) = &loaded.project.file else {
        return Err(Failure::usage("no_project_file", "there is no vk.toml here")
            .why(format!("looked in {} and above, up to the project's root", context.env.cwd().display()))
            .fix("vk use byok    # writes one, which is then trusted"));
    };
    if args.print {
        // The hash alone is data; what it stands for is there to be read before it goes into a CI file.
        loaded.chosen.lines().iter().for_each(|line| ui.say(line));
        return present::stdout(&loaded.chosen.hash());
    }
    match trust::standing(&loaded)? {
        Trust::NotNeeded => ui.say(&format!("{} chooses no payer and runs no command: nothing to trust", file.shown)),
        Trust::Trusted => {
            loaded.chosen.lines().iter().for_each(|line| ui.say(line));
            ui.say(&format!("{} is trusted as it is", file.shown));
        }
        Trust::Needed(needed) => {
            trust::ask(&loaded, &needed, ui)?;
            ui.say(&format!("{} is trusted, until it chooses something else", file.shown));
        }
    }
    Ok(())
}
