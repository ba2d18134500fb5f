//! Recorded calls priced again, each by its own size: at the list price of its model's vendor, and at each gateway's.

use std::collections::{HashMap, HashSet, VecDeque};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::sellers::Seller;
use crate::base::money::Usd;
use crate::catalog::plan::{Limit, Plan};
use crate::catalog::{Catalog, Model, Price};
use crate::config::Settings;
use crate::domain::path::PayPath;
use crate::domain::usage::Usage;
use crate::routing::model;

/// One call of the history.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    pub task: &'a str,
    pub provider: &'a str,
    pub model: &'a str,
    pub at: Timestamp,
    pub usage: Usage,
}

/// All calls of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelUse {
    /// The catalog's vendor and id.
    pub vendor: String,
    pub id: String,
    pub calls: u64,
    pub usage: Usage,
    /// At list price, in nano-dollars: the sum of calls that were each rounded once.
    pub list: i128,
    /// The same at each seller, in their order.
    pub at_sellers: Vec<i128>,
    /// The list price in force now.
    pub price: Price,
    /// Whether vk knows a provider that takes the user's own key for it.
    pub direct: bool,
}

/// Calls of a model that nobody here knows a price of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpriced {
    pub provider: String,
    pub model: String,
    pub calls: u64,
    pub usage: Usage,
}

/// The most that went through within a plan's two windows, at list price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peaks {
    pub five_hours: Usd,
    pub week: Usd,
}

/// The use of a period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metered {
    pub tasks: u64,
    pub calls: u64,
    pub first: Option<Timestamp>,
    /// Dearest first.
    pub models: Vec<ModelUse>,
    pub unpriced: Vec<Unpriced>,
    /// The most calls within one UTC day.
    pub busiest_day: u64,
    /// By the plan's id, for plans whose limits are dollars.
    pub peaks: HashMap<String, Peaks>,
}

/// Prices calls as they come. They come in the order they were sent.
pub(super) struct Meter<'a> {
    settings: &'a Settings,
    catalog: &'a Catalog,
    sellers: &'a [Seller],
    now: Timestamp,
    /// By provider, then by model: where the use is counted.
    known: HashMap<String, HashMap<String, Slot>>,
    uses: Vec<Counted>,
    unpriced: Vec<Unpriced>,
    tasks: HashSet<String>,
    windows: Vec<(&'a Plan, Window, Window)>,
    day: (i64, u64),
    busiest_day: u64,
    calls: u64,
    first: Option<Timestamp>,
}

#[derive(Clone, Copy)]
enum Slot {
    Priced(usize),
    Unpriced(usize),
}

struct Counted {
    sum: ModelUse,
    /// Each seller's price where it is not the list price.
    prices: Vec<Option<Price>>,
    /// Which of the windows this model counts in.
    in_windows: Vec<usize>,
}

impl<'a> Meter<'a> {
    pub(super) fn new(
        settings: &'a Settings,
        catalog: &'a Catalog,
        plans: &'a [Plan],
        sellers: &'a [Seller],
        now: Timestamp,
    ) -> Self {
        let limited = plans.iter().filter(|plan| matches!(plan.limit, Limit::Usage { .. }));
        let window = |hours| Window::of(SignedDuration::from_hours(hours));
        Self {
            settings,
            catalog,
            sellers,
            now,
            known: HashMap::new(),
            uses: Vec::new(),
            unpriced: Vec::new(),
            tasks: HashSet::new(),
            windows: limited.map(|plan| (plan, window(5), window(7 * 24))).collect(),
            day: (i64::MIN, 0),
            busiest_day: 0,
            calls: 0,
            first: None,
        }
    }

    pub(super) fn add(&mut self, call: &Call<'_>) {
        // A call that used nothing was an error's, or is no call of a model at all.
        if call.usage.total() == 0 {
            return;
        }
        self.calls += 1;
        self.first = Some(self.first.map_or(call.at, |first| first.min(call.at)));
        if !self.tasks.contains(call.task) {
            self.tasks.insert(call.task.to_owned());
        }
        let day = call.at.as_second().div_euclid(86_400);
        self.day = if self.day.0 == day { (day, self.day.1 + 1) } else { (day, 1) };
        self.busiest_day = self.busiest_day.max(self.day.1);
        match self.slot(call.provider, call.model) {
            Slot::Unpriced(at) => {
                self.unpriced[at].calls += 1;
                self.unpriced[at].usage += call.usage;
            }
            Slot::Priced(at) => {
                let counted = &mut self.uses[at];
                let list = counted.sum.price.list_cost(&call.usage);
                counted.sum.calls += 1;
                counted.sum.usage += call.usage;
                counted.sum.list += i128::from(list.nanos());
                for (sum, price) in counted.sum.at_sellers.iter_mut().zip(&counted.prices) {
                    let cost = price.as_ref().map_or(list, |price| price.list_cost(&call.usage));
                    *sum += i128::from(cost.nanos());
                }
                for window in &counted.in_windows {
                    let (_, short, long) = &mut self.windows[*window];
                    short.add(call.at, list);
                    long.add(call.at, list);
                }
            }
        }
    }

    fn slot(&mut self, provider: &str, model: &str) -> Slot {
        if let Some(slot) = self.known.get(provider).and_then(|models| models.get(model)) {
            return *slot;
        }
        let found = locate(self.settings, self.catalog, provider, model, self.now)
            .and_then(|row| row.price(self.now).map(|price| (row, price.clone())));
        let slot = match found {
            None => {
                let (provider, model) = (provider.to_owned(), model.to_owned());
                self.unpriced.push(Unpriced { provider, model, calls: 0, usage: Usage::default() });
                Slot::Unpriced(self.unpriced.len() - 1)
            }
            Some((row, price)) => Slot::Priced(self.counted(row, price)),
        };
        self.known.entry(provider.to_owned()).or_default().insert(model.to_owned(), slot);
        slot
    }

    /// Where this model is counted; the same model from two providers is one.
    fn counted(&mut self, row: &Model, price: Price) -> usize {
        let same = |counted: &Counted| counted.sum.vendor == row.vendor && counted.sum.id == row.id;
        if let Some(at) = self.uses.iter().position(same) {
            return at;
        }
        let (settings, catalog, now) = (self.settings, self.catalog, self.now);
        let prices = self.sellers.iter().map(|seller| {
            let theirs = seller.price(settings, catalog, row, now)?;
            (theirs.hash != price.hash).then_some(theirs)
        });
        let prices: Vec<Option<Price>> = prices.collect();
        let windows = self.windows.iter().enumerate();
        let in_windows = windows.filter(|(_, (plan, ..))| plan.serves(row)).map(|(at, _)| at).collect();
        let own = self.settings.providers.get(&row.vendor);
        let sum = ModelUse {
            vendor: row.vendor.clone(),
            id: row.id.clone(),
            calls: 0,
            usage: Usage::default(),
            list: 0,
            at_sellers: vec![0; prices.len()],
            price,
            direct: own.is_some_and(|provider| provider.kind == PayPath::Byok),
        };
        self.uses.push(Counted { sum, prices, in_windows });
        self.uses.len() - 1
    }

    pub(super) fn finish(self) -> Metered {
        let mut models: Vec<ModelUse> = self.uses.into_iter().map(|counted| counted.sum).collect();
        models.sort_by(|a, b| b.list.cmp(&a.list).then_with(|| (&a.vendor, &a.id).cmp(&(&b.vendor, &b.id))));
        let peak = |window: &Window| Usd::from_nanos(i64::try_from(window.most).unwrap_or(i64::MAX));
        Metered {
            tasks: self.tasks.len() as u64,
            calls: self.calls,
            first: self.first,
            models,
            unpriced: self.unpriced,
            busiest_day: self.busiest_day,
            peaks: self
                .windows
                .iter()
                .map(|(plan, short, long)| (plan.id.clone(), Peaks { five_hours: peak(short), week: peak(long) }))
                .collect(),
        }
    }
}

/// The row of the catalog that a recorded call's model is. Other tools name the vendor in their own words.
#[must_use]
pub fn locate<'c>(
    settings: &Settings,
    catalog: &'c Catalog,
    provider: &str,
    id: &str,
    at: Timestamp,
) -> Option<&'c Model> {
    if let Some(configured) = settings.providers.get(provider) {
        return model::row(catalog, provider, configured, id, at);
    }
    let vendor = match provider {
        "claude" | "claude-code" => "anthropic",
        "codex" | "chatgpt" => "openai",
        "google" => "gemini",
        "moonshot" => "moonshotai",
        other => other,
    };
    if let Some(found) = catalog.find(vendor, id) {
        return Some(found);
    }
    if let Some((vendor, id)) = id.split_once('/') {
        return catalog.find(vendor, id).or_else(|| catalog.find(vendor, &id.replace('.', "-")));
    }
    let mut everywhere = catalog.vendors().filter_map(|vendor| vendor.find(id));
    let only = everywhere.next()?;
    everywhere.next().is_none().then_some(only)
}

/// The most that any stretch of this length held.
struct Window {
    length: SignedDuration,
    inside: VecDeque<(Timestamp, i128)>,
    sum: i128,
    most: i128,
}

impl Window {
    fn of(length: SignedDuration) -> Self {
        Self { length, inside: VecDeque::new(), sum: 0, most: 0 }
    }

    fn add(&mut self, at: Timestamp, cost: Usd) {
        while let Some((first, nanos)) = self.inside.front().copied()
            && at.duration_since(first) >= self.length
        {
            self.sum -= nanos;
            self.inside.pop_front();
        }
        let nanos = i128::from(cost.nanos());
        self.inside.push_back((at, nanos));
        self.sum += nanos;
        self.most = self.most.max(self.sum);
    }
}

/// The UTC day of a moment, as people write it.
#[must_use]
pub fn date(at: Timestamp) -> jiff::civil::Date {
    at.to_zoned_datetime(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_forgets_what_is_older_than_its_length() {
        let mut window = Window::of(SignedDuration::from_hours(5));
        let start: Timestamp = "2026-11-25T00:00:00Z".parse().unwrap();
        for (hours, cents) in [(0, 100), (4, 200), (5, 400), (20, 50)] {
            window.add(start + SignedDuration::from_hours(hours), Usd::from_cents(cents));
        }
        // At 05:00 the call of 00:00 is out: $2.00 and $4.00.
        assert_eq!(window.most, i128::from(Usd::from_cents(600).nanos()));
    }
}
