//! `vk __sandbox`: vk run a second time, as the inside of its own sandbox. It confines itself, proves it, and then runs
//! one command after another for the vk that started it. It decides nothing about commands and trusts none of them.

mod capture;
#[cfg(target_os = "linux")]
mod confine;
mod descriptors;
mod keep;
mod offspring;
mod probe;
#[cfg(target_os = "linux")]
mod seccomp;
mod serve;
mod shell;

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// The hidden command's arguments, `__sandbox` left out: `serve`, or `keep SCRATCH`. Gives the exit code.
#[must_use]
pub fn main(arguments: &[PathBuf]) -> u8 {
    let words: Vec<&OsStr> = arguments.iter().map(|word| word.as_os_str()).collect();
    let ended: io::Result<()> = match words.as_slice() {
        [word] if *word == "serve" => start(&words, false).and_then(|()| serve::serve()),
        [word, again] if *word == "serve" && *again == "again" => start(&words, true).and_then(|()| serve::serve()),
        [word, scratch] if *word == "keep" => {
            let _ = rustix::process::setsid();
            keep::keep(Path::new(scratch))
        }
        _ => Err(io::ErrorKind::InvalidInput.into()),
    };
    u8::from(ended.is_err())
}

fn start(words: &[&OsStr], restarted: bool) -> io::Result<()> {
    let again: Vec<&OsStr> = std::iter::once(OsStr::new("__sandbox"))
        .chain(words.iter().copied())
        .chain(std::iter::once(OsStr::new("again")))
        .collect();
    descriptors::close_inherited(&again, restarted)?;
    // Away from any terminal: nothing here may ask the user, or read the answer to somebody else's question.
    let _ = rustix::process::setsid();
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}
