//! What a budget limits: whose spending is added up, and how often it begins anew. Amounts, and where they were
//! written, are the configuration's and the ledger's.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Serialize;

use super::path::{PayPath, UnknownWord};
use crate::base::clock::Window;

/// How often a budget begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    Task,
    /// A calendar day in UTC, as the others are calendar windows in UTC.
    Day,
    Week,
    Month,
}

impl Per {
    pub const ALL: [Self; 4] = [Self::Task, Self::Day, Self::Week, Self::Month];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// `None` for a task, whose budget lasts as long as it does.
    #[must_use]
    pub const fn window(self) -> Option<Window> {
        match self {
            Self::Task => None,
            Self::Day => Some(Window::Day),
            Self::Week => Some(Window::Week),
            Self::Month => Some(Window::Month),
        }
    }
}

impl fmt::Display for Per {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Per {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|per| per.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned(), "task, day, week, month"))
    }
}

/// Whose spending a budget adds up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// Everything.
    All,
    /// The project at hand.
    Project,
    /// Another project, by its folder.
    Folder(PathBuf),
    Path(PayPath),
    /// A stored key, by its provider and label.
    Key {
        provider: String,
        label: String,
    },
}

/// `in all projects`, `on path byok`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("in all projects"),
            Self::Project => f.write_str("in this project"),
            Self::Folder(folder) => write!(f, "in project {}", folder.display()),
            Self::Path(path) => write!(f, "on path {path}"),
            Self::Key { provider, label } => write!(f, "with key {provider}/{label}"),
        }
    }
}
