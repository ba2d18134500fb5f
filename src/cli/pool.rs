//! `vk models pool`: the free models in the order they are tried and how each stands; and a person's word on them: who
//! may be used again, and whether prompts may be trained on in this project.

use super::args::{ListOutput, PoolArgs};
use super::context::Context;
use crate::base::clock;
use crate::config::provider::OPENROUTER;
use crate::config::{Flags, Source, Sourced};
use crate::domain::failure::{Failure, Status};
use crate::domain::path::PayPath;
use crate::present::pool::{self as shown, Row, Shown};
use crate::present::{self, table};
use crate::routing::pool::{self, State};
use crate::routing::{self, Facts};
use crate::task::free::record::Record;
use crate::task::free::{consent, facts_of, left};
use crate::task::prepare::Known;

/// # Errors
/// A configuration that is wrong, a record that cannot be read or written, a member that is not out of use.
pub(super) fn run(args: &PoolArgs, context: &Context) -> Result<(), Failure> {
    let mut known = Known::read(&context.env, &Flags::default(), &context.ui)?;
    // The pool is that of the free path, whichever the project is on now.
    let settings = &mut known.loaded.settings;
    if settings.path.as_deref() != Some(&PayPath::Free) {
        settings.path = Some(Sourced::new(PayPath::Free, Source::Flag("vk models pool")));
        let serves =
            |name: &String| settings.providers.get(name).is_some_and(|provider| provider.serves(PayPath::Free));
        settings.provider = settings.provider.take().filter(|provider| serves(&provider.value));
    }
    if let Some(name) = &args.lift {
        return lift(name, &known, context);
    }
    if args.allow_training || args.deny_training {
        return answer(args.allow_training, &known, context);
    }
    let has_nobody = known.with_facts(&known.loaded.settings, None, |facts| routing::free_providers(facts).is_empty());
    if has_nobody {
        // The list is there to be read before there is a key.
        let named = Sourced::new(OPENROUTER.to_owned(), Source::Flag("vk models pool"));
        known.loaded.settings.provider = Some(named);
        context.ui.say("no key of openrouter is stored: vk login openrouter");
    }
    let record = Record::read(&known.loaded.dirs.data)?;
    known.free = facts_of(&known.loaded, &record);
    let rows = known.with_facts(&known.loaded.settings, None, |facts| rows(facts, &record));
    let providers = known.with_facts(&known.loaded.settings, None, routing::free_providers);
    let mut notes = Vec::new();
    for provider in providers {
        let key = known.keys.iter().find(|key| key.provider == provider);
        if let Some(left) = left::today(&known, &provider, key.map(|key| key.fingerprint.as_str()))? {
            notes.push(format!("{provider}: {left}"));
        }
        if let Some(list) = known.free.lists.get(&provider) {
            let from = if list.base_url.is_some() { "read" } else { "bundled, of" };
            notes.push(format!("{provider}: list {from} {}", list.read_at.strftime("%Y-%m-%d %H:%M UTC")));
        }
    }
    let shown = Shown { rows: &rows, may_train: known.free.allow_training, notes: &notes };
    present::stdout(&match args.output {
        ListOutput::Json => shown::json(&shown),
        ListOutput::Table => shown::table(&shown, table::width(&context.env)),
    })
}

fn rows(facts: &Facts<'_>, record: &Record) -> Vec<Row> {
    let closed = routing::closed(facts);
    // What a task needs is not known here: a small context is shown, and refused when there is a task.
    let ask = routing::ask_of_pool(facts, &closed);
    let members = routing::pool_of(facts);
    let row = |member: &pool::Member| {
        let name = pool::name(&member.provider, &member.id);
        let state = pool::state(member, &facts.free.standings, &ask);
        let detail = match &state {
            State::Ready => String::new(),
            State::Cooling { until } => {
                let why = record.cool_why(&name).unwrap_or("limit of the account").replace('_', " ");
                format!("{why}; back {}", routing::back(*until, facts.now))
            }
            State::Quarantined { why } => why.clone(),
            State::NeedsTraining => "only where prompts may be trained on".to_owned(),
            State::TooSmall { .. } => "too small a context for a task".to_owned(),
        };
        let until = if let State::Cooling { until } = &state { Some(*until) } else { None };
        let word = match state {
            State::Ready => "ready",
            State::Cooling { .. } => "cooling",
            State::Quarantined { .. } => "quarantined",
            State::NeedsTraining => "needs_training",
            State::TooSmall { .. } => "too_small",
        };
        Row {
            provider: member.provider.clone(),
            id: member.id.clone(),
            context: member.context,
            state: word,
            detail,
            until,
        }
    };
    let mut rows: Vec<Row> = members.iter().map(row).collect();
    // What is out of use is shown also where no list has it any more.
    for (name, _, why) in record.quarantined() {
        let Some((provider, id)) = name.split_once('/') else { continue };
        if !rows.iter().any(|row| row.provider == provider && row.id == id) {
            let (provider, id, detail) = (provider.to_owned(), id.to_owned(), why.to_owned());
            rows.push(Row { provider, id, context: None, state: "quarantined", detail, until: None });
        }
    }
    rows
}

fn lift(name: &str, known: &Known, context: &Context) -> Result<(), Failure> {
    let data = &known.loaded.dirs.data;
    let mut lifted = false;
    let record = Record::change(data, clock::now(), |record| lifted = record.lift(name))?;
    if lifted {
        context.ui.say(&format!("{name} may be used again; it goes out of use as soon as it reports a cost"));
        return Ok(());
    }
    let out: Vec<&str> = record.quarantined().map(|(name, ..)| name).collect();
    let failure = Failure::new(Status::Usage, "not_quarantined", format!("{name} is not out of use"));
    Err(match out[..] {
        [] => failure.why("no free model has reported a cost").fix("vk models pool"),
        _ => out.iter().fold(failure, |failure, name| failure.fix(format!("vk models pool --lift {name}"))),
    })
}

fn answer(allowed: bool, known: &Known, context: &Context) -> Result<(), Failure> {
    let (would_add, of) = consent::numbers(known, &known.free, None);
    consent::answered(&known.loaded, allowed)?;
    let project = &known.loaded.project.name;
    context.ui.say(&if allowed {
        format!(
            "in {project}, free models may be used that keep prompts or train on them: {would_add} of {of} known now"
        )
    } else {
        format!("in {project}, no free model is used that keeps prompts or trains on them")
    });
    Ok(())
}
