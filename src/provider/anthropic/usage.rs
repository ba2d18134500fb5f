//! Token counters as Anthropic reports them, and as the product counts them.

use serde::Deserialize;

use crate::domain::usage::Usage;

/// The raw counters. `input_tokens` is only what no cache had a part in; `output_tokens` includes thinking.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Counters {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation: Option<CacheCreation>,
    output_tokens: Option<u64>,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct CacheCreation {
    ephemeral_5m_input_tokens: Option<u64>,
    ephemeral_1h_input_tokens: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    thinking_tokens: Option<u64>,
}

impl Counters {
    /// The greater of each raw counter: later ones are totals, and gateways send zeros first and the truth last.
    pub(super) fn max(self, other: Self) -> Self {
        let (split, other_split) = (self.cache_creation.unwrap_or_default(), other.cache_creation.unwrap_or_default());
        Self {
            input_tokens: self.input_tokens.max(other.input_tokens),
            cache_creation_input_tokens: self.cache_creation_input_tokens.max(other.cache_creation_input_tokens),
            cache_read_input_tokens: self.cache_read_input_tokens.max(other.cache_read_input_tokens),
            cache_creation: Some(CacheCreation {
                ephemeral_5m_input_tokens: split.ephemeral_5m_input_tokens.max(other_split.ephemeral_5m_input_tokens),
                ephemeral_1h_input_tokens: split.ephemeral_1h_input_tokens.max(other_split.ephemeral_1h_input_tokens),
            }),
            output_tokens: self.output_tokens.max(other.output_tokens),
            output_tokens_details: Some(OutputDetails {
                thinking_tokens: self
                    .output_tokens_details
                    .unwrap_or_default()
                    .thinking_tokens
                    .max(other.output_tokens_details.unwrap_or_default().thinking_tokens),
            }),
        }
    }

    pub(super) fn normalised(self) -> Usage {
        let split = self.cache_creation.unwrap_or_default();
        let written_1h = split.ephemeral_1h_input_tokens.unwrap_or(0);
        let split_5m = split.ephemeral_5m_input_tokens.unwrap_or(0);
        let written = self.cache_creation_input_tokens.unwrap_or(0);
        Usage {
            input: self.input_tokens.unwrap_or(0),
            cache_read: self.cache_read_input_tokens.unwrap_or(0),
            // What no split tells apart was written for five minutes: nothing else is asked for.
            cache_write_5m: split_5m.max(written.saturating_sub(written_1h)),
            cache_write_1h: written_1h,
            output: self.output_tokens.unwrap_or(0),
            reasoning: self.output_tokens_details.unwrap_or_default().thinking_tokens.unwrap_or(0),
        }
    }
}
