//! Tools of other programs and services, over the Model Context Protocol (https://modelcontextprotocol.io): their
//! servers are started or reached once, asked what they have, and called as the model's tools. What they say, a
//! description as much as a result, is a stranger's text. They get nothing from vk but calls: no model to ask
//! (sampling would spend), nobody to question (elicitation), no folders beyond what the sandbox shows.

mod answer;
mod failure;
mod flood;
mod http;
mod link;
mod offer;
mod servers;
mod text;

pub use failure::NotReached;
pub use servers::{Called, Launch, Servers, Starting, Told, Way};

/// How the names of such tools begin. No tool of vk's own does.
pub const PREFIX: &str = "mcp__";

/// The server and the tool in a tool's name.
#[must_use]
pub fn named(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix(PREFIX)?.split_once("__")
}
