//! Logging in: a browser goes to the service, a code comes back to this machine, and the code becomes a credential.
//! What is stored afterwards, and under which name, is the vault's matter.

pub mod callback;
pub mod openrouter;
pub mod pasted;
mod peer;
mod secrets;

pub use callback::{Expected, Listener};
pub use secrets::{Code, Pkce, unguessable};
