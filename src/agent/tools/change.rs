//! What a file tool is about to do, worked out in full and shown to a person before [`super::commit`] writes it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use similar::TextDiff;

use crate::sandbox::Workspace;
use crate::sandbox::workspace::WorkspaceError;

/// Larger files are not edited by a tool, in bytes.
pub(super) const LARGEST: u64 = 16 * 1024 * 1024;

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
