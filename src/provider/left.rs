//! What a gateway's account has left, as the gateway itself says: free requests that need only the key.
//!
//! Sources: openrouter.ai/docs, limits and the API reference of `/key` and `/credits` (2026-10); LiteLLM's proxy
//! documentation of virtual keys, `/key/info` (2026-10).

use std::time::Duration;

use serde_json::Value;

use super::endpoint::{Endpoint, Gateway};
use super::reported;
use crate::base::money::Usd;
use crate::base::secret::Secret;
use crate::net::http::{Client, Request};

/// Nobody waits longer for a figure that is only shown.
const PATIENCE: Duration = Duration::from_secs(3);
const LARGEST_ANSWER: usize = 64 << 10;

/// What may still be used with a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// In USD: the least of the account's credits and the key's own limit, where the gateway tells both. Negative
    /// after an overdraft, `None` where nothing is known to limit it.
    pub credits: Option<Usd>,
    /// Of today's requests to models at $0.
    pub free_requests: Option<FreeRequests>,
}

/// Requests to models at $0 on this UTC day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreeRequests {
    pub left: u64,
    pub limit: u64,
}

/// Asks what is left. `None` where the gateway has no such question, does not answer it in three seconds, or has
/// nothing to say: a figure that is shown beside a task is never a reason not to run it.
pub async fn left(client: &Client, endpoint: &Endpoint, secret: &Secret) -> Option<Left> {
    let root = endpoint.root();
    let left = match endpoint.gateway()? {
        Gateway::OpenRouter => {
            let (key, credits) = (format!("{root}/key"), format!("{root}/credits"));
            let asked = futures_util::future::join(
                answer(client, endpoint, secret, &key),
                answer(client, endpoint, secret, &credits),
            );
            let (key, credits) = asked.await;
            openrouter(key.as_ref(), credits.as_ref())
        }
        Gateway::LiteLlm => {
            let root = root.strip_suffix("/v1").unwrap_or(&root);
            litellm(&answer(client, endpoint, secret, &format!("{root}/key/info")).await?)
        }
    };
    (left != Left::default()).then_some(left)
}

async fn answer(client: &Client, endpoint: &Endpoint, secret: &Secret, url: &str) -> Option<Value> {
    let (headers, credential) = (endpoint.headers(), endpoint.credential(Some(secret)));
    let asked = async {
        let mut response = client.send(Request { url, headers: &headers, credential, body: None }, || {}).await.ok()?;
        let body = (200..300).contains(&response.status()).then_some(response.read_up_to(LARGEST_ANSWER))?;
        serde_json::from_slice(&body.await).ok()
    };
    tokio::time::timeout(PATIENCE, asked).await.ok()?
}

/// `/credits` is the account's and not every key may ask it; `/key` is the key's own limit.
fn openrouter(key: Option<&Value>, credits: Option<&Value>) -> Left {
    let of = |answer: Option<&Value>, field: &str| reported::balance(answer?.pointer(&format!("/data/{field}"))?);
    let bought = of(credits, "total_credits").zip(of(credits, "total_usage")).map(|(bought, used)| bought - used);
    let limit = of(key, "limit_remaining");
    let count = |field: &str| key?.pointer(&format!("/data/free_model_daily_requests/{field}"))?.as_u64();
    Left {
        credits: [bought, limit].into_iter().flatten().min(),
        free_requests: count("remaining").zip(count("limit")).map(|(left, limit)| FreeRequests { left, limit }),
    }
}

/// A virtual key's own budget; a key without one is limited by nothing that it may ask for.
fn litellm(answer: &Value) -> Left {
    let of = |field: &str| reported::balance(answer.pointer(&format!("/info/{field}"))?);
    Left { credits: of("max_budget").zip(of("spend")).map(|(budget, spent)| budget - spent), free_requests: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_lesser_of_credits_and_the_keys_limit_is_left() {
        let key = |remaining: Value| {
            json!({"data": {"label": "sk-or-v1-au7...890", "limit": 100, "limit_remaining": remaining, "usage": 25.5,
                "is_free_tier": false, "free_model_daily_requests": {"limit": 1000, "remaining": 958, "used": 42}}})
        };
        let credits = json!({"data": {"total_credits": 50.0, "total_usage": 42.000_000_001}});
        let left = openrouter(Some(&key(json!(74.5))), Some(&credits));
        assert_eq!(left.credits, Some(Usd::from_nanos(7_999_999_999)));
        assert_eq!(left.free_requests, Some(FreeRequests { left: 958, limit: 1_000 }));
        assert_eq!(openrouter(Some(&key(json!(2))), Some(&credits)).credits, Some(Usd::from_cents(200)));
        assert_eq!(openrouter(Some(&key(json!(null))), Some(&credits)).credits, Some(Usd::from_nanos(7_999_999_999)));
        assert_eq!(openrouter(Some(&key(json!(null))), None).credits, None);
        let overdrawn = json!({"data": {"total_credits": 5, "total_usage": 5.25}});
        assert_eq!(openrouter(None, Some(&overdrawn)).credits, Some(Usd::from_cents(-25)));
        assert_eq!(openrouter(Some(&json!("?")), Some(&json!({"data": []}))), Left::default());
    }

    #[test]
    fn a_virtual_keys_budget_is_what_is_left() {
        let info = |budget: Value| json!({"key": "88dc", "info": {"spend": 1.25, "max_budget": budget}});
        assert_eq!(litellm(&info(json!(10.0))).credits, Some(Usd::from_cents(875)));
        assert_eq!(litellm(&info(json!(null))), Left::default());
    }
}
