//! The project folder as the file tools see it: every path is resolved beneath an open folder handle by the kernel, so
//! that no link, no `..` and no rename in between leads outside; protected names are refused in every spelling.

mod aside;
mod beneath;
mod protect;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Component, Path, PathBuf};

pub use aside::Aside;
use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, Stat, Uid};
use rustix::io::Errno;

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
    pub name: OsString,
    pub kind: Kind,
    pub bytes: u64,
    /// Permission bits.
    pub mode: u32,
}

/// A folder with more entries than this is listed in part.
const MOST_ENTRIES: usize = 100_000;

/// The project folder. Paths are relative to it, or absolute and inside it.
#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
    /// As the folder was named: an absolute path may be spelled through a link to it.
    spelled: PathBuf,
    folder: OwnedFd,
    /// Relative to the root; only those that lie in it.
    protected: Vec<PathBuf>,
}

impl Workspace {
    /// Opens the project folder. `protected` are absolute paths that are never written.
    ///
    /// # Errors
    /// When it is not a folder that can be opened.
    pub fn open(root: &Path, protected: &[PathBuf]) -> Result<Self, WorkspaceError> {
        let failed = |source: io::Error| WorkspaceError::Io { path: root.display().to_string(), source };
        let canonical = root.canonicalize().map_err(failed)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(&canonical, flags, Mode::empty()).map_err(|e| failed(e.into()))?;
        let inside = |path: &PathBuf| {
            let path = path.canonicalize().unwrap_or_else(|_| path.clone());
            path.strip_prefix(&canonical).ok().filter(|rel| !rel.as_os_str().is_empty()).map(Path::to_path_buf)
        };
        let protected = protected.iter().filter_map(inside).collect();
        Ok(Self { root: canonical, spelled: root.to_path_buf(), folder, protected })
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
    pub fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, WorkspaceError> {
        let rel = self.relative(path)?;
        let failed = |error| told(&rel, error);
        let file = File::from(beneath::open_read(self.folder.as_fd(), &rel, OFlags::empty()).map_err(failed)?);
        let meta = file.metadata().map_err(failed)?;
        if meta.is_dir() {
            return Err(WorkspaceError::IsFolder(shown(&rel)));
        }
        if !meta.is_file() {
            return Err(WorkspaceError::NotRegular(shown(&rel)));
        }
        if meta.len() > limit {
            return Err(WorkspaceError::TooLarge { path: shown(&rel), bytes: meta.len(), limit });
        }
        let mut bytes = Vec::new();
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > limit {
            let bytes = meta.len().max(bytes.len() as u64);
            return Err(WorkspaceError::TooLarge { path: shown(&rel), bytes, limit });
        }
        Ok(bytes)
    }

    /// Replaces or makes a file with its folders: beside it and renamed, the mode of the old one kept.
    ///
    /// # Errors
    /// Outside, protected, a link (of either kind), not regular.
    pub fn write_atomic(&self, path: &Path, bytes: &[u8]) -> Result<(), WorkspaceError> {
        let rel = self.writable(path)?;
        let failed = |error| told(&rel, error);
        let (folder, name) = beneath::open_parent(self.folder.as_fd(), &rel, true).map_err(failed)?;
        let before = replaceable(&rel, &folder, name)?;
        let temporary = temporary_name();
        let written = write_new(&folder, &temporary, bytes, before.as_ref())
            .and_then(|()| Ok(rustix::fs::renameat(&folder, temporary.as_os_str(), &folder, name)?));
        if written.is_err() {
            let _ = rustix::fs::unlinkat(&folder, temporary.as_os_str(), AtFlags::empty());
        }
        written.map_err(failed)
    }

    /// Makes a file that does not exist yet.
    ///
    /// # Errors
    /// As [`Workspace::write_atomic`], and when it exists.
    pub fn create(&self, path: &Path, bytes: &[u8]) -> Result<(), WorkspaceError> {
        let rel = self.writable(path)?;
        let failed = |error| told(&rel, error);
        let (folder, name) = beneath::open_parent(self.folder.as_fd(), &rel, true).map_err(failed)?;
        match write_new(&folder, name, bytes, None) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(WorkspaceError::Exists(shown(&rel))),
            Err(error) => {
                let _ = rustix::fs::unlinkat(&folder, name, AtFlags::empty());
                Err(failed(error))
            }
            Ok(()) => Ok(()),
        }
    }

    /// Removes a file or a link; folders are left.
    ///
    /// # Errors
    /// Outside, protected, not found, a folder.
    pub fn remove(&self, path: &Path) -> Result<(), WorkspaceError> {
        let rel = self.writable(path)?;
        let failed = |error| told(&rel, error);
        let (folder, name) = beneath::open_parent(self.folder.as_fd(), &rel, false).map_err(failed)?;
        match beneath::stat(&folder, name).map_err(failed)?.map(|stat| kind(&stat)) {
            None => Err(WorkspaceError::NotFound(shown(&rel))),
            Some(Kind::Folder) => Err(WorkspaceError::IsFolder(shown(&rel))),
            Some(_) => rustix::fs::unlinkat(&folder, name, AtFlags::empty()).map_err(|error| failed(error.into())),
        }
    }

    /// Whether a file may stand in the place of what is there.
    ///
    /// # Errors
    /// Outside, protected, a link (of either kind), not regular.
    pub fn may_replace(&self, path: &Path) -> Result<(), WorkspaceError> {
        let rel = self.writable(path)?;
        let (folder, name) =
            beneath::open_parent(self.folder.as_fd(), &rel, false).map_err(|error| told(&rel, error))?;
        replaceable(&rel, &folder, name).map(|_| ())
    }

    /// Removes an empty folder.
    ///
    /// # Errors
    /// Outside, protected, not found, not empty.
    pub fn remove_folder(&self, path: &Path) -> Result<(), WorkspaceError> {
        let rel = self.writable(path)?;
        let failed = |error| told(&rel, error);
        let (folder, name) = beneath::open_parent(self.folder.as_fd(), &rel, false).map_err(failed)?;
        rustix::fs::unlinkat(&folder, name, AtFlags::REMOVEDIR).map_err(|error| failed(error.into()))
    }

    /// Moves a regular file, making the folders of its new place; an existing file there is replaced.
    ///
    /// # Errors
    /// As [`Workspace::write_atomic`] for both paths.
    pub fn rename(&self, from: &Path, to: &Path) -> Result<(), WorkspaceError> {
        let (from, to) = (self.writable(from)?, self.writable(to)?);
        let (old_folder, old_name) =
            beneath::open_parent(self.folder.as_fd(), &from, false).map_err(|error| told(&from, error))?;
        if replaceable(&from, &old_folder, old_name)?.is_none() {
            return Err(WorkspaceError::NotFound(shown(&from)));
        }
        let (folder, name) = beneath::open_parent(self.folder.as_fd(), &to, true).map_err(|error| told(&to, error))?;
        replaceable(&to, &folder, name)?;
        rustix::fs::renameat(&old_folder, old_name, &folder, name).map_err(|error| told(&to, error.into()))
    }

    /// The entries of a folder in name order, at most `limit`; whether there were more.
    ///
    /// # Errors
    /// Outside, not found, not a folder.
    pub fn list(&self, path: &Path, limit: usize) -> Result<(Vec<Entry>, bool), WorkspaceError> {
        let rel = self.relative(path)?;
        let failed = |error| told(&rel, error);
        let folder = beneath::open_read(self.folder.as_fd(), &rel, OFlags::DIRECTORY).map_err(failed)?;
        let mut names: Vec<OsString> = Vec::new();
        for entry in Dir::read_from(&folder).map_err(|error| failed(error.into()))?.take(MOST_ENTRIES) {
            let entry = entry.map_err(|error| failed(error.into()))?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(os_string(name));
            }
        }
        names.sort_unstable();
        let more = names.len() > limit;
        names.truncate(limit);
        // What is gone by now is not listed.
        let entries = names.into_iter().filter_map(|name| {
            let stat = beneath::stat(&folder, &name).ok().flatten()?;
            Some(entry(name, &stat))
        });
        Ok((entries.collect(), more))
    }

    /// What lies at a path, the last link not followed.
    ///
    /// # Errors
    /// Outside, not found.
    pub fn metadata(&self, path: &Path) -> Result<Entry, WorkspaceError> {
        let rel = self.relative(path)?;
        let failed = |error| told(&rel, error);
        let (folder, name) = beneath::open_parent(self.folder.as_fd(), &rel, false).map_err(failed)?;
        let stat =
            beneath::stat(&folder, name).map_err(failed)?.ok_or_else(|| WorkspaceError::NotFound(shown(&rel)))?;
        Ok(entry(name.to_owned(), &stat))
    }

    /// The path relative to the project folder with `.` and `..` taken out by their words: what tools show and key
    /// their records by.
    ///
    /// # Errors
    /// When it is outside.
    pub fn relative(&self, path: &Path) -> Result<PathBuf, WorkspaceError> {
        let outside = || WorkspaceError::Outside(path.display().to_string());
        let below = if path.has_root() {
            path.strip_prefix(&self.root).or_else(|_| path.strip_prefix(&self.spelled)).map_err(|_| outside())?
        } else {
            path
        };
        let mut rel = PathBuf::new();
        for part in below.components() {
            match part {
                Component::Normal(name) => rel.push(name),
                Component::CurDir => {}
                Component::ParentDir if rel.pop() => {}
                _ => return Err(outside()),
            }
        }
        Ok(rel)
    }

    fn writable(&self, path: &Path) -> Result<PathBuf, WorkspaceError> {
        let rel = self.relative(path)?;
        if rel.as_os_str().is_empty() {
            return Err(WorkspaceError::IsFolder(shown(&rel)));
        }
        if protect::is_protected(&rel, &self.protected) {
            return Err(WorkspaceError::Protected(shown(&rel)));
        }
        Ok(rel)
    }
}

/// What a write would replace, if it may: a regular file of one name that its owner may write.
fn replaceable(rel: &Path, folder: &OwnedFd, name: &OsStr) -> Result<Option<Stat>, WorkspaceError> {
    let Some(stat) = beneath::stat(folder, name).map_err(|error| told(rel, error))? else { return Ok(None) };
    match kind(&stat) {
        Kind::Link => Err(WorkspaceError::Link(shown(rel))),
        Kind::Folder => Err(WorkspaceError::IsFolder(shown(rel))),
        Kind::Other => Err(WorkspaceError::NotRegular(shown(rel))),
        // The file's other name may lie anywhere.
        Kind::File if stat.st_nlink > 1 => Err(WorkspaceError::Link(shown(rel))),
        Kind::File if stat.st_mode & 0o200 == 0 => Err(told(rel, Errno::ACCESS.into())),
        Kind::File => Ok(Some(stat)),
    }
}

/// Writes a new file, with the rights of the one it is to replace.
fn write_new(folder: &OwnedFd, name: &OsStr, bytes: &[u8], before: Option<&Stat>) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::openat(folder, name, flags, Mode::from_raw_mode(0o666))?);
    file.write_all(bytes)?;
    if let Some(before) = before {
        let own = rustix::fs::fstat(&file)?;
        if (own.st_uid, own.st_gid) != (before.st_uid, before.st_gid) {
            // Only root can give a file away; for others the file becomes their own, as with any editor.
            let (uid, gid) = (Uid::from_raw(before.st_uid), Gid::from_raw(before.st_gid));
            let _ = rustix::fs::fchown(&file, Some(uid), Some(gid));
        }
        rustix::fs::fchmod(&file, Mode::from_raw_mode(before.st_mode & 0o7777))?;
    }
    Ok(())
}

fn temporary_name() -> OsString {
    let random = getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()));
    OsString::from(format!(".vk-{random:016x}.tmp"))
}

fn kind(stat: &Stat) -> Kind {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        FileType::Symlink => Kind::Link,
        _ => Kind::Other,
    }
}

fn entry(name: OsString, stat: &Stat) -> Entry {
    Entry { name, kind: kind(stat), bytes: u64::try_from(stat.st_size).unwrap_or(0), mode: stat.st_mode & 0o7777 }
}

fn os_string(bytes: &[u8]) -> OsString {
    use std::os::unix::ffi::OsStrExt as _;
    OsStr::from_bytes(bytes).to_owned()
}

fn shown(rel: &Path) -> String {
    if rel.as_os_str().is_empty() { ".".to_owned() } else { rel.display().to_string() }
}

/// The kernel's answer in the tools' words.
fn told(rel: &Path, error: io::Error) -> WorkspaceError {
    let path = shown(rel);
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::XDEV) => WorkspaceError::Outside(path),
        Some(Errno::LOOP) => WorkspaceError::Link(path),
        Some(Errno::NOENT | Errno::NOTDIR) => WorkspaceError::NotFound(path),
        Some(Errno::ISDIR) => WorkspaceError::IsFolder(path),
        Some(Errno::NXIO) => WorkspaceError::NotRegular(path),
        _ => WorkspaceError::Io { path, source: error },
    }
}

#[cfg(test)]
mod tests;
