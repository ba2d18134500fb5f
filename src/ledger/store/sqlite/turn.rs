//! Turns of writers. SQLite lets waiting writers try again and again, so that whoever has just written is the
//! likeliest to write next and an unlucky one waits for many others. Here each waits in the kernel's queue of a
//! file lock first. Only fairness rests on it: without the lock file SQLite's own lock decides alone.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use crate::base::fsx;

/// How long a writer waits for its turn.
const LONGEST: Duration = Duration::from_secs(30);

/// The queue: the file that is locked by the writer whose turn is next, and the one locked while writing. Two, so
/// that a writer that comes back at once stands behind those that already wait.
#[derive(Debug, Default)]
pub(super) struct Turns(Option<(File, File)>);

/// A writer's turn; the next one's begins when it is dropped.
pub(super) struct Turn<'a>(Option<&'a File>);

impl Turns {
    pub(super) fn at(database: &Path) -> Self {
        let open = |extension| fsx::append_private(&database.with_extension(extension)).ok();
        Self(open("queue").zip(open("lock")))
    }

    /// Waits for the turn; `None` after half a minute.
    pub(super) fn take(&self) -> Option<Turn<'_>> {
        let Some((queue, writing)) = &self.0 else { return Some(Turn(None)) };
        if !lock(queue) {
            return None;
        }
        let mine = lock(writing);
        let _ = queue.unlock();
        mine.then_some(Turn(Some(writing)))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(writing) = self.0 {
            let _ = writing.unlock();
        }
    }
}

/// Locks `file`; false after [`LONGEST`]. A lock that fails for any other reason counts as had.
fn lock(file: &File) -> bool {
    if !matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
        return true;
    }
    // The system's wait has no end of its own, so another thread waits, on the same open file.
    let Ok(same) = file.try_clone() else { return true };
    let (told, tells) = mpsc::sync_channel(0);
    let waiter = std::thread::Builder::new().name("ledger-turn".to_owned()).spawn(move || {
        let _ = same.lock();
        if told.send(()).is_err() {
            let _ = same.unlock();
        }
    });
    waiter.is_err() || tells.recv_timeout(LONGEST).is_ok()
}
