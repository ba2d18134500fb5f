//! What a task changed, as `vk tasks diff` and `vk tasks undo` need it long after: `snapshot.json` in the task's folder.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::entry::{State, path_text};
use super::store::replace_soon;
use crate::base::fsx;
use crate::domain::event::FileChange;

pub(super) const FILE: &str = "snapshot.json";
/// The tree as it was, until the task has ended.
pub(super) const BEFORE: &str = "before";
const LARGEST: u64 = 1 << 28;

/// A path that differs from before the task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::task) struct Change {
    #[serde(with = "path_text")]
    pub(in crate::task) path: PathBuf,
    pub(in crate::task) before: Option<State>,
    pub(in crate::task) after: Option<State>,
    /// Lines; unknown for binary and large files.
    pub(in crate::task) added: Option<u64>,
    pub(in crate::task) removed: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::task) struct Record {
    /// The version of this file's format.
    pub(in crate::task) v: u8,
    pub(in crate::task) task_id: String,
    #[serde(with = "path_text")]
    pub(in crate::task) root: PathBuf,
    /// RFC 3339.
    pub(in crate::task) taken_at: String,
    /// `None` while the task runs, and for ever when its process was killed.
    pub(in crate::task) ended_at: Option<String>,
    pub(in crate::task) changes: Vec<Change>,
    /// What the snapshot does not hold, each with the reason.
    pub(in crate::task) notes: Vec<String>,
}

impl Record {
    /// `None` when the task has no snapshot, or no longer one.
    pub(in crate::task) fn read(task_dir: &Path) -> io::Result<Option<Self>> {
        let bytes = match fsx::read_bounded(&task_dir.join(FILE), LARGEST) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let record: Self = serde_json::from_slice(&bytes).map_err(io::Error::from)?;
        if record.v != 1 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it was written by a newer vk"));
        }
        Ok(Some(record))
    }

    pub(super) fn write(&self, task_dir: &Path) -> io::Result<()> {
        let text = serde_json::to_vec(self).map_err(io::Error::from)?;
        let path = task_dir.join(FILE);
        if self.ended_at.is_some() { fsx::write_private(&path, &text) } else { replace_soon(&path, &text) }
    }

    /// The changed files as events and summaries name them; folders are left out.
    #[must_use]
    pub(in crate::task) fn files(&self) -> Vec<FileChange> {
        use super::entry::Kind;
        let is_dir = |state: &Option<State>| state.as_ref().is_none_or(|state| state.kind == Kind::Dir);
        let shown = self.changes.iter().filter(|change| !(is_dir(&change.before) && is_dir(&change.after)));
        shown
            .map(|change| FileChange { path: shown_path(&change.path), added: change.added, removed: change.removed })
            .collect()
    }
}

/// A relative path as it is shown: what is not UTF-8 as `\xFF`.
pub(in crate::task) fn shown_path(path: &Path) -> String {
    crate::base::name::text(path)
}
