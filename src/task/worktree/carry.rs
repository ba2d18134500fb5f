//! The user's uncommitted changes, and how they come along into a worktree: byte for byte, no filter run, no link
//! followed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::base::fsx;
use crate::domain::ui::Ui;
use crate::task::git::{Git, GitError, path_of};
use crate::task::undo::place::Place;

/// A larger file stays behind, and that is said.
const LARGEST: u64 = 1 << 30;

/// One path that differs from the last commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    path: PathBuf,
    mark: String,
}

impl Change {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn shown(&self) -> String {
        format!("{} {}", self.mark, self.path.display())
    }
}

/// Every path that differs from the last commit, untracked ones that are not ignored among them.
pub(super) fn uncommitted(git: &Git) -> Result<Vec<Change>, GitError> {
    let listed =
        git.bytes(["status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignore-submodules=all"])?;
    let entries = listed.split(|byte| *byte == 0).filter(|entry| entry.len() > 3);
    Ok(entries
        .map(|entry| Change {
            path: path_of(&entry[3..]),
            mark: String::from_utf8_lossy(&entry[..2]).trim().to_owned(),
        })
        .collect())
}

/// Puts the changes of `from` into `to`.
pub(super) fn bring(changes: &[Change], from: &Path, to: &Path, ui: &dyn Ui) -> io::Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let place = Place::open(to)?;
    for Change { path, .. } in changes {
        if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            ui.say(&format!("{} is a repository of its own and stays behind", path.display()));
            continue;
        }
        if let Err(error) = one(&place, &from.join(path), path) {
            ui.say(&format!("{} stays behind: {error}", path.display()));
        }
    }
    Ok(())
}

/// Puts what stands at `source` to `path` in the place: a file, a link, or nothing.
pub(super) fn one(place: &Place, source: &Path, path: &Path) -> io::Result<()> {
    let meta = match fs::symlink_metadata(source) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return match place.remove(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        Err(error) => return Err(error),
    };
    if meta.is_symlink() {
        return place.link(path, fs::read_link(source)?.into_os_string().into_encoded_bytes());
    }
    if !meta.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    place.file(path, mode(&meta), &fsx::read_unfollowed(source, LARGEST)?)
}

#[cfg(unix)]
fn mode(meta: &fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o777
}

#[cfg(not(unix))]
fn mode(_: &fs::Metadata) -> u32 {
    0o644
}
