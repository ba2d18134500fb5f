//! Whether a key works and whose it is: one free request.

use serde_json::Value;

use super::endpoint::Endpoint;
use super::error::CallError;
use super::outcome::Attempt;
use super::progress::Progress;
use super::redact;
use crate::base::secret::Secret;
use crate::net::http::{Client, Request};

/// More than any list of models.
const LARGEST_ANSWER: usize = 4 << 20;

/// What the provider says about a key that it accepts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyCheck {
    /// The organization header, where the provider sends one.
    pub organization: Option<String>,
    /// The provider's own name for the key or its account.
    pub account: Option<String>,
}

/// Asks for the list of models (OpenRouter: for the key itself), which costs nothing and needs the key.
///
/// # Errors
/// As for [`send`](super::send()): `Unauthorized` and `Forbidden` are the provider's no.
pub async fn check_key(client: &Client, endpoint: &Endpoint, secret: &Secret) -> Result<KeyCheck, CallError> {
    let progress = Progress::new();
    let mut attempt = Attempt::new(Some(secret), &progress);
    let (url, headers) = (endpoint.check_url(), endpoint.headers());
    let request = Request { url: &url, headers: &headers, credential: endpoint.credential(Some(secret)), body: None };
    let mut response = client.send(request, || {}).await.map_err(|e| attempt.no_answer(&e))?;
    attempt.read_headers(&response);
    if !(200..300).contains(&response.status()) {
        return Err(attempt.refused(&mut response).await);
    }
    let body = response.read_up_to(LARGEST_ANSWER).await;
    let Ok(answer) = serde_json::from_slice::<Value>(&body) else {
        return Err(attempt.not_json(&body));
    };
    let label = answer.pointer("/data/label").and_then(Value::as_str);
    Ok(KeyCheck {
        organization: attempt.facts.organization,
        account: label.map(|label| redact::message(label, Some(secret))).filter(|label| !label.is_empty()),
    })
}
