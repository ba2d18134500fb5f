//! A protected file or folder as it was: enough to see any change of it, and to undo the changes that matter. Git's
//! objects are named by their content and run nothing, so of those only the presence is recorded.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use super::objects::Kept;

/// Of one protected name. What exceeds it is compared but cannot be put back.
const KEPT_BYTES: u64 = 64 * 1024 * 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Folder,
    /// The bytes, unless there were too many.
    File(Option<Rc<[u8]>>),
    Link(PathBuf),
    /// Only its presence counts.
    Present,
    /// A pipe, socket or device.
    Other,
}

/// Inode, size, and both times that the kernel sets: equal means untouched. The change time cannot be forged.
type Stamp = [i64; 6];

/// What is noted of one name.
type Look<'a> = dyn FnMut(&Path, &fs::Metadata, &Stamp) -> io::Result<Content> + 'a;

#[derive(Clone, Debug)]
struct Node {
    content: Content,
    mode: u32,
    stamp: Stamp,
}

/// What a protected name and everything below it was.
#[derive(Debug)]
pub(super) struct Record {
    root: PathBuf,
    nodes: BTreeMap<PathBuf, Node>,
    /// Git's objects, where they could be kept.
    objects: Option<Kept>,
}

/// What was found to differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub path: PathBuf,
    pub restored: bool,
}

impl Record {
    /// # Errors
    /// What cannot be read cannot be compared.
    pub(super) fn of(root: &Path) -> io::Result<Self> {
        let mut record = Self { root: root.to_path_buf(), nodes: BTreeMap::new(), objects: None };
        record.renew()?;
        Ok(record)
    }

    /// Keeps git's objects too, if links to them can be made in `beside`; if not, their loss is only noticed.
    pub(super) fn keep_objects(mut self, beside: &Path) -> Self {
        self.objects = self.root.join("objects").is_dir().then(|| Kept::of(&self.root, beside).ok()).flatten();
        self
    }

    /// Takes what is there now for what is to be kept: between commands it is the user who changes things. Only what
    /// was touched since is read again.
    ///
    /// # Errors
    /// What cannot be read cannot be compared.
    pub(super) fn renew(&mut self) -> io::Result<()> {
        let before = std::mem::take(&mut self.nodes);
        let mut budget = KEPT_BYTES;
        self.nodes = walk(&self.root, false, &mut |path, meta, stamp| {
            let content = if is_object(path) {
                Content::Present
            } else if meta.is_dir() {
                Content::Folder
            } else if meta.is_symlink() {
                Content::Link(fs::read_link(path)?)
            } else if !meta.is_file() {
                Content::Other
            } else if meta.len() <= budget {
                budget -= meta.len();
                match before.get(path) {
                    Some(Node { content: Content::File(Some(bytes)), stamp: was, .. }) if was == stamp => {
                        Content::File(Some(Rc::clone(bytes)))
                    }
                    _ => Content::File(Some(fs::read(path)?.into())),
                }
            } else {
                Content::File(None)
            };
            Ok(content)
        })?;
        if self.objects.as_mut().is_some_and(|objects| objects.renew().is_err()) {
            self.objects = None;
        }
        Ok(())
    }

    /// Compares, and puts back what differs. An untouched tree costs one look at each name.
    pub(super) fn restore(&mut self) -> Vec<Difference> {
        let now = walk(&self.root, true, &mut |_, _, _| Ok(Content::Present)).unwrap_or_default();
        let mut differences = Vec::new();
        // Children before their folders, so that an added folder is empty when it is removed.
        for (path, node) in now.iter().rev() {
            let kept = self.nodes.get(path).is_some_and(|was| same_kind(&was.content, path));
            if !kept && !is_object(path) {
                let gone = remove(path, node.mode).is_ok();
                if !self.nodes.contains_key(path) {
                    differences.push(Difference { path: path.clone(), restored: gone });
                }
            }
        }
        if let Some(objects) = &mut self.objects {
            differences.extend(objects.restore());
        }
        for (path, was) in &mut self.nodes {
            if now.get(path).is_some_and(|is| is.stamp == was.stamp && is.mode == was.mode) {
                continue;
            }
            match was.put_back(path) {
                Ok(false) => {}
                Ok(true) => differences.push(Difference { path: path.clone(), restored: true }),
                Err(_) => differences.push(Difference { path: path.clone(), restored: false }),
            }
        }
        differences
    }
}

impl Node {
    /// Whether this is the folder or the very file that was there.
    fn is_same(&self, meta: &fs::Metadata) -> bool {
        meta.is_dir() || self.stamp[..2] == stamp(meta)[..2]
    }

    /// Makes the path what it was; whether anything had to be done.
    fn put_back(&mut self, path: &Path) -> io::Result<bool> {
        let meta = fs::symlink_metadata(path).ok();
        let changed = match &self.content {
            // An object or a folder of them that is there, perhaps only again.
            Content::Present if meta.as_ref().is_some_and(|meta| self.is_same(meta)) => false,
            Content::Other if meta.as_ref().is_some_and(|meta| !meta.is_file()) => false,
            Content::Present | Content::Other => return Err(io::ErrorKind::NotFound.into()),
            Content::Folder if meta.is_none() => fs::create_dir(path).map(|()| true)?,
            Content::Folder => false,
            Content::Link(target) => {
                let same = fs::read_link(path).is_ok_and(|now| now == *target);
                if !same {
                    symlink(target, path)?;
                }
                !same
            }
            Content::File(Some(bytes)) => {
                let same = meta.is_some() && fs::read(path).is_ok_and(|now| now[..] == bytes[..]);
                if !same {
                    write_beside(path, bytes, modified(&self.stamp))?;
                }
                !same
            }
            Content::File(None) => return Err(io::ErrorKind::InvalidData.into()),
        };
        let meta = fs::symlink_metadata(path)?;
        let mode_changed = meta.permissions().mode() != self.mode && !meta.is_symlink();
        if mode_changed {
            fs::set_permissions(path, fs::Permissions::from_mode(self.mode))?;
        }
        self.stamp = noted(path, &fs::symlink_metadata(path)?);
        Ok(changed || mode_changed)
    }
}

/// A new file renamed over the old one: whatever link or open handle leads to that one is left with it. It is as old as
/// that was: by the age of its index git tells which files it must read again.
fn write_beside(path: &Path, bytes: &[u8], modified: SystemTime) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("/"));
    let mut file = tempfile::Builder::new().prefix(".vk-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().set_modified(modified)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

fn modified(stamp: &Stamp) -> SystemTime {
    let part = |n: i64| u64::try_from(n).unwrap_or(0);
    let since = Duration::from_secs(part(stamp[2])).saturating_add(Duration::from_nanos(part(stamp[3])));
    SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn same_kind(was: &Content, path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| match was {
        Content::Folder => meta.is_dir(),
        Content::File(_) => meta.is_file(),
        Content::Link(target) => fs::read_link(path).is_ok_and(|now| now == *target),
        Content::Present | Content::Other => true,
    })
}

fn remove(path: &Path, mode: u32) -> io::Result<()> {
    let folder = fs::symlink_metadata(path)?.is_dir();
    if folder && mode & 0o700 != 0o700 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    if folder { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

/// An object of a git folder: below `objects`, but not the lists in `objects/info`.
fn is_object(path: &Path) -> bool {
    let parts: Vec<&OsStr> = path.iter().collect();
    let at = parts.iter().rposition(|part| *part == "objects");
    at.is_some_and(|at| parts.get(at + 1).is_some_and(|next| *next != "info") && parts.contains(&OsStr::new(".git")))
}

/// What of the stamp counts.
fn noted(path: &Path, meta: &fs::Metadata) -> Stamp {
    match stamp(meta) {
        // A folder's times change with what lies in it, which is looked at itself.
        _ if meta.is_dir() => [0; 6],
        // Git touches packs to keep them from being pruned.
        [inode, size, ..] if is_object(path) => [inode, size, 0, 0, 0, 0],
        all => all,
    }
}

fn stamp(meta: &fs::Metadata) -> Stamp {
    let number = |n: u64| n.cast_signed();
    [number(meta.ino()), number(meta.size()), meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()]
}

/// Every name at and below `root`. Of git's objects only packs are looked at one by one. `force` opens folders that were
/// closed to hide what is in them.
fn walk(root: &Path, force: bool, look: &mut Look<'_>) -> io::Result<BTreeMap<PathBuf, Node>> {
    let mut nodes = BTreeMap::new();
    let mut left = vec![root.to_path_buf()];
    while let Some(path) = left.pop() {
        let meta = match fs::symlink_metadata(&path) {
            Ok(meta) => meta,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let loose = is_object(&path) && !path.ends_with("pack");
        if meta.is_dir() && !loose {
            if force && meta.permissions().mode() & 0o700 != 0o700 {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
            }
            left.extend(fs::read_dir(&path)?.flatten().map(|entry| entry.path()));
        }
        let stamp = noted(&path, &meta);
        let node = Node { content: look(&path, &meta, &stamp)?, mode: meta.permissions().mode(), stamp };
        nodes.insert(path, node);
    }
    Ok(nodes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let git = dir.path().join(".git");
        for folder in ["hooks", "refs/heads", "objects/pack", "objects/ab", "objects/info"] {
            fs::create_dir_all(git.join(folder)).unwrap();
        }
        for file in ["HEAD", "config", "refs/heads/main", "objects/pack/p.pack", "objects/ab/cdef"] {
            fs::write(git.join(file), file).unwrap();
        }
        symlink("main", git.join("refs/heads/link")).unwrap();
        (dir, git)
    }

    #[test]
    fn an_untouched_tree_has_no_differences() {
        let (_dir, git) = repository();
        let mut record = Record::of(&git).unwrap();
        assert_eq!(record.restore(), []);
        // A new object is not a change of the repository.
        fs::write(git.join("objects/ab/new"), "x").unwrap();
        fs::create_dir(git.join("objects/cd")).unwrap();
        assert_eq!(record.restore(), []);
    }

    #[test]
    fn what_is_changed_before_a_renewal_is_kept() {
        let (_dir, git) = repository();
        let mut record = Record::of(&git).unwrap();
        fs::write(git.join("config"), "the user's").unwrap();
        fs::remove_file(git.join("refs/heads/main")).unwrap();
        fs::write(git.join("refs/heads/new"), "x").unwrap();
        record.renew().unwrap();
        fs::write(git.join("config"), "the model's").unwrap();
        assert_eq!(record.restore(), [Difference { path: git.join("config"), restored: true }]);
        assert_eq!(fs::read_to_string(git.join("config")).unwrap(), "the user's");
        assert!(!git.join("refs/heads/main").exists() && git.join("refs/heads/new").exists());
    }

    #[test]
    fn every_kind_of_change_is_put_back() {
        let (_dir, git) = repository();
        let age = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_250);
        fs::File::options().write(true).open(git.join("config")).unwrap().set_modified(age).unwrap();
        let mut record = Record::of(&git).unwrap();
        fs::write(git.join("config"), "[core]\n\tfsmonitor = evil\n").unwrap();
        fs::write(git.join("hooks/post-checkout"), "evil").unwrap();
        fs::create_dir_all(git.join("hooks/deep/er")).unwrap();
        fs::remove_file(git.join("refs/heads/main")).unwrap();
        fs::remove_file(git.join("HEAD")).unwrap();
        fs::create_dir(git.join("HEAD")).unwrap();
        fs::remove_file(git.join("refs/heads/link")).unwrap();
        symlink("/etc/passwd", git.join("refs/heads/link")).unwrap();
        fs::set_permissions(git.join("hooks"), fs::Permissions::from_mode(0o777)).unwrap();
        let differences = record.restore();
        assert!(differences.iter().all(|difference| difference.restored), "{differences:?}");
        assert_eq!(fs::read_to_string(git.join("config")).unwrap(), "config");
        assert_eq!(fs::metadata(git.join("config")).unwrap().modified().unwrap(), age, "as old as it was");
        assert_eq!(fs::read_to_string(git.join("HEAD")).unwrap(), "HEAD");
        assert_eq!(fs::read_link(git.join("refs/heads/link")).unwrap(), Path::new("main"));
        assert!(!git.join("hooks/post-checkout").exists() && !git.join("hooks/deep").exists());
        assert_eq!(record.restore(), []);
    }

    #[test]
    fn a_touched_file_is_no_difference_and_a_lost_pack_cannot_be_put_back() {
        let (_dir, git) = repository();
        let mut record = Record::of(&git).unwrap();
        fs::write(git.join("config"), "config").unwrap();
        assert_eq!(record.restore(), []);
        fs::remove_file(git.join("objects/pack/p.pack")).unwrap();
        assert_eq!(record.restore(), [Difference { path: git.join("objects/pack/p.pack"), restored: false }]);
    }

    #[test]
    fn a_folder_that_was_swapped_for_a_link_is_not_written_through() {
        let (dir, git) = repository();
        let mut record = Record::of(&git).unwrap();
        let outside = dir.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::remove_dir_all(git.join("hooks")).unwrap();
        symlink(&outside, git.join("hooks")).unwrap();
        fs::remove_dir_all(git.join("refs")).unwrap();
        symlink(&outside, git.join("refs")).unwrap();
        let differences = record.restore();
        assert!(differences.iter().all(|difference| difference.restored), "{differences:?}");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
        assert_eq!(fs::read_to_string(git.join("refs/heads/main")).unwrap(), "refs/heads/main");
    }
}
