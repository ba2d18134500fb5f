//! The schema of `vk.toml`. A stranger wrote it: it chooses among what the user has, and loosens nothing.

use regex::RegexBuilder;
use unicode_width::UnicodeWidthChar as _;

use super::budget::{self, Amounts, Ceilings};
use super::document::{Document, Entry, Reason, Refused, Table};
use super::error::ConfigError;
use super::free::{self, FreeValues};
use super::mcp::{self, OfProject};
use super::names::{self, looks_secret};
use super::plan_budget::PlanBudgets;
use super::settings::{KeyChoice, ModelRule};
use super::source::Sourced;
use super::worktree::{self, WorktreeSettings};
use crate::domain::path::PayPath;

/// More would be no configuration but a way to hide something in what a person is asked to read.
const MOST_CHECKS: usize = 32;
const MOST_RULES: usize = 32;
/// In characters; a terminal shows a line of this length whole when it asks.
const LONGEST: usize = 400;

/// What a `vk.toml` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ProjectValues {
    pub(super) name: Option<Sourced<String>>,
    pub(super) choice: Choice,
    pub(super) checks: Vec<Sourced<String>>,
    pub(super) budget: Amounts,
    pub(super) plan_budgets: PlanBudgets,
    pub(super) models: Vec<Sourced<ModelRule>>,
    pub(super) free: FreeValues,
    pub(super) worktree: WorktreeSettings,
    pub(super) mcp: Vec<OfProject>,
}

/// The four values that choose who pays and what runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Choice {
    pub(super) path: Option<Sourced<PayPath>>,
    pub(super) provider: Option<Sourced<String>>,
    pub(super) model: Option<Sourced<String>>,
    pub(super) key: Option<Sourced<KeyChoice>>,
}

pub(super) const PATH_WORDS: &[&str] = &["byok", "subscription", "platform", "free"];
pub(super) const CHOICE_KEYS: &[&str] = &["path", "provider", "model", "key"];

const fn only_yours(key: &'static str) -> Refused {
    let why = "vk.toml comes with the repository, and whoever wrote that must not decide this";
    Refused { key, reason: Reason::NotHere { why, instead: "remove it here; your own config.toml may set it" } }
}

const fn only_flag(key: &'static str) -> Refused {
    let why = "vk.toml comes with the repository, and whoever wrote that must not decide this";
    Refused { key, reason: Reason::NotHere { why, instead: "remove it here; only a flag of vk run may set it" } }
}

const fn secret(key: &'static str) -> Refused {
    let why = "a key in a file that is shared ends up shared; if a real one stood here, revoke it";
    Refused { key, reason: Reason::Credential { why } }
}

/// Words that have a meaning elsewhere in vk, or in a tool like it, and must not be mistaken for a slip of the pen.
const REFUSED: &[Refused] = &[
    only_yours("providers"),
    only_yours("base_url"),
    only_yours("url"),
    only_yours("endpoint"),
    only_yours("proxy"),
    only_yours("http_proxy"),
    only_yours("https_proxy"),
    only_yours("ca"),
    only_yours("certificate"),
    only_yours("certificates"),
    only_yours("ssl_cert_file"),
    only_yours("headers"),
    only_yours("auth"),
    only_yours("wire"),
    only_yours("markup"),
    only_yours("prices"),
    only_yours("fallback"),
    only_yours("edges"),
    only_yours("sandbox"),
    only_yours("ledger"),
    only_yours("login"),
    only_yours("projects"),
    only_yours("env"),
    only_flag("approve"),
    only_flag("approval"),
    only_flag("approvals"),
    only_flag("permissions"),
    only_flag("network"),
    only_flag("allow_network"),
    only_flag("trust"),
    secret("api_key"),
    secret("apikey"),
    secret("token"),
    secret("secret"),
    secret("password"),
];

/// Reads the file. `ceilings` are the user's own budgets: a project may only lower them.
pub(super) fn read(document: &Document<'_>, ceilings: &Ceilings) -> Result<ProjectValues, ConfigError> {
    let mut top = document.parse()?;
    top.expect(
        &["name", "path", "provider", "model", "key", "checks", "budget", "models", "free", "worktree", "mcp"],
        REFUSED,
    )?;
    let name =
        top.take("name").map(|entry| entry.text_that(names::is_project, "one printable line, 80 characters at most"));
    let choice = Choice::take(&mut top)?;
    let checks = top.take("checks").map_or_else(|| Ok(Vec::new()), |entry| checks(&entry))?;
    let models = top.take("models").map_or_else(|| Ok(Vec::new()), |entry| rules(&entry))?;
    let (budget, plan_budgets) =
        top.take("budget").map(|entry| budget::of_project(&entry, ceilings)).transpose()?.unwrap_or_default();
    let free = top.take("free").map_or_else(|| Ok(FreeValues::default()), |entry| free::of_project(&entry))?;
    let worktree = top.take("worktree").map(|entry| worktree::read(&entry)).transpose()?.unwrap_or_default();
    let mcp = top.take("mcp").map(|entry| mcp::of_project(&entry)).transpose()?.unwrap_or_default();
    Ok(ProjectValues { name: name.transpose()?, choice, checks, budget, plan_budgets, models, free, worktree, mcp })
}

impl Choice {
    /// Takes the four keys of a table that has them.
    pub(super) fn take(table: &mut Table<'_>) -> Result<Self, ConfigError> {
        let provider = table.take("provider").map(|entry| provider(&entry)).transpose()?;
        let model = table.take("model").map(|entry| model(&entry)).transpose()?;
        let key = table.take("key").map(|entry| key(&entry)).transpose()?;
        Ok(Self { path: table.take_parsed("path", PATH_WORDS)?, provider, model, key })
    }
}

fn provider(entry: &Entry<'_>) -> Result<Sourced<String>, ConfigError> {
    entry.text_that(names::is_provider, "a provider's name: lower-case letters, digits, - and _")
}

fn model(entry: &Entry<'_>) -> Result<Sourced<String>, ConfigError> {
    entry.text_that(names::is_model, "a model: an alias, an id, or fast, balanced, best")
}

/// A label, never a key and never the name of a variable: a file must not choose among the secrets around it.
fn key(entry: &Entry<'_>) -> Result<Sourced<KeyChoice>, ConfigError> {
    let text = entry.text()?;
    if looks_secret(&text) {
        let wrong =
            entry.wrong_key("secret_in_file", "\"key\" is the label of a stored key, and this looks like a key itself");
        return Err(wrong.why("if it is a real one, revoke it: files are shared").first("vk keys add").into());
    }
    if text.starts_with("env:") {
        let wrong =
            entry.wrong_value("\"key\" must be the label of a stored key; env:NAME is for --key and VK_KEY only");
        return Err(wrong.why("a file must not choose among the secrets of the environment it is read in").into());
    }
    let label = entry.text_that(names::is_key_label, "the label of a stored key, as vk keys list shows it")?;
    Ok(Sourced::new(KeyChoice::Label(label.value), label.source))
}

fn checks(entry: &Entry<'_>) -> Result<Vec<Sourced<String>>, ConfigError> {
    let items = entry.list()?;
    if items.len() > MOST_CHECKS {
        return Err(entry.wrong_key("bad_value", format!("\"checks\" has more than {MOST_CHECKS} entries")).into());
    }
    let expected = "a command on one line of 400 visible characters at most";
    items.iter().map(|item| item.text_that(is_plain, expected)).collect()
}

/// Everything of it can be seen when a person is asked about it.
pub(super) fn is_plain(text: &str) -> bool {
    let visible = |c: char| !c.is_control() && c.width().is_some_and(|columns| columns > 0);
    !text.trim().is_empty() && text.chars().count() <= LONGEST && text.chars().all(visible)
}

fn rules(entry: &Entry<'_>) -> Result<Vec<Sourced<ModelRule>>, ConfigError> {
    let items = entry.list()?;
    if items.len() > MOST_RULES {
        return Err(entry.wrong_key("bad_value", format!("\"models\" has more than {MOST_RULES} entries")).into());
    }
    items.iter().map(rule).collect()
}

fn rule(entry: &Entry<'_>) -> Result<Sourced<ModelRule>, ConfigError> {
    let mut table = entry.table()?;
    table.expect(&["match", "model"], &[])?;
    let missing = |key: &str| entry.wrong_key("missing_key", format!("[[models]] needs \"{key}\""));
    let pattern_entry = table.take("match").ok_or_else(|| missing("match"))?;
    let model = model(&table.take("model").ok_or_else(|| missing("model"))?)?;
    let pattern = pattern_entry.text_that(is_plain, "a regular expression of 400 visible characters at most")?;
    let regex = RegexBuilder::new(&pattern).case_insensitive(true).size_limit(1 << 20).build();
    let regex = regex.map_err(|error| {
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        pattern_entry.wrong_value(format!("\"match\" is not a regular expression: {reason}"))
    })?;
    let rule = ModelRule { pattern: pattern.value, model: model.value, regex };
    Ok(Sourced::new(rule, pattern.source))
}

#[cfg(test)]
mod tests;
