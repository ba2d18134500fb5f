//! How a command becomes a shell: a fresh one each time, in its own process group, with nothing open but an empty
//! standard input and one pipe for both outputs. What it ended with is carried to the next one in a file of `export`
//! lines that the next shell reads.

use std::ffi::OsString;
use std::fs;
use std::io::{self, PipeReader, PipeWriter, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::OFlags;
use rustix::process::Pid;

use crate::sandbox::protocol::{Bytes, Start};

const WRAPPER: &str = include_str!("wrapper.sh");

/// The kernel takes no argument of 128 KiB or more.
const PIECE: usize = 120 * 1024;

/// The kernel takes 2 MiB of arguments and variables under the usual stack limit.
const LONGEST_SCRIPT: usize = 1024 * 1024;

/// Variables beyond this would leave no room for arguments, and no command would start any more.
const LARGEST_STATE: u64 = 256 * 1024;

pub(super) struct Shell {
    program: PathBuf,
    env: Vec<(OsString, OsString)>,
    workspace: PathBuf,
    state_file: PathBuf,
}

pub(super) struct Spawned {
    /// The shell, and the number of its process group.
    pub pid: Pid,
    pub output: PipeReader,
}

/// A program that is spoken with: what it writes to standard error is its output here.
pub(super) struct Serving {
    pub spawned: Spawned,
    pub input: PipeWriter,
    pub output: PipeReader,
}

impl Shell {
    pub(super) fn new(start: &Start) -> io::Result<Self> {
        let shell = Self {
            program: PathBuf::from(&start.shell),
            env: start.env.clone(),
            workspace: PathBuf::from(&start.workspace),
            state_file: Path::new(&start.state_dir).join("state"),
        };
        if let Some(Bytes(state)) = &start.state {
            fs::write(&shell.state_file, state)?;
        }
        Ok(shell)
    }

    pub(super) fn spawn(&self, script: &str) -> io::Result<Spawned> {
        if script.len() > LONGEST_SCRIPT || script.contains('\0') {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a command is text of at most 1 MiB"));
        }
        let (output, writer) = io::pipe()?;
        let carried = self.carried()?;
        let mut command = Command::new(&self.program);
        if self.program.file_name().is_some_and(|name| name == "bash") {
            command.args(["--noprofile", "--norc"]);
        }
        command.args(["-c", WRAPPER]).arg(self.program.file_name().unwrap_or_default());
        command.arg(&self.state_file).arg(&self.workspace).args(pieces(script));
        // Where a state is carried, it alone says what is exported: a variable that was unset must stay so.
        command.env_clear();
        if !carried {
            command.envs(self.env.iter().map(|(name, value)| (name, value)));
        }
        command.current_dir(&self.workspace).process_group(0);
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        let child = command.spawn()?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Ok(Spawned { pid: pid.ok_or(io::ErrorKind::Other)?, output })
    }

    /// Starts a program that is spoken with: no shell, nothing carried, and its outputs apart.
    pub(super) fn serve(
        &self,
        program: &[OsString],
        env: &[(OsString, OsString)],
        in_workspace: bool,
    ) -> io::Result<Serving> {
        let (name, arguments) = program.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let ((stdin, input), (output, stdout), (errors, stderr)) = (io::pipe()?, io::pipe()?, io::pipe()?);
        let mut command = Command::new(name);
        command.args(arguments).env_clear();
        command.envs(self.env.iter().chain(env).map(|(name, value)| (name, value)));
        let home = self.env.iter().find(|(name, _)| name == "HOME").map(|(_, home)| PathBuf::from(home));
        let folder = home.filter(|home| !in_workspace && home.is_dir()).unwrap_or_else(|| self.workspace.clone());
        command.current_dir(folder).process_group(0);
        command.stdin(stdin).stdout(stdout).stderr(stderr);
        let child = command.spawn()?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Ok(Serving { spawned: Spawned { pid: pid.ok_or(io::ErrorKind::Other)?, output: errors }, input, output })
    }

    /// Whether there is a state to carry. One that is too large, or not a file, is thrown away.
    fn carried(&self) -> io::Result<bool> {
        match fs::symlink_metadata(&self.state_file) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e),
            Ok(meta) if meta.is_file() && meta.len() <= LARGEST_STATE => Ok(meta.len() > 0),
            Ok(meta) if meta.is_dir() => fs::remove_dir_all(&self.state_file).map(|()| false),
            Ok(_) => fs::remove_file(&self.state_file).map(|()| false),
        }
    }

    pub(super) fn state(&self) -> Option<Bytes> {
        let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).ok()?;
        let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(&self.state_file).ok()?;
        let mut bytes = Vec::new();
        file.take(LARGEST_STATE + 1).read_to_end(&mut bytes).ok()?;
        (bytes.len() as u64 <= LARGEST_STATE).then_some(Bytes(bytes))
    }
}

/// Cuts at character boundaries.
fn pieces(script: &str) -> impl Iterator<Item = &str> {
    let mut rest = script;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE));
        rest = after;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_script_is_cut_between_characters_and_loses_nothing() {
        let script = "é".repeat(PIECE);
        let parts: Vec<&str> = pieces(&script).collect();
        assert!(parts.len() > 1 && parts.iter().all(|part| part.len() <= PIECE));
        assert_eq!(parts.concat(), script);
    }
}
