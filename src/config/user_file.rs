//! The schema of the user's own `config.toml`: the only file that sets addresses, edges, prices and the sandbox.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::budget::{self, Budget};
use super::document::{Document, Entry, Reason, Refused, Table};
use super::edge::{Edge, EdgeTarget, Payer};
use super::error::{ConfigError, did_you_mean};
use super::free::{self, FreeValues};
use super::ledger::{self, LedgerSettings};
use super::mcp::{self, McpServer};
use super::names;
use super::plan_budget::PlanBudgets;
use super::project::Project;
use super::project_file::{CHOICE_KEYS, Choice};
use super::provider::{self, ProviderSettings};
use super::provider_table::{self, secret};
use super::settings::Require;
use super::source::{Source, Sourced};
use crate::base::env;
use crate::base::money::Usd;
use crate::domain::budget::Subject;
use crate::domain::path::{Auth, PayPath};

/// What the user's file says. The places of `projects` become `Source::Personal`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct UserValues {
    pub(super) choice: Choice,
    /// Built-in providers included.
    pub(super) providers: BTreeMap<String, ProviderSettings>,
    /// What a task may cost.
    pub(super) budget_task: Option<Sourced<Usd>>,
    /// Every other budget but those of single projects.
    pub(super) budgets: Vec<Sourced<Budget>>,
    pub(super) plan_budgets: PlanBudgets,
    pub(super) fallback: Vec<Sourced<Edge>>,
    pub(super) require: Option<Sourced<Require>>,
    pub(super) read: Vec<Sourced<PathBuf>>,
    pub(super) write: Vec<Sourced<PathBuf>>,
    pub(super) env: Vec<Sourced<String>>,
    pub(super) free: FreeValues,
    pub(super) ledger: Option<LedgerSettings>,
    /// `[login.codex] issuer`: the identity server of Codex plans, where it is not the service's own.
    pub(super) codex_issuer: Option<Sourced<String>>,
    pub(super) mcp: Vec<McpServer>,
    pub(super) bell: Option<Sourced<bool>>,
    /// `[projects."DIR"]`: the folder as written, and what it chooses.
    pub(super) projects: Vec<(PathBuf, Choice)>,
    /// `[projects."DIR".budget]`.
    pub(super) project_budgets: Vec<(PathBuf, Vec<Sourced<Budget>>)>,
}

impl Default for UserValues {
    fn default() -> Self {
        Self {
            choice: Choice::default(),
            providers: provider::built_in(),
            budget_task: None,
            budgets: Vec::new(),
            plan_budgets: PlanBudgets::default(),
            fallback: Vec::new(),
            require: None,
            read: Vec::new(),
            write: Vec::new(),
            env: Vec::new(),
            free: FreeValues::default(),
            ledger: None,
            codex_issuer: None,
            mcp: Vec::new(),
            bell: None,
            projects: Vec::new(),
            project_budgets: Vec::new(),
        }
    }
}

const fn in_the_project(key: &'static str) -> Refused {
    Refused {
        key,
        reason: Reason::NotHere {
            why: "it belongs to a project, not to a user",
            instead: "set it in the project's vk.toml",
        },
    }
}

const REFUSED: &[Refused] = &[
    in_the_project("name"),
    in_the_project("checks"),
    in_the_project("models"),
    in_the_project("worktree"),
    secret("api_key"),
    secret("token"),
];

/// Reads the file. `home` stands for `~/` in folders; `own` are vk's folders, which no sandbox may write.
pub(super) fn read(document: &Document<'_>, home: Option<&Path>, own: &[&Path]) -> Result<UserValues, ConfigError> {
    let mut top = document.parse()?;
    let known = [
        "path",
        "provider",
        "model",
        "key",
        "providers",
        "budget",
        "fallback",
        "sandbox",
        "free",
        "ledger",
        "login",
        "mcp",
        "projects",
        "bell",
    ];
    top.expect(&known, REFUSED)?;
    let mut values = UserValues { choice: Choice::take(&mut top)?, ..UserValues::default() };
    values.bell = top.take("bell").map(|entry| entry.boolean()).transpose()?;
    if let Some(entry) = top.take("providers") {
        for entry in entry.table()?.into_entries() {
            let settings = provider_table::read(&entry, values.providers.get(&entry.key))?;
            values.providers.insert(entry.key, settings);
        }
    }
    if let Some(entry) = top.take("budget") {
        let budget::OfUser { task, others, plans } = budget::of_user(&entry, &values.providers)?;
        (values.budget_task, values.budgets, values.plan_budgets) = (task, others, plans);
    }
    if let Some(entry) = top.take("fallback") {
        let entries = entry.table()?.into_entries();
        values.fallback = entries.iter().map(|e| edge(e, &values.providers)).collect::<Result<_, _>>()?;
    }
    if let Some(entry) = top.take("sandbox") {
        sandbox(&mut entry.table()?, &mut values, home, own)?;
    }
    if let Some(entry) = top.take("free") {
        values.free = free::of_user(&entry)?;
    }
    if let Some(entry) = top.take("ledger") {
        values.ledger = Some(ledger::read(&entry, home)?);
    }
    if let Some(entry) = top.take("login") {
        let mut table = entry.table()?;
        table.expect(&["codex"], &[])?;
        if let Some(entry) = table.take("codex") {
            let mut table = entry.table()?;
            table.expect(&["issuer"], &[secret("token")])?;
            values.codex_issuer = table.take("issuer").map(|entry| provider_table::address(&entry)).transpose()?;
        }
    }
    if let Some(entry) = top.take("mcp") {
        values.mcp = mcp::of_user(&entry)?;
    }
    if let Some(entry) = top.take("projects") {
        for entry in entry.table()?.into_entries() {
            let dir = absolute(&entry.key, home).ok_or_else(|| {
                entry
                    .wrong_key("bad_value", "a project is named by its folder's absolute path")
                    .instead("write [projects.\"/home/you/shop\"]")
            })?;
            let mut table = entry.table()?;
            table.expect(&[CHOICE_KEYS, &["budget"]].concat(), &[])?;
            if let Some(entry) = table.take("budget") {
                let amounts = budget::only_amounts(&entry)?;
                let of = Subject::Folder(dir.canonicalize().unwrap_or_else(|_| dir.clone()));
                values.project_budgets.push((dir.clone(), budget::limits(&of, amounts)));
            }
            values.projects.push((dir, Choice::take(&mut table)?.made_personal()));
        }
    }
    Ok(values)
}

impl UserValues {
    /// What the user says about this project: of its root, and above that, of the folder of its `vk.toml`.
    pub(super) fn about(&self, project: &Project) -> Vec<Choice> {
        let folders = folders(project);
        let all = folders.iter().flat_map(|folder| self.projects.iter().filter(move |(dir, _)| is_same(dir, folder)));
        all.map(|(_, choice)| choice.clone()).collect()
    }

    /// Every budget but a task's own, those of this project being called that.
    pub(super) fn budgets_at(&self, project: &Project) -> Vec<Sourced<Budget>> {
        let folders = folders(project);
        let of_projects = self.project_budgets.iter().flat_map(|(dir, budgets)| {
            let is_here = folders.iter().any(|folder| is_same(dir, folder));
            budgets.iter().map(move |budget| {
                let of = if is_here { Subject::Project } else { budget.of.clone() };
                Sourced::new(Budget { of, ..budget.value.clone() }, budget.source.clone())
            })
        });
        self.budgets.iter().cloned().chain(of_projects).collect()
    }
}

/// The folders that name a project, the outer one first.
fn folders(project: &Project) -> Vec<PathBuf> {
    let (home, own) = (project.home().to_owned(), project.known_as());
    if own == home { vec![home] } else { vec![home, own] }
}

/// Whether a folder as written is this canonical one.
pub(super) fn is_same(written: &Path, folder: &Path) -> bool {
    written == folder || written.canonicalize().is_ok_and(|real| real == folder)
}

impl Choice {
    fn made_personal(mut self) -> Self {
        fn personal<T>(value: &mut Option<Sourced<T>>) {
            if let Some(value) = value
                && let Source::User(place) = &value.source
            {
                value.source = Source::Personal(place.clone());
            }
        }
        personal(&mut self.path);
        personal(&mut self.provider);
        personal(&mut self.model);
        personal(&mut self.key);
        self
    }
}

/// An absolute folder, or one under `~/`.
pub(super) fn absolute(text: &str, home: Option<&Path>) -> Option<PathBuf> {
    let path = match text.strip_prefix("~/") {
        Some(rest) => home?.join(rest),
        None => PathBuf::from(text),
    };
    (path.is_absolute() && !path.components().any(|part| part == std::path::Component::ParentDir)).then_some(path)
}

fn edge(entry: &Entry<'_>, providers: &BTreeMap<String, ProviderSettings>) -> Result<Sourced<Edge>, ConfigError> {
    let allow = entry.text()?;
    let edge = Edge::parse(&entry.key, &allow).map_err(|error| entry.wrong_key("bad_edge", error.to_string()))?;
    check_edge(&edge, providers).map_err(|what| entry.wrong_key("bad_edge", what))?;
    Ok(Sourced::new(edge, allow.source))
}

/// Both payers of an edge are there, of the kind that the edge says.
pub(super) fn check_edge(edge: &Edge, providers: &BTreeMap<String, ProviderSettings>) -> Result<(), String> {
    let known = |payer: &Payer| {
        let name = payer.provider.as_str();
        match (payer.path, providers.get(name)) {
            (path, Some(provider)) if provider.serves(path) => Ok(()),
            (path, Some(provider)) => Err(format!("\"{name}\" is {}, not {path}", provider.kind)),
            (_, None) => {
                let hint = did_you_mean(name, providers.keys().map(String::as_str));
                Err(format!("\"{name}\" is no provider you have{hint}"))
            }
        }
    };
    known(&edge.from)?;
    let EdgeTarget::Payer(to) = &edge.to else { return Ok(()) };
    known(to)?;
    let takes_key = providers.get(&to.provider).is_some_and(|provider| provider.auth != Auth::None);
    match &to.key {
        None if to.path.is_billed() && takes_key => {
            Err(format!("\"{to}\" pays by key, so the right side names it: {to}/LABEL"))
        }
        Some(_) if !takes_key && to.path != PayPath::Subscription => Err(format!("\"{}\" takes no key", to.provider)),
        _ => Ok(()),
    }
}

fn sandbox(
    table: &mut Table<'_>,
    values: &mut UserValues,
    home: Option<&Path>,
    own: &[&Path],
) -> Result<(), ConfigError> {
    table.expect(&["require", "read", "write", "env"], &[])?;
    values.require = table.take_parsed("require", &["full", "partial"])?;
    let folder = |entry: &Entry<'_>| {
        let text = entry.text()?;
        let not_absolute = || entry.wrong_value("a folder must be an absolute path, or begin with ~/");
        let folder = absolute(&text, home).ok_or_else(not_absolute)?;
        Ok(Sourced::new(folder, text.source))
    };
    if let Some(entry) = table.take("read") {
        values.read = entry.list()?.iter().map(folder).collect::<Result<_, ConfigError>>()?;
    }
    if let Some(entry) = table.take("write") {
        for item in entry.list()? {
            let dir = folder(&item)?;
            let real = dir.canonicalize().unwrap_or_else(|_| dir.value.clone());
            let touches_own = own.iter().any(|own| own.starts_with(&real) || real.starts_with(own));
            if touches_own || home.is_some_and(|home| home.starts_with(&real)) {
                let wrong = item.wrong_value("no command may write here: it holds your home folder or vk's own");
                return Err(wrong.instead("name a folder below it").into());
            }
            values.write.push(dir);
        }
    }
    if let Some(entry) = table.take("env") {
        for item in entry.list()? {
            let name = item.text_that(names::is_variable, "the name of a variable")?;
            if env::is_ambient(&name) {
                let wrong = item.wrong_value(format!("{} holds a provider's credential or address", name.value));
                return Err(wrong.why("no command that a model runs is given one").into());
            }
            values.env.push(name);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
