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

/// The provider's name of a Codex plan.
pub const CODEX: &str = "codex";
/// The provider's name of a Claude plan.
pub const CLAUDE: &str = "claude";
