//! Every layer, read once, in the order that lets nothing of the project speak before the user has.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::dirs::{self, Dirs};
use super::document::{self, Document};
use super::error::ConfigError;
use super::given::{self, Flags};
use super::merge::{self, Layers};
use super::project::{self, Project};
use super::project_file::{self, Choice, ProjectValues};
use super::settings::Settings;
use super::source::Source;
use super::trust::{self, Chosen, Trust};
use super::user_file::{self, UserValues};
use crate::base::env::Env;
use crate::base::fsx;
use crate::domain::failure::Failure;

const MOST_USER_BYTES: u64 = 1024 * 1024;

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
    /// Variables that would choose a payer elsewhere and do not here.
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
    let user = read_user(env, &dirs, project.tree())?;
    let limit = merge::users_limit(&user, &variables, &flags);
    let values = match &project.file {
        Some(file) => project_file::read(&document_of(&file.path, &file.shown, &file.text), &limit)?,
        None => ProjectValues::default(),
    };
    if let Some(name) = &values.name {
        project.name.clone_from(&name.value);
    }
    let chosen = Chosen::of(&values);
    let personal = personal(&user, &project);
    let (settings, warnings) = merge::merge(Layers { user, project: values, personal, env: variables, flags })?;
    let ignored_ambient = env.ambient();
    let trust = Trust::NotNeeded;
    let mut loaded = Loaded { settings, project, dirs, trust, chosen, warnings, ignored_ambient };
    loaded.trust = trust::state(&loaded)?;
    Ok(loaded)
}

pub(super) fn document_of<'t>(path: &Path, shown: &str, text: &'t str) -> Document<'t> {
    Document::new(path.to_owned(), shown, text, Source::Project)
}

fn read_user(env: &Env, dirs: &Dirs, tree: Option<&Path>) -> Result<UserValues, ConfigError> {
    let path = dirs.config_file();
    let home = env.home();
    let shown = dirs::show(&path, home.as_deref());
    let bytes = match fsx::read_own(&path, MOST_USER_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(UserValues::default()),
        Err(_) if fsx::writable_by_others(&path) => {
            return Err(ConfigError::Folder {
                what: format!("{shown} can be written by others"),
                why: "whoever writes there decides where your keys are sent".to_owned(),
                fix: vec![format!("chmod go-w {}", dirs::quoted(&path))],
            });
        }
        Err(source) => return Err(ConfigError::Read { shown, source }),
    };
    let real = path.canonicalize().unwrap_or_else(|_| path.clone());
    if let Some(tree) = tree.filter(|tree| real.starts_with(tree)) {
        return Err(ConfigError::Folder {
            what: format!("{shown} is a link into the project {}", dirs::show(tree, home.as_deref())),
            why: "a model that works on the project could change vk's configuration".to_owned(),
            fix: vec!["export VK_CONFIG_DIR=/a/folder/outside/the/project".to_owned()],
        });
    }
    let text = document::decode(bytes, &shown)?;
    let document = Document::new(path, &shown, &text, Source::User);
    user_file::read(&document, home.as_deref(), &[&dirs.config, &dirs.data])
}

/// What the user says about this project: of its root, and above that, of the folder of its `vk.toml`.
fn personal(user: &UserValues, project: &Project) -> Vec<Choice> {
    let about = |folder: &Path| -> Vec<Choice> {
        let same = |dir: &PathBuf| dir == folder || dir.canonicalize().is_ok_and(|real| real == folder);
        user.projects.iter().filter(|(dir, _)| same(dir)).map(|(_, choice)| choice.clone()).collect()
    };
    let mut all = about(&project.root);
    if project.dir() != project.root {
        all.extend(about(project.dir()));
    }
    all
}

#[cfg(test)]
mod tests;
