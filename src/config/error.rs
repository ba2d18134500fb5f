//! What can be wrong with configuration, told with file, line, column, the line itself and what to write instead.

use std::io;
use std::path::PathBuf;

use crate::domain::failure::Failure;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file says something that vk does not take.
    #[error(transparent)]
    Wrong(Box<Wrong>),
    /// A file is there and cannot be taken.
    #[error("{shown} cannot be read")]
    Read { shown: String, source: io::Error },
    #[error("{shown} cannot be written")]
    Write { shown: String, source: io::Error },
    /// A variable or a flag says something that vk does not take.
    #[error("{origin}: {what}")]
    Given { origin: &'static str, what: String, fix: Option<String> },
    /// One of vk's folders cannot be trusted.
    #[error("{what}")]
    Folder { what: String, why: String, fix: Vec<String> },
    /// vk's own record of trusted projects is damaged.
    #[error("the record of trusted projects is damaged: {0}")]
    TrustRecord(PathBuf, String),
}

/// A wrong line of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct Wrong {
    pub code: &'static str,
    /// `vk.toml:3:1`.
    pub place: String,
    /// What is wrong and what was expected, in one sentence.
    pub what: String,
    /// The line with a caret under it.
    pub excerpt: String,
    /// Why vk does not take it, where that is not plain.
    pub why: Option<String>,
    /// What to write instead, in words.
    pub instead: Vec<String>,
    /// Commands to type, the last one opening the file.
    pub fix: Vec<String>,
}

impl Wrong {
    pub(super) fn why(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    pub(super) fn instead(mut self, words: impl Into<String>) -> Self {
        self.instead.push(words.into());
        self
    }

    /// A command that is typed before the file is mended.
    pub(super) fn first(mut self, command: impl Into<String>) -> Self {
        self.fix.insert(0, command.into());
        self
    }
}

impl From<Wrong> for ConfigError {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(Box::new(wrong))
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let what = error.to_string();
        let (code, why, fix) = match error {
            ConfigError::Wrong(wrong) => {
                let why: Vec<String> = [wrong.excerpt].into_iter().chain(wrong.why).chain(wrong.instead).collect();
                (wrong.code, why.join("\n"), wrong.fix)
            }
            ConfigError::Read { shown, source } => {
                ("config_unreadable", source.to_string(), vec![format!("ls -ld {shown}")])
            }
            ConfigError::Write { shown, source } => {
                ("config_unwritable", source.to_string(), vec![format!("ls -ld {shown}")])
            }
            ConfigError::Given { fix, .. } => {
                return fix.into_iter().fold(Self::usage("bad_value", what), Self::fix);
            }
            ConfigError::Folder { why, fix, .. } => ("folder_refused", why, fix),
            ConfigError::TrustRecord(path, why) => {
                let fix = format!("rm {}    # vk then asks about each project again", path.display());
                ("trust_record", why, vec![fix])
            }
        };
        fix.into_iter().fold(Self::usage(code, what).why(why), Self::fix)
    }
}

/// The nearest of `known` to `word`, if any is near enough to have been meant.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `; did you mean "provider"?`, or nothing.
pub(super) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_words_are_suggested() {
        assert_eq!(nearest("provder", ["path", "provider"]), Some("provider"));
        assert_eq!(nearest("Path", ["path", "provider"]), Some("path"));
        assert_eq!(nearest("byokk", ["byok", "free"]), Some("byok"));
        assert_eq!(nearest("subscribtion", ["subscription", "platform"]), Some("subscription"));
        assert_eq!(nearest("xyz", ["path", "provider", "key"]), None);
    }
}
