//! A made-up home and repository for the tests of this folder.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tempfile::TempDir;

use super::{Flags, Loaded, load};
use crate::base::env::Env;
use crate::base::secret::Secret;
use crate::domain::event::Event;
use crate::domain::failure::Failure;
use crate::domain::ui::{Question, Ui};

pub(super) struct World {
    dir: TempDir,
    /// The working directory.
    pub(super) cwd: PathBuf,
    pub(super) vars: Vec<(String, String)>,
}

impl World {
    /// `home/.config/vk` and the git repository `home/shop`, which is the working directory.
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut world = Self { dir, cwd: PathBuf::new(), vars: Vec::new() };
        fs::create_dir_all(world.config()).unwrap();
        fs::create_dir_all(world.repo().join(".git")).unwrap();
        fs::set_permissions(world.config(), fs::Permissions::from_mode(0o700)).unwrap();
        world.cwd = world.repo();
        world
    }

    pub(super) fn home(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join("home")
    }

    pub(super) fn repo(&self) -> PathBuf {
        self.home().join("shop")
    }

    pub(super) fn config(&self) -> PathBuf {
        self.home().join(".config/vk")
    }

    pub(super) fn data(&self) -> PathBuf {
        self.home().join(".local/share/vk")
    }

    pub(super) fn user(self, text: &str) -> Self {
        write(&self.config().join("config.toml"), text);
        self
    }

    pub(super) fn project(self, text: &str) -> Self {
        write(&self.repo().join("vk.toml"), text);
        self
    }

    pub(super) fn var(mut self, name: &str, value: impl AsRef<Path>) -> Self {
        self.vars.push((name.to_owned(), value.as_ref().display().to_string()));
        self
    }

    pub(super) fn within(mut self, folder: impl AsRef<Path>) -> Self {
        self.cwd = self.home().join(folder);
        fs::create_dir_all(&self.cwd).unwrap();
        self
    }

    pub(super) fn env(&self) -> Env {
        let home = self.home().display().to_string();
        let mut vars = vec![("HOME", home.as_str())];
        vars.extend(self.vars.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        Env::of(&vars, &self.cwd)
    }

    pub(super) fn load(&self) -> Result<Loaded, Failure> {
        self.load_with(&Flags::default())
    }

    pub(super) fn load_with(&self, flags: &Flags) -> Result<Loaded, Failure> {
        load(&self.env(), flags)
    }

    /// The error as people see it, folders of this test left out.
    pub(super) fn error(&self) -> String {
        self.render(&self.load().unwrap_err())
    }

    pub(super) fn render(&self, failure: &Failure) -> String {
        assert_eq!(failure.exit_code(), failure.status.exit_code());
        let mut lines = vec![format!("{} [{}]", failure.what, failure.code)];
        lines.extend(failure.why.clone());
        lines.extend(failure.fix.iter().map(|fix| format!("fix: {fix}")));
        lines.join("\n").replace(&self.home().display().to_string(), "HOME")
    }
}

pub(super) fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
}

/// Somebody at the terminal who answers in order, or nobody.
#[derive(Default)]
pub(super) struct Person {
    pub(super) answers: Mutex<VecDeque<char>>,
    /// What was shown: talk, and each question with its detail.
    pub(super) seen: Mutex<Vec<String>>,
}

impl Person {
    pub(super) fn who_says(answers: &str) -> Self {
        Self { answers: Mutex::new(answers.chars().collect()), seen: Mutex::default() }
    }

    pub(super) fn nobody() -> Self {
        Self::default()
    }

    pub(super) fn saw(&self) -> String {
        self.seen.lock().unwrap().join("\n")
    }
}

impl Ui for Person {
    fn event(&self, _: &Event) {}

    fn say(&self, line: &str) {
        self.seen.lock().unwrap().push(line.to_owned());
    }

    fn interactive(&self) -> bool {
        !self.answers.lock().unwrap().is_empty()
    }

    fn ask(&self, question: &Question) -> Option<char> {
        let mut seen = self.seen.lock().unwrap();
        seen.extend(question.detail.clone());
        seen.push(format!("{} [{}]", question.text, question.options[0].1));
        self.answers.lock().unwrap().pop_front()
    }

    fn ask_line(&self, _: &str) -> Option<String> {
        None
    }

    fn ask_secret(&self, _: &str) -> Option<Secret> {
        None
    }
}
