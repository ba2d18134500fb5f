//! OpenAI-compatible Chat Completions, in the dialects of the servers that speak it. Sources: openai-openapi @f85dbe2,
//! openrouter.ai docs, ollama @fb30760, llama.cpp @00dc805, vLLM @0064cc9, LM Studio docs 2026-04-29.

mod calls;
mod decode;
mod encode;
mod reasoning;
mod usage;

pub(super) use decode::Decoder;
pub(super) use encode::body;
