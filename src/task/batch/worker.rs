//! One task on a thread of its own: a wait or a crash of it holds up no other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use super::seat::Seat;
use crate::agent::cancel::Cancel;
use crate::base::env::Env;
use crate::domain::failure::{Failure, Status};
use crate::domain::ui::Ui;
use crate::task::order::Order;
use crate::task::run;

/// As deep as the main thread's.
const STACK: usize = 8 * 1024 * 1024;

/// A task that runs.
pub(super) struct Worker {
    pub(super) at: usize,
    pub(super) seat: Arc<Seat>,
    pub(super) cancel: Cancel,
}

/// A task's end, by its place in the list; the failure where the task itself could not tell of it.
pub(super) struct Over {
    pub(super) at: usize,
    pub(super) broken: Option<Failure>,
}

/// Starts a task.
///
/// # Errors
/// The system gives no further thread.
pub(super) fn start(
    at: usize,
    order: Order,
    env: &Env,
    seat: Seat,
    over: &UnboundedSender<Over>,
) -> std::io::Result<Worker> {
    let (seat, cancel) = (Arc::new(seat), Cancel::default());
    let (ui, env, over): (Arc<dyn Ui>, _, _) = (Arc::clone(&seat) as Arc<dyn Ui>, env.clone(), over.clone());
    let worker = Worker { at, seat, cancel: cancel.clone() };
    let work = move || {
        let broken = catch_unwind(AssertUnwindSafe(|| one(&order, &env, &ui, &cancel))).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            Some(crashed(&text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()))
        });
        // Nobody listens any more where the batch has ended without waiting for this task.
        let _ = over.send(Over { at, broken });
    };
    std::thread::Builder::new().name(format!("task {at}")).stack_size(STACK).spawn(work)?;
    Ok(worker)
}

fn one(order: &Order, env: &Env, ui: &Arc<dyn Ui>, cancel: &Cancel) -> Option<Failure> {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let failure = Failure::usage("no_runtime", "the system refused an event queue").why(error.to_string());
            return Some(failure.fix("ulimit -n 4096   # then the batch again"));
        }
    };
    // How it ended has been told as `task.finished`.
    let _ = runtime.block_on(run::run(order, env, ui, cancel));
    runtime.shutdown_background();
    None
}

fn crashed(text: &str) -> Failure {
    Failure::new(Status::GaveUp, "task_crashed", "vk itself failed in the middle of this task")
        .why(if text.is_empty() { "it is a fault of vk's own".to_owned() } else { text.to_owned() })
        .fix("vk doctor")
}
