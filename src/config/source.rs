//! Where a value came from. Every setting carries this, so that each decision can be explained.

use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

/// A line of a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub file: Arc<PathBuf>,
    /// The file as people see it: `vk.toml`, `~/.config/vk/config.toml`.
    pub shown: Arc<str>,
    /// From 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.shown, self.line)
    }
}

/// The layer that a value came from, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    BuiltIn,
    /// The user's own `config.toml`.
    User(Place),
    /// The project's `vk.toml`, written by strangers.
    Project(Place),
    /// The user's `[projects."DIR"]`.
    Personal(Place),
    /// A variable by its name.
    Env(&'static str),
    /// A flag as it is typed: `--path`.
    Flag(&'static str),
}

/// The layers, lowest first: a value of a higher layer replaces one of a lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    BuiltIn,
    User,
    Project,
    Personal,
    Env,
    Flag,
}

impl Source {
    #[must_use]
    pub const fn layer(&self) -> Layer {
        match self {
            Self::BuiltIn => Layer::BuiltIn,
            Self::User(_) => Layer::User,
            Self::Project(_) => Layer::Project,
            Self::Personal(_) => Layer::Personal,
            Self::Env(_) => Layer::Env,
            Self::Flag(_) => Layer::Flag,
        }
    }

    #[must_use]
    pub const fn is_project(&self) -> bool {
        matches!(self, Self::Project(_))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.pad("built in"),
            Self::User(place) | Self::Project(place) | Self::Personal(place) => f.pad(&place.to_string()),
            Self::Env(name) | Self::Flag(name) => f.pad(name),
        }
    }
}

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced<T> {
    pub value: T,
    pub source: Source,
}

impl<T> Sourced<T> {
    pub const fn new(value: T, source: Source) -> Self {
        Self { value, source }
    }

    pub const fn built_in(value: T) -> Self {
        Self::new(value, Source::BuiltIn)
    }

    pub const fn layer(&self) -> Layer {
        self.source.layer()
    }
}

impl<T> Deref for Sourced<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}
