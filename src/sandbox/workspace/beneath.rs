//! Opening things beneath an open folder: the kernel resolves, so that no link and no `..` leads outside, and nothing
//! that is swapped in between changes what was checked.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path};

use rustix::fs::{AtFlags, Mode, OFlags, Stat};
use rustix::io::Errno;

/// Opens `rel` for reading. Links are followed where they stay beneath `root`; magic links of /proc never.
pub(super) fn open_read(root: BorrowedFd<'_>, rel: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    let flags = flags | OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let rel = if rel.as_os_str().is_empty() { Path::new(".") } else { rel };
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{ResolveFlags, openat2};
        // A rename elsewhere in the tree during the walk makes the kernel answer EAGAIN: a few tries are enough.
        for _ in 0..16 {
            match openat2(root, rel, flags, Mode::empty(), ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS) {
                Err(Errno::AGAIN) => {}
                Err(Errno::NOSYS | Errno::PERM) => break,
                other => return Ok(other?),
            }
        }
    }
    // Without openat2 no link is followed at all.
    let (parent, name) = open_parent(root, rel, false)?;
    Ok(rustix::fs::openat(parent, name, flags | OFlags::NOFOLLOW, Mode::empty())?)
}

/// Opens the folder that `rel` lies in, one component at a time and through no link; makes what is missing if `make`.
/// Gives the last component beside it.
pub(super) fn open_parent<'a>(root: BorrowedFd<'_>, rel: &'a Path, make: bool) -> io::Result<(OwnedFd, &'a OsStr)> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let name = rel.file_name().unwrap_or_else(|| OsStr::new("."));
    let mut folder = rustix::fs::openat(root, ".", flags, Mode::empty())?;
    for part in rel.parent().into_iter().flat_map(Path::components) {
        let Component::Normal(part) = part else { return Err(Errno::XDEV.into()) };
        folder = match rustix::fs::openat(&folder, part, flags, Mode::empty()) {
            Err(Errno::NOENT) if make => {
                match rustix::fs::mkdirat(&folder, part, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error.into()),
                }
                rustix::fs::openat(&folder, part, flags, Mode::empty())?
            }
            // With O_DIRECTORY and O_NOFOLLOW the kernel says "not a folder" of a link.
            Err(Errno::NOTDIR) if is_link(&folder, part) => return Err(Errno::LOOP.into()),
            other => other?,
        };
    }
    Ok((folder, name))
}

/// What lies at `name`, a link itself not followed; `None` if nothing does.
pub(super) fn stat(folder: &OwnedFd, name: &OsStr) -> io::Result<Option<Stat>> {
    match rustix::fs::statat(folder.as_fd(), name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn is_link(folder: &OwnedFd, name: &OsStr) -> bool {
    stat(folder, name)
        .ok()
        .flatten()
        .is_some_and(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Symlink)
}
