//! `[providers.NAME]` of the user's own file: who takes a request there, how it is paid and what its models cost.

use std::collections::BTreeMap;

use super::address;
use super::document::{Entry, Reason, Refused, Table};
use super::error::{ConfigError, Wrong};
use super::ledger::PASSWORD_OF;
use super::mcp::KEYS_OF;
use super::names;
use super::project_file::PATH_WORDS;
use super::provider::{OwnPrice, PriceSettings, ProviderSettings};
use super::source::Sourced;
use crate::base::money::{Rate, TokenPrice, Usd};
use crate::domain::path::{Auth, PayPath, Wire};

const WIRES: [&str; 3] = ["anthropic", "responses", "chat"];
const AUTHS: [&str; 3] = ["bearer", "x-api-key", "none"];
const TERMS: [&str; 9] =
    ["kind", "wire", "base_url", "auth", "markup", "fee", "flat_month", "allow_other_models", "prices"];
const SECRETS: [Refused; 3] = [secret("api_key"), secret("key"), secret("token")];

pub(super) const fn secret(key: &'static str) -> Refused {
    let why = "secrets are never kept in configuration; if a real one stands here, remove it";
    Refused { key, reason: Reason::Credential { why } }
}

pub(super) fn read(entry: &Entry<'_>, built_in: Option<&ProviderSettings>) -> Result<ProviderSettings, ConfigError> {
    let name = &entry.key;
    if !names::is_provider(name) {
        let what = format!("\"{name}\" cannot name a provider: lower-case letters, digits, - and _, 40 at most");
        return Err(entry.wrong_key("bad_value", what).into());
    }
    if name == PASSWORD_OF {
        let what = format!("\"{name}\" is what the password of [ledger] is stored under; choose another name");
        return Err(entry.wrong_key("bad_value", what).into());
    }
    if name == KEYS_OF {
        let what = format!("\"{name}\" is what the keys of MCP servers are stored under; choose another name");
        return Err(entry.wrong_key("bad_value", what).into());
    }
    let mut table = entry.table()?;
    match built_in {
        Some(known) => {
            let mut settings = changed_provider(&mut table, known, name)?;
            if settings.kind == PayPath::Free {
                // A table of the user's is how a server of this machine is named.
                settings.source = entry.source();
            }
            Ok(settings)
        }
        None => new_provider(entry, &mut table),
    }
}

/// A built-in provider of the user's: another address, prices of models that the catalog does not know yet; for a
/// gateway also the wire and what it takes. What it is already may be said again.
fn changed_provider(
    table: &mut Table<'_>,
    known: &ProviderSettings,
    name: &str,
) -> Result<ProviderSettings, ConfigError> {
    table.expect(&TERMS, &SECRETS)?;
    let mut settings = known.clone();
    let is_gateway = known.kind == PayPath::Platform;
    if let Some(entry) = table.take("kind")
        && entry.parsed::<PayPath>(PATH_WORDS)?.value != known.kind
    {
        return Err(fixed(&entry, name, known.kind.as_str()).into());
    }
    if let Some(entry) = table.take("wire") {
        settings.wire = entry.parsed(&WIRES)?.value;
        if settings.wire != known.wire && !is_gateway {
            return Err(fixed(&entry, name, known.wire.as_str()).into());
        }
    }
    if let Some(entry) = table.take("auth") {
        settings.auth = entry.parsed(&AUTHS)?.value;
        if settings.auth != known.auth && !is_gateway {
            return Err(fixed(&entry, name, known.auth.as_str()).into());
        }
    }
    if let Some(entry) = table.take("base_url") {
        settings.base_url = base_url(&entry, settings.wire)?;
    }
    terms_of(table, name, &mut settings)?;
    settings.prices = table.take("prices").map_or_else(|| Ok(BTreeMap::new()), |entry| prices(&entry))?;
    Ok(settings)
}

fn fixed(entry: &Entry<'_>, name: &str, is: &str) -> Wrong {
    let what =
        format!("{name} is built in, and its \"{}\" is {is}; give a provider of your own another name", entry.key);
    entry.wrong_value(what)
}

/// What a gateway takes beside list price, where it is one.
fn terms_of(table: &mut Table<'_>, name: &str, settings: &mut ProviderSettings) -> Result<(), ConfigError> {
    if let Some(entry) = table.take("allow_other_models") {
        settings.other_models = entry.boolean()?.value;
    }
    let kind = settings.kind;
    let mut term = |key: &str| match table.take(key) {
        Some(entry) if kind != PayPath::Platform => {
            let what = format!("only a platform has a {key}; [providers.{name}] is {kind}");
            Err(ConfigError::from(entry.wrong_key("not_allowed_here", what)))
        }
        other => Ok(other),
    };
    if let Some(entry) = term("markup")? {
        settings.markup = entry.parsed(&[])?.value;
    }
    if let Some(entry) = term("fee")? {
        settings.fee = entry.parsed(&[])?.value;
    }
    if let Some(entry) = term("flat_month")? {
        settings.flat_month = Some(entry.parsed::<Usd>(&[])?.value);
    }
    Ok(())
}

fn new_provider(entry: &Entry<'_>, table: &mut Table<'_>) -> Result<ProviderSettings, ConfigError> {
    table.expect(&TERMS, &SECRETS)?;
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
    let wire = table.take_parsed("wire", &WIRES)?.ok_or_else(|| missing("wire", "anthropic, responses or chat"))?.value;
    let address = table.take("base_url").ok_or_else(|| missing("base_url", "https, or http on this machine"))?;
    let auth = match table.take("auth") {
        Some(auth_entry) => {
            let auth = auth_entry.parsed(&AUTHS)?.value;
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
    let mut settings = ProviderSettings {
        kind,
        has_free_models: false,
        wire,
        base_url: base_url(&address, wire)?,
        auth,
        markup: Rate::ZERO,
        fee: Rate::ZERO,
        flat_month: None,
        other_models: false,
        prices: BTreeMap::new(),
        source: entry.source(),
    };
    terms_of(table, &entry.key, &mut settings)?;
    settings.prices = table.take("prices").map_or_else(|| Ok(BTreeMap::new()), |entry| prices(&entry))?;
    Ok(settings)
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

/// An address that no wire has a say in.
pub(super) fn address(entry: &Entry<'_>) -> Result<Sourced<String>, ConfigError> {
    base_url(entry, Wire::Chat)
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
