//! What a command left behind: its status, the two ends of its output, and what it did to protected names.

use std::time::Duration;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Exited(i32),
    Signalled(i32),
    TimedOut,
    /// Ended because it had too many processes at once.
    Crowded,
    /// Stopped because the task was interrupted, or because it made a protected name.
    Interrupted,
}

/// Output cut in the middle: what a terminal would have shown, standard output and error in the order they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    pub head: Vec<u8>,
    pub tail: Vec<u8>,
    /// Bytes between head and tail that were dropped.
    pub omitted: u64,
}

impl Captured {
    /// As text, invalid UTF-8 replaced; the cut says how much it hides.
    #[must_use]
    pub fn text(&self) -> String {
        let mut bytes = self.head.clone();
        if self.omitted > 0 {
            if !bytes.ends_with(b"\n") {
                bytes.push(b'\n');
            }
            bytes.extend_from_slice(format!("[{} bytes omitted]\n", self.omitted).as_bytes());
        }
        bytes.extend_from_slice(&self.tail);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// A protected name that a command made, changed or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tampered {
    /// Relative to the workspace.
    pub path: String,
    /// What was done, and what vk did about it; one sentence without a full stop.
    pub what: String,
    /// Whether everything is as it was before.
    pub restored: bool,
    /// Whether the task must end. A name that was absent and is absent again is only told to the model.
    pub ends_task: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub status: Status,
    pub output: Captured,
    pub duration: Duration,
    pub tampered: Option<Tampered>,
    /// Hosts this command asked vk's proxy for and was refused, each once.
    pub denied_hosts: Vec<String>,
}

impl Output {
    #[must_use]
    pub const fn success(&self) -> bool {
        matches!(self.status, Status::Exited(0)) && self.tampered.is_none()
    }

    #[must_use]
    pub fn text(&self) -> String {
        self.output.text()
    }
}
