//! Logins to plans: the tokens of a Codex login, how they are got, kept and renewed, and the token that
//! `claude setup-token` prints. Who may use which of them is decided elsewhere.

mod claims;
pub mod codex;
pub mod quota;
mod record;
mod refresh;
pub mod setup_token;

pub use claims::Claims;
pub use record::{Given, Tokens};
pub use refresh::{Access, Want, codex_access, settle};

use crate::config::{Settings, Source};

/// Where Codex logins are made and used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The identity server: the service's own, or the one that the user's configuration names.
    pub issuer: String,
    /// Where the access token is sent. Beside another identity server, unless the configuration says otherwise.
    pub base_url: String,
}

impl Service {
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let issuer = settings.codex_issuer.as_ref().map(|issuer| issuer.value.clone());
        // What is built in is no more than the default.
        let named = settings.providers.get(CODEX).map(|provider| &provider.base_url);
        let named = named.filter(|address| address.source != Source::BuiltIn).map(|address| address.value.clone());
        let beside = issuer.as_ref().map(|issuer| format!("{issuer}/backend-api"));
        Self {
            base_url: named.or(beside).unwrap_or_else(|| codex::BACKEND.to_owned()),
            issuer: issuer.unwrap_or_else(|| codex::ISSUER.to_owned()),
        }
    }
}

/// The provider's name of a Codex plan.
pub const CODEX: &str = "codex";
/// The provider's name of a Claude plan.
pub const CLAUDE: &str = "claude";
