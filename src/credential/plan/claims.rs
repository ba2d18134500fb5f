//! What a token says of itself. The signature is not looked at: the token came from the service over TLS, and what is
//! read here is shown to people and used to tell when to renew, never to decide what somebody may do.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
const LARGEST: usize = 64 * 1024;
/// Longer values are no names.
const LONGEST: usize = 200;

/// The claims of an id or access token of ChatGPT's. Source: codex-rs/login/src/token_data.rs (2026-08).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    pub email: Option<String>,
    /// `plus`, `pro`, `team`, ...: whatever the service calls it.
    pub plan: Option<String>,
    /// The workspace that pays.
    pub account_id: Option<String>,
    pub user_id: Option<String>,
    pub is_fedramp: bool,
    /// Unix seconds by the service's clock.
    pub issued_at: Option<i64>,
    pub expires_at: Option<i64>,
}

impl Claims {
    /// Everything that can be read; nothing of a token that is none.
    #[must_use]
    pub fn of(token: &str) -> Self {
        let claims = payload(token).unwrap_or_default();
        let of_auth = |name: &str| text(claims.get("https://api.openai.com/auth")?.get(name)?);
        let of_profile = |name: &str| text(claims.get("https://api.openai.com/profile")?.get(name)?);
        Self {
            email: claims.get("email").and_then(text).or_else(|| of_profile("email")),
            plan: of_auth("chatgpt_plan_type"),
            account_id: of_auth("chatgpt_account_id"),
            user_id: of_auth("chatgpt_user_id").or_else(|| of_auth("user_id")),
            is_fedramp: claims["https://api.openai.com/auth"]["chatgpt_account_is_fedramp"] == true,
            issued_at: claims.get("iat").and_then(Value::as_i64),
            expires_at: claims.get("exp").and_then(Value::as_i64),
        }
    }
}

fn payload(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || payload.len() > LARGEST {
        return None;
    }
    serde_json::from_slice(&LENIENT.decode(payload).ok()?).ok()
}

fn text(value: &Value) -> Option<String> {
    let text = value.as_str()?.trim();
    let plain = !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control);
    plain.then(|| text.to_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    /// A token with these claims, as the service would sign it.
    pub(crate) fn token(claims: &Value) -> String {
        let part = |value: &Value| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.sig", part(&json!({"alg": "RS256"})), part(claims))
    }

    #[test]
    fn what_a_token_says_is_read_and_what_it_does_not_say_is_unknown() {
        let claims = Claims::of(&token(&json!({
            "email": "a@example.com", "iat": 1_000, "exp": 4_600,
            "https://api.openai.com/auth": {
                "chatgpt_plan_type": "prolite", "chatgpt_account_id": "acc-1", "user_id": "user-1",
            },
        })));
        assert_eq!((claims.email.as_deref(), claims.plan.as_deref()), (Some("a@example.com"), Some("prolite")));
        assert_eq!((claims.account_id.as_deref(), claims.user_id.as_deref()), (Some("acc-1"), Some("user-1")));
        assert_eq!((claims.issued_at, claims.expires_at, claims.is_fedramp), (Some(1_000), Some(4_600), false));
        let other = token(&json!({"https://api.openai.com/profile": {"email": "b@example.com"}}));
        assert_eq!(Claims::of(&other).email.as_deref(), Some("b@example.com"));
    }

    #[test]
    fn what_is_no_token_says_nothing() {
        let long = token(&json!({"email": "x".repeat(70_000)}));
        for bad in ["", "a.b", "a.b.c", "a.b.c.d", "a.e30", "..", &long, &token(&json!({"email": 7, "exp": "soon"}))] {
            assert_eq!(Claims::of(bad), Claims::default(), "{bad:.40}");
        }
        assert_eq!(Claims::of(&token(&json!({"email": "a\nb"}))).email, None);
    }
}
