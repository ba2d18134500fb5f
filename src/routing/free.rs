//! The free path's part of the decision: which provider and which model of the pool, and what is refused there because
//! it costs money, is out of use, or may not be used in this project.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::pool::{self, Absent, Ask, Choice, Member, Standings};
use super::provider::{self, ChosenProvider};
use super::{Facts, NO_KEY, key};
use crate::base::clock;
use crate::catalog::free::FreeLists;
use crate::config::provider::OPENROUTER;
use crate::config::source::{Source, Sourced};
use crate::config::{Pool, PoolEntry, ProviderSettings};
use crate::domain::failure::{Failure, Status};
use crate::domain::path::PayPath;

/// The id that stands for whatever is free there at the moment.
const ROUTER: &str = "openrouter/free";

/// A task needs a prompt, room for what its tools answer and room for the model's own answer. With less than this a
/// model forgets the task while it works on it.
pub const LEAST_CONTEXT: u64 = 16_384;

/// The codes of a pool of which nobody can be asked.
pub const POOL_EXHAUSTED: &str = "pool_exhausted";
pub const TRAINING_NOT_ALLOWED: &str = "training_not_allowed";

/// What is known of the free path, beside the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreeFacts {
    pub lists: FreeLists,
    pub standings: Standings,
    /// Whether members that train on prompts may be used in this project: by its person's answer, or by the settings.
    pub allow_training: bool,
    /// Tokens of context that the task needs at least.
    pub needed: u64,
}

impl Default for FreeFacts {
    fn default() -> Self {
        Self { lists: FreeLists::new(), standings: Standings::default(), allow_training: false, needed: LEAST_CONTEXT }
    }
}

/// Whether the id is one that cannot cost money at this provider.
///
/// # Errors
/// Exit 2 for a model that the provider sells or hands on to a service that does, and for one that reported a cost.
pub(super) fn check(facts: &Facts<'_>, provider: &str, id: &str) -> Result<(), Failure> {
    let standing = facts.free.standings.members.get(&pool::name(provider, id));
    if let Some(why) = standing.and_then(|standing| standing.quarantine.as_ref()) {
        return Err(quarantined(&pool::name(provider, id), why));
    }
    if provider == OPENROUTER {
        // Its own list says which others are at $0 now; the request is held to that.
        if id.ends_with(":free") || id == ROUTER || listed(facts, provider, id).is_some() {
            return Ok(());
        }
        return Err(Failure::usage("not_free", format!("{id} costs money at {provider}, and the path is free"))
            .why("only ids that end in :free are at $0 there")
            .fix(format!("--model {id}:free"))
            .fix(format!("--path platform --provider {provider} --model {id}")));
    }
    // Ollama hands these on to its own paid service. Source: ollama, docs/cloud.mdx (2026-08).
    if id.ends_with(":cloud") || id.ends_with("-cloud") {
        return Err(hosted(provider, id));
    }
    Ok(())
}

/// A model of a local server that is run elsewhere.
#[must_use]
pub fn hosted(provider: &str, id: &str) -> Failure {
    Failure::usage("not_free", format!("{id} does not run on this machine: {provider} hands it to its own service"))
        .why("that service has limits and prices, so nobody-pays would not be so")
        .fix("ollama list   # the models that are here")
}

fn quarantined(name: &str, why: &str) -> Failure {
    Failure::usage("quarantined", format!("{name} is out of use: {why}"))
        .why("a free model that costs is not free; a person may lift this")
        .fix("vk models pool")
        .fix(format!("vk models pool --lift {name}"))
}

/// What the provider's list says of a model.
pub(super) fn listed(facts: &Facts<'_>, provider: &str, id: &str) -> Option<Member> {
    let model = facts.free.lists.get(provider)?.models.iter().find(|model| model.id == id)?;
    Some(Member {
        provider: provider.to_owned(),
        id: id.to_owned(),
        context: model.context,
        max_output: model.max_output,
    })
}

/// The entries in use: those that were written, else every free model of the one provider.
#[must_use]
pub(super) fn entries(
    pool: Option<&Sourced<Pool>>,
    provider: &str,
    settings: &ProviderSettings,
) -> (Vec<PoolEntry>, Source) {
    let own = |entry: &&PoolEntry| entry.provider == provider;
    if let Some(pool) = pool {
        let written: Vec<PoolEntry> = pool.0.iter().filter(own).cloned().collect();
        if !written.is_empty() {
            return (written, pool.source.clone());
        }
    }
    let glob = if settings.has_free_models { "*:free" } else { "*" };
    (PoolEntry::parse(&format!("{provider}/{glob}")).into_iter().collect(), Source::BuiltIn)
}

/// The provider of the first member in the order of a written pool that can be asked now.
pub(super) fn provider_of_pool<'a>(facts: &Facts<'a>, pool: &Sourced<Pool>) -> Result<ChosenProvider<'a>, Failure> {
    let usable = usable(facts, pool)?;
    let chosen = |name: &str, reason: &str| {
        let (name, settings) = usable.iter().find(|(known, _)| *known == name)?;
        Some(provider::chosen(PayPath::Free, name, settings, pool.source.to_string(), reason.to_owned()))
    };
    let first = usable[0].0;
    if let Some(pinned) = super::model::pinned(facts) {
        // A model that is named is asked of whoever the pool has for it.
        let of_pool =
            pool.0.iter().find(|entry| chosen(&entry.provider, "").is_some() && entry.matches(&entry.provider, pinned));
        let name = of_pool.map_or(first, |entry| entry.provider.as_str());
        return chosen(name, "the pool has the model there").ok_or_else(|| provider::unknown(facts, name));
    }
    let entries: Vec<PoolEntry> =
        pool.0.iter().filter(|entry| usable.iter().any(|(name, _)| *name == entry.provider)).cloned().collect();
    let members = pool::members(&entries, &facts.free.lists);
    let name = match next(facts, &members) {
        Choice::Take(member) => member.provider.clone(),
        Choice::Nobody(absent) => return Err(nobody(facts, &absent, members.len())),
    };
    chosen(&name, "of the pool's first model that is ready").ok_or_else(|| provider::unknown(facts, &name))
}

/// The providers of a pool that there is something to ask with, in its order; never none.
fn usable<'a>(facts: &Facts<'a>, pool: &Sourced<Pool>) -> Result<Vec<(&'a str, &'a ProviderSettings)>, Failure> {
    let mut usable: Vec<(&str, &ProviderSettings)> = Vec::new();
    for entry in &pool.0 {
        let (name, settings) = provider::lookup(facts, &entry.provider)?;
        if !settings.serves(PayPath::Free) {
            return Err(provider::other_path(facts, PayPath::Free, name, settings.kind));
        }
        let known = usable.iter().any(|(known, _)| *known == name);
        if !known && provider::has_credential(facts, name, settings) {
            usable.push((name, settings));
        }
    }
    if usable.is_empty() {
        let first = pool.0.first().map_or(OPENROUTER, |entry| entry.provider.as_str());
        let verb = if first == OPENROUTER { "login" } else { "keys add" };
        return Err(Failure::new(
            Status::NoCredential,
            NO_KEY,
            format!("nothing of the pool ({}) has a key", pool.source),
        )
        .why(format!("it is {}", pool.value))
        .fix(format!("vk {verb} {first}")));
    }
    Ok(usable)
}

/// The providers that a task on the free path may be given to.
#[must_use]
pub fn free_providers(facts: &Facts<'_>) -> Vec<String> {
    let settings = facts.settings;
    match (&settings.provider, &settings.free.pool) {
        (Some(named), _) => vec![named.value.clone()],
        (None, Some(pool)) => usable(facts, pool).map(names).unwrap_or_default(),
        (None, None) => names(provider::candidates(facts, PayPath::Free)),
    }
}

fn names(providers: Vec<(&str, &ProviderSettings)>) -> Vec<String> {
    providers.into_iter().map(|(name, _)| name.to_owned()).collect()
}

/// Every member of the pool in use, in order.
#[must_use]
pub fn pool_of(facts: &Facts<'_>) -> Vec<Member> {
    let settings = facts.settings;
    let usable = free_providers(facts);
    let entries: Vec<PoolEntry> = match &settings.free.pool {
        Some(pool) if settings.provider.is_none() => {
            pool.0.iter().filter(|entry| usable.contains(&entry.provider)).cloned().collect()
        }
        pool => {
            let of = |name: &String| Some(entries(pool.as_ref(), name, settings.providers.get(name)?).0);
            usable.iter().filter_map(of).flatten().collect()
        }
    };
    pool::members(&entries, &facts.free.lists)
}

/// The first member of this provider's part of the pool that can be asked now, and where the pool was written.
pub(super) fn member(facts: &Facts<'_>, chosen: &ChosenProvider<'_>) -> Result<(Member, Source, usize), Failure> {
    let (entries, source) = entries(facts.settings.free.pool.as_ref(), chosen.name, &chosen.settings);
    let members = pool::members(&entries, &facts.free.lists);
    match next(facts, &members) {
        Choice::Take(member) => Ok((member.clone(), source, members.len())),
        Choice::Nobody(absent) => Err(nobody(facts, &absent, members.len())),
    }
}

fn next<'m>(facts: &Facts<'_>, members: &'m [Member]) -> Choice<'m> {
    pool::next(members, &facts.free.standings, &ask(facts, &closed(facts)))
}

/// What the decision asks of the pool.
#[must_use]
pub fn ask<'a>(facts: &Facts<'_>, closed: &'a BTreeMap<String, Timestamp>) -> Ask<'a> {
    let free = facts.free;
    Ask { needed: free.needed, allow_training: free.allow_training, closed, now: facts.now }
}

/// Until when the account is closed that each provider would be asked with.
#[must_use]
pub fn closed(facts: &Facts<'_>) -> BTreeMap<String, Timestamp> {
    let until = |name: &String, settings: &ProviderSettings| {
        let step = provider::chosen(PayPath::Free, name, settings, String::new(), String::new());
        let key = key::choose(facts, &step).ok();
        let account = pool::account(name, key.as_ref().and_then(|key| key.credential.fingerprint()));
        facts.free.standings.accounts.get(&account).copied()
    };
    let serving = facts.settings.providers.iter().filter(|(_, settings)| settings.serves(PayPath::Free));
    serving.filter_map(|(name, settings)| Some((name.clone(), until(name, settings)?))).collect()
}

/// Why nobody of the pool can be asked: what time mends first, then what a person can.
fn nobody(facts: &Facts<'_>, absent: &Absent<'_>, of: usize) -> Failure {
    if let Some((when, member)) = absent.first_back {
        let mut why = vec![format!("{} of {of} cool down after a limit or a failure", absent.cooling)];
        why.extend(left_out(absent));
        let what = format!("no free model is ready: {} is the first back, {}", member.id, back(when, facts.now));
        let failure = Failure::new(Status::ProviderFailed, POOL_EXHAUSTED, what)
            .why(why.join("; "))
            .fix(format!("vk run \"...\"   # {}", back(when, facts.now)))
            .fix("vk models pool");
        return if absent.needs_training > 0 { failure.fix(ALLOW) } else { failure };
    }
    if absent.needs_training > 0 {
        let what = "no free model is left that does not keep prompts or train on them";
        return Failure::new(Status::Untrusted, TRAINING_NOT_ALLOWED, what)
            .why(format!("{} of {of} would answer once you allow it for this project", absent.needs_training))
            .fix(ALLOW)
            .fix("vk models pool");
    }
    if absent.too_small > 0 {
        let needed = facts.free.needed;
        let what = format!("no free model has the {needed} tokens of context that this task needs");
        return Failure::usage("context_too_small", what)
            .why(format!("{} of {of} are too small", absent.too_small))
            .fix("vk models pool")
            .fix("vk run \"...\"   # in a new conversation");
    }
    if let Some(member) = absent.quarantined.first() {
        return quarantined(
            &pool::name(&member.provider, &member.id),
            "it reported a cost, as did every other of the pool",
        );
    }
    let of = free_providers(facts).join(" and ");
    Failure::usage("model_not_named", format!("no free model of {of} is known here"))
        .why("its list was not read, or has none that takes tools; --model takes an exact id")
        .fix("vk models refresh")
        .fix("vk models pool")
}

/// The command that allows training for the project it is typed in.
const ALLOW: &str = "vk models pool --allow-training";

fn left_out(absent: &Absent<'_>) -> Vec<String> {
    let part = |count: usize, words: &str| (count > 0).then(|| format!("{count} {words}"));
    [
        part(absent.needs_training, "left out because prompts would be trained on"),
        part(absent.quarantined.len(), "out of use for a reported cost"),
        part(absent.too_small, "left out for too small a context"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// `at 16:04 UTC, in 5 min`: rounded up, so that nobody comes too early.
#[must_use]
pub fn back(when: Timestamp, now: Timestamp) -> String {
    let seconds = when.duration_since(now).as_secs().max(0);
    let minutes = seconds / 60 + i64::from(seconds % 60 > 0 || seconds == 0);
    let long = if minutes < 120 { format!("{minutes} min") } else { format!("{} h", (minutes + 59) / 60) };
    format!("at {}, in {long}", clock::to_the_minute(when, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_said_to_the_minute_and_never_too_early() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-11-24T15:59:30Z");
        assert_eq!(back(at("2026-11-24T16:03:31Z"), now), "at 16:04 UTC, in 5 min");
        assert_eq!(back(at("2026-11-25T00:00:00Z"), now), "at 2026-11-25 00:00 UTC, in 9 h");
        assert_eq!(back(at("2026-11-24T15:59:31Z"), now), "at 16:00 UTC, in 1 min");
    }
}
