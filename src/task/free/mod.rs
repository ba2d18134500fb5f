//! The free path around the decision: the lists it is made from, what earlier calls showed of each member, the answer
//! about training, and who takes over when a member cannot go on.

pub mod consent;
pub mod discover;
pub mod left;
pub mod record;
pub mod rotation;
pub mod server;

use crate::base::secret::hex;
use crate::catalog::free::{self, FreeLists};
use crate::config::{Loaded, Settings};
use crate::domain::failure::Failure;
use crate::routing::FreeFacts;
use record::Record;

/// What the decision is made from: the lists as they were last read, the bundled one where none was.
///
/// # Errors
/// A record of vk's own that cannot be read: what is out of use would not be known.
pub fn facts(loaded: &Loaded) -> Result<FreeFacts, Failure> {
    let record = Record::read(&loaded.dirs.data)?;
    Ok(facts_of(loaded, &record))
}

/// The same from a record at hand.
#[must_use]
pub fn facts_of(loaded: &Loaded, record: &Record) -> FreeFacts {
    let settings = &loaded.settings;
    let allowed = record.allows_training(&project(loaded)).unwrap_or(settings.free.allow_training.value);
    FreeFacts {
        lists: lists(settings, free::load(&loaded.dirs.data)),
        standings: record.standings(),
        allow_training: allowed,
        ..FreeFacts::default()
    }
}

/// The lists of the providers' present addresses.
fn lists(settings: &Settings, mut stored: FreeLists) -> FreeLists {
    let is_there = |name: &str, address: Option<&str>| {
        settings.providers.get(name).is_some_and(|provider| address == Some(provider.base_url.as_str()))
    };
    stored.retain(|name, list| is_there(name, list.base_url.as_deref()));
    let (name, bundled) = free::bundled();
    stored.entry(name).or_insert(bundled);
    stored
}

/// A project as a key that no other has.
#[must_use]
pub fn project(loaded: &Loaded) -> String {
    let root = loaded.project.home();
    root.to_str().map_or_else(|| format!("hex:{}", hex(root.as_os_str().as_encoded_bytes())), str::to_owned)
}
