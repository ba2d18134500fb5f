//! `[mcp]` of either file, read: what a user may say of a server, and what a project may.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{KEYS_OF, McpServer, OfProject, Reached, Value};
use crate::base::env;
use crate::config::address::{self, AddressError};
use crate::config::document::{Entry, Reason, Refused, Table};
use crate::config::error::{ConfigError, Wrong};
use crate::config::names::{self, looks_secret};
use crate::config::project_file::is_plain;
use crate::config::provider_table::secret;
use crate::config::settings::KeyChoice;
use crate::config::source::Sourced;
use crate::domain::path::Wire;

/// How long a tool may take where the configuration does not say.
const USUAL_TIMEOUT: Duration = Duration::from_mins(2);
/// The longest that it may say.
const LONGEST_TIMEOUT: u64 = 60 * 60;

/// A server's name is a part of its tools' names, which providers keep to 64 characters.
const LONGEST_NAME: usize = 24;
const MOST_SERVERS: usize = 16;
const MOST_WORDS: usize = 32;

const fn not_a_projects(key: &'static str, instead: &'static str) -> Refused {
    let why = "vk.toml comes with the repository, and whoever wrote that must not decide this";
    Refused { key, reason: Reason::NotHere { why, instead } }
}

const OF_USERS: &str = "remove it here; [mcp] of your own config.toml may set it";
const NAME_USERS: &str = "set up the server in your own config.toml; here, [mcp.NAME] alone turns it on";

pub(in crate::config) fn of_user(entry: &Entry<'_>) -> Result<Vec<McpServer>, ConfigError> {
    servers(entry)?.into_iter().map(|entry| users_server(&entry)).collect()
}

pub(in crate::config) fn of_project(entry: &Entry<'_>) -> Result<Vec<OfProject>, ConfigError> {
    servers(entry)?.into_iter().map(|entry| projects_server(&entry)).collect()
}

fn servers<'d>(entry: &Entry<'d>) -> Result<Vec<Entry<'d>>, ConfigError> {
    let entries = entry.table()?.into_entries();
    if entries.len() > MOST_SERVERS {
        return Err(entry.wrong_key("bad_value", format!("[mcp] has more than {MOST_SERVERS} servers")).into());
    }
    for server in &entries {
        let name = &server.key;
        if name.len() > LONGEST_NAME || !names::is_provider(name) || name.contains("__") {
            let what = format!(
                "\"{name}\" cannot name a server: lower-case letters, digits, - and single _, {LONGEST_NAME} at most"
            );
            return Err(server.wrong_key("bad_value", what).into());
        }
        if name == "none" {
            return Err(server.wrong_key("bad_value", "\"none\" means no server; choose another name").into());
        }
    }
    Ok(entries)
}

fn users_server(entry: &Entry<'_>) -> Result<McpServer, ConfigError> {
    let mut table = entry.table()?;
    let known = ["command", "env", "network", "in_project", "url", "key", "tools", "timeout", "required", "enabled"];
    table.expect(&known, &[secret("token"), secret("api_key"), secret("headers")])?;
    let reached = match (table.take("command"), table.take("url")) {
        (Some(command), None) => {
            only_for(&mut table, "url", &["key"])?;
            let network = table.take("network").map_or_else(|| Ok(Vec::new()), |entry| network(&entry))?;
            let in_project = table.take("in_project").map(|entry| entry.boolean()).transpose()?;
            let in_project = in_project.is_some_and(|in_project| in_project.value);
            Reached::Program { words: words(&command)?, env: variables(&mut table, true)?, network, in_project }
        }
        (None, Some(url)) => {
            only_for(&mut table, "command", &["env", "network", "in_project"])?;
            Reached::Service { url: service(&url)?, key: table.take("key").map(|entry| key(&entry)).transpose()? }
        }
        (Some(_), Some(url)) => {
            let what = format!("[mcp.{}] has a \"command\" and a \"url\"; it is one or the other", entry.key);
            return Err(url.wrong_key("not_allowed_here", what).into());
        }
        (None, None) => return Err(missing(entry).into()),
    };
    let on = match table.take("enabled") {
        Some(entry) => entry.boolean()?,
        None => Sourced::new(true, entry.source()),
    };
    Ok(McpServer {
        name: entry.key.clone(),
        reached,
        tools: tools(&mut table)?,
        timeout: table.take("timeout").map_or(Ok(USUAL_TIMEOUT), |entry| timeout(&entry))?,
        required: table.take("required").map_or(Ok(true), |entry| Ok::<_, ConfigError>(entry.boolean()?.value))?,
        on,
        source: entry.source(),
    })
}

fn projects_server(entry: &Entry<'_>) -> Result<OfProject, ConfigError> {
    let mut table = entry.table()?;
    let refused = [
        not_a_projects("url", NAME_USERS),
        not_a_projects("key", NAME_USERS),
        not_a_projects("headers", NAME_USERS),
        not_a_projects("network", OF_USERS),
        not_a_projects("timeout", OF_USERS),
        not_a_projects("required", OF_USERS),
        not_a_projects("in_project", "remove it here; a project's own server starts in the project"),
        not_a_projects("enabled", "remove it here; [mcp.NAME] alone turns a server of yours on"),
        secret("token"),
    ];
    table.expect(&["command", "env", "tools"], &refused)?;
    let Some(command) = table.take("command") else {
        only_for(&mut table, "command", &["env", "tools"])?;
        return Ok(OfProject::Users(Sourced::new(entry.key.clone(), entry.source())));
    };
    let words = words(&command)?;
    let reached = Reached::Program { words, env: variables(&mut table, false)?, network: Vec::new(), in_project: true };
    Ok(OfProject::Own(McpServer {
        name: entry.key.clone(),
        reached,
        tools: tools(&mut table)?,
        timeout: USUAL_TIMEOUT,
        required: true,
        on: Sourced::new(true, entry.source()),
        source: entry.source(),
    }))
}

/// Refuses keys that mean something only beside another.
fn only_for(table: &mut Table<'_>, with: &str, keys: &[&str]) -> Result<(), ConfigError> {
    match keys.iter().find_map(|key| table.take(key)) {
        None => Ok(()),
        Some(entry) => {
            let what = format!("\"{}\" goes with \"{with}\" only", entry.name());
            Err(entry.wrong_key("not_allowed_here", what).into())
        }
    }
}

fn missing(entry: &Entry<'_>) -> Wrong {
    entry
        .wrong_key("missing_key", format!("[mcp.{}] needs \"command\" or \"url\"", entry.key))
        .instead("write command = [\"npx\", \"-y\", \"PACKAGE\"] for a program")
        .instead("write url = \"https://mcp.example.com/mcp\" for a service")
}

fn words(entry: &Entry<'_>) -> Result<Vec<String>, ConfigError> {
    let items = entry.list()?;
    if items.is_empty() || items.len() > MOST_WORDS {
        let what = format!("\"{}\" is a program and its arguments, {MOST_WORDS} words at most", entry.name());
        return Err(entry.wrong_value(what).into());
    }
    let word = |item: &Entry<'_>| -> Result<String, ConfigError> {
        let word = item.text_that(is_plain, "a word of 400 visible characters at most")?;
        if looks_secret(&word) {
            let wrong = item.wrong_key("secret_in_file", "this looks like a credential, and every program sees it");
            let wrong = wrong.why("if it is a real one, revoke it");
            return Err(wrong.instead("give it by env = { NAME = \"env:NAME\" }").into());
        }
        Ok(word.value)
    };
    items.iter().map(word).collect()
}

fn variables(table: &mut Table<'_>, from_env: bool) -> Result<BTreeMap<String, Value>, ConfigError> {
    let Some(entry) = table.take("env") else { return Ok(BTreeMap::new()) };
    let mut all = BTreeMap::new();
    for item in entry.table()?.into_entries() {
        if !names::is_variable(&item.key) {
            return Err(item.wrong_key("bad_value", "this is no name of a variable").into());
        }
        let text = item.text()?;
        let named = text.value.strip_prefix("env:");
        for name in [Some(item.key.as_str()), named].into_iter().flatten() {
            if env::is_ambient(name) || name.starts_with("VK_") {
                let wrong = item
                    .wrong_key("not_allowed_here", format!("{name} holds a provider's credential or a setting of vk"));
                return Err(wrong.why("nothing that a model speaks with is given one: it could spend with it").into());
            }
        }
        let value = match named {
            Some(_) if !from_env => {
                let wrong = item.wrong_value("a project may not name a variable of yours");
                return Err(wrong.instead("set the server up in your own config.toml").into());
            }
            Some(name) if names::is_variable(name) => Value::Env(name.to_owned()),
            Some(_) => return Err(item.wrong_value("env:NAME takes the name of a variable").into()),
            None if looks_secret(&text) => {
                let wrong = item.wrong_key("secret_in_file", "this looks like a credential in a file");
                return Err(wrong
                    .why("if it is a real one, revoke it")
                    .instead(format!("write {} = \"env:NAME\" with the variable that holds it", item.key))
                    .into());
            }
            None if is_plain(&text) || text.is_empty() => Value::Literal(text.value),
            None => return Err(item.wrong_value("a value has 400 visible characters at most").into()),
        };
        all.insert(item.key, value);
    }
    Ok(all)
}

fn network(entry: &Entry<'_>) -> Result<Vec<String>, ConfigError> {
    let items = entry.list()?;
    let alone = items.len() == 1;
    items
        .iter()
        .map(|item| {
            let is_one = |text: &str| if text == "registries" { alone } else { names::is_host(text) };
            let text = item.text_that(is_one, "the name of a host, such as api.example.com, or registries alone")?;
            Ok(text.value.to_ascii_lowercase())
        })
        .collect()
}

fn service(entry: &Entry<'_>) -> Result<String, ConfigError> {
    let text = entry.text()?;
    address::parse(&text, Wire::Chat).map_err(|error| match error {
        // The address may then hold a credential: the excerpt ends at the key.
        AddressError::Userinfo | AddressError::Extra(_) => entry.wrong_key("bad_address", error.to_string()),
        error => entry.wrong_value(error.to_string()),
    })?;
    Ok(text.value)
}

fn key(entry: &Entry<'_>) -> Result<KeyChoice, ConfigError> {
    let text = entry.text()?;
    let is_one = |text: &str| text.strip_prefix("env:").map_or_else(|| names::is_key_label(text), names::is_variable);
    if !is_one(&text.value) {
        // Not shown: people put the key itself here.
        let what = format!("\"{}\" must be the label of a stored key, or env:NAME", entry.name());
        let wrong = entry.wrong_key("bad_value", what);
        return Err(wrong.first(format!("vk keys add {KEYS_OF} --label LABEL")).into());
    }
    Ok(match text.value.strip_prefix("env:") {
        Some(name) if env::is_ambient(name) => {
            let wrong = entry.wrong_key("not_allowed_here", format!("{name} holds a provider's credential"));
            return Err(wrong.why("an MCP server is no provider").into());
        }
        Some(name) => KeyChoice::Env(name.to_owned()),
        None => KeyChoice::Label(text.value),
    })
}

fn tools(table: &mut Table<'_>) -> Result<Option<Vec<String>>, ConfigError> {
    let Some(entry) = table.take("tools") else { return Ok(None) };
    let name = |item: &Entry<'_>| Ok(item.text_that(is_plain, "the name of a tool")?.value);
    entry.list()?.iter().map(name).collect::<Result<Vec<_>, ConfigError>>().map(Some)
}

fn timeout(entry: &Entry<'_>) -> Result<Duration, ConfigError> {
    let text = entry.text()?;
    let unit = text.chars().last().and_then(|unit| match unit {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3_600),
        _ => None,
    });
    let seconds = unit.and_then(|unit: u64| text[..text.len() - 1].parse::<u64>().ok()?.checked_mul(unit));
    let seconds = seconds.filter(|seconds| (1..=LONGEST_TIMEOUT).contains(seconds));
    let wrong = || entry.wrong_value("a time is a whole number with its unit, from 1s to 1h: 90s, 10m");
    Ok(seconds.map(Duration::from_secs).ok_or_else(wrong)?)
}
