//! The one HTTP client.

use crate::base::env::Env;

/// Why a request could not be made or its answer not read.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    #[error("{name} is not a proxy address: {why}")]
    BadProxy { name: &'static str, why: String },
}

#[derive(Debug)]
pub struct Client {}

impl Client {
    /// # Errors
    /// A proxy variable that is not an address.
    pub fn new(env: &Env) -> Result<Self, NetError> {
        let _ = env;
        Ok(Self {})
    }

    /// What people are told about the way out: the proxy and the certificates they set, if any.
    #[must_use]
    pub fn proxy_note(&self) -> Option<String> {
        let _ = self;
        None
    }
}
