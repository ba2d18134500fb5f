//! The request as bytes, before anything is sent: pure, so that its size can be held against the budget first.

use bytes::Bytes;

use super::endpoint::Endpoint;
use super::{anthropic, chat, responses};
use crate::domain::failure::Failure;
use crate::domain::message::Block;
use crate::domain::path::Wire;
use crate::domain::request::ModelRequest;

/// At least what any of the providers is known to count for one image: `gpt-4o-mini` 2,833 and 5,667 for each of at
/// most eight tiles (as measured in community.openai.com 1262691, 2025), which is 48,169; the others far less.
const IMAGE_TOKENS: u64 = 49_152;

/// A request as it will be sent, without the credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
    /// The body's length, each image as so many bytes as it has tokens at most: what a hold is computed from, a byte a token.
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
    Ok(Prepared { url: endpoint.url(), headers, bytes: counted(&body, request), body })
}

/// An image is charged by its size in pixels and not by its bytes.
fn counted(body: &Bytes, request: &ModelRequest) -> u64 {
    let blocks = request.messages.iter().flat_map(|message| &message.content);
    let images =
        blocks.filter_map(|block| if let Block::Image { base64, .. } = block { Some(base64.len()) } else { None });
    let (count, bytes) = images.fold((0_u64, 0_u64), |(count, bytes), length| (count + 1, bytes + length as u64));
    (body.len() as u64).saturating_sub(bytes) + count * IMAGE_TOKENS
}
