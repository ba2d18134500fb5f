//! Every file of a project that a snapshot covers: what `.gitignore` leaves out is left out here, `.git` always is.
//!
//! Only the file system is asked. No byte of `.git` is interpreted but `info/exclude`, no link is followed, and
//! nothing is opened that is not a regular file, so a hostile tree can neither run anything nor make this wait.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::entry::{Entry, Kind};
use super::{Limits, SnapshotError};
use crate::base::fsx;

/// A larger `.gitignore` is not a list of patterns.
const LARGEST_RULES: u64 = 1 << 20;

/// What was found, relative to the root. Ignored entries are in it as such; nothing below them is.
pub(super) struct Walk<'a> {
    root: &'a Path,
    /// Absolute paths that are never part of a project: vk's own folders.
    outside: &'a [PathBuf],
    meter: &'a mut Meter,
    pub(super) found: BTreeMap<PathBuf, Entry>,
    /// Folders that could not be read.
    pub(super) unreadable: Vec<PathBuf>,
}

/// The rules of a folder, and those of the folders above it.
struct Rules {
    above: Option<Rc<Rules>>,
    own: Gitignore,
}

impl Rules {
    /// As git has it: the nearest file that says anything decides, and in it the last line.
    fn ignore(&self, path: &Path, is_dir: bool) -> bool {
        let mut rules = Some(self);
        while let Some(here) = rules {
            match here.own.matched(path, is_dir) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => rules = here.above.as_deref(),
            }
        }
        false
    }
}

impl<'a> Walk<'a> {
    pub(super) fn run(root: &'a Path, outside: &'a [PathBuf], meter: &'a mut Meter) -> Result<Self, SnapshotError> {
        let mut walk = Self { root, outside, meter, found: BTreeMap::new(), unreadable: Vec::new() };
        let exclude = rules_from(root, &root.join(".git/info/exclude"), None);
        // An explicit stack: a tree a thousand folders deep must not end the process.
        let mut folders = vec![(PathBuf::new(), exclude)];
        while let Some((folder, rules)) = folders.pop() {
            walk.folder(&folder, rules, &mut folders)?;
        }
        Ok(walk)
    }

    fn folder(
        &mut self,
        folder: &Path,
        rules: Option<Rc<Rules>>,
        folders: &mut Vec<(PathBuf, Option<Rc<Rules>>)>,
    ) -> Result<(), SnapshotError> {
        let full = self.root.join(folder);
        let entries = match std::fs::read_dir(&full) {
            Ok(entries) => entries,
            Err(error) if folder.as_os_str().is_empty() => return Err(SnapshotError::io("reading", &full, error)),
            Err(_) => {
                self.found.insert(folder.to_owned(), Entry::without_content(Kind::Ignored));
                self.unreadable.push(folder.to_owned());
                return Ok(());
            }
        };
        let rules = rules_from(&full, &full.join(".gitignore"), rules.clone()).or(rules);
        for entry in entries {
            let Ok(entry) = entry else { continue };
            let name = entry.file_name();
            let (relative, full) = (folder.join(&name), entry.path());
            if self.is_outside(folder, &name, &full) {
                continue;
            }
            // Gone again, or a pipe, a socket, a device: nothing that can be put back.
            let Ok(meta) = entry.metadata() else { continue };
            let Some(seen) = Entry::seen(&meta) else { continue };
            let is_dir = seen.kind == Kind::Dir;
            if rules.as_ref().is_some_and(|rules| rules.ignore(&full, is_dir)) {
                self.meter.count(0)?;
                self.found.insert(relative, Entry::without_content(Kind::Ignored));
                continue;
            }
            self.meter.count(if seen.kind == Kind::File { seen.stat.size } else { 0 })?;
            if is_dir {
                folders.push((relative.clone(), rules.clone()));
            }
            self.found.insert(relative, seen);
        }
        Ok(())
    }

    /// Repositories' own data, at any depth and in any case; the project's `vk.toml`, which no task may write; and
    /// vk's own folders.
    fn is_outside(&self, folder: &Path, name: &OsStr, full: &Path) -> bool {
        name.eq_ignore_ascii_case(".git")
            || (folder.as_os_str().is_empty() && name.eq_ignore_ascii_case("vk.toml"))
            || self.outside.iter().any(|path| path == full)
    }
}

fn rules_from(folder: &Path, file: &Path, above: Option<Rc<Rules>>) -> Option<Rc<Rules>> {
    // As git does, a link is not read for rules.
    if !std::fs::symlink_metadata(file).is_ok_and(|meta| meta.is_file()) {
        return None;
    }
    let bytes = fsx::read_bounded(file, LARGEST_RULES).ok()?;
    let mut builder = GitignoreBuilder::new(folder);
    for line in String::from_utf8_lossy(&bytes).lines() {
        // A line that is no pattern is no rule.
        let _ = builder.add_line(None, line);
    }
    builder.build().ok().map(|own| Rc::new(Rules { above, own }))
}

/// Counts against the limits.
#[derive(Debug)]
pub(super) struct Meter {
    limits: Limits,
    until: Instant,
    files: usize,
    bytes: u64,
}

impl Meter {
    pub(super) fn new(limits: Limits) -> Self {
        let now = Instant::now();
        Self { limits, until: now.checked_add(limits.time).unwrap_or(now), files: 0, bytes: 0 }
    }

    pub(super) fn in_time(&self) -> Result<(), SnapshotError> {
        if Instant::now() > self.until {
            return Err(SnapshotError::TooSlow(self.limits.time));
        }
        Ok(())
    }

    fn count(&mut self, size: u64) -> Result<(), SnapshotError> {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(if size <= super::LARGEST_KEPT { size } else { 0 });
        if self.files > self.limits.files {
            return Err(SnapshotError::TooManyFiles(self.limits.files));
        }
        if self.bytes > self.limits.bytes {
            return Err(SnapshotError::TooLarge(self.limits.bytes));
        }
        if self.files.is_multiple_of(64) { self.in_time() } else { Ok(()) }
    }
}

/// The entry at `path` now; `None` when nothing that can be put back is there. Below a link there is nothing.
pub(super) fn look(root: &Path, path: &Path) -> io::Result<Option<Entry>> {
    let folders = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
    for folder in folders {
        if !std::fs::symlink_metadata(root.join(folder)).is_ok_and(|meta| meta.is_dir()) {
            return Ok(None);
        }
    }
    match std::fs::symlink_metadata(root.join(path)) {
        Ok(meta) => Ok(Entry::seen(&meta)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn found(root: &Path) -> Vec<String> {
        let mut meter = Meter::new(Limits::default());
        let walk = Walk::run(root, &[], &mut meter).unwrap();
        let name = |(path, entry): (&PathBuf, &Entry)| {
            let mark = if entry.kind == Kind::Ignored { "!" } else { "" };
            format!("{mark}{}", path.display())
        };
        walk.found.iter().map(name).collect()
    }

    #[test]
    fn ignore_rules_are_gits_and_git_itself_is_never_looked_into() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for folder in [".git/info", "sub/.git/hooks", "target/debug", "sub/deep", "keep", ".GIT"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for (file, text) in [
            (".gitignore", "target/\n*.log\n!keep/*.log\n"),
            (".git/info/exclude", "notes.txt\n"),
            ("sub/.gitignore", "/deep\n!b.log\n"),
            ("target/debug/x", ""),
            ("a.log", ""),
            ("sub/b.log", ""),
            ("sub/deep/c", ""),
            ("sub/.git/config", "[core]\n fsmonitor = touch CANARY\n"),
            ("keep/k.log", ""),
            ("notes.txt", ""),
            ("vk.toml", ""),
            ("sub/vk.toml", ""),
            (".hidden", ""),
        ] {
            fs::write(root.join(file), text).unwrap();
        }
        assert_eq!(
            found(root),
            [
                ".gitignore",
                ".hidden",
                "!a.log",
                "keep",
                "keep/k.log",
                "!notes.txt",
                "sub",
                "sub/.gitignore",
                "sub/b.log",
                "!sub/deep",
                "sub/vk.toml",
                "!target"
            ]
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed_and_pipes_do_not_block() {
        let dir = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join("secret"), "").unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), dir.path().join("link")).unwrap();
        let pipe = dir.path().join(".gitignore");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert_eq!(found(dir.path()), ["link"]);
    }

    #[test]
    fn limits_are_kept_and_ignored_files_do_not_count() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".gitignore"), "ignored\n").unwrap();
        fs::write(dir.path().join("ignored"), [0; 100]).unwrap();
        for i in 0..3 {
            fs::write(dir.path().join(format!("f{i}")), [0; 10]).unwrap();
        }
        let run = |files, bytes| {
            let mut meter = Meter::new(Limits { files, bytes, ..Limits::default() });
            Walk::run(dir.path(), &[], &mut meter).map(|walk| walk.found.len())
        };
        assert_eq!(run(5, 38).unwrap(), 5);
        assert!(matches!(run(3, 1000), Err(SnapshotError::TooManyFiles(3))));
        assert!(matches!(run(10, 30), Err(SnapshotError::TooLarge(30))));
    }
}
