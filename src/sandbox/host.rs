//! The sandbox as the rest of vk holds it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::egress::{HostError, Policy, Rule};
use super::error::SandboxError;
use super::keeper::{Facts, Keeper, Request};
use super::mirrors::Mirrors;
use super::output::Output;
use super::plan::Plan;
use super::process::{NotServed, Process, Program};
use super::remedy::remedy;
use super::spec::{Command, Level, Mode, Network, Spec};
use crate::base::env::Env;

/// One sandbox, alive until it is dropped; everything that runs in it ends with it.
pub struct Sandbox {
    requests: Option<mpsc::UnboundedSender<Request>>,
    thread: Option<JoinHandle<()>>,
    policy: Arc<Mutex<Policy>>,
    denied: Mutex<Vec<String>>,
    mirrors: Mirrors,
    facts: Facts,
    mode: Mode,
    network: Network,
}

impl Sandbox {
    /// Starts a sandbox and proves, from inside it, that what must fail does fail. Takes some hundredths of a second.
    ///
    /// # Errors
    /// When there is none, only a partial one though a full one is required, or the proof fails. Nothing has run then.
    pub fn start(env: &Env, spec: Spec) -> Result<Self, SandboxError> {
        let plan = Plan::new(env, &spec)?;
        let policy =
            Policy::new(&spec.network, &plan.mirrors.rules()).map_err(|HostError(host)| SandboxError::Host { host })?;
        let policy = Arc::new(Mutex::new(policy));
        let (requests, inbox) = mpsc::unbounded_channel();
        let (started, ready) = std::sync::mpsc::sync_channel(1);
        let (mode, network, mirrors) = (spec.mode, spec.network.clone(), plan.mirrors.clone());
        let (env, shared) = (env.clone(), Arc::clone(&policy));
        let io = |source| SandboxError::Io { doing: "the sandbox's thread cannot be started", source };
        let work = move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(source) => return drop(started.send(Err(io(source)))),
            };
            runtime.block_on(async {
                match Keeper::start(env, spec, &plan, shared).await {
                    Ok((keeper, facts)) => {
                        let _ = started.send(Ok(facts));
                        keeper.serve(inbox).await;
                    }
                    Err(error) => drop(started.send(Err(error))),
                }
            });
        };
        let thread = std::thread::Builder::new().name("sandbox".to_owned()).spawn(work).map_err(io)?;
        let ended = |_| SandboxError::Ended { reason: "its thread ended".to_owned() };
        let facts = ready.recv().map_err(ended)??;
        Ok(Self {
            requests: Some(requests),
            thread: Some(thread),
            policy,
            denied: Mutex::default(),
            mirrors,
            facts,
            mode,
            network,
        })
    }

    #[must_use]
    pub const fn level(&self) -> Level {
        self.facts.level
    }

    /// One line for people: what holds the commands, what it lets through, and what it does not hold.
    #[must_use]
    pub fn describe(&self) -> String {
        let writes = match self.mode {
            Mode::Workspace => "commands write only the project, their cache and a private /tmp and HOME",
            Mode::ReadOnly => "commands write only their cache and a private /tmp and HOME",
            Mode::Off => return "off: commands run with your rights".to_owned(),
        };
        if self.facts.level == Level::Full {
            let network = match &self.network {
                Network::None => "no network".to_owned(),
                Network::Registries => "network: package registries".to_owned(),
                Network::Hosts(hosts) => format!("network: {}", hosts.join(", ")),
                Network::Any => "network: any public host".to_owned(),
            };
            return format!("full (bubblewrap): {writes}; {network}");
        }
        let abi = self.facts.landlock_abi;
        let network = match self.network {
            Network::Any => "network: any host, this machine's own ports too",
            _ => "no network, not even their own loopback",
        };
        let signals = if abi >= 6 { "" } else { "; they could signal your other processes" };
        let reason = self.facts.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        format!(
            "partial (Landlock ABI {abi} and seccomp): {writes}; {network}; .git and vk.toml are compared after each \
             command{signals}{reason}"
        )
    }

    /// What a person can type to get the full sandbox where this is not one.
    #[must_use]
    pub fn remedy(&self) -> Option<&'static str> {
        self.facts.reason.as_deref().filter(|_| self.facts.level == Level::Partial).map(remedy)
    }

    /// The whole environment that the first command is given.
    #[must_use]
    pub fn environment(&self) -> BTreeMap<String, String> {
        let text = |word: &std::ffi::OsString| word.to_string_lossy().into_owned();
        self.facts.environment.iter().map(|(name, value)| (text(name), text(value))).collect()
    }

    /// Runs one command; commands wait for each other. Dropping the future ends the command and all it started.
    ///
    /// # Errors
    /// When the sandbox itself has ended; a command that fails is an [`Output`].
    pub async fn run(&self, command: Command) -> Result<Output, SandboxError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Request::Run(command, reply))?;
        let output = answer.await.map_err(|_| gone())??;
        let mut denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
        for host in &output.denied_hosts {
            if !denied.contains(host) {
                denied.push(host.clone());
            }
        }
        drop(denied);
        Ok(output)
    }

    /// Starts a program that is spoken with over its standard input and output; what it may do is what commands may. It
    /// has the sandbox to itself until it ends: commands wait for that.
    ///
    /// # Errors
    /// When it does not start, with what it wrote to standard error, or when the sandbox itself has ended.
    pub async fn serve(self: &Arc<Self>, program: Program) -> Result<Process, NotServed> {
        let (pipes, handed) = oneshot::channel();
        let (reply, mut ended) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        self.ask(Request::Serve(program, pipes, stopped, reply))?;
        let Ok(pipes) = handed.await else {
            return Err(match (&mut ended).await {
                Ok(Ok(output)) => NotServed::Ended(output),
                Ok(Err(error)) => NotServed::Sandbox(error),
                Err(_) => NotServed::Sandbox(gone()),
            });
        };
        Ok(Process::new(pipes, ended, stop, Arc::clone(self)))
    }

    /// Hosts that were asked for and refused since this was last asked, each once.
    #[must_use]
    pub fn newly_refused(&self) -> Vec<String> {
        let mut policy = self.policy.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = policy.refused().to_vec();
        policy.forget();
        refused
    }

    /// Ends everything inside and starts afresh under the same spec; the folder and variables are kept where possible.
    ///
    /// # Errors
    /// As [`Sandbox::start`].
    pub async fn restart(&self) -> Result<(), SandboxError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Request::Restart(reply))?;
        answer.await.map_err(|_| gone())?
    }

    fn ask(&self, request: Request) -> Result<(), SandboxError> {
        let sent = self.requests.as_ref().is_some_and(|requests| requests.send(request).is_ok());
        if sent { Ok(()) } else { Err(gone()) }
    }

    /// Whether a further host can be allowed: only the full sandbox tells hosts apart.
    #[must_use]
    pub fn can_allow_hosts(&self) -> bool {
        self.facts.level == Level::Full
    }

    /// Lets commands reach one further host from now on: the answer to a question that named it. `host`, or
    /// `host:port`, as [`Output::denied_hosts`] has it.
    ///
    /// # Errors
    /// When `host` is not a host name, or this level cannot tell hosts apart.
    pub fn allow_host(&self, host: &str) -> Result<(), SandboxError> {
        if !self.can_allow_hosts() {
            return Err(SandboxError::NetworkNeedsFull { reason: self.facts.reason.clone().unwrap_or_default() });
        }
        let rule = match self.mirrors.rule(host) {
            Some(rule) => rule,
            None => Rule::named(host).map_err(|HostError(host)| SandboxError::Host { host })?,
        };
        self.policy.lock().unwrap_or_else(PoisonError::into_inner).allow(rule);
        Ok(())
    }

    /// Every host that was asked for and refused so far, in order, each once.
    #[must_use]
    pub fn denied_hosts(&self) -> Vec<String> {
        self.denied.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn gone() -> SandboxError {
    SandboxError::Ended { reason: "its thread ended".to_owned() }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").field("level", &self.facts.level).finish_non_exhaustive()
    }
}
