//! Token counters in the dialects of Chat Completions, and as the product counts them.

use serde::Deserialize;

use crate::domain::usage::Usage;

/// `prompt_tokens` is the whole prompt, cached or not.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Counters {
    prompt_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
    /// DeepSeek's name for cached tokens.
    prompt_cache_hit_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    completion_tokens_details: Option<CompletionDetails>,
    total_tokens: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    #[serde(rename = "cached_tokens")]
    read: Option<u64>,
    #[serde(rename = "cache_write_tokens")]
    written: Option<u64>,
    /// `LiteLLM`'s name for the same, sent beside the other (1.108, 2026-11).
    #[serde(rename = "cache_creation_tokens")]
    created: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
}

impl PromptDetails {
    fn written(&self) -> Option<u64> {
        self.written.max(self.created)
    }
}

impl Counters {
    /// The greater of each raw counter: some servers send totals with every chunk, some zeros first.
    pub(super) fn max(self, other: Self) -> Self {
        let (mine, others) =
            (self.prompt_tokens_details.unwrap_or_default(), other.prompt_tokens_details.unwrap_or_default());
        Self {
            prompt_tokens: self.prompt_tokens.max(other.prompt_tokens),
            prompt_tokens_details: Some(PromptDetails {
                read: mine.read.max(others.read),
                written: mine.written().max(others.written()),
                created: None,
            }),
            prompt_cache_hit_tokens: self.prompt_cache_hit_tokens.max(other.prompt_cache_hit_tokens),
            completion_tokens: self.completion_tokens.max(other.completion_tokens),
            completion_tokens_details: Some(CompletionDetails {
                reasoning_tokens: self.reasoning().max(other.reasoning()),
            }),
            total_tokens: self.total_tokens.max(other.total_tokens),
        }
    }

    fn reasoning(&self) -> Option<u64> {
        self.completion_tokens_details.and_then(|details| details.reasoning_tokens)
    }

    pub(super) fn normalised(self) -> Usage {
        let details = self.prompt_tokens_details.unwrap_or_default();
        let read = details.read.max(self.prompt_cache_hit_tokens).unwrap_or(0);
        let written = details.written().unwrap_or(0);
        let prompt = self.prompt_tokens.unwrap_or(0);
        let completion = self.completion_tokens.unwrap_or(0);
        let reasoning = self.reasoning().unwrap_or(0);
        // xAI and Google leave reasoning out of the completion but count it in the total.
        let beyond = self.total_tokens.unwrap_or(0).saturating_sub(prompt).saturating_sub(completion);
        let left_out = if reasoning > 0 { beyond == reasoning } else { beyond > 0 && beyond != read + written };
        Usage {
            input: prompt.saturating_sub(read).saturating_sub(written),
            cache_read: read,
            cache_write_5m: written,
            cache_write_1h: 0,
            output: if left_out { completion.saturating_add(beyond) } else { completion },
            reasoning: if left_out { beyond } else { reasoning.min(completion) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn usage(value: Value) -> Usage {
        serde_json::from_value::<Counters>(value).unwrap().normalised()
    }

    #[test]
    fn cached_tokens_leave_the_input_in_every_dialect() {
        let openai = json!({"prompt_tokens": 100, "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
            "completion_tokens": 20, "completion_tokens_details": {"reasoning_tokens": 5}, "total_tokens": 120});
        let expected =
            Usage { input: 10, cache_read: 60, cache_write_5m: 30, output: 20, reasoning: 5, ..Usage::default() };
        assert_eq!(usage(openai), expected);
        let deepseek = json!({"prompt_tokens": 100, "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36,
            "completion_tokens": 20, "total_tokens": 120});
        assert_eq!(usage(deepseek), Usage { input: 36, cache_read: 64, output: 20, ..Usage::default() });
        let ollama = json!({"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10});
        assert_eq!(usage(ollama), Usage { input: 7, output: 3, ..Usage::default() });
    }

    #[test]
    fn reasoning_that_a_provider_left_out_of_the_output_is_counted() {
        let xai = json!({"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 112,
            "completion_tokens_details": {"reasoning_tokens": 100}});
        assert_eq!(usage(xai), Usage { input: 10, output: 102, reasoning: 100, ..Usage::default() });
        let google = json!({"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 62});
        assert_eq!(usage(google), Usage { input: 10, output: 52, reasoning: 50, ..Usage::default() });
    }

    #[test]
    fn absurd_counters_do_not_wrap() {
        let absurd = json!({"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": u64::MAX},
            "completion_tokens": u64::MAX, "total_tokens": null});
        assert_eq!(usage(absurd).input, 0);
        assert_eq!(usage(json!({"prompt_tokens": null})), Usage::default());
    }
}
