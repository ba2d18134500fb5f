//! One neutral request and one neutral reply above all three wires.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::message::{Block, Message};
use super::usage::Usage;
use crate::base::money::Usd;

/// A tool as a model family knows it. The wire writes each kind in its own way and refuses what it cannot say.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolSpec {
    /// A plain function with a JSON schema: works on every wire.
    Function { name: String, description: String, schema: Value },
    /// `OpenAI`'s custom tool whose input is raw text under a Lark grammar (Responses only).
    Grammar { name: String, description: String, lark: String },
    /// Anthropic's schema-less `bash_20250124`, named `bash` (Messages only).
    AnthropicBash,
    /// Anthropic's schema-less `text_editor_20250728`, named `str_replace_based_edit_tool` (Messages only).
    AnthropicTextEditor { max_characters: u32 },
}

/// What a model accepts, from the catalog: new models drop old knobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelTraits {
    pub thinking: Thinking,
    /// Whether the `effort` knob exists.
    pub effort: bool,
    /// Smallest prompt prefix, in tokens, that the provider caches; `None` where it is not known.
    pub min_cache_prefix: Option<u32>,
    /// Whether it takes images; `None` where that is not known.
    pub images: Option<bool>,
}

/// How a model's reasoning is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Thinking {
    /// The model decides; no budget is accepted.
    Adaptive,
    /// An older Anthropic model: `budget_tokens`.
    Budget,
    /// `OpenAI` reasoning effort and summaries.
    Effort,
    /// Nothing is sent about reasoning.
    None,
}

/// A request to a model. `messages` is append-only through a task, so that prefixes stay cached.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRequest {
    pub provider: String,
    pub model: String,
    pub traits: ModelTraits,
    pub system: String,
    pub messages: Vec<Message>,
    pub tools: Vec<ToolSpec>,
    /// Upper bound on tokens out, reasoning included.
    pub max_output: u32,
    /// Stable through a task: `prompt_cache_key` where the wire has one.
    pub session: String,
}

/// Why a model stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    EndTurn,
    ToolUse,
    MaxTokens,
    /// Anthropic's `pause_turn`: send the same transcript again and the model goes on.
    Pause,
    /// The model or its provider refused; what it said of the reason.
    Refusal(String),
    /// The prompt no longer fits the context window.
    ContextExceeded,
    /// A word this version does not know, as received. Treated as the end of the turn.
    Other(String),
}

/// What happens while an answer streams; for display only. The truth is the [`Reply`].
#[derive(Clone, Debug, PartialEq)]
pub enum StreamEvent {
    /// The provider has begun to answer.
    Started,
    Text(String),
    Reasoning(String),
    /// A tool call has begun to arrive.
    ToolCall {
        name: String,
    },
}

/// A whole answer: it exists only if the wire's terminal event arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub content: Vec<Block>,
    pub stop: StopReason,
    pub usage: Usage,
    /// Whether the wire reported any usage at all; without it the cost cannot be exact.
    pub usage_reported: bool,
    /// The model that the provider says it ran.
    pub model: Option<String>,
    pub response_id: Option<String>,
    /// The gateway's own cost figure, where it reports one (`usage.cost`).
    pub reported_cost: Option<ReportedCost>,
}

/// A cost that the provider itself reported for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportedCost {
    pub cost: Usd,
    pub is_byok: Option<bool>,
}

/// What is known of an answer that ended early: enough to settle its cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Partial {
    /// Usage as last reported, all zero if none came.
    pub usage: Usage,
    pub usage_reported: bool,
    /// Characters of text, reasoning and tool arguments received so far.
    pub received_chars: u64,
    /// The provider's id of the answer, for asking it later what the call cost.
    pub response_id: Option<String>,
}
