//! The trust a project file needs before what it chooses is used: asked once, shown verbatim, remembered by the folder
//! and a hash of the values. The hash does not hold the folder, so that `vk trust --print` here gives what CI takes there.

mod store;

use std::path::Path;

use serde::Serialize;

use super::Loaded;
use super::error::ConfigError;
use super::project_file::ProjectValues;
use super::settings::Settings;
use super::source::Sourced;
use crate::base::secret::sha256_hex;
use crate::domain::budget::Per;
use crate::domain::failure::{Failure, Status};
use crate::domain::ui::{Question, Ui};

/// Lines of one question. A terminal shows the head and tail of longer ones, and nothing here may stay unseen.
const PAGE: usize = 36;

/// Whether what `vk.toml` chooses may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Nothing in use that chooses a payer or runs a command comes from a `vk.toml`.
    NotNeeded,
    Trusted,
    Needed(Needed),
}

/// What a person is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// What `--trust` takes.
    pub hash: String,
    /// Each choice, verbatim; where other values were trusted before, with `-` and `+` for what changed.
    pub what: Vec<String>,
    /// Whether this project was trusted before, with other values.
    pub changed: bool,
}

/// Every value of a `vk.toml` that chooses a payer or runs a command, in an order of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen(Vec<(&'static str, String)>);

#[derive(Serialize)]
struct Hashed<'a> {
    vk_trust: u32,
    values: &'a [(&'static str, String)],
}

impl Chosen {
    pub(super) fn of(values: &ProjectValues) -> Self {
        fn one<T: std::fmt::Display>(key: &'static str, value: Option<&Sourced<T>>) -> Option<(&'static str, String)> {
            value.map(|value| (key, value.value.to_string()))
        }
        let choice = &values.choice;
        let mut all: Vec<_> = [
            one("path", choice.path.as_ref()),
            one("provider", choice.provider.as_ref()),
            one("model", choice.model.as_ref()),
            one("key", choice.key.as_ref()),
        ]
        .into_iter()
        .flatten()
        .collect();
        all.extend(values.budget.iter().map(|(per, limit)| (budget_key(*per), limit.exact())));
        all.extend(one("budget.quota", values.plan_budgets.quota.as_ref()));
        all.extend(one("budget.tasks_day", values.plan_budgets.tasks_day.as_ref()));
        for rule in &values.models {
            all.push(("models", format!("{} for tasks that match {}", rule.model, rule.pattern)));
        }
        all.extend(one("free.pool", values.free.pool.as_ref()));
        all.extend(values.checks.iter().map(|check| ("check", check.value.clone())));
        all.extend(values.mcp.iter().map(|server| ("mcp", server.told())));
        all.extend(values.worktree.all().map(|(key, value)| (key, value.value.clone())));
        Self(all)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// SHA-256, in hex. The same values give the same hash in every folder and on every machine.
    #[must_use]
    pub fn hash(&self) -> String {
        let hashed = Hashed { vk_trust: 1, values: &self.0 };
        sha256_hex(&serde_json::to_vec(&hashed).unwrap_or_default())
    }

    /// The values for people, one a line.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let width = width(self.0.iter().map(|(key, _)| *key));
        self.0.iter().map(|(key, value)| line(key, value, width)).collect()
    }

    fn pairs(&self) -> Vec<(String, String)> {
        self.0.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
    }

    /// The values with `-` before what was trusted and is gone, `+` before what is new.
    fn difference(&self, before: &[(String, String)]) -> Vec<String> {
        let keys = before.iter().map(|(key, _)| key.as_str()).chain(self.0.iter().map(|(key, _)| *key));
        let width = width(keys);
        let old: Vec<String> = before.iter().map(|(key, value)| line(key, value, width)).collect();
        let new: Vec<String> = self.0.iter().map(|(key, value)| line(key, value, width)).collect();
        let sign = |tag| match tag {
            similar::ChangeTag::Equal => ' ',
            similar::ChangeTag::Delete => '-',
            similar::ChangeTag::Insert => '+',
        };
        similar::capture_diff_slices(similar::Algorithm::Myers, &old, &new)
            .iter()
            .flat_map(|op| op.iter_changes(&old, &new))
            .map(|change| format!("{}{}", sign(change.tag()), &change.value()[1..]))
            .collect()
    }
}

const fn budget_key(per: Per) -> &'static str {
    match per {
        Per::Task => "budget.task",
        Per::Day => "budget.day",
        Per::Week => "budget.week",
        Per::Month => "budget.month",
    }
}

/// The values stand below one another.
fn width<'k>(keys: impl Iterator<Item = &'k str>) -> usize {
    keys.map(str::len).max().unwrap_or(0).max(12)
}

/// It begins with the place of a sign.
fn line(key: &str, value: &str, width: usize) -> String {
    format!("  {key:<width$}  {value}")
}

/// Whether anything in use needs trust. A lower budget alone does not: it chooses no payer and runs nothing.
pub(super) fn is_needed(settings: &Settings) -> bool {
    fn from_project<T>(value: Option<&Sourced<T>>) -> bool {
        value.is_some_and(|value| value.source.is_project())
    }
    from_project(settings.path.as_ref())
        || from_project(settings.provider.as_ref())
        || from_project(settings.model.as_ref())
        || from_project(settings.key.as_ref())
        || from_project(settings.free.pool.as_ref())
        || settings.models.iter().any(|rule| rule.source.is_project())
        || settings.checks.iter().any(|check| check.source.is_project())
        || settings
            .mcp
            .iter()
            .any(|server| server.on.value && (server.source.is_project() || server.on.source.is_project()))
        || settings.worktree.all().any(|(_, value)| value.source.is_project())
}

/// Where what is in use of the project's choices stands with the user.
pub(super) fn state(loaded: &Loaded) -> Result<Trust, ConfigError> {
    if !is_needed(&loaded.settings) {
        return Ok(Trust::NotNeeded);
    }
    compare(loaded)
}

/// Where everything stands that the file chooses, whether a flag overrides it just now or not.
///
/// # Errors
/// When vk's record of trusted projects cannot be read.
pub fn standing(loaded: &Loaded) -> Result<Trust, Failure> {
    if loaded.chosen.is_empty() {
        return Ok(Trust::NotNeeded);
    }
    Ok(compare(loaded)?)
}

fn compare(loaded: &Loaded) -> Result<Trust, ConfigError> {
    let hash = loaded.chosen.hash();
    // A worktree that vk made inherits what is trusted in its project, and may be trusted with more.
    let (own, inherited) = (loaded.project.dir(), loaded.project.known_as());
    let mut before = store::find(&loaded.dirs.data, own)?;
    if own != inherited && before.as_ref().is_none_or(|record| record.hash != hash) {
        before = store::find(&loaded.dirs.data, &inherited)?.or(before);
    }
    Ok(match before {
        Some(record) if record.hash == hash => Trust::Trusted,
        Some(record) => Trust::Needed(Needed { hash, what: loaded.chosen.difference(&record.values), changed: true }),
        None => Trust::Needed(Needed { hash, what: loaded.chosen.lines(), changed: false }),
    })
}

/// Makes sure that what the project chooses may be used: it is trusted, or `given` (`--trust`) is its hash, or the person
/// says yes, which is remembered.
///
/// # Errors
/// Exit 7 where nobody is there to ask, the answer is no, or `given` is another hash.
pub fn obtain(loaded: &mut Loaded, given: Option<&str>, ui: &dyn Ui) -> Result<(), Failure> {
    match (&loaded.trust, given) {
        (Trust::NotNeeded, _) | (Trust::Trusted, None) => return Ok(()),
        (Trust::Needed(needed), None) => ask(loaded, needed, ui)?,
        (_, Some(given)) if given.trim().eq_ignore_ascii_case(&loaded.chosen.hash()) => {}
        (_, Some(_)) => {
            let what = format!("--trust is not the hash of what {} chooses", shown_file(loaded));
            return Err(Failure::new(Status::Untrusted, "trust_mismatch", what)
                .why(chooses(loaded, &loaded.chosen.lines()))
                .fix("vk trust --print    # after reading it"));
        }
    }
    loaded.trust = Trust::Trusted;
    Ok(())
}

/// Asks about everything the file chooses, and remembers a yes.
///
/// # Errors
/// Exit 7 where nobody is there to ask or the answer is no.
pub fn ask(loaded: &Loaded, needed: &Needed, ui: &dyn Ui) -> Result<(), Failure> {
    let file = shown_file(loaded);
    if !ui.interactive() {
        let reason = if needed.changed { "changed since it was trusted" } else { "is not trusted" };
        let what = format!("{file} {reason}, and nobody is there to ask");
        return Err(untrusted(loaded, needed, what)
            .fix(format!("vk run --trust {} \"...\"   # where nobody is there to ask", needed.hash)));
    }
    let question = if needed.changed {
        format!("{file} changed since you trusted it. Use what it chooses now?")
    } else {
        format!("Use what {file} chooses, in this project, from now on?")
    };
    if !read_and_agreed(loaded, "chooses", &needed.what, &question, ui) {
        // What it chooses has just been read.
        let what = format!("{file} was not trusted, so nothing of it is used");
        return Err(Failure::new(Status::Untrusted, "not_trusted", what).fix("vk trust"));
    }
    remember(loaded, needed)
}

/// Asks about the whole file, which is about to be changed and then trusted as it stands. A file that is trusted, or
/// that chooses nothing, is not asked about. Nothing is remembered: the change does that.
///
/// # Errors
/// Exit 7 where nobody is there to ask or the answer is no.
pub fn ask_whole(loaded: &Loaded, ui: &dyn Ui) -> Result<(), Failure> {
    let Trust::Needed(needed) = standing(loaded)? else { return Ok(()) };
    let file = shown_file(loaded);
    if !ui.interactive() {
        let what = format!("{file} is not trusted, and nobody is there to ask; nothing was written");
        return Err(untrusted(loaded, &needed, what));
    }
    let text = loaded.project.file.as_ref().map_or("", |file| file.text.trim_end());
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let question = format!("{file} was written by somebody else. Change it, and trust all of it from now on?");
    if read_and_agreed(loaded, "says", &lines, &question, ui) {
        return Ok(());
    }
    let what = format!("{file} was not trusted; nothing was written");
    Err(Failure::new(Status::Untrusted, "not_trusted", what).fix("vk trust"))
}

fn untrusted(loaded: &Loaded, needed: &Needed, what: String) -> Failure {
    Failure::new(Status::Untrusted, "untrusted", what)
        .why(chooses(loaded, &needed.what))
        .fix("vk trust    # look at it and decide")
}

/// Shows every line, a page at a time, and asks at the end of the last.
fn read_and_agreed(loaded: &Loaded, verb: &str, lines: &[String], question: &str, ui: &dyn Ui) -> bool {
    let path = loaded.project.file_path();
    let pages = lines.len().div_ceil(PAGE);
    lines.chunks(PAGE).enumerate().all(|(i, page)| {
        let text = if i + 1 == pages { question } else { "There is more. Go on reading?" };
        ui.confirm(&Question::yes_no(text).detail(format!("{} {verb}:\n{}", path.display(), page.join("\n"))))
    })
}

/// Remembers as trusted what was shown. Another `vk` may have changed the record since; the file's bytes are those that
/// were read, so what is remembered is what was asked about.
///
/// # Errors
/// When the record cannot be written.
pub fn remember(loaded: &Loaded, needed: &Needed) -> Result<(), Failure> {
    if loaded.chosen.hash() != needed.hash {
        return Err(Failure::new(
            Status::Untrusted,
            "trust_mismatch",
            "what was shown is not what would be remembered",
        ));
    }
    Ok(store::remember(&loaded.dirs.data, loaded.project.dir(), &loaded.chosen)?)
}

/// Remembers what vk itself has written.
pub(super) fn remember_values(data: &Path, dir: &Path, chosen: &Chosen) -> Result<(), ConfigError> {
    if chosen.is_empty() { Ok(()) } else { store::remember(data, dir, chosen) }
}

fn shown_file(loaded: &Loaded) -> &str {
    loaded.project.file.as_ref().map_or("vk.toml", |file| file.shown.as_str())
}

fn chooses(loaded: &Loaded, lines: &[String]) -> String {
    let path = loaded.project.file_path();
    format!("{} chooses:\n{}", path.display(), lines.join("\n"))
}

#[cfg(test)]
mod tests;
