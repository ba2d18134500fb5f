//! `cargo bench --bench run`: what the goals of the first release say in numbers, measured on the release binary.
//! Times are ratios and medians of one run; peak memory is the kernel's own figure.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a bench may panic and must print")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use vibekit::base::env::Env;
use vibekit::domain::path::Wire;
use vibekit::rehearsal::{Line, Script, Server};
use vibekit::sandbox::{self, Backend, Sandbox, SandboxError, Spec};

const VK: &str = env!("CARGO_BIN_EXE_vk");
const TURNS: usize = 50;
const RUNS: usize = 15;

fn main() {
    // Cargo passes `--bench`; anything else is not a measurement.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    startup();
    containment();
    fifty_turns();
}

/// `vk --version` beside a program that does nothing but print.
fn startup() {
    let dir = tempfile::tempdir().unwrap();
    let (source, hello) = (dir.path().join("hello.rs"), dir.path().join("hello"));
    std::fs::write(&source, "fn main() { println!(\"hello\"); }").unwrap();
    assert!(Command::new("rustc").args(["-O", "-o"]).arg(&hello).arg(&source).status().unwrap().success());
    let time = |program: &Path, args: &[&str]| {
        median((0..101).map(|_| {
            let started = Instant::now();
            assert!(Command::new(program).args(args).stdout(Stdio::null()).status().unwrap().success());
            started.elapsed()
        }))
    };
    let (plain, vk) = (time(&hello, &[]), time(Path::new(VK), &["--version"]));
    println!(
        "startup: vk --version {vk:?}, hello world {plain:?}, ratio {:.2}",
        vk.as_secs_f64() / plain.as_secs_f64()
    );
}

/// What a sandbox costs by itself: its start, and a command in one that runs, beside a shell without.
fn containment() {
    const TIMES: usize = 20;
    let timed = |what: &mut dyn FnMut()| {
        median((0..TIMES).map(|_| {
            let began = Instant::now();
            what();
            began.elapsed()
        }))
    };
    let bare = timed(&mut || drop(Command::new("sh").args(["-c", "true"]).stdin(Stdio::null()).output().unwrap()));
    println!("bare shell: sh -c true {bare:?}");
    for backend in [Backend::Bubblewrap, Backend::Landlock] {
        let root = tempfile::tempdir().unwrap();
        if let Err(error) = contained(root.path(), backend) {
            println!("{backend:?}: {error}");
            continue;
        }
        let started = timed(&mut || drop(contained(root.path(), backend).unwrap()));
        let sandbox = contained(root.path(), backend).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut run = || drop(runtime.block_on(sandbox.run(sandbox::Command::new("true"))).unwrap());
        run();
        let command = timed(&mut run);
        println!("{backend:?}: start and end {started:?}, a command {command:?}");
    }
}

fn contained(root: &Path, backend: Backend) -> Result<Sandbox, SandboxError> {
    let (home, work) = (root.join("home"), root.join("home/work"));
    std::fs::create_dir_all(&work).unwrap();
    let env = Env::of(&[("HOME", home.to_str().unwrap()), ("PATH", "/usr/bin:/bin")], &work);
    let mut spec = Spec::new(work, root.join("cache"));
    spec.helper = Some(VK.into());
    spec.backend = Some(backend);
    Sandbox::start(&env, spec)
}

/// A scripted task of fifty turns, each with one command, on loopback, sandbox and ledger included.
fn fifty_turns() {
    let mut times = Vec::new();
    let mut peaks = Vec::new();
    for _ in 0..RUNS {
        let (time, peak) = one_task();
        times.push(time);
        peaks.push(peak);
    }
    println!(
        "{TURNS} turns: median {:?} of {RUNS} runs, peak {} MB",
        median(times.into_iter()),
        peaks.iter().max().unwrap() / 1024
    );
}

fn one_task() -> (Duration, u64) {
    let root = tempfile::tempdir().unwrap();
    for dir in ["home", "config", "data", "project"] {
        std::fs::create_dir(root.path().join(dir)).unwrap();
    }
    let mut lines: Vec<Line> = (1..TURNS)
        .map(|i| Line::Say("on it", vec![("bash", json!({"command": format!("echo {i} >> log; cat log")}))]))
        .collect();
    lines.push(Line::Say("done", vec![]));
    let config = format!("[providers.anthropic]\nbase_url = \"{}\"\n", serve(Script::new(lines)));
    std::fs::write(root.path().join("config/config.toml"), config).unwrap();
    let started = Instant::now();
    let output = Command::new("/usr/bin/env")
        .args(["-i", "PATH=/usr/bin:/bin", "CI=1", "BENCH_KEY=sk-ant-api03-bench"])
        .args(["home", "config", "data"].map(|dir| {
            let name = if dir == "home" { "HOME".to_owned() } else { format!("VK_{}_DIR", dir.to_uppercase()) };
            format!("{name}={}", root.path().join(dir).display())
        }))
        .args([VK, "run", "--path", "byok", "--provider", "anthropic", "--key", "env:BENCH_KEY", "--max-cost", "50"])
        .args(["--output", "json", "count to fifty"])
        .current_dir(root.path().join("project"))
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map(wait)
        .unwrap();
    let time = started.elapsed();
    let (stdout, peak) = output;
    let report: serde_json::Value = serde_json::from_str(&stdout).expect(&stdout);
    assert_eq!(report["status"], "done", "{stdout}");
    assert_eq!(report["turns"], TURNS, "{stdout}");
    (time, peak)
}

/// Serves on a thread of its own until the bench ends; gives the origin.
fn serve(script: Script) -> String {
    let (send, origin) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = Server::start(Wire::Anthropic, script, Duration::ZERO).await.unwrap();
            send.send(server.origin()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    origin.recv().unwrap()
}

/// Waits and reads the child's peak memory in KiB while it lives.
fn wait(mut child: std::process::Child) -> (String, u64) {
    use std::io::Read as _;
    let status = format!("/proc/{}/status", child.id());
    let mut stdout = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).unwrap();
        text
    });
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
        peak = peak.max(line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(2));
    }
    (reader.join().unwrap(), peak)
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort();
    times[times.len() / 2]
}
