//! What the project looked like before a task, so that the task can be shown and undone.

use std::path::Path;
use std::time::Duration;

use crate::base::env::Env;
use crate::domain::event::FileChange;

/// Beyond these no snapshot is taken: a task must not wait for minutes or fill the disk before it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub files: usize,
    /// Of all files together.
    pub bytes: u64,
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { files: 100_000, bytes: 1 << 30, time: Duration::from_secs(10) }
    }
}

/// Why there is no snapshot; the task may go on, but cannot be undone.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("{0}")]
    Refused(String),
}

#[derive(Debug)]
pub struct Snapshot {}

impl Snapshot {
    /// # Errors
    /// When the project is too large or is the home folder, or a file cannot be read or written.
    pub fn take(
        _env: &Env,
        _data_dir: &Path,
        _project_root: &Path,
        _task_id: &str,
        _limits: Limits,
    ) -> Result<Self, SnapshotError> {
        Err(SnapshotError::Refused("not yet".to_owned()))
    }

    /// To be called before a tool writes, moves or removes `rel`, so that files the snapshot does not hold
    /// (ignored ones) can be put back as well.
    ///
    /// # Errors
    /// When the file cannot be kept.
    pub fn before_write(&self, _rel: &Path) -> Result<(), SnapshotError> {
        Ok(())
    }

    /// What has changed since the snapshot; recorded for `vk tasks diff` and `vk tasks undo`. May be called again.
    ///
    /// # Errors
    /// When the project cannot be read or the record cannot be written.
    pub fn changes(&self) -> Result<Vec<FileChange>, SnapshotError> {
        Ok(Vec::new())
    }
}
