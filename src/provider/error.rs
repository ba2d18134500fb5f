//! How a call fails: one kind for each thing a caller may do about it, and the facts that settle its cost.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::quota::Said;
use crate::domain::request::Partial;
use crate::net::retry;

/// What the answer's headers say, whether the call succeeded or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerFacts {
    /// Whose account answered: `anthropic-organization-id`, `openai-organization`.
    pub organization: Option<String>,
    /// The provider's own id of the request, for its support and its logs.
    pub request_id: Option<String>,
    pub http_status: Option<u16>,
    /// A gateway that other people's accounts may stand behind says so in its headers: `LiteLLM`.
    pub gateway: Option<&'static str>,
    /// What a plan's service says of the plan beside each answer.
    pub plan: Option<Said>,
}

/// What a refusal says of the limit that was met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitFacts {
    /// When it is over: `X-RateLimit-Reset`.
    pub reset: Option<Timestamp>,
    /// How many requests it allows: `X-RateLimit-Limit`.
    pub limit: Option<u64>,
    /// Whether it holds for every model of the account and not for one.
    pub whole_account: bool,
    /// Whether it is the limit of a day.
    pub daily: bool,
}

/// What went wrong, by the provider's error code where it sent one, whatever the HTTP status was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallErrorKind {
    /// The credential is not accepted.
    Unauthorized,
    /// The credential is known but may not do this.
    Forbidden,
    /// The account cannot or may not pay: no credit, quota or spend limit used up. Never retried.
    PayerBlocked,
    RateLimited,
    Overloaded,
    Server,
    /// Nothing came for too long.
    Timeout,
    /// The answer began and ended without its terminal event.
    Interrupted,
    /// The connection could not be made or broke before an answer.
    Transport,
    /// The prompt does not fit the model's context window.
    ContextExceeded,
    BadRequest,
    UnknownModel,
    /// No upstream of the gateway serves the model under the data policy that was asked for.
    DataPolicy,
    /// The request is larger than the provider takes.
    TooLarge,
    /// What came is not what this wire speaks.
    Malformed,
    /// The address answered with a redirect, which is never followed.
    Redirected,
    /// The address, the proxy or the certificates that the user set cannot be used.
    BadSetup,
}

impl CallErrorKind {
    /// A stable word for the ledger and for scripts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::PayerBlocked => "payer_blocked",
            Self::RateLimited => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::Server => "server_error",
            Self::Timeout => "timeout",
            Self::Interrupted => "interrupted",
            Self::Transport => "transport",
            Self::ContextExceeded => "context_exceeded",
            Self::BadRequest => "bad_request",
            Self::UnknownModel => "unknown_model",
            Self::DataPolicy => "data_policy",
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::Redirected => "redirected",
            Self::BadSetup => "bad_setup",
        }
    }
}

/// A failed call: why, and what is known of its cost.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct CallError {
    pub kind: CallErrorKind,
    /// The provider's words where it had any, at most 500 characters, the credential never among them.
    /// Control characters are replaced; terminal escaping is still the presenter's work.
    pub message: String,
    /// The provider's own code or type: `insufficient_quota`, `overloaded_error`.
    pub code: Option<String>,
    /// What had arrived before the failure.
    pub partial: Partial,
    pub facts: AnswerFacts,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
    pub limit: LimitFacts,
    /// The provider's `x-should-retry`.
    pub should_retry: Option<bool>,
    /// Whether any byte of the request may have reached the provider.
    pub sent: bool,
}

impl CallError {
    /// Whether the provider may have charged for this call, so that it must be settled as an estimate:
    /// the request left, and the answer is not a plain refusal.
    #[must_use]
    pub fn may_have_cost(&self) -> bool {
        // 408, 504 and Cloudflare's 524 mean that somebody in front of the model stopped waiting for it.
        self.sent && matches!(self.facts.http_status, None | Some(200..=299 | 408 | 504 | 524))
    }

    /// How long to wait before the next attempt after `retries` of them were made already; `None` is "give up".
    /// The vendors' SDK rules ([`retry::next`]) with fresh jitter.
    #[must_use]
    pub fn retry_after_failure(&self, retries: u32) -> Option<Duration> {
        retry::next(&self.retry_facts(), retries, retry::random())
    }

    /// What the retry rule looks at.
    #[must_use]
    pub fn retry_facts(&self) -> retry::Facts {
        let cause = match self.kind {
            CallErrorKind::Timeout
            | CallErrorKind::Interrupted
            | CallErrorKind::Transport
            | CallErrorKind::RateLimited
            | CallErrorKind::Overloaded
            | CallErrorKind::Server => retry::Cause::Passing,
            CallErrorKind::Unauthorized
            | CallErrorKind::Forbidden
            | CallErrorKind::PayerBlocked
            | CallErrorKind::ContextExceeded
            | CallErrorKind::UnknownModel
            | CallErrorKind::DataPolicy
            | CallErrorKind::TooLarge
            | CallErrorKind::Redirected
            | CallErrorKind::BadSetup => retry::Cause::Final,
            CallErrorKind::BadRequest | CallErrorKind::Malformed => retry::Cause::ByStatus,
        };
        retry::Facts {
            cause,
            status: self.facts.http_status,
            should_retry: self.should_retry,
            retry_after: self.retry_after,
        }
    }
}
