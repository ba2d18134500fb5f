//! Providers' wires: neutral request in, neutral events and reply out. Wire structs stay private.
//!
//! [`prepare`] writes a request, [`send`] makes exactly one HTTP attempt of it. Whether to try again is the
//! caller's decision ([`CallError::retry_after_failure`] says what the vendors' rules allow), because each
//! attempt is held and recorded on its own: no provider de-duplicates a generation.

mod anthropic;
pub mod bill;
mod chat;
mod check;
mod classify;
mod endpoint;
mod error;
mod error_body;
mod failure;
mod left;
mod litellm;
pub mod local;
mod outcome;
mod plan;
mod prepare;
mod progress;
mod redact;
mod reported;
mod responses;
mod send;
mod stream;
mod transcript;

pub use check::{KeyCheck, check_key};
pub use endpoint::{AtMost, Endpoint, PlanAccount};
pub use error::{AnswerFacts, CallError, CallErrorKind, LimitFacts};
pub use error_body::ErrorBody;
pub use left::{FreeRequests, Left, left};
pub use prepare::{PrepareError, Prepared, prepare};
pub use progress::Progress;
pub use send::{Answer, send};
pub use stream::{AnswerStream, Fault, Pulse};
