//! A whole tree as a list of entries, in a file. The last one also tells the next snapshot which files it need not
//! read again.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::entry::{Entry, Kind, ObjectId, Stat, decode, encode};
use super::store::replace_soon;
use crate::base::fsx;

const HEADER: &str = "vk-manifest 1 ";
/// A manifest of a tree at its limits is far below this.
const LARGEST: u64 = 1 << 30;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    /// When the tree was looked at, in nanoseconds since 1970.
    pub(super) seen_at: i64,
    pub(super) entries: BTreeMap<PathBuf, Entry>,
}

impl Manifest {
    /// Reads a manifest. A record cut off by a crash at the end is left out.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let bytes = fsx::read_bounded(path, LARGEST)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| damaged())?;
        let (first, records) = text.split_once('\0').ok_or_else(damaged)?;
        let seen_at = first.strip_prefix(HEADER).and_then(|at| at.parse().ok()).ok_or_else(damaged)?;
        let mut entries = BTreeMap::new();
        for record in records.split_inclusive('\0').filter_map(|record| record.strip_suffix('\0')) {
            let (path, entry) = parse(record).ok_or_else(damaged)?;
            entries.insert(path, entry);
        }
        Ok(Self { seen_at, entries })
    }

    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let mut text = format!("{HEADER}{}\0", self.seen_at);
        for (path, entry) in &self.entries {
            text.push_str(&record(path, entry));
        }
        replace_soon(path, text.as_bytes())
    }

    /// Adds an entry at the end of a manifest's file.
    pub(super) fn append(path: &Path, added: &Path, entry: &Entry) -> io::Result<()> {
        let mut file = fs::OpenOptions::new().append(true).open(path)?;
        file.write_all(record(added, entry).as_bytes())
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the snapshot's list of files is damaged")
}

fn record(path: &Path, entry: &Entry) -> String {
    let kind = match entry.kind {
        Kind::File => 'f',
        Kind::Link => 'l',
        Kind::Dir => 'd',
        Kind::Ignored => 'i',
        Kind::Absent => 'a',
    };
    let Stat { size, modified, changed, inode } = entry.stat;
    let object = entry.object.as_ref().map_or("-", ObjectId::as_str);
    format!("{kind} {:o} {size} {modified} {changed} {inode} {object} {}\0", entry.mode, encode(path))
}

fn parse(record: &str) -> Option<(PathBuf, Entry)> {
    let mut fields = record.splitn(8, ' ');
    let kind = match fields.next()? {
        "f" => Kind::File,
        "l" => Kind::Link,
        "d" => Kind::Dir,
        "i" => Kind::Ignored,
        "a" => Kind::Absent,
        _ => return None,
    };
    let mode = u32::from_str_radix(fields.next()?, 8).ok()?;
    let stat = Stat {
        size: fields.next()?.parse().ok()?,
        modified: fields.next()?.parse().ok()?,
        changed: fields.next()?.parse().ok()?,
        inode: fields.next()?.parse().ok()?,
    };
    let object = match fields.next()? {
        "-" => None,
        id => Some(ObjectId::parse(id)?),
    };
    Some((decode(fields.next()?)?, Entry { kind, mode, stat, object }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_read_back_and_a_cut_off_record_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m");
        let mut manifest = Manifest { seen_at: 12, ..Manifest::default() };
        let stat = Stat { size: 5, modified: -1, changed: 7, inode: 9 };
        let object = ObjectId::parse(&"ab".repeat(32));
        manifest.entries.insert("a b\n%c".into(), Entry { kind: Kind::File, mode: 0o755, stat, object });
        manifest.entries.insert("d".into(), Entry::without_content(Kind::Dir));
        manifest.write(&path).unwrap();
        assert_eq!(Manifest::read(&path).unwrap(), manifest);
        Manifest::append(&path, Path::new("x"), &Entry::without_content(Kind::Absent)).unwrap();
        manifest.entries.insert("x".into(), Entry::without_content(Kind::Absent));
        assert_eq!(Manifest::read(&path).unwrap(), manifest);
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend_from_slice(b"f 644 1 1 1");
        fs::write(&path, bytes).unwrap();
        assert_eq!(Manifest::read(&path).unwrap(), manifest);
        fs::write(&path, b"something else").unwrap();
        assert!(Manifest::read(&path).is_err());
    }
}
