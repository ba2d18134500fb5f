//! The schema of the user's own `config.toml`: the only file that sets addresses, edges, prices and the sandbox.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::address;
use super::document::{Document, Entry, Reason, Refused, Table, not_yet};
use super::edge::{Edge, EdgeTarget, Payer};
use super::error::{ConfigError, did_you_mean};
use super::names;
use super::project::Project;
use super::project_file::{CHOICE_KEYS, Choice, PATH_WORDS, budget_task};
use super::provider::{self, OwnPrice, PriceSettings, ProviderSettings};
use super::settings::Require;
use super::source::{Source, Sourced};
use crate::base::env;
use crate::base::money::{Rate, TokenPrice, Usd};
use crate::domain::path::{Auth, PayPath, Wire};

/// What the user's file says. The places of `projects` become `Source::Personal`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct UserValues {
    pub(super) choice: Choice,
    /// Built-in providers included.
    pub(super) providers: BTreeMap<String, ProviderSettings>,
    pub(super) budget_task: Option<Sourced<Usd>>,
    pub(super) fallback: Vec<Sourced<Edge>>,
    pub(super) require: Option<Sourced<Require>>,
    pub(super) read: Vec<Sourced<PathBuf>>,
    pub(super) write: Vec<Sourced<PathBuf>>,
    pub(super) env: Vec<Sourced<String>>,
    /// `[projects."DIR"]`: the folder as written, and what it chooses.
    pub(super) projects: Vec<(PathBuf, Choice)>,
}

impl Default for UserValues {
    fn default() -> Self {
        Self {
            choice: Choice::default(),
            providers: provider::built_in(),
            budget_task: None,
            fallback: Vec::new(),
            require: None,
            read: Vec::new(),
            write: Vec::new(),
            env: Vec::new(),
            projects: Vec::new(),
        }
    }
}

const fn in_the_project(key: &'static str) -> Refused {
    Refused {
        key,
        reason: Reason::NotHere {
            why: "it belongs to a project, not to a user",
            instead: "set it in the project's vk.toml",
        },
    }
}

const fn secret(key: &'static str) -> Refused {
    let why = "secrets are never kept in configuration; if a real one stands here, remove it";
    Refused { key, reason: Reason::Credential { why } }
}

const fn fixed(key: &'static str) -> Refused {
    let why = "a built-in provider is what its name says; only its base_url and prices may be changed";
    Refused { key, reason: Reason::NotHere { why, instead: "give your own provider another name" } }
}

const REFUSED: &[Refused] = &[
    in_the_project("name"),
    in_the_project("checks"),
    in_the_project("models"),
    in_the_project("worktree"),
    secret("api_key"),
    secret("token"),
    not_yet("free"),
    not_yet("ledger"),
];

/// Reads the file. `home` stands for `~/` in folders; `own` are vk's folders, which no sandbox may write.
pub(super) fn read(document: &Document<'_>, home: Option<&Path>, own: &[&Path]) -> Result<UserValues, ConfigError> {
    let mut top = document.parse()?;
    let known = ["path", "provider", "model", "key", "providers", "budget", "fallback", "sandbox", "projects"];
    top.expect(&known, REFUSED)?;
    let mut values = UserValues { choice: Choice::take(&mut top)?, ..UserValues::default() };
    if let Some(entry) = top.take("providers") {
        for entry in entry.table()?.into_entries() {
            let settings = one_provider(&entry, values.providers.get(&entry.key))?;
            values.providers.insert(entry.key, settings);
        }
    }
    if let Some(entry) = top.take("budget") {
        values.budget_task = budget_task(&entry, None)?;
    }
    if let Some(entry) = top.take("fallback") {
        let entries = entry.table()?.into_entries();
        values.fallback = entries.iter().map(|e| edge(e, &values.providers)).collect::<Result<_, _>>()?;
    }
    if let Some(entry) = top.take("sandbox") {
        sandbox(&mut entry.table()?, &mut values, home, own)?;
    }
    if let Some(entry) = top.take("projects") {
        for entry in entry.table()?.into_entries() {
            let dir = absolute(&entry.key, home).ok_or_else(|| {
                entry
                    .wrong_key("bad_value", "a project is named by its folder's absolute path")
                    .instead("write [projects.\"/home/you/shop\"]")
            })?;
            let mut table = entry.table()?;
            table.expect(CHOICE_KEYS, &[])?;
            values.projects.push((dir, Choice::take(&mut table)?.made_personal()));
        }
    }
    Ok(values)
}

impl UserValues {
    /// What the user says about this project: of its root, and above that, of the folder of its `vk.toml`.
    pub(super) fn about(&self, project: &Project) -> Vec<Choice> {
        let mut folders = vec![project.root.as_path()];
        if project.dir() != project.root {
            folders.push(project.dir());
        }
        let all = folders.into_iter().flat_map(|folder| self.projects.iter().filter(|(dir, _)| is_same(dir, folder)));
        all.map(|(_, choice)| choice.clone()).collect()
    }
}

/// Whether a folder as written is this canonical one.
pub(super) fn is_same(written: &Path, folder: &Path) -> bool {
    written == folder || written.canonicalize().is_ok_and(|real| real == folder)
}

impl Choice {
    fn made_personal(mut self) -> Self {
        fn personal<T>(value: &mut Option<Sourced<T>>) {
            if let Some(value) = value
                && let Source::User(place) = &value.source
            {
                value.source = Source::Personal(place.clone());
            }
        }
        personal(&mut self.path);
        personal(&mut self.provider);
        personal(&mut self.model);
        personal(&mut self.key);
        self
    }
}

/// An absolute folder, or one under `~/`.
fn absolute(text: &str, home: Option<&Path>) -> Option<PathBuf> {
    let path = match text.strip_prefix("~/") {
        Some(rest) => home?.join(rest),
        None => PathBuf::from(text),
    };
    (path.is_absolute() && !path.components().any(|part| part == std::path::Component::ParentDir)).then_some(path)
}

fn one_provider(entry: &Entry<'_>, built_in: Option<&ProviderSettings>) -> Result<ProviderSettings, ConfigError> {
    let name = &entry.key;
    if !names::is_provider(name) {
        let what = format!("\"{name}\" cannot name a provider: lower-case letters, digits, - and _, 40 at most");
        return Err(entry.wrong_key("bad_value", what).into());
    }
    if ["claude", "codex"].contains(&name.as_str()) {
        let what = format!("\"{name}\" is the name of a plan and cannot be a provider of yours");
        return Err(entry.wrong_key("bad_value", what).instead("give it another name").into());
    }
    let mut table = entry.table()?;
    match built_in {
        Some(known) => changed_provider(&mut table, known),
        None => new_provider(entry, &mut table),
    }
}

/// A built-in provider of the user's: another address, prices of models that the catalog does not know yet.
fn changed_provider(table: &mut Table<'_>, known: &ProviderSettings) -> Result<ProviderSettings, ConfigError> {
    let refused = [fixed("kind"), fixed("wire"), fixed("auth"), fixed("markup"), fixed("fee"), secret("api_key")];
    table.expect(&["base_url", "prices"], &refused)?;
    let mut settings = known.clone();
    if let Some(entry) = table.take("base_url") {
        settings.base_url = base_url(&entry, known.wire)?;
    }
    settings.prices = table.take("prices").map_or_else(|| Ok(BTreeMap::new()), |entry| prices(&entry))?;
    Ok(settings)
}

fn new_provider(entry: &Entry<'_>, table: &mut Table<'_>) -> Result<ProviderSettings, ConfigError> {
    let refused = [not_yet("fee"), not_yet("flat_month"), secret("api_key"), secret("key"), secret("token")];
    table.expect(&["kind", "wire", "base_url", "auth", "markup", "prices"], &refused)?;
    let missing = |key: &str, words: &str| {
        entry
            .wrong_key("missing_key", format!("[providers.{}] needs \"{key}\"", entry.key))
            .instead(format!("write {key} = \"...\": {words}"))
    };
    let kind_entry = table.take("kind").ok_or_else(|| missing("kind", "byok, platform or free"))?;
    let kind: PayPath = kind_entry.parsed(PATH_WORDS)?.value;
    if kind == PayPath::Subscription {
        let wrong = kind_entry
            .wrong_value("\"kind\" must be byok, platform or free: only Claude and Codex plans are subscriptions");
        return Err(wrong.into());
    }
    let wires = ["anthropic", "responses", "chat"];
    let wire = table.take_parsed("wire", &wires)?.ok_or_else(|| missing("wire", "anthropic, responses or chat"))?.value;
    let address = table.take("base_url").ok_or_else(|| missing("base_url", "https, or http on this machine"))?;
    let auth = match table.take("auth") {
        Some(auth_entry) => {
            let auth = auth_entry.parsed(&["bearer", "x-api-key", "none"])?.value;
            if kind == PayPath::Byok && auth == Auth::None {
                let wrong =
                    auth_entry.wrong_value("a byok provider is paid by a key of yours, so \"auth\" cannot be \"none\"");
                return Err(wrong.instead("where the gateway holds the key, write kind = \"platform\"").into());
            }
            auth
        }
        None if wire == Wire::Anthropic => Auth::XApiKey,
        None => Auth::Bearer,
    };
    let markup = match table.take("markup") {
        Some(markup_entry) if kind != PayPath::Platform => {
            let what = format!("only a platform has a markup; [providers.{}] is {kind}", entry.key);
            return Err(markup_entry.wrong_key("not_allowed_here", what).into());
        }
        Some(markup_entry) => markup_entry.parsed(&[])?.value,
        None => Rate::ZERO,
    };
    Ok(ProviderSettings {
        kind,
        wire,
        base_url: base_url(&address, wire)?,
        auth,
        markup,
        prices: table.take("prices").map_or_else(|| Ok(BTreeMap::new()), |entry| prices(&entry))?,
        source: entry.source(),
    })
}

fn base_url(entry: &Entry<'_>, wire: Wire) -> Result<Sourced<String>, ConfigError> {
    let text = entry.text()?;
    let address = address::parse(&text, wire).map_err(|error| match error {
        // The address may then hold a password: the excerpt ends at the key.
        address::AddressError::Userinfo => entry.wrong_key("bad_address", error.to_string()),
        error => entry.wrong_value(error.to_string()),
    })?;
    Ok(Sourced::new(address, text.source))
}

fn prices(entry: &Entry<'_>) -> Result<BTreeMap<String, Sourced<PriceSettings>>, ConfigError> {
    let mut prices = BTreeMap::new();
    for entry in entry.table()?.into_entries() {
        if !names::is_model(&entry.key) {
            return Err(entry.wrong_key("bad_value", "this is no model's id").into());
        }
        let price = Sourced::new(one_price(&entry)?, entry.source());
        prices.insert(entry.key, price);
    }
    Ok(prices)
}

fn one_price(entry: &Entry<'_>) -> Result<PriceSettings, ConfigError> {
    let mut table = entry.table()?;
    let parts = ["input", "output", "cache_read", "cache_write_5m", "cache_write_1h"];
    if let Some(same) = table.take("as") {
        let why = "with \"as\", the price is the other model's, whole";
        let own =
            parts.map(|key| Refused { key, reason: Reason::NotHere { why, instead: "remove \"as\" or the amounts" } });
        table.expect(&[], &own)?;
        let text = same.text()?;
        let (vendor, model) = text
            .split_once('/')
            .filter(|(vendor, model)| names::is_provider(vendor) && names::is_model(model))
            .ok_or_else(|| same.wrong_value("\"as\" must be VENDOR/MODEL, like \"anthropic/claude-sonnet-5-5\""))?;
        return Ok(PriceSettings::As { vendor: vendor.to_owned(), model: model.to_owned() });
    }
    table.expect(&["as", "input", "output", "cache_read", "cache_write_5m", "cache_write_1h"], &[])?;
    let mut take = |key: &str| -> Result<Option<TokenPrice>, ConfigError> {
        Ok(table.take_parsed::<TokenPrice>(key, &[])?.map(|price| price.value))
    };
    let mut needed = |key: &str| {
        let missing =
            || entry.wrong_key("missing_key", format!("a price needs \"{key}\", in USD a million tokens, or \"as\""));
        take(key)?.ok_or_else(|| ConfigError::from(missing()))
    };
    let (input, output) = (needed("input")?, needed("output")?);
    Ok(PriceSettings::Own(OwnPrice {
        input,
        output,
        cache_read: take("cache_read")?,
        cache_write_5m: take("cache_write_5m")?,
        cache_write_1h: take("cache_write_1h")?,
    }))
}

fn edge(entry: &Entry<'_>, providers: &BTreeMap<String, ProviderSettings>) -> Result<Sourced<Edge>, ConfigError> {
    let allow = entry.text()?;
    let edge = Edge::parse(&entry.key, &allow).map_err(|error| entry.wrong_key("bad_edge", error.to_string()))?;
    check_edge(&edge, providers).map_err(|what| entry.wrong_key("bad_edge", what))?;
    Ok(Sourced::new(edge, allow.source))
}

/// Both payers of an edge are there, of the kind that the edge says.
pub(super) fn check_edge(edge: &Edge, providers: &BTreeMap<String, ProviderSettings>) -> Result<(), String> {
    let known = |payer: &Payer| {
        let name = payer.provider.as_str();
        match (payer.path, providers.get(name)) {
            (PayPath::Subscription, _) if ["claude", "codex"].contains(&name) => Ok(()),
            (path, Some(provider)) if provider.kind == path => Ok(()),
            (path, Some(provider)) => Err(format!("\"{name}\" is {}, not {path}", provider.kind)),
            (_, None) => {
                let hint = did_you_mean(name, providers.keys().map(String::as_str));
                Err(format!("\"{name}\" is no provider you have{hint}"))
            }
        }
    };
    known(&edge.from)?;
    let EdgeTarget::Payer(to) = &edge.to else { return Ok(()) };
    known(to)?;
    let takes_key = providers.get(&to.provider).is_some_and(|provider| provider.auth != Auth::None);
    match &to.key {
        None if to.path.is_billed() && takes_key => {
            Err(format!("\"{to}\" pays by key, so the right side names it: {to}/LABEL"))
        }
        Some(_) if !takes_key && to.path != PayPath::Subscription => Err(format!("\"{}\" takes no key", to.provider)),
        _ => Ok(()),
    }
}

fn sandbox(
    table: &mut Table<'_>,
    values: &mut UserValues,
    home: Option<&Path>,
    own: &[&Path],
) -> Result<(), ConfigError> {
    table.expect(&["require", "read", "write", "env"], &[])?;
    values.require = table.take_parsed("require", &["full", "partial"])?;
    let folder = |entry: &Entry<'_>| {
        let text = entry.text()?;
        let not_absolute = || entry.wrong_value("a folder must be an absolute path, or begin with ~/");
        let folder = absolute(&text, home).ok_or_else(not_absolute)?;
        Ok(Sourced::new(folder, text.source))
    };
    if let Some(entry) = table.take("read") {
        values.read = entry.list()?.iter().map(folder).collect::<Result<_, ConfigError>>()?;
    }
    if let Some(entry) = table.take("write") {
        for item in entry.list()? {
            let dir = folder(&item)?;
            let real = dir.canonicalize().unwrap_or_else(|_| dir.value.clone());
            let touches_own = own.iter().any(|own| own.starts_with(&real) || real.starts_with(own));
            if touches_own || home.is_some_and(|home| home.starts_with(&real)) {
                let wrong = item.wrong_value("no command may write here: it holds your home folder or vk's own");
                return Err(wrong.instead("name a folder below it").into());
            }
            values.write.push(dir);
        }
    }
    if let Some(entry) = table.take("env") {
        for item in entry.list()? {
            let name = item.text_that(names::is_variable, "the name of a variable")?;
            if env::is_ambient(&name) {
                let wrong = item.wrong_value(format!("{} holds a provider's credential or address", name.value));
                return Err(wrong.why("no command that a model runs is given one").into());
            }
            values.env.push(name);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
