//! The full sandbox: bubblewrap builds a file tree from nothing but what is named here, in namespaces of its own, and
//! runs vk's inside in it as the first process.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::environment::{Places, WayOut};
use super::plan::Plan;

/// Where the inside keeps its own program and the carried state.
const OWN: &str = "/run/vk";

/// One thing in the new tree.
enum Mount {
    ReadOnly(PathBuf),
    Writable(PathBuf),
    /// An empty folder of its own.
    Empty,
    /// A plain folder of the tree itself, which is private and in memory.
    Folder,
    Link(PathBuf),
    /// Nothing can be read there.
    Masked,
}

/// Where commands find their own things.
pub(super) fn places(plan: &Plan) -> Places {
    // The real home's path, but empty: programs that spell it out find their toolchains there, and nothing else.
    let opened = |home: &&PathBuf| plan.hidden.contains(home);
    let home = plan.real_home.as_ref().filter(opened).cloned();
    Places {
        home: home.unwrap_or_else(|| Path::new(OWN).join("home")),
        tmp: PathBuf::from("/tmp"),
        cache: Some(plan.spec.cache_dir.clone()),
        way_out: WayOut::Proxy,
    }
}

pub(super) fn state_dir() -> PathBuf {
    Path::new(OWN).join("state")
}

/// The command that runs the inside. `user_namespace` is false only for root where the kernel gives none.
pub(super) fn command(program: &Path, plan: &Plan, user_namespace: bool) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    if user_namespace {
        command.arg("--unshare-user");
    }
    command.args(["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]);
    command.args(["--die-with-parent", "--new-session", "--as-pid-1", "--cap-drop", "ALL"]);
    // First, so that a workspace in /dev/shm is mounted over them and not they over it.
    command.args(["--proc", "/proc", "--dev", "/dev"]);
    for (path, mount) in tree(plan) {
        command.args(arguments(&path, &mount));
    }
    // Which keys the kernel keeps for the user is not told, as their content is not.
    for list in ["/proc/keys", "/proc/key-users"].iter().filter(|list| Path::new(list).exists()) {
        command.args(["--ro-bind", "/dev/null", list]);
    }
    // Root outside is root to /proc/sys even without capabilities: one write there would run a program of the host.
    command.args(["--remount-ro", "/proc", "--chdir"]).arg(&plan.spec.workspace);
    command.arg("--").arg(Path::new(OWN).join("vk")).args(["__sandbox", "serve"]);
    command
}

fn arguments(path: &Path, mount: &Mount) -> Vec<OsString> {
    let words: Vec<&OsStr> = match mount {
        Mount::ReadOnly(source) => vec!["--ro-bind".as_ref(), source.as_ref(), path.as_ref()],
        Mount::Writable(source) => vec!["--bind".as_ref(), source.as_ref(), path.as_ref()],
        Mount::Empty => vec!["--tmpfs".as_ref(), path.as_ref()],
        Mount::Folder => vec!["--dir".as_ref(), path.as_ref()],
        Mount::Link(target) => vec!["--symlink".as_ref(), target.as_ref(), path.as_ref()],
        Mount::Masked => vec!["--ro-bind".as_ref(), "/dev/null".as_ref(), path.as_ref()],
    };
    words.into_iter().map(OsStr::to_os_string).collect()
}

/// The tree in the order of its paths, so that a folder comes before what is mounted in it.
fn tree(plan: &Plan) -> BTreeMap<PathBuf, Mount> {
    let mut tree = BTreeMap::new();
    let places = places(plan);
    for folder in [places.home.clone(), places.tmp, "/var/tmp".into(), "/run".into(), state_dir()] {
        tree.insert(folder, Mount::Folder);
    }
    for path in &plan.read {
        let link = fs::read_link(path).ok().filter(|_| path.parent() == Some(Path::new("/")));
        tree.insert(path.clone(), link.map_or_else(|| Mount::ReadOnly(path.clone()), Mount::Link));
    }
    let below_readable = |path: &Path| plan.read.iter().any(|read| path.starts_with(read));
    for path in plan.hidden.iter().filter(|path| below_readable(path)) {
        let mask = if path.is_dir() { Mount::Empty } else { Mount::Masked };
        tree.insert(path.clone(), mask);
    }
    let workspace = plan.spec.workspace.clone();
    let as_asked = if plan.writes() { Mount::Writable } else { Mount::ReadOnly };
    tree.insert(workspace.clone(), as_asked(workspace));
    for path in &plan.write {
        tree.insert(path.clone(), Mount::Writable(path.clone()));
    }
    for path in &plan.held {
        tree.insert(path.clone(), Mount::ReadOnly(path.clone()));
    }
    tree.insert(Path::new(OWN).join("vk"), Mount::ReadOnly(plan.helper.clone()));
    tree
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::env::Env;
    use crate::sandbox::spec::{Mode, Spec};

    fn plan(mode: Mode) -> (tempfile::TempDir, Plan) {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        for folder in ["home/.cargo/bin", "home/.ssh", "home/code/.git"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        let home = root.join("home");
        let env = Env::of(&[("HOME", home.to_str().unwrap()), ("PATH", "/usr/bin:/bin")], &home);
        let mut spec = Spec::new(home.join("code"), root.join("cache"));
        (spec.mode, spec.helper) = (mode, Some("/bin/true".into()));
        let plan = Plan::new(&env, &spec).unwrap();
        (dir, plan)
    }

    #[test]
    fn a_folder_comes_before_what_lies_in_it() {
        let (_dir, plan) = plan(Mode::Workspace);
        let order: Vec<PathBuf> = tree(&plan).into_keys().collect();
        let at = |path: &Path| order.iter().position(|other| other == path).unwrap();
        let home = plan.real_home.clone().unwrap();
        assert!(at(&home) < at(&home.join(".cargo/bin")) && at(&home) < at(&plan.spec.workspace));
        assert!(at(&plan.spec.workspace) < at(&plan.spec.workspace.join(".git")));
    }

    #[test]
    fn what_is_protected_is_mounted_read_only_and_nothing_is_mounted_where_nothing_is() {
        let (_dir, plan) = plan(Mode::Workspace);
        let tree = tree(&plan);
        assert!(matches!(tree[&plan.spec.workspace], Mount::Writable(_)));
        assert!(matches!(tree[&plan.spec.workspace.join(".git")], Mount::ReadOnly(_)));
        assert!(!tree.contains_key(&plan.spec.workspace.join("vk.toml")));
        assert!(!tree.keys().any(|path| path.ends_with(".ssh")));
    }

    #[test]
    fn read_only_means_the_workspace_too() {
        let (_dir, plan) = plan(Mode::ReadOnly);
        assert!(matches!(tree(&plan)[&plan.spec.workspace], Mount::ReadOnly(_)));
    }
}
