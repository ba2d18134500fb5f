//! Which member of the free pool runs next: a pure function of the pool's order and of how each member stands now.
//! It never leads out of the pool, to a member that is out of use, or to one that may not be used in this project.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::catalog::free::FreeLists;
use crate::config::PoolEntry;

/// A model under which nobody pays, at one provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub provider: String,
    pub id: String,
    /// Tokens of context in force; `None` where nobody said.
    pub context: Option<u64>,
    pub max_output: Option<u32>,
}

/// What earlier calls have shown of one member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Not asked again before.
    pub cool_until: Option<Timestamp>,
    /// Why it is out of use until a person lifts it: it reported a cost.
    pub quarantine: Option<String>,
    /// Whether no upstream that leaves prompts alone serves it.
    pub may_train: bool,
}

/// How everything stands that was ever asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standings {
    /// By `provider/id`.
    pub members: BTreeMap<String, Standing>,
    /// Until when a whole account is closed, by [`account`].
    pub accounts: BTreeMap<String, Timestamp>,
}

/// How a member is called in files, commands and tables.
#[must_use]
pub fn name(provider: &str, id: &str) -> String {
    format!("{provider}/{id}")
}

/// A provider and the key it is asked with: limits on speed are those of the account.
#[must_use]
pub fn account(provider: &str, fingerprint: Option<&str>) -> String {
    fingerprint.map_or_else(|| provider.to_owned(), |fingerprint| format!("{provider} {fingerprint}"))
}

/// The members that the entries choose, in their order, each once.
#[must_use]
pub fn members(entries: &[PoolEntry], lists: &FreeLists) -> Vec<Member> {
    let mut members: Vec<Member> = Vec::new();
    for entry in entries {
        let listed = lists.get(&entry.provider).map(|list| list.models.as_slice()).unwrap_or_default();
        let found = listed.iter().filter(|model| entry.matches(&entry.provider, &model.id)).map(|model| Member {
            provider: entry.provider.clone(),
            id: model.id.clone(),
            context: model.context,
            max_output: model.max_output,
        });
        let mut found: Vec<Member> = found.collect();
        if let Some(id) = entry.exact().filter(|_| found.is_empty()) {
            let (provider, id) = (entry.provider.clone(), id.to_owned());
            found.push(Member { provider, id, context: None, max_output: None });
        }
        for member in found {
            if !members.iter().any(|known| known.provider == member.provider && known.id == member.id) {
                members.push(member);
            }
        }
    }
    members
}

/// What is asked of the pool.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// Tokens of context that the task needs at least.
    pub needed: u64,
    /// Whether members that train on prompts may be used in this project.
    pub allow_training: bool,
    /// The providers whose account is closed, and until when.
    pub closed: &'a BTreeMap<String, Timestamp>,
    pub now: Timestamp,
}

/// Whether a member can be asked, and why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Ready,
    Cooling { until: Timestamp },
    Quarantined { why: String },
    NeedsTraining,
    TooSmall { context: u64 },
}

/// How a member stands. What time alone mends comes last: a member that cools down and is quarantined is quarantined.
#[must_use]
pub fn state(member: &Member, standings: &Standings, ask: &Ask<'_>) -> State {
    let standing = standings.members.get(&name(&member.provider, &member.id));
    if let Some(why) = standing.and_then(|standing| standing.quarantine.clone()) {
        return State::Quarantined { why };
    }
    if !ask.allow_training && standing.is_some_and(|standing| standing.may_train) {
        return State::NeedsTraining;
    }
    if let Some(context) = member.context.filter(|context| *context < ask.needed) {
        return State::TooSmall { context };
    }
    let own = standing.and_then(|standing| standing.cool_until);
    let until = own.max(ask.closed.get(&member.provider).copied());
    match until.filter(|until| *until > ask.now) {
        Some(until) => State::Cooling { until },
        None => State::Ready,
    }
}

/// The member that is asked next, or why none is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice<'m> {
    Take(&'m Member),
    Nobody(Absent<'m>),
}

/// A pool of which nobody can be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Absent<'m> {
    /// Who can be asked again first, and when.
    pub first_back: Option<(Timestamp, &'m Member)>,
    pub cooling: usize,
    pub quarantined: Vec<&'m Member>,
    pub needs_training: usize,
    pub too_small: usize,
}

/// The first member in order that is ready.
#[must_use]
pub fn next<'m>(members: &'m [Member], standings: &Standings, ask: &Ask<'_>) -> Choice<'m> {
    let mut absent = Absent::default();
    for member in members {
        match state(member, standings, ask) {
            State::Ready => return Choice::Take(member),
            State::Cooling { until } => {
                absent.cooling += 1;
                if absent.first_back.is_none_or(|(first, _)| until < first) {
                    absent.first_back = Some((until, member));
                }
            }
            State::Quarantined { .. } => absent.quarantined.push(member),
            State::NeedsTraining => absent.needs_training += 1,
            State::TooSmall { .. } => absent.too_small += 1,
        }
    }
    Choice::Nobody(absent)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::catalog::free::{FreeList, FreeModel};

    fn at(minutes: i64) -> Timestamp {
        "2026-11-24T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
    }

    fn member(n: usize, context: Option<u64>) -> Member {
        Member {
            provider: if n.is_multiple_of(2) { "openrouter" } else { "ollama" }.to_owned(),
            id: format!("m{n}"),
            context,
            max_output: None,
        }
    }

    fn any_pool() -> impl Strategy<Value = (Vec<Member>, Standings)> {
        let one = (
            prop::option::of(0_u64..200_000),
            prop::option::of(-30_i64..30),
            prop::bool::weighted(0.2),
            prop::bool::weighted(0.3),
        );
        (prop::collection::vec(one, 0..8), prop::option::of(-30_i64..30)).prop_map(|(rows, account)| {
            let mut standings = Standings::default();
            let mut members = Vec::new();
            for (n, (context, cool, quarantined, may_train)) in rows.into_iter().enumerate() {
                let member = member(n, context);
                let standing = Standing {
                    cool_until: cool.map(at),
                    quarantine: quarantined.then(|| "reported $0.01".to_owned()),
                    may_train,
                };
                standings.members.insert(name(&member.provider, &member.id), standing);
                members.push(member);
            }
            standings.accounts.extend(account.map(|minutes| ("openrouter".to_owned(), at(minutes))));
            (members, standings)
        })
    }

    proptest! {
        /// Whoever is taken may be asked now, and nobody before it in the order may.
        #[test]
        fn the_first_that_may_be_asked_is_taken((members, standings) in any_pool(), needed in 0_u64..150_000, allow: bool) {
            let ask = Ask { needed, allow_training: allow, closed: &standings.accounts, now: at(0) };
            let ready = |member: &Member| {
                let standing = &standings.members[&name(&member.provider, &member.id)];
                let cool = standing.cool_until.is_some_and(|until| until > at(0));
                let closed = standings.accounts.get(&member.provider).is_some_and(|until| *until > at(0));
                standing.quarantine.is_none() && !cool && !closed && (allow || !standing.may_train)
                    && member.context.is_none_or(|context| context >= needed)
            };
            match next(&members, &standings, &ask) {
                Choice::Take(taken) => prop_assert_eq!(Some(taken), members.iter().find(|member| ready(member))),
                Choice::Nobody(absent) => {
                    prop_assert!(!members.iter().any(ready));
                    let sum = absent.cooling + absent.quarantined.len() + absent.needs_training + absent.too_small;
                    prop_assert_eq!(sum, members.len());
                    prop_assert_eq!(absent.first_back.is_some(), absent.cooling > 0);
                }
            }
        }

        /// When the first is said to be back, somebody can be asked, and nobody a moment before.
        #[test]
        fn the_first_back_is_back_when_it_was_said((members, standings) in any_pool(), needed in 0_u64..150_000) {
            let ask = |now| Ask { needed, allow_training: false, closed: &standings.accounts, now };
            if let Choice::Nobody(Absent { first_back: Some((when, who)), .. }) = next(&members, &standings, &ask(at(0))) {
                prop_assert!(when > at(0));
                let then = next(&members, &standings, &ask(when));
                prop_assert!(matches!(then, Choice::Take(_)));
                prop_assert_eq!(state(who, &standings, &ask(when)), State::Ready);
                let before = when - SignedDuration::from_nanos(1);
                prop_assert!(matches!(next(&members, &standings, &ask(before)), Choice::Nobody(_)));
            }
        }

        /// Neither time nor a permission takes a member away, and nothing but a person lifts a quarantine.
        #[test]
        fn waiting_and_allowing_only_add((members, standings) in any_pool(), later in 0_i64..100) {
            let closed = BTreeMap::new();
            let ask = |now, allow_training| Ask { needed: 0, allow_training, closed: &closed, now };
            for member in &members {
                let now = state(member, &standings, &ask(at(0), false));
                let then = state(member, &standings, &ask(at(later), true));
                prop_assert!(now != State::Ready || then == State::Ready);
                prop_assert_eq!(matches!(now, State::Quarantined { .. }), matches!(then, State::Quarantined { .. }));
            }
        }
    }

    #[test]
    fn a_pool_is_its_globs_in_order_and_each_member_once() {
        let list = |ids: &[&str]| FreeList {
            base_url: None,
            read_at: at(0),
            models: ids
                .iter()
                .map(|id| FreeModel { id: (*id).to_owned(), context: Some(1), max_output: None })
                .collect(),
        };
        let lists = FreeLists::from([
            ("openrouter".to_owned(), list(&["a/x:free", "a/y:free", "openrouter/free"])),
            ("ollama".to_owned(), list(&["qwen3:8b"])),
        ]);
        let pool = |texts: &[&str]| {
            let entries: Vec<PoolEntry> = texts.iter().map(|text| PoolEntry::parse(text).unwrap()).collect();
            members(&entries, &lists).into_iter().map(|m| name(&m.provider, &m.id)).collect::<Vec<_>>()
        };
        assert_eq!(
            pool(&["openrouter/a/y:free", "openrouter/*:free", "ollama/*"]),
            ["openrouter/a/y:free", "openrouter/a/x:free", "ollama/qwen3:8b"]
        );
        // What is named whole is a member also where the list does not have it.
        assert_eq!(pool(&["openrouter/b/new:free", "vllm/*"]), ["openrouter/b/new:free"]);
    }
}
