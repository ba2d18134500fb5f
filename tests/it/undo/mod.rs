//! Snapshots and undo: what a task changed is put back exactly, what anybody else changed is left alone, and
//! nothing that a repository holds is run, followed or waited for.

#![cfg(unix)]

mod exact;
mod hostile;
mod random;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use vibekit::base::env::Env;
use vibekit::task::snapshot::{Limits, Snapshot, SnapshotError};
use vibekit::task::undo::{self, Undone};

use crate::support::tree::{Tree, tree};

struct Project {
    dir: tempfile::TempDir,
}

impl Project {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("project")).unwrap();
        fs::create_dir(dir.path().join("data")).unwrap();
        Self { dir }
    }

    fn with(files: &[(&str, &str)]) -> Self {
        let project = Self::new();
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("project")
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root().join(path)
    }

    fn write(&self, path: impl AsRef<Path>, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.at(path)).unwrap()
    }

    fn limited(&self, limits: Limits) -> Result<Snapshot, SnapshotError> {
        let env = Env::of(&[("HOME", "/nobody"), ("PATH", "/usr/bin:/bin")], &self.root());
        Snapshot::take(&env, &self.data(), &self.root(), "t1", limits)
    }

    fn snapshot(&self) -> Snapshot {
        self.limited(Limits::default()).unwrap()
    }

    fn undo(&self) -> Undone {
        undo::undo(&self.data(), "t1", false).unwrap()
    }

    fn tree(&self) -> Tree {
        tree(&self.root())
    }
}

fn changed(snapshot: &Snapshot) -> Vec<String> {
    let number = |n: Option<u64>| n.map_or("?".to_owned(), |n| n.to_string());
    let line =
        |c: vibekit::domain::event::FileChange| format!("{} +{} -{}", c.path, number(c.added), number(c.removed));
    snapshot.changes().unwrap().into_iter().map(line).collect()
}
