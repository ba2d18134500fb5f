//! One switch that ends a task from outside: Ctrl-C, SIGTERM, the deadline. Everything that waits also waits for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::domain::failure::{Failure, Status};

/// What ended the task from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Interrupt,
    Terminate,
    /// `--timeout` is used up.
    Deadline,
    /// The batch that the task belongs to goes no further.
    Batch,
}

impl Signal {
    /// How the task ends: 130 and 143 are 128 plus the signal's number.
    #[must_use]
    pub fn failure(self) -> Failure {
        let (what, exit) = match self {
            Self::Interrupt => ("interrupted by Ctrl-C", 130),
            Self::Terminate => ("ended by SIGTERM", 143),
            Self::Deadline => {
                return Failure::new(Status::Limit, "time_limit", "stopped: the time for this task is used up")
                    .why("--timeout was reached before the model ended its work")
                    .fix("vk run --continue --timeout 30m \"go on\"");
            }
            Self::Batch => return Failure::new(Status::Interrupted, "batch_stopped", "stopped with its batch"),
        };
        let mut failure = Failure::new(Status::Interrupted, "interrupted", what);
        failure.exit = Some(exit);
        failure
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct State {
    signal: Option<Signal>,
    /// The signal came again: whoever sent it means it.
    insisted: bool,
}

/// Cheap to clone; all clones see the same signal. It goes back only where a person who interrupted says how to go on.
#[derive(Clone, Debug)]
pub struct Cancel(Arc<watch::Sender<State>>);

impl Default for Cancel {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(State::default())))
    }
}

impl Cancel {
    /// The first signal stands; a later one only says that it is meant.
    pub fn send(&self, signal: Signal) {
        self.0.send_if_modified(|state| {
            if state.signal.is_none() {
                state.signal = Some(signal);
                return true;
            }
            !std::mem::replace(&mut state.insisted, true)
        });
    }

    /// Takes back one Ctrl-C, so that the task can go on; whether that is what there was.
    #[must_use]
    pub fn resume(&self) -> bool {
        let once = State { signal: Some(Signal::Interrupt), insisted: false };
        self.0.send_if_modified(|state| {
            let taken = *state == once;
            if taken {
                *state = State::default();
            }
            taken
        })
    }

    /// Sends [`Signal::Deadline`] after this long. Needs the runtime; ends with it.
    pub fn send_after(&self, timeout: Duration) {
        let cancel = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(timeout).await;
            cancel.send(Signal::Deadline);
        });
    }

    #[must_use]
    pub fn signal(&self) -> Option<Signal> {
        self.0.borrow().signal
    }

    /// Resolves once a signal has come; never, if none does.
    pub async fn cancelled(&self) -> Signal {
        let mut receiver = self.0.subscribe();
        loop {
            if let Some(signal) = receiver.borrow_and_update().signal {
                return signal;
            }
            if receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Resolves once a signal has come again.
    pub async fn insisted(&self) {
        let mut receiver = self.0.subscribe();
        while !receiver.borrow_and_update().insisted {
            if receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// # Errors
    /// The failure of the signal, once one has come.
    pub fn check(&self) -> Result<(), Failure> {
        self.signal().map_or(Ok(()), |signal| Err(signal.failure()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_signal_stands() {
        let cancel = Cancel::default();
        assert!(cancel.check().is_ok());
        cancel.send(Signal::Terminate);
        cancel.send(Signal::Interrupt);
        assert_eq!(cancel.clone().cancelled().await, Signal::Terminate);
        assert_eq!(cancel.check().unwrap_err().exit_code(), 143);
        assert!(!cancel.resume(), "only Ctrl-C is taken back");
    }

    #[test]
    fn one_ctrl_c_can_be_taken_back_and_two_cannot() {
        let cancel = Cancel::default();
        assert!(!cancel.resume());
        cancel.send(Signal::Interrupt);
        assert!(cancel.resume() && cancel.check().is_ok());
        cancel.send(Signal::Interrupt);
        cancel.send(Signal::Interrupt);
        assert!(!cancel.resume());
        assert_eq!(cancel.check().unwrap_err().exit_code(), 130);
    }
}
