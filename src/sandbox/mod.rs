//! Where the model's commands run and what its file tools can reach.
//!
//! [`Sandbox`] lives through a task and runs commands one at a time; [`Workspace`] is the project folder as the file
//! tools see it. Neither asks anybody anything and neither judges a command: what a command may do is decided once,
//! by the [`Spec`], and held by the kernel.

mod bubblewrap;
mod egress;
mod environment;
mod error;
mod gitdir;
mod guard;
mod handoff;
mod host;
pub mod inside;
mod keeper;
mod launch;
mod mirrors;
mod objects;
mod output;
mod plan;
mod process;
mod protocol;
mod record;
mod remedy;
mod secrets;
mod spec;
mod toolchain;
mod watch;
mod witness;
pub mod workspace;

pub use egress::HostError;
pub use environment::of_program as environment_of_program;
pub use error::SandboxError;
pub use host::Sandbox;
pub use output::{Captured, Output, Status, Tampered};
pub use process::{NotServed, Process, Program};
pub use spec::{Backend, Command, Level, MOST_PROCESSES, Mode, Network, Spec};
pub use toolchain::readable as readable_toolchains;
pub use workspace::Workspace;
