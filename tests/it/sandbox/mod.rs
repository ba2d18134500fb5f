//! The sandbox as the agent's loop uses it, with the real `vk` as its inside and each backend that this machine has.

mod commands;
mod corpus;
mod files;
mod many;
mod mirror;
mod network;
mod processes;
mod protected;
mod registries;
mod secrets;
pub(crate) mod starting;
mod task;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use vibekit::base::env::Env;
use vibekit::sandbox::{Backend, Command, Output, Sandbox, SandboxError, Spec};

/// A home, a workspace and a cache of their own.
pub(crate) struct Place {
    dir: TempDir,
    pub(crate) vars: Vec<(String, String)>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("vk-it-").tempdir().unwrap();
        for folder in ["home", "home/work", "data", "tmp"] {
            std::fs::create_dir(dir.path().join(folder)).unwrap();
        }
        let at = |folder: &str| dir.path().join(folder).to_string_lossy().into_owned();
        let (home, tmp, path) = (at("home"), at("tmp"), outer("PATH").unwrap());
        let vars = [("HOME", home), ("PATH", path), ("TMPDIR", tmp), ("USER", "u".to_owned())];
        let vars = vars.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { dir, vars }
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.vars.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes a file below the folder that holds everything, its folders included.
    pub(crate) fn file(self, path: &str, content: &str) -> Self {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.dir.path().join("home/work")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn env(&self) -> Env {
        let vars: Vec<(&str, &str)> = self.vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Env::of(&vars, &self.work())
    }

    pub(crate) fn spec(&self, backend: Backend) -> Spec {
        let mut spec = Spec::new(self.work(), self.dir.path().join("cache"));
        spec.helper = Some(PathBuf::from(env!("CARGO_BIN_EXE_vk")));
        spec.backend = Some(backend);
        spec.protect = vec![self.data()];
        spec
    }

    pub(crate) fn start(&self, backend: Backend) -> Sandbox {
        self.start_with(self.spec(backend)).unwrap()
    }

    pub(crate) fn start_with(&self, spec: Spec) -> Result<Sandbox, SandboxError> {
        Sandbox::start(&self.env(), spec)
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Makes the workspace a git repository with one commit of what is there.
    pub(crate) fn git(self) -> Self {
        let script = "git init -q -b main && git add -A && \
             git -c user.name=t -c user.email=t@example.com commit -q --allow-empty -m start";
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", script]).current_dir(self.work()).env("HOME", self.home());
        assert!(shell.status().unwrap().success());
        self
    }
}

/// A variable of the tests' own environment.
pub(crate) fn outer(name: &str) -> Option<String> {
    Env::capture().get(name).map(str::to_owned)
}

/// The backends that work here; what does not is said once.
#[allow(clippy::print_stdout, reason = "a skipped test must be seen")]
pub(crate) fn backends() -> &'static [Backend] {
    static FOUND: OnceLock<Vec<Backend>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let works = |backend: &Backend| match Place::new().start_with(Place::new().spec(*backend)) {
            Err(SandboxError::Unavailable { reason }) => {
                println!("skipped for {backend:?}: {reason}");
                false
            }
            _ => true,
        };
        [Backend::Bubblewrap, Backend::Landlock].into_iter().filter(works).collect()
    })
}

/// Whether bubblewrap works here, said if not.
pub(crate) fn has_bubblewrap() -> bool {
    backends().contains(&Backend::Bubblewrap)
}

/// Runs a script with a limit that a healthy command never meets.
pub(crate) fn run(sandbox: &Sandbox, script: &str) -> Output {
    run_for(sandbox, script, Duration::from_secs(30))
}

pub(crate) fn run_for(sandbox: &Sandbox, script: &str, limit: Duration) -> Output {
    block_on(sandbox.run(Command::new(script).timeout(limit))).unwrap()
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Waits until something is so, for a few seconds at most; whether it came to be.
pub(crate) fn eventually(so: impl Fn() -> bool) -> bool {
    let began = Instant::now();
    while !so() {
        if began.elapsed() > Duration::from_secs(5) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}
