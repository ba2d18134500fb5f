//! A failed call in the words of the person who must do something about it.

use super::error::{CallError, CallErrorKind};
use crate::domain::failure::{Failure, Status};
use crate::domain::path::PayPath;
use crate::domain::route::{CredentialRef, Route};

/// Where an account is topped up: the consoles' pages as they are commonly linked; no document of the vendors was read.
const TOP_UP: [(&str, &str); 6] = [
    ("anthropic", "https://platform.claude.com/settings/billing"),
    ("openai", "https://platform.openai.com/settings/organization/billing"),
    ("openrouter", "https://openrouter.ai/settings/credits"),
    ("deepseek", "https://platform.deepseek.com/top_up"),
    ("groq", "https://console.groq.com/settings/billing"),
    ("xai", "https://console.x.ai"),
];

impl CallError {
    /// What happened, why, and what to type. The status follows from the kind alone, as DESIGN 2 has it.
    #[must_use]
    pub fn into_failure(self, route: &Route) -> Failure {
        let (status, code, what) = describe(self.kind, route);
        let mut failure = Failure::new(status, code, what);
        let top_up =
            TOP_UP.iter().find(|(name, _)| self.kind == CallErrorKind::PayerBlocked && *name == route.provider);
        let top_up = top_up.map(|(_, page)| format!("credit is added at {page}"));
        let why: Vec<String> = [self.message].into_iter().filter(|words| !words.is_empty()).chain(top_up).collect();
        if !why.is_empty() {
            failure = failure.why(why.join("\n"));
        }
        fixes(self.kind, route).into_iter().fold(failure, Failure::fix)
    }
}

fn describe(kind: CallErrorKind, route: &Route) -> (Status, &'static str, String) {
    let (provider, model) = (&route.provider, &route.model);
    match kind {
        CallErrorKind::Unauthorized => {
            (Status::NoCredential, "key_rejected", format!("{provider} does not accept {}", credential(route)))
        }
        CallErrorKind::Forbidden => (
            Status::NoCredential,
            "key_forbidden",
            format!("{provider} does not let {} use {model}", credential(route)),
        ),
        CallErrorKind::PayerBlocked => (
            Status::PayerBlocked,
            "payer_blocked",
            format!("the account behind {} cannot pay {provider}", credential(route)),
        ),
        CallErrorKind::RateLimited => {
            (Status::ProviderFailed, "rate_limited", format!("{provider} limits how fast this account may ask"))
        }
        CallErrorKind::Overloaded => (Status::ProviderFailed, "overloaded", format!("{provider} is overloaded")),
        CallErrorKind::Server => (Status::ProviderFailed, "provider_error", format!("{provider} failed to answer")),
        CallErrorKind::Timeout => (Status::ProviderFailed, "timeout", format!("{provider} did not answer in time")),
        CallErrorKind::Interrupted => {
            (Status::ProviderFailed, "interrupted_stream", format!("the answer of {provider} broke off"))
        }
        CallErrorKind::Transport => (Status::ProviderFailed, "unreachable", format!("{provider} could not be reached")),
        CallErrorKind::ContextExceeded => {
            (Status::Limit, "context_exceeded", format!("the task no longer fits the context of {model}"))
        }
        CallErrorKind::BadRequest => {
            (Status::ProviderFailed, "request_refused", format!("{provider} refused the request"))
        }
        CallErrorKind::UnknownModel => {
            (Status::Usage, "unknown_model", format!("{provider} does not offer {model} to this account"))
        }
        CallErrorKind::DataPolicy if route.path == PayPath::Free => (
            Status::Untrusted,
            "training_not_allowed",
            format!("{provider} has nobody who runs {model} without keeping prompts or training on them"),
        ),
        CallErrorKind::DataPolicy => (
            Status::Usage,
            "data_policy",
            format!("{provider} has nobody who runs {model} under the data policy of this account"),
        ),
        CallErrorKind::TooLarge => {
            (Status::Limit, "request_too_large", format!("the request is larger than {provider} takes"))
        }
        CallErrorKind::Malformed => (
            Status::ProviderFailed,
            "malformed_answer",
            format!("{provider} answered with something that is not the {} protocol", route.wire),
        ),
        CallErrorKind::BadSetup => {
            (Status::Usage, "bad_setup", format!("{provider} cannot be reached the way it is set up"))
        }
        CallErrorKind::Redirected => {
            (Status::ProviderFailed, "redirected", format!("{provider} at {} answered with a redirect", route.base_url))
        }
    }
}

/// How people call the credential of this route.
fn credential(route: &Route) -> String {
    match &route.credential {
        CredentialRef::Stored { label, .. } => format!("the key {label}"),
        CredentialRef::Env { name, .. } => format!("the key in {name}"),
        CredentialRef::Login => format!("the login of {}", route.provider),
        CredentialRef::None => "a request without a key".to_owned(),
    }
}

fn fixes(kind: CallErrorKind, route: &Route) -> Vec<String> {
    let provider = &route.provider;
    match (kind, &route.credential) {
        (CallErrorKind::Unauthorized | CallErrorKind::Forbidden, CredentialRef::Stored { label, .. }) => {
            vec![
                format!("vk keys test {label} --provider {provider}"),
                format!("vk keys add {provider} --label {label}"),
            ]
        }
        (CallErrorKind::Unauthorized | CallErrorKind::Forbidden, _) => vec![format!("vk keys add {provider}")],
        (CallErrorKind::PayerBlocked, _) => {
            vec!["vk run --continue   # once it can pay again".to_owned(), "vk cost --by payer".to_owned()]
        }
        (CallErrorKind::DataPolicy, _) if route.path == PayPath::Free => {
            vec!["vk models pool --allow-training   # for this project".to_owned()]
        }
        (CallErrorKind::DataPolicy | CallErrorKind::UnknownModel, _) => vec!["vk models list".to_owned()],
        (
            CallErrorKind::Malformed
            | CallErrorKind::Redirected
            | CallErrorKind::Transport
            | CallErrorKind::BadSetup
            | CallErrorKind::BadRequest,
            _,
        ) => vec!["vk doctor".to_owned()],
        (
            CallErrorKind::RateLimited
            | CallErrorKind::Overloaded
            | CallErrorKind::Server
            | CallErrorKind::Timeout
            | CallErrorKind::Interrupted,
            _,
        ) => vec!["vk run --continue".to_owned()],
        (CallErrorKind::ContextExceeded | CallErrorKind::TooLarge, _) => vec![
            "vk models list   # how much each model takes".to_owned(),
            "vk run \"...\"   # in a new conversation".to_owned(),
        ],
    }
}
