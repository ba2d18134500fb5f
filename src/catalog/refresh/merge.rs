//! The two lists against each other and against the bundled tables.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::List;
use super::row::ListedRow;
use crate::catalog::overlay::{self, Overlay, OverlayRow, Reading};
use crate::catalog::{Catalog, Price, Rates};

/// What reading the lists came to, for a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Rows that were taken.
    pub taken: u64,
    /// How many of them both lists have, and so were checked against each other.
    pub checked: u64,
    /// Models whose two prices are more than 5 % apart, each with both.
    pub apart: Vec<(String, Vec<Reading>)>,
    /// Rows that break a rule of prices: which, and the rule.
    pub left_out: Vec<String>,
}

/// Makes one row of each model that a list prices. Where both do, each figure is the dearer one.
pub(super) fn merge(lists: Vec<List>, bundled: &Catalog, now: Timestamp) -> (Overlay, Outcome) {
    let mut outcome = Outcome::default();
    let mut models: BTreeMap<(&'static str, String), Vec<(usize, ListedRow)>> = BTreeMap::new();
    let mut sources = Vec::new();
    for (at, list) in lists.into_iter().enumerate() {
        outcome.left_out.extend(list.left_out.into_iter().map(|row| format!("{}: {row}", list.origin.list)));
        for row in list.rows {
            models.entry((row.vendor, row.id.clone())).or_default().push((at, row));
        }
        sources.push(list.origin);
    }
    let mut rows = Vec::new();
    for ((vendor, id), said) in models {
        let readings: Vec<Reading> = said
            .iter()
            .map(|(at, row)| Reading { list: sources[*at].list.clone(), rates: row.rates.complete(vendor) })
            .collect();
        let mut stated = said.into_iter();
        let Some((first, mut row)) = stated.next() else { continue };
        let (mut names, mut as_of) = (sources[first].list.clone(), sources[first].as_of);
        let mut apart = Vec::new();
        for (at, other) in stated {
            outcome.checked += 1;
            if row.rates.apart(&other.rates) {
                apart.clone_from(&readings);
            }
            row.rates = row.rates.dearer(&other.rates);
            row.long = match (row.long, other.long) {
                (Some(a), Some(b)) => Some(super::row::StatedLong {
                    over_tokens: a.over_tokens.min(b.over_tokens),
                    rates: a.rates.dearer(&b.rates),
                }),
                (a, b) => a.or(b),
            };
            row.context = row.context.or(other.context);
            row.max_output = row.max_output.or(other.max_output);
            names = format!("{names} and {}", sources[at].list);
            as_of = as_of.min(sources[at].as_of);
        }
        if !apart.is_empty() {
            outcome.apart.push((format!("{vendor}/{id}"), apart.clone()));
        }
        let rates = row.rates.complete(vendor);
        let long = row.long.map(|long| long.complete(vendor, &rates));
        // Only what the catalog would show as a model of this vendor, or already has.
        let known = bundled.vendor(vendor).is_some_and(|vendor| vendor.could_have(&id));
        if known {
            outcome.taken += 1;
            let price = Price::new(rates, long, None, &names, as_of);
            rows.push(OverlayRow {
                vendor: vendor.to_owned(),
                id,
                context: row.context,
                max_output: row.max_output,
                price,
                apart,
            });
        }
    }
    (Overlay { read_at: now, sources, rows }, outcome)
}

/// How an overlay's row stands against the bundled one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The bundled tables do not have the model.
    Added(OverlayRow),
    /// The overlay's price is in force.
    Replaced { bundled: Option<Price>, row: OverlayRow },
    /// The bundled price stays in force: it is the vendor's own, or newer.
    Kept { bundled: Price, row: OverlayRow },
}

impl Difference {
    #[must_use]
    pub const fn row(&self) -> &OverlayRow {
        match self {
            Self::Added(row) | Self::Replaced { row, .. } | Self::Kept { row, .. } => row,
        }
    }

    #[must_use]
    pub const fn bundled(&self) -> Option<&Price> {
        match self {
            Self::Added(_) => None,
            Self::Replaced { bundled, .. } => bundled.as_ref(),
            Self::Kept { bundled, .. } => Some(bundled),
        }
    }

    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Added(_) => "added",
            Self::Replaced { .. } => "replaced",
            Self::Kept { .. } => "kept",
        }
    }
}

/// Every row whose price is not the bundled one, in the overlay's order.
#[must_use]
pub fn differences(overlay: &Overlay, bundled: &Catalog, now: Timestamp) -> Vec<Difference> {
    let merged = Catalog::with(overlay.rows.clone());
    let mut found = Vec::new();
    for row in &overlay.rows {
        match bundled.find(&row.vendor, &row.id).map(|model| model.price(now)) {
            None => found.push(Difference::Added(row.clone())),
            Some(Some(price)) if overlay::same(price, &row.price) => {}
            Some(price) => {
                let in_force: Option<&Rates> = merged.price(&row.vendor, &row.id, now).map(|price| &price.rates);
                let replaced = in_force == Some(&row.price.rates);
                found.push(match price {
                    Some(price) if !replaced => Difference::Kept { bundled: price.clone(), row: row.clone() },
                    other => Difference::Replaced { bundled: other.cloned(), row: row.clone() },
                });
            }
        }
    }
    found
}
