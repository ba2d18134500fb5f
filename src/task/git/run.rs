//! One run of the git program to its end, or to the end of vk's patience.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use super::GitError;

/// No command of git takes as long; one that waits for the other end of a pipe in the tree would wait for ever.
const LONGEST: Duration = Duration::from_mins(10);

/// What it printed.
pub(super) fn finish(command: Command, input: Option<&[u8]>) -> Result<Vec<u8>, GitError> {
    finish_within(LONGEST, command, input)
}

fn finish_within(limit: Duration, mut command: Command, input: Option<&[u8]>) -> Result<Vec<u8>, GitError> {
    // What git starts is ended with it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(GitError::Start)?;
    let pipe = child.stdin.take();
    let end = ender(&child);
    let (finished, running) = mpsc::channel::<()>();
    let (output, late) = std::thread::scope(|scope| {
        let watch = scope.spawn(move || {
            let late = running.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
            if late {
                end();
            }
            late
        });
        // Fed beside the reading: neither side waits for the other's full pipe.
        scope.spawn(move || {
            if let (Some(mut pipe), Some(input)) = (pipe, input) {
                // A git that ends early says why itself.
                let _ = pipe.write_all(input);
            }
        });
        let output = child.wait_with_output();
        drop(finished);
        (output, watch.join().unwrap_or(false))
    });
    if late {
        return Err(GitError::Late(limit));
    }
    let output = output.map_err(GitError::Start)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).take(6).collect();
    let said = if lines.is_empty() { format!("git ended with {}", output.status) } else { lines.join("\n") };
    Err(GitError::Refused { code: output.status.code(), said })
}

/// What ends a process and its group.
#[cfg(unix)]
fn ender(child: &Child) -> impl FnOnce() + Send + use<> {
    use rustix::process::{Pid, Signal, kill_process_group};
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    move || {
        let _ = group.map(|group| kill_process_group(group, Signal::KILL));
    }
}

#[cfg(not(unix))]
fn ender(_: &Child) -> impl FnOnce() + Send + use<> {
    || ()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_git_that_waits_for_a_pipe_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str]| {
            let mut command = Command::new("git");
            command.args(arguments).current_dir(dir.path()).env("HOME", dir.path());
            command
        };
        finish(git(&["init", "-q"]), None).unwrap();
        let rules = dir.path().join(".gitattributes");
        rustix::fs::mknodat(rustix::fs::CWD, &rules, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let limit = Duration::from_millis(300);
        let ended = finish_within(limit, git(&["check-attr", "--stdin", "filter"]), Some(b"a\n"));
        assert!(matches!(ended, Err(GitError::Late(_))), "{ended:?}");
        assert_eq!(finish(git(&["rev-parse", "--is-inside-work-tree"]), None).unwrap(), b"true\n");
    }
}
