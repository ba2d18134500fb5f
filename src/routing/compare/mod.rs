//! The same use on every path: what it would cost with one's own keys, on each plan, through each gateway and for
//! free, where those cross, and what follows from that. Pure: from recorded or stated tokens to figures.

mod advice;
mod line;
mod meter;
mod paths;
mod sellers;
mod stated;

pub use advice::{cents, dollars, dollars_with};
pub use line::{BreakEven, Line, MONTH_SECONDS, Pace, break_even};
pub use meter::{Call, Metered, ModelUse, Peaks, Unpriced, date, locate};
pub use paths::{Holds, PathCost};
pub use sellers::{Seller, sellers};
pub use stated::{ParseStatedError, Stated, TaskTokens};

use jiff::Timestamp;
use jiff::civil::Date;

use crate::base::money::Usd;
use crate::catalog::plan::{Offers, Plan};
use crate::catalog::{Catalog, Tier};
use crate::config::Settings;
use crate::domain::failure::Failure;
use meter::Meter;

/// Where the use came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The ledger, from one moment to another.
    History { since: Timestamp, until: Timestamp },
    /// What the user said.
    Stated(Stated),
    /// Nobody has a history and nothing was said: an example.
    Example(Stated),
}

/// A figure and where it was read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Priced {
    /// `Claude Pro`, `claude-sonnet-5-5`.
    pub what: String,
    pub source: String,
    pub as_of: Date,
}

/// Two paths and where they cross.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// Positions in [`Comparison::paths`].
    pub first: usize,
    pub second: usize,
    pub at: BreakEven,
}

/// The answer of `vk compare`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// One plain sentence.
    pub advice: String,
    pub origin: Origin,
    pub pace: Pace,
    pub used: Metered,
    /// Own keys first, then plans, gateways, free.
    pub paths: Vec<PathCost>,
    /// Plans that serve none of these models.
    pub elsewhere: Vec<(String, Usd)>,
    /// Every pair of paths that cost anything.
    pub crossings: Vec<Crossing>,
    pub assumptions: Vec<String>,
    /// Of every figure above.
    pub prices: Vec<Priced>,
}

/// What everything is compared with: the data and the user's own set-up.
#[derive(Clone, Copy, Debug)]
pub struct Market<'a> {
    pub settings: &'a Settings,
    pub catalog: &'a Catalog,
    pub offers: &'a Offers,
    pub now: Timestamp,
}

impl Market<'_> {
    /// Prices recorded calls, which `feed` hands over in the order they were sent.
    ///
    /// # Errors
    /// Those of `feed`.
    pub fn history<E>(
        &self,
        since: Timestamp,
        until: Timestamp,
        feed: impl FnOnce(&mut dyn FnMut(&Call<'_>)) -> Result<(), E>,
    ) -> Result<Comparison, E> {
        let sellers = sellers(self.settings, self.offers);
        let mut meter = Meter::new(self.settings, self.catalog, &self.offers.plans, &sellers, self.now);
        feed(&mut |call| meter.add(call))?;
        let used = meter.finish();
        let pace = Pace { tasks: used.tasks, seconds: until.duration_since(since).as_secs().max(1) };
        Ok(self.conclude(Origin::History { since, until }, pace, used, &sellers))
    }

    /// The catalog's vendor and id of a model by any of its names (`sonnet`, `openai/gpt`, an exact id); without
    /// one, the model of the configuration, else the balanced one of the configured provider or of Anthropic.
    ///
    /// # Errors
    /// Exit 2: no vendor has such a model, or its price is not known.
    pub fn resolve(&self, name: Option<&str>) -> Result<(String, String), Failure> {
        let configured = self.settings.model.as_ref().map(|model| model.value.as_str());
        let name = name.or(configured).unwrap_or(Tier::Balanced.as_str());
        let (only, name) = match name.split_once('/') {
            Some((vendor, rest)) if self.catalog.vendor(vendor).is_some() => (Some(vendor), rest),
            _ => (None, name),
        };
        let preferred = self.settings.provider.as_ref().map(|provider| provider.value.as_str());
        let rest = self.catalog.vendors().map(|vendor| vendor.id.as_str());
        let order = preferred.into_iter().chain(["anthropic", "openai"]).chain(rest);
        let found = order
            .filter(|vendor| only.is_none_or(|only| only == *vendor))
            .find_map(|vendor| Some((vendor, self.catalog.vendor(vendor)?.resolve(name, self.now)?)));
        let Some((vendor, resolved)) = found else {
            let near = self.catalog.resolve(only.unwrap_or("anthropic"), name, self.now).err();
            let failure = Failure::usage("unknown_model", format!("no model is called \"{name}\""));
            let suggestions = near.map(|unknown| unknown.suggestions).unwrap_or_default();
            let failure = suggestions.iter().fold(failure, |failure, name| failure.fix(format!("--model {name}")));
            return Err(failure.fix("vk models list"));
        };
        if resolved.model.price(self.now).is_none() {
            return Err(Failure::usage("unpriced_model", format!("the price of {} is not known", resolved.id))
                .fix("vk models refresh"));
        }
        Ok((vendor.to_owned(), resolved.model.id.clone()))
    }

    /// Prices a workload that was only stated; `None` where the catalog has no price of its model.
    #[must_use]
    pub fn stated(&self, stated: Stated, example: bool) -> Option<Comparison> {
        let sellers = sellers(self.settings, self.offers);
        let used = stated.metered(self, &sellers)?;
        let pace = stated.pace();
        let origin = if example { Origin::Example(stated) } else { Origin::Stated(stated) };
        Some(self.conclude(origin, pace, used, &sellers))
    }

    fn conclude(&self, origin: Origin, pace: Pace, used: Metered, sellers: &[Seller]) -> Comparison {
        let serves = |plan: &Plan| used.models.iter().any(|one| plan.serves_id(&one.vendor, &one.id));
        let plans: Vec<&Plan> = self.offers.plans.iter().filter(|plan| serves(plan)).collect();
        let paths = paths::all(self.offers, &plans, &used, &pace, sellers);
        let elsewhere = self.offers.plans.iter().filter(|plan| !serves(plan));
        let mut crossings = Vec::new();
        for (first, one) in paths.iter().enumerate() {
            for (second, other) in paths.iter().enumerate().skip(first + 1) {
                if let (Some(a), Some(b)) = (&one.line, &other.line) {
                    crossings.push(Crossing { first, second, at: break_even(a, b, &pace) });
                }
            }
        }
        let mut comparison = Comparison {
            advice: String::new(),
            elsewhere: elsewhere.map(|plan| (plan.name.clone(), plan.month)).collect(),
            assumptions: advice::assumptions(&origin, &pace, &used, &paths),
            prices: advice::prices(&used, &paths),
            origin,
            pace,
            used,
            paths,
            crossings,
        };
        comparison.advice = advice::sentence(&comparison);
        comparison
    }
}

#[cfg(test)]
mod tests;
