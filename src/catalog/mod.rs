//! What models exist, what each accepts and what its tokens cost, as bundled dated data and the look-ups over it.
//! Which model a task uses is not decided here (`routing/`), and nothing is read from disk or network.

mod data;
pub mod model;
pub mod price;
mod resolve;

use std::sync::OnceLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use model::{Model, Tier, Vendor};
pub use price::{LongContext, Price, Rates};
pub use resolve::{Match, Resolved, UnknownModel};

/// The data files compiled into the program, one a vendor. A test parses and checks every row of each.
const BUNDLED: &[&str] = &[include_str!("data/anthropic.toml"), include_str!("data/openai.toml")];

/// Every known vendor with its models. Rows keep the order of their data file.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    vendors: Vec<Vendor>,
}

impl Catalog {
    /// The tables this version was built with, parsed on first use. A broken file leaves its vendor out, which
    /// makes its models unknown and unpriced, never free; the tests keep that from ever being released.
    #[must_use]
    pub fn bundled() -> &'static Self {
        static CATALOG: OnceLock<Catalog> = OnceLock::new();
        CATALOG.get_or_init(|| Self { vendors: BUNDLED.iter().filter_map(|text| data::parse(text).ok()).collect() })
    }

    #[must_use]
    pub fn vendors(&self) -> &[Vendor] {
        &self.vendors
    }

    #[must_use]
    pub fn vendor(&self, id: &str) -> Option<&Vendor> {
        self.vendors.iter().find(|vendor| vendor.id == id)
    }

    /// All models of all vendors, in the order of the data files.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.vendors.iter().flat_map(|vendor| &vendor.models)
    }

    /// The row with exactly this id, or the row that `id` is a dated snapshot of.
    #[must_use]
    pub fn find(&self, vendor: &str, id: &str) -> Option<&Model> {
        self.vendor(vendor)?.find(id)
    }

    /// What a model's tokens cost at `at`; `None` is unknown, never zero.
    #[must_use]
    pub fn price(&self, vendor: &str, id: &str, at: Timestamp) -> Option<&Price> {
        self.find(vendor, id)?.price(at)
    }
}

/// The UTC day of `at`: prices and retirements change at the start of a day.
fn day(at: Timestamp) -> jiff::civil::Date {
    at.to_zoned_datetime(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests;
