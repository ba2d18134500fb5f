//! Providers: the built-in ones, and what the user's own `config.toml` may say about one. A project has no say here.

use std::collections::BTreeMap;
use std::fmt;

use super::address;
use super::source::{Source, Sourced};
use crate::base::money::{Rate, TokenPrice};
use crate::domain::path::{Auth, PayPath, Wire};

/// Who takes a request and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderSettings {
    /// Who pays; must equal the route's path.
    pub kind: PayPath,
    pub wire: Wire,
    /// What the wire's own SDK takes: https, or http on loopback; no `/` at the end.
    pub base_url: Sourced<String>,
    pub auth: Auth,
    /// On list price; only a platform has one.
    pub markup: Rate,
    /// By the model id that is sent.
    pub prices: BTreeMap<String, Sourced<PriceSettings>>,
    /// `BuiltIn`, or the line of the user's table.
    pub source: Source,
}

/// What the user says a model costs at this provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PriceSettings {
    /// The same as a model of the catalog: `anthropic/claude-sonnet-5-5`.
    As { vendor: String, model: String },
    /// USD a million tokens.
    Own(OwnPrice),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPrice {
    pub input: TokenPrice,
    pub output: TokenPrice,
    /// `None`: such tokens are charged as input.
    pub cache_read: Option<TokenPrice>,
    pub cache_write_5m: Option<TokenPrice>,
    pub cache_write_1h: Option<TokenPrice>,
}

impl fmt::Display for PriceSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::As { vendor, model } => write!(f, "as {vendor}/{model}"),
            Self::Own(price) => write!(f, "{} in, {} out, USD a million tokens", price.input, price.output),
        }
    }
}

impl ProviderSettings {
    /// Scheme, host and port: what a stored key is bound to.
    #[must_use]
    pub fn origin(&self) -> String {
        address::origin(&self.base_url)
    }
}

/// Name, wire, auth, address. Sources: each provider's own API reference and SDK defaults (2026-11); all are `byok`.
const BUILT_IN: &[(&str, Wire, Auth, &str)] = &[
    ("anthropic", Wire::Anthropic, Auth::XApiKey, "https://api.anthropic.com"),
    ("openai", Wire::Responses, Auth::Bearer, "https://api.openai.com/v1"),
    ("deepseek", Wire::Chat, Auth::Bearer, "https://api.deepseek.com/v1"),
    ("gemini", Wire::Chat, Auth::Bearer, "https://generativelanguage.googleapis.com/v1beta/openai"),
    ("groq", Wire::Chat, Auth::Bearer, "https://api.groq.com/openai/v1"),
    ("mistral", Wire::Chat, Auth::Bearer, "https://api.mistral.ai/v1"),
    ("xai", Wire::Chat, Auth::Bearer, "https://api.x.ai/v1"),
    ("zai", Wire::Chat, Auth::Bearer, "https://api.z.ai/api/paas/v4"),
];

/// The providers that vk knows without any configuration.
#[must_use]
pub fn built_in() -> BTreeMap<String, ProviderSettings> {
    BUILT_IN
        .iter()
        .map(|(name, wire, auth, base_url)| {
            let settings = ProviderSettings {
                kind: PayPath::Byok,
                wire: *wire,
                base_url: Sourced::built_in((*base_url).to_owned()),
                auth: *auth,
                markup: Rate::ZERO,
                prices: BTreeMap::new(),
                source: Source::BuiltIn,
            };
            ((*name).to_owned(), settings)
        })
        .collect()
}
