//! `cargo bench --bench sandbox`: what containment costs a command, for each backend that works here. Medians of 20.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench may panic and must print")]

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use vibekit::base::env::Env;
use vibekit::sandbox::{Backend, Command, Sandbox, Spec};

const RUNS: usize = 20;

fn main() {
    // Cargo passes `--bench`; anything else is not a measurement.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let shell = "/bin/sh";
    let bare = median(|| drop(std::process::Command::new(shell).args(["-c", "true"]).stdin(Stdio::null()).output()));
    println!("bare {shell} -c true: {bare:?}");
    for backend in [Backend::Bubblewrap, Backend::Landlock] {
        let root = tempfile::tempdir().unwrap();
        let start = || start(root.path(), backend);
        if let Err(error) = start() {
            println!("{backend:?}: {error}");
            continue;
        }
        let started = median(|| drop(start()));
        let sandbox = start().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let run = |script: &str| drop(runtime.block_on(sandbox.run(Command::new(script))).unwrap());
        run("true");
        let command = median(|| run("true"));
        let over = command.saturating_sub(bare);
        println!("{backend:?}: start and end {started:?}, a command {command:?}, {over:?} over the bare shell");
    }
}

fn start(root: &Path, backend: Backend) -> Result<Sandbox, vibekit::sandbox::SandboxError> {
    let (home, work) = (root.join("home"), root.join("home/work"));
    std::fs::create_dir_all(&work).unwrap();
    let env = Env::of(&[("HOME", home.to_str().unwrap()), ("PATH", "/usr/bin:/bin")], &work);
    let mut spec = Spec::new(work, root.join("cache"));
    spec.helper = Some(env!("CARGO_BIN_EXE_vk").into());
    spec.backend = Some(backend);
    Sandbox::start(&env, spec)
}

fn median(mut what: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let began = Instant::now();
            what();
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[RUNS / 2]
}
