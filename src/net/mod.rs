//! One HTTP client, server-sent events, and the decision to try again. Knows no provider.

pub mod http;
pub mod retry;
pub mod sse;
