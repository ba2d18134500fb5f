//! A git worktree of its own for a task: the user's tree stays as it is, and several tasks can run at once.
//!
//! It stands beside the repository, `shop.worktrees/TASK` on the branch `vk/TASK`, where its user finds it, merges it
//! and removes it with git's own commands. One that a task leaves unchanged is removed again.

mod carry;
mod furnish;
mod set_up;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::git::{Git, GitError};
use super::order::{Dirty, Order};
use crate::agent::cancel::Cancel;
use crate::base::env::Env;
use crate::base::fsx;
use crate::base::secret::sha256_hex;
use crate::config::{Loaded, worktrees};
use crate::domain::event::WorktreeUsed;
use crate::domain::failure::Failure;
use crate::domain::ui::{Question, Ui};

pub use carry::Change;

/// In the task's folder.
const FILE: &str = "worktree.json";
const MOST_BYTES: u64 = 64 * 1024;
/// A repository in a repository in a repository.
const DEEPEST: usize = 16;

/// The worktree of a task, as its folder keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub v: u8,
    pub path: PathBuf,
    pub branch: String,
    /// The commit that it began from.
    pub base: String,
    /// The project's own tree.
    pub project: PathBuf,
    /// What of it can be read in the worktree through links: names of the `vk.toml` that was trusted then.
    #[serde(default)]
    pub links: Vec<String>,
}

impl Record {
    /// The record in a task's folder. One that cannot be read is none.
    #[must_use]
    pub fn read(task_dir: &Path) -> Option<Self> {
        let bytes = fsx::read_bounded(&task_dir.join(FILE), MOST_BYTES).ok()?;
        serde_json::from_slice(&bytes).ok().filter(|record: &Self| record.v == 1)
    }

    fn write(&self, task_dir: &Path) -> io::Result<()> {
        fsx::write_private(&task_dir.join(FILE), &serde_json::to_vec(self)?)
    }
}

/// A worktree that is decided and perhaps not made yet.
#[derive(Debug)]
pub struct Worktree {
    pub record: Record,
    /// Made by this task, or one that an earlier task of the conversation left.
    fresh: bool,
    git: Git,
    /// What of the user's uncommitted changes comes along.
    carried: Vec<Change>,
}

/// Decides whether the task gets a worktree, and which; asks about uncommitted changes. `earlier` is the folder of
/// the task that is gone on with. Nothing is written.
///
/// # Errors
/// Exit 2 where no worktree can be made here.
pub fn plan(
    env: &Env,
    loaded: &Loaded,
    order: &Order,
    earlier: Option<&Path>,
    task_id: &str,
    ui: &dyn Ui,
) -> Result<Option<Worktree>, Failure> {
    let before = earlier.and_then(Record::read);
    let root = &loaded.project.root;
    if before.as_ref().is_some_and(|record| record.path == *root) {
        return Ok(None);
    }
    if let Some(record) = before.as_ref().filter(|record| record.path.is_dir()) {
        let git = Git::open(env, root)?;
        return Ok(Some(Worktree { record: record.clone(), fresh: false, git, carried: Vec::new() }));
    }
    let Some(dirty) = order.worktree else {
        return before.map_or(Ok(None), |record| Err(gone(&record)));
    };
    if !loaded.project.is_git && root.join("HEAD").is_file() && root.join("objects").is_dir() {
        return Err(Failure::usage("no_repository", "--worktree needs a repository with a work tree")
            .why(format!("{} is a bare one", root.display()))
            .fix("git clone . ../work && cd ../work"));
    }
    if !loaded.project.is_git {
        return Err(Failure::usage("no_repository", "--worktree needs a git repository")
            .why(format!("{} is none", root.display()))
            .fix("git init && git add -A && git commit --allow-empty -m start   # to make it one")
            .fix("vk run \"...\""));
    }
    let git = Git::open(env, root)?;
    let (base, folder) = found(&git, root)?;
    let branch = free_branch(&git, task_id);
    let carried = chosen(&git, root, dirty, order, ui)?;
    let links = loaded.settings.worktree.link.iter().map(|link| link.value.clone()).collect();
    let project = loaded.project.home().to_owned();
    let record = Record { v: 1, path: folder.join(task_id), branch, base, project, links };
    Ok(Some(Worktree { record, fresh: true, git, carried }))
}

fn gone(record: &Record) -> Failure {
    Failure::usage("worktree_gone", "the task worked in a worktree that is not there any more")
        .why(record.path.display().to_string())
        .fix("vk run --continue --worktree \"...\"   # in a new one, from the last commit")
        .fix("vk run \"...\"")
}

/// The commit to begin from, and the folder for worktrees.
fn found(git: &Git, root: &Path) -> Result<(String, PathBuf), Failure> {
    let no_repository = |why: String| {
        Failure::usage("no_repository", "--worktree needs a git repository with a work tree").why(why).fix("git status")
    };
    let lines = ["rev-parse", "--path-format=absolute", "--show-toplevel", "--git-dir", "--git-common-dir"];
    let said = git.line(lines).map_err(|error| no_repository(error.to_string()))?;
    let paths: Vec<PathBuf> = said.lines().map(|line| fs::canonicalize(line).unwrap_or_else(|_| line.into())).collect();
    let [top, own, common] = paths.as_slice() else { return Err(no_repository(said)) };
    if top != root {
        // `core.worktree` of the repository's configuration leads elsewhere.
        return Err(no_repository(format!("git takes {} for its work tree", top.display())));
    }
    let base = git.line(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).map_err(|_| {
        Failure::usage("no_commit_yet", "the repository has no commit yet")
            .why("a worktree begins from a commit")
            .fix("git add -A && git commit -m start")
            .fix("vk run \"...\"")
    })?;
    let place = if own == common {
        outermost(git, root)
    } else if common.file_name().is_some_and(|name| name == ".git") {
        common.parent().unwrap_or(root).to_owned()
    } else {
        common.clone()
    };
    let name = if own == common { root.file_name() } else { place.file_name() };
    let (Some(beside), Some(name)) = (place.parent(), name) else {
        return Err(no_repository("nothing can stand beside it".to_owned()));
    };
    let mut folder = name.to_owned();
    folder.push(".worktrees");
    Ok((base, beside.join(folder)))
}

/// The repository around this one that no other is around: a submodule's worktrees do not belong into its project.
fn outermost(git: &Git, root: &Path) -> PathBuf {
    let mut outer = root.to_owned();
    for _ in 0..DEEPEST {
        let at = outer.as_os_str().to_owned();
        let asked = git.line([
            "-C".as_ref(),
            at.as_os_str(),
            "rev-parse".as_ref(),
            "--show-superproject-working-tree".as_ref(),
        ]);
        match asked {
            Ok(around) if !around.is_empty() => outer = around.into(),
            _ => break,
        }
    }
    outer
}

/// `vk/TASK`; where a branch is called `vk`, git has no room below it.
fn free_branch(git: &Git, task_id: &str) -> String {
    let taken = git.line(["show-ref", "--verify", "--quiet", "refs/heads/vk"]).is_ok();
    format!("vk{}{task_id}", if taken { "-" } else { "/" })
}

/// What of the uncommitted changes comes along: as the flag says, else as the person says, else nothing.
fn chosen(git: &Git, root: &Path, dirty: Dirty, order: &Order, ui: &dyn Ui) -> Result<Vec<Change>, Failure> {
    let mut changes =
        carry::uncommitted(git).map_err(|error| error.into_failure("the tree's changes cannot be listed"))?;
    changes.retain(|change| !order.apart.contains(&root.join(change.path())));
    if changes.is_empty() {
        return Ok(changes);
    }
    let what = match changes.len() {
        1 => "1 uncommitted change".to_owned(),
        n => format!("{n} uncommitted changes"),
    };
    let carries = match dirty {
        Dirty::Carry => true,
        Dirty::Leave => false,
        Dirty::Ask => {
            let listed: Vec<String> = changes.iter().take(20).map(|change| format!("  {}", change.shown())).collect();
            let more = changes.len().saturating_sub(listed.len());
            let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
            let question = Question::yes_no(format!("Take the {what} along into the task's worktree?"))
                .detail(format!("{} has\n{}{more}", root.display(), listed.join("\n")));
            ui.confirm(&question)
        }
    };
    if carries {
        return Ok(changes);
    }
    // Of many tasks, that is said once, before the first.
    if order.batch.is_some() {
        return Ok(Vec::new());
    }
    let by = if ui.interactive() { "" } else { "; --worktree=carry takes them along" };
    ui.say(&format!("{what} of this tree stay{} here{by}", if changes.len() == 1 { "s" } else { "" }));
    Ok(Vec::new())
}

impl Worktree {
    /// Whether uncommitted changes come along.
    #[must_use]
    pub const fn carries(&self) -> bool {
        !self.carried.is_empty()
    }

    /// The task works there from here on: what was the project's root is the project that it belongs to.
    pub fn enter(&self, loaded: &mut Loaded) {
        loaded.project.main = Some(self.record.project.clone());
        loaded.project.root.clone_from(&self.record.path);
        furnish::open(loaded, &self.record.links);
    }

    /// Makes it, with what `vk.toml` says it gets, and sets it up. What is half made when that fails is removed.
    ///
    /// # Errors
    /// Exit 2 where it cannot be made or a set-up command fails: the task has not begun.
    pub async fn make(
        &self,
        env: &Env,
        order: &Order,
        loaded: &Loaded,
        task_dir: &Path,
        ui: &dyn Ui,
        cancel: &Cancel,
    ) -> Result<(), Failure> {
        let record = &self.record;
        let noted =
            record.write(task_dir).and_then(|()| worktrees::remember(&loaded.dirs.data, &record.path, &record.project));
        noted.map_err(|error| super::setup::unwritable(&loaded.dirs.data, &error))?;
        // Of many tasks, the end says where each one's is.
        if order.batch.is_none() {
            ui.say(&format!("worktree {} (branch {})", record.path.display(), record.branch));
        }
        if !self.fresh {
            return Ok(());
        }
        let made = self.made(&loaded.dirs.data, ui).and_then(|()| furnish::fill(loaded, ui));
        let made = match made {
            Ok(()) => set_up::run(env, order, loaded, ui, cancel).await,
            Err(failure) => Err(failure),
        };
        if made.is_err() {
            self.remove(&loaded.dirs.data);
        }
        made
    }

    /// One at a time in a repository: git and the folder beside it are changed in several steps, which tasks that begin
    /// and end at once must not mix.
    fn turn(&self, data: &Path) -> io::Result<fs::File> {
        let locks = data.join("locks");
        fsx::create_private_dir(&locks)?;
        let folder = self.record.path.parent().unwrap_or(&self.record.path);
        let name = &sha256_hex(folder.as_os_str().as_encoded_bytes())[..16];
        fsx::lock_exclusive(&locks.join(format!("{name}.worktrees")))
    }

    fn made(&self, data: &Path, ui: &dyn Ui) -> Result<(), Failure> {
        let Record { path, branch, base, .. } = &self.record;
        let failed = |why: String| {
            Failure::usage("worktree_failed", format!("the worktree {} cannot be made", path.display()))
                .why(why)
                .fix("git worktree list")
                .fix("vk run \"...\"   # in this tree")
        };
        let folder = path.parent().unwrap_or(path);
        let turn = self.turn(data).map_err(|error| super::setup::unwritable(&data.join("locks"), &error))?;
        match fs::symlink_metadata(folder) {
            Ok(meta) if !meta.is_dir() => return Err(failed(format!("{} is not a folder", folder.display()))),
            Ok(_) => {}
            Err(_) => fs::create_dir(folder).map_err(|error| failed(format!("{}: {error}", folder.display())))?,
        }
        let mut arguments: Vec<&std::ffi::OsStr> =
            ["worktree", "add", "--quiet", "--no-track", "-b"].map(AsRef::as_ref).into();
        arguments.extend([branch.as_ref(), path.as_os_str(), base.as_ref()]);
        self.git.bytes(arguments).map_err(|error| failed(error.to_string()))?;
        drop(turn);
        if path.join(".gitmodules").exists() {
            ui.say("submodules are not checked out in the worktree");
        }
        if let Some(count) = self.filtered().ok().filter(|count| *count > 0) {
            ui.say(&format!("{count} files of the worktree are as git stores them: vk runs no filter such as git-lfs"));
        }
        carry::bring(&self.carried, self.git.tree(), path, ui).map_err(|error| failed(error.to_string()))
    }

    /// How many files pass through a filter.
    fn filtered(&self) -> Result<usize, GitError> {
        let tree = self.record.path.as_os_str();
        let listed = |arguments: &[&str]| {
            let arguments = ["-C".as_ref(), tree].into_iter().chain(arguments.iter().map(AsRef::as_ref));
            self.git.bytes(arguments.collect::<Vec<&std::ffi::OsStr>>())
        };
        if listed(&["ls-files", "-z", "--", ":(glob)**/.gitattributes"])?.is_empty() {
            return Ok(0);
        }
        let files = listed(&["ls-files", "-z"])?;
        let arguments: [&std::ffi::OsStr; 6] =
            ["-C".as_ref(), tree, "check-attr".as_ref(), "--stdin".as_ref(), "-z".as_ref(), "filter".as_ref()];
        let attributes = self.git.fed(arguments, &files)?;
        Ok(super::commit::filters(&attributes).len())
    }

    /// What is told of it. One that this task made and left unchanged is removed; `changed` is `None` where that is
    /// not known.
    pub fn leave(&self, data: &Path, changed: Option<bool>, committed: bool) -> WorktreeUsed {
        let removed = self.fresh && changed == Some(false) && !committed && self.is_at_its_base() && self.remove(data);
        let Record { path, branch, .. } = &self.record;
        WorktreeUsed { path: path.display().to_string(), branch: branch.clone(), removed }
    }

    fn is_at_its_base(&self) -> bool {
        let tip = self.git.line(["rev-parse", "--verify", "--quiet", &format!("refs/heads/{}", self.record.branch)]);
        tip.is_ok_and(|tip| tip == self.record.base)
    }

    /// Whether it is gone.
    fn remove(&self, data: &Path) -> bool {
        let Record { path, branch, base, .. } = &self.record;
        // Without its turn it is still tried: what stays is only a folder.
        let _turn = self.turn(data);
        let arguments: [&std::ffi::OsStr; 5] =
            ["worktree".as_ref(), "remove".as_ref(), "--force".as_ref(), "--force".as_ref(), path.as_os_str()];
        let gone = self.git.bytes(arguments).is_ok() || !path.exists();
        // Only a branch on which nothing was committed.
        let _ = self.git.bytes(["update-ref", "-d", &format!("refs/heads/{branch}"), base]);
        if gone {
            let _ = worktrees::forget(data, path);
            // Empty, or another task's worktrees are in it.
            let _ = path.parent().map(fs::remove_dir);
        }
        gone
    }
}
