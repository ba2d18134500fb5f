//! Contents of files by the SHA-256 of their bytes: each is kept once, however many tasks saw it.
//!
//! One store per project, in vk's own data folder. Nothing of the project's own git is read or run for it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::entry::ObjectId;
use crate::base::fsx;
use crate::base::secret::sha256_hex;

/// Read in one piece up to this; beyond it in pieces of this size.
const PIECE: usize = 1 << 20;

#[derive(Clone, Debug)]
pub(in crate::task) struct Store {
    dir: PathBuf,
}

impl Store {
    /// The store of the project at `root`, made if it is not there.
    pub(in crate::task) fn open(data_dir: &Path, root: &Path) -> io::Result<Self> {
        let dir = Self::folder(data_dir, root);
        fsx::create_private_dir(data_dir)?;
        fsx::create_private_dir(&data_dir.join("shadow"))?;
        fsx::create_private_dir(&dir)?;
        fsx::create_private_dir(&dir.join("objects"))?;
        Ok(Self { dir })
    }

    fn folder(data_dir: &Path, root: &Path) -> PathBuf {
        data_dir.join("shadow").join(&sha256_hex(root.as_os_str().as_encoded_bytes())[..16])
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    fn object(&self, id: &ObjectId) -> PathBuf {
        let (folder, name) = id.as_str().split_at(2);
        self.dir.join("objects").join(folder).join(name)
    }

    /// Keeps some bytes.
    pub(super) fn put(&self, bytes: &[u8]) -> io::Result<ObjectId> {
        let id = ObjectId::of_digest(Sha256::digest(bytes).as_slice());
        let path = self.object(&id);
        if self.has(&id, bytes.len() as u64) {
            return Ok(id);
        }
        let mut file = self.beside(&path)?;
        file.write_all(bytes)?;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(id)
    }

    /// Names what `file` holds, and keeps it if `keep` says so for its size.
    pub(super) fn take(&self, file: &mut File, keep: impl Fn(u64) -> bool) -> io::Result<(ObjectId, u64)> {
        let mut first = Vec::new();
        file.take(PIECE as u64).read_to_end(&mut first)?;
        if first.len() < PIECE {
            let size = first.len() as u64;
            let id =
                if keep(size) { self.put(&first)? } else { ObjectId::of_digest(Sha256::digest(&first).as_slice()) };
            return Ok((id, size));
        }
        let mut copy = if keep(file.metadata()?.len()) {
            Some(tempfile::Builder::new().prefix(".new-").tempfile_in(&self.dir)?)
        } else {
            None
        };
        let mut digest = Sha256::new();
        let mut size = 0;
        let mut piece = first;
        while !piece.is_empty() {
            digest.update(&piece);
            size += piece.len() as u64;
            if let Some(copy) = &mut copy {
                copy.write_all(&piece)?;
            }
            piece.clear();
            file.take(PIECE as u64).read_to_end(&mut piece)?;
        }
        let id = ObjectId::of_digest(digest.finalize().as_slice());
        let path = self.object(&id);
        if let Some(copy) = copy.filter(|_| !self.has(&id, size)) {
            self.beside(&path)?;
            copy.persist(&path).map_err(|error| error.error)?;
        }
        Ok((id, size))
    }

    /// A new file in the folder of `path`, which is made if need be.
    fn beside(&self, path: &Path) -> io::Result<tempfile::NamedTempFile> {
        let folder = path.parent().unwrap_or(&self.dir);
        fsx::create_private_dir(folder)?;
        tempfile::Builder::new().prefix(".new-").tempfile_in(folder)
    }

    /// The content, if it is kept and whole.
    pub(in crate::task) fn get(&self, id: &ObjectId, limit: u64) -> io::Result<Vec<u8>> {
        let bytes = fsx::read_bounded(&self.object(id), limit)?;
        if ObjectId::of_digest(Sha256::digest(&bytes).as_slice()) != *id {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "vk's kept copy is damaged"));
        }
        Ok(bytes)
    }

    /// Whether a content of this size is kept. A power cut leaves files short, and those are read again.
    pub(super) fn has(&self, id: &ObjectId, size: u64) -> bool {
        fs::metadata(self.object(id)).is_ok_and(|meta| meta.is_file() && meta.len() == size)
    }

    /// Removes every content that `wanted` does not name.
    pub(super) fn sweep(&self, wanted: impl Fn(&ObjectId) -> bool) -> io::Result<()> {
        for folder in fs::read_dir(self.dir.join("objects"))? {
            let folder = folder?.path();
            let prefix = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            for object in fs::read_dir(&folder)? {
                let object = object?;
                let id = object.file_name().to_str().and_then(|name| ObjectId::parse(&format!("{prefix}{name}")));
                if id.is_none_or(|id| !wanted(&id)) {
                    fs::remove_file(object.path())?;
                }
            }
        }
        Ok(())
    }
}

/// Replaces a private file whole, without waiting for the disk: a snapshot outlives a killed process; what a power
/// cut destroys is found out when it is read, and costs an undo at most.
pub(super) fn replace_soon(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_kept_once_and_checked_when_read() {
        let (data, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = Store::open(data.path(), root.path()).unwrap();
        let id = store.put(b"hello").unwrap();
        assert_eq!(store.put(b"hello").unwrap(), id);
        assert_eq!(store.get(&id, 5).unwrap(), b"hello");
        assert!(store.get(&id, 4).is_err());
        fs::write(store.object(&id), b"HELLO").unwrap();
        assert!(store.get(&id, 5).unwrap_err().to_string().contains("damaged"));
    }

    #[test]
    fn large_files_are_named_the_same_in_pieces() {
        let (data, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = Store::open(data.path(), root.path()).unwrap();
        for size in [PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7] {
            let bytes: Vec<u8> = (0..size).map(|i| u8::try_from(i % 251).unwrap()).collect();
            let path = root.path().join("f");
            fs::write(&path, &bytes).unwrap();
            let (named, length) = store.take(&mut File::open(&path).unwrap(), |_| false).unwrap();
            assert!(!store.has(&named, length));
            let (kept, _) = store.take(&mut File::open(&path).unwrap(), |_| true).unwrap();
            assert_eq!((named, length), (kept.clone(), size as u64));
            assert_eq!(store.get(&kept, u64::MAX - 1).unwrap(), bytes);
        }
    }

    #[test]
    fn a_sweep_removes_what_no_task_needs() {
        let (data, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = Store::open(data.path(), root.path()).unwrap();
        let (wanted, old) = (store.put(b"wanted").unwrap(), store.put(b"old").unwrap());
        store.sweep(|id| *id == wanted).unwrap();
        assert!(store.has(&wanted, 6) && !store.has(&old, 3));
    }
}
