//! Why there is no sandbox. Every one of these means that nothing was run.

use std::io;
use std::path::PathBuf;

use super::remedy::remedy;
use crate::domain::failure::{Failure, Status};

#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("no sandbox can be made here: {reason}")]
    Unavailable { reason: String },
    #[error("only a partial sandbox can be made here, and a full one is required: {reason}")]
    OnlyPartial { reason: String },
    #[error("the sandbox leaks: from inside, {what}")]
    Leaks { what: String },
    #[error("{path} cannot be a workspace: {reason}", path = .path.display())]
    Workspace { path: PathBuf, reason: String },
    #[error("{path} cannot be opened to commands: {reason}", path = .path.display())]
    Folder { path: PathBuf, reason: String },
    #[error("a partial sandbox cannot tell hosts apart: {reason}")]
    NetworkNeedsFull { reason: String },
    #[error("{host:?} is not a host name")]
    Host { host: String },
    #[error("the sandbox ended: {reason}")]
    Ended { reason: String },
    #[error("{doing}")]
    Io { doing: &'static str, source: io::Error },
}

impl From<SandboxError> for Failure {
    fn from(error: SandboxError) -> Self {
        let no_sandbox = |code| Self::new(Status::NoSandbox, code, error.to_string());
        match &error {
            SandboxError::Unavailable { reason } => no_sandbox("no_sandbox")
                .fix(remedy(reason))
                .fix("vk run --sandbox off \"...\"   # commands then run with your rights"),
            SandboxError::OnlyPartial { reason } => no_sandbox("sandbox_partial").fix(remedy(reason)),
            SandboxError::NetworkNeedsFull { reason } => no_sandbox("network_needs_full_sandbox")
                .fix(remedy(reason))
                .fix("vk run --allow-network \"...\"   # any host"),
            SandboxError::Leaks { .. } => no_sandbox("sandbox_leaks")
                .fix("vk doctor")
                .fix("vk run --sandbox off \"...\"   # commands then run with your rights"),
            SandboxError::Workspace { .. } => {
                no_sandbox("workspace_refused").why("start vk in the project's own folder").fix("vk doctor")
            }
            SandboxError::Folder { .. } => no_sandbox("sandbox_folder_refused").fix("vk doctor   # where it is set"),
            SandboxError::Host { .. } => {
                Self::usage("bad_host", error.to_string()).fix("vk run --allow-network=crates.io,docs.rs \"...\"")
            }
            SandboxError::Ended { .. } => {
                no_sandbox("sandbox_ended").fix("vk run --continue \"go on\"").fix("vk doctor")
            }
            SandboxError::Io { source, .. } => no_sandbox("sandbox_io").why(source.to_string()).fix("vk doctor"),
        }
    }
}
