//! Every layer, read once, in the order that lets nothing of the project speak before the user has.

use std::path::Path;

use super::dirs::{self, Dirs};
use super::error::ConfigError;
use super::given::{self, Flags};
use super::merge::{self, Layers};
use super::project::{self, Project};
use super::project_file::{self, ProjectValues};
use super::settings::{KeyChoice, Settings};
use super::trust::{self, Chosen, Trust};
use super::user_text;
use super::worktrees;
use crate::base::env::Env;
use crate::domain::failure::Failure;

/// One reading of everything that configures vk.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    pub settings: Settings,
    pub project: Project,
    pub dirs: Dirs,
    pub trust: Trust,
    /// What the project's file chooses, in use or not.
    pub chosen: Chosen,
    /// To be said once.
    pub warnings: Vec<String>,
    /// Variables that would choose a payer elsewhere and do not here; the one that `env:NAME` names is not among them.
    pub ignored_ambient: Vec<String>,
}

/// Reads every layer once. Nothing is executed, nothing is sent, and of the project only `vk.toml` is opened.
///
/// # Errors
/// Exit 2 naming file, line and column where a file is wrong, or the folder that cannot be trusted.
pub fn load(env: &Env, flags: &Flags) -> Result<Loaded, Failure> {
    Ok(read(env, flags)?)
}

fn read(env: &Env, flags: &Flags) -> Result<Loaded, ConfigError> {
    let flags = given::from_flags(flags)?;
    let variables = given::from_env(env)?;
    let mut project = project::find(env)?;
    let dirs = dirs::find(env, project.tree())?;
    project.main = worktrees::project_of(&dirs.data, &project.root);
    if let Some(name) = project.main.as_deref().and_then(Path::file_name) {
        project.name = name.to_string_lossy().into_owned();
    }
    let user = user_text::read(env, &dirs, project.tree())?.values(env, &dirs)?;
    let ceilings = merge::ceilings(&user, &variables, &flags);
    let values = match &project.file {
        Some(file) => project_file::read(&file.document(), &ceilings)?,
        None => ProjectValues::default(),
    };
    if let Some(name) = &values.name {
        project.name.clone_from(&name.value);
    }
    let chosen = Chosen::of(&values);
    let (personal, budgets) = (user.about(&project), user.budgets_at(&project));
    let layers = Layers { user, project: values, personal, budgets, env: variables, flags };
    let (settings, warnings) = merge::merge(layers)?;
    let named = settings.key.as_ref().map(|key| &key.value);
    let pays = |name: &String| matches!(named, Some(KeyChoice::Env(named)) if named == name);
    let ignored_ambient = env.ambient().into_iter().filter(|name| !pays(name)).collect();
    let trust = Trust::NotNeeded;
    let mut loaded = Loaded { settings, project, dirs, trust, chosen, warnings, ignored_ambient };
    loaded.trust = trust::state(&loaded)?;
    Ok(loaded)
}

#[cfg(test)]
mod tests;
