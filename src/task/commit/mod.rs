//! A commit of what a task changed, and of nothing else: the user's own edits, staged or not, stay as they are and
//! out of it. Where both touched the same lines nothing is committed at all.
//!
//! What the task changed is the difference between the snapshots before and after it; it is applied to the last
//! commit's files. Built with git's plumbing: no hook, filter or driver runs.

mod entries;
mod merge;
mod message;
mod rules;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::git::{Git, GitError, path_of};
use super::snapshot::{Change, Kind, ObjectId, State, Store, shown_path};
use super::undo;
use crate::base::env::Env;
use crate::base::secret::sha256_hex;
use crate::base::{fsx, shell};
use crate::domain::failure::{Failure, Status};
use crate::domain::ui::Ui;
use entries::{Entries, Entry};
pub use message::{Message, Paid};

/// A larger file is not committed by vk.
const LARGEST: u64 = 1 << 30;
/// Files that a refusal names.
const NAMED: usize = 10;

/// git in the tree that will be committed to, with a user it knows. Asked before anything is spent.
///
/// # Errors
/// Exit 2: no repository, no name for the commit's author, or a merge that is under way.
pub fn ready(env: &Env, root: &Path, is_git: bool) -> Result<Git, Failure> {
    let git = author(env, root, is_git)?;
    under_way(&git)?;
    Ok(git)
}

/// As [`ready`], for a worktree that is yet to be made.
///
/// # Errors
/// Exit 2: no repository, or no name for the commit's author.
pub fn author(env: &Env, root: &Path, is_git: bool) -> Result<Git, Failure> {
    if !is_git {
        return Err(Failure::usage("no_repository", "--commit needs a git repository")
            .why(format!("{} is none", root.display()))
            .fix("git init"));
    }
    let git = Git::open(env, root)?;
    for role in ["GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"] {
        git.bytes(["var", role]).map_err(|_| {
            Failure::usage("no_author", "git does not know in whose name to commit")
                .why("user.name and user.email are not set in your git configuration")
                .fix("git config --global user.name \"Your Name\"")
                .fix("git config --global user.email you@example.com")
        })?;
    }
    Ok(git)
}

/// # Errors
/// Exit 2 while a merge, a rebase or the like is not finished.
fn under_way(git: &Git) -> Result<(), Failure> {
    for (file, what) in [
        ("MERGE_HEAD", "merge"),
        ("CHERRY_PICK_HEAD", "cherry-pick"),
        ("REVERT_HEAD", "revert"),
        ("rebase-merge", "rebase"),
        ("rebase-apply", "rebase"),
    ] {
        let path = git.line(["rev-parse", "--path-format=absolute", "--git-path", file]);
        if path.is_ok_and(|path| Path::new(&path).exists()) {
            return Err(Failure::usage("merge_under_way", format!("a {what} is under way in this tree"))
                .why("a commit now would be part of it")
                .fix("git status")
                .fix("vk run --worktree --commit \"...\""));
        }
    }
    Ok(())
}

/// Commits what the task changed. Gives the commit's full id; `None` where there was nothing to commit.
///
/// # Errors
/// Exit 1 and nothing is committed: the user's own uncommitted edits are in the way, or git refused.
pub fn commit(
    git: &Git,
    data: &Path,
    task_id: &str,
    message: &Message<'_>,
    ui: &dyn Ui,
) -> Result<Option<String>, Failure> {
    under_way(git)?;
    let (changes, store) = undo::changed(data, task_id)?;
    let work = Work { git, store: &store, index: git.scratch().join("index") };
    work.commit(&changes, message, ui).map_err(|stopped| match stopped {
        Stop::Overlap(files) => overlap(task_id, &files),
        Stop::Git(error) => refused(task_id, &error.to_string()),
        Stop::Why(why) => refused(task_id, &why),
    })
}

/// Why nothing was committed.
enum Stop {
    Git(GitError),
    Why(String),
    /// Files, each with the reason.
    Overlap(Vec<(PathBuf, &'static str)>),
}

impl From<GitError> for Stop {
    fn from(error: GitError) -> Self {
        Self::Git(error)
    }
}

fn refused(task_id: &str, why: &str) -> Failure {
    Failure::new(Status::GaveUp, "not_committed", "what the task changed could not be committed; it is in the tree")
        .why(why)
        .fix(format!("vk tasks diff {task_id}"))
        .fix("git status")
}

fn overlap(task_id: &str, files: &[(PathBuf, &'static str)]) -> Failure {
    let mut lines: Vec<String> =
        files.iter().take(NAMED).map(|(path, why)| format!("{}: {why}", shown_path(path))).collect();
    if files.len() > NAMED {
        lines.push(format!("and {} more", files.len() - NAMED));
    }
    Failure::new(Status::GaveUp, "commit_overlap", "nothing was committed: the task changed what is not committed yet")
        .why(lines.join("\n"))
        .fix(format!("vk tasks diff {task_id}"))
        .fix("git add -p && git commit")
        .fix(format!("vk tasks undo {task_id}"))
}

/// The paths of a `check-attr -z filter` answer that pass through a filter.
pub(super) fn filters(answer: &[u8]) -> Vec<(PathBuf, String)> {
    let parts: Vec<&[u8]> = answer.split(|byte| *byte == 0).collect();
    let named = parts.chunks_exact(3).filter(|three| ![&b"unspecified"[..], b"unset"].contains(&three[2]));
    named.map(|three| (path_of(three[0]), String::from_utf8_lossy(three[2]).into_owned())).collect()
}

/// The length of the repository's object names; before the first commit nothing is removed, where it matters.
fn digits(head: Option<&str>) -> usize {
    head.map_or(40, str::len)
}

struct Work<'a> {
    git: &'a Git,
    store: &'a Store,
    /// An index of vk's own.
    index: PathBuf,
}

/// What a path becomes: in the commit, and in the user's index.
struct Step {
    path: PathBuf,
    committed: Option<Entry>,
    staged: Option<Entry>,
    was_staged: Option<Entry>,
}

impl Work<'_> {
    fn commit(&self, changes: &[Change], message: &Message<'_>, ui: &dyn Ui) -> Result<Option<String>, Stop> {
        let head = self.git.line(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).ok();
        let _ = std::fs::remove_file(&self.index);
        self.git.with_index(&self.index, ["read-tree", head.as_deref().unwrap_or("--empty")], b"")?;
        let last = Entries::parse(&self.git.with_index(&self.index, ["ls-files", "--stage", "-z"], b"")?);
        let staged = Entries::parse(&self.git.bytes(["ls-files", "--stage", "-z"])?);
        let is_file = |state: &Option<State>| state.as_ref().is_some_and(|state| state.kind != Kind::Dir);
        let changes: Vec<&Change> =
            changes.iter().filter(|change| is_file(&change.before) || is_file(&change.after)).collect();
        if let Some(file) = rules::blocking(self.git.tree(), changes.iter().map(|change| change.path.as_path())) {
            return Err(Stop::Why(format!(
                "{} is no file, and git would wait for it: remove it first",
                shown_path(&file)
            )));
        }
        let in_submodule =
            |change: &&Change| last.is_in_submodule(&change.path) || staged.is_in_submodule(&change.path);
        let (foreign, changes): (Vec<&Change>, Vec<&Change>) = changes.into_iter().partition(in_submodule);
        if !foreign.is_empty() {
            let why = "it lies in a submodule, which has commits of its own";
            return Err(Stop::Overlap(foreign.into_iter().map(|change| (change.path.clone(), why)).collect()));
        }
        let changes = self.without_ignored(changes, &last, &staged, ui)?;
        self.check_filters(&changes, head.as_deref())?;
        let (mut steps, mut overlaps) = (Vec::new(), Vec::new());
        for change in changes {
            match self.step(change, &last, &staged)? {
                Ok(step) => steps.extend(step),
                Err(why) => overlaps.push((change.path.clone(), why)),
            }
        }
        if !overlaps.is_empty() {
            return Err(Stop::Overlap(overlaps));
        }
        if steps.is_empty() {
            return Ok(None);
        }
        let commit = self.record(&steps, head.as_deref(), message)?;
        self.publish(&steps, head.as_deref(), &commit, message)?;
        Ok(Some(commit))
    }

    /// Files that git ignores are no part of a commit.
    fn without_ignored<'c>(
        &self,
        changes: Vec<&'c Change>,
        last: &Entries,
        staged: &Entries,
        ui: &dyn Ui,
    ) -> Result<Vec<&'c Change>, Stop> {
        let unknown = |change: &&Change| last.get(&change.path).is_none() && staged.get(&change.path).is_none();
        let asked = entries::listed(changes.iter().filter(|change| unknown(change)).map(|change| &change.path));
        if asked.is_empty() {
            return Ok(changes);
        }
        let ignored = match self.git.fed(["check-ignore", "-z", "--stdin"], &asked) {
            Ok(ignored) => ignored,
            // None is.
            Err(GitError::Refused { code: Some(1), .. }) => return Ok(changes),
            Err(error) => return Err(error.into()),
        };
        let ignored: Vec<PathBuf> = ignored.split(|byte| *byte == 0).map(path_of).collect();
        let (left_out, kept): (Vec<&Change>, Vec<&Change>) =
            changes.into_iter().partition(|change| ignored.contains(&change.path));
        for change in left_out {
            ui.say(&format!("{} is ignored by git and not committed", shown_path(&change.path)));
        }
        Ok(kept)
    }

    /// A filter that does not run would put into the history what it is there to keep out.
    fn check_filters(&self, changes: &[&Change], head: Option<&str>) -> Result<(), Stop> {
        let asked = entries::listed(changes.iter().map(|change| &change.path));
        if asked.is_empty() {
            return Ok(());
        }
        let mut found = filters(&self.git.fed(["check-attr", "--stdin", "-z", "filter"], &asked)?);
        if let Some(head) = head {
            // Also as it was before: a task may have changed the rules.
            let source = format!("--source={head}");
            let before = self.git.fed(["check-attr", &source, "--stdin", "-z", "filter"], &asked);
            found.extend(before.map(|answer| filters(&answer)).unwrap_or_default());
        }
        let Some((path, filter)) = found.into_iter().next() else { return Ok(()) };
        let add = shell::path(&path);
        Err(Stop::Why(format!(
            "{} passes through the git filter {filter}, which vk does not run: a filter is a program that the \
             repository names; commit it yourself: git add {add} && git commit",
            shown_path(&path)
        )))
    }

    /// What becomes of a path; the inner error says why it cannot be told from the user's own edits.
    fn step(
        &self,
        change: &Change,
        last: &Entries,
        staged: &Entries,
    ) -> Result<Result<Option<Step>, &'static str>, Stop> {
        let path = &change.path;
        if staged.is_unmerged(path) {
            return Ok(Err("it is not merged yet"));
        }
        let (head, index) = (last.get(path), staged.get(path));
        let before = self.entry(change.before.as_ref(), path, None)?;
        let after = self.entry(change.after.as_ref(), path, Some(()))?;
        // A mode that the task did not touch stays what the last commit says.
        let after = after.map(|after| match (&before, head) {
            (Some(before), Some(head)) if before.mode == after.mode && !head.is_link() && !after.is_link() => {
                Entry { mode: head.mode.clone(), ..after }
            }
            _ => after,
        });
        let is_clean = match (&before, head) {
            (None, None) => true,
            (Some(before), Some(head)) => before.object == head.object && before.is_link() == head.is_link(),
            _ => false,
        };
        let committed = if is_clean {
            after
        } else {
            match (before, head, after) {
                (Some(_), None, _) => return Ok(Err("it is not in the last commit, and you have not committed it")),
                (None, Some(_), _) => return Ok(Err("you had removed it and not committed that")),
                (_, _, None) => return Ok(Err("the task removed it, and your edits of it are not committed")),
                (Some(before), Some(head), Some(after)) => match merge::merged(self.git, head, &before, &after)? {
                    Some(merged) => Some(Entry { mode: after.mode, ..merged }),
                    None => return Ok(Err("the task changed lines next to edits of yours that are not committed")),
                },
                (None, None, after) => after,
            }
        };
        if committed.as_ref() == head {
            return Ok(Ok(None));
        }
        let new_index = if index == head || index == committed.as_ref() {
            committed.clone()
        } else {
            let staged_edit = "the task changed it next to edits that you have staged";
            let (Some(head), Some(index), Some(committed)) = (head, index, &committed) else {
                return Ok(Err(staged_edit));
            };
            match merge::merged(self.git, index, head, committed)? {
                Some(merged) => Some(Entry { mode: index.mode.clone(), ..merged }),
                None => return Ok(Err(staged_edit)),
            }
        };
        Ok(Ok(Some(Step { path: path.clone(), committed, staged: new_index, was_staged: index.cloned() })))
    }

    /// What git would store for a state of the snapshot. `current` says that the file may still stand like that in
    /// the tree: the store keeps large ones only from before.
    fn entry(&self, state: Option<&State>, path: &Path, current: Option<()>) -> Result<Option<Entry>, Stop> {
        let Some(state) = state.filter(|state| state.kind != Kind::Dir) else { return Ok(None) };
        let bytes = self.content(state, path, current)?;
        let mut arguments = vec!["hash-object".into(), "-w".into(), "--stdin".into()];
        let mode = if state.kind == Kind::Link {
            arguments.push(std::ffi::OsString::from("--no-filters"));
            entries::LINK
        } else {
            let mut at = std::ffi::OsString::from("--path=");
            at.push(path);
            arguments.push(at);
            if state.mode & 0o100 == 0 { entries::FILE } else { entries::EXECUTABLE }
        };
        let object = self.git.fed(arguments, &bytes)?;
        let object = String::from_utf8_lossy(&object).trim().to_owned();
        Ok(Some(Entry { mode: mode.to_owned(), object }))
    }

    fn content(&self, state: &State, path: &Path, current: Option<()>) -> Result<Vec<u8>, Stop> {
        let unknown = |why: &str| Stop::Why(format!("{}: {why}", shown_path(path)));
        let id: &ObjectId = state.object.as_ref().ok_or_else(|| unknown("it is too large for vk's snapshot"))?;
        if let Ok(bytes) = self.store.get(id, LARGEST) {
            return Ok(bytes);
        }
        if current.is_none() {
            return Err(unknown("vk's copy from before the task is gone"));
        }
        let bytes =
            fsx::read_unfollowed(&self.git.tree().join(path), LARGEST).map_err(|error| unknown(&error.to_string()))?;
        if sha256_hex(&bytes) != id.as_str() {
            return Err(unknown("it was changed after the task"));
        }
        Ok(bytes)
    }

    /// The commit, which nothing points to yet.
    fn record(&self, steps: &[Step], head: Option<&str>, message: &Message<'_>) -> Result<String, Stop> {
        let new: BTreeMap<&Path, Option<&Entry>> =
            steps.iter().map(|step| (step.path.as_path(), step.committed.as_ref())).collect();
        let update = ["update-index", "--add", "--replace", "-z", "--index-info"];
        self.git.with_index(&self.index, update, &entries::update(&new, digits(head)))?;
        let tree = self.git.with_index(&self.index, ["write-tree"], b"")?;
        let tree = String::from_utf8_lossy(&tree).trim().to_owned();
        let mut arguments = vec!["commit-tree", &tree, "-F", "-"];
        arguments.extend(head.into_iter().flat_map(|head| ["-p", head]));
        let commit = self.git.fed(arguments, message.text().as_bytes())?;
        Ok(String::from_utf8_lossy(&commit).trim().to_owned())
    }

    /// Makes the commit the branch's last one. The index comes first: when the branch has moved meanwhile it is put
    /// back, and nothing has happened.
    fn publish(&self, steps: &[Step], head: Option<&str>, commit: &str, message: &Message<'_>) -> Result<(), Stop> {
        let index = |of: fn(&Step) -> Option<&Entry>| {
            let new: BTreeMap<&Path, Option<&Entry>> =
                steps.iter().map(|step| (step.path.as_path(), of(step))).collect();
            self.git
                .fed(["update-index", "--add", "--replace", "-z", "--index-info"], &entries::update(&new, digits(head)))
        };
        index(|step| step.staged.as_ref())?;
        let reason = format!("commit (vk): {}", message.subject());
        let zeros = "0".repeat(commit.len());
        let moved = self.git.bytes(["update-ref", "-m", &reason, "HEAD", commit, head.unwrap_or(&zeros)]);
        if let Err(error) = moved {
            index(|step| step.was_staged.as_ref())?;
            return Err(error.into());
        }
        Ok(())
    }
}
