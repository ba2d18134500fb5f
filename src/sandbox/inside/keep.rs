//! Where there is no process namespace: the parent of the inside. It is not confined, runs nothing itself, and
//! outlives the inside by a moment, to end whatever that left running and to remove its scratch folder, even when vk
//! and the inside were both killed.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use rustix::process::{Pid, WaitOptions};

use super::offspring::Offspring;

/// Runs the inside until it ends. `scratch` is removed afterwards.
pub(super) fn keep(scratch: &Path) -> io::Result<()> {
    let mut offspring = Offspring::new(false);
    let child = Command::new(std::env::current_exe()?).args(["__sandbox", "serve"]).spawn()?;
    let inside = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((ended, _))) if Some(ended) != inside => {}
            Err(rustix::io::Errno::INTR) => {}
            _ => break,
        }
    }
    offspring.end(None);
    fs::remove_dir_all(scratch)
}
