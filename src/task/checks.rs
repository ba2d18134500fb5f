//! The checks after the work: commands that must succeed, run where the model's own commands run.

use std::time::{Duration, Instant};

use crate::agent::cancel::Cancel;
use crate::domain::event::{CheckResult, Event};
use crate::domain::failure::{Failure, Status};
use crate::domain::ui::Ui;
use crate::sandbox::{Command, MOST_PROCESSES, Sandbox, Status as Ended, Tampered};

/// A check that runs longer than this has failed.
const LONGEST: Duration = Duration::from_mins(30);
/// Bytes of a failed check's output that the model gets, half from each end.
const SHOWN: usize = 16 * 1024;

/// What one round of checks found.
#[derive(Debug)]
pub enum Round {
    Passed,
    /// What the model is told.
    Failed(String),
}

/// Runs every check once. Results are kept by command, with the number of rounds each took.
///
/// # Errors
/// When the task is ended from outside, or the sandbox fails.
pub async fn round(
    checks: &[String],
    number: u32,
    sandbox: &Sandbox,
    ui: &dyn Ui,
    cancel: &Cancel,
    results: &mut Vec<CheckResult>,
) -> Result<Round, Failure> {
    let mut failures = Vec::new();
    for check in checks {
        ui.event(&Event::CheckStarted { command: check.clone(), round: number });
        let started = Instant::now();
        let command = Command { head: SHOWN / 2, tail: SHOWN / 2, ..Command::new(check.clone()).timeout(LONGEST) };
        let output = tokio::select! {
            biased;
            signal = cancel.cancelled() => return Err(signal.failure()),
            output = sandbox.run(command) => output?,
        };
        if let Some(tampered) = output.tampered.as_ref().filter(|tampered| tampered.ends_task) {
            return Err(tampered_with(tampered));
        }
        let ok = output.success();
        ui.event(&Event::CheckFinished {
            command: check.clone(),
            ok,
            exit_code: if let Ended::Exited(code) = output.status { Some(code) } else { None },
            round: number,
            ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
        match results.iter_mut().find(|result| result.command == *check) {
            Some(result) => (result.ok, result.rounds) = (ok, number),
            None => results.push(CheckResult { command: check.clone(), ok, rounds: number }),
        }
        if !ok {
            failures.push(format!("$ {check}\n{}\n[{}]", output.text(), ending(output.status)));
        }
    }
    if failures.is_empty() {
        return Ok(Round::Passed);
    }
    Ok(Round::Failed(format!(
        "The user's checks failed after your work. Fix the cause; do not weaken the checks.\n\n{}",
        failures.join("\n\n")
    )))
}

fn tampered_with(tampered: &Tampered) -> Failure {
    Failure::new(
        Status::NoSandbox,
        "protected_changed",
        format!("a check changed {}, which is protected", tampered.path),
    )
    .why(tampered.what.clone())
    .fix("vk tasks diff")
}

fn ending(status: Ended) -> String {
    match status {
        Ended::Exited(code) => format!("exit status {code}"),
        Ended::Signalled(signal) => format!("ended by signal {signal}"),
        Ended::Crowded => format!("ended, with more than {MOST_PROCESSES} processes at once"),
        Ended::TimedOut => format!("ended after {} minutes", LONGEST.as_secs() / 60),
        Ended::Interrupted => "interrupted".to_owned(),
    }
}

/// How a task ends whose checks still fail after every round.
#[must_use]
pub fn still_failing(results: &[CheckResult], rounds: u32) -> Failure {
    let failing: Vec<&str> = results.iter().filter(|result| !result.ok).map(|result| result.command.as_str()).collect();
    Failure::new(Status::CheckFailed, "check_failed", format!("a check still fails: {}", failing.join(", ")))
        .why(format!(
            "its output went back to the model {rounds} time{} (--check-rounds)",
            if rounds == 1 { "" } else { "s" }
        ))
        .fix(format!("vk run --continue --check-rounds {} \"make the checks pass\"", rounds.saturating_add(2)))
        .fix("vk tasks diff")
        .fix("vk tasks undo")
}
