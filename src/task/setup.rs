//! The ground a task stands on: its sandbox, its tools, its snapshot, and the task it goes on from.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::mcp;
use super::order::{From, Order};
use super::snapshot::{Limits, Snapshot};
use crate::agent::approvals::{Approvals, Mode as Approval};
use crate::agent::cancel::Cancel;
use crate::agent::mcp::Servers;
use crate::agent::notes;
use crate::agent::prompt::{self, Surroundings, Writes};
use crate::agent::tools::{Before, Family, Toolbox};
use crate::base::clock;
use crate::base::env::Env;
use crate::base::secret::sha256_hex;
use crate::base::shell;
use crate::config::{Loaded, McpServer, Require, Trust};
use crate::domain::event::FileChange;
use crate::domain::failure::{Failure, Status};
use crate::domain::message::Message;
use crate::domain::route::{EngineKind, Route};
use crate::domain::ui::Ui;
use crate::engine::driven::Terms;
use crate::engine::driven::permit::Permit;
use crate::ledger::Ledger;
use crate::sandbox::{Level, Mode, Network, Sandbox, Spec, Workspace, readable_toolchains};

/// The task that a run goes on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    pub task_id: String,
    pub session: String,
    pub transcript: PathBuf,
}

/// Finds the task that `--continue` names.
///
/// # Errors
/// Exit 2 when there is none.
pub fn earlier(ledger: &Ledger, loaded: &Loaded, from: &From) -> Result<Option<Earlier>, Failure> {
    let record = match from {
        From::Nothing => return Ok(None),
        From::Task(id) => ledger.find_task(id, clock::now())?.one(id, "vk run --continue=")?,
        From::Last => {
            ledger.tasks(Some(loaded.project.home()), 1, clock::now())?.into_iter().next().ok_or_else(|| {
                Failure::usage("nothing_to_continue", "no task has run in this project yet")
                    .fix("vk run \"...\"")
                    .fix("vk tasks list --all   # to name one: vk run --continue=TASK_ID")
            })?
        }
    };
    let transcript = loaded.dirs.data.join("tasks").join(&record.task_id).join("transcript.jsonl");
    Ok(Some(Earlier { task_id: record.task_id, session: record.session, transcript }))
}

/// A mode that must ask needs somebody to answer: told before anything is sent.
///
/// # Errors
/// Exit 7.
pub fn check_approvals(order: &Order, ui: &dyn Ui) -> Result<(), Failure> {
    match order.approve {
        Some(mode) if mode.must_ask() && !ui.interactive() => {
            Err(nobody_to_ask("--approve asks before commands, and nobody is there to answer"))
        }
        _ => Ok(()),
    }
}

fn nobody_to_ask(why: &str) -> Failure {
    Failure::new(Status::Untrusted, "approval_needed", "this task would have to ask, and nobody is there")
        .why(why)
        .fix("vk run --approve all \"...\"")
}

/// A folder of vk's own that cannot be written: nothing that happens could be recorded.
pub fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Status::Ledger, "data_unwritable", format!("{} cannot be written", path.display()))
        .why(format!("{error}; vk spends nothing that it cannot record"))
        .fix(format!("ls -ld {}", shell::path(path.parent().unwrap_or(path))))
        .fix("vk doctor")
}

pub struct Ground {
    pub sandbox: Arc<Sandbox>,
    pub toolbox: Toolbox,
    snapshot: Option<Arc<Snapshot>>,
    surroundings: Surroundings,
    workspace: Arc<Workspace>,
    notes_allowed: bool,
    keep: Arc<dyn Before>,
    approve: Approval,
    /// The answers to a driven program, once there is one.
    permit: Option<Permit>,
    /// Where the project's packages are kept; none outside of a sandbox.
    cache: Option<PathBuf>,
    ui: Arc<dyn Ui>,
    cancel: Cancel,
    /// What holds the commands, and an MCP server of its own.
    spec: Spec,
    served: bool,
    /// For whom it was said that there are no servers.
    unserved: Option<EngineKind>,
}

/// Tells the snapshot what a file tool is about to write.
struct Keep(Option<Arc<Snapshot>>, Arc<dyn Ui>);

impl Before for Keep {
    fn before_write(&self, rel: &Path) {
        if let Some(Err(error)) = self.0.as_ref().map(|snapshot| snapshot.before_write(rel)) {
            self.1.say(&format!("{} cannot be put back by undo: {error}", rel.display()));
        }
    }
}

impl Ground {
    /// # Errors
    /// No sandbox (8), approvals that nobody can give (7), a workspace that cannot be opened.
    pub fn start(
        order: &Order,
        env: &Env,
        loaded: &Loaded,
        task_id: &str,
        route: &Route,
        ui: &Arc<dyn Ui>,
        cancel: &Cancel,
    ) -> Result<Self, Failure> {
        let root = &loaded.project.root;
        let spec = spec(order, loaded, order.mode);
        let sandbox = Arc::new(Sandbox::start(env, spec.clone())?);
        let contained = sandbox.level() == Level::Full;
        let mode = order.approve.unwrap_or(if contained { Approval::All } else { Approval::Ask });
        if mode.must_ask() && !ui.interactive() {
            return Err(nobody_to_ask(
                "outside a full sandbox each command is asked about unless --approve says otherwise",
            ));
        }
        if !contained {
            ui.say(&sandbox.describe());
        }
        let protected = [loaded.dirs.config.clone(), loaded.dirs.data.clone()];
        let workspace = Arc::new(Workspace::open(root, &protected).map_err(|error| {
            Failure::usage("workspace_unopened", "the project folder cannot be opened")
                .why(error.to_string())
                .fix("vk doctor")
        })?);
        let snapshot = match Snapshot::take(env, &loaded.dirs.data, root, task_id, Limits::default()) {
            Ok(snapshot) => Some(Arc::new(snapshot)),
            Err(error) => {
                ui.say(&format!("this task cannot be undone: {error}"));
                None
            }
        };
        let keep: Arc<dyn Before> = Arc::new(Keep(snapshot.clone(), Arc::clone(ui)));
        let approvals = Approvals::new(mode, Arc::clone(ui)).of_task(cancel);
        let toolbox = Toolbox::new(Family::of(route), Arc::clone(&sandbox), Arc::clone(&workspace), approvals)
            .before(Arc::clone(&keep))
            .read_only(order.mode == Mode::ReadOnly);
        let surroundings = Surroundings {
            os: std::env::consts::OS.to_owned(),
            project: loaded.project.name.clone(),
            writes: writes(order.mode),
            network: reach(&order.network),
            servers: false,
        };
        // A stranger's repository does not get to speak to the model where nobody looks on.
        let trusted = matches!(loaded.trust, Trust::Trusted) || ui.interactive();
        Ok(Self {
            cache: (order.mode != Mode::Off).then(|| cache(loaded)),
            permit: None,
            ui: Arc::clone(ui),
            cancel: cancel.clone(),
            approve: mode,
            sandbox,
            toolbox,
            snapshot,
            surroundings,
            workspace,
            notes_allowed: trusted,
            keep,
            spec,
            served: false,
            unserved: None,
        })
    }

    /// What holds an MCP server.
    #[must_use]
    pub fn spec_of(&self, server: &McpServer) -> Spec {
        mcp::spec_of(server, self.spec.clone(), self.sandbox.level())
    }

    /// What the run lets commands reach.
    #[must_use]
    pub const fn network(&self) -> &Network {
        &self.spec.network
    }

    /// Gives the model the tools of these servers, from its first call on.
    pub fn give(&mut self, servers: Servers) {
        self.served = true;
        self.surroundings.servers = !servers.specs().is_empty();
        self.toolbox.serve(servers);
    }

    /// Whether it is to be said that this engine's model is given no servers: once.
    pub fn leaves_unserved(&mut self, engine: EngineKind) -> bool {
        self.unserved.replace(engine) != Some(engine)
    }

    #[must_use]
    pub const fn is_served(&self) -> bool {
        self.served
    }

    /// Ends what lives on between calls.
    pub async fn close(&mut self) {
        self.toolbox.close().await;
    }

    /// The answers to a driven program's questions. What a person said holds for the whole task.
    pub fn permit(&mut self, terms: &Terms) -> &mut Permit {
        let (approve, ui, cancel, keep) = (self.approve, &self.ui, &self.cancel, &self.keep);
        self.permit.get_or_insert_with(|| Permit {
            approvals: Approvals::new(approve, Arc::clone(ui)).of_task(cancel),
            mode: terms.mode,
            root: terms.root.canonicalize().unwrap_or_else(|_| terms.root.clone()),
            protected: terms.protected.clone(),
            readable: terms.readable.clone(),
            writable: terms.writable.clone(),
            before: Arc::clone(keep),
        })
    }

    /// What a driven program's commands may read beside the project: the system and the toolchains, and what the
    /// user's configuration names.
    #[must_use]
    pub fn readable(env: &Env, loaded: &Loaded) -> Vec<PathBuf> {
        let own = [loaded.project.root.clone(), loaded.dirs.config.clone(), loaded.dirs.data.clone()];
        let named = loaded.settings.sandbox.read.iter().map(|path| path.value.clone());
        readable_toolchains(env, &own).into_iter().chain(named).collect()
    }

    /// What they may write outside of the project.
    #[must_use]
    pub fn writable(&self, loaded: &Loaded) -> Vec<PathBuf> {
        let named = loaded.settings.sandbox.write.iter().map(|path| path.value.clone());
        named.chain(self.cache.clone()).collect()
    }

    #[must_use]
    pub fn cache(&self) -> Option<&Path> {
        self.cache.as_deref()
    }

    /// The tools take the shape that the route's model was trained on.
    pub fn use_family_of(&mut self, route: &Route) {
        self.toolbox.switch(Family::of(route));
    }

    #[must_use]
    pub fn system(&self, route: &Route) -> String {
        prompt::system(Family::of(route), &self.surroundings)
    }

    /// The user's words, with the repository's notes where they may be read.
    #[must_use]
    pub fn first_message(&self, task: &str, stdin: Option<&str>, ui: &dyn Ui) -> Message {
        let found = notes::find(&self.workspace, self.notes_allowed);
        for line in &found.said {
            ui.say(line);
        }
        prompt::first_message(task, stdin, found.text.as_deref())
    }

    /// The files that differ from before the task.
    ///
    /// # Errors
    /// A sentence for people; the task's own outcome stands.
    pub fn changes(&self) -> Result<Vec<FileChange>, String> {
        let Some(snapshot) = &self.snapshot else { return Ok(Vec::new()) };
        snapshot.changes().map_err(|error| format!("what changed could not be recorded: {error}"))
    }

    /// Whether there is a snapshot to compare with.
    #[must_use]
    pub const fn has_snapshot(&self) -> bool {
        self.snapshot.is_some()
    }

    #[must_use]
    pub fn refused(&self) -> Vec<String> {
        let driven = self.permit.iter().flat_map(|permit| permit.approvals.refused());
        self.toolbox.refused().iter().chain(driven).cloned().collect()
    }
}

/// What holds the commands of a task.
pub(super) fn spec(order: &Order, loaded: &Loaded, mode: Mode) -> Spec {
    spec_of(&order.network, loaded, mode)
}

/// The same without an order.
pub(super) fn spec_of(network: &Network, loaded: &Loaded, mode: Mode) -> Spec {
    let root = &loaded.project.root;
    let wishes = &loaded.settings.sandbox;
    Spec {
        mode,
        network: network.clone(),
        protect: vec![loaded.dirs.config.clone(), loaded.dirs.data.clone()],
        read: wishes.read.iter().map(|path| path.value.clone()).collect(),
        write: wishes.write.iter().map(|path| path.value.clone()).collect(),
        env_allow: wishes.env.iter().map(|name| name.value.clone()).collect(),
        require_full: wishes.require.value == Require::Full,
        ..Spec::new(root.clone(), cache(loaded))
    }
}

/// The project's own package cache.
fn cache(loaded: &Loaded) -> PathBuf {
    let project = &sha256_hex(loaded.project.home().as_os_str().as_encoded_bytes())[..16];
    loaded.dirs.data.join("cache").join(project)
}

/// What the model is told about writing.
const fn writes(mode: Mode) -> Writes {
    match mode {
        Mode::Workspace => Writes::Project,
        Mode::ReadOnly => Writes::Nothing,
        Mode::Off => Writes::Anything,
    }
}

/// What the model is told about the network.
fn reach(network: &Network) -> prompt::Network {
    match network {
        Network::None => prompt::Network::Off,
        Network::Registries => prompt::Network::Registries,
        Network::Hosts(hosts) => prompt::Network::Hosts(hosts.clone()),
        Network::Any => prompt::Network::Any,
    }
}
