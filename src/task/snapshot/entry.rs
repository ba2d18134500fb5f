//! What stands at a path: its kind, its mode, and the name of its content.

use std::fs::Metadata;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::base::secret::hex;

/// The name of a kept content: the SHA-256 of its bytes in hex.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(in crate::task) struct ObjectId(String);

impl ObjectId {
    pub(in crate::task) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn of_digest(digest: &[u8]) -> Self {
        Self(hex(digest))
    }

    /// From exactly 64 hex digits; a damaged record must not become a path.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let hex = text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        hex.then(|| Self(text.to_owned()))
    }
}

impl TryFrom<String> for ObjectId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not the name of a content")
    }
}

impl From<ObjectId> for String {
    fn from(id: ObjectId) -> Self {
        id.0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::task) enum Kind {
    File,
    Link,
    Dir,
    /// Left out by an ignore rule or because it cannot be read: it existed, so it was not made by the task.
    Ignored,
    /// Nothing was there when a tool was about to write it.
    Absent,
}

/// What the file system says of a file, to tell without reading whether it changed. Times in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) size: u64,
    pub(super) modified: i64,
    pub(super) changed: i64,
    pub(super) inode: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    /// Permission bits.
    pub(super) mode: u32,
    pub(super) stat: Stat,
    /// The bytes of a file or the target of a link; `None` for what has none or is too large to keep.
    pub(super) object: Option<ObjectId>,
}

impl Entry {
    pub(super) fn without_content(kind: Kind) -> Self {
        Self { kind, mode: 0, stat: Stat::default(), object: None }
    }

    /// The kind and stat of what `symlink_metadata` saw; `None` for pipes, sockets and devices.
    pub(super) fn seen(meta: &Metadata) -> Option<Self> {
        let kind = match meta.file_type() {
            kind if kind.is_file() => Kind::File,
            kind if kind.is_symlink() => Kind::Link,
            kind if kind.is_dir() => Kind::Dir,
            _ => return None,
        };
        Some(Self { kind, mode: mode_of(meta, kind), stat: Stat::of(meta), object: None })
    }

    /// Whether the file system shows no difference, so that the content need not be read again. `known` was seen at
    /// `seen_at`; a file changed about then may have changed once more within the same tick of its clock.
    pub(super) fn is_as(&self, known: &Self, seen_at: i64) -> bool {
        const TICK: i64 = 2_000_000_000;
        let settled = known.stat.changed.max(known.stat.modified) < seen_at.saturating_sub(TICK);
        self.kind == known.kind && self.mode == known.mode && self.stat == known.stat && settled
    }
}

/// What stood at a path, as an undo needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::task) struct State {
    pub(in crate::task) kind: Kind,
    pub(in crate::task) mode: u32,
    pub(in crate::task) size: u64,
    pub(in crate::task) object: Option<ObjectId>,
}

impl State {
    /// `None` for what was not there or was left out.
    pub(super) fn of(entry: &Entry) -> Option<Self> {
        let (kind, mode, size) = (entry.kind, entry.mode, entry.stat.size);
        let size = if kind == Kind::Dir { 0 } else { size };
        let known = matches!(kind, Kind::File | Kind::Link | Kind::Dir);
        known.then(|| Self { kind, mode, size, object: entry.object.clone() })
    }
}

#[cfg(unix)]
impl Stat {
    pub(super) fn of(meta: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        let nanos = |seconds: i64, nanos: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
        Self {
            size: meta.size(),
            modified: nanos(meta.mtime(), meta.mtime_nsec()),
            changed: nanos(meta.ctime(), meta.ctime_nsec()),
            inode: meta.ino(),
        }
    }
}

/// The mode of a link is the system's, not anybody's choice.
#[cfg(unix)]
fn mode_of(meta: &Metadata, kind: Kind) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    if kind == Kind::Link { 0o777 } else { meta.permissions().mode() & 0o7777 }
}

/// Without a change time no file is ever taken for unchanged: it is read again.
#[cfg(not(unix))]
impl Stat {
    pub(super) fn of(meta: &Metadata) -> Self {
        Self { size: meta.len(), modified: i64::MAX, changed: i64::MAX, inode: 0 }
    }
}

#[cfg(not(unix))]
fn mode_of(_: &Metadata, _: Kind) -> u32 {
    0o644
}

/// A path as text that any path can be read back from: what is not UTF-8, and `%`, is written `%XX`.
pub(in crate::task) mod path_text {
    use std::path::{Path, PathBuf};

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(in crate::task) fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        super::encode(path).serialize(serializer)
    }

    pub(in crate::task) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::decode(&text).ok_or_else(|| serde::de::Error::custom("not a path"))
    }
}

pub(super) fn encode(path: &Path) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text.push_str(&chunk.valid().replace('%', "%25"));
        for byte in chunk.invalid() {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

pub(super) fn decode(text: &str) -> Option<std::path::PathBuf> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    #[cfg(unix)]
    let path = Some(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes));
    #[cfg(not(unix))]
    let path = String::from_utf8(bytes).ok();
    path.map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_content_name_is_never_a_path() {
        assert!(ObjectId::parse(&"a".repeat(64)).is_some());
        for bad in ["", "../../etc/passwd", &"a".repeat(63), &"A".repeat(64), &format!("{}/", "a".repeat(63))] {
            assert!(ObjectId::parse(bad).is_none(), "{bad}");
        }
    }

    #[cfg(unix)]
    proptest! {
        #[test]
        fn any_path_is_read_back(bytes in proptest::collection::vec(1_u8.., 0..40)) {
            let path = std::path::PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes));
            let text = encode(&path);
            prop_assert_eq!(decode(&text).unwrap(), path);
        }
    }
}
