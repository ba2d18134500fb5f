//! Files that must survive a crash and stay private: 0600, written beside and renamed, synced to disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// Replaces `path` with `bytes`: a new file of mode 0600 beside it, synced, renamed over it, the folder synced.
/// A symlink at `path` is replaced, never followed.
///
/// # Errors
/// Whatever the file system answers; the old content is then still whole.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, bytes, None)
}

/// Like [`write_private`], but keeps the mode of a file that is there already, and makes 0644 otherwise:
/// for files of the user's project such as `vk.toml`.
///
/// # Errors
/// Whatever the file system answers; the old content is then still whole.
pub fn write_project(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mode = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file).map_or(0o644, |meta| mode_of(&meta));
    replace(path, bytes, Some(mode))
}

fn replace(path: &Path, bytes: &[u8], mode: Option<u32>) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".vk-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    if let Some(mode) = mode {
        set_mode(file.as_file(), mode)?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    sync_folder(folder)
}

/// Makes `dir` and its parents where they are not there; those made here are 0700, as the XDG specification has it.
///
/// # Errors
/// Whatever the file system answers.
pub fn create_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Opens for appending, made with mode 0600; refuses to follow a symlink.
///
/// # Errors
/// Whatever the file system answers.
pub fn append_private(path: &Path) -> io::Result<File> {
    open_private(path, OpenOptions::new().append(true))
}

/// Opens for reading and writing in place, made with mode 0600; refuses to follow a symlink.
///
/// # Errors
/// Whatever the file system answers.
pub fn update_private(path: &Path) -> io::Result<File> {
    open_private(path, OpenOptions::new().read(true).write(true))
}

fn open_private(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600).custom_flags(i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0));
    }
    options.create(true).open(path)
}

/// Holds an exclusive lock on `path` (made if absent) until the returned file is dropped.
///
/// # Errors
/// Whatever the file system answers.
pub fn lock_exclusive(path: &Path) -> io::Result<File> {
    let file = append_private(path)?;
    file.lock()?;
    Ok(file)
}

/// As [`lock_exclusive`], but `None` where another process holds it.
///
/// # Errors
/// Whatever the file system answers.
pub fn try_lock_exclusive(path: &Path) -> io::Result<Option<File>> {
    let file = append_private(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// Reads at most `limit` bytes of a regular file; anything else (a folder, a pipe, a device, a larger file) is an error.
/// A FIFO does not block: the file is opened without waiting for a writer.
///
/// # Errors
/// Whatever the file system answers, or `InvalidData` naming why the file was not taken.
pub fn read_bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    take(open_regular(path, true)?.0, limit)
}

/// Like [`read_bounded`], but a symlink at the end of `path` is an error: for files that a stranger may have put there,
/// who must not choose which of the user's files is read.
///
/// # Errors
/// Whatever the file system answers, or `InvalidData` naming why the file was not taken.
pub fn read_unfollowed(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    if fs::symlink_metadata(path)?.is_symlink() {
        return Err(refused("a symbolic link"));
    }
    take(open_regular(path, false)?.0, limit)
}

/// Like [`read_bounded`], but a file that group or others may write is an error; the file asked is the file read.
///
/// # Errors
/// Whatever the file system answers, or `InvalidData` naming why the file was not taken.
pub fn read_own(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let (file, meta) = open_regular(path, true)?;
    if mode_of(&meta) & 0o022 != 0 {
        return Err(refused("others may write it"));
    }
    take(file, limit)
}

/// Opens a regular file to read it in parts, however large: a symlink at the end of `path` is an error, and so is
/// whatever would make the caller wait.
///
/// # Errors
/// Whatever the file system answers, or `InvalidData` naming why the file was not taken.
pub fn open_unfollowed(path: &Path) -> io::Result<(File, fs::Metadata)> {
    open_regular(path, false)
}

fn open_regular(path: &Path, follow: bool) -> io::Result<(File, fs::Metadata)> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = if follow { OFlags::NONBLOCK } else { OFlags::NONBLOCK | OFlags::NOFOLLOW };
        options.custom_flags(i32::try_from(flags.bits()).unwrap_or(0));
    }
    #[cfg(not(unix))]
    let _ = follow;
    let file = options.open(path)?;
    let meta = file.metadata()?;
    if meta.is_file() { Ok((file, meta)) } else { Err(refused("not a regular file")) }
}

fn take(file: File, limit: u64) -> io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(refused(&format!("larger than {limit} bytes")));
    }
    Ok(bytes)
}

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// Whether group or others may write here: such a folder cannot be trusted with configuration or secrets.
#[must_use]
pub fn writable_by_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| mode_of(&meta) & 0o022 != 0)
}

#[cfg(unix)]
fn mode_of(meta: &fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    meta.permissions().mode() & 0o7777
}

#[cfg(not(unix))]
fn mode_of(_: &fs::Metadata) -> u32 {
    0o600
}

#[cfg(unix)]
fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_: &File, _: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn a_private_file_replaces_links_and_loose_modes() {
        let dir = tempfile::tempdir().unwrap();
        let (target, path) = (dir.path().join("target"), dir.path().join("secret"));
        fs::write(&target, "untouched").unwrap();
        symlink(&target, &path).unwrap();
        write_private(&path, b"s").unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "untouched");
        assert_eq!(fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        write_private(&path, b"t").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn bounded_reads_refuse_what_is_not_a_small_regular_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        fs::write(&file, "12345").unwrap();
        assert_eq!(read_bounded(&file, 5).unwrap(), b"12345");
        assert!(read_bounded(&file, 4).is_err());
        assert!(read_bounded(dir.path(), 4).is_err());
        assert!(read_bounded(Path::new("/dev/zero"), 4).is_err());
    }
    #[test]
    fn a_file_that_a_stranger_placed_is_not_followed_and_one_that_others_write_is_not_ours() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("f"), dir.path().join("l"));
        fs::write(&file, "x").unwrap();
        symlink(&file, &link).unwrap();
        assert_eq!(read_unfollowed(&file, 5).unwrap(), b"x");
        assert_eq!(read_unfollowed(&link, 5).unwrap_err().to_string(), "a symbolic link");
        assert_eq!(read_own(&link, 5).unwrap(), b"x");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o620)).unwrap();
        assert_eq!(read_own(&file, 5).unwrap_err().to_string(), "others may write it");
    }
}
