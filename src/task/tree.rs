//! One task at a time in a tree: a second one would mix its changes with the first one's, and undo could not tell.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use crate::base::fsx;
use crate::base::secret::sha256_hex;
use crate::domain::failure::{Failure, Status};

/// Held until it is dropped; the system lets go of it even when the process is killed.
#[derive(Debug)]
pub struct TreeLock {
    _file: File,
}

impl TreeLock {
    /// # Errors
    /// Exit 2 when another task holds the tree, naming that task.
    pub fn take(data_dir: &Path, root: &Path, task_id: &str) -> Result<Self, Failure> {
        let dir = data_dir.join("locks");
        let path = dir.join(&sha256_hex(root.as_os_str().as_encoded_bytes())[..16]);
        let failed = |error: std::io::Error| {
            Failure::new(Status::Ledger, "lock_failed", format!("the lock {} cannot be taken", path.display()))
                .why(error.to_string())
                .fix("vk doctor")
        };
        fsx::create_private_dir(&dir).map_err(failed)?;
        let mut file = open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                // One that has only just begun has not said its name yet.
                let who = if holder.trim().is_empty() { "it".to_owned() } else { format!("task {}", holder.trim()) };
                return Err(Failure::usage("tree_busy", "another task is running in this tree")
                    .why(format!(
                        "{who} holds {}; wait for it to end, or work in another clone or git worktree",
                        root.display()
                    ))
                    .fix("vk tasks list"));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // Only for the message above; losing it loses nothing else.
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(task_id.as_bytes()));
        Ok(Self { _file: file })
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_task_is_told_about_the_first() {
        let data = tempfile::tempdir().unwrap();
        let root = tempfile::tempdir().unwrap();
        let first = TreeLock::take(data.path(), root.path(), "t1").unwrap();
        let failure = TreeLock::take(data.path(), root.path(), "t2").unwrap_err();
        assert_eq!((failure.exit_code(), failure.code), (2, "tree_busy"));
        assert!(failure.why.unwrap().contains("task t1"));
        drop(first);
        assert!(TreeLock::take(data.path(), root.path(), "t2").is_ok());
    }
}
