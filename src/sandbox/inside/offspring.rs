//! Ending everything that a command started: its process group, and what left the group. In a process namespace of its
//! own the inside is the first process and one signal reaches all; elsewhere orphans come to it as their reaper.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};

/// How long leftovers are killed and reaped before the rest is given up: each round also catches what the last round's
/// victims had started.
const LONGEST: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) enum Offspring {
    /// The first process of its namespace.
    Namespace,
    /// The list of its own children, opened before reading /proc was given up; `None` where the kernel keeps none.
    Reaper(Option<File>),
}

impl Offspring {
    /// Call before the thread is confined and before anything is started.
    pub(super) fn new(own_namespace: bool) -> Self {
        if own_namespace && rustix::process::getpid() == Pid::INIT {
            return Self::Namespace;
        }
        #[cfg(target_os = "linux")]
        {
            // Without it orphans go to the next reaper up, and only the group is ended here.
            let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
            let list = format!("/proc/self/task/{}/children", rustix::thread::gettid().as_raw_nonzero());
            Self::Reaper(File::open(list).ok())
        }
        #[cfg(not(target_os = "linux"))]
        Self::Reaper(None)
    }

    /// Reaps whatever has ended; the status of `pid` if it is among them.
    pub(super) fn reap(pid: Pid) -> Option<WaitStatus> {
        let mut found = None;
        while let Ok(Some((ended, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            if ended == pid {
                found = Some(status);
            }
        }
        found
    }

    /// How many processes there are; `None` where that cannot be seen.
    pub(super) fn count(&self) -> Option<u64> {
        let Self::Namespace = self else { return None };
        let is_process = |name: &std::ffi::OsStr| name.as_encoded_bytes().first().is_some_and(u8::is_ascii_digit);
        let entries = std::fs::read_dir("/proc").ok()?.flatten();
        u64::try_from(entries.filter(|entry| is_process(&entry.file_name())).count()).ok()
    }

    /// Kills and reaps until nothing is left of the group or of what left it.
    pub(super) fn end(&mut self, group: Option<Pid>) {
        let began = Instant::now();
        for round in 0_u32.. {
            if none_left() || began.elapsed() > LONGEST {
                return;
            }
            if let Some(group) = group {
                let _ = rustix::process::kill_process_group(group, Signal::KILL);
            }
            match self {
                // To the kernel, group 1 with a minus sign is "everything that I may signal, but myself".
                Self::Namespace => drop(rustix::process::kill_process_group(Pid::INIT, Signal::KILL)),
                Self::Reaper(list) => list.as_mut().map(children).into_iter().flatten().for_each(|child| {
                    let _ = rustix::process::kill_process(child, Signal::KILL);
                }),
            }
            // A chain of sessions comes apart link by link.
            std::thread::sleep(Duration::from_micros(if round < 2_000 { 100 } else { 5_000 }));
        }
    }
}

/// Reaps what has ended; whether that was the last.
fn none_left() -> bool {
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
            Ok(None) => return false,
            Err(_) => return true,
        }
    }
}

fn children(list: &mut File) -> Vec<Pid> {
    let mut text = String::new();
    if list.rewind().and_then(|()| list.read_to_string(&mut text)).is_err() {
        return Vec::new();
    }
    text.split_ascii_whitespace().filter_map(|pid| pid.parse().ok().and_then(Pid::from_raw)).collect()
}
