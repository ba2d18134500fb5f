//! What a sandbox is asked to be: plain values, decided before it starts and never loosened by what runs inside,
//! with one exception: a person may name a further host while it runs ([`super::Sandbox::allow_host`]).

use std::path::PathBuf;
use std::time::Duration;

/// What no honest build reaches, and a machine survives.
pub const MOST_PROCESSES: u64 = 8192;

/// What commands may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The workspace, a private /tmp and HOME, the package cache, and [`Spec::write`].
    Workspace,
    /// A private /tmp and HOME and the package cache; the workspace can only be read.
    ReadOnly,
    /// No sandbox: commands run with the user's rights. The environment is still an allow-list.
    Off,
}

/// What commands may reach beyond their own loopback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Network {
    None,
    /// The package registries of cargo, npm and pip, and the mirrors that the user's own configuration names.
    Registries,
    /// Exactly these hosts, on ports 80 and 443; an empty list allows nothing.
    Hosts(Vec<String>),
    /// Any public host.
    Any,
}

/// What holds the commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Bubblewrap,
    Landlock,
}

/// How much of the promise is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Everything: reads, writes, network, processes, and the protected names.
    Full,
    /// Reads and writes by allow-list, no sockets; the protected names are compared after each command.
    Partial,
    Off,
}

impl Level {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Partial => "partial",
            Self::Off => "off",
        }
    }
}

/// One sandbox. All paths are absolute and name things on this machine.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The project folder. Never `/`, the user's HOME, or a folder that holds HOME.
    pub workspace: PathBuf,
    pub mode: Mode,
    pub network: Network,
    /// Where package managers keep downloads between the tasks of this project; made if absent.
    pub cache_dir: PathBuf,
    /// What is never readable (outside the workspace) or never writable (inside it), beside `.git` and `vk.toml` at the
    /// workspace's root: vk's configuration and data folders belong here.
    pub protect: Vec<PathBuf>,
    /// Further folders that commands may read, by the user's own configuration.
    pub read: Vec<PathBuf>,
    /// Further folders that commands may write, by the user's own configuration.
    pub write: Vec<PathBuf>,
    /// Names of further environment variables that commands are given, by the user's own configuration.
    /// Credentials and addresses of AI providers are never passed, even if named.
    pub env_allow: Vec<String>,
    /// Processes at once; a command that has more is ended. [`Backend::Bubblewrap`] counts the sandbox's own, the kernel
    /// those of the user where the user is not root.
    pub processes: u64,
    /// Refuse anything below [`Level::Full`].
    pub require_full: bool,
    /// Only this backend; `None` takes the best one that works here.
    pub backend: Option<Backend>,
    /// The `vk` program that is run as the inside of the sandbox; `None` is the running program itself.
    pub helper: Option<PathBuf>,
}

impl Spec {
    /// Writes in the workspace, no network, nothing further.
    #[must_use]
    pub fn new(workspace: impl Into<PathBuf>, cache_dir: impl Into<PathBuf>) -> Self {
        Self {
            workspace: workspace.into(),
            mode: Mode::Workspace,
            network: Network::None,
            cache_dir: cache_dir.into(),
            protect: Vec::new(),
            read: Vec::new(),
            write: Vec::new(),
            env_allow: Vec::new(),
            processes: MOST_PROCESSES,
            require_full: false,
            backend: None,
            helper: None,
        }
    }
}

/// One command: a script for a fresh shell that starts in the folder and with the exported variables that the last
/// one ended with.
#[derive(Clone, Debug)]
pub struct Command {
    pub script: String,
    pub timeout: Duration,
    /// Bytes of output kept from the beginning and from the end; what lies between is counted and dropped.
    pub head: usize,
    pub tail: usize,
}

impl Command {
    /// Two minutes, 16 KiB from each end.
    #[must_use]
    pub fn new(script: impl Into<String>) -> Self {
        Self { script: script.into(), timeout: Duration::from_mins(2), head: 16 * 1024, tail: 16 * 1024 }
    }

    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}
