//! What git's index says of paths, read and written as bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::task::git::path_of;

pub(super) const FILE: &str = "100644";
pub(super) const EXECUTABLE: &str = "100755";
pub(super) const LINK: &str = "120000";
const SUBMODULE: &str = "160000";

/// What stands at a path: its mode and the name of its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) mode: String,
    pub(super) object: String,
}

impl Entry {
    pub(super) fn is_link(&self) -> bool {
        self.mode == LINK
    }
}

/// A whole index.
#[derive(Debug, Default)]
pub(super) struct Entries {
    known: BTreeMap<PathBuf, Entry>,
    unmerged: BTreeSet<PathBuf>,
    submodules: BTreeSet<PathBuf>,
}

impl Entries {
    /// The answer of `ls-files --stage -z`: `MODE OBJECT STAGE<tab>PATH`.
    pub(super) fn parse(listed: &[u8]) -> Self {
        let mut entries = Self::default();
        for record in listed.split(|byte| *byte == 0) {
            let Some(tab) = record.iter().position(|byte| *byte == b'\t') else { continue };
            let head = String::from_utf8_lossy(&record[..tab]).into_owned();
            let path = path_of(&record[tab + 1..]);
            let mut words = head.split(' ');
            let (Some(mode), Some(object), Some(stage)) = (words.next(), words.next(), words.next()) else { continue };
            if stage != "0" {
                entries.unmerged.insert(path);
                continue;
            }
            if mode == SUBMODULE {
                entries.submodules.insert(path.clone());
            }
            entries.known.insert(path, Entry { mode: mode.to_owned(), object: object.to_owned() });
        }
        entries
    }

    pub(super) fn get(&self, path: &Path) -> Option<&Entry> {
        self.known.get(path)
    }

    pub(super) fn is_unmerged(&self, path: &Path) -> bool {
        self.unmerged.contains(path)
    }

    pub(super) fn is_in_submodule(&self, path: &Path) -> bool {
        path.ancestors().any(|part| self.submodules.contains(part))
    }
}

/// Paths as `--stdin -z` takes them.
pub(super) fn listed<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for path in paths {
        bytes.extend_from_slice(path.as_os_str().as_encoded_bytes());
        bytes.push(0);
    }
    bytes
}

/// What `update-index -z --index-info` takes. What goes comes first: a name may become a folder's. `digits` is the
/// length of the repository's object names.
pub(super) fn update(new: &BTreeMap<&Path, Option<&Entry>>, digits: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (path, _) in new.iter().filter(|(_, entry)| entry.is_none()) {
        record(&mut bytes, &format!("0 {}\t", "0".repeat(digits)), path);
    }
    for (path, entry) in new {
        if let Some(Entry { mode, object }) = entry {
            record(&mut bytes, &format!("{mode} {object}\t"), path);
        }
    }
    bytes
}

fn record(bytes: &mut Vec<u8>, head: &str, path: &Path) {
    bytes.extend_from_slice(head.as_bytes());
    bytes.extend_from_slice(path.as_os_str().as_encoded_bytes());
    bytes.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_read_and_written() {
        let id = "a".repeat(40);
        let listed = format!("100644 {id} 0\ta b\n\0120000 {id} 0\tl\0160000 {id} 0\tsub\0100644 {id} 2\tx\0");
        let entries = Entries::parse(listed.as_bytes());
        assert_eq!(entries.get(Path::new("a b\n")).unwrap().mode, FILE);
        assert!(entries.get(Path::new("l")).unwrap().is_link() && entries.is_unmerged(Path::new("x")));
        assert!(entries.is_in_submodule(Path::new("sub/deep/file")) && !entries.is_in_submodule(Path::new("subs")));
        let entry = Entry { mode: FILE.to_owned(), object: id.clone() };
        let new = BTreeMap::from([(Path::new("a"), Some(&entry)), (Path::new("b"), None)]);
        let zeros = "0".repeat(40);
        assert_eq!(update(&new, 40), format!("0 {zeros}\tb\0100644 {id}\ta\0").into_bytes());
    }
}
