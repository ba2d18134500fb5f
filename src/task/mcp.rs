//! The MCP servers of a task: which ones it gets, with what they are reached, and what is said of them. Nothing has
//! been spent when one that the task must have is missing.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;

use futures_util::future::join_all;

use super::prepare::Known;
use super::setup::{self, Ground};
use crate::agent::approvals::Answer;
use crate::agent::cancel::Cancel;
use crate::agent::mcp::{Launch, NotReached, Servers, Starting, Told, Way};
use crate::base::env::Env;
use crate::base::secret::Secret;
use crate::config::mcp::{KEYS_OF, Reached, Value};
use crate::config::{KeyChoice, Loaded, McpServer};
use crate::credential::{CredentialError, ProviderFacts, Vault, env_key, shape};
use crate::domain::event::{Event, McpServerUsed};
use crate::domain::failure::{Failure, Status};
use crate::domain::route::{EngineKind, Route};
use crate::domain::ui::Ui;
use crate::net::http::Client;
use crate::sandbox::{Level, Mode, Network, Program, Spec};

/// Bytes of a server's standard error kept from each end.
const ERRORS: usize = 16 * 1024;
/// How often a server is started anew because a person has allowed it another host, and hosts asked about each time.
const ROUNDS: usize = 4;
const ASKED: usize = 3;

/// Names the servers of a task that is not run: what their tools take is known once they are started.
pub fn only_named(known: &Known, route: &Route, ui: &dyn Ui) {
    let on = known.loaded.settings.mcp.iter().filter(|server| server.on.value && route.engine == EngineKind::Builtin);
    for server in on {
        ui.say(&format!("mcp {}: not started, {server} ({})", server.name, server.source));
    }
}

/// Gives the task its servers, once: where vk's own loop runs. Another engine's model is not given them, and that is
/// said.
///
/// # Errors
/// A server that the task must have, and cannot: exit 2, or 3 where its key is missing or refused. An interruption.
pub async fn serve(
    ground: &mut Ground,
    known: &Known,
    env: &Env,
    route: &Route,
    ui: &Arc<dyn Ui>,
    cancel: &Cancel,
) -> Result<(), Failure> {
    let servers: Vec<McpServer> = known.loaded.settings.mcp.iter().filter(|server| server.on.value).cloned().collect();
    if servers.is_empty() || ground.is_served() {
        return Ok(());
    }
    let names: Vec<String> = servers.iter().map(|server| server.name.clone()).collect();
    if route.engine != EngineKind::Builtin {
        if ground.leaves_unserved(route.engine) {
            ui.say(&format!("{} is not given your MCP servers ({})", route.engine.as_str(), names.join(", ")));
        }
        return Ok(());
    }
    ui.event(&Event::McpStarting { servers: names });
    let network = ground.network().clone();
    let mut reached = Vec::new();
    let mut waiting: Vec<Starting> = Vec::new();
    for server in servers {
        match launch(&server, ground.spec_of(&server), &known.vault, env) {
            Ok(way) => waiting.push(Starting::new(Launch { server, way })),
            Err(failure) if server.required => return Err(failure),
            Err(failure) => ui.say(&format!("without the MCP server {}: {}", server.name, failure.message())),
        }
    }
    for round in 0..ROUNDS {
        let tried = tokio::select! {
            biased;
            signal = cancel.cancelled() => return Err(signal.failure()),
            tried = join_all(waiting.iter_mut().map(|starting| starting.connect(env))) => tried,
        };
        let mut again = Vec::new();
        for (starting, tried) in std::mem::take(&mut waiting).into_iter().zip(tried) {
            let Err(error) = tried else {
                reached.push(starting);
                continue;
            };
            if round + 1 < ROUNDS && allowed(ground, &starting, &error).await {
                again.push(starting);
                continue;
            }
            cancel.check()?;
            let server = &starting.launch.server;
            if server.required {
                return Err(error.into_failure(server, &named(&network)));
            }
            ui.say(&format!("without the MCP server {}: {}", server.name, error.line()));
        }
        waiting = again;
        if waiting.is_empty() {
            break;
        }
    }
    // In the order of their names, however long each took: the prompt begins with their tools.
    reached.sort_by(|a, b| a.launch.server.name.cmp(&b.launch.server.name));
    let servers = Servers::of(reached);
    for Told { server, transport, source, tools, tokens, left_out, .. } in servers.told() {
        ui.event(&Event::McpReady { server, transport: transport.to_owned(), source, tools, tokens, left_out });
    }
    ground.give(servers);
    Ok(())
}

/// Starts or reaches a server to see what it has, and ends it. It may only read the project.
///
/// # Errors
/// Why it cannot be had.
pub async fn probe(server: &McpServer, loaded: &Loaded, vault: &Vault, env: &Env) -> Result<Told, Failure> {
    let task = setup::spec_of(&Network::None, loaded, Mode::ReadOnly);
    let way = launch(server, spec_of(server, task, Level::Full), vault, env)?;
    let mut starting = Starting::new(Launch { server: server.clone(), way });
    starting.connect(env).await.map_err(|error| error.into_short_failure(server))?;
    let mut servers = Servers::of(vec![starting]);
    let told = servers.told().pop();
    servers.close().await;
    told.ok_or_else(|| Failure::usage("mcp_unavailable", format!("the MCP server {} is gone", server.name)))
}

/// What `task.finished` says of the servers.
#[must_use]
pub fn used(servers: &Servers) -> Vec<McpServerUsed> {
    let used = |told: Told| McpServerUsed {
        server: told.server,
        transport: told.transport.to_owned(),
        tools: told.tools,
        context_tokens: told.tokens,
        calls: told.calls,
    };
    servers.told().into_iter().map(used).collect()
}

/// Whether a person lets the server reach what it asked for in vain.
async fn allowed(ground: &mut Ground, starting: &Starting, error: &NotReached) -> bool {
    let mut any = false;
    for host in error.hosts.iter().take(ASKED) {
        let answer = ground.toolbox.approvals().network_of(&starting.launch.server.name, host).await;
        any |= answer == Answer::Yes && starting.allow(host).is_ok();
    }
    any
}

fn named(network: &Network) -> Vec<String> {
    match network {
        Network::Hosts(hosts) => hosts.clone(),
        Network::Registries => vec!["registries".to_owned()],
        Network::None | Network::Any => Vec::new(),
    }
}

/// The sandbox of a server: that of the task's commands, with the hosts that the user gives this server and packages of
/// its own, since commands write theirs and a server may be given secrets. Where no mount holds `.git` and `vk.toml`,
/// what lives on between calls may only read the project.
#[must_use]
pub fn spec_of(server: &McpServer, commands: Spec, level: Level) -> Spec {
    let Reached::Program { network, .. } = &server.reached else { return commands };
    let own = network.iter().filter(|host| *host != "registries").cloned();
    let network = match commands.network {
        Network::None if network == &["registries"] => Network::Registries,
        Network::None if !network.is_empty() => Network::Hosts(own.collect()),
        Network::Hosts(hosts) => Network::Hosts(hosts.into_iter().chain(own).collect()),
        other => other,
    };
    let mode = if level == Level::Partial && commands.mode == Mode::Workspace { Mode::ReadOnly } else { commands.mode };
    let name = match commands.cache_dir.file_name().filter(|_| server.source.is_project()) {
        Some(project) => format!("{}-mcp-{}", project.to_string_lossy(), server.name),
        None => format!("mcp-{}", server.name),
    };
    Spec { network, mode, cache_dir: commands.cache_dir.with_file_name(name), ..commands }
}

/// How a server is reached, with its secrets looked up.
///
/// # Errors
/// Exit 3 for a key or a variable that is not there.
pub fn launch(server: &McpServer, spec: Spec, vault: &Vault, env: &Env) -> Result<Way, Failure> {
    match &server.reached {
        Reached::Program { words, env: wanted, in_project, .. } => {
            let words = words.iter().map(OsString::from).collect();
            let mut env = variables(server, wanted, env)?;
            // Node's own requests go past a proxy otherwise, into a network that is not there.
            env.insert(0, (OsString::from("NODE_USE_ENV_PROXY"), OsString::from("1")));
            let program = Program { words, env, in_workspace: *in_project, errors: ERRORS };
            Ok(Way::Program { spec: Box::new(spec), program })
        }
        Reached::Service { url, key } => {
            let secret = key.as_ref().map(|key| secret(server, key, url, vault, env)).transpose()?;
            Ok(Way::Service { client: Arc::new(Client::new(env)?), secret })
        }
    }
}

fn variables(
    server: &McpServer,
    wanted: &BTreeMap<String, Value>,
    env: &Env,
) -> Result<Vec<(OsString, OsString)>, Failure> {
    let mut all = Vec::new();
    for (name, value) in wanted {
        let value = match value {
            Value::Literal(text) => text.clone(),
            Value::Env(own) => {
                let value = env.get(own).ok_or_else(|| {
                    Failure::new(Status::NoCredential, "mcp_variable_unset", format!("the variable {own} is not set"))
                        .why(format!("[mcp.{}] ({}) gives it to its program", server.name, server.source))
                        .fix(format!("read -rs {own} && export {own}"))
                        .fix("vk run --mcp none \"...\"   # without MCP servers")
                })?;
                no_providers(server, "", &Secret::new(value))?;
                value.to_owned()
            }
        };
        all.push((name.into(), value.into()));
    }
    Ok(all)
}

fn secret(server: &McpServer, key: &KeyChoice, url: &str, vault: &Vault, env: &Env) -> Result<Secret, Failure> {
    let secret = match key {
        KeyChoice::Env(name) => env_key(env, name).map_err(|mut failure| {
            failure.why = Some(format!("[mcp.{}] ({}) names it", server.name, server.source));
            failure.fix = vec![
                format!("read -rs {name} && export {name}"),
                "vk run --mcp none \"...\"   # without MCP servers".to_owned(),
            ];
            failure
        })?,
        KeyChoice::Label(label) => vault.secret(KEYS_OF, label, url).map_err(|error| {
            let is_unknown = matches!(error, CredentialError::Unknown { .. });
            let mut failure = Failure::from(error);
            if is_unknown {
                failure.fix = vec![
                    format!("vk keys add {KEYS_OF} --label {label}"),
                    "vk run --mcp none \"...\"   # without MCP servers".to_owned(),
                ];
                failure.why = Some(format!("[mcp.{}] ({}) names it", server.name, server.source));
            }
            failure
        })?,
    };
    no_providers(server, url, &secret)?;
    Ok(secret)
}

/// A provider's key would let what the model speaks with spend under another payer.
fn no_providers(server: &McpServer, url: &str, secret: &Secret) -> Result<(), Failure> {
    shape::check(ProviderFacts { name: KEYS_OF, base_url: url }, secret).map_err(|mut failure| {
        failure.why =
            Some(format!("[mcp.{}] ({}) names it; what can spend is given to no server", server.name, server.source));
        failure.fix = vec!["vk run --mcp none \"...\"   # without MCP servers".to_owned()];
        failure
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sourced;
    use crate::config::source::Source;
    use std::time::Duration;

    fn server(network: &[&str]) -> McpServer {
        let network = network.iter().map(|host| (*host).to_owned()).collect();
        McpServer {
            name: "s".into(),
            reached: Reached::Program { words: vec!["x".into()], env: BTreeMap::new(), network, in_project: false },
            tools: None,
            timeout: Duration::from_secs(1),
            required: true,
            on: Sourced::built_in(true),
            source: Source::BuiltIn,
        }
    }

    #[test]
    fn a_server_reaches_what_the_run_or_its_own_line_allows() {
        let of = |network: &[&str], task: Network| {
            spec_of(&server(network), Spec { network: task, ..Spec::new("/w", "/c") }, Level::Full).network
        };
        let hosts = |names: &[&str]| Network::Hosts(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(of(&[], Network::None), Network::None);
        assert_eq!(of(&["registries"], Network::None), Network::Registries);
        assert_eq!(of(&["a.example"], Network::None), hosts(&["a.example"]));
        assert_eq!(of(&["a.example"], hosts(&["b.example"])), hosts(&["b.example", "a.example"]));
        assert_eq!(of(&["a.example"], Network::Any), Network::Any);
    }

    #[test]
    fn under_a_partial_sandbox_servers_only_read_the_project() {
        let of = |level, mode| spec_of(&server(&[]), Spec { mode, ..Spec::new("/w", "/c") }, level).mode;
        assert_eq!(of(Level::Partial, Mode::Workspace), Mode::ReadOnly);
        assert_eq!(of(Level::Full, Mode::Workspace), Mode::Workspace);
        assert_eq!(of(Level::Full, Mode::ReadOnly), Mode::ReadOnly);
        assert_eq!(of(Level::Off, Mode::Off), Mode::Off);
    }
}
