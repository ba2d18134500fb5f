//! Whose account a started `claude` will use: asked before the task is sent, and looked at again when it begins.
//!
//! Measured with claude 2.1.331 (2026-11-24). Its answer to `initialize` has an `account`:
//! - a setup-token in `CLAUDE_CODE_OAUTH_TOKEN`: `tokenSource: CLAUDE_CODE_OAUTH_TOKEN`, no `apiKeySource`;
//! - its own login with a plan: `subscriptionType: "Claude Max"`, neither of the two;
//! - a key in `ANTHROPIC_API_KEY`: `apiKeySource: ANTHROPIC_API_KEY`, also beside a token;
//! - a Console login: `apiKeySource: "/login managed key"`; a key helper: `tokenSource: apiKeyHelper`;
//! - `ANTHROPIC_AUTH_TOKEN`: `tokenSource: ANTHROPIC_AUTH_TOKEN`; a cloud: `apiProvider: bedrock`;
//! - nobody: `tokenSource: none`.
//!
//! `apiKeySource` of `system/init` is `none` for a plan, and also for `ANTHROPIC_AUTH_TOKEN` and for nobody: alone it
//! proves nothing, so both are looked at, and `verified` needs a `rate_limit_event` too, which only a plan gets.

use serde_json::Value;

use crate::domain::failure::{Failure, Status};
use crate::domain::route::CredentialRef;
use crate::engine::driven::failure as driven;

/// What `system/init` says of a plan.
pub(super) const PLAN_KEY_SOURCE: &str = "none";

/// The account must be the one of the route: the program's own login with a plan, or the token it was given.
pub(super) fn check(account: &Value, credential: &CredentialRef) -> Result<(), Failure> {
    let word = |name: &str| account[name].as_str().unwrap_or_default();
    let (token, key, provider, plan) =
        (word("tokenSource"), word("apiKeySource"), word("apiProvider"), word("subscriptionType"));
    if !matches!(key, "" | "none") {
        return Err(other_payer(&format!("it would use the key of {key}")));
    }
    if !matches!(provider, "" | "firstParty") {
        return Err(other_payer(&format!("it would go through {provider}")));
    }
    match (credential, token) {
        (CredentialRef::Login, "" | "claude.ai") if !plan.is_empty() => Ok(()),
        (CredentialRef::Stored { .. } | CredentialRef::Env { .. }, "CLAUDE_CODE_OAUTH_TOKEN") => Ok(()),
        (_, "" | "none") => {
            Err(Failure::new(Status::NoCredential, "not_logged_in", "claude is not logged in with a plan")
                .fix("claude auth login"))
        }
        (_, other) => Err(other_payer(&format!("it would use {other}"))),
    }
}

/// Exit 4: before a word of the task was sent.
pub(super) fn other_payer(why: &str) -> Failure {
    driven::other_payer("claude", why, "claude auth status")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_account_of_the_route_passes() {
        let login = CredentialRef::Login;
        let token = CredentialRef::Env { name: "T".into(), fingerprint: "x".into() };
        let code = |account: Value, credential: &CredentialRef| check(&account, credential).map_err(|f| f.exit_code());
        let plan = json!({"subscriptionType": "Claude Max", "apiProvider": "firstParty"});
        let given = json!({"tokenSource": "CLAUDE_CODE_OAUTH_TOKEN", "apiProvider": "firstParty"});
        assert_eq!(code(plan.clone(), &login), Ok(()));
        assert_eq!(code(given.clone(), &token), Ok(()));
        assert_eq!(code(plan, &token), Err(3));
        assert_eq!(code(given, &login), Err(4));
        for metered in [
            json!({"tokenSource": "none", "apiKeySource": "ANTHROPIC_API_KEY"}),
            json!({"tokenSource": "CLAUDE_CODE_OAUTH_TOKEN", "apiKeySource": "ANTHROPIC_API_KEY"}),
            json!({"tokenSource": "none", "apiKeySource": "/login managed key"}),
            json!({"tokenSource": "apiKeyHelper"}),
            json!({"tokenSource": "ANTHROPIC_AUTH_TOKEN"}),
            json!({"apiProvider": "bedrock"}),
            json!({"tokenSource": "something new", "subscriptionType": "Claude Max"}),
        ] {
            assert_eq!(code(metered.clone(), &login), Err(4), "{metered}");
            assert_eq!(code(metered.clone(), &token), Err(4), "{metered}");
        }
        assert_eq!(code(json!({"tokenSource": "none"}), &login), Err(3));
        assert_eq!(code(json!({}), &login), Err(3));
    }
}
