//! A deadline for calls that wait on another program and cannot be cancelled: a locked keyring waits for a person
//! without end. The call gets a thread of its own, which also keeps it out of the async runtime.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Missed {
    #[error("no answer in time")]
    Slow,
    #[error("the call ended without an answer")]
    Died,
    #[error("no thread could be started")]
    NoThread,
}

/// How long to wait, and when to tell a person that vk is waiting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub limit: Duration,
    pub notice: Duration,
}

/// Runs `job` on its own thread and waits for `patience.limit`; `on_wait` is called once if it takes longer than
/// `patience.notice`. A late job goes on in the background until it ends or the process does; its result is dropped.
pub(crate) fn within<T: Send + 'static>(
    patience: Patience,
    on_wait: impl FnOnce(),
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Missed> {
    let (sender, receiver) = sync_channel(1);
    std::thread::Builder::new()
        .name("keyring".to_owned())
        .spawn(move || {
            let _ = sender.send(job());
        })
        .map_err(|_| Missed::NoThread)?;
    let first = patience.notice.min(patience.limit);
    let answer = match receiver.recv_timeout(first) {
        Err(RecvTimeoutError::Timeout) if first < patience.limit => {
            on_wait();
            receiver.recv_timeout(patience.limit.saturating_sub(first))
        }
        other => other,
    };
    answer.map_err(|error| match error {
        RecvTimeoutError::Timeout => Missed::Slow,
        RecvTimeoutError::Disconnected => Missed::Died,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    const PATIENCE: Patience = Patience { limit: Duration::from_millis(40), notice: Duration::from_millis(10) };

    #[test]
    fn an_answer_in_time_is_given_without_notice() {
        let noticed = Cell::new(false);
        assert_eq!(within(PATIENCE, || noticed.set(true), || 7), Ok(7));
        assert!(!noticed.get());
    }

    #[test]
    fn a_late_answer_is_told_and_then_given_up() {
        let noticed = Cell::new(false);
        let late = within(PATIENCE, || noticed.set(true), || std::thread::sleep(Duration::from_millis(90)));
        assert_eq!(late, Err(Missed::Slow));
        assert!(noticed.get());
    }
}
