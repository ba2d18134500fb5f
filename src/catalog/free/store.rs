//! The lists as they were last read, in the data folder: they can be read again, so a file that is damaged is left out.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::FreeLists;
use crate::base::fsx;
use crate::domain::failure::{Failure, Status};

const FILE: &str = "free-models.json";
const LOCK: &str = "free-models.lock";
const VERSION: u32 = 1;
const LARGEST: u64 = 4 << 20;

#[derive(Debug, thiserror::Error)]
#[error("{} cannot be written: {source}", path.display())]
pub struct StoreError {
    path: PathBuf,
    source: std::io::Error,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(Status::Ledger, "data_unwritable", error.to_string()).fix("vk doctor")
    }
}

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    lists: FreeLists,
}

/// What was read before; nothing where there is no file that this version understands.
#[must_use]
pub fn load(data: &Path) -> FreeLists {
    let read = || {
        let bytes = fsx::read_own(&data.join(FILE), LARGEST).ok()?;
        let file: File = serde_json::from_slice(&bytes).ok()?;
        (file.version == VERSION).then_some(file.lists)
    };
    read().unwrap_or_default()
}

/// Puts these lists in the place of what was known of their providers.
///
/// # Errors
/// What the file system answers.
pub fn save(data: &Path, lists: FreeLists) -> Result<(), StoreError> {
    let path = data.join(FILE);
    let write = || {
        fsx::create_private_dir(data)?;
        let _lock = fsx::lock_exclusive(&data.join(LOCK))?;
        let mut all = load(data);
        all.extend(lists);
        fsx::write_private(&path, &serde_json::to_vec_pretty(&File { version: VERSION, lists: all })?)
    };
    write().map_err(|source| StoreError { path: path.clone(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::free::{FreeList, FreeModel};

    #[test]
    fn what_is_read_of_one_provider_leaves_the_others() {
        let data = tempfile::tempdir().unwrap();
        assert!(load(data.path()).is_empty());
        let list = |id: &str| FreeList {
            base_url: Some("http://127.0.0.1:1/v1".to_owned()),
            read_at: "2026-11-24T10:00:00Z".parse().unwrap(),
            models: vec![FreeModel { id: id.to_owned(), context: Some(4_096), max_output: None }],
        };
        save(data.path(), FreeLists::from([("a".to_owned(), list("x"))])).unwrap();
        save(data.path(), FreeLists::from([("b".to_owned(), list("y"))])).unwrap();
        save(data.path(), FreeLists::from([("a".to_owned(), list("z"))])).unwrap();
        let all = load(data.path());
        assert_eq!((all["a"].models[0].id.as_str(), all["b"].models[0].id.as_str()), ("z", "y"));
        std::fs::write(data.path().join(FILE), "{").unwrap();
        assert!(load(data.path()).is_empty());
    }
}
