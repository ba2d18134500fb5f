//! Files out of the way while several are changed: whatever they are, link, mode and all, they can come back as they
//! were until the change is done.

use std::ffi::OsString;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::AtFlags;

use super::{Kind, Workspace, WorkspaceError, beneath, kind, shown, temporary_name, told};

/// A file or a link under a name of its own, in the folder it lay in.
#[derive(Debug)]
pub struct Aside {
    folder: OwnedFd,
    name: OsString,
    rel: PathBuf,
}

impl Workspace {
    /// Takes a file or a link out of the way.
    ///
    /// # Errors
    /// As [`Workspace::remove`].
    pub fn set_aside(&self, path: &Path) -> Result<Aside, WorkspaceError> {
        let rel = self.writable(path)?;
        let failed = |error| told(&rel, error);
        let (folder, name) = beneath::open_parent(self.folder.as_fd(), &rel, false).map_err(failed)?;
        match beneath::stat(&folder, name).map_err(failed)?.map(|stat| kind(&stat)) {
            None => return Err(WorkspaceError::NotFound(shown(&rel))),
            Some(Kind::Folder) => return Err(WorkspaceError::IsFolder(shown(&rel))),
            Some(_) => {}
        }
        let aside = temporary_name();
        rustix::fs::renameat(&folder, name, &folder, &aside).map_err(|error| failed(error.into()))?;
        Ok(Aside { folder, name: aside, rel })
    }
}

impl Aside {
    /// Where it lay.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.rel
    }

    /// Puts it back.
    ///
    /// # Errors
    /// When something else stands in its place by now, or the system refuses.
    pub fn bring_back(self) -> Result<(), WorkspaceError> {
        let place = self.rel.file_name().unwrap_or_default();
        if beneath::stat(&self.folder, place).map_err(|error| told(&self.rel, error))?.is_some() {
            return Err(WorkspaceError::Exists(shown(&self.rel)));
        }
        let renamed = rustix::fs::renameat(&self.folder, &self.name, &self.folder, place);
        renamed.map_err(|error| told(&self.rel, error.into()))
    }

    /// Removes it for good.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn discard(self) -> Result<(), WorkspaceError> {
        let removed = rustix::fs::unlinkat(&self.folder, &self.name, AtFlags::empty());
        removed.map_err(|error| told(&self.rel, error.into()))
    }
}
