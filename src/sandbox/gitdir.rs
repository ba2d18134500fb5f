//! A work tree whose `.git` is a file keeps its history elsewhere. That place is opened for reading only if it says in
//! turn that this work tree is its own: the file in the work tree may have been written by a stranger.

use std::fs;
use std::path::{Path, PathBuf};

use crate::base::fsx;

/// A line with a path.
const LINE_LIMIT: u64 = 16 * 1024;

/// The repository behind a linked work tree (`git worktree add`), or a submodule's git folder.
pub(super) fn common(workspace: &Path) -> Option<PathBuf> {
    let dot_git = workspace.join(".git");
    if !fs::symlink_metadata(&dot_git).ok()?.is_file() {
        return None;
    }
    let named = line(&dot_git)?.strip_prefix("gitdir:")?.trim().to_owned();
    let git_dir = fs::canonicalize(workspace.join(named)).ok()?;
    if !git_dir.join("HEAD").is_file() {
        return None;
    }
    // A linked work tree's folder names the `.git` file that it belongs to.
    if let Some(back) = line(&git_dir.join("gitdir")) {
        let back = fs::canonicalize(git_dir.join(back)).ok()?;
        let common = fs::canonicalize(git_dir.join(line(&git_dir.join("commondir"))?)).ok()?;
        let own = back == fs::canonicalize(&dot_git).ok()? && git_dir.starts_with(&common);
        return Some(common).filter(|common| own && common.join("objects").is_dir());
    }
    // A submodule's folder lies in the `.git/modules` of a repository around the workspace.
    let around = workspace.ancestors().skip(1).map(|folder| folder.join(".git/modules"));
    let mut around = around.filter_map(|modules| fs::canonicalize(modules).ok());
    around.any(|modules| git_dir.starts_with(modules)).then_some(git_dir)
}

fn line(path: &Path) -> Option<String> {
    let text = String::from_utf8(fsx::read_bounded(path, LINE_LIMIT).ok()?).ok()?;
    Some(text.lines().next()?.trim().to_owned()).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_repository_that_names_the_work_tree_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        let (tree, git) = (root.join("tree"), root.join("repo/.git/worktrees/tree"));
        for folder in [&tree, &git, &root.join("repo/.git/objects"), &root.join("secrets")] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(git.join("HEAD"), "ref: refs/heads/x\n").unwrap();
        fs::write(git.join("commondir"), "../..\n").unwrap();
        fs::write(git.join("gitdir"), format!("{}\n", tree.join(".git").display())).unwrap();
        fs::write(tree.join(".git"), format!("gitdir: {}\n", git.display())).unwrap();
        assert_eq!(common(&tree), Some(root.join("repo/.git")));
        // Another work tree points at the same place, which does not point back.
        let stranger = root.join("stranger");
        fs::create_dir(&stranger).unwrap();
        fs::write(stranger.join(".git"), format!("gitdir: {}\n", git.display())).unwrap();
        assert_eq!(common(&stranger), None);
        fs::write(root.join("secrets/HEAD"), "").unwrap();
        fs::write(stranger.join(".git"), "gitdir: ../secrets\n").unwrap();
        assert_eq!(common(&stranger), None);
    }
}
