//! Starting an inside: the best backend that works here, proved before it is used. A backend that cannot start gives way
//! to the next; one that starts and leaks is the end.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::bubblewrap;
use super::environment::{Places, WayOut};
use super::error::SandboxError;
use super::plan::Plan;
use super::protocol::{Bytes, Confine, Frames, FromInside, Start, ToInside, frame};
use super::remedy::NOT_INSTALLED;
use super::spec::{Backend, Level, Mode, Network};
use super::witness::Witness;
use crate::base::env::Env;

/// A loaded machine may take this long to start a program; a healthy one takes hundredths of a second.
const START_TIMEOUT: Duration = Duration::from_secs(15);

/// Devices that every program may use.
const DEVICES: &[&str] = &["/dev/full", "/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"];

/// What of /proc says nothing about other processes.
const PROC: &[&str] = &[
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys",
    "/proc/uptime",
    "/proc/version",
];

/// A running inside, proved to hold.
pub(super) struct Inside {
    pub level: Level,
    /// The Landlock ABI, 0 without.
    pub landlock_abi: i32,
    /// Why it is not the full one.
    pub reason: Option<String>,
    pub environment: Vec<(OsString, OsString)>,
    /// Where connections to the proxy come out.
    pub handover: StdUnixStream,
    child: Child,
    control: UnixStream,
    frames: Frames,
    /// The private folders of a backend without mounts; gone when dropped.
    _scratch: Option<TempDir>,
}

/// Why a backend did not start: others may.
struct NotHere(String);

enum Attempt {
    Works(Box<Inside>),
    NotHere(String),
}

impl From<io::Error> for NotHere {
    fn from(error: io::Error) -> Self {
        Self(error.to_string())
    }
}

/// Starts and proves an inside. `state` is what the last one carried.
pub(super) async fn launch(env: &Env, plan: &Plan, state: Option<Bytes>) -> Result<Inside, SandboxError> {
    if plan.spec.mode == Mode::Off {
        let start = reaper_start(plan, &scratch_parent(env), state.as_ref()).map_err(io_error)?;
        return match attempt(env, plan, start, Level::Off).await? {
            Attempt::Works(inside) => Ok(*inside),
            Attempt::NotHere(reason) => Err(SandboxError::Unavailable { reason }),
        };
    }
    if cfg!(not(target_os = "linux")) {
        return Err(SandboxError::Unavailable { reason: "not tested on this system, only on Linux".to_owned() });
    }
    let mut reason = "asked for Landlock".to_owned();
    if plan.spec.backend != Some(Backend::Landlock) {
        match bubblewrap(env, plan, state.as_ref()).await? {
            Attempt::Works(inside) => return Ok(*inside),
            Attempt::NotHere(why) => reason = why,
        }
    }
    if plan.spec.backend == Some(Backend::Bubblewrap) {
        return Err(SandboxError::Unavailable { reason });
    }
    if plan.spec.require_full {
        return Err(SandboxError::OnlyPartial { reason });
    }
    if matches!(plan.spec.network, Network::Registries | Network::Hosts(_)) {
        return Err(SandboxError::NetworkNeedsFull { reason });
    }
    let start = reaper_start(plan, &scratch_parent(env), state.as_ref()).map_err(io_error)?;
    match attempt(env, plan, start, Level::Partial).await? {
        Attempt::Works(mut inside) => {
            inside.reason = Some(reason);
            Ok(*inside)
        }
        Attempt::NotHere(why) => Err(SandboxError::Unavailable { reason: format!("{reason}; {why}") }),
    }
}

fn io_error(source: io::Error) -> SandboxError {
    SandboxError::Io { doing: "the sandbox cannot be started", source }
}

async fn bubblewrap(env: &Env, plan: &Plan, state: Option<&Bytes>) -> Result<Attempt, SandboxError> {
    let Some(program) = env.find_program("bwrap", Some(&plan.spec.workspace)) else {
        return Ok(Attempt::NotHere(NOT_INSTALLED.to_owned()));
    };
    let places = bubblewrap::places(plan);
    let start = |command| Prepared {
        command,
        start: start_frame(plan, Confine::Namespaces, &places, &bubblewrap::state_dir(), state),
        scratch: None,
    };
    let first = attempt(env, plan, start(bubblewrap::command(&program, plan, true)), Level::Full).await?;
    match first {
        // Root can do without a user namespace, which some containers refuse it.
        Attempt::NotHere(why) if rustix::process::geteuid().is_root() => {
            let second = attempt(env, plan, start(bubblewrap::command(&program, plan, false)), Level::Full).await?;
            Ok(if matches!(second, Attempt::NotHere(_)) {
                Attempt::NotHere(format!("bubblewrap cannot start: {why}"))
            } else {
                second
            })
        }
        Attempt::NotHere(why) => Ok(Attempt::NotHere(format!("bubblewrap cannot start: {why}"))),
        works @ Attempt::Works(_) => Ok(works),
    }
}

struct Prepared {
    command: Command,
    start: Start,
    scratch: Option<TempDir>,
}

fn scratch_parent(env: &Env) -> PathBuf {
    env.path("TMPDIR").filter(|folder| folder.is_absolute() && folder.is_dir()).unwrap_or_else(|| PathBuf::from("/tmp"))
}

/// An inside without mounts, under a keeper that ends what it leaves.
fn reaper_start(plan: &Plan, tmp: &Path, state: Option<&Bytes>) -> io::Result<Prepared> {
    let scratch = tempfile::Builder::new().prefix("vk-").tempdir_in(tmp)?;
    let spec = &plan.spec;
    let at = |name: &str| scratch.path().join(name);
    for folder in ["home", "tmp", "state"] {
        std::fs::create_dir(at(folder))?;
    }
    let mut command = Command::new(&plan.helper);
    command.env_clear().args(["__sandbox", "keep"]).arg(scratch.path());
    let off = spec.mode == Mode::Off;
    let places = if off {
        let home = plan.real_home.clone().unwrap_or_else(|| PathBuf::from("/"));
        Places { home, tmp: tmp.to_path_buf(), cache: None, way_out: WayOut::Host }
    } else {
        let way_out = if spec.network == Network::Any { WayOut::Host } else { WayOut::Nothing };
        Places { home: at("home"), tmp: at("tmp"), cache: Some(spec.cache_dir.clone()), way_out }
    };
    let confine = if off { Confine::Nothing } else { landlock(plan, scratch.path()) };
    let start = start_frame(plan, confine, &places, &at("state"), state);
    Ok(Prepared { command, start, scratch: Some(scratch) })
}

fn landlock(plan: &Plan, scratch: &Path) -> Confine {
    let mut read: Vec<PathBuf> = plan.carved();
    read.extend(PROC.iter().map(PathBuf::from));
    let mut write = plan.write.clone();
    write.extend(["home", "tmp", "state"].map(|name| scratch.join(name)));
    if plan.writes() { &mut write } else { &mut read }.push(plan.spec.workspace.clone());
    let words = |paths: Vec<PathBuf>| paths.into_iter().map(PathBuf::into_os_string).collect();
    Confine::Landlock {
        read: words(read),
        write: words(write),
        devices: DEVICES.iter().map(OsString::from).collect(),
        any_network: plan.spec.network == Network::Any,
    }
}

fn start_frame(plan: &Plan, confine: Confine, places: &Places, state_dir: &Path, state: Option<&Bytes>) -> Start {
    let private = !matches!(confine, Confine::Nothing);
    Start {
        confine,
        processes: plan.spec.processes,
        shell: plan.shell.clone().into(),
        env: plan.environment(places),
        workspace: plan.spec.workspace.clone().into(),
        state_dir: state_dir.into(),
        state: state.cloned(),
        files: if private { plan.files(&places.home) } else { Vec::new() },
        proxy: places.way_out == WayOut::Proxy,
        probe: None,
    }
}

async fn attempt(env: &Env, plan: &Plan, prepared: Prepared, level: Level) -> Result<Attempt, SandboxError> {
    let Prepared { command, mut start, scratch } = prepared;
    let any_network = level == Level::Partial && plan.spec.network == Network::Any;
    let witness = match level {
        Level::Off => None,
        _ => Some(
            Witness::new(env, plan, any_network)
                .map_err(|source| SandboxError::Io { doing: "what the sandbox is proved by cannot be made", source })?,
        ),
    };
    start.probe = witness.as_ref().map(Witness::probe);
    let environment = start.env.clone();
    let started = spawn(command, environment, level, scratch);
    let mut inside = match started {
        Ok(inside) => inside,
        Err(error) => return Ok(Attempt::NotHere(error.to_string())),
    };
    let answer = timeout(START_TIMEOUT, inside.begin(&start)).await;
    let ready = match answer {
        Ok(Ok(ready)) => ready,
        Ok(Err(NotHere(why))) => return Ok(Attempt::NotHere(why)),
        Err(_) => return Ok(Attempt::NotHere("it did not start in time".to_owned())),
    };
    let FromInside::Ready { probed, landlock_abi } = ready else {
        return Ok(Attempt::NotHere("it answered something else".to_owned()));
    };
    inside.landlock_abi = landlock_abi;
    match witness.and_then(|witness| witness.judge(&probed)) {
        Some(what) => Err(SandboxError::Leaks { what }),
        None => Ok(Attempt::Works(Box::new(inside))),
    }
}

/// The calling thread must live as long as the inside: bubblewrap dies with it.
fn spawn(
    mut command: Command,
    environment: Vec<(OsString, OsString)>,
    level: Level,
    scratch: Option<TempDir>,
) -> io::Result<Inside> {
    let (control, theirs) = StdUnixStream::pair()?;
    let (handover, their_handover) = StdUnixStream::pair()?;
    command.stdin(OwnedFd::from(theirs)).stdout(OwnedFd::from(their_handover)).stderr(Stdio::piped());
    // Ctrl-C in the terminal is vk's to answer; it must not reach what holds the sandbox.
    let child = command.process_group(0).spawn()?;
    control.set_nonblocking(true)?;
    handover.set_nonblocking(true)?;
    Ok(Inside {
        level,
        landlock_abi: 0,
        reason: None,
        environment,
        handover,
        child,
        control: UnixStream::from_std(control)?,
        frames: Frames::default(),
        _scratch: scratch,
    })
}

impl Inside {
    async fn begin(&mut self, start: &Start) -> Result<FromInside, NotHere> {
        let told = self.control.write_all(&frame(start)?).await;
        let answer = match told {
            Ok(()) => self.receive().await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(FromInside::Failed { reason }) => Err(NotHere(reason)),
            Ok(ready) => Ok(ready),
            Err(error) => Err(NotHere(self.last_words().unwrap_or_else(|| error.to_string()))),
        }
    }

    pub(super) async fn send(&mut self, request: &ToInside) -> io::Result<()> {
        self.control.write_all(&frame(request)?).await
    }

    /// The next answer; an error when the inside has ended. Nothing is lost if the future is dropped.
    pub(super) async fn receive(&mut self) -> io::Result<FromInside> {
        loop {
            if let Some(answer) = self.frames.next()? {
                return Ok(answer);
            }
            if self.control.read_buf(self.frames.more()).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// The first line that it wrote to standard error before it ended.
    pub(super) fn last_words(&mut self) -> Option<String> {
        use std::io::Read as _;
        // It has closed its side; should it still live, its error output would not end.
        let _ = self.child.kill();
        let mut text = String::new();
        self.child.stderr.take()?.take(4096).read_to_string(&mut text).ok()?;
        let line = text.lines().find(|line| !line.trim().is_empty())?;
        Some(line.trim_start_matches("bwrap: ").to_owned())
    }

    /// Ends it and all that runs in it, and waits for that.
    pub(super) async fn end(mut self) {
        drop(self.control);
        drop(self.handover);
        // Without mounts the keeper must get to end what is left; a namespace ends with its first process.
        let patience = if self.level == Level::Full { Duration::ZERO } else { Duration::from_secs(3) };
        let waited = timeout(patience, async {
            while matches!(self.child.try_wait(), Ok(None)) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        if waited.await.is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}
