//! Where the model's commands run and what its file tools can reach.
//!
//! [`Sandbox`] lives through a task and runs commands one at a time; [`Workspace`] is the project folder as the file
//! tools see it. Neither asks anybody anything and neither judges a command: what a command may do is decided once,
//! by the [`Spec`], and held by the kernel.

mod error;
mod host;
mod output;
mod spec;
pub mod workspace;

pub use error::SandboxError;
pub use host::Sandbox;
pub use output::{Captured, Output, Status, Tampered};
pub use spec::{Backend, Command, Level, Mode, Network, Spec};
pub use workspace::Workspace;
