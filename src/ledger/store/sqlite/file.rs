//! The ledger's file before SQLite sees it: private, no link, on a disk whose locks hold.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::FILE_NAME;
use crate::base::fsx;
use crate::ledger::LedgerError;

/// The path of a private, regular ledger file in `data_dir`, made empty where there is none.
pub(super) fn prepare(data_dir: &Path) -> Result<PathBuf, LedgerError> {
    let wrong = |source| LedgerError::Open { path: data_dir.join(FILE_NAME), source };
    fsx::create_private_dir(data_dir).map_err(wrong)?;
    let path = data_dir.canonicalize().map_err(wrong)?.join(FILE_NAME);
    refuse_network(&path)?;
    // Made here and not by SQLite, whose files take the mode that the umask leaves. Its -wal and -shm files then
    // take the mode of this one.
    match fsx::append_private(&path).and_then(|file| file.metadata()) {
        Ok(meta) if !meta.is_file() => Err(not_a_file(&path)),
        Ok(meta) => make_private(&path, &meta),
        // A file that may only be read is SQLite's to report.
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied && path.is_file() => Ok(path),
        Err(source) => Err(LedgerError::Open { path, source }),
    }
}

/// The path of the ledger file in `data_dir` if there is one.
pub(super) fn existing(data_dir: &Path) -> Result<Option<PathBuf>, LedgerError> {
    let path = data_dir.join(FILE_NAME);
    match fs::symlink_metadata(&path) {
        Ok(meta) if meta.is_file() => {
            let folder = data_dir.canonicalize().map_err(|source| LedgerError::Open { path, source })?;
            let path = folder.join(FILE_NAME);
            refuse_network(&path)?;
            Ok(Some(path))
        }
        Ok(_) => Err(not_a_file(&path)),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(source) => Err(LedgerError::Open { path, source }),
    }
}

fn not_a_file(path: &Path) -> LedgerError {
    let source = io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
    LedgerError::Open { path: path.to_path_buf(), source }
}

#[cfg(unix)]
fn make_private(path: &Path, meta: &fs::Metadata) -> Result<PathBuf, LedgerError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = meta.permissions().mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o700))
            .map_err(|source| LedgerError::Open { path: path.to_path_buf(), source })?;
    }
    Ok(path.to_path_buf())
}

#[cfg(not(unix))]
fn make_private(path: &Path, _: &fs::Metadata) -> Result<PathBuf, LedgerError> {
    Ok(path.to_path_buf())
}

/// WAL needs memory that all its processes share, which a network file system does not give between machines.
#[cfg(target_os = "linux")]
#[allow(clippy::useless_conversion, reason = "the type of f_type differs between architectures")]
fn refuse_network(path: &Path) -> Result<(), LedgerError> {
    let folder = path.parent().unwrap_or(path);
    let kind = rustix::fs::statfs(folder).ok().and_then(|stat| network_kind(i64::from(stat.f_type)));
    kind.map_or(Ok(()), |kind| Err(LedgerError::NetworkFileSystem { path: folder.to_path_buf(), kind }))
}

#[cfg(not(target_os = "linux"))]
fn refuse_network(_: &Path) -> Result<(), LedgerError> {
    Ok(())
}

/// The numbers are those of statfs(2) and of each file system's own header.
#[cfg(target_os = "linux")]
fn network_kind(magic: i64) -> Option<&'static str> {
    match magic & 0xffff_ffff {
        0x6969 => Some("NFS"),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => Some("SMB"),
        0x5346_414f => Some("AFS"),
        0x7375_7245 => Some("Coda"),
        0x00c3_6400 => Some("Ceph"),
        0x0bd0_0bd0 => Some("Lustre"),
        _ => None,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn network_file_systems_are_known_by_their_numbers_and_local_ones_pass() {
        assert_eq!(network_kind(0x6969), Some("NFS"));
        assert_eq!(network_kind(i64::from(0xff53_4d42_u32.cast_signed())), Some("SMB"));
        for local in [0xef53, 0x9123_683e, 0x5846_5342, 0x0102_1994, 0x794c_7630, 0x2fc1_2fc1] {
            assert_eq!(network_kind(local), None);
        }
    }

    #[test]
    fn the_file_is_private_even_where_it_was_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = prepare(dir.path()).unwrap();
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        prepare(dir.path()).unwrap();
        assert_eq!(mode(), 0o600);
    }

    #[test]
    fn a_planted_link_or_folder_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("target");
        fs::write(&target, "untouched").unwrap();
        symlink(&target, dir.path().join(FILE_NAME)).unwrap();
        assert!(matches!(prepare(dir.path()), Err(LedgerError::Open { .. })));
        assert!(matches!(existing(dir.path()), Err(LedgerError::Open { .. })));
        assert_eq!(fs::read_to_string(&target).unwrap(), "untouched");
        let other = tempfile::tempdir().unwrap();
        fs::create_dir(other.path().join(FILE_NAME)).unwrap();
        assert!(matches!(prepare(other.path()), Err(LedgerError::Open { .. })));
    }
}
