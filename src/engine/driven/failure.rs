//! How a driven program ends badly, whichever it is, as the failure that people and scripts read.

use crate::domain::failure::{Failure, Status};
use crate::routing::plan::program;

/// Exit 4: before a word of the task was sent.
#[must_use]
pub fn other_payer(name: &str, why: &str, status: &str) -> Failure {
    let what = format!("{name} would charge another payer than the plan; the task was stopped");
    let failure = Failure::new(Status::Contradicted, "payer_contradicted", what).why(why).fix(status);
    program(name).map_or(failure.clone(), |program| failure.fix(program.login))
}

/// Exit 6: the plan paid and the model was another.
#[must_use]
pub fn other_model(name: &str, asked: &str, answered: &str) -> Failure {
    let what = format!("{name} was asked for {asked}, and {answered} answered; the task was stopped");
    Failure::new(Status::ProviderFailed, "other_model", what)
        .fix(format!("vk run --continue --model {answered} \"go on\""))
}

/// The program went away in the middle. `look` is its own command that says what is wrong with it.
#[must_use]
pub fn died(name: &str, last_words: &str, look: &str) -> Failure {
    let failure = Failure::new(Status::ProviderFailed, "program_died", format!("{name} ended before its answer"));
    let words = last_words.lines().last().map(str::trim).filter(|words| !words.is_empty());
    failure.why(words.unwrap_or("it said nothing about why")).fix("vk run --continue").fix(look)
}

/// It could not be started at all.
#[must_use]
pub fn not_started(name: &str, error: &std::io::Error) -> Failure {
    let failure = Failure::new(Status::NoCredential, "no_program", format!("{name} could not be started"));
    let failure = failure.why(error.to_string());
    program(name).map_or(failure.clone(), |program| failure.fix(program.install))
}
