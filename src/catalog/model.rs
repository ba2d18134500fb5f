//! A model as a row of the catalog: its limits, what it accepts, its prices over time.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Price, day};
use crate::domain::request::ModelTraits;

/// A rough size of model, for those who do not want to name one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    Fast,
    Balanced,
    Best,
}

impl Tier {
    pub const ALL: [Self; 3] = [Self::Fast, Self::Balanced, Self::Best];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Balanced => "balanced",
            Self::Best => "best",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.as_str() == text)
    }
}

/// Who sells a set of models under their own ids: `anthropic`, `openai`, or a preset provider.
#[derive(Clone, Debug)]
pub struct Vendor {
    pub id: String,
    /// As people write it: `Anthropic`.
    pub name: String,
    /// How every id of this vendor begins; empty where ids follow no pattern.
    pub id_prefixes: Vec<String>,
    /// `sonnet` is the family `sonnet`.
    pub aliases: Vec<(String, String)>,
    /// The family that stands for each tier.
    pub tiers: Vec<(Tier, String)>,
    pub models: Vec<Model>,
}

impl Vendor {
    /// The row with exactly this id, or the row that `id` is a dated snapshot of (`gpt-5.4-2026-03-05`).
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Model> {
        let row = |id: &str| self.models.iter().find(|model| model.id == id);
        row(id).or_else(|| row(without_date(id)?))
    }

    /// Whether `id` looks like one of this vendor's ids, known here or not. Any id does where they follow no pattern.
    #[must_use]
    pub fn could_have(&self, id: &str) -> bool {
        self.id_prefixes.is_empty() || self.id_prefixes.iter().any(|prefix| id.starts_with(prefix.as_str()))
    }

    /// The newest row of `family` that is neither retired nor limited at `at`: files list the newest first.
    #[must_use]
    pub fn newest(&self, family: &str, at: Timestamp) -> Option<&Model> {
        self.models.iter().find(|model| {
            model.family == family && !model.limited && !model.is_retired(at) && model.snapshot_of.is_none()
        })
    }

    /// The tier that `family` stands for.
    #[must_use]
    pub fn tier_of(&self, family: &str) -> Option<Tier> {
        self.tiers.iter().find(|(_, name)| name == family).map(|(tier, _)| *tier)
    }
}

/// One id that can be sent.
#[derive(Clone, Debug)]
pub struct Model {
    pub id: String,
    /// The vendor's id in this catalog.
    pub vendor: String,
    pub family: String,
    /// The undated id that this dated one is a snapshot of.
    pub snapshot_of: Option<String>,
    /// Tokens that fit in a request and its answer together.
    pub context: u64,
    /// Tokens that fit in a request, where that is less than `context`.
    pub max_input: Option<u64>,
    pub max_output: u32,
    pub released: Option<Date>,
    /// The day from which the vendor's own API refuses it. Gateways and other clouds may go on.
    pub retired: Option<Date>,
    /// Not open to everybody: never chosen by an alias.
    pub limited: bool,
    /// Oldest first.
    pub prices: Vec<Price>,
    pub traits: ModelTraits,
}

impl Model {
    /// The price in force at `at`; before the first known row, the first one.
    #[must_use]
    pub fn price(&self, at: Timestamp) -> Option<&Price> {
        let today = day(at);
        let in_force = |price: &&Price| price.from.is_none_or(|from| from <= today);
        self.prices.iter().rev().find(in_force).or_else(|| self.prices.first())
    }

    #[must_use]
    pub fn is_retired(&self, at: Timestamp) -> bool {
        self.retired.is_some_and(|retired| retired <= day(at))
    }

    /// What a person should know before choosing it: that it is retired, or soon will be.
    #[must_use]
    pub fn warning(&self, at: Timestamp) -> Option<String> {
        let retired = self.retired?;
        let days_left = day(at).until(retired).map_or(0, |span| span.get_days());
        match days_left {
            ..=0 => Some(format!("{} was retired on {retired}; its vendor may refuse it", self.id)),
            1..=60 => Some(format!("{} retires on {retired}", self.id)),
            _ => None,
        }
    }
}

/// `claude-sonnet-4-5-20250929` and `gpt-5.4-2026-03-05` without their dates.
fn without_date(id: &str) -> Option<&str> {
    let digits = |s: &str, n: usize| s.len() == n && s.bytes().all(|b| b.is_ascii_digit());
    let (base, last) = id.rsplit_once('-')?;
    if digits(last, 8) {
        return Some(base);
    }
    let (base, month) = base.rsplit_once('-')?;
    let (base, year) = base.rsplit_once('-')?;
    (digits(last, 2) && digits(month, 2) && digits(year, 4)).then_some(base)
}
