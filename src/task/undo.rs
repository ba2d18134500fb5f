//! Puts back what a task changed, and nothing else.
//!
//! Each path is compared with what it was before the task and what it was after. Only a path that is still as the
//! task left it is put back; one that somebody has changed since is shown and left alone, unless that is forced.

#[cfg(unix)]
pub(super) mod place;

use std::io;
use std::path::Path;

use super::snapshot::{self, Change, Kind, ObjectId, Record, State, Store, shown_path};
use super::tree::TreeLock;
use super::worktree::Record as WorktreeRecord;
use crate::domain::event::FileChange;
use crate::domain::failure::Failure;
#[cfg(unix)]
use place::Place;

/// Kept files are at most 64 MiB.
const LARGEST_KEPT: u64 = 1 << 27;

/// What an undo did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// Files put back to what they were.
    pub restored: Vec<String>,
    /// Files that the task had made.
    pub removed: Vec<String>,
    /// Files left alone, each with the reason.
    pub skipped: Vec<(String, String)>,
    /// Folders that the task had made and that are not empty: what is in them is not in the snapshot.
    pub left: Vec<String>,
    /// Whether everything was as before the task already.
    pub already: bool,
}

/// What is known of a task's changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub files: Vec<FileChange>,
    /// What the snapshot does not hold, each with the reason.
    pub notes: Vec<String>,
    /// Whether the task said that it ended. Otherwise what anybody has changed since it began is in `files`.
    pub ended: bool,
    /// The worktree it worked in, where it had one.
    pub worktree: Option<WorktreeRecord>,
}

/// The recorded changes of a task, or `None` when it has no snapshot.
///
/// # Errors
/// When the record cannot be read.
pub fn recorded(data_dir: &Path, task_id: &str) -> Result<Option<Recorded>, Failure> {
    let Some((record, ended)) = read(data_dir, task_id)? else { return Ok(None) };
    let worktree = WorktreeRecord::read(&data_dir.join("tasks").join(task_id));
    Ok(Some(Recorded { files: record.files(), notes: record.notes.clone(), ended, worktree }))
}

/// The changes of a task as a patch.
///
/// # Errors
/// When there is no snapshot, or it cannot be read.
pub fn patch(data_dir: &Path, task_id: &str) -> Result<String, Failure> {
    let (record, _) = read(data_dir, task_id)?.ok_or_else(|| no_snapshot(task_id))?;
    let store = Store::open(data_dir, &record.root).map_err(|error| unreadable(task_id, &error))?;
    Ok(super::diff::patch(&store, &record))
}

/// What a task changed, and where the contents are kept.
///
/// # Errors
/// When there is no snapshot, or it cannot be read.
pub(super) fn changed(data_dir: &Path, task_id: &str) -> Result<(Vec<Change>, Store), Failure> {
    let (record, _) = read(data_dir, task_id)?.ok_or_else(|| no_snapshot(task_id))?;
    let store = Store::open(data_dir, &record.root).map_err(|error| unreadable(task_id, &error))?;
    Ok((record.changes, store))
}

/// Puts back the files that the task changed; a file that was changed after the task is skipped unless `force`.
///
/// # Errors
/// When the task has no snapshot, another task holds the tree, or the project's folder is not there any more.
pub fn undo(data_dir: &Path, task_id: &str, force: bool) -> Result<Undone, Failure> {
    let (record, ended) = read(data_dir, task_id)?.ok_or_else(|| no_snapshot(task_id))?;
    let _lock = TreeLock::take(data_dir, &record.root, task_id)?;
    if !ended && !force && !record.changes.is_empty() {
        return Err(Failure::usage(
            "unfinished_task",
            format!("task {task_id} was cut off before it recorded its changes"),
        )
        .why("what it changed cannot be told from what was changed since")
        .fix(format!("vk tasks diff {task_id}"))
        .fix(format!("vk tasks undo {task_id} --force   # put everything back to before the task")));
    }
    let store = Store::open(data_dir, &record.root).map_err(|error| unreadable(task_id, &error))?;
    put_back(&record, &store, force)
}

/// The record of a task; for one whose process was killed, with the changes since it began.
fn read(data_dir: &Path, task_id: &str) -> Result<Option<(Record, bool)>, Failure> {
    let dir = data_dir.join("tasks").join(task_id);
    let Some(mut record) = Record::read(&dir).map_err(|error| unreadable(task_id, &error))? else { return Ok(None) };
    let ended = record.ended_at.is_some();
    if !ended {
        record.changes = snapshot::changes_of_killed(data_dir, &record).map_err(|error| {
            Failure::usage("snapshot_unreadable", format!("what task {task_id} changed cannot be found out"))
                .why(error.to_string())
        })?;
    }
    Ok(Some((record, ended)))
}

fn no_snapshot(task_id: &str) -> Failure {
    Failure::usage("no_snapshot", format!("task {task_id} has no snapshot"))
        .why("none was taken, or it is so old that its space was given back")
        .fix("vk tasks list")
        .fix("git diff   # if the project is in git")
}

fn unreadable(task_id: &str, error: &io::Error) -> Failure {
    Failure::usage("snapshot_unreadable", format!("the snapshot of task {task_id} cannot be read"))
        .why(error.to_string())
}

/// What is to be done at one path.
struct Step<'a> {
    path: &'a Path,
    before: Option<&'a State>,
    now: Option<State>,
}

impl Step<'_> {
    fn is_now(&self, kinds: &[Kind]) -> bool {
        self.now.as_ref().is_some_and(|now| kinds.contains(&now.kind))
    }

    fn was(&self, kind: Kind) -> bool {
        self.before.is_some_and(|before| before.kind == kind)
    }
}

#[cfg(unix)]
fn put_back(record: &Record, store: &Store, force: bool) -> Result<Undone, Failure> {
    let place = Place::open(&record.root).map_err(|error| {
        Failure::usage("no_project", format!("{} cannot be opened", record.root.display())).why(error.to_string())
    })?;
    let mut undone = Undone::default();
    let mut steps = Vec::new();
    for change in &record.changes {
        match decide(&place, change, force) {
            Ok(Some(step)) => steps.push(step),
            Ok(None) => {}
            Err(why) => undone.skipped.push((shown_path(&change.path), why)),
        }
    }
    undone.already = steps.is_empty() && undone.skipped.is_empty() && !record.changes.is_empty();
    // Files before folders on the way out, folders before files on the way in: a name may have been both.
    for step in steps.iter().filter(|step| step.is_now(&[Kind::File, Kind::Link])) {
        if step.before.is_none() || step.was(Kind::Dir) {
            note(&mut undone, step, place.remove(step.path));
        }
    }
    for step in steps.iter().rev().filter(|step| step.is_now(&[Kind::Dir]) && !step.was(Kind::Dir)) {
        match place.remove_folder(step.path) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty && step.before.is_none() => {
                undone.left.push(shown_path(step.path));
            }
            Err(error) if step.before.is_none() => {
                undone.skipped.push((shown_path(step.path), error.to_string()));
            }
            // If it stays, putting the file in its place fails, and that is told.
            _ => {}
        }
    }
    for step in steps.iter().filter(|step| step.was(Kind::Dir)) {
        // A folder that could not be written to keeps nothing from being put back into it.
        let mode = step.before.map_or(0o755, |before| before.mode | 0o700);
        note(&mut undone, step, place.folder(step.path, mode));
    }
    for step in &steps {
        if let Some(before) = step.before.filter(|before| before.kind != Kind::Dir) {
            note(&mut undone, step, restore(&place, store, step.path, before));
        }
    }
    for step in steps.iter().rev().filter(|step| step.was(Kind::Dir)) {
        if let Some(before) = step.before.filter(|before| before.mode & 0o700 != 0o700) {
            note(&mut undone, step, place.folder(step.path, before.mode));
        }
    }
    Ok(undone)
}

#[cfg(not(unix))]
fn put_back(_: &Record, _: &Store, _: bool) -> Result<Undone, Failure> {
    Err(Failure::usage("no_undo_here", "undo is not there on this system yet"))
}

/// What is to be done about a change; `None` when it is as before already; the reason when it is left alone.
#[cfg(unix)]
fn decide<'a>(place: &Place, change: &'a Change, force: bool) -> Result<Option<Step<'a>>, String> {
    let is_known =
        |state: &Option<State>| state.as_ref().is_none_or(|state| state.kind != Kind::File || state.object.is_some());
    if !is_known(&change.before) {
        return Err("it was too large to keep".to_owned());
    }
    let now = place.state(&change.path).map_err(|error| error.to_string())?;
    if now == change.before {
        return Ok(None);
    }
    if now != change.after && !force {
        return Err(match (&now, &change.after) {
            (None, _) => "it was removed since, or its folder was".to_owned(),
            _ if !is_known(&change.after) => "it is too large to tell whether it was changed since".to_owned(),
            _ => "it was changed since".to_owned(),
        });
    }
    Ok(Some(Step { path: &change.path, before: change.before.as_ref(), now }))
}

#[cfg(unix)]
fn restore(place: &Place, store: &Store, path: &Path, before: &State) -> io::Result<()> {
    let id: &ObjectId = before.object.as_ref().ok_or_else(|| io::Error::other("its content was not kept"))?;
    let bytes = store.get(id, LARGEST_KEPT).map_err(|error| io::Error::other(format!("its kept copy: {error}")))?;
    match before.kind {
        Kind::Link => place.link(path, bytes),
        _ => place.file(path, before.mode, &bytes),
    }
}

/// Tells of a file; folders only when something went wrong.
#[cfg(unix)]
fn note(undone: &mut Undone, step: &Step<'_>, result: io::Result<()>) {
    let name = shown_path(step.path);
    match result {
        Err(error) => {
            let reason =
                if place::is_no_folder(&error) { "its folder is a link or gone".to_owned() } else { error.to_string() };
            if !undone.skipped.iter().any(|(skipped, _)| *skipped == name) {
                undone.skipped.push((name, reason));
            }
        }
        Ok(()) if step.was(Kind::Dir) => {}
        Ok(()) if step.before.is_none() => undone.removed.push(name),
        Ok(()) => undone.restored.push(name),
    }
}
