//! vk's own two folders: outside the project, so that no model's command reaches them, and the user's alone.

use std::path::{Component, Path, PathBuf};

use super::error::ConfigError;
use crate::base::env::Env;
use crate::base::{fsx, shell};

/// Where vk keeps what is the user's. Neither folder lies in the project's tree or can be written by others.
/// They need not exist yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dirs {
    /// `config.toml`.
    pub config: PathBuf,
    /// The ledger, the index of keys, trust, undo.
    pub data: PathBuf,
}

impl Dirs {
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }
}

/// Finds both folders. `tree` is what a model's commands may write: the project, where there is one.
pub(super) fn find(env: &Env, tree: Option<&Path>) -> Result<Dirs, ConfigError> {
    let folders = env.folders();
    Ok(Dirs {
        config: one(env, tree, "VK_CONFIG_DIR", folders.map(|f| f.config.as_path()))?,
        data: one(env, tree, "VK_DATA_DIR", folders.map(|f| f.data.as_path()))?,
    })
}

fn one(env: &Env, tree: Option<&Path>, variable: &str, platform: Option<&Path>) -> Result<PathBuf, ConfigError> {
    let given = env.path(variable);
    let named = if given.is_some() { format!("{variable} ") } else { String::new() };
    let Some(folder) = given.or_else(|| platform.map(Path::to_owned)) else {
        return Err(refused(
            "vk has no folder of its own here".to_owned(),
            "there is no home folder",
            format!("export {variable}=/a/folder/of/yours"),
        ));
    };
    let home = env.home();
    let shown = show(&folder, home.as_deref());
    if !folder.is_absolute() || folder.components().any(|part| part == Component::ParentDir) {
        let what = format!("{named}{shown} is not an absolute path");
        return Err(refused(
            what,
            "it would mean another folder in each project",
            format!("export {variable}=/a/folder/of/yours"),
        ));
    }
    let real = real(&folder);
    if let Some(tree) = tree.filter(|tree| real.starts_with(tree)) {
        let what = format!("{named}{shown} lies inside the project {}", show(tree, home.as_deref()));
        let why = "a model that works on the project could change vk's configuration and records";
        let mut fix = vec![format!("export {variable}=/a/folder/outside/the/project")];
        if home.is_some_and(|home| home.canonicalize().is_ok_and(|home| home.starts_with(tree))) {
            fix.push("git init    # in the folder you work on, so that your home is not the project".to_owned());
        }
        return Err(ConfigError::Folder { what, why: why.to_owned(), fix });
    }
    if fsx::writable_by_others(&real) {
        let what = format!("{named}{shown} can be written by others");
        let why = "whoever writes there decides where your keys are sent";
        return Err(refused(what, why, format!("chmod go-w {}", shell::path(&real))));
    }
    Ok(real)
}

fn refused(what: String, why: &str, fix: String) -> ConfigError {
    ConfigError::Folder { what, why: why.to_owned(), fix: vec![fix] }
}

/// The folder with every link of its existing part resolved.
pub(super) fn real(folder: &Path) -> PathBuf {
    for ancestor in folder.ancestors() {
        if let (Ok(real), Ok(rest)) = (ancestor.canonicalize(), folder.strip_prefix(ancestor)) {
            return if rest.as_os_str().is_empty() { real } else { real.join(rest) };
        }
    }
    folder.to_owned()
}

/// A path for people: `~/` for what lies in the home folder.
#[must_use]
pub fn show(path: &Path, home: Option<&Path>) -> String {
    let below = |home: &Path| {
        let real = home.canonicalize().unwrap_or_else(|_| home.to_owned());
        path.strip_prefix(home).or_else(|_| path.strip_prefix(real)).ok().map(Path::to_owned)
    };
    match home.and_then(below) {
        Some(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}
