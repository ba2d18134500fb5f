//! The project's tree as an undo touches it: every step from the root is a real folder, so that no link planted on
//! the way can move a write elsewhere.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use sha2::{Digest as _, Sha256};

use super::{Kind, State};
use crate::base::secret::hex;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const LARGEST: u64 = 1 << 30;

pub(in crate::task) struct Place {
    root: OwnedFd,
}

impl Place {
    pub(in crate::task) fn open(root: &Path) -> io::Result<Self> {
        Ok(Self { root: rustix::fs::open(root, FOLDER, Mode::empty())? })
    }

    /// The folder that holds `path`, and its name in it. With `make`, missing folders are made.
    fn parent<'p>(&self, path: &'p Path, make: bool) -> io::Result<(OwnedFd, &'p OsStr)> {
        let refused = || io::Error::new(io::ErrorKind::InvalidInput, "not a path inside the project");
        let mut names = Vec::new();
        for part in path.components() {
            let Component::Normal(name) = part else { return Err(refused()) };
            names.push(name);
        }
        let name = names.pop().ok_or_else(refused)?;
        // vk never writes into a repository's own data, whatever a record says.
        if names.iter().chain([&name]).any(|name| name.eq_ignore_ascii_case(".git")) {
            return Err(refused());
        }
        let mut folder = self.root.try_clone()?;
        for step in names {
            folder = match rustix::fs::openat(&folder, step, FOLDER, Mode::empty()) {
                Err(rustix::io::Errno::NOENT) if make => {
                    rustix::fs::mkdirat(&folder, step, Mode::from_raw_mode(0o755))?;
                    rustix::fs::openat(&folder, step, FOLDER, Mode::empty())?
                }
                other => other?,
            };
        }
        Ok((folder, name))
    }

    /// What stands at `path` now, with the name of its content. `None` for nothing; an error for what can be neither
    /// compared nor replaced: a pipe, a device.
    pub(in crate::task) fn state(&self, path: &Path) -> io::Result<Option<State>> {
        let (folder, name) = match self.parent(path, false) {
            Ok(found) => found,
            // Where a file or a link stands instead of a folder, nothing of the project is below it.
            Err(error) if is_no_folder(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let stat = match rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mode = permissions(&stat);
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => Ok(Some(State { kind: Kind::Dir, mode, size: 0, object: None })),
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(&folder, name, Vec::new())?;
                Ok(Some(State { kind: Kind::Link, mode: 0o777, size, object: named(target.as_bytes()) }))
            }
            FileType::RegularFile => {
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                let file = File::from(rustix::fs::openat(&folder, name, flags, Mode::empty())?);
                let object = if size > LARGEST { None } else { digest(file)? };
                Ok(Some(State { kind: Kind::File, mode, size, object }))
            }
            _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "neither a file, a folder nor a link")),
        }
    }

    /// Removes a file or a link.
    pub(in crate::task) fn remove(&self, path: &Path) -> io::Result<()> {
        let (folder, name) = self.parent(path, false)?;
        Ok(rustix::fs::unlinkat(&folder, name, AtFlags::empty())?)
    }

    /// Removes an empty folder.
    pub(in crate::task) fn remove_folder(&self, path: &Path) -> io::Result<()> {
        let (folder, name) = self.parent(path, false)?;
        Ok(rustix::fs::unlinkat(&folder, name, AtFlags::REMOVEDIR)?)
    }

    /// Makes a folder, or gives the one that is there its mode.
    pub(in crate::task) fn folder(&self, path: &Path, mode: u32) -> io::Result<()> {
        let (folder, name) = self.parent(path, true)?;
        match rustix::fs::mkdirat(&folder, name, Mode::from_raw_mode(mode)) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let opened = rustix::fs::openat(&folder, name, FOLDER, Mode::empty())?;
        Ok(rustix::fs::fchmod(&opened, Mode::from_raw_mode(mode))?)
    }

    /// Puts a file in place: beside it and renamed over it, so that a hard link or a link there is replaced.
    pub(in crate::task) fn file(&self, path: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
        let (folder, name) = self.parent(path, true)?;
        let new = new_name()?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::openat(&folder, &new, flags, Mode::from_raw_mode(0o600))?);
        let written = file
            .write_all(bytes)
            .and_then(|()| Ok(rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?))
            .and_then(|()| Ok(rustix::fs::renameat(&folder, &new, &folder, name)?));
        self.or_clean_up(&folder, &new, written)
    }

    pub(in crate::task) fn link(&self, path: &Path, target: Vec<u8>) -> io::Result<()> {
        let (folder, name) = self.parent(path, true)?;
        let new = new_name()?;
        rustix::fs::symlinkat(OsString::from_vec(target), &folder, &new)?;
        let renamed = rustix::fs::renameat(&folder, &new, &folder, name).map_err(io::Error::from);
        self.or_clean_up(&folder, &new, renamed)
    }

    #[allow(clippy::unused_self, reason = "reads as what the place does")]
    fn or_clean_up(&self, folder: &OwnedFd, new: &OsStr, result: io::Result<()>) -> io::Result<()> {
        if result.is_err() {
            let _ = rustix::fs::unlinkat(folder, new, AtFlags::empty());
        }
        result
    }
}

/// Whether a path leads nowhere inside the project: a step is missing, a file, or a link.
pub(in crate::task) fn is_no_folder(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(Errno::from_io_error(error), Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP))
}

fn new_name() -> io::Result<OsString> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(format!(".vk-undo-{}", hex(&random)).into())
}

#[allow(clippy::unnecessary_cast, clippy::cast_lossless, reason = "the width of a mode differs between systems")]
fn permissions(stat: &Stat) -> u32 {
    stat.st_mode as u32 & 0o7777
}

fn named(bytes: &[u8]) -> Option<super::ObjectId> {
    hex(Sha256::digest(bytes).as_slice()).try_into().ok()
}

fn digest(mut file: File) -> io::Result<Option<super::ObjectId>> {
    let mut digest = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        match io::Read::read(&mut file, &mut piece)? {
            0 => return Ok(hex(digest.finalize().as_slice()).try_into().ok()),
            count => digest.update(&piece[..count]),
        }
    }
}
