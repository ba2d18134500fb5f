//! Whether a key works and whose it is: one free request.

use super::endpoint::Endpoint;
use super::error::CallError;
use crate::base::secret::Secret;
use crate::net::http::Client;

/// What the provider says about a key that it accepts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyCheck {
    /// The organization header, where the provider sends one.
    pub organization: Option<String>,
    /// The provider's own name for the key or its account.
    pub account: Option<String>,
}

/// Asks for the list of models, which costs nothing and which every provider guards with the key.
///
/// # Errors
/// As for [`send`](super::send): `Unauthorized` and `Forbidden` are the provider's no.
pub async fn check_key(client: &Client, endpoint: &Endpoint, secret: &Secret) -> Result<KeyCheck, CallError> {
    let _ = (client, endpoint, secret);
    std::future::ready(()).await;
    Err(CallError::unsent("not built yet"))
}
