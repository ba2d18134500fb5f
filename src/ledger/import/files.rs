//! The files of the places, found without following links or opening what is no regular file.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::places::{Kind, Place};
use super::tool::Tool;
use crate::base::fsx;

/// Folders in folders, and files, that are looked at; more is no log.
const MOST_LEVELS: usize = 24;
const MOST_FILES: usize = 1_000_000;
/// What is read of a file to see whose it is.
const SNIFFED: u64 = 8 * 1024;

/// Which file it is and when it changed last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamp {
    pub device: i64,
    pub inode: i64,
    pub size: i64,
    /// Nanoseconds since 1970.
    pub modified: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogFile {
    pub path: PathBuf,
    pub tool: Tool,
    pub kind: Kind,
    pub stamp: Stamp,
}

impl Stamp {
    #[cfg(unix)]
    pub(super) fn of(meta: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self {
            device: meta.dev().cast_signed(),
            inode: meta.ino().cast_signed(),
            size: meta.size().cast_signed(),
            modified: meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec()),
        }
    }

    #[cfg(not(unix))]
    pub(super) fn of(meta: &Metadata) -> Self {
        let modified = meta.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        let modified = modified.and_then(|age| i64::try_from(age.as_nanos()).ok()).unwrap_or(0);
        Self { device: 0, inode: 0, size: i64::try_from(meta.len()).unwrap_or(i64::MAX), modified }
    }
}

impl Stamp {
    /// That of a database: what it wrote last stands in a file beside it.
    fn with_log(self, database: &Path) -> Self {
        let mut beside = database.as_os_str().to_owned();
        beside.push("-wal");
        match fs::symlink_metadata(PathBuf::from(beside)) {
            Ok(meta) => {
                let log = Self::of(&meta);
                Self { size: self.size.saturating_add(log.size), modified: self.modified.max(log.modified), ..self }
            }
            Err(_) => self,
        }
    }
}

/// What was found, in the order of the paths, and the folders that could not be read.
#[derive(Debug, Default)]
pub(super) struct Search {
    pub files: Vec<LogFile>,
    pub unreadable: Vec<PathBuf>,
}

/// Every file of the places; one that two places hold is named once.
pub(super) fn find(places: &[Place]) -> Search {
    let mut search = Search::default();
    for place in places {
        match place.kind {
            Kind::Database => {
                if let Ok(meta) = fs::symlink_metadata(&place.path)
                    && meta.is_file()
                {
                    let stamp = Stamp::of(&meta).with_log(&place.path);
                    let (path, tool) = (place.path.clone(), Tool::Opencode);
                    search.files.push(LogFile { path, tool, kind: Kind::Database, stamp });
                }
            }
            Kind::Lines => search.walk(place, "jsonl"),
            Kind::Documents => search.walk(place, "json"),
        }
    }
    search.files.sort_by(|a, b| a.path.cmp(&b.path));
    search.files.dedup_by(|a, b| a.path == b.path);
    search
}

impl Search {
    fn add(&mut self, path: PathBuf, tool: Tool, kind: Kind, meta: &Metadata) {
        self.files.push(LogFile { path, tool, kind, stamp: Stamp::of(meta) });
    }

    fn walk(&mut self, place: &Place, ending: &str) {
        // The place itself may be a link of the person's own making; nothing below it is followed.
        let Ok(root) = place.path.canonicalize() else { return };
        if let Ok(meta) = fs::metadata(&root)
            && meta.is_file()
        {
            self.take(root, place, &meta);
            return;
        }
        let mut folders = vec![(root, 0)];
        while let Some((folder, level)) = folders.pop() {
            let Ok(entries) = fs::read_dir(&folder) else {
                self.unreadable.push(folder);
                continue;
            };
            for entry in entries.flatten() {
                if self.files.len() >= MOST_FILES {
                    return;
                }
                let Ok(kind) = entry.file_type() else { continue };
                let path = entry.path();
                if kind.is_dir() && level < MOST_LEVELS {
                    folders.push((path, level + 1));
                } else if kind.is_file()
                    && path.extension().is_some_and(|found| found == ending)
                    && let Ok(meta) = entry.metadata()
                {
                    self.take(path, place, &meta);
                }
            }
        }
    }

    fn take(&mut self, path: PathBuf, place: &Place, meta: &Metadata) {
        if let Some(tool) = place.tool.or_else(|| sniff(&path)) {
            self.add(path, tool, place.kind, meta);
        }
    }
}

/// Opens a file that was found: still a regular one, and no link.
pub(super) fn open(path: &Path) -> io::Result<(File, Stamp)> {
    let (file, meta) = fsx::open_unfollowed(path)?;
    let stamp = Stamp::of(&meta);
    Ok((file, stamp))
}

/// Whose log a file is, by how it begins.
fn sniff(path: &Path) -> Option<Tool> {
    let (file, _) = open(path).ok()?;
    let mut bytes = Vec::new();
    file.take(SNIFFED).read_to_end(&mut bytes).ok()?;
    let has = |key: &str| memchr::memmem::find(&bytes, key.as_bytes()).is_some();
    if has("\"payload\"") && (has("\"session_meta\"") || has("\"event_msg\"") || has("\"turn_context\"")) {
        return Some(Tool::Codex);
    }
    let first: Vec<u8> = bytes.iter().copied().take(64).filter(|byte| *byte != b' ').collect();
    if first.starts_with(b"{\"type\":\"session\"") {
        return Some(Tool::Pi);
    }
    (has("\"sessionId\"") || has("\"requestId\"") || has("\"usage\"")).then_some(Tool::ClaudeCode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn links_pipes_and_other_files_are_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("projects");
        fs::create_dir_all(root.join("a/subagents")).unwrap();
        fs::write(root.join("a/one.jsonl"), "").unwrap();
        fs::write(root.join("a/subagents/two.jsonl"), "").unwrap();
        fs::write(root.join("a/notes.txt"), "").unwrap();
        std::os::unix::fs::symlink("/etc", root.join("etc")).unwrap();
        std::os::unix::fs::symlink(root.join("a/one.jsonl"), root.join("link.jsonl")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            root.join("pipe.jsonl"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        let place = Place { tool: Some(Tool::ClaudeCode), kind: Kind::Lines, path: root.clone() };
        let found = find(&[place.clone(), place]);
        let names: Vec<_> = found.files.iter().map(|file| file.path.strip_prefix(&root).unwrap()).collect();
        assert_eq!(names, [Path::new("a/one.jsonl"), Path::new("a/subagents/two.jsonl")]);
        // What became a pipe since it was found is not waited for.
        assert!(open(&root.join("pipe.jsonl")).is_err());
        assert!(open(&root.join("link.jsonl")).is_err());
    }

    #[test]
    fn files_tell_whose_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let told = |text: &str| {
            let path = dir.path().join("x.jsonl");
            fs::write(&path, text).unwrap();
            sniff(&path)
        };
        let codex = r#"{"timestamp":"t","type":"session_meta","payload":{"id":"a"}}"#;
        assert_eq!(told(codex), Some(Tool::Codex));
        assert_eq!(told(r#"{"type": "session", "id":"a","cwd":"/x"}"#), Some(Tool::Pi));
        assert_eq!(told(r#"{"parentUuid":null,"sessionId":"a","type":"user"}"#), Some(Tool::ClaudeCode));
        assert_eq!(told("{}\n"), None);
    }
}
