//! Which database, and how it is entered.

use std::path::PathBuf;

use crate::base::secret::Secret;
use crate::config::Database;

/// A team's database with what it takes to enter it.
#[derive(Clone, Debug)]
pub struct Server {
    pub database: Database,
    pub password: Option<Secret>,
    /// The certificates of who may vouch for it, in place of the system's. Another machine is never spoken to without.
    pub certificates: Option<PathBuf>,
    /// What is typed where the database refuses the role or its password.
    pub password_fix: String,
}

impl Server {
    /// A database that asks for no password: for tests, and where the network vouches for the role.
    #[must_use]
    pub fn open_to_all(database: Database) -> Self {
        Self { database, password: None, certificates: None, password_fix: "vk doctor".to_owned() }
    }
}
