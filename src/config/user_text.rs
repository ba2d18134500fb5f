//! The user's own `config.toml` as bytes: whether it can be taken at all. What it says is `user_file`'s.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::dirs::{self, Dirs};
use super::document::{self, Document};
use super::error::ConfigError;
use super::source::Source;
use super::user_file::{self, UserValues};
use crate::base::env::Env;
use crate::base::{fsx, shell};

const MOST_BYTES: u64 = 1024 * 1024;

/// The file as read once, or that there is none.
pub(super) struct UserText {
    /// Where it is written: the end of the link, where the file is one.
    pub(super) path: PathBuf,
    /// As people see it.
    pub(super) shown: String,
    pub(super) text: Option<String>,
}

impl UserText {
    pub(super) fn values(&self, env: &Env, dirs: &Dirs) -> Result<UserValues, ConfigError> {
        self.text.as_ref().map_or_else(|| Ok(UserValues::default()), |text| self.values_of(text, env, dirs))
    }

    /// What the file would say with this text.
    pub(super) fn values_of(&self, text: &str, env: &Env, dirs: &Dirs) -> Result<UserValues, ConfigError> {
        let document = Document::new(self.path.clone(), &self.shown, text, Source::User);
        user_file::read(&document, env.home().as_deref(), &[&dirs.config, &dirs.data])
    }
}

/// Reads the file; `tree` is what a model's commands may write.
pub(super) fn read(env: &Env, dirs: &Dirs, tree: Option<&Path>) -> Result<UserText, ConfigError> {
    let path = dirs.config_file();
    let home = env.home();
    let shown = dirs::show(&path, home.as_deref());
    let bytes = match fsx::read_own(&path, MOST_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(UserText { path, shown, text: None }),
        Err(_) if fsx::writable_by_others(&path) => {
            return Err(ConfigError::Folder {
                what: format!("{shown} can be written by others"),
                why: "whoever writes there decides where your keys are sent".to_owned(),
                fix: vec![format!("chmod go-w {}", shell::path(&path))],
            });
        }
        Err(source) => return Err(ConfigError::Read { shown, source }),
    };
    let path = path.canonicalize().unwrap_or(path);
    if let Some(tree) = tree.filter(|tree| path.starts_with(tree)) {
        return Err(ConfigError::Folder {
            what: format!("{shown} is a link into the project {}", dirs::show(tree, home.as_deref())),
            why: "a model that works on the project could change vk's configuration".to_owned(),
            fix: vec!["export VK_CONFIG_DIR=/a/folder/outside/the/project".to_owned()],
        });
    }
    let text = document::decode(bytes, &shown)?;
    Ok(UserText { path, shown, text: Some(text) })
}
