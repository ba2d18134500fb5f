//! The servers of one task: started side by side, their tools fixed from then on, called one at a time. A server that
//! ends in the middle is started once more when it is called again; what it lists then is not asked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Map, Value};

use super::failure::{Cause, NotReached};
use super::link::{Link, Said};
use super::offer::{Offers, Raw};
use crate::base::env::Env;
use crate::base::secret::Secret;
use crate::config::McpServer;
use crate::config::mcp::Reached;
use crate::domain::message::Block;
use crate::domain::request::ToolSpec;
use crate::net::http::Client;
use crate::sandbox::{Program, Sandbox, SandboxError, Spec};

/// A server starts within a minute, or within the time of a call where that is less.
const LONGEST_START: Duration = Duration::from_mins(1);

/// How a server is reached, everything looked up.
#[derive(Clone, Debug)]
pub enum Way {
    Program { spec: Box<Spec>, program: Program },
    Service { client: Arc<Client>, secret: Option<Secret> },
}

/// A server to be reached.
#[derive(Clone, Debug)]
pub struct Launch {
    pub server: McpServer,
    pub way: Way,
}

/// A server that is being reached. Its sandbox lasts over attempts.
pub struct Starting {
    pub launch: Launch,
    sandbox: Option<Arc<Sandbox>>,
    ready: Option<(Link, Vec<Raw>)>,
}

impl Starting {
    #[must_use]
    pub const fn new(launch: Launch) -> Self {
        Self { launch, sandbox: None, ready: None }
    }

    /// Tries once.
    ///
    /// # Errors
    /// Why it cannot be had, with the hosts it asked for in vain.
    pub async fn connect(&mut self, env: &Env) -> Result<(), NotReached> {
        let limit = self.launch.server.timeout.min(LONGEST_START);
        let connected = match &self.launch.way {
            Way::Service { client, secret } => {
                let Reached::Service { url, .. } = &self.launch.server.reached else { return Ok(()) };
                Link::service(client, url, secret.clone(), limit).await
            }
            Way::Program { spec, program } => {
                let sandbox = match &self.sandbox {
                    Some(sandbox) => Ok(Arc::clone(sandbox)),
                    None => start(env, spec).await.map(Arc::new),
                };
                match sandbox {
                    Ok(sandbox) => {
                        self.sandbox = Some(Arc::clone(&sandbox));
                        Link::program(&sandbox, program.clone(), &spec.workspace, limit).await
                    }
                    Err(error) => Err(Cause::Sandbox(error)),
                }
            }
        };
        let hosts = self.sandbox.as_ref().map(|sandbox| sandbox.newly_refused()).unwrap_or_default();
        match connected {
            Ok(ready) => {
                self.ready = Some(ready);
                Ok(())
            }
            Err(cause) => Err(NotReached { cause, hosts }),
        }
    }

    /// Lets it reach a host, for the next attempt and from then on.
    ///
    /// # Errors
    /// When it is no host's name, or the sandbox cannot tell hosts apart.
    pub fn allow(&self, host: &str) -> Result<(), SandboxError> {
        self.sandbox.as_ref().map_or(Ok(()), |sandbox| sandbox.allow_host(host))
    }
}

/// Starting one proves that it holds, which takes some hundredths of a second of waiting.
async fn start(env: &Env, spec: &Spec) -> Result<Sandbox, SandboxError> {
    let (env, spec) = (env.clone(), spec.clone());
    let ended = |_| SandboxError::Ended { reason: "its thread ended".to_owned() };
    tokio::task::spawn_blocking(move || Sandbox::start(&env, spec)).await.map_err(ended)?
}

struct Server {
    launch: Launch,
    /// Before the sandbox, which is asked to end what runs in it.
    link: Option<Link>,
    sandbox: Option<Arc<Sandbox>>,
    restarted: bool,
    tools: usize,
    bytes: usize,
    left_out: Vec<String>,
    calls: u32,
}

/// What a server gives and what it takes, for people and scripts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub server: String,
    /// `stdio` or `http`.
    pub transport: &'static str,
    /// Where it is configured.
    pub source: String,
    pub tools: usize,
    /// Likely tokens of what is told of them with each request: about four bytes a token.
    pub tokens: u64,
    /// What was left out, and why.
    pub left_out: Vec<String>,
    pub calls: u32,
}

/// What a call came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Called {
    pub text: String,
    pub images: Vec<Block>,
    pub ok: bool,
    /// Hosts that the server asked for in vain.
    pub hosts: Vec<String>,
    /// What people should know of it.
    pub notes: Vec<String>,
}

impl Called {
    fn failed(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

/// Every server of a task.
#[derive(Default)]
pub struct Servers {
    all: Vec<Server>,
    specs: Vec<ToolSpec>,
    /// A tool as the model knows it: its server, and its name there.
    names: BTreeMap<String, (usize, String)>,
}

impl Servers {
    /// Those that were reached, in the order given; the same tools in the same order every time.
    #[must_use]
    pub fn of(reached: Vec<Starting>) -> Self {
        let (mut own, mut offers) = (Self::default(), Offers::default());
        for Starting { launch, sandbox, ready } in reached {
            let Some((link, tools)) = ready else { continue };
            let taken = offers.take(&launch.server.name, &tools, launch.server.tools.as_deref());
            for offer in &taken.offers {
                if let ToolSpec::Function { name, .. } = &offer.spec {
                    own.names.insert(name.clone(), (own.all.len(), offer.tool.clone()));
                }
                own.specs.push(offer.spec.clone());
            }
            let (tools, bytes, left_out) = (taken.offers.len(), taken.bytes, taken.left_out);
            let (restarted, calls) = (false, 0);
            own.all.push(Server { launch, link: Some(link), sandbox, restarted, tools, bytes, left_out, calls });
        }
        own
    }

    #[must_use]
    pub fn specs(&self) -> &[ToolSpec] {
        &self.specs
    }

    /// Likely tokens of what is told of every tool with each request.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.all.iter().map(|server| (server.bytes as u64).div_ceil(4)).sum()
    }

    #[must_use]
    pub fn told(&self) -> Vec<Told> {
        let told = |server: &Server| Told {
            server: server.launch.server.name.clone(),
            transport: match server.launch.way {
                Way::Program { .. } => "stdio",
                Way::Service { .. } => "http",
            },
            source: server.launch.server.source.to_string(),
            tools: server.tools,
            tokens: (server.bytes as u64).div_ceil(4),
            left_out: server.left_out.clone(),
            calls: server.calls,
        };
        self.all.iter().map(told).collect()
    }

    /// The server and the tool of a name that the model gave; `None` where there is no such tool.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<(&str, &str)> {
        let (server, tool) = self.names.get(name)?;
        Some((self.all.get(*server)?.launch.server.name.as_str(), tool))
    }

    /// Calls a tool. Dropping the future tells its server so.
    pub async fn call(&mut self, name: &str, arguments: Map<String, Value>) -> Called {
        let Some((server, tool)) = self.names.get(name).cloned() else {
            return Called::failed("there is no such tool");
        };
        let Some(server) = self.all.get_mut(server) else { return Called::failed("there is no such server") };
        server.calls += 1;
        server.call(&tool, arguments).await
    }

    /// Lets a server reach a host from now on.
    ///
    /// # Errors
    /// As for [`Starting::allow`].
    pub fn allow(&self, server: &str, host: &str) -> Result<(), SandboxError> {
        let known = self.all.iter().find(|known| known.launch.server.name == server);
        known.and_then(|known| known.sandbox.as_ref()).map_or(Ok(()), |sandbox| sandbox.allow_host(host))
    }

    /// Ends every server.
    pub async fn close(&mut self) {
        let links = self.all.iter_mut().filter_map(|server| server.link.take());
        join_all(links.map(Link::close)).await;
    }
}

impl Server {
    async fn call(&mut self, tool: &str, arguments: Map<String, Value>) -> Called {
        let name = self.launch.server.name.clone();
        let mut notes = Vec::new();
        if self.link.as_ref().is_none_or(Link::is_closed) {
            if let Err(why) = self.restart().await {
                return Called { notes, ..Called::failed(format!("[the MCP server {name} is gone: {why}]")) };
            }
            notes.push(format!("the MCP server {name} had ended and was started again"));
        }
        let Some(link) = &mut self.link else { return Called::failed("there is no such server") };
        if let Some(sandbox) = &self.sandbox {
            // What it asked for while nobody called it is nobody's call.
            drop(sandbox.newly_refused());
        }
        let said = link.call(tool, arguments, self.launch.server.timeout).await;
        if link.wanted_a_model() {
            notes.push(format!(
                "the MCP server {name} asked for a model's answer and got none: it would cost you money"
            ));
        }
        let hosts = self.sandbox.as_ref().map(|sandbox| sandbox.newly_refused()).unwrap_or_default();
        match said {
            Said::Answer(answer) => {
                let text = if answer.text.is_empty() { "[no content]".to_owned() } else { answer.text };
                Called { text, images: answer.images, ok: !answer.is_error, hosts, notes }
            }
            Said::No(why) => Called { hosts, notes, ..Called::failed(format!("[the MCP server {name}: {why}]")) },
            Said::Gone(cause) => {
                let told = cause.line();
                if let Some(link) = self.link.take() {
                    link.close().await;
                }
                notes.push(format!("the MCP server {name} is gone: {told}"));
                let (what, wrote) = cause.told();
                let wrote = if wrote.is_empty() { String::new() } else { format!("\n{wrote}") };
                let again = if self.restarted { "" } else { "; another call starts it once more" };
                let text = format!("[the MCP server {name} is gone: {what}{again}]{wrote}");
                Called { hosts, notes, ..Called::failed(text) }
            }
        }
    }

    /// Once in a task: a server that ends twice would end a third time.
    async fn restart(&mut self) -> Result<(), String> {
        if std::mem::replace(&mut self.restarted, true) {
            return Err("it ended twice".to_owned());
        }
        if let Some(link) = self.link.take() {
            link.close().await;
        }
        let limit = self.launch.server.timeout.min(LONGEST_START);
        let connected = match (&self.launch.way, &self.launch.server.reached, &self.sandbox) {
            (Way::Program { spec, program }, _, Some(sandbox)) => {
                Link::program(sandbox, program.clone(), &spec.workspace, limit).await
            }
            (Way::Service { client, secret }, Reached::Service { url, .. }, _) => {
                Link::service(client, url, secret.clone(), limit).await
            }
            _ => Err(Cause::Closed),
        };
        match connected {
            Ok((link, _)) => {
                self.link = Some(link);
                Ok(())
            }
            Err(cause) => Err(cause.line()),
        }
    }
}
