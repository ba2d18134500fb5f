//! `[free]`: which models under which nobody pays, in which order, and whether they may train on what they are sent.
//! A project may write the pool; whether prompts may be trained on is never a stranger's to say.

use std::fmt;

use globset::{GlobBuilder, GlobMatcher};

use super::document::{Entry, Reason, Refused};
use super::error::ConfigError;
use super::names;
use super::source::Sourced;

/// More would be no pool but a way to hide something in what a person is asked to read.
const MOST_ENTRIES: usize = 32;

/// What the layers say of the free path.
#[derive(Clone, Debug, PartialEq)]
pub struct FreeSettings {
    /// The members in the order they are tried; `None` is every free model of the provider that is chosen.
    pub pool: Option<Sourced<Pool>>,
    /// Whether models that train on or publish prompts may be used in every project. One project is allowed by a
    /// person's answer, which is kept beside the ledger.
    pub allow_training: Sourced<bool>,
}

/// The globs of a pool, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool(pub Vec<PoolEntry>);

/// `openrouter/*:free`: a provider by its name, and its models by a glob in which `*` goes over slashes.
#[derive(Clone, Debug)]
pub struct PoolEntry {
    pub provider: String,
    pub pattern: String,
    glob: GlobMatcher,
}

impl PoolEntry {
    /// `None` where the text is no entry.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (provider, pattern) = text.split_once('/')?;
        if !names::is_provider(provider) || !names::is_model(pattern) {
            return None;
        }
        let glob = GlobBuilder::new(pattern).literal_separator(false).build().ok()?.compile_matcher();
        Some(Self { provider: provider.to_owned(), pattern: pattern.to_owned(), glob })
    }

    #[must_use]
    pub fn matches(&self, provider: &str, id: &str) -> bool {
        self.provider == provider && (self.pattern == id || self.glob.is_match(id))
    }

    /// The id, where the entry names exactly one: it is a member whether a list has it or not.
    #[must_use]
    pub fn exact(&self) -> Option<&str> {
        (!self.pattern.contains(['*', '?', '[', '{'])).then_some(self.pattern.as_str())
    }
}

impl PartialEq for PoolEntry {
    fn eq(&self, other: &Self) -> bool {
        self.provider == other.provider && self.pattern == other.pattern
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries: Vec<String> = self.0.iter().map(|entry| format!("{}/{}", entry.provider, entry.pattern)).collect();
        f.pad(&entries.join(", "))
    }
}

/// What a file's `[free]` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FreeValues {
    pub(super) pool: Option<Sourced<Pool>>,
    pub(super) allow_training: Option<Sourced<bool>>,
}

const NOT_A_PROJECTS: [Refused; 1] = [Refused {
    key: "allow_training",
    reason: Reason::NotHere {
        why: "vk.toml comes with the repository, and whoever wrote that must not decide who may train on your prompts",
        instead: "remove it here; vk models pool --allow-training says it for this project",
    },
}];

pub(super) fn of_user(entry: &Entry<'_>) -> Result<FreeValues, ConfigError> {
    let mut table = entry.table()?;
    table.expect(&["pool", "allow_training"], &[])?;
    Ok(FreeValues {
        pool: table.take("pool").map(|entry| pool(&entry)).transpose()?,
        allow_training: table.take("allow_training").map(|entry| entry.flag()).transpose()?,
    })
}

pub(super) fn of_project(entry: &Entry<'_>) -> Result<FreeValues, ConfigError> {
    let mut table = entry.table()?;
    table.expect(&["pool"], &NOT_A_PROJECTS)?;
    let pool = table.take("pool").map(|entry| pool(&entry)).transpose()?;
    Ok(FreeValues { pool, allow_training: None })
}

fn pool(entry: &Entry<'_>) -> Result<Sourced<Pool>, ConfigError> {
    let items = entry.list()?;
    if items.is_empty() || items.len() > MOST_ENTRIES {
        let what = format!("\"pool\" must have 1 to {MOST_ENTRIES} entries");
        return Err(entry.wrong_value(what).instead("remove it for every free model of the chosen provider").into());
    }
    let one = |item: &Entry<'_>| {
        let text = item.text()?;
        PoolEntry::parse(&text).ok_or_else(|| {
            let what = "an entry of a pool is PROVIDER/GLOB, like \"openrouter/*:free\" or \"ollama/*\"";
            ConfigError::from(item.wrong_value(what))
        })
    };
    let entries = items.iter().map(one).collect::<Result<_, ConfigError>>()?;
    Ok(Sourced::new(Pool(entries), entry.source()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_provider_and_a_glob_over_whole_ids() {
        let all = PoolEntry::parse("openrouter/*:free").unwrap();
        assert!(all.matches("openrouter", "openai/gpt-oss-20b:free"));
        assert!(!all.matches("openrouter", "openai/gpt-oss-20b"));
        assert!(!all.matches("ollama", "x:free"));
        assert_eq!((all.exact(), PoolEntry::parse("ollama/qwen3:8b").unwrap().exact()), (None, Some("qwen3:8b")));
        for bad in ["", "openrouter", "/x", "*/x", "Open/x", "openrouter/", "openrouter/[x", "openrouter/a b"] {
            assert!(PoolEntry::parse(bad).is_none(), "{bad}");
        }
    }
}
