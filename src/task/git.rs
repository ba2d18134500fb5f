//! The git program, run so that nothing a repository says can run anything: its hooks, filters, drivers and monitors are
//! off, no network is used, and of the user's own settings only those that name a person or how lines end are taken.

mod run;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::base::env::Env;
use crate::domain::failure::Failure;
use run::finish;

/// The user's own settings, of the system or global kind, that are taken over. None of them names a program.
const TAKEN: [&str; 12] = [
    "author.email",
    "author.name",
    "committer.email",
    "committer.name",
    "core.autocrlf",
    "core.eol",
    "core.excludesfile",
    "core.quotepath",
    "safe.directory",
    "user.email",
    "user.name",
    "user.useconfigonly",
];

/// What a repository's own configuration must not decide, whatever it says.
const OVERRIDDEN: [(&str, &str); 10] = [
    ("core.attributesFile", "/dev/null"),
    ("core.editor", ":"),
    ("core.fsmonitor", "false"),
    ("core.hooksPath", "/dev/null"),
    ("core.pager", "cat"),
    ("core.safecrlf", "false"),
    ("commit.gpgSign", "false"),
    ("protocol.allow", "never"),
    ("submodule.recurse", "false"),
    ("user.useConfigOnly", "true"),
];

/// Kept of the user's environment when git is asked who the user is.
const IDENTITY: [&str; 8] = [
    "EMAIL",
    "GIT_AUTHOR_EMAIL",
    "GIT_AUTHOR_NAME",
    "GIT_COMMITTER_EMAIL",
    "GIT_COMMITTER_NAME",
    "HOME",
    "USER",
    "XDG_CONFIG_HOME",
];

/// Settings of a repository that make a push run a program of its choosing, or go elsewhere than its address says.
const RUNS_ON_PUSH: [(&str, &str); 9] = [
    ("core.", ".gitproxy"),
    ("core.", ".sshcommand"),
    ("core.", ".askpass"),
    ("credential.", "helper"),
    ("http.", ".proxy"),
    ("remote.", ".receivepack"),
    ("remote.", ".uploadpack"),
    ("remote.", ".vcs"),
    ("url.", ".insteadof"),
];

/// git said no, or could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("git could not be started: {0}")]
    Start(#[source] std::io::Error),
    #[error("{said}")]
    Refused { code: Option<i32>, said: String },
    #[error("git was ended after {} s; does a pipe stand in the place of a .gitignore or .gitattributes?", .0.as_secs())]
    Late(Duration),
}

impl GitError {
    /// The failure of a task that needed this.
    #[must_use]
    pub fn into_failure(self, what: &str) -> Failure {
        Failure::usage("git_failed", what).why(self.to_string()).fix("git status")
    }
}

/// git in one work tree.
#[derive(Debug)]
pub struct Git {
    program: PathBuf,
    tree: PathBuf,
    /// A home with the settings that are taken over, and nothing else.
    home: TempDir,
    env: Vec<(OsString, OsString)>,
    overrides: Vec<(String, String)>,
    /// What the repository's own configuration says that a push would run or follow.
    pub runs_on_push: Vec<String>,
}

impl Git {
    /// Looks for the program, never inside the project, and at what the repository's configuration names.
    ///
    /// # Errors
    /// Exit 2 where git is not there or the folder is no repository of the user's.
    pub fn open(env: &Env, tree: &Path) -> Result<Self, Failure> {
        let program = env.find_program("git", Some(tree)).ok_or_else(|| {
            Failure::usage("no_git", "git is not installed")
                .why("vk uses the git program; none is in PATH outside the project")
                .fix("sudo apt-get install git")
        })?;
        let home = tempfile::Builder::new().prefix("vk-git-").tempdir().map_err(|error| {
            Failure::usage("no_temporary_folder", "no temporary folder can be made")
                .why(error.to_string())
                .fix("df -h /tmp")
        })?;
        let keep = |name: &&str| env.path(name).map(|value| (OsString::from(name), value.into_os_string()));
        let own: Vec<(OsString, OsString)> = IDENTITY.iter().filter_map(keep).collect();
        let mut git = Self {
            program,
            tree: tree.to_owned(),
            home,
            env: Vec::new(),
            overrides: OVERRIDDEN.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            runs_on_push: Vec::new(),
        };
        let settings = git.settings(own.clone()).map_err(|error| {
            error.into_failure(&format!("the git configuration of {} cannot be read", tree.display()))
        })?;
        git.take_over(&settings)?;
        git.env =
            own.into_iter().filter(|(name, _)| !matches!(name.to_str(), Some("HOME" | "XDG_CONFIG_HOME"))).collect();
        let path = git.home.path().join("config").into_os_string();
        git.env.push(("GIT_CONFIG_GLOBAL".into(), path));
        Ok(git)
    }

    /// Every setting with its scope, as git resolves them for this user. Listing them runs nothing.
    fn settings(&self, own: Vec<(OsString, OsString)>) -> Result<Vec<(String, String, String)>, GitError> {
        let mut command = self.bare();
        command.env_remove("GIT_CONFIG_NOSYSTEM").envs(own);
        command.args(["config", "--list", "--includes", "--show-scope", "--null"]);
        let listed = finish(command, None)?;
        let text = String::from_utf8_lossy(&listed).into_owned();
        let mut parts = text.split('\0');
        let mut settings = Vec::new();
        while let (Some(scope), Some(setting)) = (parts.next(), parts.next()) {
            let (key, value) = setting.split_once('\n').unwrap_or((setting, "true"));
            settings.push((scope.to_owned(), key.to_owned(), value.to_owned()));
        }
        Ok(settings)
    }

    fn take_over(&mut self, settings: &[(String, String, String)]) -> Result<(), Failure> {
        let mut global = String::new();
        for (scope, key, value) in settings {
            if scope == "system" || scope == "global" {
                global.extend(taken(key, value));
                continue;
            }
            self.overrides.extend(without_driver(key));
            let (start, lower) = (key.split('.').next().unwrap_or_default(), key.to_ascii_lowercase());
            let runs = RUNS_ON_PUSH
                .iter()
                .any(|(first, last)| first.trim_end_matches('.').eq_ignore_ascii_case(start) && lower.ends_with(last));
            if runs || lower.ends_with(".pushinsteadof") {
                self.runs_on_push.push(key.clone());
            }
        }
        std::fs::write(self.home.path().join("config"), global).map_err(|error| {
            Failure::usage("no_temporary_folder", "no temporary file can be written").why(error.to_string())
        })
    }

    /// git with an empty environment.
    fn bare(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .current_dir(&self.tree)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.home.path())
            .env("LC_ALL", "C")
            .env("GIT_ADVICE", "0")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0");
        command
    }

    /// The settings that hold whatever the repository says, as variables: git passes them on to what it starts.
    fn held(&self) -> Vec<(String, String)> {
        variables(self.overrides.iter())
    }

    /// As [`Git::held`] for a push, which uses the network in the user's own name.
    pub(super) fn held_outside(&self) -> Vec<(String, String)> {
        variables(self.overrides.iter().filter(|(key, _)| key != "protocol.allow"))
    }

    fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = self.bare();
        command.envs(self.env.iter().cloned()).envs(self.held()).args(arguments);
        command
    }

    /// The program itself, for what has to run with the user's own settings.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// What git printed.
    ///
    /// # Errors
    /// What git said when it did not do it.
    pub fn bytes<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Result<Vec<u8>, GitError> {
        finish(self.command(arguments), None)
    }

    /// As [`Git::bytes`], with something to read.
    ///
    /// # Errors
    /// What git said when it did not do it.
    pub fn fed<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        input: &[u8],
    ) -> Result<Vec<u8>, GitError> {
        finish(self.command(arguments), Some(input))
    }

    /// As [`Git::fed`], with an index that is not the user's.
    ///
    /// # Errors
    /// What git said when it did not do it.
    pub fn with_index<S: AsRef<OsStr>>(
        &self,
        index: &Path,
        arguments: impl IntoIterator<Item = S>,
        input: &[u8],
    ) -> Result<Vec<u8>, GitError> {
        let mut command = self.command(arguments);
        command.env("GIT_INDEX_FILE", index);
        finish(command, Some(input))
    }

    /// One line that git printed.
    ///
    /// # Errors
    /// What git said when it did not do it.
    pub fn line<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Result<String, GitError> {
        let bytes = self.bytes(arguments)?;
        Ok(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned())
    }

    /// The work tree.
    #[must_use]
    pub fn tree(&self) -> &Path {
        &self.tree
    }

    /// A place for files that only git reads.
    pub(super) fn scratch(&self) -> &Path {
        self.home.path()
    }
}

fn variables<'a>(settings: impl Iterator<Item = &'a (String, String)>) -> Vec<(String, String)> {
    let mut held = Vec::new();
    let mut count = 0;
    for (key, value) in settings {
        held.push((format!("GIT_CONFIG_KEY_{count}"), key.clone()));
        held.push((format!("GIT_CONFIG_VALUE_{count}"), value.clone()));
        count += 1;
    }
    held.push(("GIT_CONFIG_COUNT".to_owned(), count.to_string()));
    held
}

/// A path as git prints it between zero bytes.
#[cfg(unix)]
pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(<OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes.to_vec()))
}

#[cfg(not(unix))]
pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// A line of the settings that are taken over.
fn taken(key: &str, value: &str) -> Option<String> {
    let lower = key.to_ascii_lowercase();
    let (section, name) = TAKEN.contains(&lower.as_str()).then(|| lower.split_once('.')).flatten()?;
    let value: String = value.chars().filter(|c| !c.is_control()).collect();
    Some(format!("[{section}]\n\t{name} = \"{}\"\n", value.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// What takes a driver's program away, where `key` is one's.
fn without_driver(key: &str) -> Vec<(String, String)> {
    let Some((kind, rest)) = key.split_once('.') else { return Vec::new() };
    let Some((name, _)) = rest.rsplit_once('.') else { return Vec::new() };
    let off: &[(&str, &str)] = match kind {
        "filter" => &[("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")],
        "diff" => &[("command", ""), ("textconv", "")],
        "merge" => &[("driver", "")],
        "hook" => &[("enabled", "false")],
        _ => &[],
    };
    off.iter().map(|(last, value)| (format!("{kind}.{name}.{last}"), (*value).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drivers_lose_their_programs_and_settings_that_name_none_are_kept() {
        let off = without_driver("filter.my.odd.clean");
        assert!(off.contains(&("filter.my.odd.clean".to_owned(), String::new())), "{off:?}");
        assert!(off.contains(&("filter.my.odd.required".to_owned(), "false".to_owned())));
        assert!(without_driver("core.editor").is_empty() && without_driver("filter.clean").is_empty());
        assert_eq!(taken("user.name", "A \"B\"\n\\").as_deref(), Some("[user]\n\tname = \"A \\\"B\\\"\\\\\"\n"));
        for refused in ["core.fsmonitor", "filter.x.clean", "include.path", "core.sshcommand", "alias.st"] {
            assert_eq!(taken(refused, "evil"), None, "{refused}");
        }
    }
}
