//! From a provider's error words to the one kind that decides what is done: by code first, whatever the HTTP status
//! was, then by status. Sources: the error pages of platform.claude.com, developers.openai.com and openrouter.ai,
//! codex `api_bridge.rs`, and the servers' own sources, as of 2026-11.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::error::{CallErrorKind, LimitFacts};
use super::error_body::{ErrorBody, LimitHeaders};

use CallErrorKind as Kind;

/// Codes and types that name the kind by themselves.
const BY_WORD: &[(&str, Kind)] = &[
    // Who pays cannot or may not: never tried again, also where the status is 429.
    ("billing_error", Kind::PayerBlocked),
    ("billing_hard_limit_reached", Kind::PayerBlocked),
    ("billing_not_active", Kind::PayerBlocked),
    ("budget_exceeded", Kind::PayerBlocked),
    ("enforced_spend_limit_reached", Kind::PayerBlocked),
    ("exceeded_current_quota_error", Kind::PayerBlocked),
    ("insufficient_balance", Kind::PayerBlocked),
    ("insufficient_credits", Kind::PayerBlocked),
    ("insufficient_quota", Kind::PayerBlocked),
    ("payment_required", Kind::PayerBlocked),
    ("usage_limit_reached", Kind::PayerBlocked),
    ("usage_not_included", Kind::PayerBlocked),
    ("context_length_exceeded", Kind::ContextExceeded),
    ("context_window_exceeded", Kind::ContextExceeded),
    ("exceed_context_size_error", Kind::ContextExceeded),
    ("invalid_model", Kind::UnknownModel),
    ("model_not_available", Kind::UnknownModel),
    ("model_not_found", Kind::UnknownModel),
    ("authentication_error", Kind::Unauthorized),
    ("invalid_api_key", Kind::Unauthorized),
    ("invalid_authentication_error", Kind::Unauthorized),
    // LiteLLM without a database, to any key but its master key (1.108, 2026-11).
    ("no_db_connection", Kind::Unauthorized),
    ("permission_denied", Kind::Forbidden),
    ("permission_error", Kind::Forbidden),
    ("rate_limit_error", Kind::RateLimited),
    ("rate_limit_exceeded", Kind::RateLimited),
    ("engine_overloaded_error", Kind::Overloaded),
    ("overloaded_error", Kind::Overloaded),
    ("server_is_overloaded", Kind::Overloaded),
    ("slow_down", Kind::Overloaded),
    ("unavailable_error", Kind::Overloaded),
    ("api_error", Kind::Server),
    ("internal_server_error", Kind::Server),
    ("server_error", Kind::Server),
    ("timeout_error", Kind::Timeout),
    ("request_too_large", Kind::TooLarge),
];

/// Phrases for what some providers say with a code that fits anything, in lower case.
const BY_PHRASE: &[(&str, Kind)] = &[
    // Anthropic, 400 invalid_request_error.
    ("credit balance is too low", Kind::PayerBlocked),
    ("you will regain access on", Kind::PayerBlocked),
    ("spend limit", Kind::PayerBlocked),
    ("spending limit", Kind::PayerBlocked),
    // OpenRouter 402 and 403, DeepSeek 402.
    ("insufficient credits", Kind::PayerBlocked),
    ("insufficient balance", Kind::PayerBlocked),
    ("key limit exceeded", Kind::PayerBlocked),
    ("prompt is too long", Kind::ContextExceeded),
    ("maximum context length", Kind::ContextExceeded),
    ("exceeds the context", Kind::ContextExceeded),
    ("exceeds the available context", Kind::ContextExceeded),
    ("exceed context limit", Kind::ContextExceeded),
    // OpenRouter 404: "No endpoints found matching your data policy (Free model training)".
    ("data policy", Kind::DataPolicy),
    // OpenRouter 400, and its 404 for a model that no provider serves.
    ("is not a valid model", Kind::UnknownModel),
    ("no endpoints found", Kind::UnknownModel),
    // Google and xAI say 400 for a wrong key.
    ("api key not valid", Kind::Unauthorized),
    ("incorrect api key", Kind::Unauthorized),
];

/// The kind of an error. `status` is the HTTP status if it is an error status; an error inside a stream has none.
pub(super) fn kind(status: Option<u16>, error: &ErrorBody) -> Kind {
    if error.limit_source.as_deref() == Some("openrouter_in_flight_budget") {
        // Credits are there, but held by requests under way: the one 402 that passes.
        return Kind::RateLimited;
    }
    let status = status.or(error.status);
    let word = |word: &Option<String>| {
        let word = word.as_deref()?.to_ascii_lowercase();
        BY_WORD.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind)
    };
    let (by_code, by_type) = (word(&error.code), word(&error.kind));
    // A payer's code beside a general type (rate_limit_error) or the other way round: the payer's wins.
    if [by_code, by_type].contains(&Some(Kind::PayerBlocked)) {
        return Kind::PayerBlocked;
    }
    let message = error.message.to_lowercase();
    // Phrases are looked for where the provider blames the request or the account, not in its own breakdowns.
    if status.is_none_or(|status| status < 500)
        && let Some((_, kind)) = BY_PHRASE.iter().find(|(phrase, _)| message.contains(phrase))
    {
        return *kind;
    }
    by_code.or(by_type).or_else(|| status.map(|status| by_status(status, &message))).unwrap_or_else(|| {
        let blames_request = [&error.kind, &error.code].into_iter().flatten().any(|word| word.starts_with("invalid_"));
        if blames_request { Kind::BadRequest } else { Kind::Server }
    })
}

fn by_status(status: u16, message: &str) -> Kind {
    match status {
        401 => Kind::Unauthorized,
        402 => Kind::PayerBlocked,
        403 => Kind::Forbidden,
        404 if message.contains("model") => Kind::UnknownModel,
        408 | 504 | 524 => Kind::Timeout,
        413 => Kind::TooLarge,
        429 => Kind::RateLimited,
        503 | 529 => Kind::Overloaded,
        409 | 500.. => Kind::Server,
        _ => Kind::BadRequest,
    }
}

/// What a refusal says of the limit that was met, from its headers (or the copy of them that OpenRouter puts into the
/// body) and its words: `free-models-per-min` and `free-models-per-day` hold for every free model of the account.
pub(super) fn limit(error: &ErrorBody, headers: &LimitHeaders, now: Timestamp) -> LimitFacts {
    let within = error.headers.as_deref();
    let reset = headers.reset.as_deref().or(within.and_then(|headers| headers.reset.as_deref()));
    let limit = headers.limit.as_deref().or(within.and_then(|headers| headers.limit.as_deref()));
    let reset = reset.and_then(|text| moment(text, now));
    let limit = limit.and_then(|text| text.trim().parse().ok());
    let message = error.message.to_lowercase();
    LimitFacts {
        reset,
        limit,
        whole_account: message.contains("free-models-per-"),
        daily: message.contains("free-models-per-day"),
    }
}

/// A reset as the providers write it: milliseconds or seconds since 1970 (OpenRouter, GitHub), or seconds from now.
fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    let number: i64 = text.trim().parse().ok().filter(|number| *number >= 0)?;
    match number {
        100_000_000_000.. => Timestamp::from_millisecond(number).ok(),
        1_000_000_000.. => Timestamp::from_second(number).ok(),
        seconds => now.checked_add(SignedDuration::from_secs(seconds)).ok(),
    }
}

/// The wait that OpenAI's rate limit message names where no header does: "try again in 11.054s", "in 350ms".
pub(super) fn wait_in_words(message: &str) -> Option<Duration> {
    let rest = message.split("try again in ").nth(1)?;
    let number_ends = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = rest.split_at(number_ends);
    let scale = if unit.starts_with("ms") {
        0.001
    } else if unit.trim_start().starts_with('s') {
        1.0
    } else {
        return None;
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * scale).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Status, body, kind: as the providers document or were seen to send them.
    const TABLE: &[(u16, &str, Kind)] = &[
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}"#,
            Kind::PayerBlocked,
        ),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC."}}"#,
            Kind::PayerBlocked,
        ),
        (402, r#"{"type":"error","error":{"type":"billing_error","message":"m"}}"#, Kind::PayerBlocked),
        (
            429,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"m","details":{"error_code":"enforced_spend_limit_reached"}}}"#,
            Kind::PayerBlocked,
        ),
        (429, r#"{"type":"error","error":{"type":"rate_limit_error","message":"m"}}"#, Kind::RateLimited),
        (529, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, Kind::Overloaded),
        (500, r#"{"type":"error","error":{"type":"api_error","message":"Internal server error"}}"#, Kind::Server),
        (504, r#"{"type":"error","error":{"type":"timeout_error","message":"m"}}"#, Kind::Timeout),
        (
            401,
            r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#,
            Kind::Unauthorized,
        ),
        (403, r#"{"type":"error","error":{"type":"permission_error","message":"m"}}"#, Kind::Forbidden),
        (
            404,
            r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-nope"}}"#,
            Kind::UnknownModel,
        ),
        (413, r#"{"type":"error","error":{"type":"request_too_large","message":"m"}}"#, Kind::TooLarge),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 1000001 tokens > 1000000 maximum"}}"#,
            Kind::ContextExceeded,
        ),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"messages: roles must alternate"}}"#,
            Kind::BadRequest,
        ),
        (
            429,
            r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
            Kind::PayerBlocked,
        ),
        (
            400,
            r#"{"error":{"message":"Billing hard limit has been reached","type":"invalid_request_error","code":"billing_hard_limit_reached"}}"#,
            Kind::PayerBlocked,
        ),
        (429, r#"{"error":{"type":"usage_limit_reached","message":"m","plan_type":"plus"}}"#, Kind::PayerBlocked),
        (
            429,
            r#"{"error":{"message":"Rate limit reached","type":"tokens","code":"rate_limit_exceeded"}}"#,
            Kind::RateLimited,
        ),
        (
            401,
            r#"{"error":{"message":"Incorrect API key provided: sk-x","type":"invalid_request_error","code":"invalid_api_key"}}"#,
            Kind::Unauthorized,
        ),
        (
            404,
            r#"{"error":{"message":"The model `gpt-nope` does not exist","type":"invalid_request_error","code":"model_not_found"}}"#,
            Kind::UnknownModel,
        ),
        (
            403,
            r#"{"error":{"message":"Project does not have access to model","type":"invalid_request_error","code":"model_not_found"}}"#,
            Kind::UnknownModel,
        ),
        (
            400,
            r#"{"error":{"message":"Your input exceeds the context window of this model.","type":"invalid_request_error","code":"context_length_exceeded"}}"#,
            Kind::ContextExceeded,
        ),
        (503, r#"{"error":{"message":"m","type":"server_error","code":"slow_down"}}"#, Kind::Overloaded),
        (402, r#"{"error":{"code":402,"message":"Insufficient credits"}}"#, Kind::PayerBlocked),
        (
            402,
            r#"{"error":{"code":402,"message":"m","metadata":{"limit_source":"openrouter_in_flight_budget"}}}"#,
            Kind::RateLimited,
        ),
        (403, r#"{"error":{"code":403,"message":"Key limit exceeded (total limit)"}}"#, Kind::PayerBlocked),
        (404, r#"{"error":{"code":404,"message":"No endpoints found for x/y."}}"#, Kind::UnknownModel),
        (400, r#"{"error":{"code":400,"message":"x/y is not a valid model ID"}}"#, Kind::UnknownModel),
        (502, r#"{"error":{"code":502,"message":"Provider returned error"}}"#, Kind::Server),
        (
            400,
            r#"{"error":{"message":"Budget has been exceeded!","type":"budget_exceeded","code":"400"}}"#,
            Kind::PayerBlocked,
        ),
        (
            404,
            r#"{"error":{"message":"model \"x\" not found, try pulling it first","type":"not_found_error"}}"#,
            Kind::UnknownModel,
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}"#,
            Kind::ContextExceeded,
        ),
        (503, r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#, Kind::Overloaded),
        (
            400,
            r#"[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}]"#,
            Kind::Unauthorized,
        ),
        (
            429,
            r#"[{"error":{"code":429,"message":"You exceeded your current quota","status":"RESOURCE_EXHAUSTED"}}]"#,
            Kind::RateLimited,
        ),
        (
            404,
            r#"{"error":{"message":"No endpoints found matching your data policy (Free model training). Configure: https://openrouter.ai/settings/privacy","code":404}}"#,
            Kind::DataPolicy,
        ),
        (404, r#"{"error":{"message":"No endpoints found for a/x:free.","code":404}}"#, Kind::UnknownModel),
        (
            429,
            r#"{"error":{"message":"Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day","code":429,"metadata":{"headers":{"X-RateLimit-Limit":"50","X-RateLimit-Remaining":"0","X-RateLimit-Reset":"1764028800000"},"provider_name":null}}}"#,
            Kind::RateLimited,
        ),
        (404, "<!doctype html><title>Not Found</title>", Kind::BadRequest),
        (502, "<html><title>502</title>", Kind::Server),
        (408, "", Kind::Timeout),
        (409, "", Kind::Server),
        (422, "", Kind::BadRequest),
        (500, r#"{"error":{"message":"the spend limit service is down"}}"#, Kind::Server),
    ];

    #[test]
    fn each_documented_error_has_its_kind() {
        for (status, body, expected) in TABLE {
            let error = ErrorBody::of_bytes(body.as_bytes());
            assert_eq!(kind(Some(*status), &error), *expected, "{status} {body}");
        }
    }

    #[test]
    fn an_error_inside_a_stream_is_told_by_its_words() {
        for (body, expected) in [
            (r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, Kind::Overloaded),
            (r#"{"type":"error","code":"rate_limit_exceeded","message":"m","param":null}"#, Kind::RateLimited),
            (r#"{"error":{"code":502,"message":"Provider returned error"}}"#, Kind::Server),
            (r#"{"error":{"code":402,"message":"m"}}"#, Kind::PayerBlocked),
            (r#"{"type":"error","code":"invalid_prompt","message":"m"}"#, Kind::BadRequest),
            (r#"{"error":{"message":"something"}}"#, Kind::Server),
        ] {
            assert_eq!(kind(None, &ErrorBody::of_bytes(body.as_bytes())), expected, "{body}");
        }
    }

    #[test]
    fn a_limit_says_when_it_is_over_and_whom_it_binds() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let midnight: Timestamp = "2026-11-25T00:00:00Z".parse().unwrap();
        let day = TABLE.iter().find(|(_, body, _)| body.contains("free-models-per-day")).unwrap().1;
        let day = day.replace("1764028800000", &midnight.as_millisecond().to_string());
        let read = limit(&ErrorBody::of_bytes(day.as_bytes()), &LimitHeaders::default(), now);
        assert_eq!(read, LimitFacts { reset: Some(midnight), limit: Some(50), whole_account: true, daily: true });
        let upstream = ErrorBody::of_message("Provider returned error: x is temporarily rate-limited upstream");
        let read = limit(&upstream, &LimitHeaders { limit: Some("20".into()), reset: Some("30".into()) }, now);
        assert_eq!((read.reset, read.whole_account), (Some(now + SignedDuration::from_secs(30)), false));
        for nonsense in ["soon", "-1", "", "99999999999999999999"] {
            assert_eq!(moment(nonsense, now), None, "{nonsense}");
        }
        assert_eq!(moment("1795521600", now).unwrap().to_string(), "2026-11-24T12:00:00Z");
    }

    #[test]
    fn a_wait_named_in_words_is_read() {
        let wait = |text| wait_in_words(text).map(|wait| wait.as_millis());
        assert_eq!(wait("Rate limit reached. Please try again in 11.054s. Visit"), Some(11_054));
        assert_eq!(wait("Please try again in 350ms."), Some(350));
        assert_eq!(wait("try again in 6m0s"), None);
        assert_eq!(wait("try again in "), None);
        assert_eq!(wait("try again in .s"), None);
        assert_eq!(wait("slow down"), None);
    }
}
