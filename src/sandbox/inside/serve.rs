//! The inside's loop: one command at a time, stopped by its end, its time, its caller, or the end of vk.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::Ipv4Addr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Signal, WaitStatus};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::net::unix::pipe;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, sleep_until};

use super::capture::Capture;
use super::offspring::Offspring;
use super::probe;
use super::shell::{Shell, Spawned};
use crate::sandbox::handoff;
use crate::sandbox::protocol::{Confine, Done, Ended, Frames, FromInside, PROXY_PORT, Probed, Start, ToInside, frame};

/// Between the request to end and the end.
const GRACE: Duration = Duration::from_secs(1);
/// The same, when nobody waits for the result any more.
const SHORT_GRACE: Duration = Duration::from_millis(200);
/// For output that is still in the pipe when its writers are gone.
const DRAIN: Duration = Duration::from_millis(250);
/// How often the processes of a command are counted.
const COUNTED: Duration = Duration::from_millis(100);

/// Serves the vk at the other end of standard input until that ends.
pub(super) fn serve() -> io::Result<()> {
    let mut control = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let handover = UnixStream::from(io::stdout().as_fd().try_clone_to_owned()?);
    let mut frames = Frames::default();
    let start = first(&mut control, &mut frames)?;
    let prepared = prepare(&start).inspect_err(|error| {
        let failed = FromInside::Failed { reason: error.to_string() };
        let _ = frame(&failed).and_then(|bytes| control.write_all(&bytes));
    })?;
    control.write_all(&frame(&prepared.ready)?)?;
    control.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let Prepared { offspring, shell, listener, .. } = prepared;
    runtime.block_on(async {
        if let Some(listener) = listener {
            tokio::spawn(hand_over(TcpListener::from_std(listener)?, handover.try_clone()?));
        }
        let control = tokio::net::UnixStream::from_std(control)?;
        let children = signal(SignalKind::child())?;
        let processes = start.processes;
        Inside { wire: Wire { control, frames }, children, offspring, shell, processes, handover }.run().await
    })
}

/// The first frame, waited for.
fn first(control: &mut UnixStream, frames: &mut Frames) -> io::Result<Start> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        if let Some(start) = frames.next()? {
            return Ok(start);
        }
        match control.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => frames.push(&buffer[..read]),
        }
    }
}

struct Prepared {
    ready: FromInside,
    offspring: Offspring,
    shell: Shell,
    listener: Option<std::net::TcpListener>,
}

/// Everything that must be in force before the first command, in the order that makes it so.
fn prepare(start: &Start) -> io::Result<Prepared> {
    let offspring = Offspring::new(matches!(start.confine, Confine::Namespaces));
    for (path, text) in &start.files {
        if let Some(folder) = Path::new(path).parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text)?;
    }
    let listener = start.proxy.then(|| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, PROXY_PORT))).transpose()?;
    if let Some(listener) = &listener {
        listener.set_nonblocking(true)?;
    }
    let landlock_abi = confine(&start.confine, start.processes)?;
    let probed = start.probe.as_ref().map_or_else(Probed::default, probe::probe);
    let shell = Shell::new(start)?;
    Ok(Prepared { ready: FromInside::Ready { probed, landlock_abi }, offspring, shell, listener })
}

#[cfg(target_os = "linux")]
fn confine(how: &Confine, processes: u64) -> io::Result<i32> {
    super::confine::confine(how, processes).map_err(io::Error::other)
}

#[cfg(not(target_os = "linux"))]
fn confine(how: &Confine, _: u64) -> io::Result<i32> {
    match how {
        Confine::Nothing => Ok(0),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Gives each connection to vk's proxy, which lives outside: the socket itself crosses over.
async fn hand_over(listener: TcpListener, handover: UnixStream) {
    loop {
        let Ok((connection, _)) = listener.accept().await else {
            sleep(Duration::from_millis(20)).await;
            continue;
        };
        // A connection that cannot be given away is closed, which its program sees.
        let _ = connection.into_std().map(OwnedFd::from).and_then(|socket| handoff::send(&handover, &socket));
    }
}

/// The wire to vk.
struct Wire {
    control: tokio::net::UnixStream,
    frames: Frames,
}

impl Wire {
    /// The next request; `None` when vk is gone. Nothing is lost if the future is dropped.
    async fn next(&mut self) -> io::Result<Option<ToInside>> {
        loop {
            if let Some(request) = self.frames.next()? {
                return Ok(Some(request));
            }
            if self.control.read_buf(self.frames.more()).await? == 0 {
                return Ok(None);
            }
        }
    }
}

struct Inside {
    wire: Wire,
    children: tokio::signal::unix::Signal,
    offspring: Offspring,
    shell: Shell,
    /// At once.
    processes: u64,
    /// Where the pipes of a program that is spoken with go.
    handover: UnixStream,
}

/// Why a running command is being ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    No,
    Late,
    Crowded,
    Stopped,
}

impl Inside {
    async fn run(mut self) -> io::Result<()> {
        let ended = self.serve_all().await;
        self.offspring.end(None);
        ended
    }

    async fn serve_all(&mut self) -> io::Result<()> {
        loop {
            let Some(request) = self.wire.next().await? else { return Ok(()) };
            let answer = match request {
                ToInside::Run { id, script, timeout_ms, head, tail } => {
                    let capture = Capture::new(head, tail);
                    let spawned = self.shell.spawn(&script);
                    match self.command(id, spawned, Duration::from_millis(timeout_ms), capture).await? {
                        Some(done) => FromInside::Done(done),
                        None => return Ok(()),
                    }
                }
                ToInside::Serve { id, program, env, in_workspace, timeout_ms, head, tail } => {
                    let capture = Capture::new(head, tail);
                    let spawned = self.shell.serve(&program, &env, in_workspace).and_then(|serving| {
                        // From here on only vk holds the outer ends: a program whose vk is gone reads to its end.
                        handoff::send_pipes(&self.handover, serving.input.as_fd(), serving.output.as_fd())?;
                        Ok(serving.spawned)
                    });
                    match self.command(id, spawned, Duration::from_millis(timeout_ms), capture).await? {
                        Some(done) => FromInside::Done(done),
                        None => return Ok(()),
                    }
                }
                ToInside::Stop { .. } => continue,
                ToInside::State => FromInside::State { state: self.shell.state() },
            };
            self.wire.control.write_all(&frame(&answer)?).await?;
        }
    }

    /// Runs one command to its end. `None` when vk is gone.
    async fn command(
        &mut self,
        id: u64,
        spawned: io::Result<Spawned>,
        limit: Duration,
        mut capture: Capture,
    ) -> io::Result<Option<Done>> {
        let began = Instant::now();
        let Spawned { pid, output } = match spawned {
            Ok(spawned) => spawned,
            Err(error) => {
                capture.push(format!("vk: it could not be started: {error}\n").as_bytes());
                // Of what was started before something failed, nothing stays.
                self.offspring.end(None);
                return Ok(Some(done(id, Ended::Exited(126), capture, began)));
            }
        };
        let mut output = pipe::Receiver::from_owned_fd(OwnedFd::from(output))?;
        let mut buffer = vec![0; 64 * 1024];
        let mut open = true;
        let mut ending = Ending::No;
        let mut deadline = tokio::time::Instant::from_std(began) + limit;
        let mut next_count = tokio::time::Instant::from_std(began) + COUNTED;
        let Self { wire, children, offspring, processes, .. } = self;
        let status = loop {
            tokio::select! {
                biased;
                request = wire.next() => match request? {
                    None => {
                        offspring.end(Some(pid));
                        return Ok(None);
                    }
                    Some(ToInside::Stop { id: stopped }) if stopped == id && ending == Ending::No => {
                        ending = Ending::Stopped;
                        deadline = tokio::time::Instant::now() + SHORT_GRACE;
                        let _ = rustix::process::kill_process_group(pid, Signal::TERM);
                    }
                    Some(_) => {}
                },
                _ = children.recv() => if let Some(status) = Offspring::reap(pid) { break Some(status) },
                () = sleep_until(deadline) => {
                    if ending != Ending::No {
                        break None;
                    }
                    ending = Ending::Late;
                    deadline = tokio::time::Instant::now() + GRACE;
                    let _ = rustix::process::kill_process_group(pid, Signal::TERM);
                }
                () = sleep_until(next_count) => {
                    next_count = tokio::time::Instant::now() + COUNTED;
                    if offspring.count().is_some_and(|count| count > *processes) {
                        ending = Ending::Crowded;
                        break None;
                    }
                }
                read = output.read(&mut buffer), if open => match read {
                    Ok(0) | Err(_) => open = false,
                    Ok(read) => capture.push(&buffer[..read]),
                },
            }
        };
        offspring.end(Some(pid));
        let drained = sleep(DRAIN);
        tokio::pin!(drained);
        while open {
            tokio::select! {
                read = output.read(&mut buffer) => match read {
                    Ok(0) | Err(_) => open = false,
                    Ok(read) => capture.push(&buffer[..read]),
                },
                () = &mut drained => open = false,
            }
        }
        let ended = match ending {
            Ending::Late => Ended::TimedOut,
            Ending::Crowded => Ended::Crowded,
            Ending::Stopped => Ended::Stopped,
            Ending::No => ended(status),
        };
        Ok(Some(done(id, ended, capture, began)))
    }
}

fn ended(status: Option<WaitStatus>) -> Ended {
    let Some(status) = status else { return Ended::Signalled(9) };
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Ended::Exited(code),
        (None, Some(number)) => Ended::Signalled(number),
        (None, None) => Ended::Signalled(0),
    }
}

fn done(id: u64, ended: Ended, capture: Capture, began: Instant) -> Done {
    let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    let (head, tail, omitted) = capture.finish();
    Done { id, ended, head, tail, omitted, micros }
}
