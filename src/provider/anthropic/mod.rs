//! Anthropic Messages. Source: anthropic-sdk-python @009b035 (2026-08-07) and platform.claude.com (2026-11).

mod cache;
mod decode;
mod encode;
mod usage;

pub(super) use decode::Decoder;
pub(super) use encode::{VERSION, body};
