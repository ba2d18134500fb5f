//! The tokens of one login as they are kept: whole, in one entry of the store, with what is needed to tell whether
//! they are the newest and how long they last.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Serialize};

use super::claims::Claims;
use crate::base::secret::{Secret, sha256_hex};

/// Renewed when less than this is left. Source: codex-rs/login/src/auth/manager.rs (2026-08).
pub(super) const RENEW_BEFORE: SignedDuration = SignedDuration::from_mins(5);
/// How long a token that says nothing of its end is taken to last, as there.
const UNSAID: SignedDuration = SignedDuration::from_hours(24 * 8);
/// A token that lasts longer than this says something else than its end.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 400);

/// The tokens of a login, and whose it is.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub access: Secret,
    pub refresh: Secret,
    pub id: Option<Secret>,
    pub account_id: Option<String>,
    pub user_id: Option<String>,
    pub email: Option<String>,
    pub plan: Option<String>,
    pub is_fedramp: bool,
    /// The identity server that renews them, and no other.
    pub issuer: String,
    /// Which login this is: made from whose it is, and the same whatever tokens it has at the moment.
    pub fingerprint: String,
    /// When the person logged in: tells apart two logins of one person.
    pub login_at: Timestamp,
    /// How often they were replaced, logins of the same label included.
    pub generation: u64,
    /// By this machine's clock.
    pub obtained_at: Timestamp,
    /// By this machine's clock: it may be off by hours, and is then off in both.
    pub expires_at: Timestamp,
}

/// What a token endpoint gave.
#[derive(Debug, Default)]
pub struct Given {
    pub access: Option<Secret>,
    pub refresh: Option<Secret>,
    pub id: Option<Secret>,
    /// Seconds, where the answer says so.
    pub expires_in: Option<i64>,
    /// The service's clock, where the answer shows it.
    pub server_time: Option<Timestamp>,
}

impl Tokens {
    /// The tokens of a new login; `None` if the answer lacks one that is needed.
    #[must_use]
    pub fn of_login(given: Given, issuer: &str, now: Timestamp) -> Option<Self> {
        let (access, refresh) = (given.access.clone()?, given.refresh.clone()?);
        let blank = Self {
            access,
            refresh,
            id: None,
            account_id: None,
            user_id: None,
            email: None,
            plan: None,
            is_fedramp: false,
            issuer: issuer.to_owned(),
            fingerprint: String::new(),
            login_at: now,
            generation: 0,
            obtained_at: now,
            expires_at: now,
        };
        let tokens = blank.with(given, now);
        let who = match (&tokens.account_id, &tokens.user_id, &tokens.email) {
            (None, None, None) => tokens.refresh.fingerprint(),
            (account, user, email) => format!("{account:?} {user:?} {}", email.as_deref().unwrap_or_default()),
        };
        let fingerprint = sha256_hex(format!("{issuer} {who}").as_bytes()).chars().take(8).collect();
        Some(Self { fingerprint, ..tokens })
    }

    /// The next generation: what the answer gave in place of what there was.
    pub(crate) fn with(&self, given: Given, now: Timestamp) -> Self {
        let mut next = self.clone();
        next.generation = self.generation + 1;
        if let Some(access) = given.access {
            next.obtained_at = now;
            next.expires_at = now + lifetime(access.expose(), given.expires_in, given.server_time);
            next.access = access;
        }
        next.refresh = given.refresh.unwrap_or(next.refresh);
        next.id = given.id.or(next.id);
        let of_id = next.id.as_ref().map(|id| Claims::of(id.expose())).unwrap_or_default();
        let of_access = Claims::of(next.access.expose());
        let first = |one: Option<String>, other: Option<String>, last: Option<String>| one.or(other).or(last);
        // Who pays was shown at the login and stays; what the plan is called may change.
        next.account_id = first(next.account_id, of_id.account_id, of_access.account_id);
        next.user_id = first(next.user_id, of_id.user_id, of_access.user_id);
        next.email = first(of_id.email, of_access.email, next.email);
        next.plan = first(of_id.plan, of_access.plan, next.plan);
        next.is_fedramp = of_id.is_fedramp || of_access.is_fedramp;
        next
    }

    /// Whether the access token is good for a while yet. A clock that was set back says nothing: the service will.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.obtained_at || self.expires_at.duration_since(now) > RENEW_BEFORE
    }

    /// Whether the access token still works, if the clock is right.
    pub(super) fn still_works(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let kept = Kept {
            v: 1,
            access_token: self.access.expose(),
            refresh_token: self.refresh.expose(),
            id_token: self.id.as_ref().map(Secret::expose),
            account_id: self.account_id.as_deref().map(Cow::Borrowed),
            user_id: self.user_id.as_deref().map(Cow::Borrowed),
            email: self.email.as_deref().map(Cow::Borrowed),
            plan: self.plan.as_deref().map(Cow::Borrowed),
            is_fedramp: self.is_fedramp,
            issuer: Cow::Borrowed(&self.issuer),
            fingerprint: Cow::Borrowed(&self.fingerprint),
            login_at: self.login_at,
            generation: self.generation,
            obtained_at: self.obtained_at,
            expires_at: self.expires_at,
        };
        // Room at once: growing would leave copies behind that nobody wipes.
        let size = kept.access_token.len() + kept.refresh_token.len() + kept.id_token.map_or(0, str::len);
        let mut bytes = Zeroizing::new(Vec::with_capacity(2 * size + 2_048));
        // Plain strings and numbers always serialise.
        let _ = serde_json::to_writer(&mut *bytes, &kept);
        bytes
    }

    pub(crate) fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let kept: Kept<'_> = serde_json::from_slice(bytes).ok()?;
        (kept.v == 1).then(|| Self {
            access: Secret::new(kept.access_token),
            refresh: Secret::new(kept.refresh_token),
            id: kept.id_token.map(Secret::new),
            account_id: kept.account_id.map(Cow::into_owned),
            user_id: kept.user_id.map(Cow::into_owned),
            email: kept.email.map(Cow::into_owned),
            plan: kept.plan.map(Cow::into_owned),
            is_fedramp: kept.is_fedramp,
            issuer: kept.issuer.into_owned(),
            fingerprint: kept.fingerprint.into_owned(),
            login_at: kept.login_at,
            generation: kept.generation,
            obtained_at: kept.obtained_at,
            expires_at: kept.expires_at,
        })
    }
}

/// The entry. Its tokens are borrowed, so that nothing of them is copied where it is not wiped; [`is_token`] keeps out
/// what JSON would have to escape.
#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    v: u32,
    access_token: &'a str,
    refresh_token: &'a str,
    id_token: Option<&'a str>,
    account_id: Option<Cow<'a, str>>,
    user_id: Option<Cow<'a, str>>,
    email: Option<Cow<'a, str>>,
    plan: Option<Cow<'a, str>>,
    is_fedramp: bool,
    issuer: Cow<'a, str>,
    fingerprint: Cow<'a, str>,
    login_at: Timestamp,
    generation: u64,
    obtained_at: Timestamp,
    expires_at: Timestamp,
}

/// Whether a text may be kept and sent as a token.
#[must_use]
pub(super) fn is_token(text: &str) -> bool {
    (1..=16 * 1024).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\'))
}

/// How long a token lasts, from the service's own two times wherever it can be told: this machine's clock may be wrong.
fn lifetime(access: &str, expires_in: Option<i64>, server_time: Option<Timestamp>) -> SignedDuration {
    let claims = Claims::of(access);
    let from = claims.issued_at.or_else(|| server_time.map(Timestamp::as_second));
    let said = expires_in.or_else(|| claims.expires_at?.checked_sub(from?)).map(SignedDuration::from_secs);
    said.map_or(UNSAID, |said| said.clamp(SignedDuration::ZERO, LONGEST))
}

#[cfg(test)]
mod tests {
    use super::super::claims::tests::token;
    use super::*;
    use serde_json::json;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn given(claims: &serde_json::Value) -> Given {
        Given {
            access: Some(Secret::new(token(claims))),
            refresh: Some(Secret::new("refresh-canary")),
            ..Given::default()
        }
    }

    #[test]
    fn the_clock_of_this_machine_may_be_off_by_hours() {
        // The service says 1 h; this machine's clock is 9 h ahead, then 9 h behind.
        let claims = json!({"iat": 1_000_000, "exp": 1_003_600});
        for now in [1_000_000, 1_032_400, 967_600] {
            let tokens = Tokens::of_login(given(&claims), "i", at(now)).unwrap();
            assert_eq!(tokens.expires_at, at(now + 3_600));
            assert!(tokens.is_fresh(at(now + 3_299)) && !tokens.is_fresh(at(now + 3_300)));
            assert!(tokens.still_works(at(now + 3_599)) && !tokens.still_works(at(now + 3_600)));
            // Set back after the login: nothing is known, and nothing is renewed for it.
            assert!(tokens.is_fresh(at(now - 40_000)));
        }
        let no_start = Given { server_time: Some(at(1_000_000)), ..given(&json!({"exp": 1_003_600})) };
        assert_eq!(Tokens::of_login(no_start, "i", at(5)).unwrap().expires_at, at(3_605));
        let said = Given { expires_in: Some(600), ..given(&claims) };
        assert_eq!(Tokens::of_login(said, "i", at(0)).unwrap().expires_at, at(600));
        let nothing = given(&json!({}));
        assert_eq!(Tokens::of_login(nothing, "i", at(0)).unwrap().expires_at, at(8 * 86_400));
        let absurd = Given { expires_in: Some(i64::MAX), ..given(&json!({})) };
        assert_eq!(Tokens::of_login(absurd, "i", at(0)).unwrap().expires_at, at(400 * 86_400));
    }

    #[test]
    fn a_renewal_keeps_what_it_does_not_bring_and_whose_it_is() {
        let auth = |plan: &str| json!({"https://api.openai.com/auth": {"chatgpt_plan_type": plan, "chatgpt_account_id": "a1"}});
        let first = Given { id: Some(Secret::new(token(&auth("plus")))), ..given(&json!({})) };
        let first = Tokens::of_login(first, "i", at(0)).unwrap();
        assert_eq!((first.generation, first.plan.as_deref()), (1, Some("plus")));
        let renewed = first.with(Given { access: Some(Secret::new(token(&auth("pro")))), ..Given::default() }, at(10));
        assert_eq!(renewed.generation, 2);
        assert_eq!(renewed.refresh.expose(), "refresh-canary");
        assert_eq!((&renewed.fingerprint, renewed.login_at), (&first.fingerprint, first.login_at));
        let moved = renewed.with(
            Given {
                id: Some(Secret::new(token(&auth("pro").to_string().replace("a1", "a2").parse().unwrap()))),
                ..Given::default()
            },
            at(20),
        );
        assert_eq!((moved.account_id.as_deref(), &moved.fingerprint), (Some("a1"), &first.fingerprint));
        let back = Tokens::of_bytes(&renewed.to_bytes()).unwrap();
        assert_eq!(back.to_bytes(), renewed.to_bytes());
        assert!(!format!("{back:?}").contains("canary"));
        assert!(Tokens::of_bytes(b"{}").is_none());
    }
}
