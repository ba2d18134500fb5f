//! Writes changes: all of them or, when one fails, none, with modes, links and folders as they were.

use std::path::{Path, PathBuf};

use super::Before;
use super::change::{Change, read};
use crate::sandbox::Workspace;
use crate::sandbox::workspace::{Aside, WorkspaceError};

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommitError {
    #[error("{0} was changed by something else in the meantime; look at it again")]
    Changed(String),
    #[error("{0}")]
    Workspace(#[from] WorkspaceError),
    #[error("{cause}; and {path} could not be put back: {undo}")]
    HalfDone { cause: WorkspaceError, path: String, undo: WorkspaceError },
    #[error("all is written, but what stood at {path} before could not be removed: {source}")]
    Left { path: String, source: WorkspaceError },
}

/// # Errors
/// A file that is not as it was when the change was worked out, or whatever the workspace refuses.
pub(super) fn commit(
    changes: &[Change],
    workspace: &Workspace,
    before: Option<&dyn Before>,
) -> Result<(), CommitError> {
    changes.iter().try_for_each(|change| check(change, workspace))?;
    if let Some(before) = before {
        changes.iter().flat_map(Change::paths).for_each(|path| before.before_write(path));
    }
    let mut steps = Steps { workspace, done: Vec::new() };
    match changes.iter().try_for_each(|change| steps.write(change)) {
        Ok(()) => steps.finish(),
        Err(cause) => Err(steps.take_back(cause)),
    }
}

fn check(change: &Change, workspace: &Workspace) -> Result<(), CommitError> {
    let same = |path: &Path, expected: Option<&Vec<u8>>| {
        let unchanged = read(workspace, path)?.as_ref() == expected;
        unchanged.then_some(()).ok_or_else(|| CommitError::Changed(path.display().to_string()))
    };
    match change {
        Change::Write { path, before, .. } => same(path, before.as_ref()),
        Change::Delete { path, before } => same(path, Some(before)),
        Change::Move { path, to, before, replaced, .. } => {
            same(path, Some(before)).and_then(|()| same(to, replaced.as_ref()))
        }
    }
}

/// What has been done and how it is undone, in order.
struct Steps<'a> {
    workspace: &'a Workspace,
    done: Vec<Step<'a>>,
}

enum Step<'a> {
    /// One that was not there.
    Folder(PathBuf),
    Made(&'a Path),
    Rewritten(&'a Path, &'a [u8]),
    /// Out of the way, to be removed when all is done: its mode, and what it is, stay with it.
    Aside(Aside),
    Moved {
        from: &'a Path,
        to: &'a Path,
    },
}

impl<'a> Steps<'a> {
    fn write(&mut self, change: &'a Change) -> Result<(), WorkspaceError> {
        match change {
            Change::Write { path, before: None, after } => {
                self.folders_of(path);
                self.workspace.create(path, after)?;
                self.done.push(Step::Made(path));
            }
            Change::Write { before: Some(before), after, .. } if before == after => {}
            Change::Write { path, before: Some(before), after } => self.rewrite(path, before, after)?,
            Change::Delete { path, .. } => self.set_aside(path)?,
            Change::Move { path, to, before, after, replaced } => {
                if replaced.is_some() {
                    self.workspace.may_replace(to)?;
                    self.set_aside(to)?;
                } else {
                    self.folders_of(to);
                }
                // The file itself moves, so that it keeps its mode.
                self.workspace.rename(path, to)?;
                self.done.push(Step::Moved { from: path, to });
                if before != after {
                    self.rewrite(to, before, after)?;
                }
            }
        }
        Ok(())
    }

    fn rewrite(&mut self, path: &'a Path, before: &'a [u8], after: &[u8]) -> Result<(), WorkspaceError> {
        self.workspace.write_atomic(path, after)?;
        self.done.push(Step::Rewritten(path, before));
        Ok(())
    }

    fn set_aside(&mut self, path: &Path) -> Result<(), WorkspaceError> {
        self.done.push(Step::Aside(self.workspace.set_aside(path)?));
        Ok(())
    }

    /// Remembers which folders above `path` are not there yet, the outermost first.
    fn folders_of(&mut self, path: &Path) {
        let above: Vec<&Path> = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()).collect();
        let missing = |folder: &&Path| matches!(self.workspace.metadata(folder), Err(WorkspaceError::NotFound(_)));
        let made = above.into_iter().rev().filter(missing).map(|folder| Step::Folder(folder.to_path_buf()));
        self.done.extend(made.collect::<Vec<_>>());
    }

    /// What was set aside goes for good.
    fn finish(self) -> Result<(), CommitError> {
        for step in self.done {
            let Step::Aside(aside) = step else { continue };
            let path = aside.path().display().to_string();
            aside.discard().map_err(|source| CommitError::Left { path, source })?;
        }
        Ok(())
    }

    fn take_back(self, cause: WorkspaceError) -> CommitError {
        let Self { workspace, done } = self;
        for step in done.into_iter().rev() {
            let (path, undone) = match step {
                // One that somebody else has put something into stays.
                Step::Folder(path) => {
                    let _ = workspace.remove_folder(&path);
                    continue;
                }
                Step::Made(path) => (path.to_path_buf(), workspace.remove(path)),
                Step::Rewritten(path, before) => (path.to_path_buf(), workspace.write_atomic(path, before)),
                Step::Aside(aside) => (aside.path().to_path_buf(), aside.bring_back()),
                Step::Moved { from, to } => (from.to_path_buf(), workspace.rename(to, from)),
            };
            if let Err(undo) = undone {
                return CommitError::HalfDone { cause, path: path.display().to_string(), undo };
            }
        }
        cause.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn write(path: &str, before: Option<&str>, after: &str) -> Change {
        let before = before.map(|text| text.as_bytes().to_vec());
        Change::Write { path: path.into(), before, after: after.as_bytes().to_vec() }
    }

    #[test]
    fn what_was_changed_in_the_meantime_stops_everything() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(dir.path(), &[]).unwrap();
        fs::write(dir.path().join("a"), "read").unwrap();
        fs::write(dir.path().join("b"), "read").unwrap();
        let changes = [write("a", Some("read"), "new"), write("b", Some("read"), "new")];
        fs::write(dir.path().join("b"), "somebody's").unwrap();
        let error = commit(&changes, &workspace, None).unwrap_err();
        assert!(matches!(&error, CommitError::Changed(path) if path == "b"), "{error}");
        assert_eq!(fs::read_to_string(dir.path().join("a")).unwrap(), "read");
        // Also where nothing was, and something is now.
        let error = commit(&[write("b", None, "new")], &workspace, None).unwrap_err();
        assert!(matches!(error, CommitError::Changed(_)), "{error}");
        assert_eq!(fs::read_to_string(dir.path().join("b")).unwrap(), "somebody's");
    }

    #[test]
    fn nothing_is_left_beside_what_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::open(dir.path(), &[]).unwrap();
        for name in ["gone", "from", "to"] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        let bytes = |text: &str| text.as_bytes().to_vec();
        let changes = [
            Change::Delete { path: "gone".into(), before: bytes("gone") },
            Change::Move {
                path: "from".into(),
                to: "to".into(),
                before: bytes("from"),
                after: bytes("moved"),
                replaced: Some(bytes("to")),
            },
            write("new/file", None, "new"),
        ];
        commit(&changes, &workspace, None).unwrap();
        let mut names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["new", "to"]);
        assert_eq!(fs::read_to_string(dir.path().join("to")).unwrap(), "moved");
    }
}
