//! The request as bytes, before anything is sent: pure, so that its size can be held against the budget first.

use bytes::Bytes;

use super::endpoint::Endpoint;
use super::{anthropic, chat, responses};
use crate::domain::failure::Failure;
use crate::domain::path::Wire;
use crate::domain::request::ModelRequest;

/// A request as it will be sent, without the credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
    /// The body's length: what a hold is computed from.
    pub bytes: u64,
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

/// Writes the request. Deterministic, and stable in its beginning: the turns of a transcript are written the same in
/// every later call of the task, apart from the markers that say up to where to cache, so that provider caches keep
/// hitting.
///
/// # Errors
/// A tool that this wire cannot offer.
pub fn prepare(endpoint: &Endpoint, request: &ModelRequest) -> Result<Prepared, PrepareError> {
    let body = match endpoint.wire {
        Wire::Anthropic => anthropic::body(request),
        Wire::Responses => responses::body(request, endpoint.plan.is_some()),
        Wire::Chat => chat::body(request, endpoint.is_host_of("openai.com"), endpoint.routing_terms()),
    }?;
    let body = Bytes::from(body.to_string());
    let mut headers = endpoint.headers();
    headers.push(("accept", "text/event-stream".to_owned()));
    Ok(Prepared { url: endpoint.url(), headers, bytes: body.len() as u64, body })
}
