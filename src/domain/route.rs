//! The route: path, provider, model, credential and why. What it says before the run is what pays.

use serde::{Deserialize, Serialize};

use super::model_id;
use super::path::{Auth, PayPath, Wire};
use super::quota::{ExtraUsage, Overage};
use super::request::ModelTraits;
use crate::base::money::{Rate, Usd};

/// Who runs the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    Builtin,
    Claude,
    Codex,
}

impl EngineKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Claude => "claude",
            Self::Codex => "codex",
        }
    }
}

/// Which credential pays; never the secret itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialRef {
    /// A key in vk's own store.
    Stored { provider: String, label: String, fingerprint: String },
    /// A variable that the user named for this run.
    Env { name: String, fingerprint: String },
    /// The login of the program that drives the task: its own, never read here.
    Login,
    /// The endpoint takes none.
    None,
}

impl CredentialRef {
    #[must_use]
    pub fn label(&self) -> Option<String> {
        match self {
            Self::Stored { label, .. } => Some(label.clone()),
            Self::Env { name, .. } => Some(format!("env:{name}")),
            Self::Login | Self::None => None,
        }
    }

    #[must_use]
    pub fn fingerprint(&self) -> Option<&str> {
        match self {
            Self::Stored { fingerprint, .. } | Self::Env { fingerprint, .. } => Some(fingerprint),
            Self::Login | Self::None => None,
        }
    }
}

/// Which models may answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MayAnswer {
    /// The one that is asked for, and no other.
    Asked,
    /// The one that is asked for, which the user says is this model of a vendor's.
    Known(String),
    /// Any: a server of this machine that calls its model as it likes, a router, or the user allows it.
    Any,
}

/// Where a value came from, as it is shown: `--path`, `vk.toml:3`, `VK_MODEL`, `default`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What was decided: `path`, `provider`, `key`, `model`, `cap`.
    pub decision: String,
    pub value: String,
    pub source: String,
    /// Why this and not another, in one clause.
    pub reason: String,
}

/// Everything that decides where a request goes and who pays for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub path: PayPath,
    /// The name in the user's configuration: `anthropic`, `work`.
    pub provider: String,
    pub wire: Wire,
    /// What the wire's own SDK takes as its base address; https, or http on loopback.
    pub base_url: String,
    pub auth: Auth,
    pub credential: CredentialRef,
    /// The model id that is sent.
    pub model: String,
    pub traits: ModelTraits,
    pub may_answer: MayAnswer,
    /// Tokens of context and of output the model takes.
    pub context: u64,
    pub max_output: u32,
    pub engine: EngineKind,
    /// The gateway's markup on list price; zero on every other path.
    pub markup: Rate,
    /// Whether a flat plan of the gateway covers the calls.
    pub flat: bool,
    /// One clause for people: "you pay Anthropic at list price".
    pub payer: String,
    /// On a plan: whether it could go on as paid extra usage.
    pub extra_usage: Option<ExtraUsage>,
    /// The task cap; `None` where no money moves.
    pub cap: Option<Usd>,
    /// Whether the model is the rehearsed one of `vk demo`.
    pub rehearsed: bool,
    pub steps: Vec<Step>,
    /// Warnings about the choice: a retired model, a model without a price.
    pub warnings: Vec<String>,
    pub ignored_ambient: Vec<String>,
}

impl Route {
    /// Whether an answer that names this model is one of the model that was shown; one that names none may be.
    #[must_use]
    pub fn accepts(&self, answered: &str) -> bool {
        match &self.may_answer {
            // The rehearsed model answers for whichever is shown.
            _ if answered.is_empty() || self.rehearsed => true,
            MayAnswer::Any => true,
            MayAnswer::Asked => model_id::same(&self.model, answered),
            MayAnswer::Known(as_model) => model_id::same(&self.model, answered) || model_id::same(as_model, answered),
        }
    }

    /// Whether each call costs money: holds and the task cap apply.
    #[must_use]
    pub const fn is_billed(&self) -> bool {
        self.path.is_billed() && !self.flat && !self.rehearsed
    }

    /// Whether the plan's account goes on as paid extra usage, where that is told.
    #[must_use]
    pub fn told_overage(&self) -> Option<Overage> {
        self.extra_usage.map(|extra| extra.account).filter(|account| *account != Overage::Untold)
    }

    /// Whether the endpoint is on this machine: `http://127.0.0.1:11434/v1`, `http://localhost`, `http://[::1]`.
    #[must_use]
    pub fn is_local(&self) -> bool {
        is_local(&self.base_url)
    }

    /// The line that is printed before anything is sent.
    #[must_use]
    pub fn line(&self) -> String {
        let mut parts = vec![self.path.to_string(), self.provider.clone(), self.model.clone()];
        match &self.credential {
            CredentialRef::Stored { label, fingerprint, .. } => parts.push(format!("key {label} {fingerprint}")),
            CredentialRef::Env { name, fingerprint } => parts.push(format!("key env:{name} {fingerprint}")),
            CredentialRef::Login => parts.push(format!("login of {}", self.engine.as_str())),
            CredentialRef::None => {}
        }
        parts.push(self.payer.clone());
        parts.extend(self.extra_usage.map(|extra| extra.to_string()));
        if let Some(cap) = self.cap {
            parts.push(format!("stops at {cap}"));
        }
        parts.join(" · ")
    }
}

/// Whether an address is on this machine.
#[must_use]
pub fn is_local(base_url: &str) -> bool {
    let rest = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(ipv6) => ipv6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn only_loopback_is_local() {
        for local in ["http://127.0.0.1:8080/v1", "http://localhost", "http://[::1]:80", "http://127.9.9.9/"] {
            assert!(is_local(local), "{local}");
        }
        for other in [
            "https://127.0.0.1.evil.example",
            "https://localhost.evil",
            "http://127.0.0.1@evil.example",
            "https://10.0.0.1",
        ] {
            assert!(!is_local(other), "{other}");
        }
    }
}
