//! Notice of every name that is made at the root of the workspace, from the kernel, while commands run.

use std::io;
use std::path::Path;

use rustix::fs::inotify;
use tokio::net::unix::pipe;

/// A kernel queue of events; to the runtime it is a pipe that nobody writes to.
pub(super) struct Watch(pipe::Receiver);

impl Watch {
    /// Needs a runtime.
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let queue = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC)?;
        let what = inotify::WatchFlags::CREATE | inotify::WatchFlags::MOVED_TO | inotify::WatchFlags::ONLYDIR;
        inotify::add_watch(&queue, folder, what)?;
        Ok(Self(pipe::Receiver::from_owned_fd_unchecked(queue)?))
    }

    /// Waits until something was made. What it was is not told: names are looked at where they lie.
    pub(super) async fn made(&self) -> io::Result<()> {
        let mut events = [0; 4096];
        loop {
            self.0.readable().await?;
            match self.0.try_read(&mut events) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
                Ok(_) => return Ok(()),
            }
        }
    }
}
