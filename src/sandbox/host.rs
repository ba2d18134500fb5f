//! The sandbox as the rest of vk holds it.

use super::error::SandboxError;
use super::output::Output;
use super::spec::{Command, Level, Spec};
use crate::base::env::Env;

/// One sandbox, alive until it is dropped; everything that runs in it ends with it.
#[derive(Debug)]
pub struct Sandbox {
    level: Level,
}

impl Sandbox {
    /// Starts a sandbox and proves, from inside it, that what must fail does fail.
    ///
    /// # Errors
    /// When there is none, only a partial one though a full one is required, or the proof fails. Nothing has run then.
    pub fn start(_env: &Env, _spec: Spec) -> Result<Self, SandboxError> {
        Err(SandboxError::Unavailable { reason: "not built yet".to_owned() })
    }

    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// One line for people: what holds the commands and what it does not hold.
    #[must_use]
    pub fn describe(&self) -> String {
        String::new()
    }

    /// Runs one command; commands wait for each other. Dropping the future ends the command and all it started.
    ///
    /// # Errors
    /// When the sandbox itself has ended; a command that fails is an [`Output`].
    pub async fn run(&self, _command: Command) -> Result<Output, SandboxError> {
        Err(SandboxError::Ended { reason: "not built yet".to_owned() })
    }

    /// Ends everything inside and starts afresh under the same spec; the folder and variables are kept where possible.
    ///
    /// # Errors
    /// As [`Sandbox::start`].
    pub async fn restart(&self) -> Result<(), SandboxError> {
        Ok(())
    }

    /// Lets commands reach one further host from now on: the answer to a question that named it.
    ///
    /// # Errors
    /// When `host` is not a host name, or this level cannot tell hosts apart.
    pub fn allow_host(&self, _host: &str) -> Result<(), SandboxError> {
        Ok(())
    }

    /// Every host that was asked for and refused so far, in order, each once.
    #[must_use]
    pub fn denied_hosts(&self) -> Vec<String> {
        Vec::new()
    }
}
