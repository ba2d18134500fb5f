//! Why a server cannot be had, told with what mends it.

use std::path::Path;
use std::time::Duration;

use super::text::{cut, visible};
use crate::config::McpServer;
use crate::config::mcp::{KEYS_OF, Reached};
use crate::domain::failure::{Failure, Status};
use crate::sandbox::{Output, SandboxError, Status as Ended};

/// Of what a program wrote to standard error: its last lines.
const LINES: usize = 12;
const CHARACTERS: usize = 1_500;

/// What happened.
#[derive(Debug)]
pub(super) enum Cause {
    Sandbox(SandboxError),
    Ended {
        how: String,
        wrote: String,
    },
    /// Its output was closed, and it has not ended.
    Closed,
    Silent {
        after: Duration,
        wrote: String,
    },
    Flood,
    /// A version of the protocol that nobody knows.
    Version(String),
    /// 401 or 403.
    Refused(u16),
    Protocol(String),
}

impl Cause {
    pub(super) fn ended(output: &Output) -> Self {
        let how = match output.status {
            Ended::Exited(code) => format!("exit {code}"),
            Ended::Signalled(signal) => format!("signal {signal}"),
            Ended::Crowded => "it had too many processes".to_owned(),
            Ended::TimedOut | Ended::Interrupted => "it was stopped".to_owned(),
        };
        let wrote = match &output.tampered {
            Some(tampered) => tampered.what.clone(),
            None => errors_of(output),
        };
        Self::Ended { how, wrote }
    }

    /// One sentence without a full stop, and what the program wrote.
    pub(super) fn told(&self) -> (String, &str) {
        match self {
            Self::Sandbox(error) => (error.to_string(), ""),
            Self::Ended { how, wrote } => (format!("its program ended ({how})"), wrote),
            Self::Closed => ("it closed the connection".to_owned(), ""),
            Self::Silent { after, wrote } => (format!("it did not answer for {} s", after.as_secs()), wrote),
            Self::Flood => ("it said more than a server may before it is asked again".to_owned(), ""),
            Self::Version(version) => (format!("it speaks version {version:?} of the protocol, which vk does not"), ""),
            Self::Refused(401) => ("it wants a key (HTTP 401)".to_owned(), ""),
            Self::Refused(status) => (format!("it does not let this key in (HTTP {status})"), ""),
            Self::Protocol(why) => (super::text::one_line(why, 400), ""),
        }
    }

    /// As one line.
    pub(super) fn line(&self) -> String {
        let (what, wrote) = self.told();
        match wrote.lines().rfind(|line| !line.trim().is_empty()) {
            Some(last) => format!("{what}: {}", super::text::one_line(last, 200)),
            None => what,
        }
    }
}

/// The last lines that a program wrote to standard error.
pub(super) fn errors_of(output: &Output) -> String {
    let text = visible(&output.text());
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let last = lines[lines.len().saturating_sub(LINES)..].join("\n");
    cut(&last, CHARACTERS)
}

struct Told {
    what: String,
    wrote: String,
}

/// A server that did not answer.
#[derive(Debug)]
pub struct NotReached {
    pub(super) cause: Cause,
    /// Hosts that it asked for in vain.
    pub hosts: Vec<String>,
}

impl NotReached {
    /// As one line for people.
    #[must_use]
    pub fn line(&self) -> String {
        self.cause.line()
    }

    /// As what ends a task that must have the server. `allowed` are the hosts that the run allows already.
    #[must_use]
    pub fn into_failure(self, server: &McpServer, allowed: &[String]) -> Failure {
        let (what, wrote) = self.cause.told();
        let told = Told { what, wrote: wrote.to_owned() };
        self.failure(server, allowed, &told)
    }

    /// The same in fewer words: of what the program wrote, the last line.
    #[must_use]
    pub fn into_short_failure(self, server: &McpServer) -> Failure {
        let told = Told { what: self.cause.line(), wrote: String::new() };
        self.failure(server, &[], &told)
    }

    fn failure(self, server: &McpServer, allowed: &[String], told: &Told) -> Failure {
        let Told { what, wrote } = told;
        let name = &server.name;
        let did = match &server.reached {
            Reached::Program { .. } => "did not start",
            Reached::Service { .. } => "cannot be used",
        };
        let (status, code) = match self.cause {
            Cause::Refused(_) => (Status::NoCredential, "mcp_refused"),
            Cause::Sandbox(_) => (Status::NoSandbox, "no_sandbox"),
            _ => (Status::Usage, "mcp_unavailable"),
        };
        let mut why = vec![format!("{server} ({}): {what}", server.source)];
        why.extend((!wrote.is_empty()).then(|| wrote.clone()));
        if let (Reached::Program { words, .. }, Cause::Ended { wrote, .. }) = (&server.reached, &self.cause)
            && ["No such file", "not found", "Cannot find"].iter().any(|said| wrote.contains(said))
            && let Some(hidden) = words.iter().find(|word| word.starts_with('/') && Path::new(word).exists())
        {
            why.push(format!(
                "{hidden} is there, and the sandbox may not show it: it has the project and the folders of the system; \
                 read = [\"FOLDER\"] under [sandbox] of your config.toml shows another"
            ));
        }
        let mut fix = Vec::new();
        if !self.hosts.is_empty() {
            let hosts = self.hosts.join(", ");
            why.push(format!("it asked for {hosts}, which nobody has allowed"));
            if !server.source.is_project() {
                let listed: Vec<String> = self.hosts.iter().map(|host| format!("{host:?}")).collect();
                why.push(format!("network = [{}] in [mcp.{name}] allows it to this server alone", listed.join(", ")));
            }
            let names = allowed.iter().chain(&self.hosts).map(|host| host.split(':').next().unwrap_or(host));
            let names: Vec<&str> = names.filter(|name| *name != "registries").collect();
            fix.push(format!("vk run --allow-network={} \"...\"", names.join(",")));
        }
        if let (Cause::Refused(_), Reached::Service { key, .. }) = (&self.cause, &server.reached) {
            if key.is_none() {
                why.push(format!("vk sends it no key: key = \"LABEL\" in [mcp.{name}] names a stored one"));
            }
            fix.push(format!("vk keys add {KEYS_OF} --label {name}   # then key = \"{name}\" in [mcp.{name}]"));
        }
        fix.push("vk run --mcp none \"...\"   # without MCP servers".to_owned());
        let failure = Failure::new(status, code, format!("the MCP server {name} {did}")).why(why.join("\n"));
        fix.into_iter().fold(failure, Failure::fix)
    }
}
