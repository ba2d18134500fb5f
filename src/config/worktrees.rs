//! vk's record of the git worktrees that it made: which project each belongs to. A worktree inherits that project's
//! trust, budgets and history. The record is the user's own; a folder cannot make itself one by what it holds.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::{fsx, secret};

const MOST_BYTES: u64 = 8 * 1024 * 1024;
const VERSION: u32 = 1;

/// What is known of one worktree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    #[serde(with = "path_text")]
    path: PathBuf,
    #[serde(with = "path_text")]
    project: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
struct File {
    version: u32,
    worktrees: Vec<Record>,
}

/// The project that the worktree at `path` belongs to, by its canonical root; `None` for every other folder. A record
/// that cannot be read knows of none: then the folder is a project of its own, which has to be trusted first.
pub(super) fn project_of(data: &Path, path: &Path) -> Option<PathBuf> {
    let known = read(data).ok()?;
    known.into_iter().find(|record| record.path == path).map(|record| record.project)
}

/// Remembers that `path` is a worktree of `project`, both canonical, and forgets those that are gone.
///
/// # Errors
/// Whatever the file system answers.
pub fn remember(data: &Path, path: &Path, project: &Path) -> io::Result<()> {
    change(data, |known| {
        known.retain(|record| record.path != path && record.path.is_dir());
        known.push(Record { path: path.to_owned(), project: project.to_owned() });
    })
}

/// # Errors
/// Whatever the file system answers.
pub fn forget(data: &Path, path: &Path) -> io::Result<()> {
    change(data, |known| known.retain(|record| record.path != path))
}

fn change(data: &Path, change: impl FnOnce(&mut Vec<Record>)) -> io::Result<()> {
    fsx::create_private_dir(data)?;
    let _lock = fsx::lock_exclusive(&data.join("worktrees.lock"))?;
    let mut known = read(data)?;
    change(&mut known);
    let bytes = serde_json::to_vec_pretty(&File { version: VERSION, worktrees: known })?;
    fsx::write_private(&file(data), &bytes)
}

fn file(data: &Path) -> PathBuf {
    data.join("worktrees.json")
}

fn read(data: &Path) -> io::Result<Vec<Record>> {
    let bytes = match fsx::read_own(&file(data), MOST_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let file: File = serde_json::from_slice(&bytes)?;
    if file.version != VERSION {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "worktrees.json was written by a newer vk"));
    }
    let mut last = BTreeMap::new();
    for record in file.worktrees {
        last.insert(record.path.clone(), record);
    }
    Ok(last.into_values().collect())
}

/// A path as JSON text; one that is not UTF-8 in hexadecimal.
mod path_text {
    use std::path::{Path, PathBuf};

    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::secret;

    const HEX: &str = "hex:";

    pub(super) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        let text = path.to_str().map(str::to_owned);
        let text = text.unwrap_or_else(|| format!("{HEX}{}", secret::hex(path.as_os_str().as_encoded_bytes())));
        serializer.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
        let text = String::deserialize(deserializer)?;
        let Some(digits) = text.strip_prefix(HEX) else { return Ok(text.into()) };
        let byte = |at: usize| digits.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
        let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
        let bytes = bytes.ok_or_else(|| serde::de::Error::custom("not a path"))?;
        #[cfg(unix)]
        return Ok(std::os::unix::ffi::OsStringExt::from_vec(bytes)).map(|name: std::ffi::OsString| name.into());
        #[cfg(not(unix))]
        String::from_utf8(bytes).map(PathBuf::from).map_err(serde::de::Error::custom)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_worktree_is_known_until_it_is_forgotten_or_gone() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let odd: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(b"t\xff2".to_vec());
        let (data, first, second) = (root.join("data"), root.join("t1"), root.join(odd));
        for tree in [&first, &second] {
            std::fs::create_dir(tree).unwrap();
            remember(&data, tree, &root).unwrap();
        }
        assert_eq!(project_of(&data, &first), Some(root.clone()));
        assert_eq!(project_of(&data, &second), Some(root.clone()));
        assert_eq!(project_of(&data, &root), None);
        forget(&data, &second).unwrap();
        assert_eq!(project_of(&data, &second), None);
        std::fs::remove_dir(&first).unwrap();
        remember(&data, &second, &root).unwrap();
        assert_eq!(read(&data).unwrap().len(), 1);
        std::fs::write(file(&data), "{").unwrap();
        assert_eq!(project_of(&data, &second), None);
    }
}
