//! The trust a project file needs before what it chooses is used.

/// Whether what `vk.toml` chooses may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Nothing in use comes from a `vk.toml`.
    NotNeeded,
    Trusted,
    Needed(Needed),
}

/// What a person is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// What `--trust` takes.
    pub hash: String,
    /// Each choice, verbatim.
    pub what: Vec<String>,
    /// Whether this project was trusted before, with other values.
    pub changed: bool,
}
