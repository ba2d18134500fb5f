//! `[worktree]` of a `vk.toml`: what a new worktree gets beside what git keeps, and how it is set up. Names below the
//! project only: a stranger's file must not reach for the rest of the disk.

use std::path::{Component, Path};

use super::document::Entry;
use super::error::ConfigError;
use super::project_file::is_plain;
use super::source::Sourced;

const MOST: usize = 32;

/// What a new worktree gets. Empty where no worktree is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorktreeSettings {
    /// Files and folders of the project that are copied into it, relative to the project's root.
    pub copy: Vec<Sourced<String>>,
    /// Files and folders that are linked to, and can be read there but not written.
    pub link: Vec<Sourced<String>>,
    /// Commands that run in it before the task, in the sandbox.
    pub setup: Vec<Sourced<String>>,
}

impl WorktreeSettings {
    /// Each value, by the name of its list.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'static str, &Sourced<String>)> {
        let named = |name: &'static str| move |value| (name, value);
        let copy = self.copy.iter().map(named("worktree.copy"));
        copy.chain(self.link.iter().map(named("worktree.link"))).chain(self.setup.iter().map(named("worktree.setup")))
    }
}

pub(super) fn read(entry: &Entry<'_>) -> Result<WorktreeSettings, ConfigError> {
    let mut table = entry.table()?;
    table.expect(&["copy", "link", "setup"], &[])?;
    let mut list = |key: &str, allowed: fn(&str) -> bool, expected: &str| {
        let Some(entry) = table.take(key) else { return Ok(Vec::new()) };
        let items = entry.list()?;
        if items.len() > MOST {
            return Err(entry
                .wrong_key("bad_value", format!("\"{}\" has more than {MOST} entries", entry.name()))
                .into());
        }
        items.iter().map(|item| item.text_that(allowed, expected)).collect::<Result<Vec<_>, ConfigError>>()
    };
    let name = "a file or folder below the project's root, such as node_modules; not .git or vk.toml";
    Ok(WorktreeSettings {
        copy: list("copy", is_below, name)?,
        link: list("link", is_below, name)?,
        setup: list("setup", is_plain, "a command on one line of 400 visible characters at most")?,
    })
}

/// A plain relative name that leads down, to nothing of git's or vk's.
fn is_below(text: &str) -> bool {
    let own = |name: &std::ffi::OsStr| [".git", "vk.toml"].iter().any(|own| name.eq_ignore_ascii_case(own));
    let down = |part: Component<'_>| matches!(part, Component::Normal(name) if !own(name));
    is_plain(text) && text.trim() == text && Path::new(text).components().all(down)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_down() {
        for good in ["node_modules", ".env.local", "a/b/c", "a b", "x/"] {
            assert!(is_below(good), "{good}");
        }
        for bad in
            ["", " ", "/etc", "..", "a/../../b", "./a", ".", ".git", ".GIT/config", "a/.git", "vk.toml", "a\nb", " a"]
        {
            assert!(!is_below(bad), "{bad}");
        }
    }
}
