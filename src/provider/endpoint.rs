//! Where a request goes: the address, the wire spoken there and how the credential is carried.

use crate::domain::path::{Auth, Wire};
use crate::domain::route::Route;

/// The address of a provider. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The name in the user's configuration.
    pub provider: String,
    pub wire: Wire,
    /// What the wire's own SDK takes as its base address, without a slash at its end.
    pub base_url: String,
    pub auth: Auth,
}

impl Endpoint {
    #[must_use]
    pub fn of(route: &Route) -> Self {
        Self {
            provider: route.provider.clone(),
            wire: route.wire,
            base_url: route.base_url.trim_end_matches('/').to_owned(),
            auth: route.auth,
        }
    }
}
