//! Whether models that train on prompts or publish them may be used in this project: asked once, with how many that
//! would add, default No, and remembered beside the ledger. A project's file has no say in it.

use std::collections::BTreeMap;

use super::record::Record;
use super::{facts_of, project};
use crate::base::clock;
use crate::catalog::Price;
use crate::config::Loaded;
use crate::domain::failure::Failure;
use crate::domain::route::Route;
use crate::domain::ui::{Question, Ui};
use crate::routing::pool::{self, Ask, State};
use crate::routing::{self, FreeFacts, TRAINING_NOT_ALLOWED};
use crate::task::prepare::Known;

/// The members that only an upstream serves which keeps prompts or trains on them, and how many there are in all.
#[must_use]
pub fn numbers(known: &Known, free: &FreeFacts, task: Option<&str>) -> (usize, usize) {
    let open = BTreeMap::new();
    known.with_free(free, task, |facts| {
        let members = routing::pool_of(facts);
        let ask = Ask { allow_training: false, closed: &open, ..routing::ask_of_pool(facts, &open) };
        let waiting =
            members.iter().filter(|member| pool::state(member, &free.standings, &ask) == State::NeedsTraining);
        (waiting.count(), members.len())
    })
}

/// Asks, where the project has not been asked before and somebody is there; what then holds.
///
/// # Errors
/// The answer cannot be kept.
pub fn asked(loaded: &Loaded, (would_add, of): (usize, usize), ui: &dyn Ui) -> Result<Option<FreeFacts>, Failure> {
    let record = Record::read(&loaded.dirs.data)?;
    if would_add == 0 || record.allows_training(&project(loaded)).is_some() || !ui.interactive() {
        return Ok(None);
    }
    let members = if would_add == 1 { "1 member".to_owned() } else { format!("{would_add} members") };
    let detail = format!(
        "{members} of {of} of the free pool answer only where prompts may be kept or trained on.\n\
         They would see your task, this repository's notes and every file that the model reads."
    );
    let question = Question::yes_no("Use them in this project too, from now on?").detail(detail);
    let Some(answer) = ui.ask(&question) else { return Ok(None) };
    let record = answered(loaded, answer == 'y')?;
    Ok((answer == 'y').then(|| facts_of(loaded, &record)))
}

/// Keeps the answer for this project.
///
/// # Errors
/// The record cannot be read or written.
pub fn answered(loaded: &Loaded, allowed: bool) -> Result<Record, Failure> {
    let now = clock::now();
    Record::change(&loaded.dirs.data, now, |record| record.answer_training(&project(loaded), allowed, now))
}

/// The route of a task, asked about training where nothing else is left.
///
/// # Errors
/// See [`routing::decide`].
pub fn decided(known: &mut Known, task: &str, ui: &dyn Ui) -> Result<(Route, Option<Price>), Failure> {
    match known.decide(Some(task)) {
        Err(failure) if failure.code == TRAINING_NOT_ALLOWED => {
            let numbers = numbers(known, &known.free, Some(task));
            let Some(free) = asked(&known.loaded, numbers, ui)? else { return Err(failure) };
            known.free = free;
            known.decide(Some(task))
        }
        other => other,
    }
}
