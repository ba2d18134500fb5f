//! What the project looked like before a task, so that the task can be shown and undone.
//!
//! The snapshot is vk's own: contents by their hash in the data folder, one store per project. The project's git is
//! neither read nor run, so it works the same without git and in a repository that somebody hostile has prepared.

mod entry;
mod manifest;
mod record;
mod store;
mod sweep;
mod walk;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::diff::{self, LARGEST_SHOWN};
use crate::base::clock;
use crate::base::env::Env;
use crate::base::fsx;
use crate::domain::event::FileChange;
use entry::Entry;
pub(super) use entry::{Kind, ObjectId, State};
use manifest::Manifest;
use record::BEFORE;
pub(super) use record::{Change, Record, shown_path};
pub(super) use store::Store;
use walk::{Meter, Walk, look};

/// A larger file is only watched, not kept: the task's change of it is shown, but cannot be undone.
const LARGEST_KEPT: u64 = 64 << 20;
/// The last tree that was looked at, which spares the next snapshot reading what has not changed.
const INDEX: &str = "index";

/// Beyond these no snapshot is taken: a task must not wait for minutes or fill the disk before it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Files and folders.
    pub files: usize,
    /// Of all kept files together.
    pub bytes: u64,
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { files: 100_000, bytes: 1 << 30, time: Duration::from_secs(10) }
    }
}

impl Limits {
    /// What a task made may be more than what it found, and is worth a longer wait.
    fn at_the_end(self) -> Self {
        Self { files: self.files.saturating_mul(4), bytes: u64::MAX, time: self.time.saturating_mul(6) }
    }
}

/// Why there is no snapshot; the task may go on, but cannot be undone.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("{} is not a project: vk keeps no copy of a home folder or of what lies above it", .0.display())]
    NotAProject(PathBuf),
    #[error("the project has more than {0} files that are not ignored")]
    TooManyFiles(usize),
    #[error("the files of the project that are not ignored are larger than {} MiB together", .0 >> 20)]
    TooLarge(u64),
    #[error("looking at the project took longer than {} s", .0.as_secs())]
    TooSlow(Duration),
    #[error("{doing} {}: {source}", .path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
}

impl SnapshotError {
    fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), source }
    }
}

/// The tree before a task.
#[derive(Debug)]
pub struct Snapshot {
    root: PathBuf,
    task_dir: PathBuf,
    outside: Vec<PathBuf>,
    store: Store,
    limits: Limits,
    record: Record,
    before: Mutex<Manifest>,
}

impl Snapshot {
    /// Looks at the whole project and keeps what is not kept yet.
    ///
    /// # Errors
    /// When the project is too large or is the home folder, or a folder of vk's cannot be read or written.
    pub fn take(
        env: &Env,
        data_dir: &Path,
        project_root: &Path,
        task_id: &str,
        limits: Limits,
    ) -> Result<Self, SnapshotError> {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let (root, data_dir) = (real(project_root), real(data_dir));
        if root.parent().is_none() || env.home().is_some_and(|home| real(&home).starts_with(&root)) {
            return Err(SnapshotError::NotAProject(root));
        }
        let writing = |path: &Path| {
            let path = path.to_owned();
            move |error| SnapshotError::io("writing", &path, error)
        };
        let store = Store::open(&data_dir, &root).map_err(writing(&data_dir))?;
        let _lock = lock(&store)?;
        let all_tasks = data_dir.join("tasks");
        let task_dir = all_tasks.join(task_id);
        fsx::create_private_dir(&all_tasks)
            .and_then(|()| fsx::create_private_dir(&task_dir))
            .map_err(writing(&task_dir))?;

        let index = store.dir().join(INDEX);
        // A missing or damaged index only means that every file is read.
        let known = Manifest::read(&index).unwrap_or_default();
        sweep::begin(&store, &all_tasks, task_id, &known).map_err(writing(store.dir()))?;
        let seen_at = nanos_now();
        let outside = vec![data_dir];
        let mut meter = Meter::new(limits);
        let Walk { found, unreadable, .. } = Walk::run(&root, &outside, &mut meter)?;
        let mut notes: Vec<String> =
            unreadable.iter().map(|folder| format!("{}: the folder cannot be read", shown_path(folder))).collect();
        let mut manifest = Manifest { seen_at, ..Manifest::default() };
        for (path, seen) in found {
            meter.in_time()?;
            let known = known.entries.get(&path).filter(|entry| seen.is_as(entry, known.seen_at));
            let entry = match known {
                Some(known) if known.object.as_ref().is_none_or(|id| store.has(id, known.stat.size)) => known.clone(),
                _ => match content(&store, &root, &path, seen, &|size| size <= LARGEST_KEPT) {
                    Ok(Some(entry)) => entry,
                    Ok(None) => continue,
                    Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                        notes.push(format!("{}: it cannot be read", shown_path(&path)));
                        Entry::without_content(Kind::Ignored)
                    }
                    Err(error) => return Err(SnapshotError::io("keeping", &root.join(&path), error)),
                },
            };
            if entry.kind == Kind::File && entry.object.is_none() {
                notes.push(format!("{}: it is larger than {} MiB", shown_path(&path), LARGEST_KEPT >> 20));
            }
            manifest.entries.insert(path, entry);
        }
        let before = task_dir.join(BEFORE);
        manifest.write(&index).map_err(writing(&index))?;
        manifest.write(&before).map_err(writing(&before))?;
        let taken_at = clock::rfc3339(clock::now());
        let record = Record {
            v: 1,
            task_id: task_id.to_owned(),
            root: root.clone(),
            taken_at,
            ended_at: None,
            changes: Vec::new(),
            notes,
        };
        record.write(&task_dir).map_err(writing(&task_dir))?;
        Ok(Self { root, task_dir, outside, store, limits, record, before: Mutex::new(manifest) })
    }

    /// What the snapshot does not hold, each with the reason.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.record.notes
    }

    /// To be called before a tool writes, moves or removes `rel`, so that files the snapshot does not hold
    /// (ignored ones) can be put back as well.
    ///
    /// # Errors
    /// When the file cannot be kept.
    pub fn before_write(&self, rel: &Path) -> Result<(), SnapshotError> {
        let path: PathBuf = rel.components().filter(|part| *part != Component::CurDir).collect();
        if path.as_os_str().is_empty() || path.components().any(|part| !matches!(part, Component::Normal(_))) {
            return Ok(());
        }
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        if before.entries.get(&path).is_some_and(|entry| entry.kind != Kind::Ignored) {
            return Ok(());
        }
        let failed = |error| SnapshotError::io("keeping", &self.root.join(&path), error);
        let entry = match look(&self.root, &path).map_err(failed)? {
            Some(seen) if seen.kind == Kind::Dir => return Ok(()),
            // What was looked into and not found then has been made by a command of this task since.
            Some(seen) if was_left_out(&before, &path) => {
                content(&self.store, &self.root, &path, seen, &|size| size <= LARGEST_KEPT).map_err(failed)?
            }
            _ => None,
        };
        let entry = entry.unwrap_or_else(|| Entry::without_content(Kind::Absent));
        Manifest::append(&self.task_dir.join(BEFORE), &path, &entry).map_err(failed)?;
        before.entries.insert(path, entry);
        Ok(())
    }

    /// What has changed since the snapshot; recorded for `vk tasks diff` and `vk tasks undo`. May be called again.
    ///
    /// # Errors
    /// When the project cannot be read or the record cannot be written.
    pub fn changes(&self) -> Result<Vec<FileChange>, SnapshotError> {
        let _lock = lock(&self.store)?;
        let before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = changes_since(&self.store, &self.root, &self.outside, &before, self.limits.at_the_end())?;
        let ended_at = Some(clock::rfc3339(clock::now()));
        let record = Record { ended_at, changes, ..self.record.clone() };
        record.write(&self.task_dir).map_err(|error| SnapshotError::io("writing", &self.task_dir, error))?;
        Ok(record.files())
    }
}

/// What has changed since a task began that never said that it ended: its process was killed.
pub(super) fn changes_of_killed(data_dir: &Path, record: &Record) -> Result<Vec<Change>, SnapshotError> {
    let task_dir = data_dir.join("tasks").join(&record.task_id);
    let before = task_dir.join(BEFORE);
    let before = Manifest::read(&before).map_err(|error| SnapshotError::io("reading", &before, error))?;
    let store = Store::open(data_dir, &record.root).map_err(|error| SnapshotError::io("writing", data_dir, error))?;
    let _lock = lock(&store)?;
    changes_since(&store, &record.root, &[data_dir.to_owned()], &before, Limits::default().at_the_end())
}

fn changes_since(
    store: &Store,
    root: &Path,
    outside: &[PathBuf],
    before: &Manifest,
    limits: Limits,
) -> Result<Vec<Change>, SnapshotError> {
    let mut meter = Meter::new(limits);
    let mut after = Walk::run(root, outside, &mut meter)?.found;
    after.retain(|path, entry| entry.kind != Kind::Ignored && !was_left_out(before, path));
    // What the rules leave out now but did not before, and what only a tool's write brought into view.
    for (path, entry) in &before.entries {
        if entry.kind != Kind::Ignored && !after.contains_key(path) {
            let now = look(root, path).map_err(|error| SnapshotError::io("reading", &root.join(path), error))?;
            after.extend(now.map(|now| (path.clone(), now)));
        }
    }
    let paths: BTreeSet<&PathBuf> = before.entries.keys().chain(after.keys()).collect();
    let mut budget = diff::Budget::default();
    let mut changes = Vec::new();
    for path in paths {
        meter.in_time()?;
        let old = before.entries.get(path).filter(|entry| !matches!(entry.kind, Kind::Ignored | Kind::Absent));
        let seen = after.get(path);
        if old.is_none() && seen.is_none() {
            continue;
        }
        if let (Some(old), Some(seen)) = (old, seen)
            && (seen.is_as(old, before.seen_at) || is_large_and_same(old, seen))
        {
            continue;
        }
        let new = match seen {
            Some(seen) => content(store, root, path, seen.clone(), &|size| size <= LARGEST_SHOWN)
                .map_err(|error| SnapshotError::io("reading", &root.join(path), error))?,
            None => None,
        };
        let (before, after) = (old.and_then(State::of), new.as_ref().and_then(State::of));
        let is_known = |state: &State| state.kind != Kind::File || state.object.is_some();
        if before == after && before.as_ref().is_none_or(is_known) {
            continue;
        }
        let lines = budget.count(store, before.as_ref(), after.as_ref());
        let (added, removed) = lines.unzip();
        changes.push(Change { path: path.clone(), before, after, added, removed });
    }
    Ok(changes)
}

/// Whether `path`, or a folder above it, was there before the task but not looked into. What comes into view there,
/// because the task changed the rules, is not its making and must never be removed by an undo.
fn was_left_out(before: &Manifest, path: &Path) -> bool {
    let is_left_out = |path: &Path| before.entries.get(path).is_some_and(|entry| entry.kind == Kind::Ignored);
    path.ancestors().any(is_left_out) && !before.entries.get(path).is_some_and(|entry| entry.kind != Kind::Ignored)
}

fn is_large_and_same(old: &Entry, seen: &Entry) -> bool {
    old.kind == Kind::File && old.object.is_none() && (old.mode, old.stat) == (seen.mode, seen.stat)
}

/// The entry with its content read, and kept if `keep` says so for its size. `None` when it is gone again.
fn content(
    store: &Store,
    root: &Path,
    path: &Path,
    seen: Entry,
    keep: &dyn Fn(u64) -> bool,
) -> io::Result<Option<Entry>> {
    let full = root.join(path);
    let gone = |error: &io::Error| matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
    match seen.kind {
        Kind::File => {
            let mut file = match open_regular(&full) {
                Ok(file) => file,
                Err(error) if gone(&error) => return Ok(None),
                Err(error) => return Err(error),
            };
            let Some(mut entry) = Entry::seen(&file.metadata()?).filter(|entry| entry.kind == Kind::File) else {
                return Ok(None);
            };
            if entry.stat.size <= LARGEST_KEPT {
                entry.object = Some(store.take(&mut file, keep)?.0);
            }
            Ok(Some(entry))
        }
        Kind::Link => match fs::read_link(&full) {
            Ok(target) => {
                let object = Some(store.put(target.as_os_str().as_encoded_bytes())?);
                Ok(Some(Entry { object, ..seen }))
            }
            Err(error) if gone(&error) || error.kind() == io::ErrorKind::InvalidInput => Ok(None),
            Err(error) => Err(error),
        },
        Kind::Dir | Kind::Ignored | Kind::Absent => Ok(Some(seen)),
    }
}

/// Opens a file without following a link in its place or waiting for the other end of a pipe.
fn open_regular(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.custom_flags(i32::try_from(flags.bits()).unwrap_or(0));
    }
    options.open(path)
}

/// One process at a time adds to a store or sweeps it.
fn lock(store: &Store) -> Result<File, SnapshotError> {
    let path = store.dir().join("lock");
    fsx::lock_exclusive(&path).map_err(|error| SnapshotError::io("locking", &path, error))
}

fn nanos_now() -> i64 {
    i64::try_from(clock::now().as_nanosecond()).unwrap_or(i64::MAX)
}
