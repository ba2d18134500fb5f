//! The only reader of the environment. It is read once, at the start, and handed down as a value.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Names that carry a credential or an address of some provider's tool. None of them ever chooses the payer;
/// each is removed from every child. Sources: the vendors' SDKs and command-line tools (2026-11).
const AMBIENT: &[&str] = &[
    "ANTHROPIC_ADMIN_API_KEY",
    "ANTHROPIC_ADMIN_KEY",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_CUSTOM_HEADERS",
    "ANTHROPIC_PROFILE",
    "AZURE_OPENAI_API_KEY",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_FOUNDRY",
    "CLAUDE_CODE_USE_VERTEX",
    "CODEX_ACCESS_TOKEN",
    "CODEX_API_KEY",
    "DEEPSEEK_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "GROQ_API_KEY",
    "LITELLM_API_KEY",
    "LITELLM_MASTER_KEY",
    "MISTRAL_API_KEY",
    "OPENAI_ADMIN_KEY",
    "OPENAI_API_BASE",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_ORGANIZATION",
    "OPENAI_ORG_ID",
    "OPENAI_PROJECT",
    "OPENROUTER_API_KEY",
    "XAI_API_KEY",
    "ZAI_API_KEY",
];

/// How keys begin that only providers of models issue.
const KEYS: [&str; 8] = ["sk-ant-", "sk-proj-", "sk-or-v1-", "sk-admin-", "sk-svcacct-", "gsk_", "xai-", "AIza"];

/// Whether a value is such a key, whatever its variable is called.
fn is_key(value: &OsString) -> bool {
    value.to_str().is_some_and(|value| KEYS.iter().any(|prefix| value.trim_start().starts_with(prefix)))
}

/// Whether a variable holds a credential or an address of some provider's tool.
#[must_use]
pub fn is_ambient(name: &str) -> bool {
    AMBIENT.contains(&name)
}

/// A snapshot of the process environment and working directory.
#[derive(Clone, Debug, Default)]
pub struct Env {
    vars: BTreeMap<OsString, OsString>,
    cwd: PathBuf,
    folders: Option<Folders>,
}

/// Where the platform keeps a program's files (by `directories`: XDG, Apple's or Microsoft's rules).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    pub config: PathBuf,
    pub data: PathBuf,
}

impl Env {
    /// Reads the process once. `cwd` is the real working directory, canonical where it exists.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn capture() -> Self {
        let cwd = std::env::current_dir().unwrap_or_default();
        let folders = directories::ProjectDirs::from("", "", "vk")
            .map(|dirs| Folders { config: dirs.config_dir().to_owned(), data: dirs.data_dir().to_owned() });
        Self { vars: std::env::vars_os().collect(), cwd: cwd.canonicalize().unwrap_or(cwd), folders }
    }

    /// A made-up environment for tests. Its folders are those of a `HOME` without any `XDG_` variable.
    #[must_use]
    pub fn of(vars: &[(&str, &str)], cwd: &Path) -> Self {
        let vars = vars.iter().map(|(k, v)| (OsString::from(k), OsString::from(v))).collect();
        let mut env = Self { vars, cwd: cwd.to_path_buf(), folders: None };
        env.folders =
            env.home().map(|home| Folders { config: home.join(".config/vk"), data: home.join(".local/share/vk") });
        env
    }

    /// vk's folders by the platform's rules; `None` where there is no home.
    #[must_use]
    pub const fn folders(&self) -> Option<&Folders> {
        self.folders.as_ref()
    }

    #[must_use]
    pub fn cwd(&self) -> &Path {
        &self.cwd
    }

    /// The value if it is set, not empty, and UTF-8.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.vars.get(std::ffi::OsStr::new(name)).and_then(|v| v.to_str()).filter(|v| !v.is_empty())
    }

    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.vars.get(std::ffi::OsStr::new(name)).filter(|v| !v.is_empty()).map(PathBuf::from)
    }

    #[must_use]
    pub fn home(&self) -> Option<PathBuf> {
        self.path("HOME")
    }

    /// The person, as the system that started this names them: whoever a CI runs for, else the account. Empty where
    /// nothing says it.
    #[must_use]
    pub fn person(&self) -> String {
        // Sources: docs.github.com/actions/reference/workflows-and-actions/variables,
        // docs.gitlab.com/ci/variables/predefined_variables (2026-11).
        let of_ci = [("GITHUB_ACTIONS", "GITHUB_ACTOR"), ("GITLAB_CI", "GITLAB_USER_LOGIN")];
        let ci = of_ci.into_iter().find_map(|(runs, actor)| self.get(actor).filter(|_| self.flag(runs)));
        let account = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| self.get(name));
        ci.or(account).map_or_else(|| account_of_process().unwrap_or_default(), str::to_owned)
    }

    /// Set to anything but the empty string, `0` or `false`.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|v| v != "0" && !v.eq_ignore_ascii_case("false"))
    }

    /// The ambient credentials and addresses that are set, in name order: ignored, said once, kept from children.
    #[must_use]
    pub fn ambient(&self) -> Vec<String> {
        AMBIENT.iter().filter(|name| self.get(name).is_some()).map(|name| (*name).to_owned()).collect()
    }

    /// Every variable except the ambient credentials and addresses, and keys under any other name: what a child that is no task of vk's may have.
    pub fn without_ambient(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.vars.iter().filter(|(name, value)| !name.to_str().is_some_and(is_ambient) && !is_key(value))
    }

    /// The same, with nothing of `tree` in `PATH`: where what runs works in another folder than the one that its
    /// user stands in, the programs of neither are taken.
    #[must_use]
    pub fn without_programs_of(&self, tree: &Path) -> Self {
        let mut env = self.clone();
        let name = std::ffi::OsStr::new("PATH");
        let inside = |dir: &PathBuf| dir.starts_with(tree) || dir.canonicalize().is_ok_and(|dir| dir.starts_with(tree));
        if let Some(path) = self.vars.get(name) {
            let kept = std::env::split_paths(path).filter(|dir| !inside(dir));
            // Each came out of such a list, so each goes into one.
            env.vars.insert(name.to_owned(), std::env::join_paths(kept).unwrap_or_default());
        }
        env
    }

    /// The absolute path of `program`, searched in `PATH` as given, never in an empty or relative entry and
    /// never inside `outside_of` (a repository must not plant the tools that vk runs).
    #[must_use]
    pub fn find_program(&self, program: &str, outside_of: Option<&Path>) -> Option<PathBuf> {
        let path = self.vars.get(std::ffi::OsStr::new("PATH"))?;
        std::env::split_paths(path)
            .filter(|dir| dir.is_absolute())
            .map(|dir| dir.join(program))
            .filter(|file| is_executable(file))
            .find(|file| {
                let real = file.canonicalize().unwrap_or_else(|_| file.clone());
                outside_of.is_none_or(|tree| !real.starts_with(tree) && !file.starts_with(tree))
            })
    }
}

/// The name of this process's account, where no variable has it: a container's first process has none.
#[cfg(unix)]
fn account_of_process() -> Option<String> {
    let id = rustix::process::getuid().as_raw().to_string();
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    let mut lines = accounts.lines().map(|line| line.split(':'));
    lines.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)? == id).then(|| name.to_owned())
    })
}

#[cfg(not(unix))]
fn account_of_process() -> Option<String> {
    None
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &Path) -> bool {
    file.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ambient_names_are_listed_but_empty_ones_are_not() {
        let env = Env::of(&[("ANTHROPIC_API_KEY", "x"), ("OPENAI_API_KEY", ""), ("LANG", "C")], Path::new("/"));
        assert_eq!(env.ambient(), ["ANTHROPIC_API_KEY"]);
    }

    #[test]
    fn the_person_is_whom_a_ci_runs_for_or_the_account() {
        let person = |vars: &[(&str, &str)]| Env::of(vars, Path::new("/")).person();
        assert_eq!(person(&[("USER", "ann")]), "ann");
        assert_eq!(person(&[("LOGNAME", "bob"), ("GITHUB_ACTOR", "eve")]), "bob");
        assert_eq!(person(&[("USER", "runner"), ("GITHUB_ACTIONS", "true"), ("GITHUB_ACTOR", "ann")]), "ann");
        assert_eq!(person(&[("GITLAB_CI", "true"), ("GITLAB_USER_LOGIN", "bob")]), "bob");
        assert!(!person(&[]).is_empty(), "the account has a name");
    }

    #[test]
    fn programs_are_never_taken_from_relative_entries_or_the_tree() {
        let tree = tempfile::tempdir().unwrap();
        let planted = tree.path().join("sh");
        std::fs::copy("/bin/sh", &planted).unwrap();
        let path = format!(".::{}:/bin:/usr/bin", tree.path().display());
        let env = Env::of(&[("PATH", &path)], tree.path());
        let found = env.find_program("sh", Some(tree.path())).unwrap();
        assert!(!found.starts_with(tree.path()));
    }
}
