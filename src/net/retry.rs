//! Whether to try again, and after how long: the rules of the vendors' SDKs as a pure function.
//!
//! Source: anthropic 2.12.0 and openai 3.54.0 (Python): two retries on connection errors, time-outs, 408, 409, 429
//! and 500 and above; `x-should-retry` wins; `retry-after-ms`, then `retry-after` in seconds or as an HTTP date,
//! else 0.5 s doubling to 8 s, less up to a quarter. A provider that asks for more than a minute is not waited for.

use std::time::Duration;

use jiff::Timestamp;

/// Retries after the first attempt.
pub const RETRIES: u32 = 2;
/// The longest wait that a provider may ask for.
pub const LONGEST_WAIT: Duration = Duration::from_mins(1);

const FIRST_WAIT_MS: u64 = 500;
const LONGEST_BACKOFF_MS: u64 = 8_000;

/// Why the attempt failed, as far as trying again is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A connection error, a time-out, an interrupted stream, an overloaded or limiting server.
    Passing,
    /// Trying again cannot help or must not happen: a payer that cannot pay, a refused credential.
    Final,
    /// Only the HTTP status says.
    ByStatus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    pub cause: Cause,
    pub status: Option<u16>,
    pub should_retry: Option<bool>,
    pub retry_after: Option<Duration>,
}

/// The wait before the next attempt, after `retries` retries were made already; `None` is "give up".
/// `random` is any number, uniformly drawn; it decides the jitter.
#[must_use]
pub fn next(facts: &Facts, retries: u32, random: u32) -> Option<Duration> {
    if retries >= RETRIES || !may_retry(facts) {
        return None;
    }
    match facts.retry_after {
        Some(wait) if wait > LONGEST_WAIT => None,
        Some(wait) if !wait.is_zero() => Some(wait),
        _ => Some(backoff(retries, random)),
    }
}

fn may_retry(facts: &Facts) -> bool {
    match (facts.cause, facts.should_retry) {
        (Cause::Final, _) | (_, Some(false)) => false,
        (_, Some(true)) | (Cause::Passing, None) => true,
        (Cause::ByStatus, None) => facts.status.is_some_and(|status| matches!(status, 408 | 409 | 429 | 500..)),
    }
}

/// 0.5 s doubled for each retry made, 8 s at most, less up to a quarter.
fn backoff(retries: u32, random: u32) -> Duration {
    let whole = FIRST_WAIT_MS.saturating_mul(1 << retries.min(8)).min(LONGEST_BACKOFF_MS);
    let off = (whole / 4).saturating_mul(u64::from(random)) / u64::from(u32::MAX);
    Duration::from_millis(whole - off)
}

/// A number for the jitter; zero where the system gives none, which only makes the wait the longest one.
#[must_use]
pub fn random() -> u32 {
    getrandom::u32().unwrap_or(0)
}

/// What the headers ask for: `retry-after-ms`, else `retry-after` as seconds or as an HTTP date.
#[must_use]
pub fn asked_wait(retry_after_ms: Option<&str>, retry_after: Option<&str>, now: Timestamp) -> Option<Duration> {
    if let Some(ms) = retry_after_ms.and_then(|text| text.trim().parse::<f64>().ok()).and_then(millis) {
        return Some(ms);
    }
    let text = retry_after?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return millis(seconds * 1000.0);
    }
    let at = httpdate::parse_http_date(text).ok()?;
    let at = Timestamp::try_from(at).ok()?;
    let wait = at.duration_since(now);
    Some(Duration::try_from(wait).unwrap_or(Duration::ZERO))
}

fn millis(ms: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(ms / 1000.0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn passing() -> Facts {
        Facts { cause: Cause::Passing, status: None, should_retry: None, retry_after: None }
    }

    #[test]
    fn waits_double_and_lose_at_most_a_quarter() {
        assert_eq!(next(&passing(), 0, 0), Some(Duration::from_millis(500)));
        assert_eq!(next(&passing(), 0, u32::MAX), Some(Duration::from_millis(375)));
        assert_eq!(next(&passing(), 1, 0), Some(Duration::from_secs(1)));
        assert_eq!(next(&passing(), 2, 0), None);
        assert_eq!(backoff(40, 0), Duration::from_secs(8));
    }

    #[test]
    fn the_providers_own_word_wins_both_ways_but_never_over_a_final_cause() {
        let bad = Facts { cause: Cause::ByStatus, status: Some(400), ..passing() };
        assert_eq!(next(&bad, 0, 0), None);
        assert!(next(&Facts { should_retry: Some(true), ..bad }, 0, 0).is_some());
        assert_eq!(next(&Facts { should_retry: Some(false), ..passing() }, 0, 0), None);
        assert_eq!(next(&Facts { cause: Cause::Final, should_retry: Some(true), ..passing() }, 0, 0), None);
    }

    #[test]
    fn only_these_statuses_are_tried_again() {
        for status in 100..=599 {
            let facts = Facts { cause: Cause::ByStatus, status: Some(status), ..passing() };
            let expected = matches!(status, 408 | 409 | 429) || status >= 500;
            assert_eq!(next(&facts, 0, 0).is_some(), expected, "{status}");
        }
    }

    #[test]
    fn an_asked_wait_is_kept_up_to_a_minute_and_given_up_beyond() {
        let asked = |secs| Facts { retry_after: Some(Duration::from_secs(secs)), ..passing() };
        assert_eq!(next(&asked(60), 0, 0), Some(Duration::from_mins(1)));
        assert_eq!(next(&asked(61), 0, 0), None);
        assert_eq!(next(&asked(0), 0, 0), Some(Duration::from_millis(500)));
    }

    #[test]
    fn headers_give_milliseconds_seconds_or_a_date() {
        let now: Timestamp = "2026-11-25T08:49:37Z".parse().unwrap();
        let asked = |ms, after| asked_wait(ms, after, now);
        assert_eq!(asked(Some("1500"), Some("9")), Some(Duration::from_millis(1500)));
        assert_eq!(asked(None, Some("2.5")), Some(Duration::from_millis(2500)));
        assert_eq!(asked(None, Some("Wed, 25 Nov 2026 08:49:50 GMT")), Some(Duration::from_secs(13)));
        assert_eq!(asked(None, Some("Wed, 25 Nov 2026 08:40:00 GMT")), Some(Duration::ZERO));
        assert_eq!(asked(Some("soon"), Some("later")), None);
        assert_eq!(asked(Some("-5"), None), None);
        assert_eq!(asked(None, Some("1e300")), None);
        assert_eq!(asked(None, Some("NaN")), None);
        assert_eq!(asked(None, None), None);
    }

    proptest! {
        #[test]
        fn a_wait_is_never_longer_than_a_minute(secs in 0_u64..10_000, retries in 0_u32..5, random: u32) {
            let facts = Facts { retry_after: Some(Duration::from_secs(secs)), ..passing() };
            prop_assert!(next(&facts, retries, random).is_none_or(|wait| wait <= LONGEST_WAIT));
        }
    }
}
