//! Notice of every name that is made at the root of the workspace, from the kernel, while commands run.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::inotify;
use tokio::io::unix::AsyncFd;

pub(super) struct Watch(AsyncFd<OwnedFd>);

impl Watch {
    /// Needs a runtime.
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let queue = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC)?;
        let what = inotify::WatchFlags::CREATE | inotify::WatchFlags::MOVED_TO | inotify::WatchFlags::ONLYDIR;
        inotify::add_watch(&queue, folder, what)?;
        Ok(Self(AsyncFd::new(queue)?))
    }

    /// Waits until something was made. What it was is not told: names are looked at where they lie.
    pub(super) async fn made(&self) -> io::Result<()> {
        let mut ready = self.0.readable().await?;
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = inotify::Reader::new(self.0.get_ref(), &mut buffer);
        while events.next().is_ok() {}
        ready.clear_ready();
        Ok(())
    }
}
