//! What LiteLLM's proxy tells of an answer in its headers, and one figure of its that is not what it looks like.
//! Measured with LiteLLM 1.108.7 (2026-11-24).

use crate::domain::path::Wire;
use crate::domain::request::Reply;
use crate::net::http::Response;

/// The headers of an answer that came through the proxy.
pub(super) struct Proxied {
    /// The name, among those of the proxy's own configuration, that answered: another one than was asked for where
    /// its fallbacks were taken. The stream itself may name the model behind that name.
    group: Option<String>,
}

impl Proxied {
    /// `None` where no such proxy stands in between.
    pub(super) fn read(response: &Response) -> Option<Self> {
        response.header("x-litellm-call-id")?;
        Some(Self { group: response.header("x-litellm-model-group") })
    }

    /// The answer as the proxy's headers describe it. On Messages streams its `cost` counts the usage of the last
    /// event alone, which is the output: such a figure is none, and the tables stand.
    pub(super) fn correct(self, wire: Wire, reply: &mut Reply) {
        if self.group.is_some() {
            reply.model = self.group;
        }
        if wire == Wire::Anthropic {
            reply.reported_cost = None;
        }
    }
}
