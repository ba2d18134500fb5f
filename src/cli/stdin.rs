//! What stdin means: the task, material beside the task, or nothing.

use std::io::{IsTerminal as _, Read as _};

use super::compose;
use super::context::Context;
use crate::domain::failure::Failure;

/// The most that is read: far beyond any context window.
const LIMIT: u64 = 10 * 1024 * 1024;

/// The task's words and what was piped in beside them.
///
/// # Errors
/// Exit 2 when there are no words at all, or stdin is not text or too long.
pub(super) fn words(
    task: Option<String>,
    continues: bool,
    context: &Context,
) -> Result<(String, Option<String>), Failure> {
    let named = task.filter(|task| task != "-");
    let piped = if is_piped() { Some(read(context)?) } else { None };
    let (words, beside) = match (named, piped) {
        (Some(task), piped) => (task, piped.filter(|text| !text.trim().is_empty())),
        (None, Some(piped)) => (piped, None),
        (None, None) if !continues && context.ui.converses() => (compose::words(context)?, None),
        (None, None) => (String::new(), None),
    };
    if words.trim().is_empty() && !continues {
        return Err(Failure::usage("no_task", "there is no task")
            .why("no words were given and nothing was piped in")
            .fix("vk run \"make the failing test pass\"")
            .fix("git diff | vk run \"review this\""));
    }
    Ok((words.trim().to_owned(), beside))
}

/// A pipe or a file; a terminal and /dev/null say nothing.
fn is_piped() -> bool {
    if std::io::stdin().is_terminal() {
        return false;
    }
    #[cfg(unix)]
    {
        use rustix::fs::FileType;
        rustix::fs::fstat(std::io::stdin()).is_ok_and(|stat| {
            let kind = FileType::from_raw_mode(stat.st_mode);
            matches!(kind, FileType::Fifo | FileType::RegularFile | FileType::Socket)
        })
    }
    #[cfg(not(unix))]
    true
}

fn read(context: &Context) -> Result<String, Failure> {
    say_if_it_waits(context);
    let bytes = bytes("vk run \"...\" < /dev/null", "vk run \"do what input.txt says\" < /dev/null")?;
    String::from_utf8(bytes).map_err(|_| {
        Failure::usage("stdin_not_text", "stdin is not UTF-8 text")
            .why("put it in a file of the project and name the file in the task")
            .fix("vk run \"look at input.bin\" < /dev/null")
    })
}

/// Everything on stdin. `instead` is the command that reads none, `shorter` the one that reads a file.
///
/// # Errors
/// Exit 2 where it cannot be read, or is too long.
pub(super) fn bytes(instead: &str, shorter: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(LIMIT + 1).read_to_end(&mut bytes).map_err(|error| {
        Failure::usage("stdin_unreadable", "stdin cannot be read").why(error.to_string()).fix(instead)
    })?;
    if bytes.len() as u64 > LIMIT {
        return Err(Failure::usage("stdin_too_long", "stdin is longer than 10 MiB")
            .why("no model reads that much at once; put it in a file and name the file")
            .fix(shorter));
    }
    Ok(bytes)
}

/// A pipe that nobody closes looks like a hang; say what is waited for.
fn say_if_it_waits(context: &Context) {
    #[cfg(unix)]
    {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let stdin = std::io::stdin();
        let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
        let wait = Timespec { tv_sec: 2, tv_nsec: 0 };
        if poll(&mut fds, Some(&wait)).is_ok_and(|ready| ready == 0) {
            context.ui.say("reading stdin until it ends (vk run \"...\" < /dev/null reads nothing)");
        }
    }
    #[cfg(not(unix))]
    let _ = context;
}
