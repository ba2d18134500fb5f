//! The set-up commands of a new worktree: the project's own, trusted like its checks, in a sandbox of their own, before
//! the model is asked anything. A failure here is the set-up's, not the task's.

use std::time::{Duration, Instant};

use crate::agent::cancel::Cancel;
use crate::base::env::Env;
use crate::config::Loaded;
use crate::domain::event::Event;
use crate::domain::failure::Failure;
use crate::domain::ui::Ui;
use crate::sandbox::{Command, Mode, Network, Sandbox, Status as Ended};
use crate::task::order::Order;
use crate::task::setup;

const LONGEST: Duration = Duration::from_mins(30);
/// Lines of a failed command's output that are shown.
const SHOWN: usize = 20;

/// # Errors
/// Exit 2 where a command fails; what ended the task from outside; no sandbox (8).
pub(super) async fn run(
    env: &Env,
    order: &Order,
    loaded: &Loaded,
    ui: &dyn Ui,
    cancel: &Cancel,
) -> Result<(), Failure> {
    let commands = &loaded.settings.worktree.setup;
    if commands.is_empty() {
        return Ok(());
    }
    // Setting up writes, also where the task may only read.
    let mode = if order.mode == Mode::Off { Mode::Off } else { Mode::Workspace };
    let sandbox = Sandbox::start(env, setup::spec(order, loaded, mode))?;
    for command in commands {
        let script = &command.value;
        ui.event(&Event::SetupStarted { command: script.clone() });
        let started = Instant::now();
        let output = tokio::select! {
            biased;
            signal = cancel.cancelled() => return Err(signal.failure()),
            output = sandbox.run(Command::new(script.clone()).timeout(LONGEST)) => output?,
        };
        let ok = output.success() && output.tampered.is_none();
        ui.event(&Event::SetupFinished {
            command: script.clone(),
            ok,
            exit_code: if let Ended::Exited(code) = output.status { Some(code) } else { None },
            ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
        if !ok {
            let text = output.text();
            let lines: Vec<&str> = text.lines().collect();
            let tail = lines[lines.len().saturating_sub(SHOWN)..].join("\n");
            let failure =
                Failure::usage("setup_failed", format!("the worktree's set-up failed: {script} ({})", command.source))
                    .why(if tail.trim().is_empty() { "it printed nothing".to_owned() } else { tail });
            let failure = if order.network == Network::None {
                failure.fix("vk run --worktree --allow-network=registries \"...\"   # if it needs packages")
            } else {
                failure
            };
            return Err(failure.fix("vk run \"...\"   # in this tree, without a worktree"));
        }
    }
    Ok(())
}
