//! `vk budget set` and `clear`: what a file would say after the change. As with `vk use`, what is written has been read
//! again before, comments stay, and a `vk.toml` is then trusted as written.

use super::budget::{QUOTA, TASKS_DAY};
use super::change::{Draft, HEADING, Scope, check_new, edited};
use super::error::ConfigError;
use super::given::Given;
use super::load::Loaded;
use super::merge;
use super::project::ProjectFile;
use super::project_file::{self, ProjectValues};
use super::trust::Chosen;
use super::user_text;
use crate::base::env::Env;
use crate::base::money::Usd;
use crate::domain::budget::{Per, Subject};
use crate::domain::failure::Failure;
use crate::domain::quota::Part;

/// One limit to write; `None` takes it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Usd(Per, Option<Usd>),
    Quota(Option<Part>),
    TasksDay(Option<u32>),
}

impl Limit {
    const fn key(&self) -> &'static str {
        match self {
            Self::Usd(per, _) => per.as_str(),
            Self::Quota(_) => QUOTA,
            Self::TasksDay(_) => TASKS_DAY,
        }
    }

    /// As it is written.
    fn value(&self) -> Option<String> {
        match self {
            Self::Usd(_, usd) => usd.map(Usd::exact),
            Self::Quota(part) => part.map(|part| part.to_string()),
            Self::TasksDay(tasks) => tasks.map(|tasks| tasks.to_string()),
        }
    }

    #[must_use]
    pub fn is_taken_out(&self) -> bool {
        self.value().is_none()
    }

    /// What `vk budget set` takes for it.
    #[must_use]
    pub fn arguments(&self) -> Option<String> {
        let value = self.value()?;
        Some(match self {
            Self::Usd(per, _) => format!("{value} --per {per}"),
            Self::Quota(_) => format!("--quota {value}"),
            Self::TasksDay(_) => format!("--tasks-day {value}"),
        })
    }
}

type Limits<'a> = &'a [Limit];

/// Drafts new limits for a subject: the project's in its `vk.toml`, every other one in the user's `config.toml`.
///
/// # Errors
/// Exit 2 where the file would not be read again: a project's budget above the user's own, or the user's below what a
/// project asks for here.
pub fn draft_budget(env: &Env, loaded: &Loaded, of: &Subject, limits: Limits<'_>) -> Result<Draft, Failure> {
    match of {
        Subject::Project => Ok(of_project(env, loaded, limits)?),
        _ => of_user(env, loaded, of, limits),
    }
}

fn of_project(env: &Env, loaded: &Loaded, limits: Limits<'_>) -> Result<Draft, ConfigError> {
    let project = &loaded.project;
    let before = project.file.as_ref().map(|file| file.text.clone());
    if before.is_none() {
        check_new(env, loaded)?;
    }
    let user = user_text::read(env, &loaded.dirs, project.tree())?.values(env, &loaded.dirs)?;
    let none = Given::default();
    let path = project.file_path();
    let shown = path.strip_prefix(&project.root).unwrap_or(&path).display().to_string();
    let after = changed(before.as_deref().unwrap_or(HEADING), &["budget"], limits, &shown)?;
    let file = ProjectFile { path: path.clone(), shown: shown.clone(), text: after.clone() };
    let values = project_file::read(&file.document(), &merge::ceilings(&user, &none, &none))?;
    Ok(Draft {
        scope: Scope::Project,
        path,
        before,
        after,
        chosen: Chosen::of(&values),
        shown,
        lines: lines("budget", limits),
        dropped: Vec::new(),
        settings: loaded.settings.clone(),
    })
}

fn of_user(env: &Env, loaded: &Loaded, of: &Subject, limits: Limits<'_>) -> Result<Draft, Failure> {
    let user = user_text::read(env, &loaded.dirs, loaded.project.tree())?;
    let (table, shown) = match of {
        Subject::Path(path) => (vec!["budget", "paths", path.as_str()], format!("budget.paths.{path}")),
        Subject::Key { provider, label } => {
            let name = format!("{provider}/{label}");
            return of_key(env, loaded, &user, &name, limits);
        }
        Subject::All | Subject::Project | Subject::Folder(_) => (vec!["budget"], "budget".to_owned()),
    };
    let draft = of_table(env, loaded, &user, &table, &shown, limits)?;
    if *of == Subject::All
        && let Some(file) = &loaded.project.file
    {
        let (values, none) = (user.values_of(&draft.after, env, &loaded.dirs)?, Given::default());
        let read = project_file::read(&file.document(), &merge::ceilings(&values, &none, &none));
        read.map_err(|error| asks_for_more(&error, &file.shown, limits)).map(|_: ProjectValues| ())?;
    }
    Ok(draft)
}

fn of_key(
    env: &Env,
    loaded: &Loaded,
    user: &user_text::UserText,
    name: &str,
    limits: Limits<'_>,
) -> Result<Draft, Failure> {
    of_table(env, loaded, user, &["budget", "keys", name], &format!("budget.keys.\"{name}\""), limits)
}

fn of_table(
    env: &Env,
    loaded: &Loaded,
    user: &user_text::UserText,
    table: &[&str],
    shown: &str,
    limits: Limits<'_>,
) -> Result<Draft, Failure> {
    let after = changed(user.text.as_deref().unwrap_or_default(), table, limits, &user.shown)?;
    user.values_of(&after, env, &loaded.dirs)?;
    Ok(Draft {
        scope: Scope::Global,
        path: user.path.clone(),
        before: user.text.clone(),
        after,
        chosen: Chosen::default(),
        shown: user.shown.clone(),
        lines: lines(shown, limits),
        dropped: Vec::new(),
        settings: loaded.settings.clone(),
    })
}

fn changed(text: &str, table: &[&str], limits: Limits<'_>, shown: &str) -> Result<String, ConfigError> {
    let written: Vec<(&str, Option<String>)> = limits.iter().map(|limit| (limit.key(), limit.value())).collect();
    let edits: Vec<_> = written.iter().map(|(key, value)| (*key, value.as_deref())).collect();
    // To take out of a table that is not there is to change nothing, and not to make one.
    if edits.iter().all(|(_, value)| value.is_none()) && !super::edit::has_table(text, table) {
        return Ok(text.to_owned());
    }
    edited(text, table, &edits, shown)
}

fn lines(table: &str, limits: Limits<'_>) -> Vec<String> {
    let line = |limit: &Limit| match limit.value() {
        Some(value) => format!("{table}.{} = \"{value}\"", limit.key()),
        None => format!("no {table}.{}", limit.key()),
    };
    limits.iter().map(line).collect()
}

/// The user's own budget would fall below what the project at hand asks for, which is then refused on every start.
fn asks_for_more(error: &ConfigError, file: &str, limits: Limits<'_>) -> Failure {
    let failure =
        Failure::usage("project_asks_for_more", format!("{file} asks for more than that; nothing was written"))
            .why(format!("a project that asks for more than you allow is refused: {error}"));
    let set = limits.iter().filter_map(Limit::arguments);
    let failure = set.clone().fold(failure, |failure, limit| failure.fix(format!("vk budget set {limit} --project")));
    set.fold(failure, |failure, limit| failure.fix(format!("vk budget set {limit}")))
}
