//! Where a request goes: the address, the wire spoken there and how the credential is carried.

use serde_json::{Value, json};

use super::anthropic;
use crate::base::money::TokenPrice;
use crate::base::secret::Secret;
use crate::catalog::Price;
use crate::config::ProviderSettings;
use crate::domain::path::{Auth, PayPath, Wire};
use crate::domain::route::Route;
use crate::net::http::Credential;

/// The address of a provider. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The name in the user's configuration.
    pub provider: String,
    pub wire: Wire,
    /// What the wire's own SDK takes as its base address.
    pub base_url: String,
    pub auth: Auth,
    /// The most that a gateway which passes requests on may charge.
    pub at_most: Option<AtMost>,
    /// The account of a plan, where its service is called.
    pub plan: Option<PlanAccount>,
}

/// Whose plan pays, as its service wants it said. Source: codex-rs/login and model-provider (2026-08).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanAccount {
    pub account_id: Option<String>,
    pub is_fedramp: bool,
}

/// A gateway whose own questions are known here, beside the wire's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gateway {
    OpenRouter,
    LiteLlm,
}

/// List prices of the route, in USD a million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtMost {
    pub input: TokenPrice,
    pub output: TokenPrice,
    /// Whether an upstream that costs nothing may keep prompts or train on them.
    pub may_train: bool,
}

impl AtMost {
    /// The dearest that the shown prices allow; nothing at all under the free path.
    #[must_use]
    pub fn of(route: &Route, price: Option<&Price>, may_train: bool) -> Option<Self> {
        if route.path == PayPath::Free {
            return Some(Self { input: TokenPrice::ZERO, output: TokenPrice::ZERO, may_train });
        }
        let (input, output) = price.filter(|_| route.is_billed())?.dearest(route.context);
        Some(Self { input, output, may_train })
    }
}

impl Endpoint {
    #[must_use]
    pub fn of(route: &Route) -> Self {
        Self {
            provider: route.provider.clone(),
            wire: route.wire,
            base_url: route.base_url.clone(),
            auth: route.auth,
            at_most: None,
            plan: None,
        }
    }

    /// A provider as the user's configuration has it, where there is no route: its key is tried, its account asked.
    #[must_use]
    pub fn configured(name: &str, settings: &ProviderSettings) -> Self {
        Self {
            provider: name.to_owned(),
            wire: settings.wire,
            base_url: settings.base_url.value.trim_end_matches('/').to_owned(),
            auth: settings.auth,
            at_most: None,
            plan: None,
        }
    }

    /// Which gateway this is, by the name it is built in under or by its host.
    pub(super) fn gateway(&self) -> Option<Gateway> {
        match self.provider.as_str() {
            "litellm" => Some(Gateway::LiteLlm),
            name if name == "openrouter" || self.is_host_of("openrouter.ai") => Some(Gateway::OpenRouter),
            _ => None,
        }
    }

    /// What only `OpenRouter` takes: that the request goes to one upstream, at no higher price than was shown; where
    /// that is $0, to none that keeps prompts or trains on them unless that was allowed.
    /// Source: openrouter.ai/docs, provider routing (2026-08).
    pub(super) fn routing_terms(&self) -> Option<Value> {
        let AtMost { input, output, may_train } =
            self.at_most.filter(|_| self.gateway() == Some(Gateway::OpenRouter))?;
        let usd = |price: TokenPrice| price.to_string().parse::<serde_json::Number>().ok();
        let mut terms = json!({
            "allow_fallbacks": false,
            "max_price": { "prompt": usd(input)?, "completion": usd(output)? },
        });
        if (input, output) == (TokenPrice::ZERO, TokenPrice::ZERO) {
            terms["data_collection"] = json!(if may_train { "allow" } else { "deny" });
        }
        Some(terms)
    }

    /// Where a model is asked.
    #[must_use]
    pub fn url(&self) -> String {
        match self.wire {
            Wire::Anthropic => format!("{}/v1/messages", self.base()),
            Wire::Responses => format!("{}/responses", self.base()),
            Wire::Chat => format!("{}/chat/completions", self.base()),
        }
    }

    /// Where a key is tried for nothing. OpenRouter lists its models to everybody, but describes a key to its holder.
    pub(super) fn check_url(&self) -> String {
        match self.wire {
            _ if self.gateway() == Some(Gateway::OpenRouter) => format!("{}/key", self.root()),
            Wire::Anthropic => format!("{}/v1/models?limit=1", self.base()),
            Wire::Responses | Wire::Chat => format!("{}/models", self.base()),
        }
    }

    /// Where the questions beside the wire's are asked: with the `/v1` that Anthropic's SDK adds by itself.
    pub(super) fn root(&self) -> String {
        match self.wire {
            Wire::Anthropic => format!("{}/v1", self.base()),
            Wire::Responses | Wire::Chat => self.base().to_owned(),
        }
    }

    /// Without the slash at its end. Anthropic's SDK adds `/v1` itself; a base that has it already keeps one.
    fn base(&self) -> &str {
        let base = self.base_url.trim_end_matches('/');
        match self.wire {
            Wire::Anthropic => base.strip_suffix("/v1").unwrap_or(base),
            Wire::Responses | Wire::Chat => base,
        }
    }

    /// Whether the address is `domain` or under it.
    pub(super) fn is_host_of(&self, domain: &str) -> bool {
        let rest = self.base_url.split_once("://").map_or("", |(_, rest)| rest);
        let host = rest.split(['/', ':', '?', '#']).next().unwrap_or_default();
        host.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    }

    pub(super) fn headers(&self) -> Vec<(&'static str, String)> {
        match self.wire {
            Wire::Anthropic => vec![("anthropic-version", anthropic::VERSION.to_owned())],
            Wire::Responses | Wire::Chat => self.plan.as_ref().map_or_else(Vec::new, |plan| {
                // Who asks: vk does not claim to be another program.
                let mut headers = vec![("originator", "vk".to_owned())];
                headers.extend(plan.account_id.clone().map(|id| ("chatgpt-account-id", id)));
                headers.extend(plan.is_fedramp.then(|| ("x-openai-fedramp", "true".to_owned())));
                headers
            }),
        }
    }

    pub(super) fn credential<'a>(&self, secret: Option<&'a Secret>) -> Option<Credential<'a>> {
        let secret = secret?;
        match self.auth {
            Auth::Bearer => Some(Credential { header: "authorization", prefix: "Bearer ", secret }),
            Auth::XApiKey => Some(Credential { header: "x-api-key", prefix: "", secret }),
            Auth::None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wire: Wire, base_url: &str) -> Endpoint {
        Endpoint {
            provider: "p".into(),
            wire,
            base_url: base_url.into(),
            auth: Auth::Bearer,
            at_most: None,
            plan: None,
        }
    }

    #[test]
    fn each_wire_appends_what_its_own_sdk_appends() {
        assert_eq!(at(Wire::Anthropic, "https://api.anthropic.com").url(), "https://api.anthropic.com/v1/messages");
        assert_eq!(at(Wire::Anthropic, "https://x.example/v1/").url(), "https://x.example/v1/messages");
        assert_eq!(at(Wire::Responses, "https://api.openai.com/v1/").url(), "https://api.openai.com/v1/responses");
        let openrouter = at(Wire::Chat, "https://openrouter.ai/api/v1");
        assert_eq!(openrouter.url(), "https://openrouter.ai/api/v1/chat/completions");
        assert_eq!(openrouter.check_url(), "https://openrouter.ai/api/v1/key");
        assert_eq!(at(Wire::Chat, "http://127.0.0.1:8080/v1").check_url(), "http://127.0.0.1:8080/v1/models");
    }

    #[test]
    fn a_host_is_compared_whole() {
        for (base, is) in [
            ("https://api.openai.com/v1", true),
            ("https://openai.com:443", true),
            ("https://evilopenai.com", false),
            ("https://openai.com.evil.example", false),
            ("https://evil.example/openai.com", false),
        ] {
            assert_eq!(at(Wire::Chat, base).is_host_of("openai.com"), is, "{base}");
        }
    }
}
