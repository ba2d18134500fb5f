//! Git's own files in a work tree, looked at before git opens them: a task may have put a pipe in their place, and git
//! would wait for its other end for ever.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What git reads of every folder above a path. It does not follow a link in their place (git 2.32).
const READ: [&str; 2] = [".gitignore", ".gitattributes"];

/// The first of them that is neither a file nor a link, relative to the tree.
pub(super) fn blocking<'p>(tree: &Path, paths: impl Iterator<Item = &'p Path>) -> Option<PathBuf> {
    let folders: BTreeSet<&Path> = paths.flat_map(|path| path.ancestors().skip(1)).collect();
    let mut files = folders.into_iter().flat_map(|folder| READ.map(|name| folder.join(name)));
    files.find(|file| {
        let meta = std::fs::symlink_metadata(tree.join(file));
        meta.is_ok_and(|meta| !meta.is_file() && !meta.is_symlink() && !meta.is_dir())
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_in_a_folder_above_is_found_and_a_file_is_none() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
        std::fs::write(dir.path().join(".gitignore"), "x\n").unwrap();
        let found = |path: &str| blocking(dir.path(), [Path::new(path)].into_iter());
        assert_eq!(found("a/b/c"), None);
        let pipe = dir.path().join("a/.gitattributes");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert_eq!(found("a/b/c").as_deref(), Some(Path::new("a/.gitattributes")));
        assert_eq!(found("d"), None);
    }
}
