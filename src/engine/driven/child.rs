//! A program that speaks one JSON object a line on both of its pipes: started in a process group of its own, and ended
//! whole.
//!
//! It is asked to end by closing its input, then by SIGTERM, and then made to by SIGKILL of its group; a vk that is
//! killed closes the same pipe. Measured (2026-11-24): claude 2.1.331 and codex 0.169.0 both end when their input does.

use std::io;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child as Process, ChildStdin, ChildStdout};

/// A line holds a whole message of the API, a file's content included.
const LONGEST_LINE: usize = 64 * 1024 * 1024;
/// Of what the program says on stderr, its last words are kept.
const LAST_WORDS: usize = 4 * 1024;
/// How long it may take to end at each of the three steps.
const PATIENCE: Duration = Duration::from_secs(2);

pub struct Child {
    process: Process,
    /// Its process group has the number of the program itself.
    group: Option<u32>,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    buffer: Vec<u8>,
    words: Arc<Mutex<Vec<u8>>>,
    listening: tokio::task::JoinHandle<()>,
}

impl Child {
    /// # Errors
    /// What the system answered to the start.
    pub fn start(mut command: Command) -> io::Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut process = tokio::process::Command::from(command).kill_on_drop(true).spawn()?;
        let missing = || io::Error::other("a pipe is missing");
        let (group, stdin) = (process.id(), process.stdin.take());
        let stdout = process.stdout.take().ok_or_else(missing)?;
        let mut stderr = process.stderr.take().ok_or_else(missing)?;
        let words = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&words);
        let listening = tokio::spawn(async move {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = stderr.read(&mut bytes).await {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend_from_slice(&bytes[..read]);
                let surplus = kept.len().saturating_sub(LAST_WORDS);
                kept.drain(..surplus);
            }
        });
        Ok(Self { process, group, stdin, stdout, buffer: Vec::new(), words, listening })
    }

    /// # Errors
    /// The program no longer reads.
    pub async fn send(&mut self, message: &Value) -> io::Result<()> {
        let Some(stdin) = &mut self.stdin else { return Err(io::ErrorKind::BrokenPipe.into()) };
        stdin.write_all(format!("{message}\n").as_bytes()).await?;
        stdin.flush().await
    }

    /// The next line that is a JSON object; `None` at the end. What is none is skipped: programs warn on the same
    /// pipe. Nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// A pipe that breaks, or a line without an end.
    pub async fn next(&mut self) -> io::Result<Option<Value>> {
        let mut searched = 0;
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.buffer[searched..]) {
                let line: Vec<u8> = self.buffer.drain(..=searched + at).collect();
                searched = 0;
                match serde_json::from_slice::<Value>(&line) {
                    Ok(value) if value.is_object() => return Ok(Some(value)),
                    _ => continue,
                }
            }
            searched = self.buffer.len();
            if searched > LONGEST_LINE {
                return Err(io::Error::other("a line without an end"));
            }
            if self.stdout.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// The end of what it said on stderr, once it is gone.
    pub async fn last_words(&mut self) -> String {
        let _ = tokio::time::timeout(PATIENCE, &mut self.listening).await;
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&words).trim().to_owned()
    }

    /// Ends the program and whatever it started in its group.
    pub async fn end(&mut self) {
        self.stdin = None;
        if !self.is_gone().await {
            self.signal_group(Signal::Term);
            self.is_gone().await;
        }
        self.signal_group(Signal::Kill);
        self.is_gone().await;
    }

    /// For a payer that may not go on: not a moment is left to send another request.
    pub async fn kill(&mut self) {
        self.signal_group(Signal::Kill);
        self.stdin = None;
        self.is_gone().await;
    }

    async fn is_gone(&mut self) -> bool {
        tokio::time::timeout(PATIENCE, self.process.wait()).await.is_ok()
    }

    #[cfg(unix)]
    fn signal_group(&self, signal: Signal) {
        use rustix::process::{Pid, Signal as Unix, kill_process_group};
        // While anybody of the group is left, its number is given to no other.
        if let Some(group) = self.group.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
            let _ = kill_process_group(group, if signal == Signal::Kill { Unix::KILL } else { Unix::TERM });
        }
    }

    #[cfg(not(unix))]
    fn signal_group(&self, _: Signal) {}
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Signal {
    Term,
    Kill,
}
