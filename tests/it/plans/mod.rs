//! The plans: `claude` and `codex`, driven. Small programs that say recorded lines stand in for what a real one cannot
//! be made to do here; the real ones are in `real.rs`.

#[cfg(unix)]
mod asked;
#[cfg(unix)]
mod claude;
#[cfg(unix)]
mod codex;
#[cfg(unix)]
mod crossing;
#[cfg(unix)]
mod extra;
#[cfg(unix)]
mod limits;
#[cfg(target_os = "linux")]
pub mod real;
#[cfg(unix)]
pub mod stand_in;
