//! One file's lines, changed by two sides: merged by git where they keep apart.

use std::fs;

use super::Stop;
use super::entries::Entry;
use crate::task::git::{Git, GitError};

/// `ours` with what leads from `base` to `theirs`; `None` where both changed the same place, or a file is no text.
pub(super) fn merged(git: &Git, ours: &Entry, base: &Entry, theirs: &Entry) -> Result<Option<Entry>, Stop> {
    if [ours, base, theirs].iter().any(|entry| entry.is_link()) {
        return Ok(None);
    }
    let mut paths = Vec::new();
    for (name, entry) in [("ours", ours), ("base", base), ("theirs", theirs)] {
        let path = git.scratch().join(name);
        let bytes = git.bytes(["cat-file", "blob", &entry.object])?;
        fs::write(&path, bytes).map_err(|error| Stop::Why(format!("{}: {error}", path.display())))?;
        paths.push(path.into_os_string());
    }
    let mut arguments = vec!["merge-file".into(), "-p".into(), "--quiet".into()];
    arguments.extend(paths);
    let merged = match git.bytes(arguments) {
        Ok(merged) => merged,
        // The number of conflicts; 255 where a file is binary.
        Err(GitError::Refused { code: Some(_), .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let object = git.fed(["hash-object", "-w", "--stdin", "--no-filters"], &merged)?;
    let object = String::from_utf8_lossy(&object).trim().to_owned();
    Ok(Some(Entry { mode: ours.mode.clone(), object }))
}
