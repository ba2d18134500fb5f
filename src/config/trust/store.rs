//! vk's record of the projects a person has trusted: one file of the user's own, never in a project.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Chosen;
use crate::base::{clock, fsx, secret};
use crate::config::error::ConfigError;

const MOST_BYTES: u64 = 8 * 1024 * 1024;
const VERSION: u32 = 1;

/// What was trusted in one folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) hash: String,
    /// The values as they were shown: for the difference that is shown when they change.
    pub(super) values: Vec<(String, String)>,
    pub(super) trusted_at: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct File {
    version: u32,
    projects: BTreeMap<String, Record>,
}

impl Default for File {
    fn default() -> Self {
        Self { version: VERSION, projects: BTreeMap::new() }
    }
}

pub(super) fn find(data: &Path, dir: &Path) -> Result<Option<Record>, ConfigError> {
    Ok(read(&path(data))?.projects.remove(&name(dir)))
}

/// Remembers that `chosen` is trusted in `dir`, in place of what was trusted there before.
pub(super) fn remember(data: &Path, dir: &Path, chosen: &Chosen) -> Result<(), ConfigError> {
    let path = path(data);
    let unwritable = |source| ConfigError::Write { shown: path.display().to_string(), source };
    fsx::create_private_dir(data).map_err(unwritable)?;
    let _lock = fsx::lock_exclusive(&data.join("trust.lock")).map_err(unwritable)?;
    let mut file = read(&path)?;
    let record = Record { hash: chosen.hash(), values: chosen.pairs(), trusted_at: clock::rfc3339(clock::now()) };
    file.projects.insert(name(dir), record);
    let bytes = serde_json::to_vec_pretty(&file).map_err(|e| unwritable(e.into()))?;
    fsx::write_private(&path, &bytes).map_err(unwritable)
}

fn path(data: &Path) -> PathBuf {
    data.join("trust.json")
}

fn read(path: &Path) -> Result<File, ConfigError> {
    let damaged = |why: String| ConfigError::TrustRecord(path.to_owned(), why);
    let bytes = match fsx::read_own(path, MOST_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(File::default()),
        Err(error) => return Err(damaged(error.to_string())),
    };
    let file: File = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    if file.version != VERSION {
        return Err(damaged(format!("version {} is newer than this vk", file.version)));
    }
    Ok(file)
}

/// A folder as a key that no other folder has.
fn name(dir: &Path) -> String {
    dir.to_str().map_or_else(|| format!("hex:{}", secret::hex(dir.as_os_str().as_encoded_bytes())), str::to_owned)
}
