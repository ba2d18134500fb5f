//! What a file tool is about to do, worked out in full: shown to a person before, written after.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::Before;
use crate::sandbox::Workspace;
use crate::sandbox::workspace::WorkspaceError;

/// Larger files are not edited by a tool, in bytes.
pub(super) const LARGEST: u64 = 16 * 1024 * 1024;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommitError {
    #[error("{0} was changed by something else in the meantime; look at it again")]
    Changed(String),
    #[error("{0}")]
    Workspace(#[from] WorkspaceError),
    #[error("{cause}; and {path} could not be put back: {undo}")]
    HalfDone { cause: WorkspaceError, path: String, undo: WorkspaceError },
}

/// Writes all of the changes or, when one fails, none: those already written are put back.
///
/// # Errors
/// A file that is not as it was when the change was worked out, or whatever the workspace refuses.
pub(super) fn commit(
    changes: &[Change],
    workspace: &Workspace,
    before: Option<&dyn Before>,
) -> Result<(), CommitError> {
    changes.iter().try_for_each(|change| change.check(workspace))?;
    if let Some(before) = before {
        changes.iter().flat_map(Change::paths).for_each(|path| before.before_write(path));
    }
    for (index, change) in changes.iter().enumerate() {
        let Err(cause) = change.write(workspace) else { continue };
        for done in changes[..index].iter().rev() {
            if let Err(undo) = done.put_back(workspace) {
                let path = done.paths().first().map(|path| path.display().to_string()).unwrap_or_default();
                return Err(CommitError::HalfDone { cause, path, undo });
            }
        }
        return Err(cause.into());
    }
    Ok(())
}

/// The content of a file, `None` where there is nothing.
///
/// # Errors
/// Whatever else the workspace answers.
pub(super) fn read(workspace: &Workspace, path: &Path) -> Result<Option<Vec<u8>>, WorkspaceError> {
    match workspace.read(path, LARGEST) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(WorkspaceError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// One file's change. `before` is what was read when it was worked out; it must still be there when it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Write {
        path: PathBuf,
        before: Option<Vec<u8>>,
        after: Vec<u8>,
    },
    Delete {
        path: PathBuf,
        before: Vec<u8>,
    },
    /// `replaced` is what stood at `to`.
    Move {
        path: PathBuf,
        to: PathBuf,
        before: Vec<u8>,
        after: Vec<u8>,
        replaced: Option<Vec<u8>>,
    },
}

impl Change {
    /// Every path it touches.
    pub(super) fn paths(&self) -> Vec<&Path> {
        match self {
            Self::Write { path, .. } | Self::Delete { path, .. } => vec![path],
            Self::Move { path, to, .. } => vec![path, to],
        }
    }

    /// As codex lists it: `A`, `M`, `D` and the path; a move is an `M` of its destination.
    pub(super) fn listed(&self) -> String {
        match self {
            Self::Write { path, before: None, .. } => format!("A {}", path.display()),
            Self::Write { path, .. } => format!("M {}", path.display()),
            Self::Delete { path, .. } => format!("D {}", path.display()),
            Self::Move { to, .. } => format!("M {}", to.display()),
        }
    }

    /// The change as a unified diff, in full: what a person says yes or no to.
    pub(super) fn diff(&self) -> String {
        let none = Path::new("/dev/null");
        match self {
            Self::Write { path, before: None, after } => unified(none, path, b"", after),
            Self::Write { path, before: Some(before), after } => unified(path, path, before, after),
            Self::Delete { path, before } => unified(path, none, before, b""),
            Self::Move { path, to, before, after, replaced } => {
                let mut text = format!("rename from {}\nrename to {}\n", path.display(), to.display());
                if replaced.is_some() {
                    let _ = writeln!(text, "replaces the {} that is there", to.display());
                }
                if before != after {
                    text.push_str(&unified(path, to, before, after));
                }
                text
            }
        }
    }
}

impl Change {
    fn check(&self, workspace: &Workspace) -> Result<(), CommitError> {
        let same = |path: &Path, expected: Option<&Vec<u8>>| {
            let unchanged = read(workspace, path)?.as_ref() == expected;
            unchanged.then_some(()).ok_or_else(|| CommitError::Changed(path.display().to_string()))
        };
        match self {
            Self::Write { path, before, .. } => same(path, before.as_ref()),
            Self::Delete { path, before } => same(path, Some(before)),
            Self::Move { path, to, before, replaced, .. } => {
                same(path, Some(before)).and_then(|()| same(to, replaced.as_ref()))
            }
        }
    }

    fn write(&self, workspace: &Workspace) -> Result<(), WorkspaceError> {
        match self {
            Self::Write { path, before: None, after } => workspace.create(path, after),
            Self::Write { before: Some(before), after, .. } if before == after => Ok(()),
            Self::Write { path, after, .. } => workspace.write_atomic(path, after),
            Self::Delete { path, .. } => workspace.remove(path),
            Self::Move { path, to, before, after, .. } => {
                // The file itself moves, so that it keeps its mode.
                workspace.rename(path, to)?;
                if before == after { Ok(()) } else { workspace.write_atomic(to, after) }
            }
        }
    }

    fn put_back(&self, workspace: &Workspace) -> Result<(), WorkspaceError> {
        match self {
            Self::Write { path, before: None, .. } => workspace.remove(path),
            Self::Write { path, before: Some(before), .. } => workspace.write_atomic(path, before),
            Self::Delete { path, before } => workspace.create(path, before),
            Self::Move { path, to, before, after, replaced } => {
                workspace.rename(to, path)?;
                if before != after {
                    workspace.write_atomic(path, before)?;
                }
                replaced.as_ref().map_or(Ok(()), |replaced| workspace.create(to, replaced))
            }
        }
    }
}

fn unified(old: &Path, new: &Path, before: &[u8], after: &[u8]) -> String {
    let (old, new) = (old.display().to_string(), new.display().to_string());
    match (std::str::from_utf8(before), std::str::from_utf8(after)) {
        (Ok(before), Ok(after)) if !before.contains('\0') && !after.contains('\0') => {
            let diff = TextDiff::from_lines(before, after);
            let text = diff.unified_diff().context_radius(3).header(&old, &new).to_string();
            if text.is_empty() { format!("--- {old}\n+++ {new}\n(no change)\n") } else { text }
        }
        _ => format!("--- {old}\n+++ {new}\n(binary: {} bytes before, {} after)\n", before.len(), after.len()),
    }
}
