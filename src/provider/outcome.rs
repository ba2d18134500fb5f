//! How one attempt ended, from what the connection and the provider said to a [`CallError`] with its facts.

use std::time::Duration;

use super::classify;
use super::error::{AnswerFacts, CallError, CallErrorKind, LimitFacts};
use super::error_body::{self, ErrorBody, LimitHeaders};
use super::plan;
use super::progress::Progress;
use super::redact;
use super::stream::Fault;
use crate::base::clock;
use crate::base::secret::Secret;
use crate::net::http::{NetError, Response};
use crate::net::retry;

/// An error's body beyond this is not read.
const LARGEST_ERROR_BODY: usize = 64 << 10;

/// What is known of the attempt under way.
pub(super) struct Attempt<'a> {
    secret: Option<&'a Secret>,
    progress: &'a Progress,
    pub(super) facts: AnswerFacts,
    retry_after: Option<Duration>,
    should_retry: Option<bool>,
    /// `X-RateLimit-Limit` and `-Reset`, as they came.
    limit: LimitHeaders,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(secret: Option<&'a Secret>, progress: &'a Progress) -> Self {
        Self {
            secret,
            progress,
            facts: AnswerFacts::default(),
            retry_after: None,
            should_retry: None,
            limit: LimitHeaders::default(),
        }
    }

    pub(super) fn read_headers(&mut self, response: &Response) {
        let first = |names: &[&str]| {
            let found = names.iter().find_map(|name| response.header(name));
            found.and_then(|value| redact::word(&value, self.secret))
        };
        self.facts = AnswerFacts {
            organization: first(&["anthropic-organization-id", "openai-organization"]),
            request_id: first(&["request-id", "x-request-id", "x-generation-id", "x-litellm-call-id"]),
            http_status: Some(response.status()),
            // Source: litellm, proxy/response_headers (2026-10).
            gateway: ["x-litellm-call-id", "x-litellm-version"]
                .iter()
                .any(|name| response.header(name).is_some())
                .then_some("LiteLLM"),
            plan: plan::said(response),
        };
        self.limit =
            LimitHeaders { limit: response.header("x-ratelimit-limit"), reset: response.header("x-ratelimit-reset") };
        self.retry_after = retry::asked_wait(
            response.header("retry-after-ms").as_deref(),
            response.header("retry-after").as_deref(),
            clock::now(),
        );
        self.should_retry = match response.header("x-should-retry").as_deref() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        };
    }

    /// No headers came.
    pub(super) fn no_answer(&self, error: &NetError) -> CallError {
        let kind = match error {
            NetError::TimedOut { .. } => CallErrorKind::Timeout,
            NetError::Redirected { .. } => CallErrorKind::Redirected,
            NetError::BadCredential => CallErrorKind::Unauthorized,
            NetError::BadAddress { .. } | NetError::BadProxy { .. } | NetError::BadCertificates { .. } => {
                CallErrorKind::BadSetup
            }
            NetError::Setup(_) | NetError::Connect { .. } | NetError::Broken { .. } => CallErrorKind::Transport,
        };
        let mut failed = self.error(kind, &error.to_string(), None);
        if let NetError::Redirected { status, .. } = error {
            failed.facts.http_status = Some(*status);
        }
        failed
    }

    /// An HTTP error status came: the body says why.
    pub(super) async fn refused(&self, response: &mut Response) -> CallError {
        let status = response.status();
        let body = response.read_up_to(LARGEST_ERROR_BODY).await;
        let mut error = ErrorBody::of_bytes(&body);
        if error.message.trim().is_empty() {
            error.message = format!("HTTP status {status} without a word");
        }
        self.provider_error(Some(status), &error)
    }

    /// A success status came, but no stream: an error in JSON, or a page of something in between.
    pub(super) async fn not_a_stream(&self, response: &mut Response) -> CallError {
        let kind = response.media_type().unwrap_or_default();
        let body = response.read_up_to(LARGEST_ERROR_BODY).await;
        let error = serde_json::from_slice(&body).ok().and_then(|value| ErrorBody::of_json(&value));
        if let Some(error) = error {
            return self.provider_error(None, &error);
        }
        let what = html(&body).unwrap_or_else(|| format!("{kind} instead of an event stream"));
        self.error(CallErrorKind::Malformed, &what, None)
    }

    /// A success status came, but its body is not the JSON that was asked for.
    pub(super) fn not_json(&self, body: &[u8]) -> CallError {
        let what = html(body).unwrap_or_else(|| "something that is not JSON".to_owned());
        self.error(CallErrorKind::Malformed, &what, None)
    }

    /// The stream itself ended the answer early.
    pub(super) fn fault(&self, fault: Fault) -> CallError {
        match fault {
            Fault::Provider(error) => self.provider_error(None, &error),
            Fault::Malformed(what) => self.error(CallErrorKind::Malformed, &what, None),
            Fault::Interrupted => self.error(CallErrorKind::Interrupted, &fault.to_string(), None),
        }
    }

    /// The connection broke, or a time limit passed, inside the answer.
    pub(super) fn broke_off(&self, error: &NetError) -> CallError {
        let kind = match error {
            NetError::TimedOut { .. } => CallErrorKind::Timeout,
            _ => CallErrorKind::Interrupted,
        };
        self.error(kind, &error.to_string(), None)
    }

    fn provider_error(&self, status: Option<u16>, error: &ErrorBody) -> CallError {
        let kind = classify::kind(status, error);
        let mut failed = self.error(kind, &error.message, error.word());
        if kind == CallErrorKind::RateLimited {
            let now = clock::now();
            failed.limit = classify::limit(error, &self.limit, now);
            let until_reset = || Duration::try_from(failed.limit.reset?.duration_since(now)).ok();
            failed.retry_after =
                failed.retry_after.or_else(|| classify::wait_in_words(&error.message)).or_else(until_reset);
        }
        failed
    }

    fn error(&self, kind: CallErrorKind, message: &str, code: Option<&str>) -> CallError {
        CallError {
            kind,
            message: redact::message(message, self.secret),
            code: code.and_then(|code| redact::word(code, self.secret)),
            partial: self.progress.partial(),
            facts: self.facts.clone(),
            retry_after: self.retry_after,
            limit: LimitFacts::default(),
            should_retry: self.should_retry,
            sent: self.progress.sent(),
        }
    }
}

fn html(body: &[u8]) -> Option<String> {
    error_body::html_title(&String::from_utf8_lossy(body))
}
