//! `[mcp.NAME]`: programs and services whose tools the model is given. The user's own file may name any; a project's
//! names commands that run in the sandbox once it is trusted, and servers that the user has, and never an address.

mod read;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

pub(super) use self::read::{of_project, of_user};
use super::error::{ConfigError, did_you_mean};
use super::settings::KeyChoice;
use super::source::{Source, Sourced};
use crate::base::shell;

/// The name that the keys of MCP servers are stored under: `vk keys add mcp --label tracker`.
pub const KEYS_OF: &str = "mcp";

/// One server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct McpServer {
    pub name: String,
    pub reached: Reached,
    /// The only tools of it that the model is given; `None`: all.
    pub tools: Option<Vec<String>>,
    /// Longest time of one call.
    pub timeout: Duration,
    /// Whether a task ends that cannot have it.
    pub required: bool,
    /// Whether a task gets it, and who says so.
    pub on: Sourced<bool>,
    pub source: Source,
}

/// How a server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached {
    /// A program that vk starts in the sandbox and speaks with.
    Program {
        /// It and its arguments; no shell reads them.
        words: Vec<String>,
        env: BTreeMap<String, Value>,
        /// Hosts that it may reach beside those of the run; `registries` alone is the package registries.
        network: Vec<String>,
        /// Whether it starts in the project's folder: a project's own does. A user's starts where no repository has
        /// planted anything that programs take from the folder they start in.
        in_project: bool,
    },
    /// A service that vk sends requests to.
    Service { url: String, key: Option<KeyChoice> },
}

/// A variable of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Literal(String),
    /// What this variable of vk's own environment holds.
    Env(String),
}

impl McpServer {
    /// Its address, where it is a service whose stored key has this label.
    #[must_use]
    pub fn address_of_key(&self, label: &str) -> Option<&str> {
        match &self.reached {
            Reached::Service { url, key: Some(KeyChoice::Label(own)) } if own == label => Some(url),
            _ => None,
        }
    }
}

impl fmt::Display for McpServer {
    /// The command or the address, with what is known of it: the line that people read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reached {
            Reached::Program { words, env, network, in_project } => {
                for (name, value) in env {
                    match value {
                        Value::Literal(text) => write!(f, "{name}={} ", shell::word(text))?,
                        Value::Env(own) => write!(f, "{name}=${own} ")?,
                    }
                }
                let words: Vec<String> = words.iter().map(|word| shell::word(word)).collect();
                f.write_str(&words.join(" "))?;
                if *in_project && !self.source.is_project() {
                    f.write_str(" (in the project)")?;
                }
                if !network.is_empty() {
                    write!(f, " (network: {})", network.join(", "))?;
                }
            }
            Reached::Service { url, .. } => f.write_str(url)?,
        }
        if let Some(tools) = &self.tools {
            write!(f, " (only {})", tools.join(", "))?;
        }
        if self.on.value { Ok(()) } else { f.write_str(" (off)") }
    }
}

/// What a `vk.toml` says of servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OfProject {
    Own(McpServer),
    /// One of the user's own by its name.
    Users(Sourced<String>),
}

impl OfProject {
    /// What it runs, in full, for whoever is asked to trust it.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Own(server) => format!("{}: {server}", server.name),
            Self::Users(name) => format!("{}: the one of this name in your config.toml", name.value),
        }
    }
}

/// The servers of a run by name: the user's, then the project's; those that `only` leaves are off. With what has to be
/// said about a project's that were set aside.
pub(super) fn merge(
    user: Vec<McpServer>,
    project: Vec<OfProject>,
    only: Option<&Sourced<Vec<String>>>,
) -> Result<(Vec<McpServer>, Vec<String>), ConfigError> {
    let (mut all, mut warnings) = (user, Vec::new());
    for server in project {
        let named = |all: &mut Vec<McpServer>, name: &str| all.iter().position(|known| known.name == name);
        match server {
            OfProject::Own(own) => match named(&mut all, &own.name) {
                Some(at) => warnings.push(format!(
                    "the MCP server {} of {} is set aside: {} has one of that name",
                    own.name, own.source, all[at].source
                )),
                None => all.push(own),
            },
            OfProject::Users(name) => match named(&mut all, &name) {
                Some(at) if !all[at].on.value => all[at].on = Sourced::new(true, name.source),
                Some(_) => {}
                // Whoever has no such server is told, and works without it.
                None => warnings.push(format!(
                    "{} names the MCP server {}, and your config.toml has none of that name",
                    name.source, name.value
                )),
            },
        }
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let Some(only) = only else { return Ok((all, warnings)) };
    if let Some(unknown) = only.iter().find(|name| !all.iter().any(|server| server.name == **name)) {
        let hint = did_you_mean(unknown, all.iter().map(|server| server.name.as_str()));
        let have = match all.iter().map(|server| server.name.as_str()).collect::<Vec<_>>() {
            known if known.is_empty() => "none is set up".to_owned(),
            known => format!("there are {}", known.join(", ")),
        };
        let what = format!("there is no MCP server {unknown:?}{hint}; {have}");
        return Err(ConfigError::Given { origin: "--mcp", what, fix: Some("vk doctor".to_owned()) });
    }
    for server in &mut all {
        server.on = Sourced::new(only.contains(&server.name), only.source.clone());
    }
    Ok((all, warnings))
}

#[cfg(test)]
mod tests;
