//! V4A patches, the edit language of OpenAI's models: read, located and worked out in full before a byte is
//! written, so that a patch is applied whole or not at all. What codex's own `apply_patch` takes is taken with the
//! same result (openai/codex, `codex-rs/apply-patch`, 2026-08; line endings kept); beyond it are stacked `@@`
//! lines, a rename without changes, and an `@@` line that is inexact where the block itself leaves no doubt.

mod locate;
#[cfg(test)]
mod memory;
mod parse;
mod plan;

pub(super) use self::plan::{Tree, plan};
