//! The project folder as the file tools see it: every path is resolved beneath an open folder handle by the kernel, so
//! that no link, no `..` and no rename in between leads outside; protected names are refused in every spelling.

use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    #[error("{0} is outside the project")]
    Outside(String),
    #[error("{0} is protected: only the user changes it")]
    Protected(String),
    #[error("{0} does not exist")]
    NotFound(String),
    #[error("{0} exists already")]
    Exists(String),
    #[error("{0} is a folder")]
    IsFolder(String),
    #[error("{0} is not a regular file")]
    NotRegular(String),
    #[error("{path} has {bytes} bytes, more than {limit}")]
    TooLarge { path: String, bytes: u64, limit: u64 },
    #[error("{0} is a link; write to the file itself")]
    Link(String),
    #[error("{path}: {source}")]
    Io { path: String, source: io::Error },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
    Link,
    /// A pipe, socket or device.
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The last part of the path, as the file system has it.
    pub name: std::ffi::OsString,
    pub kind: Kind,
    pub bytes: u64,
    /// Permission bits.
    pub mode: u32,
}

/// The project folder. Paths are relative to it, or absolute and inside it.
#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Opens the project folder. `protected` are absolute paths that are never written.
    ///
    /// # Errors
    /// When it is not a folder that can be opened.
    pub fn open(root: &Path, _protected: &[PathBuf]) -> Result<Self, WorkspaceError> {
        Ok(Self { root: root.to_path_buf() })
    }

    /// The canonical path of the project folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The whole of a regular file of at most `limit` bytes; links are followed where they stay inside.
    ///
    /// # Errors
    /// Outside, not found, not regular, too large.
    pub fn read(&self, path: &Path, _limit: u64) -> Result<Vec<u8>, WorkspaceError> {
        Err(WorkspaceError::NotFound(path.display().to_string()))
    }

    /// Replaces or makes a file with its folders: beside it and renamed, the mode of the old one kept.
    ///
    /// # Errors
    /// Outside, protected, a link (of either kind), not regular.
    pub fn write_atomic(&self, path: &Path, _bytes: &[u8]) -> Result<(), WorkspaceError> {
        Err(WorkspaceError::NotFound(path.display().to_string()))
    }

    /// Makes a file that does not exist yet.
    ///
    /// # Errors
    /// As [`Workspace::write_atomic`], and when it exists.
    pub fn create(&self, path: &Path, _bytes: &[u8]) -> Result<(), WorkspaceError> {
        Err(WorkspaceError::NotFound(path.display().to_string()))
    }

    /// Removes a file or a link; folders are left.
    ///
    /// # Errors
    /// Outside, protected, not found, a folder.
    pub fn remove(&self, path: &Path) -> Result<(), WorkspaceError> {
        Err(WorkspaceError::NotFound(path.display().to_string()))
    }

    /// Moves a regular file, making the folders of its new place; an existing file there is replaced.
    ///
    /// # Errors
    /// As [`Workspace::write_atomic`] for both paths.
    pub fn rename(&self, from: &Path, _to: &Path) -> Result<(), WorkspaceError> {
        Err(WorkspaceError::NotFound(from.display().to_string()))
    }

    /// The entries of a folder in name order, at most `limit`; whether there were more.
    ///
    /// # Errors
    /// Outside, not found, not a folder.
    pub fn list(&self, path: &Path, _limit: usize) -> Result<(Vec<Entry>, bool), WorkspaceError> {
        Err(WorkspaceError::NotFound(path.display().to_string()))
    }

    /// What lies at a path, the last link not followed.
    ///
    /// # Errors
    /// Outside, not found.
    pub fn metadata(&self, path: &Path) -> Result<Entry, WorkspaceError> {
        Err(WorkspaceError::NotFound(path.display().to_string()))
    }

    /// The path relative to the project folder with `.` taken out: what tools show and key their records by.
    ///
    /// # Errors
    /// When it is outside.
    pub fn relative(&self, path: &Path) -> Result<PathBuf, WorkspaceError> {
        Ok(path.to_path_buf())
    }
}
