//! What works on this machine and what does not, one finding each. It changes nothing: what it writes to find out
//! (a keyring entry, a file) it removes again.

use std::path::Path;
use std::sync::Arc;

use futures_util::future::join_all;

use super::detect::{self, Found};
use super::free::record::Record;
use super::ledger;
use super::mcp;
use crate::base::env::Env;
use crate::base::shell;
use crate::catalog::Overlay;
use crate::config::{self, Flags, Loaded, McpServer, Require};
use crate::credential::{StoreKind, Vault};
use crate::domain::failure::Failure;
use crate::domain::ui::Ui;
use crate::engine::standing;
use crate::net::http::Client;
use crate::routing::plan::{self, PlanFact, Standing};
use crate::sandbox::{Level, Sandbox, Spec};

/// Another tool's list of servers, at a project's root.
const FOREIGN: &str = ".mcp.json";

/// How a finding bears on `vk run`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Good,
    /// Worth knowing, nothing to do.
    Note,
    /// Something is missing that a run can do without.
    Warning,
    /// `vk run` cannot work like this.
    Broken,
}

impl State {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Broken => "broken",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub subject: String,
    pub state: State,
    pub detail: String,
    /// Where a value came from.
    pub source: Option<String>,
    /// What to type or do, best first.
    pub fix: Vec<String>,
}

impl Finding {
    fn new(subject: &str, state: State, detail: impl Into<String>) -> Self {
        Self { subject: subject.to_owned(), state, detail: detail.into(), source: None, fix: Vec::new() }
    }

    fn fix(mut self, command: impl Into<String>) -> Self {
        self.fix.push(command.into());
        self
    }

    fn failed(subject: &str, state: State, failure: Failure) -> Self {
        let detail = match failure.why {
            // A finding is one cell of a table.
            Some(why) => format!("{}: {}", failure.what, why.replace('\n', "; ")),
            None => failure.what,
        };
        Self { fix: failure.fix, ..Self::new(subject, state, detail) }
    }
}

/// Looks at everything; nothing that fails keeps the rest from being looked at.
pub async fn examine(env: &Env, flags: &Flags, ui: &Arc<dyn Ui>) -> Vec<Finding> {
    let mut findings = vec![Finding::new(
        "vk",
        State::Good,
        format!("{} on {} {}", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH),
    )];
    let loaded = match config::load(env, flags) {
        Ok(loaded) => Some(loaded),
        Err(failure) => {
            findings.push(Finding::failed("configuration", State::Broken, failure));
            None
        }
    };
    if let Some(loaded) = &loaded {
        configuration(loaded, &mut findings);
        folders(loaded, &mut findings);
        keys(env, loaded, ui, &mut findings);
        findings.push(ledger(env, loaded, ui));
        findings.push(prices(loaded));
        free_models(loaded, &mut findings);
    }
    let tree = loaded.as_ref().map(|loaded| loaded.project.root.clone());
    findings.push(sandbox(env, loaded.as_ref()));
    if let Some(loaded) = &loaded {
        mcp_servers(env, loaded, ui, &mut findings).await;
    }
    programs(env, tree.as_deref(), &mut findings);
    network(env, &mut findings);
    let settings = loaded.as_ref().map(|loaded| &loaded.settings);
    let plans = standing::all(env, tree.as_deref().unwrap_or_else(|| env.cwd()), settings);
    elsewhere(&detect::all(env).await, &plans, loaded.as_ref(), &mut findings);
    findings
}

/// Every value in use, with the place it came from.
fn configuration(loaded: &Loaded, findings: &mut Vec<Finding>) {
    for described in config::describe(loaded) {
        let mut finding = Finding::new(&described.key, State::Good, described.value);
        finding.source = Some(described.source.to_string());
        findings.push(finding);
    }
    if loaded.settings.path.is_none() {
        findings.push(Finding::new("path", State::Warning, "nothing says whose account pays").fix("vk use"));
    }
    for warning in &loaded.warnings {
        findings.push(Finding::new("configuration", State::Warning, warning.clone()));
    }
    if let config::Trust::Needed(needed) = &loaded.trust {
        let detail = if needed.changed { "it changed since you trusted it" } else { "it is not trusted yet" };
        findings.push(Finding::new("vk.toml", State::Warning, detail).fix("vk trust"));
    }
    if !loaded.ignored_ambient.is_empty() {
        let names = loaded.ignored_ambient.join(", ");
        findings.push(Finding::new("environment", State::Note, format!("ignored, and kept from every child: {names}")));
    }
}

fn folders(loaded: &Loaded, findings: &mut Vec<Finding>) {
    for (subject, folder) in [("configuration folder", &loaded.dirs.config), ("data folder", &loaded.dirs.data)] {
        let shown = folder.display();
        findings.push(match tempfile::tempfile_in(folder) {
            Ok(_) => Finding::new(subject, State::Good, shown.to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Finding::new(subject, State::Good, format!("{shown}, made when it is first needed"))
            }
            Err(error) => Finding::new(subject, State::Broken, format!("{shown} cannot be written: {error}")),
        });
    }
    let project = &loaded.project;
    let kind = if project.is_git { "a git work tree" } else { "not a git work tree" };
    findings.push(Finding::new(
        "project",
        State::Good,
        format!("{} at {}, {kind}", project.name, project.root.display()),
    ));
}

fn keys(env: &Env, loaded: &Loaded, ui: &Arc<dyn Ui>, findings: &mut Vec<Finding>) {
    let vault = Vault::open(&loaded.dirs.data, env, Arc::clone(ui));
    let (stored, store) = match vault.list().and_then(|keys| Ok((keys, vault.store()?))) {
        Ok(known) => known,
        Err(error) => {
            findings.push(Finding::failed("keys", State::Broken, error.into()));
            return;
        }
    };
    let names: Vec<String> = stored.iter().map(|key| format!("{} ({})", key.name(), key.fingerprint)).collect();
    findings.push(match &names[..] {
        [] => Finding::new("keys", State::Note, "none is stored").fix("vk keys add anthropic"),
        _ => Finding::new("keys", State::Good, names.join(", ")),
    });
    let in_keyring = stored.iter().any(|key| key.store == StoreKind::Keyring);
    if store == Some(StoreKind::File) && !in_keyring {
        findings.push(Finding::new("key store", State::Good, "an age-encrypted file in the data folder"));
        return;
    }
    findings.push(match vault.probe_keyring() {
        Ok(()) => Finding::new("key store", State::Good, "the system keyring takes, gives back and deletes an entry"),
        Err(error) => {
            let state = if in_keyring { State::Broken } else { State::Warning };
            Finding::failed("key store", state, error.into())
        }
    });
}

fn ledger(env: &Env, loaded: &Loaded, ui: &Arc<dyn Ui>) -> Finding {
    let team = loaded.settings.ledger.as_ref().map(|settings| &settings.database);
    if team.is_none() && !loaded.dirs.data.exists() {
        return Finding::new("ledger", State::Good, "made by the first task");
    }
    match ledger::open(loaded, env, ui) {
        Ok(_) => {
            let place = team.map(|database| format!("{}: ", database.value)).unwrap_or_default();
            let mut finding = Finding::new("ledger", State::Good, format!("{place}opens and can be written"));
            finding.source = team.map(|database| database.source.to_string());
            finding
        }
        Err(failure) => Finding::failed("ledger", State::Broken, failure),
    }
}

/// What `vk models refresh` stored. A damaged file is a warning: the bundled prices stand in for it.
fn prices(loaded: &Loaded) -> Finding {
    match Overlay::load(&loaded.dirs.data) {
        Ok(None) => {
            Finding::new("prices", State::Good, "the bundled ones").fix("vk models refresh   # to read today's")
        }
        Ok(Some(overlay)) => {
            let lists: Vec<String> =
                overlay.sources.iter().map(|list| format!("{} of {}", list.list, list.as_of)).collect();
            let detail = format!("the bundled ones under {} rows of {}", overlay.rows.len(), lists.join(" and "));
            Finding::new("prices", State::Good, detail)
        }
        Err(error) => {
            let detail = format!("{error}; only the bundled prices are used");
            Finding::new("prices", State::Warning, detail).fix("vk models refresh")
        }
    }
}

/// The free models that are out of use because they reported a cost.
fn free_models(loaded: &Loaded, findings: &mut Vec<Finding>) {
    match Record::read(&loaded.dirs.data) {
        Ok(record) => findings.extend(record.quarantined().map(|(name, _, why)| {
            let detail = format!("{name} is out of use: {why}");
            Finding::new("free models", State::Warning, detail).fix(format!("vk models pool --lift {name}"))
        })),
        Err(failure) => findings.push(Finding::failed("free models", State::Warning, failure)),
    }
}

/// Starts a real sandbox over an empty folder: only what was tried is known.
fn sandbox(env: &Env, loaded: Option<&Loaded>) -> Finding {
    let require_full = loaded.is_none_or(|loaded| loaded.settings.sandbox.require.value == Require::Full);
    let started = tempfile::tempdir().map_err(|source| source.to_string()).and_then(|folder| {
        let (workspace, cache) = (folder.path().join("project"), folder.path().join("cache"));
        std::fs::create_dir(&workspace).map_err(|source| source.to_string())?;
        let sandbox = Sandbox::start(env, Spec::new(workspace, cache)).map_err(Failure::from);
        Ok(sandbox.map(|sandbox| (sandbox.level(), sandbox.describe(), sandbox.remedy())))
    });
    match started {
        Ok(Ok((Level::Full, described, _))) => Finding::new("sandbox", State::Good, described),
        Ok(Ok((_, described, remedy))) => {
            let state = if require_full { State::Broken } else { State::Warning };
            let finding = Finding::new("sandbox", state, described);
            remedy.into_iter().fold(finding, Finding::fix)
        }
        Ok(Err(failure)) => Finding::failed("sandbox", State::Broken, failure),
        Err(error) => {
            Finding::new("sandbox", State::Warning, format!("not tried, there is no folder to try it in: {error}"))
        }
    }
}

/// Starts or reaches each server that a task would be given. One of a file that is not trusted is not started.
async fn mcp_servers(env: &Env, loaded: &Loaded, ui: &Arc<dyn Ui>, findings: &mut Vec<Finding>) {
    let vault = Vault::open(&loaded.dirs.data, env, Arc::clone(ui));
    let untrusted = matches!(loaded.trust, config::Trust::Needed(_));
    let (on, off): (Vec<&McpServer>, Vec<&McpServer>) = loaded.settings.mcp.iter().partition(|server| server.on.value);
    let tried = on.iter().map(|server| async {
        let subject = format!("mcp {}", server.name);
        if untrusted && (server.source.is_project() || server.on.source.is_project()) {
            return Finding::new(&subject, State::Warning, "not tried: vk.toml is not trusted").fix("vk trust");
        }
        match mcp::probe(server, loaded, &vault, env).await {
            Ok(told) if told.left_out.is_empty() => {
                let (tools, tokens) = (told.tools, told.tokens);
                Finding::new(&subject, State::Good, format!("{tools} tools, about {tokens} tokens with each call"))
            }
            Ok(told) => {
                let left_out = told.left_out.join("; ");
                let detail =
                    format!("{} tools, about {} tokens with each call; left out: {left_out}", told.tools, told.tokens);
                Finding::new(&subject, State::Warning, detail)
            }
            Err(failure) => {
                let state = if server.required { State::Broken } else { State::Warning };
                Finding::failed(&subject, state, failure)
            }
        }
    });
    findings.extend(join_all(tried).await);
    findings.extend(off.iter().map(|server| {
        let flag = format!("off; vk run --mcp {0} gives it to one task", server.name);
        Finding::new(&format!("mcp {}", server.name), State::Note, flag)
    }));
    let foreign = loaded.project.root.join(FOREIGN);
    if foreign.is_file() {
        let detail =
            format!("{FOREIGN} is not read; a server of it is written as [mcp.NAME] in vk.toml or config.toml");
        findings.push(Finding::new("mcp", State::Note, detail));
    }
}

fn programs(env: &Env, tree: Option<&Path>, findings: &mut Vec<Finding>) {
    for (name, state, without) in [
        ("git", State::Warning, "tasks cannot be undone or compared without it"),
        ("bash", State::Broken, "the model's commands run in it"),
    ] {
        findings.push(match env.find_program(name, tree) {
            Some(path) => Finding::new(name, State::Good, path.display().to_string()),
            None => {
                Finding::new(name, state, format!("not found: {without}")).fix(format!("sudo apt-get install {name}"))
            }
        });
    }
}

fn network(env: &Env, findings: &mut Vec<Finding>) {
    findings.push(match Client::new(env) {
        Ok(client) => {
            let note = client.proxy_note().unwrap_or_else(|| "direct, with the system's certificates".to_owned());
            Finding::new("network", State::Good, note)
        }
        Err(error) => Finding::failed("network", State::Broken, error.into()),
    });
}

/// What else could pay or run a model here.
fn elsewhere(found: &Found, plans: &[PlanFact], loaded: Option<&Loaded>, findings: &mut Vec<Finding>) {
    for fact in plans.iter().filter(|fact| fact.standing != Standing::Missing) {
        let why_not = plan::program(fact.provider).and_then(|program| program.why_not(Some(&fact.standing)));
        findings.push(match why_not {
            None => {
                let shown = plan::shown(fact.provider, Some(&fact.standing));
                Finding::new(fact.provider, State::Note, format!("logged in: a {shown} plan could pay"))
            }
            Some(failure) => Finding::failed(fact.provider, State::Note, failure),
        });
    }
    for server in &found.servers {
        let models = match server.models.len() {
            0 => "no models".to_owned(),
            1 => server.models[0].clone(),
            n => format!("{} and {} more", server.models[0], n - 1),
        };
        if let Some(owner) = &server.gateway {
            let detail = format!("a gateway to {owner}'s models answers at {}; it is not free", server.base_url);
            findings.push(Finding::new(server.name, State::Note, detail));
            continue;
        }
        let detail = format!("a model server answers at {}: {models}", server.base_url);
        let settings = loaded.map(|loaded| &loaded.settings);
        let provider = settings.and_then(|settings| Some((server.provider(settings)?, settings)));
        let unnamed = provider.filter(|(name, settings)| {
            let chosen = settings.provider.as_ref().is_some_and(|chosen| chosen.value == *name);
            !chosen && settings.providers[*name].is_unnamed_server()
        });
        let finding = Finding::new(server.name, State::Note, detail);
        findings.push(match (unnamed, server.models.first()) {
            (Some((name, _)), Some(model)) => {
                finding.fix(format!("vk use free --provider {name} --model {}", shell::word(model)))
            }
            _ => finding,
        });
    }
}
