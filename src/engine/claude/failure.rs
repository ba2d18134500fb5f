//! How a run of `claude` ends badly, as the failure that people and scripts read.

use super::lines::{ApiError, End};
use crate::agent::limits::check_turns;
use crate::agent::plan::used_up_for_now;
use crate::domain::failure::{Failure, Status};
use crate::domain::route::{CredentialRef, Route};
use crate::engine::driven::failure as driven;

/// What the API answered in place of a message, in the program's words.
pub(super) fn of_api(error: &ApiError, route: &Route) -> Failure {
    let ApiError { kind, status, words, code } = error;
    let words = words.trim();
    let failure = |status, code, what: &str| Failure::new(status, code, what).why(words);
    match kind.as_str() {
        // Its words for a limit that is not the plan's (2.1.331); the plan's own has a code, or none of them.
        "rate_limit" if words.contains("not your usage limit") => {
            failure(Status::ProviderFailed, "rate_limited", "Anthropic limits how often claude may ask")
                .fix("vk run --continue   # later")
        }
        "rate_limit" if code.as_deref() == Some("usage_limit_reached") || *status == Some(429) => {
            used_up_for_now(&route.provider, words)
        }
        // It has no word of its own for every such answer.
        word if word == "billing_error" || *status == Some(402) => {
            failure(Status::PayerBlocked, "payer_blocked", "the account of claude cannot pay")
                .fix("vk run --continue   # once it can pay again")
        }
        "authentication_failed" | "oauth_org_not_allowed" => {
            let failure = failure(Status::NoCredential, "login_rejected", "the login of claude was rejected");
            match &route.credential {
                CredentialRef::Login => failure.fix("claude auth login"),
                _ => failure.fix("claude setup-token   # makes a new token"),
            }
        }
        "model_not_found" => {
            failure(Status::Usage, "unknown_model", &format!("claude was refused the model {}", route.model))
                .fix("vk run --continue --model balanced \"go on\"")
                .fix("vk models list")
        }
        "invalid_request" => failure(Status::ProviderFailed, "bad_request", "the request of claude was refused")
            .fix("vk run --continue --model best \"go on\""),
        _ => failure(Status::ProviderFailed, "provider_failed", "Anthropic did not answer claude")
            .fix("vk run --continue   # later"),
    }
}

/// What ended a run that gave no answer.
pub(super) fn of_end(end: &End, turns: u32, max_turns: Option<u32>) -> Failure {
    let why = if end.errors.is_empty() { end.text.trim().to_owned() } else { end.errors.join("; ") };
    if end.startup.as_deref() == Some("sandbox_required_unavailable") {
        return no_sandbox(&why);
    }
    match end.subtype.as_str() {
        "error_max_turns" => check_turns(max_turns.unwrap_or(turns).max(turns), max_turns)
            .err()
            .unwrap_or_else(|| Failure::new(Status::Limit, "turn_limit", "claude stopped at a limit on its turns")),
        subtype => Failure::new(Status::GaveUp, "model_gave_up", "claude ended without an answer")
            .why(if why.is_empty() { subtype.to_owned() } else { why })
            .fix("vk run --continue \"go on\""),
    }
}

/// Its sandbox could not start, and without one it is not used.
fn no_sandbox(why: &str) -> Failure {
    Failure::new(Status::NoSandbox, "no_sandbox", "the sandbox of claude cannot start here")
        .why(why)
        .fix("sudo apt-get install bubblewrap socat ripgrep")
        .fix("vk run --sandbox off --approve all \"...\"   # commands run with your rights")
}

/// The program went away in the middle.
pub(super) fn died(last_words: &str) -> Failure {
    if last_words.contains("sandbox required but unavailable") {
        return no_sandbox(last_words.lines().next().unwrap_or_default());
    }
    driven::died("claude", last_words, "claude doctor")
}
