//! Which project this is: its root and its `vk.toml`. No byte of `.git` is read for it: only whether it is there.

use std::path::{Path, PathBuf};

use super::document::{self, Document};
use super::error::ConfigError;
use super::source::Source;
use crate::base::env::Env;
use crate::base::fsx;

pub const FILE_NAME: &str = "vk.toml";
/// Folders looked at for a `vk.toml`, the working directory included.
const MOST_LEVELS: usize = 16;
const MOST_BYTES: u64 = 64 * 1024;

#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    /// Canonical: the git work tree, else the folder of the `vk.toml` found, else the working directory.
    pub root: PathBuf,
    /// The project's name in reports: `name` in `vk.toml`, else the root's folder.
    pub name: String,
    pub file: Option<ProjectFile>,
    pub is_git: bool,
    /// Where the root is a git worktree that vk made: the project that it was made from.
    pub main: Option<PathBuf>,
}

/// The `vk.toml` found, as read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFile {
    pub path: PathBuf,
    /// As people see it: relative to the root.
    pub shown: String,
    /// The bytes that were parsed, hashed and shown.
    pub text: String,
}

impl ProjectFile {
    pub(super) fn document(&self) -> Document<'_> {
        Document::new(self.path.clone(), &self.shown, &self.text, Source::Project)
    }
}

impl Project {
    /// The project's folder in the ledger, in budgets and in trust: the root, or of a worktree the project's own.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.main.as_deref().unwrap_or(&self.root)
    }

    /// The folder that trust and `[projects."DIR"]` are about: that of the `vk.toml`, else the root; in a worktree
    /// the same folder of the project it was made from.
    #[must_use]
    pub fn known_as(&self) -> PathBuf {
        match self.dir().strip_prefix(&self.root) {
            Ok(below) if !below.as_os_str().is_empty() => self.home().join(below),
            _ => self.home().to_owned(),
        }
    }

    /// The folder of the `vk.toml`, else the root.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.file.as_ref().and_then(|file| file.path.parent()).unwrap_or(&self.root)
    }

    /// What a model's commands may write: the work tree, else the folder of the `vk.toml`, else nothing.
    #[must_use]
    pub fn tree(&self) -> Option<&Path> {
        (self.is_git || self.file.is_some()).then_some(self.root.as_path())
    }

    /// Where `vk use` writes a `vk.toml`, or edits the one that is there.
    #[must_use]
    pub fn file_path(&self) -> PathBuf {
        self.file.as_ref().map_or_else(|| self.root.join(FILE_NAME), |file| file.path.clone())
    }
}

/// Finds the project of the working directory and reads its `vk.toml`, if there is one, once.
pub(super) fn find(env: &Env) -> Result<Project, ConfigError> {
    let cwd = env.cwd().canonicalize().unwrap_or_else(|_| env.cwd().to_owned());
    let work_tree = cwd.ancestors().find(|dir| dir.join(".git").symlink_metadata().is_ok());
    let found = match work_tree {
        Some(root) => search(cwd.ancestors().take_while(|dir| dir.starts_with(root))),
        None => search(without_git(&cwd, env.home().and_then(|home| home.canonicalize().ok()).as_deref())),
    };
    let root = match (work_tree, found.as_deref().and_then(Path::parent)) {
        (Some(root), _) | (None, Some(root)) => root.to_owned(),
        (None, None) => cwd.clone(),
    };
    let file = found.map(|path| read(path, &root)).transpose()?;
    let name = root.file_name().map_or_else(|| "/".to_owned(), |name| name.to_string_lossy().into_owned());
    Ok(Project { root, name, file, is_git: work_tree.is_some(), main: None })
}

fn search<'a>(folders: impl Iterator<Item = &'a Path>) -> Option<PathBuf> {
    folders.take(MOST_LEVELS).map(|dir| dir.join(FILE_NAME)).find(|path| path.symlink_metadata().is_ok())
}

/// Without a repository that says where the project ends: up to the home folder; outside it, up to the first folder
/// that others may write, such as /tmp, where anybody could have put a `vk.toml` for everybody.
fn without_git<'a>(cwd: &'a Path, home: Option<&Path>) -> impl Iterator<Item = &'a Path> {
    let home = home.filter(|home| cwd.starts_with(home)).map(Path::to_owned);
    cwd.ancestors().take_while(move |dir| match &home {
        Some(home) => dir.starts_with(home),
        None => *dir == cwd || !fsx::writable_by_others(dir),
    })
}

fn read(path: PathBuf, root: &Path) -> Result<ProjectFile, ConfigError> {
    let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
    let unreadable = |source| ConfigError::Read { shown: shown.clone(), source };
    let text = document::decode(fsx::read_unfollowed(&path, MOST_BYTES).map_err(unreadable)?, &shown)?;
    Ok(ProjectFile { path, shown, text })
}
