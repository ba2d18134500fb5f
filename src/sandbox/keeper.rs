//! The thread that a sandbox lives on. It starts the inside, whose life hangs on this thread's; runs vk's proxy; watches
//! the protected names; and takes one command after another, so that none of this waits for what the rest of vk does.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::egress::{self, Policy, Upstream};
use super::error::SandboxError;
use super::guard::Guard;
use super::handoff::{self, Handed};
use super::launch::{self, Inside};
use super::output::{Captured, Output, Status, Tampered};
use super::plan::Plan;
use super::process::{Pipes, Program};
use super::protocol::{Bytes, Done, Ended, FromInside, ToInside};
use super::spec::{Command, Level, Spec};
use super::watch::Watch;
use crate::base::env::Env;

/// Beyond a command's own limit: the inside ends it, unless the inside itself is stuck.
const OVERDUE: Duration = Duration::from_secs(5);

/// Connections to the proxy at once; more are closed.
const LARGEST_CONNECTIONS: usize = 256;

/// No program that is spoken with lives longer: a task is over by then.
const LONGEST_SERVICE: Duration = Duration::from_hours(30 * 24);

type Reply = oneshot::Sender<Result<Output, SandboxError>>;

pub(super) enum Request {
    Run(Command, Reply),
    /// The ends of its pipes first, once it runs; the answer when it has ended, or has been told to.
    Serve(Program, oneshot::Sender<Pipes>, oneshot::Receiver<()>, Reply),
    Restart(oneshot::Sender<Result<(), SandboxError>>),
}

/// What is known once it runs.
pub(super) struct Facts {
    pub level: Level,
    pub landlock_abi: i32,
    pub reason: Option<String>,
    pub environment: Vec<(std::ffi::OsString, std::ffi::OsString)>,
}

pub(super) struct Keeper {
    env: Env,
    spec: Spec,
    policy: Arc<Mutex<Policy>>,
    upstream: Arc<Upstream>,
    inside: Option<Inside>,
    /// Why there is no inside any more.
    ended: String,
    guard: Guard,
    watch: Option<Watch>,
    proxy: JoinHandle<()>,
    /// The pipes that the inside handed over.
    handed: mpsc::UnboundedReceiver<Pipes>,
    commands: u64,
}

/// What the inside is to run.
enum Work {
    Command(Command),
    Program {
        program: Program,
        /// Where its pipes are waited for.
        pipes: Option<oneshot::Sender<Pipes>>,
        stop: oneshot::Receiver<()>,
    },
}

impl Work {
    const fn limit(&self) -> Duration {
        match self {
            Self::Command(command) => command.timeout,
            Self::Program { .. } => LONGEST_SERVICE,
        }
    }

    fn hand_on(&mut self, handed: Pipes) {
        if let Self::Program { pipes, .. } = self
            && let Some(pipes) = pipes.take()
        {
            let _ = pipes.send(handed);
        }
    }

    fn request(&self, id: u64) -> ToInside {
        let timeout_ms = u64::try_from(self.limit().as_millis()).unwrap_or(u64::MAX);
        match self {
            Self::Command(Command { script, head, tail, .. }) => {
                ToInside::Run { id, script: script.clone(), timeout_ms, head: *head, tail: *tail }
            }
            Self::Program { program, .. } => ToInside::Serve {
                id,
                program: program.words.clone(),
                env: program.env.clone(),
                in_workspace: program.in_workspace,
                timeout_ms,
                head: program.errors,
                tail: program.errors,
            },
        }
    }
}

impl Keeper {
    pub(super) async fn start(
        env: Env,
        spec: Spec,
        plan: &Plan,
        policy: Arc<Mutex<Policy>>,
    ) -> Result<(Self, Facts), SandboxError> {
        let inside = launch::launch(&env, plan, None).await?;
        let upstream = Arc::new(Upstream::of(&env));
        let (guard, watch) = guard(plan, inside.level)?;
        let (proxy, handed) = proxy(&inside, &policy, &upstream)?;
        let ended = "it was not started".to_owned();
        let facts = Facts {
            level: inside.level,
            landlock_abi: inside.landlock_abi,
            reason: inside.reason.clone(),
            environment: inside.environment.clone(),
        };
        let keeper =
            Self { env, spec, policy, upstream, inside: Some(inside), ended, guard, watch, proxy, handed, commands: 0 };
        Ok((keeper, facts))
    }

    /// Serves until nobody can ask any more.
    pub(super) async fn serve(mut self, mut requests: mpsc::UnboundedReceiver<Request>) {
        while let Some(request) = requests.recv().await {
            match request {
                Request::Run(command, reply) => self.answer(Work::Command(command), reply).await,
                Request::Serve(program, pipes, stop, reply) => {
                    self.answer(Work::Program { program, pipes: Some(pipes), stop }, reply).await;
                }
                Request::Restart(reply) => drop(reply.send(self.restart().await)),
            }
        }
        self.proxy.abort();
        if let Some(inside) = self.inside.take() {
            inside.end().await;
        }
    }

    /// Runs a command, or ends it early because nobody waits for it any more.
    async fn answer(&mut self, mut work: Work, mut reply: Reply) {
        if reply.is_closed() {
            return;
        }
        let output = match self.freshen().await {
            Ok(()) => self.run(&mut work, &mut reply).await,
            Err(error) => Err(error),
        };
        if output.is_err() {
            self.proxy.abort();
            if let Some(mut inside) = self.inside.take() {
                self.ended = inside.last_words().unwrap_or_else(|| "its first process is gone".to_owned());
                inside.end().await;
            }
        }
        let _ = reply.send(output);
    }

    /// Where somebody outside has replaced what was mounted, the mount is gone with it: only a new tree protects it.
    async fn freshen(&mut self) -> Result<(), SandboxError> {
        if self.inside.is_some() && self.guard.stale() {
            return self.restart().await;
        }
        self.guard.renew().map_err(|source| SandboxError::Io { doing: "the protected names cannot be read", source })
    }

    async fn restart(&mut self) -> Result<(), SandboxError> {
        let state = self.state().await;
        self.proxy.abort();
        if let Some(inside) = self.inside.take() {
            inside.end().await;
        }
        let plan = Plan::new(&self.env, &self.spec)?;
        let inside = launch::launch(&self.env, &plan, state).await?;
        (self.guard, self.watch) = guard(&plan, inside.level)?;
        (self.proxy, self.handed) = proxy(&inside, &self.policy, &self.upstream)?;
        self.inside = Some(inside);
        Ok(())
    }

    /// What the last command left to carry over, if the inside still says so.
    async fn state(&mut self) -> Option<Bytes> {
        let inside = self.inside.as_mut()?;
        inside.send(&ToInside::State).await.ok()?;
        match timeout(Duration::from_secs(1), inside.receive()).await {
            Ok(Ok(FromInside::State { state })) => state,
            _ => None,
        }
    }

    async fn run(&mut self, work: &mut Work, reply: &mut Reply) -> Result<Output, SandboxError> {
        let ended = || SandboxError::Ended { reason: self.ended.clone() };
        self.commands += 1;
        let id = self.commands;
        let Some(inside) = &mut self.inside else { return Err(ended()) };
        lock(&self.policy).forget();
        inside.send(&work.request(id)).await.map_err(|_| ended())?;
        let overdue = sleep(work.limit().saturating_add(OVERDUE));
        tokio::pin!(overdue);
        let mut made: Option<Tampered> = None;
        let mut stopping = false;
        let done = loop {
            tokio::select! {
                biased;
                answer = inside.receive() => match answer {
                    Ok(FromInside::Done(done)) if done.id == id => break done,
                    Ok(_) => {}
                    Err(_) => return Err(ended()),
                },
                Some(handed) = self.handed.recv() => work.hand_on(handed),
                () = watched(self.watch.as_ref()) => if let Some(found) = self.guard.set_aside() {
                    made.get_or_insert(found);
                    if !stopping {
                        stopping = true;
                        inside.send(&ToInside::Stop { id }).await.map_err(|_| ended())?;
                    }
                },
                () = unwanted(work, reply), if !stopping => {
                    stopping = true;
                    inside.send(&ToInside::Stop { id }).await.map_err(|_| ended())?;
                }
                () = &mut overdue => return Err(ended()),
            }
        };
        let tampered = self.guard.check().or(made);
        Ok(output(done, tampered, lock(&self.policy).refused().to_vec()))
    }
}

fn output(done: Done, tampered: Option<Tampered>, denied_hosts: Vec<String>) -> Output {
    let status = match done.ended {
        Ended::Exited(code) => Status::Exited(code),
        Ended::Signalled(number) => Status::Signalled(number),
        Ended::TimedOut => Status::TimedOut,
        Ended::Crowded => Status::Crowded,
        Ended::Stopped => Status::Interrupted,
    };
    let (Bytes(head), Bytes(tail)) = (done.head, done.tail);
    let output = Captured { head, tail, omitted: done.omitted };
    Output { status, output, duration: Duration::from_micros(done.micros), tampered, denied_hosts }
}

fn lock(policy: &Mutex<Policy>) -> std::sync::MutexGuard<'_, Policy> {
    policy.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends when nobody waits for the work any more, or a program was told to end.
async fn unwanted(work: &mut Work, reply: &mut Reply) {
    match work {
        Work::Command(_) => reply.closed().await,
        Work::Program { stop, .. } => tokio::select! {
            () = reply.closed() => {}
            Ok(()) = stop => {}
        },
    }
}

/// Ends when something was made, or never where nothing is watched.
async fn watched(watch: Option<&Watch>) {
    match watch {
        Some(watch) if watch.made().await.is_ok() => {}
        _ => std::future::pending().await,
    }
}

fn guard(plan: &Plan, level: Level) -> Result<(Guard, Option<Watch>), SandboxError> {
    let doing = "the protected names cannot be watched";
    let io = |source| SandboxError::Io { doing, source };
    if level == Level::Off {
        return Ok((Guard::nothing(plan), None));
    }
    let guard = Guard::new(plan, level == Level::Full).map_err(io)?;
    let watch = guard.watches().then(|| Watch::new(guard.workspace())).transpose().map_err(io)?;
    Ok((guard, watch))
}

/// Takes the connections that programs inside make, and serves each; pipes are passed on.
fn proxy(
    inside: &Inside,
    policy: &Arc<Mutex<Policy>>,
    upstream: &Arc<Upstream>,
) -> Result<(JoinHandle<()>, mpsc::UnboundedReceiver<Pipes>), SandboxError> {
    let io = |source| SandboxError::Io { doing: "the sandbox's way out cannot be made", source };
    let from = inside.handover.try_clone().and_then(UnixStream::from_std).map_err(io)?;
    let (policy, upstream) = (Arc::clone(policy), Arc::clone(upstream));
    let (pipes, handed) = mpsc::unbounded_channel();
    let proxy = tokio::spawn(async move {
        let places = Arc::new(tokio::sync::Semaphore::new(LARGEST_CONNECTIONS));
        while let Ok(what) = next_handed(&from).await {
            let socket = match what {
                Handed::Connection(socket) => socket,
                Handed::Pipes { input, output } => {
                    let _ = pipes.send(Pipes { input, output });
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
            let served = egress::serve(socket, Arc::clone(&policy), Arc::clone(&upstream));
            tokio::spawn(async move {
                served.await;
                drop(place);
            });
        }
    });
    Ok((proxy, handed))
}

async fn next_handed(from: &UnixStream) -> io::Result<Handed> {
    loop {
        match from.async_io(Interest::READABLE, || handoff::receive(from)).await {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {}
            handed => return handed,
        }
    }
}
