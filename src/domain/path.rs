//! Whose account pays, and which protocol carries the request.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The path: whose account pays. Decided before the model, never changed silently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PayPath {
    /// The user's own provider key, at list price.
    Byok,
    /// The user's Codex or Claude plan: nothing per token.
    Subscription,
    /// A gateway's credits: list price plus a shown markup.
    Platform,
    /// Nobody: open models at $0.
    Free,
}

impl PayPath {
    pub const ALL: [Self; 4] = [Self::Byok, Self::Subscription, Self::Platform, Self::Free];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Byok => "byok",
            Self::Subscription => "subscription",
            Self::Platform => "platform",
            Self::Free => "free",
        }
    }

    /// Whether tokens on this path cost money, so that holds and the task cap apply.
    #[must_use]
    pub const fn is_billed(self) -> bool {
        matches!(self, Self::Byok | Self::Platform)
    }
}

impl fmt::Display for PayPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not one of {1}")]
pub struct UnknownWord(pub String, pub &'static str);

impl FromStr for PayPath {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|path| path.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned(), "byok, subscription, platform, free"))
    }
}

/// The protocol of a provider's endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wire {
    /// Anthropic Messages.
    Anthropic,
    /// `OpenAI` Responses.
    Responses,
    /// OpenAI-compatible Chat Completions.
    Chat,
}

impl Wire {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Responses => "responses",
            Self::Chat => "chat",
        }
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Wire {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Anthropic, Self::Responses, Self::Chat]
            .into_iter()
            .find(|wire| wire.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned(), "anthropic, responses, chat"))
    }
}

/// How an endpoint takes its credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Auth {
    Bearer,
    XApiKey,
    None,
}

impl Auth {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::XApiKey => "x-api-key",
            Self::None => "none",
        }
    }
}

impl FromStr for Auth {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "bearer" => Ok(Self::Bearer),
            "x-api-key" => Ok(Self::XApiKey),
            "none" => Ok(Self::None),
            _ => Err(UnknownWord(text.to_owned(), "bearer, x-api-key, none")),
        }
    }
}
