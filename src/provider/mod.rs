//! Providers' wires: neutral request in, neutral events and reply out. Wire structs stay private.
//!
//! [`prepare`] writes a request, [`send`] makes exactly one HTTP attempt of it. Whether to try again is the
//! caller's decision ([`CallError::retry_after_failure`] says what the vendors' rules allow), because each
//! attempt is held and recorded on its own: no provider de-duplicates a generation.

mod check;
mod endpoint;
mod error;
mod failure;
mod progress;
mod send;

pub use check::{KeyCheck, check_key};
pub use endpoint::Endpoint;
pub use error::{AnswerFacts, CallError, CallErrorKind};
pub use progress::Progress;
pub use send::{Answer, PrepareError, Prepared, prepare, send};
