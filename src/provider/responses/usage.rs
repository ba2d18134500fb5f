//! Token counters as the Responses API reports them, and as the product counts them.

use serde::Deserialize;

use crate::domain::usage::Usage;

/// `input_tokens` is the whole prompt, cached or not; `output_tokens` includes reasoning.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Counters {
    input_tokens: Option<u64>,
    input_tokens_details: Option<InputDetails>,
    output_tokens: Option<u64>,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Option<u64>,
    /// GPT-5.6 and later charge for writing to the cache; before, it is absent or 0.
    cache_write_tokens: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Option<u64>,
}

impl Counters {
    pub(super) fn normalised(self) -> Usage {
        let details = self.input_tokens_details.unwrap_or_default();
        let (read, written) = (details.cached_tokens.unwrap_or(0), details.cache_write_tokens.unwrap_or(0));
        let prompt = self.input_tokens.unwrap_or(0);
        Usage {
            input: prompt.saturating_sub(read).saturating_sub(written),
            cache_read: read,
            cache_write_5m: written,
            cache_write_1h: 0,
            output: self.output_tokens.unwrap_or(0),
            reasoning: self.output_tokens_details.unwrap_or_default().reasoning_tokens.unwrap_or(0),
        }
    }
}
