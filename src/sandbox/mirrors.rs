//! The user's own registries and mirrors: read from the user's configuration of cargo, npm and pip, never from the
//! repository, and written again for the inside without tokens or passwords.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use reqwest::Url;
use toml::{Table, Value};

use super::egress::Rule;
use crate::base::env::Env;
use crate::base::fsx;

/// Settings of package managers are small.
const FILE_LIMIT: u64 = 256 * 1024;

/// What the inside is given, and what the proxy may let through for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mirrors {
    /// The hosts that are named, each once.
    pub hosts: Vec<(String, Option<u16>)>,
    /// cargo's `config.toml`; empty if there is nothing to say.
    pub cargo: String,
    /// `.npmrc` for HOME.
    pub npm: String,
    /// `.config/pip/pip.conf` for HOME.
    pub pip: String,
    pub env: BTreeMap<String, String>,
}

impl Mirrors {
    pub(super) fn of(env: &Env) -> Self {
        let mut mirrors = Self::default();
        mirrors.read_cargo(env);
        mirrors.read_npm(env);
        mirrors.read_pip(env);
        mirrors
    }

    pub(super) fn rules(&self) -> Vec<Rule> {
        // A name that is not one in the strict spelling cannot be asked for either.
        self.hosts.iter().filter_map(|(host, port)| Rule::mirror(host, *port).ok()).collect()
    }

    /// The rule for one host, if it is a mirror.
    pub(super) fn rule(&self, named: &str) -> Option<Rule> {
        let named = named.to_ascii_lowercase();
        let found = self
            .hosts
            .iter()
            .find(|(host, port)| named == *host || port.is_some_and(|port| named == format!("{host}:{port}")))?;
        Rule::mirror(&found.0, found.1).ok()
    }

    /// Remembers where `text` leads, if it is an address, and gives it without its user part.
    fn seen(&mut self, text: &str) -> String {
        let (prefix, address) = match text.split_once("+http") {
            Some((kind, _)) => text.split_at(kind.len() + 1),
            None => ("", text),
        };
        let Some(mut url) = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https")) else {
            return text.to_owned();
        };
        if let Some(host) = url.host_str() {
            let place = (host.to_owned(), url.port());
            if !self.hosts.contains(&place) {
                self.hosts.push(place);
            }
        }
        if url.username().is_empty() && url.password().is_none() {
            return text.to_owned();
        }
        let cleared = url.set_username("").and_then(|()| url.set_password(None)).is_ok();
        if cleared { format!("{prefix}{url}") } else { String::new() }
    }

    fn read_cargo(&mut self, env: &Env) {
        let home = env.path("CARGO_HOME").or_else(|| Some(env.home()?.join(".cargo")));
        let files = home.into_iter().flat_map(|home| [home.join("config.toml"), home.join("config")]);
        let Some(config) = files.filter_map(|path| text_of(&path)).find_map(|text| text.parse::<Table>().ok()) else {
            return;
        };
        let mut kept = Table::new();
        // `[source]` and `[registries]` are tables of tables; of the latter only the address, since a token lies beside.
        for (section, keys) in [
            ("source", &["registry", "replace-with", "local-registry", "directory", "git", "branch", "tag", "rev"][..]),
            ("registries", &["index"]),
        ] {
            let Some(Value::Table(entries)) = config.get(section) else { continue };
            let mut cleaned = Table::new();
            for (name, entry) in entries {
                let Value::Table(entry) = entry else { continue };
                let values = entry.iter().filter(|(key, _)| keys.contains(&key.as_str()));
                let values =
                    values.filter_map(|(key, value)| Some((key.clone(), Value::from(self.seen(value.as_str()?)))));
                cleaned.insert(name.clone(), Value::Table(values.collect()));
            }
            kept.insert(section.to_owned(), Value::Table(cleaned));
        }
        for (section, key) in [("registry", "default"), ("http", "cainfo"), ("net", "git-fetch-with-cli")] {
            if let Some(value) = config.get(section).and_then(|section| section.get(key)) {
                kept.insert(section.to_owned(), Value::Table([(key.to_owned(), value.clone())].into_iter().collect()));
            }
        }
        if !kept.is_empty() {
            self.cargo = toml::to_string(&kept).unwrap_or_default();
        }
    }

    fn read_npm(&mut self, env: &Env) {
        let user = env.path("npm_config_userconfig").or_else(|| env.path("NPM_CONFIG_USERCONFIG"));
        let user = user.or_else(|| Some(env.home()?.join(".npmrc")));
        let system = ["/usr/etc/npmrc", "/usr/local/etc/npmrc", "/etc/npmrc"].map(PathBuf::from);
        let mut lines = String::new();
        for (path, own) in system.into_iter().map(|path| (path, false)).chain(user.map(|path| (path, true))) {
            for (_, key, value) in text_of(&path).iter().flat_map(|text| assignments(text)) {
                let address = key == "registry" || (key.starts_with('@') && key.ends_with(":registry"));
                let value = if address { self.seen(value.trim_matches('"')) } else { value };
                // The system's files are read inside as they are.
                if own && (address || matches!(key.as_str(), "cafile" | "strict-ssl" | "nodedir")) {
                    let _ = writeln!(lines, "{key}={value}");
                }
            }
        }
        self.npm = lines;
        if let Some(registry) = env.get("npm_config_registry").or_else(|| env.get("NPM_CONFIG_REGISTRY")) {
            let registry = self.seen(registry);
            self.env.insert("npm_config_registry".to_owned(), registry);
        }
    }

    fn read_pip(&mut self, env: &Env) {
        const KEYS: &[&str] = &["index-url", "extra-index-url", "find-links", "trusted-host", "no-index", "cert"];
        let config = env.path("XDG_CONFIG_HOME").or_else(|| Some(env.home()?.join(".config")));
        let own = [env.home().map(|home| home.join(".pip/pip.conf")), config.map(|config| config.join("pip/pip.conf"))];
        let own = own.into_iter().flatten().chain(env.path("PIP_CONFIG_FILE"));
        let system = ["/etc/pip.conf", "/etc/xdg/pip/pip.conf"].map(PathBuf::from);
        let mut kept: BTreeMap<(String, String), String> = BTreeMap::new();
        for (path, own) in system.into_iter().map(|path| (path, false)).chain(own.map(|path| (path, true))) {
            for (section, key, value) in text_of(&path).iter().flat_map(|text| assignments(text)) {
                if !KEYS.contains(&key.as_str()) {
                    continue;
                }
                let words: Vec<String> = value.split_whitespace().map(|word| self.seen(word)).collect();
                if own {
                    kept.insert((section, key), words.join("\n    "));
                }
            }
        }
        let mut current = None;
        for ((section, key), value) in kept {
            if current.as_ref() != Some(&section) {
                let _ = writeln!(self.pip, "[{section}]");
                current = Some(section);
            }
            let _ = writeln!(self.pip, "{key} = {value}");
        }
        for name in [
            "PIP_INDEX_URL",
            "PIP_EXTRA_INDEX_URL",
            "PIP_FIND_LINKS",
            "PIP_TRUSTED_HOST",
            "UV_INDEX_URL",
            "UV_DEFAULT_INDEX",
        ] {
            if let Some(value) = env.get(name) {
                let words: Vec<String> = value.split_whitespace().map(|word| self.seen(word)).collect();
                self.env.insert(name.to_owned(), words.join(" "));
            }
        }
    }
}

fn text_of(path: &Path) -> Option<String> {
    String::from_utf8(fsx::read_bounded(path, FILE_LIMIT).ok()?).ok()
}

/// `(section, key, value)` of each line of an ini file; an indented line goes on with the value before it.
fn assignments(text: &str) -> Vec<(String, String, String)> {
    let (mut found, mut section): (Vec<(String, String, String)>, String) = (Vec::new(), "global".to_owned());
    for line in text.lines() {
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = bare.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.trim().clone_into(&mut section);
        } else if let (true, Some((_, _, value))) = (line.starts_with([' ', '\t']), found.last_mut()) {
            value.push(' ');
            value.push_str(bare);
        } else if let Some((key, value)) = bare.split_once('=') {
            found.push((section.clone(), key.trim().to_owned(), value.trim().to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn mirrors_go_inside_and_their_secrets_do_not() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path();
        for (file, text) in [
            (
                ".cargo/config.toml",
                "[source.crates-io]\nreplace-with = \"corp\"\n[source.corp]\nregistry = \"sparse+https://u:canary@nexus.corp:8443/index/\"\n\
                 [registries.corp]\nindex = \"sparse+https://nexus.corp:8443/index/\"\ntoken = \"canary\"\n\
                 [registry]\ntoken = \"canary\"\n[build]\nrustc-wrapper = \"evil\"\n",
            ),
            (
                ".npmrc",
                "registry=https://npm.corp/\n@team:registry = https://team.corp/npm/\n//npm.corp/:_authToken=canary\n_auth=canary\n",
            ),
            (
                ".config/pip/pip.conf",
                "[global]\nindex-url = https://u:canary@pypi.corp/simple\nextra-index-url =\n    https://a.corp/s\n    https://b.corp/s\n",
            ),
        ] {
            let path = home.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let set = [("HOME", home.to_str().unwrap()), ("npm_config_registry", "https://x:canary@env.corp/")];
        let mirrors = Mirrors::of(&Env::of(&set, home));
        assert!(!format!("{mirrors:?}").contains("canary"), "{mirrors:?}");
        insta::assert_snapshot!(mirrors.cargo, @r#"
        [registries.corp]
        index = "sparse+https://nexus.corp:8443/index/"

        [source.corp]
        registry = "sparse+https://nexus.corp:8443/index/"

        [source.crates-io]
        replace-with = "corp"
        "#);
        insta::assert_snapshot!(mirrors.npm, @"
        registry=https://npm.corp/
        @team:registry=https://team.corp/npm/
        ");
        insta::assert_snapshot!(mirrors.pip, @r"
        [global]
        extra-index-url = https://a.corp/s
            https://b.corp/s
        index-url = https://pypi.corp/simple
        ");
        assert_eq!(mirrors.env["npm_config_registry"], "https://env.corp/");
        let hosts: Vec<&str> = mirrors.hosts.iter().map(|(host, _)| host.as_str()).collect();
        assert_eq!(hosts, ["nexus.corp", "npm.corp", "team.corp", "env.corp", "pypi.corp", "a.corp", "b.corp"]);
        assert!(mirrors.rule("nexus.corp:8443").is_some() && mirrors.rule("elsewhere.corp").is_none());
    }
}
