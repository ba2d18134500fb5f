//! `vk use`: what a file would say after a change, and what would follow from it. A draft is made and decided on
//! first; what is written has been read again, and what is read again is what is trusted.

use std::io::{Error, ErrorKind};
use std::path::PathBuf;

use super::dirs;
use super::edit::{self, Edit};
use super::error::ConfigError;
use super::given::Given;
use super::load::Loaded;
use super::merge::{self, Layers};
use super::project::ProjectFile;
use super::project_file::{self, Choice, ProjectValues};
use super::settings::{KeyChoice, Settings};
use super::trust::{self, Chosen};
use super::user_file::{self, UserValues};
use super::user_text::{self, UserText};
use crate::base::env::Env;
use crate::base::fsx;
use crate::domain::failure::Failure;
use crate::domain::path::PayPath;

/// Above the first line of a `vk.toml` that vk makes.
pub(super) const HEADING: &str = "# Whose account pays for coding tasks here. `vk route` explains it.\n";

/// Which file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The project's `vk.toml`.
    Project,
    /// The user's `[projects."DIR"]`.
    Personal,
    /// The top of the user's `config.toml`.
    Global,
}

/// The values to write; `None` leaves one as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub path: Option<PayPath>,
    pub provider: Option<String>,
    pub model: Option<String>,
    pub key: Option<String>,
    /// Takes out the file's model, which the new payer does not offer.
    pub without_model: bool,
}

/// A change that has not been written.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    pub(super) scope: Scope,
    pub(super) path: PathBuf,
    pub(super) before: Option<String>,
    pub(super) after: String,
    pub(super) chosen: Chosen,
    /// The file as people see it.
    pub shown: String,
    /// What the file then says of the four values.
    pub lines: Vec<String>,
    /// What was said for another payer and goes.
    pub dropped: Vec<String>,
    /// What follows from the file and the layers below it alone: no variable, no flag, no higher file.
    pub settings: Settings,
}

/// Drafts the change of one file.
///
/// # Errors
/// Exit 2 where the file would not be read again, or would make vk's own folders part of the project.
pub fn draft(env: &Env, loaded: &Loaded, scope: Scope, change: &Change) -> Result<Draft, Failure> {
    let user = user_text::read(env, &loaded.dirs, loaded.project.tree())?;
    let values = user.values(env, &loaded.dirs)?;
    Ok(match scope {
        Scope::Project => of_project(env, loaded, values, change)?,
        Scope::Personal | Scope::Global => of_user(env, loaded, &user, &values, scope, change)?,
    })
}

fn of_project(env: &Env, loaded: &Loaded, user: UserValues, change: &Change) -> Result<Draft, ConfigError> {
    let project = &loaded.project;
    let before = project.file.as_ref().map(|file| file.text.clone());
    if before.is_none() {
        check_new(env, loaded)?;
    }
    let none = Given::default();
    let limit = merge::ceilings(&user, &none, &none);
    let old = match &project.file {
        Some(file) => project_file::read(&file.document(), &limit)?.choice,
        None => Choice::default(),
    };
    let (edits, dropped) = edits(change, &old, &user);
    let path = project.file_path();
    let shown = path.strip_prefix(&project.root).unwrap_or(&path).display().to_string();
    let after = edited(before.as_deref().unwrap_or(HEADING), &[], &edits, &shown)?;
    let file = ProjectFile { path: path.clone(), shown: shown.clone(), text: after.clone() };
    let values = project_file::read(&file.document(), &limit)?;
    let (chosen, lines) = (Chosen::of(&values), lines(&values.choice));
    let budgets = user.budgets_at(project);
    let layers = Layers { user, project: values, personal: Vec::new(), budgets, env: none.clone(), flags: none };
    let (settings, _) = merge::merge(layers)?;
    Ok(Draft { scope: Scope::Project, path, before, after, chosen, shown, lines, dropped, settings })
}

/// A `vk.toml` that is made must not make vk's own folders part of the project.
pub(super) fn check_new(env: &Env, loaded: &Loaded) -> Result<(), ConfigError> {
    let project = &loaded.project;
    if [&loaded.dirs.config, &loaded.dirs.data].iter().any(|own| own.starts_with(&project.root)) {
        let here = dirs::show(&project.root, env.home().as_deref());
        return Err(ConfigError::Folder {
            what: format!("a vk.toml in {here} would make all of it the project"),
            why: "vk's own folders lie below it, and a model works on everything in a project".to_owned(),
            fix: vec!["cd into the project's folder first".to_owned(), "vk use --global".to_owned()],
        });
    }
    Ok(())
}

fn of_user(
    env: &Env,
    loaded: &Loaded,
    user: &UserText,
    values: &UserValues,
    scope: Scope,
    change: &Change,
) -> Result<Draft, ConfigError> {
    let project = &loaded.project;
    // A folder that is written already keeps its spelling.
    let known_as = project.known_as();
    let folder = values.projects.iter().map(|(dir, _)| dir.as_path()).find(|dir| user_file::is_same(dir, &known_as));
    let folder = folder.unwrap_or(&known_as).to_owned();
    let of = |values: &UserValues| match scope {
        Scope::Personal => values.projects.iter().find(|(dir, _)| *dir == folder).map(|(_, choice)| choice.clone()),
        _ => Some(values.choice.clone()),
    };
    let (edits, dropped) = edits(change, &of(values).unwrap_or_default(), values);
    let name = folder.display().to_string();
    let table: &[&str] = if scope == Scope::Personal { &["projects", &name] } else { &[] };
    let after = edited(user.text.as_deref().unwrap_or_default(), table, &edits, &user.shown)?;
    let values = user.values_of(&after, env, &loaded.dirs)?;
    let lines = lines(&of(&values).unwrap_or_default());
    let none = Given::default();
    let layers = if scope == Scope::Personal {
        let limit = merge::ceilings(&values, &none, &none);
        let file = project.file.as_ref().map(|file| project_file::read(&file.document(), &limit)).transpose()?;
        let (personal, budgets) = (values.about(project), values.budgets_at(project));
        Layers { user: values, project: file.unwrap_or_default(), personal, budgets, env: none.clone(), flags: none }
    } else {
        let budgets = values.budgets_at(project);
        let (project, personal) = (ProjectValues::default(), Vec::new());
        Layers { user: values, project, personal, budgets, env: none.clone(), flags: none }
    };
    let (settings, _) = merge::merge(layers)?;
    Ok(Draft {
        scope,
        path: user.path.clone(),
        before: user.text.clone(),
        after,
        chosen: Chosen::default(),
        shown: user.shown.clone(),
        lines,
        dropped,
        settings,
    })
}

pub(super) fn edited(text: &str, table: &[&str], edits: &[Edit<'_>], shown: &str) -> Result<String, ConfigError> {
    edit::apply(text, table, edits).map_err(|error| ConfigError::Read {
        shown: shown.to_owned(),
        source: Error::new(ErrorKind::InvalidData, error),
    })
}

/// The edits, and what they take out: a provider of another path, and the key of another provider, would otherwise
/// stay behind and be tried on a payer that they were not written for.
fn edits<'c>(change: &'c Change, old: &Choice, user: &UserValues) -> (Vec<Edit<'c>>, Vec<String>) {
    let mut edits: Vec<Edit<'c>> = Vec::new();
    let mut dropped = Vec::new();
    if let Some(path) = change.path {
        edits.push(("path", Some(path.as_str())));
    }
    let old_provider = old.provider.as_ref().map(|provider| provider.value.as_str());
    let mut provider = change.provider.as_deref().or(old_provider);
    match (&change.provider, old_provider, change.path) {
        (Some(new), ..) => edits.push(("provider", Some(new))),
        (None, Some(name), Some(path)) if user.providers.get(name).is_none_or(|settings| !settings.serves(path)) => {
            edits.push(("provider", None));
            dropped.push(format!("provider = \"{name}\": it is not {path}"));
            provider = None;
        }
        _ => {}
    }
    match (&change.model, &old.model) {
        (Some(model), _) => edits.push(("model", Some(model))),
        (None, Some(model)) if change.without_model => {
            edits.push(("model", None));
            dropped.push(format!("model = \"{}\": it is not offered there", model.value));
        }
        _ => {}
    }
    let moved_path = change.path.is_some_and(|new| old.path.as_ref().is_some_and(|path| path.value != new));
    let moved = old_provider.map_or(moved_path, |old| provider != Some(old));
    match (&change.key, &old.key) {
        (Some(key), _) => edits.push(("key", Some(key))),
        (None, Some(key)) if moved => {
            edits.push(("key", None));
            dropped.push(format!("key = \"{}\": it was for {}", key.value, old_provider.unwrap_or("another path")));
        }
        _ => {}
    }
    (edits, dropped)
}

fn lines(choice: &Choice) -> Vec<String> {
    let line = |key: &str, value: Option<String>| value.map(|value| format!("{key} = \"{value}\""));
    let key = choice.key.as_ref().map(|key| match &key.value {
        KeyChoice::Label(label) => label.clone(),
        env @ KeyChoice::Env(_) => env.to_string(),
    });
    [
        line("path", choice.path.as_ref().map(|path| path.value.to_string())),
        line("provider", choice.provider.as_ref().map(|provider| provider.value.clone())),
        line("model", choice.model.as_ref().map(|model| model.value.clone())),
        line("key", key),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Draft {
    /// Writes the file. A `vk.toml` is then trusted as written.
    ///
    /// # Errors
    /// Exit 2 where the file changed since it was read, or cannot be written.
    pub fn write(&self, loaded: &Loaded) -> Result<(), Failure> {
        let unwritable = |source| ConfigError::Write { shown: self.shown.clone(), source };
        if self.scope == Scope::Project {
            self.check_unchanged()?;
            fsx::write_project(&self.path, self.after.as_bytes()).map_err(unwritable)?;
            let dir = self.path.parent().unwrap_or(&loaded.project.root);
            return Ok(trust::remember_values(&loaded.dirs.data, dir, &self.chosen)?);
        }
        fsx::create_private_dir(&loaded.dirs.config).map_err(unwritable)?;
        fsx::create_private_dir(&loaded.dirs.data).map_err(unwritable)?;
        let _lock = fsx::lock_exclusive(&loaded.dirs.data.join("config.lock")).map_err(unwritable)?;
        self.check_unchanged()?;
        let write = if self.before.is_some() { fsx::write_project } else { fsx::write_private };
        Ok(write(&self.path, self.after.as_bytes()).map_err(unwritable)?)
    }

    fn check_unchanged(&self) -> Result<(), ConfigError> {
        let now = match fsx::read_unfollowed(&self.path, u64::from(u32::MAX)) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(source) => return Err(ConfigError::Read { shown: self.shown.clone(), source }),
        };
        if now.as_deref() == self.before.as_ref().map(String::as_bytes) {
            return Ok(());
        }
        let source = Error::new(ErrorKind::InvalidData, "it changed while vk was working on it; nothing was written");
        Err(ConfigError::Write { shown: self.shown.clone(), source })
    }

    /// Whether there is no file and nothing to write into one.
    #[must_use]
    pub fn is_nothing_new(&self) -> bool {
        self.before.is_none() && (self.after.is_empty() || self.after == HEADING)
    }

    /// Whether the file says the same as before.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        self.before.as_ref() == Some(&self.after)
    }
}

#[cfg(test)]
mod tests;
