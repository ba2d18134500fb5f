//! Reading vk's own files: plain files of this user that nobody else may touch, and nothing reached through a link.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::path::Path;

use super::store::{SecretBytes, StoreError};

/// Which rights of others make a file unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Others {
    /// May neither read nor write: files with secrets.
    Nothing,
    /// May not write: files that decide what a secret is used for.
    Read,
}

/// At most `limit` bytes of a plain file, `None` if there is none. One open, checked on the open file: what was
/// looked at is what is read.
pub(crate) fn read(path: &Path, limit: u64, others: Others) -> Result<Option<SecretBytes>, StoreError> {
    let unsafe_file = |problem, fix| Err(StoreError::Unsafe { path: path.to_path_buf(), problem, fix });
    let io_error = |source| StoreError::Io { path: path.to_path_buf(), source };
    let shown = path.display();
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error(error)),
        Ok(meta) if !meta.is_file() => {
            return unsafe_file("is not a plain file", format!("ls -l '{shown}'"));
        }
        Ok(_) => {}
    }
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.custom_flags(i32::try_from(flags.bits()).unwrap_or(0));
    }
    let file = options.open(path).map_err(io_error)?;
    let meta = file.metadata().map_err(io_error)?;
    if !meta.is_file() {
        return unsafe_file("is not a plain file", format!("ls -l '{shown}'"));
    }
    if let Some(problem) = loose(&meta, others) {
        return unsafe_file(problem, format!("chmod 600 '{shown}'"));
    }
    let mut bytes = SecretBytes::new(Vec::with_capacity(usize::try_from(meta.len().min(limit)).unwrap_or(0) + 1));
    file.take(limit + 1).read_to_end(&mut bytes).map_err(io_error)?;
    if bytes.len() as u64 > limit {
        return Err(io_error(io::Error::new(io::ErrorKind::InvalidData, format!("larger than {limit} bytes"))));
    }
    Ok(Some(bytes))
}

#[cfg(unix)]
fn loose(meta: &std::fs::Metadata, others: Others) -> Option<&'static str> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = meta.permissions().mode();
    if mode & 0o022 != 0 {
        return Some("can be written by other users");
    }
    (others == Others::Nothing && mode & 0o044 != 0).then_some("can be read by other users")
}

#[cfg(not(unix))]
fn loose(_: &std::fs::Metadata, _: Others) -> Option<&'static str> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[allow(clippy::unwrap_used, reason = "a test")]
    fn problem(path: &Path, others: Others) -> String {
        match read(path, 100, others) {
            Err(StoreError::Unsafe { problem, fix, .. }) => format!("{problem}: {}", fix.split(' ').next().unwrap()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn links_loose_modes_and_odd_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        assert!(read(&file, 100, Others::Nothing).unwrap().is_none());
        fs::write(&file, "12345").unwrap();
        for (mode, others, expected) in [
            (0o640, Others::Nothing, "can be read by other users: chmod"),
            (0o604, Others::Nothing, "can be read by other users: chmod"),
            (0o620, Others::Read, "can be written by other users: chmod"),
        ] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(problem(&file, others), expected, "{mode:o}");
        }
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(read(&file, 100, Others::Read).unwrap().unwrap().as_slice(), b"12345");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read(&file, 5, Others::Nothing).unwrap().unwrap().as_slice(), b"12345");
        assert!(read(&file, 4, Others::Nothing).is_err());
        let link = dir.path().join("link");
        symlink(&file, &link).unwrap();
        assert_eq!(problem(&link, Others::Nothing), "is not a plain file: ls");
        assert_eq!(problem(dir.path(), Others::Nothing), "is not a plain file: ls");
    }
}
