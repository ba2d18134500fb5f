//! Lists of models under which nobody pays: the bundled one, those that were read from a gateway or a server of this
//! machine, and the file that keeps them. Which model of them a task uses is not decided here (`routing/`).

mod openrouter;
mod store;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use openrouter::{ListError, fetch, read};
pub use store::{StoreError, load, save};

/// A list older than this is read anew when a task on the free path starts.
const FRESH_FOR: SignedDuration = SignedDuration::from_hours(24);

/// One model, as its list describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreeModel {
    pub id: String,
    /// Tokens of context in force; `None` where nobody said.
    pub context: Option<u64>,
    pub max_output: Option<u32>,
}

/// The free models of one provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreeList {
    /// The address it was read from; `None` is the bundled list.
    pub base_url: Option<String>,
    /// When it was read, or the day the bundled one is of.
    pub read_at: Timestamp,
    pub models: Vec<FreeModel>,
}

impl FreeList {
    /// Whether it was read from this address within a day. A moment of the future is no age.
    #[must_use]
    pub fn is_fresh(&self, base_url: &str, now: Timestamp) -> bool {
        let age = now.duration_since(self.read_at);
        self.base_url.as_deref() == Some(base_url) && !age.is_negative() && age < FRESH_FOR
    }
}

/// The lists by the provider's name.
pub type FreeLists = BTreeMap<String, FreeList>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bundled {
    provider: String,
    #[expect(dead_code, reason = "where the rows are from stands in the data")]
    source: String,
    as_of: String,
    model: Vec<BundledModel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BundledModel {
    id: String,
    context: Option<u64>,
}

/// The list this version was built with, and whose it is. A broken one is empty; a test keeps that from being released.
#[must_use]
pub fn bundled() -> (String, FreeList) {
    let nothing = || FreeList { base_url: None, read_at: Timestamp::UNIX_EPOCH, models: Vec::new() };
    let Ok(bundled) = toml::from_str::<Bundled>(include_str!("../data/free.toml")) else {
        return (String::new(), nothing());
    };
    let model = |model: BundledModel| FreeModel { id: model.id, context: model.context, max_output: None };
    let list = FreeList {
        base_url: None,
        read_at: format!("{}T00:00:00Z", bundled.as_of).parse().unwrap_or(Timestamp::UNIX_EPOCH),
        models: bundled.model.into_iter().map(model).collect(),
    };
    (bundled.provider, list)
}

/// The order in which a list's models are tried: those of the bundled list first, then the larger context, then as
/// the provider lists them.
fn best_first(models: &mut [FreeModel]) {
    let (_, known) = bundled();
    let place = |id: &str| known.models.iter().position(|model| model.id == id).unwrap_or(usize::MAX);
    models.sort_by_key(|model| (place(&model.id), std::cmp::Reverse(model.context)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_list_has_a_date_and_only_free_ids() {
        let (provider, list) = bundled();
        assert_eq!((provider.as_str(), list.read_at.to_string().as_str()), ("openrouter", "2026-08-20T00:00:00Z"));
        assert!(list.models.len() >= 5 && list.models.iter().all(|model| model.id.ends_with(":free")));
    }

    #[test]
    fn a_list_is_fresh_for_a_day_at_its_own_address() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let read_at = at("2026-11-24T10:00:00Z");
        let list = FreeList { base_url: Some("https://a/v1".into()), read_at, models: Vec::new() };
        assert!(list.is_fresh("https://a/v1", at("2026-11-25T09:59:59Z")));
        assert!(!list.is_fresh("https://a/v1", at("2026-11-25T10:00:00Z")));
        assert!(!list.is_fresh("https://b/v1", read_at));
        assert!(!list.is_fresh("https://a/v1", at("2026-11-24T09:59:59Z")));
    }
}
