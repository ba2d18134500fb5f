//! Which model of the provider, and under which id it is called there. A name that the provider does not offer is
//! an error that says who does; it never moves the payer.

use jiff::Timestamp;

use super::provider::{ChosenProvider, has_credential};
use super::{Facts, free, gateway_id};
use crate::base::money::Usd;
use crate::catalog::{Catalog, Match, Model, Tier, Vendor};
use crate::config::provider::{OPENROUTER, PriceSettings, ProviderSettings};
use crate::config::source::Sourced;
use crate::domain::failure::Failure;
use crate::domain::path::{Auth, PayPath, Wire};
use crate::domain::request::{ModelTraits, Thinking};
use crate::domain::route::{MayAnswer, Step, is_local};

/// Limits of a model that nothing is known of: what hosted models of the last years all take.
const UNKNOWN_CONTEXT: u64 = 128_000;
/// The same for a local server, which cuts a longer prompt without a word (Ollama, docs/context-length.mdx).
const UNKNOWN_LOCAL_CONTEXT: u64 = 32_768;
const UNKNOWN_MAX_OUTPUT: u32 = 16_384;

pub(super) struct ChosenModel {
    pub id: String,
    pub traits: ModelTraits,
    pub may_answer: MayAnswer,
    pub context: u64,
    pub max_output: u32,
    pub warnings: Vec<String>,
    pub step: Step,
    /// Names that are close to an id nobody knows.
    suggestions: Vec<String>,
}

/// What was asked for, and by whom.
struct Wish<'a> {
    name: &'a str,
    source: String,
    reason: String,
}

/// An id as the provider takes it, and the row of the catalog that it stands for.
struct Found<'c> {
    id: String,
    row: Option<&'c Model>,
    /// How the name led to the id.
    reason: String,
}

pub(super) fn choose(facts: &Facts<'_>, provider: &ChosenProvider<'_>) -> Result<ChosenModel, Failure> {
    let mut wish = wish(facts);
    let is_free = provider.settings.kind == PayPath::Free;
    let found = find(facts, provider.name, &provider.settings, wish.name).or_else(|| exact(facts, provider, wish.name));
    let (found, member) = match found {
        Some(found) => {
            if is_free {
                free::check(facts, provider.name, &found.id)?;
            }
            let listed = free::listed(facts, provider.name, &found.id).filter(|_| is_free);
            (found, listed)
        }
        // The pool has no tiers: whoever asks for one gets the first that is ready.
        None if is_free && Tier::parse(wish.name).is_some() => {
            let (member, source, of) = free::member(facts, provider)?;
            wish.source = source.to_string();
            let row = row(facts.catalog, provider.name, &provider.settings, &member.id, facts.now);
            let reason = if of == 1 {
                "the only one of the pool".to_owned()
            } else {
                format!("first of {of} in the pool that is ready")
            };
            wish.reason = reason;
            (Found { id: member.id.clone(), row, reason: String::new() }, Some(member))
        }
        None => return Err(not_offered(facts, provider, &wish)),
    };
    let mut warnings: Vec<String> = found.row.and_then(|row| row.warning(facts.now)).into_iter().collect();
    let mut suggestions = Vec::new();
    if found.row.is_none() && !provider.settings.prices.contains_key(&found.id) {
        suggestions = close(facts, provider, &found.id);
        if !is_free {
            warnings.push(format!("{} is not in the catalog: its price and limits are unknown", found.id));
        } else if member.as_ref().is_none_or(|member| member.context.is_none()) {
            warnings.push(format!("{} is not in the catalog: its limits are unknown", found.id));
        }
    }
    let is_server = is_free && provider.settings.auth == Auth::None;
    let unknown_context = if is_server { UNKNOWN_LOCAL_CONTEXT } else { UNKNOWN_CONTEXT };
    let listed = member.as_ref().and_then(|member| member.context);
    let context = listed.unwrap_or_else(|| found.row.map_or(unknown_context, |row| row.context));
    let most = member.as_ref().and_then(|member| member.max_output);
    let max_output = most.unwrap_or_else(|| found.row.map_or(UNKNOWN_MAX_OUTPUT, |row| row.max_output));
    // A server that is asked for more than its window holds refuses, or cuts the prompt.
    let room = u32::try_from(context / 4).unwrap_or(u32::MAX);
    let max_output = if listed.is_some() { max_output.min(room) } else { max_output };
    let reason = match (wish.reason.as_str(), found.reason.as_str()) {
        ("", how) => how.to_owned(),
        (why, "") => why.to_owned(),
        (why, how) => format!("{why}; {how}"),
    };
    Ok(ChosenModel {
        traits: traits(provider.settings.wire, found.row),
        may_answer: may_answer(&provider.settings, &found.id),
        context,
        max_output,
        warnings,
        step: Step { decision: "model".to_owned(), value: found.id.clone(), source: wish.source, reason },
        suggestions,
        id: found.id,
    })
}

/// A server of this machine names its models as it likes, and a router's whole purpose is another model.
fn may_answer(settings: &ProviderSettings, id: &str) -> MayAnswer {
    let is_router = id == "auto" || id.starts_with("openrouter/");
    if settings.other_models || is_router || settings.kind == PayPath::Free && is_local(&settings.base_url) {
        return MayAnswer::Any;
    }
    match settings.prices.get(id).map(|price| &price.value) {
        Some(PriceSettings::As { model, .. }) => MayAnswer::Known(model.clone()),
        _ => MayAnswer::Asked,
    }
}

/// A rule whose words match, else the name set by a flag, a variable or a file, else `balanced`. The settings hold
/// no rules where a higher layer names the model.
fn wish<'a>(facts: &Facts<'a>) -> Wish<'a> {
    let task = facts.task.unwrap_or_default();
    let settings = facts.settings;
    if let Some(rule) = settings.models.iter().find(|rule| !task.is_empty() && rule.matches(task)) {
        let reason = format!("the task matches \"{}\"", rule.pattern);
        return Wish { name: &rule.value.model, source: rule.source.to_string(), reason };
    }
    match &settings.model {
        Some(model) => Wish { name: &model.value, source: model.source.to_string(), reason: String::new() },
        None => Wish { name: Tier::Balanced.as_str(), source: "built in".to_owned(), reason: "the default".to_owned() },
    }
}

/// The model that somebody named, where that is one and no tier: nobody else takes over from it.
#[must_use]
pub fn pinned<'a>(facts: &Facts<'a>) -> Option<&'a str> {
    let name = wish(facts).name;
    Tier::parse(name).is_none().then_some(name)
}

/// Whether the provider is the maker of its models, under the name it has in the catalog: it then has those models
/// and no others. The user may have changed its address or prices, which changes nothing about that.
fn is_vendor(catalog: &Catalog, provider: &str, settings: &ProviderSettings) -> bool {
    matches!(settings.kind, PayPath::Byok | PayPath::Subscription)
        && catalog.vendor(in_catalog(provider, settings)).is_some()
}

/// The name under which the catalog has a provider's models: a plan's are its vendor's.
fn in_catalog<'a>(provider: &'a str, settings: &ProviderSettings) -> &'a str {
    match (settings.kind, settings.wire) {
        (PayPath::Subscription, Wire::Anthropic) => "anthropic",
        (PayPath::Subscription, Wire::Responses) => "openai",
        _ => provider,
    }
}

/// The row of the catalog that `id` stands for at a provider: by the user's `as`, by the provider's own ids, by a
/// vendor's prefix (`anthropic/claude-sonnet-5-5`), or because only one vendor has such an id.
pub(super) fn row<'c>(
    catalog: &'c Catalog,
    provider: &str,
    settings: &ProviderSettings,
    id: &str,
    at: Timestamp,
) -> Option<&'c Model> {
    if let Some(Sourced { value: PriceSettings::As { vendor, model }, .. }) = settings.prices.get(id) {
        return catalog.resolve(vendor, model, at).ok().map(|resolved| resolved.model);
    }
    // The list value of a free offer is that of the model.
    let id = if settings.has_free_models { id.strip_suffix(":free").unwrap_or(id) } else { id };
    let own = catalog.find(in_catalog(provider, settings), id);
    if own.is_some() || is_vendor(catalog, provider, settings) {
        return own;
    }
    if let Some((vendor, id)) = id.split_once('/') {
        return gateway_id::row(catalog, vendor, id);
    }
    let mut everywhere = catalog.vendors().filter_map(|vendor| vendor.find(id));
    let only = everywhere.next()?;
    everywhere.next().is_none().then_some(only)
}

/// What `name` is at a provider, if the catalog or the provider's own table knows.
fn find<'c>(facts: &Facts<'c>, provider: &str, settings: &ProviderSettings, name: &str) -> Option<Found<'c>> {
    let (catalog, at) = (facts.catalog, facts.now);
    let known =
        |id: &str, reason: String| Found { id: id.to_owned(), row: row(catalog, provider, settings, id, at), reason };
    if let Some(price) = settings.prices.get(name) {
        return Some(known(name, format!("listed in {}", price.source)));
    }
    if let Some(resolved) = catalog.vendor(in_catalog(provider, settings)).and_then(|vendor| vendor.resolve(name, at)) {
        let reason = match resolved.how {
            Match::Id => String::new(),
            Match::Snapshot => format!("a snapshot of {}, priced like it", resolved.model.id),
            Match::Alias | Match::Tier => format!("\"{name}\" is the newest {}", resolved.model.family),
        };
        return Some(Found { id: resolved.id, row: Some(resolved.model), reason });
    }
    if is_vendor(catalog, provider, settings) {
        return None;
    }
    if let Some(row) = row(catalog, provider, settings, name, at) {
        let reason = format!("priced as {}/{}", row.vendor, row.id);
        return Some(Found { id: name.to_owned(), row: Some(row), reason });
    }
    listed(facts, settings, name).or_else(|| usual(facts, provider, settings, name))
}

/// An alias or tier among the ids that the user's table maps to rows of the catalog: the newest that fits. A table
/// with one model is a choice already.
fn listed<'c>(facts: &Facts<'c>, settings: &ProviderSettings, name: &str) -> Option<Found<'c>> {
    let tier = Tier::parse(name);
    let mapped = settings.prices.iter().filter_map(|(id, price)| {
        let PriceSettings::As { vendor, model } = &price.value else { return None };
        let row = facts.catalog.resolve(vendor, model, facts.now).ok()?.model;
        Some((id, row, facts.catalog.vendor(vendor)?))
    });
    let fits = |(_, row, vendor): &(&String, &Model, &Vendor)| match tier {
        Some(tier) => vendor.tier_of(&row.family) == Some(tier),
        None => vendor.family_of_alias(name) == row.family,
    };
    if let Some((id, row, _)) = mapped.filter(fits).max_by_key(|(_, row, _)| row.released) {
        let reason = format!("\"{name}\" is {} there", row.family);
        return Some(Found { id: id.clone(), row: Some(row), reason });
    }
    let (id, price) = settings.prices.first_key_value().filter(|_| tier.is_some() && settings.prices.len() == 1)?;
    let row = match &price.value {
        PriceSettings::As { vendor, model } => facts.catalog.resolve(vendor, model, facts.now).ok().map(|r| r.model),
        PriceSettings::Own(_) => None,
    };
    Some(Found { id: id.clone(), row, reason: format!("the only model listed in {}", price.source) })
}

/// An alias or tier at a gateway that lists no models: a wire made by a vendor speaks of that vendor's models by
/// their own ids; a chat gateway takes them with the vendor's prefix, and only an alias tells which vendor.
fn usual<'c>(facts: &Facts<'c>, provider: &str, settings: &ProviderSettings, name: &str) -> Option<Found<'c>> {
    if !settings.prices.is_empty() || settings.kind == PayPath::Free {
        return None;
    }
    let (vendors, prefix): (Vec<&Vendor>, bool) = match settings.wire {
        Wire::Anthropic => (facts.catalog.vendor("anthropic").into_iter().collect(), false),
        Wire::Responses => (facts.catalog.vendor("openai").into_iter().collect(), false),
        // It has every vendor's models; somebody's must be the usual ones.
        Wire::Chat if provider == OPENROUTER && Tier::parse(name).is_some() => {
            (facts.catalog.vendor("anthropic").into_iter().collect(), true)
        }
        Wire::Chat => (facts.catalog.vendors().filter(|vendor| vendor.has_alias(name)).collect(), true),
    };
    let resolved = vendors.into_iter().find_map(|vendor| vendor.resolve(name, facts.now))?;
    let id = match prefix {
        true if provider == OPENROUTER => gateway_id::at_openrouter(&resolved.model.vendor, &resolved.id),
        true => format!("{}/{}", resolved.model.vendor, resolved.id),
        false => resolved.id,
    };
    Some(Found { id, row: Some(resolved.model), reason: format!("\"{name}\" is the newest {}", resolved.model.family) })
}

/// An id that nobody here knows, but that may well exist at the provider: exact ids always work.
fn exact<'c>(facts: &Facts<'c>, provider: &ChosenProvider<'_>, name: &str) -> Option<Found<'c>> {
    // A local server may call a model by what is the name of a family here.
    let local = provider.settings.kind == PayPath::Free;
    let word = |vendor: &Vendor| vendor.has_alias(name) || (!local && vendor.is_family(name));
    let possible = Tier::parse(name).is_none()
        && !facts.catalog.vendors().any(word)
        && match facts.catalog.vendor(in_catalog(provider.name, &provider.settings)) {
            Some(vendor) if is_vendor(facts.catalog, provider.name, &provider.settings) => vendor.could_have(name),
            _ => true,
        };
    possible.then(|| Found { id: name.to_owned(), row: None, reason: "taken as an exact id".to_owned() })
}

/// Old knobs are errors on new models, and no knob is portable on Chat Completions: what is not known of the very
/// vendor of the wire is not sent.
fn traits(wire: Wire, row: Option<&Model>) -> ModelTraits {
    let images = row.and_then(|row| row.traits.images);
    let nothing = ModelTraits { thinking: Thinking::None, effort: false, min_cache_prefix: None, images };
    let of_wire = match wire {
        Wire::Anthropic => "anthropic",
        Wire::Responses => "openai",
        Wire::Chat => return nothing,
    };
    row.filter(|row| row.vendor == of_wire).map_or(nothing, |row| row.traits)
}

fn close(facts: &Facts<'_>, provider: &ChosenProvider<'_>, name: &str) -> Vec<String> {
    let vendor = in_catalog(provider.name, &provider.settings);
    facts.catalog.resolve(vendor, name, facts.now).err().map(|unknown| unknown.suggestions).unwrap_or_default()
}

fn not_offered(facts: &Facts<'_>, provider: &ChosenProvider<'_>, wish: &Wish<'_>) -> Failure {
    let name = wish.name;
    let code = if Tier::parse(name).is_some() { "model_not_named" } else { "unknown_model" };
    let what = match Tier::parse(name) {
        Some(_) => format!("{} has no model for \"{name}\" ({})", provider.name, wish.source),
        None => format!("{} has no model \"{name}\" ({})", provider.name, wish.source),
    };
    let mut failure = Failure::usage(code, what);
    let suggestions = close(facts, provider, name);
    if let Some(first) = suggestions.first() {
        failure = failure.why(format!("did you mean {}?", suggestions.join(" or "))).fix(format!("--model {first}"));
    }
    if Tier::parse(name).is_some() {
        let ids: Vec<&str> = provider.settings.prices.keys().map(String::as_str).take(4).collect();
        if ids.is_empty() {
            failure = failure.why("it takes the exact id of a model, given with --model").fix("vk models list");
        }
        return ids.iter().fold(failure, |failure, id| failure.fix(format!("--model {id}")));
    }
    let mut elsewhere: Vec<(&String, &ProviderSettings)> = facts
        .settings
        .providers
        .iter()
        .filter(|(other, settings)| {
            *other != provider.name && !settings.is_unnamed_server() && find(facts, other, settings, name).is_some()
        })
        .collect();
    elsewhere.sort_by_key(|(other, settings)| !has_credential(facts, other, settings));
    if !elsewhere.is_empty() && failure.why.is_none() {
        failure = failure.why("a model name never moves the payer; these flags would");
    }
    for (other, settings) in elsewhere.into_iter().take(3) {
        failure = failure.fix(format!("--path {} --provider {other} --model {name}", settings.kind));
    }
    failure.fix("vk models list")
}

/// Without a price the cap could not be held, so nothing is sent.
pub(super) fn unpriced(provider: &str, model: &ChosenModel, cap: &Sourced<Usd>) -> Failure {
    let id = &model.id;
    let mut failure = Failure::usage("unpriced_model", format!("{id} has no known price at {provider}")).why(format!(
        "the cap of {} ({}) could not be held; [providers.{provider}.prices.\"{id}\"] in your config.toml prices it, \
         with input and output in USD a million tokens, or as = \"VENDOR/MODEL\"",
        cap.value, cap.source
    ));
    if let Some(close) = model.suggestions.first() {
        failure = failure.fix(format!("--model {close}"));
    }
    failure.fix("vk models prices").fix("vk doctor   # where config.toml is")
}
