//! A program that lives in a sandbox and is spoken with: an MCP server. It is held as commands are, and ends when it is
//! no longer held on to.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::net::unix::pipe;
use tokio::sync::oneshot;

use super::error::SandboxError;
use super::host::Sandbox;
use super::output::Output;

/// What is started.
#[derive(Clone, Debug)]
pub struct Program {
    /// The program and its arguments, as they are; no shell reads them.
    pub words: Vec<OsString>,
    /// Variables beside those that commands are given.
    pub env: Vec<(OsString, OsString)>,
    /// Whether it starts in the workspace; else in its private HOME, where nobody has planted anything.
    pub in_workspace: bool,
    /// Bytes of its standard error kept from the beginning and from the end.
    pub errors: usize,
}

/// The outer ends of a program's pipes.
pub(super) struct Pipes {
    pub input: OwnedFd,
    pub output: OwnedFd,
}

/// Why a program is not spoken with.
#[derive(Debug, thiserror::Error)]
pub enum NotServed {
    #[error("it ended before it could be spoken with")]
    Ended(Output),
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

/// A program that runs. Dropping it ends it and everything that it has started.
pub struct Process {
    pipes: Option<Pipes>,
    ended: oneshot::Receiver<Result<Output, SandboxError>>,
    stop: Option<oneshot::Sender<()>>,
    /// The last to go: what ends the program is asked of it.
    _sandbox: Arc<Sandbox>,
}

impl Process {
    pub(super) const fn new(
        pipes: Pipes,
        ended: oneshot::Receiver<Result<Output, SandboxError>>,
        stop: oneshot::Sender<()>,
        sandbox: Arc<Sandbox>,
    ) -> Self {
        Self { pipes: Some(pipes), ended, stop: Some(stop), _sandbox: sandbox }
    }

    /// What it says and where it is spoken to, once.
    ///
    /// # Errors
    /// When they were taken before, or cannot be used by the calling runtime.
    pub fn pipes(&mut self) -> io::Result<(pipe::Receiver, pipe::Sender)> {
        let Pipes { input, output } = self.pipes.take().ok_or(io::ErrorKind::NotFound)?;
        Ok((pipe::Receiver::from_owned_fd(output)?, pipe::Sender::from_owned_fd(input)?))
    }

    /// Ends it, and gives what it wrote to standard error.
    ///
    /// # Errors
    /// When the sandbox itself has ended.
    pub async fn stop(mut self) -> Result<Output, SandboxError> {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        self.ended().await
    }

    /// How it ended, and what it wrote to standard error; waits for that.
    ///
    /// # Errors
    /// When the sandbox itself has ended.
    pub async fn ended(&mut self) -> Result<Output, SandboxError> {
        match (&mut self.ended).await {
            Ok(ended) => ended,
            Err(_) => Err(SandboxError::Ended { reason: "its thread ended".to_owned() }),
        }
    }
}
