//! One call: the request as bytes, one HTTP attempt, the answer decoded as it streams.

use bytes::Bytes;

use super::endpoint::Endpoint;
use super::error::{AnswerFacts, CallError};
use super::progress::Progress;
use crate::base::secret::Secret;
use crate::domain::failure::Failure;
use crate::domain::path::Wire;
use crate::domain::request::{ModelRequest, Reply, StreamEvent};
use crate::net::http::Client;

/// A request as it will be sent, without the credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
    /// The body's length: what a hold is computed from.
    pub bytes: u64,
}

/// A whole answer and what its headers said.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub reply: Reply,
    pub facts: AnswerFacts,
}

/// A request that its wire cannot say. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    #[error("the {wire} wire has no way to offer the tool {tool}")]
    UnsayableTool { tool: String, wire: Wire },
}

impl From<PrepareError> for Failure {
    fn from(error: PrepareError) -> Self {
        Self::usage("unsayable_tool", error.to_string())
    }
}

/// Writes the request. Pure and deterministic: the bytes of a transcript's beginning are the same in every later
/// call of the task, apart from the markers that say up to where to cache, so that provider caches keep hitting.
///
/// # Errors
/// A tool that this wire cannot offer.
pub fn prepare(endpoint: &Endpoint, request: &ModelRequest) -> Result<Prepared, PrepareError> {
    let _ = request;
    Ok(Prepared { url: endpoint.base_url.clone(), headers: Vec::new(), body: Bytes::new(), bytes: 0 })
}

/// Makes exactly one HTTP attempt and reads the answer to its terminal event. Dropping the future ends the
/// connection; `progress` then says what had happened. `on` is called for display as the answer arrives.
///
/// # Errors
/// Everything short of a whole answer; see [`CallError`].
pub async fn send(
    client: &Client,
    endpoint: &Endpoint,
    secret: Option<&Secret>,
    prepared: &Prepared,
    request: &ModelRequest,
    progress: &Progress,
    on: &mut (dyn FnMut(StreamEvent) + Send),
) -> Result<Answer, CallError> {
    let _ = (client, endpoint, secret, prepared, request, progress, on);
    std::future::ready(()).await;
    Err(CallError::unsent("not built yet"))
}
