//! `vk __sandbox`: the program that vk runs inside its own sandbox. Not for people.

use super::args::SandboxArgs;
use crate::sandbox::inside;

/// Gives the exit code. Nothing is printed: the one who started it speaks another language.
#[must_use]
pub fn run(args: &SandboxArgs) -> u8 {
    inside::main(&args.rest)
}
