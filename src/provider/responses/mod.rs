//! OpenAI Responses. Source: openai-openapi @f85dbe2 (2026-08-21), codex `codex-api/src/sse/responses.rs`.

mod decode;
mod encode;
mod usage;

pub(super) use decode::Decoder;
pub(super) use encode::body;
