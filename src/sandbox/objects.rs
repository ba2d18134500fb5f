//! Git's objects, kept by a second name each: where no mount can hold `.git`, a command that deletes it deletes the
//! history with it, and that is more than could be kept in memory. A hard link costs nothing and outlives the first name.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::record::Difference;
use crate::base::fsx;

/// Beyond this many it takes too long; then a loss is only noticed.
const MOST: usize = 200_000;

const PREFIX: &str = "objects-";

/// The folders of an `objects` folder, with what lay in each.
#[derive(Debug)]
pub(super) struct Kept {
    objects: PathBuf,
    /// The second names, in folders of the same names.
    names: TempDir,
    folders: BTreeMap<OsString, Listing>,
}

#[derive(Debug, Default)]
struct Listing {
    /// When an entry last came or went, which nobody can set.
    changed: (i64, i64),
    /// Names and inodes.
    files: BTreeMap<OsString, u64>,
}

impl Kept {
    /// `beside` must be on the file system of the repository, and where no command writes.
    ///
    /// # Errors
    /// When links cannot be made there, or there is too much to keep.
    pub(super) fn of(git: &Path, beside: &Path) -> io::Result<Self> {
        fsx::create_private_dir(beside)?;
        remove_leftovers(beside);
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let names = tempfile::Builder::new().prefix(&prefix).tempdir_in(beside)?;
        let mut kept = Self { objects: git.join("objects"), names, folders: BTreeMap::new() };
        kept.renew()?;
        Ok(kept)
    }

    /// Takes what is there now for what is to be kept.
    pub(super) fn renew(&mut self) -> io::Result<()> {
        let mut now = BTreeMap::new();
        let mut count = 0;
        for entry in fs::read_dir(&self.objects)?.flatten() {
            let name = entry.file_name();
            if name == "info" || !entry.file_type()?.is_dir() {
                continue;
            }
            let mut listing = self.folders.remove(&name).unwrap_or_default();
            let changed = changed(&entry.path())?;
            if listing.changed != changed {
                listing = self.link(&name, &listing)?;
                listing.changed = changed;
            }
            count += listing.files.len();
            now.insert(name, listing);
            if count > MOST {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
        }
        for gone in self.folders.keys() {
            let _ = fs::remove_dir_all(self.names.path().join(gone));
        }
        self.folders = now;
        Ok(())
    }

    /// Gives every file of one folder its second name; what is gone from there loses it.
    fn link(&self, name: &OsString, before: &Listing) -> io::Result<Listing> {
        let (folder, kept) = (self.objects.join(name), self.names.path().join(name));
        fs::create_dir_all(&kept)?;
        let mut listing = Listing::default();
        for entry in fs::read_dir(&folder)?.flatten() {
            let (file, meta) = (entry.file_name(), entry.metadata()?);
            if !meta.is_file() || file.to_string_lossy().starts_with("tmp_") {
                continue;
            }
            if before.files.get(&file) != Some(&meta.ino()) {
                let _ = fs::remove_file(kept.join(&file));
                match fs::hard_link(entry.path(), kept.join(&file)) {
                    // Git has just removed it.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    linked => linked?,
                }
            }
            listing.files.insert(file, meta.ino());
        }
        for gone in before.files.keys().filter(|file| !listing.files.contains_key(*file)) {
            let _ = fs::remove_file(kept.join(gone));
        }
        Ok(listing)
    }

    /// Puts back what a command took away. New objects stay: nothing leads to them.
    pub(super) fn restore(&mut self) -> Vec<Difference> {
        let mut differences = Vec::new();
        for (name, listing) in &mut self.folders {
            let (folder, kept) = (self.objects.join(name), self.names.path().join(name));
            if changed(&folder).is_ok_and(|now| now == listing.changed) {
                continue;
            }
            if !folder.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
                let _ = fs::remove_file(&folder);
                let _ = fs::create_dir_all(&folder);
            }
            for (file, inode) in &listing.files {
                let path = folder.join(file);
                let there = path.symlink_metadata();
                if there.as_ref().is_ok_and(|meta| meta.ino() == *inode) {
                    continue;
                }
                if let Ok(other) = there {
                    let _ = if other.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
                }
                let restored = fs::hard_link(kept.join(file), &path).is_ok();
                differences.push(Difference { path, restored });
            }
            listing.changed = changed(&folder).unwrap_or_default();
        }
        differences
    }
}

/// When an entry of a folder last came or went; an error for what is none.
fn changed(folder: &Path) -> io::Result<(i64, i64)> {
    let meta = fs::symlink_metadata(folder)?;
    if meta.is_dir() { Ok((meta.ctime(), meta.ctime_nsec())) } else { Err(io::ErrorKind::NotADirectory.into()) }
}

/// What a killed vk has left behind.
fn remove_leftovers(beside: &Path) {
    for entry in fs::read_dir(beside).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn kept() -> (TempDir, PathBuf, Kept) {
        let dir = tempfile::tempdir().unwrap();
        let objects = dir.path().join(".git/objects");
        for file in ["ab/one", "ab/two", "cd/three", "pack/p.pack"] {
            fs::create_dir_all(objects.join(file).parent().unwrap()).unwrap();
            fs::write(objects.join(file), file).unwrap();
        }
        let kept = Kept::of(&dir.path().join(".git"), &dir.path().join("aside")).unwrap();
        (dir, objects, kept)
    }

    #[test]
    fn what_is_taken_away_comes_back() {
        let (dir, objects, mut kept) = kept();
        assert_eq!(kept.restore(), []);
        fs::remove_file(objects.join("ab/one")).unwrap();
        fs::remove_dir_all(objects.join("cd")).unwrap();
        symlink(dir.path(), objects.join("cd")).unwrap();
        fs::remove_dir_all(objects.join("pack")).unwrap();
        fs::write(objects.join("ab/new"), "new").unwrap();
        let differences = kept.restore();
        assert!(differences.len() == 3 && differences.iter().all(|difference| difference.restored), "{differences:?}");
        for file in ["ab/one", "ab/two", "cd/three", "pack/p.pack"] {
            assert_eq!(fs::read_to_string(objects.join(file)).unwrap(), file);
        }
        assert!(objects.join("ab/new").exists() && !dir.path().join("three").exists());
        assert_eq!(kept.restore(), []);
    }

    #[test]
    fn what_the_user_removes_stays_removed_and_what_he_adds_is_kept() {
        let (_dir, objects, mut kept) = kept();
        fs::remove_dir_all(objects.join("cd")).unwrap();
        fs::remove_file(objects.join("ab/one")).unwrap();
        fs::write(objects.join("ab/four"), "four").unwrap();
        kept.renew().unwrap();
        fs::remove_dir_all(&objects).unwrap();
        assert!(kept.restore().iter().all(|difference| difference.restored));
        assert!(!objects.join("cd").exists() && !objects.join("ab/one").exists());
        assert_eq!(fs::read_to_string(objects.join("ab/four")).unwrap(), "four");
    }

    #[test]
    fn what_a_killed_vk_left_behind_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let left = dir.path().join("objects-4194305-x");
        fs::create_dir(&left).unwrap();
        fs::create_dir(dir.path().join("vk.toml.1")).unwrap();
        remove_leftovers(dir.path());
        assert!(!left.exists() && dir.path().join("vk.toml.1").exists());
    }
}
