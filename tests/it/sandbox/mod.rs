//! The sandbox as the agent's loop uses it, with the real `vk` as its inside and each backend that this machine has.

mod commands;

use std::path::{Path, PathBuf};
use std::time::Duration;

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
        for folder in ["home", "home/work", "data"] {
            std::fs::create_dir(dir.path().join(folder)).unwrap();
        }
        let home = dir.path().join("home").to_string_lossy().into_owned();
        let path = std::env::var("PATH").unwrap();
        let vars = vec![("HOME".to_owned(), home), ("PATH".to_owned(), path), ("USER".to_owned(), "u".to_owned())];
        Self { dir, vars }
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.vars.push((name.to_owned(), value.to_owned()));
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
