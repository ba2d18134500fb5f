//! How a run of `codex` ends badly, as the failure that people and scripts read.

use serde_json::Value;

use crate::agent::plan::used_up_for_now;
use crate::domain::failure::{Failure, Status};
use crate::domain::route::Route;
use crate::engine::driven::failure as driven;

/// A turn that failed, by the program's own word for it.
pub(super) fn of_turn(error: &Value, route: &Route) -> Failure {
    let words = error["message"].as_str().unwrap_or_default();
    let info = &error["codexErrorInfo"];
    let word = info.as_str().or_else(|| info.as_object()?.keys().next().map(String::as_str)).unwrap_or_default();
    // Where it has no word of its own for an answer, it tells the answer's HTTP status.
    let status = info[word]["httpStatusCode"].as_u64();
    let failure = |status, code, what: &str| Failure::new(status, code, what).why(words);
    match (word, status) {
        ("usageLimitExceeded" | "sessionBudgetExceeded", _) => used_up_for_now(&route.provider, words),
        (_, Some(402)) => failure(Status::PayerBlocked, "payer_blocked", "the account of codex cannot pay")
            .fix("vk run --continue   # once it can pay again"),
        ("unauthorized", _) | (_, Some(401 | 403)) => {
            failure(Status::NoCredential, "login_rejected", "the login of codex was rejected").fix("codex login")
        }
        ("modelNotFound", _) => {
            failure(Status::Usage, "unknown_model", &format!("codex was refused the model {}", route.model))
                .fix("vk run --continue --model balanced \"go on\"")
                .fix("vk models list")
        }
        ("sandboxError", _) => failure(Status::NoSandbox, "no_sandbox", "the sandbox of codex cannot start here")
            .fix("vk run --sandbox off --approve all \"...\"   # commands run with your rights"),
        ("cyberPolicy" | "misalignmentPolicyViolation", _) => {
            failure(Status::GaveUp, "model_refused", "the model refused the task")
                .fix("vk run --continue --model best \"go on\"")
        }
        ("badRequest" | "contextWindowExceeded", _) => {
            failure(Status::ProviderFailed, "bad_request", "the request of codex was refused")
                .fix("vk run --continue --model best \"go on\"")
        }
        _ => failure(Status::ProviderFailed, "provider_failed", "OpenAI did not answer codex")
            .fix("vk run --continue   # later"),
    }
}

/// Exit 4: before a word of the task was sent.
pub(super) fn other_payer(why: &str) -> Failure {
    driven::other_payer("codex", why, "codex login status")
}

/// A token that it does not take: it takes its own kinds, and no login's.
pub(super) fn not_logged_in(with_token: bool) -> Failure {
    if !with_token {
        return Failure::new(Status::NoCredential, "not_logged_in", "codex is not logged in with a plan")
            .fix("codex login");
    }
    Failure::new(Status::NoCredential, "token_not_taken", "codex did not take the token")
        .why("it takes a personal access token or an agent identity, and not the access token of a ChatGPT login")
        .fix("vk run --key login \"...\"   # codex's own login")
}

pub(super) fn died(last_words: &str) -> Failure {
    driven::died("codex", last_words, "codex login status")
}
