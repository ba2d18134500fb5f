//! What models exist, what each accepts and what its tokens cost, as bundled dated data and the look-ups over it;
//! what else is sold (`plan`), what costs nothing (`free`); and the user's own later reading of public price lists (`refresh`), merged over the
//! bundled data. Which model a task uses is not decided here (`routing/`).

mod data;
pub mod free;
pub mod model;
mod overlay;
pub mod plan;
pub mod price;
pub mod refresh;
mod resolve;

use std::path::Path;
use std::sync::OnceLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use model::{Model, Tier, Vendor};
pub use overlay::{OVERLAY_FILE, Overlay, OverlayError, OverlayRow, ReadFrom, Reading};
pub use price::{LongContext, Price, Rates};
pub use resolve::{Match, Resolved, UnknownModel};

/// The data files compiled into the program, one a vendor, by the vendor's id. A test checks every row of each.
const BUNDLED: &[(&str, &str)] = &[
    ("anthropic", include_str!("data/anthropic.toml")),
    ("openai", include_str!("data/openai.toml")),
    ("deepseek", include_str!("data/deepseek.toml")),
    ("gemini", include_str!("data/gemini.toml")),
    ("groq", include_str!("data/groq.toml")),
    ("minimax", include_str!("data/minimax.toml")),
    ("mistral", include_str!("data/mistral.toml")),
    ("moonshotai", include_str!("data/moonshotai.toml")),
    ("openrouter", include_str!("data/openrouter.toml")),
    ("qwen", include_str!("data/qwen.toml")),
    ("xai", include_str!("data/xai.toml")),
    ("zai", include_str!("data/zai.toml")),
];

/// Every known vendor with its models. Rows keep the order of their data file.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    tables: Vec<Table>,
}

/// A vendor's data, read when it is first asked for: a start of vk needs one vendor, rarely all.
#[derive(Clone, Debug)]
struct Table {
    vendor: &'static str,
    text: &'static str,
    /// What the overlay says of this vendor.
    overlaid: Vec<OverlayRow>,
    parsed: OnceLock<Option<Vendor>>,
}

impl Table {
    /// A broken file is no vendor, which makes its models unknown and unpriced, never free; the tests keep that
    /// from ever being released.
    fn vendor(&self) -> Option<&Vendor> {
        let parse = || {
            let mut vendor = data::parse(self.text).ok()?;
            for row in &self.overlaid {
                overlay::apply(&mut vendor, row);
            }
            Some(vendor)
        };
        self.parsed.get_or_init(parse).as_ref()
    }
}

impl Catalog {
    /// The tables this version was built with.
    #[must_use]
    pub fn bundled() -> &'static Self {
        static CATALOG: OnceLock<Catalog> = OnceLock::new();
        CATALOG.get_or_init(|| Self::with(Vec::new()))
    }

    /// The bundled tables under what `vk models refresh` stored in the data folder. An overlay that cannot be
    /// read is left out, and the second value says so.
    #[must_use]
    pub fn load(data_dir: &Path) -> (Self, Option<OverlayError>) {
        match Overlay::load(data_dir) {
            Ok(overlay) => (Self::with(overlay.map(|overlay| overlay.rows).unwrap_or_default()), None),
            Err(error) => (Self::with(Vec::new()), Some(error)),
        }
    }

    /// The bundled tables under these rows.
    #[must_use]
    pub fn with(mut rows: Vec<OverlayRow>) -> Self {
        let table = |(vendor, text): &(&'static str, &'static str)| {
            let overlaid = rows.extract_if(.., |row| row.vendor == *vendor).collect();
            Table { vendor, text, overlaid, parsed: OnceLock::new() }
        };
        Self { tables: BUNDLED.iter().map(table).collect() }
    }

    pub fn vendors(&self) -> impl Iterator<Item = &Vendor> {
        self.tables.iter().filter_map(Table::vendor)
    }

    #[must_use]
    pub fn vendor(&self, id: &str) -> Option<&Vendor> {
        self.tables.iter().find(|table| table.vendor == id)?.vendor()
    }

    /// All models of all vendors, in the order of the data files.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.vendors().flat_map(|vendor| &vendor.models)
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
