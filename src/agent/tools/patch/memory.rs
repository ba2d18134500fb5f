//! A tree in memory, for the tests of patches.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Tree;
use crate::agent::tools::change::Change;
use crate::agent::tools::place;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Memory(BTreeMap<PathBuf, Vec<u8>>);

impl Memory {
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec())).collect())
    }

    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Write { path, after, .. } => drop(self.0.insert(path.clone(), after.clone())),
            Change::Delete { path, .. } => drop(self.0.remove(path)),
            Change::Move { path, to, after, .. } => {
                self.0.remove(path);
                self.0.insert(to.clone(), after.clone());
            }
        }
    }
}

impl Tree for Memory {
    fn resolve(&self, path: &str) -> Result<PathBuf, String> {
        place::resolve(Path::new("/repo/project"), path).map_err(|error| error.to_string())
    }

    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, String> {
        Ok(self.0.get(path).cloned())
    }
}
