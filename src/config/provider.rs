//! Providers: the built-in ones, and what the user's own `config.toml` may say about one. A project has no say here.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use super::address;
use super::source::{Source, Sourced};
use crate::base::money::{Rate, TokenPrice, Usd};
use crate::domain::path::{Auth, PayPath, Wire};

/// Who takes a request and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderSettings {
    /// Who pays; must equal the route's path.
    pub kind: PayPath,
    /// Whether a gateway has models at $0 too, so that the same key serves the free path.
    pub has_free_models: bool,
    pub wire: Wire,
    /// What the wire's own SDK takes: https, or http on loopback; no `/` at the end.
    pub base_url: Sourced<String>,
    pub auth: Auth,
    /// On list price; only a platform has one.
    pub markup: Rate,
    /// On the credits that are bought there, shown and never part of a call's cost; only a platform has one.
    pub fee: Rate,
    /// A flat plan of a platform, in USD a month: calls inside it are covered.
    pub flat_month: Option<Usd>,
    /// Whether another model than the one that is asked for may answer.
    pub other_models: bool,
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
    /// Whether requests under this path may go there.
    #[must_use]
    pub fn serves(&self, path: PayPath) -> bool {
        self.kind == path || path == PayPath::Free && self.has_free_models
    }

    /// The provider as it is under a path that it [serves](Self::serves): on the free one nothing is charged.
    #[must_use]
    pub fn under(&self, path: PayPath) -> Cow<'_, Self> {
        if self.kind == path {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Self { kind: path, markup: Rate::ZERO, fee: Rate::ZERO, flat_month: None, ..self.clone() })
    }

    /// Whether this is a server on this machine that nobody has named yet: it may not be there, or be somebody's.
    #[must_use]
    pub fn is_unnamed_server(&self) -> bool {
        self.kind == PayPath::Free && self.source == Source::BuiltIn
    }

    /// Scheme, host and port: what a stored key is bound to.
    #[must_use]
    pub fn origin(&self) -> String {
        address::origin(&self.base_url)
    }
}

/// Who pays, name, wire, auth, address. Sources: each provider's own API reference and SDK defaults (2026-11); for the
/// gateway and the servers on this machine the ports that their documentation names (2026-08).
const BUILT_IN: &[(PayPath, &str, Wire, Auth, &str)] = &[
    (PayPath::Byok, "anthropic", Wire::Anthropic, Auth::XApiKey, "https://api.anthropic.com"),
    (PayPath::Byok, "openai", Wire::Responses, Auth::Bearer, "https://api.openai.com/v1"),
    (PayPath::Byok, "deepseek", Wire::Chat, Auth::Bearer, "https://api.deepseek.com/v1"),
    (PayPath::Byok, "gemini", Wire::Chat, Auth::Bearer, "https://generativelanguage.googleapis.com/v1beta/openai"),
    (PayPath::Byok, "groq", Wire::Chat, Auth::Bearer, "https://api.groq.com/openai/v1"),
    (PayPath::Byok, "mistral", Wire::Chat, Auth::Bearer, "https://api.mistral.ai/v1"),
    (PayPath::Byok, "xai", Wire::Chat, Auth::Bearer, "https://api.x.ai/v1"),
    (PayPath::Byok, "zai", Wire::Chat, Auth::Bearer, "https://api.z.ai/api/paas/v4"),
    (PayPath::Subscription, CLAUDE, Wire::Anthropic, Auth::Bearer, "https://api.anthropic.com"),
    (PayPath::Subscription, CODEX, Wire::Responses, Auth::Bearer, "https://chatgpt.com/backend-api"),
    (PayPath::Platform, OPENROUTER, Wire::Chat, Auth::Bearer, "https://openrouter.ai/api/v1"),
    (PayPath::Platform, "litellm", Wire::Chat, Auth::Bearer, "http://127.0.0.1:4000/v1"),
    (PayPath::Free, "llamacpp", Wire::Chat, Auth::None, "http://127.0.0.1:8080/v1"),
    (PayPath::Free, "lmstudio", Wire::Chat, Auth::None, "http://127.0.0.1:1234/v1"),
    (PayPath::Free, "ollama", Wire::Chat, Auth::None, "http://127.0.0.1:11434/v1"),
    (PayPath::Free, "vllm", Wire::Chat, Auth::None, "http://127.0.0.1:8000/v1"),
];

/// The two plans, each under the name of the program that it pays for.
pub const CLAUDE: &str = "claude";
pub const CODEX: &str = "codex";

/// The gateway whose fee and ids are known here.
pub const OPENROUTER: &str = "openrouter";

/// On credits bought by card. Source: openrouter.ai/docs/faq (2026-10).
const OPENROUTER_FEE: Rate = Rate::from_ppm(55_000);

/// The providers that vk knows without any configuration.
#[must_use]
pub fn built_in() -> BTreeMap<String, ProviderSettings> {
    BUILT_IN
        .iter()
        .map(|(kind, name, wire, auth, base_url)| {
            let settings = ProviderSettings {
                kind: *kind,
                has_free_models: *name == OPENROUTER,
                wire: *wire,
                base_url: Sourced::built_in((*base_url).to_owned()),
                auth: *auth,
                markup: Rate::ZERO,
                fee: if *name == OPENROUTER { OPENROUTER_FEE } else { Rate::ZERO },
                flat_month: None,
                other_models: false,
                prices: BTreeMap::new(),
                source: Source::BuiltIn,
            };
            ((*name).to_owned(), settings)
        })
        .collect()
}
