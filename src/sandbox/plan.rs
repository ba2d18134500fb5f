//! From what was asked to what is laid on: every path made sure to exist and to be allowed, before anything is started.
//! Both backends are built from the same plan.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::environment::{self, Places};
use super::error::SandboxError;
use super::gitdir;
use super::mirrors::Mirrors;
use super::secrets;
use super::spec::{Mode, Spec};
use super::toolchain;
use crate::base::env::Env;
use crate::base::fsx;

/// Names at the root of every workspace that are never written.
pub(super) const PROTECTED: [&str; 2] = [".git", "vk.toml"];

#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub spec: Spec,
    /// The `vk` that is run inside.
    pub helper: PathBuf,
    pub shell: PathBuf,
    /// The user's real home, if there is one.
    pub real_home: Option<PathBuf>,
    /// Readable, none below another; the workspace is not among them.
    pub read: Vec<PathBuf>,
    /// Writable beside the workspace: the cache, and what the user's configuration names.
    pub write: Vec<PathBuf>,
    /// What may lie below a readable folder and must not be seen: the real home and vk's own folders.
    pub hidden: Vec<PathBuf>,
    /// Protected and there: absolute paths in the workspace.
    pub held: Vec<PathBuf>,
    /// Protected and not there.
    pub absent: Vec<PathBuf>,
    /// Protected but a link, which no mount can hold.
    pub links: Vec<PathBuf>,
    pub mirrors: Mirrors,
    env: Env,
}

impl Plan {
    pub(super) fn new(env: &Env, spec: &Spec) -> Result<Self, SandboxError> {
        let mut spec = spec.clone();
        spec.workspace = workspace(env, &spec)?;
        fsx::create_private_dir(&spec.cache_dir).map_err(io("the package cache cannot be made"))?;
        spec.cache_dir = fs::canonicalize(&spec.cache_dir).map_err(io("the package cache cannot be opened"))?;
        spec.protect = spec.protect.iter().map(|path| real(path)).collect();
        let real_home = env.home().filter(|home| home.is_absolute() && home != Path::new("/")).map(|home| real(&home));
        let (inside, outside): (Vec<PathBuf>, Vec<PathBuf>) =
            spec.protect.iter().cloned().partition(|path| path.starts_with(&spec.workspace));
        let named = [&spec.read, &spec.write].into_iter().flatten();
        for path in named {
            folder(path, &outside)?;
        }
        let mut kept_out = vec![spec.workspace.clone()];
        kept_out.extend(outside.iter().cloned());
        let mut read = toolchain::readable(env, &kept_out);
        read.extend(spec.read.iter().cloned());
        read.extend(gitdir::common(&spec.workspace));
        let mut write = vec![spec.cache_dir.clone()];
        write.extend(spec.write.iter().cloned());
        let opened = |home: &PathBuf| spec.read.iter().chain(&spec.write).any(|path| home.starts_with(path));
        let mut hidden = outside;
        hidden.extend(real_home.clone().filter(|home| !opened(home)));
        hidden.extend(secrets::in_etc());
        let (mut held, mut absent, mut links) = (Vec::new(), Vec::new(), Vec::new());
        for path in PROTECTED.iter().map(|name| spec.workspace.join(name)).chain(inside) {
            match fs::symlink_metadata(&path) {
                Ok(meta) if meta.is_symlink() => {
                    held.extend(fs::canonicalize(&path).ok().filter(|target| target.starts_with(&spec.workspace)));
                    links.push(path);
                }
                Ok(_) => held.push(path),
                Err(_) => absent.push(path),
            }
        }
        Ok(Self {
            helper: helper(&spec)?,
            shell: shell(env, &spec.workspace)?,
            real_home,
            read,
            write,
            hidden,
            held,
            absent,
            links,
            mirrors: Mirrors::of(env),
            env: env.clone(),
            spec,
        })
    }

    /// The environment of commands, for these places.
    pub(super) fn environment(&self, places: &Places) -> Vec<(OsString, OsString)> {
        let mut vars = environment::build(&self.env, places, &self.spec.workspace, &self.spec.env_allow);
        vars.extend(self.mirrors.env.clone());
        vars.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    /// The settings of package managers and git that a private home begins with.
    pub(super) fn files(&self, home: &Path) -> Vec<(OsString, String)> {
        // Whoever owns the checkout, reading its history from in here is safe.
        let git = "[safe]\n\tdirectory = *\n".to_owned();
        [
            (home.join(".gitconfig"), git),
            (home.join(".npmrc"), self.mirrors.npm.clone()),
            (home.join(".config/pip/pip.conf"), self.mirrors.pip.clone()),
            (self.spec.cache_dir.join("cargo/config.toml"), self.mirrors.cargo.clone()),
        ]
        .into_iter()
        // A mirror that is no longer wanted must leave the cache's cargo settings, so that file is always written.
        .filter(|(path, text)| !text.is_empty() || path.starts_with(&self.spec.cache_dir))
        .map(|(path, text)| (path.into_os_string(), text))
        .collect()
    }

    /// Readable folders with everything hidden cut out, for a backend that can only allow: a folder that holds something
    /// hidden is replaced by what else it holds.
    pub(super) fn carved(&self) -> Vec<PathBuf> {
        self.read.iter().flat_map(|path| carve(path, &self.hidden, &self.spec.read)).collect()
    }
}

fn carve(path: &Path, hidden: &[PathBuf], named: &[PathBuf]) -> Vec<PathBuf> {
    let leads_to_hidden = |target: PathBuf| hidden.iter().any(|secret| target.starts_with(secret));
    let link = path.is_symlink() && fs::canonicalize(path).is_ok_and(leads_to_hidden);
    if !link && hidden.iter().all(|secret| !secret.starts_with(path)) || named.iter().any(|own| own == path) {
        return vec![path.to_path_buf()];
    }
    if hidden.iter().any(|secret| secret == path) {
        return Vec::new();
    }
    // A link inside could lead to what is hidden, which its own place does not say.
    if link {
        return Vec::new();
    }
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    entries.flatten().flat_map(|entry| carve(&entry.path(), hidden, named)).collect()
}

fn io(doing: &'static str) -> impl FnOnce(std::io::Error) -> SandboxError {
    move |source| SandboxError::Io { doing, source }
}

/// The path with its links followed, or as it is where there is nothing.
fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

fn workspace(env: &Env, spec: &Spec) -> Result<PathBuf, SandboxError> {
    let refused =
        |reason: &str| Err(SandboxError::Workspace { path: spec.workspace.clone(), reason: reason.to_owned() });
    let Ok(workspace) = fs::canonicalize(&spec.workspace) else { return refused("it does not exist") };
    if !workspace.is_dir() {
        return refused("it is not a folder");
    }
    if workspace == Path::new("/") {
        return refused("it is the whole system");
    }
    if env.home().is_some_and(|home| real(&home).starts_with(&workspace)) {
        return refused("your home folder lies in it");
    }
    let own = ["/usr", "/etc", "/bin", "/sbin", "/lib", "/lib64", "/proc", "/sys", "/dev", "/run", "/tmp", "/var"];
    if own.iter().any(|folder| workspace == real(Path::new(folder)))
        || [Path::new("/proc"), Path::new("/sys")].iter().any(|kernel| workspace.starts_with(kernel))
    {
        return refused("it is a folder of the system");
    }
    Ok(workspace)
}

/// A folder that the user's configuration opens.
fn folder(path: &Path, protected: &[PathBuf]) -> Result<(), SandboxError> {
    let refused = |reason: &str| Err(SandboxError::Folder { path: path.to_path_buf(), reason: reason.to_owned() });
    if !path.is_absolute() {
        return refused("its path is not absolute");
    }
    let Ok(found) = fs::canonicalize(path) else { return refused("it does not exist") };
    if found == Path::new("/") {
        return refused("it is the whole system");
    }
    if protected.iter().any(|own| own.starts_with(&found) || found.starts_with(own)) {
        return refused("vk keeps its own configuration or data there");
    }
    Ok(())
}

fn helper(spec: &Spec) -> Result<PathBuf, SandboxError> {
    match &spec.helper {
        Some(path) => Ok(path.clone()),
        None => std::env::current_exe().map_err(io("the vk program cannot be found")),
    }
}

fn shell(env: &Env, workspace: &Path) -> Result<PathBuf, SandboxError> {
    let usual = ["/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash", "/run/current-system/sw/bin/bash"];
    let usual = usual.iter().map(PathBuf::from).find(|path| path.exists());
    usual
        .or_else(|| env.find_program("bash", Some(workspace)))
        .or_else(|| Some(PathBuf::from("/bin/sh")).filter(|path| path.exists()))
        .ok_or_else(|| SandboxError::Unavailable { reason: "there is no shell".to_owned() })
}

impl Plan {
    /// Whether commands may change the workspace.
    pub(super) fn writes(&self) -> bool {
        self.spec.mode == Mode::Workspace
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(home: &Path) -> Env {
        Env::of(&[("HOME", home.to_str().unwrap()), ("PATH", "/usr/bin:/bin")], home)
    }

    fn plan(home: &Path, spec: &Spec) -> Result<Plan, SandboxError> {
        let mut spec = spec.clone();
        spec.helper = Some("/bin/true".into());
        Plan::new(&env(home), &spec)
    }

    #[test]
    fn a_workspace_is_never_the_home_or_what_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        fs::create_dir_all(home.join("code")).unwrap();
        let cache = dir.path().join("cache");
        for bad in [
            home.clone(),
            dir.path().to_path_buf(),
            "/".into(),
            "/usr".into(),
            "/proc/sys".into(),
            "/sys/devices".into(),
        ] {
            let refused = plan(&home, &Spec::new(&bad, &cache));
            assert!(matches!(refused, Err(SandboxError::Workspace { .. })), "{bad:?}");
        }
        let taken = plan(&home, &Spec::new(home.join("code"), &cache)).unwrap();
        assert_eq!(taken.absent.len(), 2);
        assert!(taken.hidden.iter().any(|path| path.ends_with("home")));
    }

    #[test]
    fn no_configuration_opens_vks_own_folders() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        fs::create_dir_all(home.join("data/vk")).unwrap();
        fs::create_dir_all(dir.path().join("ws")).unwrap();
        for named in ["data", "data/vk"] {
            let mut spec = Spec::new(dir.path().join("ws"), dir.path().join("cache"));
            spec.protect = vec![home.join("data/vk")];
            spec.read = vec![home.join(named)];
            assert!(matches!(plan(&home, &spec), Err(SandboxError::Folder { .. })), "{named}");
        }
    }

    #[test]
    fn what_is_hidden_is_cut_out_of_what_is_readable() {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["a/home/u", "a/home/v", "a/lib"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        let at = |name: &str| dir.path().join(name);
        let mut left = carve(&at("a"), &[at("a/home/u")], &[]);
        left.sort();
        assert_eq!(left, [at("a/home/v"), at("a/lib")]);
    }
}
