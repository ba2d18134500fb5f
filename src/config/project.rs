//! Which project this is: its root, its name, its `vk.toml`. No byte of `.git` is ever read for it.

use std::path::PathBuf;

#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    /// Canonical: the git work tree, else the folder of the `vk.toml` found, else the working directory.
    pub root: PathBuf,
    /// The project's name in reports: `name` in `vk.toml`, else the root's folder.
    pub name: String,
    pub file: Option<ProjectFile>,
    pub is_git: bool,
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
