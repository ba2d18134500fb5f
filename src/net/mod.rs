//! One HTTP client, server-sent events, and the decision to try again. Knows no provider.

mod address;
pub mod http;
mod limits;
mod proxy;
mod response;
pub mod retry;
pub mod sse;

pub use limits::Limits;
