//! The user's own later reading of public price lists: a file in the data folder, merged over the bundled tables.
//!
//! What it may do: price a model that the bundled data does not have, or replace a price that was not read from its
//! vendor's own document by a later one, from the day it was read on. It never changes a price of the vendor's own
//! document, never a past day, and no alias or tier ever leads to a model that only it knows.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{LongContext, Model, Price, Rates, Vendor};
use crate::base::fsx;
use crate::base::money::TokenPrice;
use crate::domain::failure::Failure;
use crate::domain::request::{ModelTraits, Thinking};

/// The overlay's name in the data folder.
pub const OVERLAY_FILE: &str = "prices.json";

/// A larger file is not one that vk wrote.
const LARGEST: u64 = 16 << 20;
const MOST_ROWS: usize = 50_000;
/// The dearest token that is believed: 10,000 USD a million, in pico-dollars.
pub(super) const DEAREST: i64 = 10_000_000_000;

/// Limits of a model whose lists give none.
const UNKNOWN_CONTEXT: u64 = 128_000;
const UNKNOWN_MAX_OUTPUT: u32 = 16_384;

#[derive(Debug, thiserror::Error)]
pub enum OverlayError {
    #[error("{} cannot be read: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{} is damaged: {why}", path.display())]
    Damaged { path: PathBuf, why: String },
    #[error("{} cannot be written: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
}

impl OverlayError {
    /// What is said where the rest goes on without it.
    #[must_use]
    pub fn warning(&self) -> String {
        format!("{self}; only the bundled prices are used. vk models refresh writes it anew")
    }
}

impl From<OverlayError> for Failure {
    fn from(error: OverlayError) -> Self {
        Self::usage("bad_price_overlay", error.to_string()).fix("vk models refresh")
    }
}

/// What was read, from where, and every row of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlay {
    pub read_at: Timestamp,
    pub sources: Vec<ReadFrom>,
    pub rows: Vec<OverlayRow>,
}

/// One list that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadFrom {
    /// `models.dev` or `LiteLLM`.
    pub list: String,
    /// The address or the file.
    pub from: String,
    /// When the list was current: the day it was fetched, or the day its file was last changed.
    pub as_of: Date,
    /// Of its bytes, in hexadecimal.
    pub sha256: String,
    /// How many of its rows were taken.
    pub rows: u64,
}

/// The price of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlayRow {
    /// The vendor's id in the catalog.
    pub vendor: String,
    pub id: String,
    pub context: Option<u64>,
    pub max_output: Option<u32>,
    /// With its source, date and hash.
    pub price: Price,
    /// What each list said, where they are more than 5 % apart.
    pub apart: Vec<Reading>,
}

/// What one list says of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub list: String,
    pub rates: Rates,
}

impl Overlay {
    /// The overlay in `data_dir`; `None` where there is none.
    ///
    /// # Errors
    /// A file that cannot be read, is too large, may be written by others, or does not hold together.
    pub fn load(data_dir: &Path) -> Result<Option<Self>, OverlayError> {
        let path = data_dir.join(OVERLAY_FILE);
        let bytes = match fsx::read_own(&path, LARGEST) {
            Ok(bytes) => bytes,
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(OverlayError::Read { path, source }),
        };
        let damaged = |why: String| OverlayError::Damaged { path: path.clone(), why };
        let file: FileForm = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        file.check().map(Some).map_err(damaged)
    }

    /// Replaces the overlay in `data_dir` in one step: mode 0600, whole or not at all.
    ///
    /// # Errors
    /// What the file system answers; the old overlay is then still whole.
    pub fn save(&self, data_dir: &Path) -> Result<(), OverlayError> {
        let path = data_dir.join(OVERLAY_FILE);
        let rows = self.rows.iter().map(RowForm::of).collect();
        let form = FileForm { version: 1, read_at: self.read_at, sources: self.sources.clone(), rows };
        let write = || {
            let bytes = serde_json::to_vec(&form)?;
            fsx::create_private_dir(data_dir)?;
            fsx::write_private(&path, &bytes)
        };
        write().map_err(|source: std::io::Error| OverlayError::Write { path: path.clone(), source })
    }
}

/// Merges one row into its vendor, by the rules at the top of this file.
pub(super) fn apply(vendor: &mut Vendor, row: &OverlayRow) {
    if let Some(model) = vendor.models.iter_mut().find(|model| model.id == row.id) {
        let start = row.price.as_of;
        let in_force = model.prices.iter().rposition(|price| price.from.is_none_or(|from| from <= start));
        match in_force.map(|at| &model.prices[at]) {
            Some(known) if known.own || known.as_of >= start || same(known, &row.price) => {}
            Some(_) => {
                let at = in_force.map_or(0, |at| at + 1);
                let price = Price::new(row.price.rates, row.price.long, Some(start), &row.price.source, start);
                model.prices.insert(at, price);
            }
            None if model.prices.is_empty() => model.prices.push(row.price.clone()),
            None => {}
        }
        return;
    }
    // A dated id of a model that is known is priced like it.
    if vendor.find(&row.id).is_some() {
        return;
    }
    vendor.models.push(Model {
        id: row.id.clone(),
        vendor: vendor.id.clone(),
        family: row.id.clone(),
        snapshot_of: None,
        context: row.context.unwrap_or(UNKNOWN_CONTEXT),
        max_input: None,
        max_output: row.max_output.unwrap_or(UNKNOWN_MAX_OUTPUT),
        released: None,
        retired: None,
        limited: true,
        prices: vec![row.price.clone()],
        traits: ModelTraits { thinking: Thinking::None, effort: false, min_cache_prefix: None, images: None },
    });
}

/// Whether two prices charge the same, whoever says so.
pub(super) fn same(a: &Price, b: &Price) -> bool {
    a.rates == b.rates && a.long == b.long
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileForm {
    version: u32,
    read_at: Timestamp,
    sources: Vec<ReadFrom>,
    rows: Vec<RowForm>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RowForm {
    vendor: String,
    id: String,
    context: Option<u64>,
    max_output: Option<u32>,
    rates: RatesForm,
    long: Option<LongForm>,
    source: String,
    as_of: Date,
    hash: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    apart: Vec<ReadingForm>,
}

/// USD a million tokens, as decimal strings.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RatesForm {
    input: String,
    output: String,
    cache_read: String,
    cache_write_5m: String,
    cache_write_1h: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LongForm {
    over_tokens: u64,
    rates: RatesForm,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadingForm {
    list: String,
    rates: RatesForm,
}

impl FileForm {
    fn check(self) -> Result<Overlay, String> {
        if self.version != 1 {
            return Err(format!("it is of version {}, this vk knows version 1", self.version));
        }
        if self.rows.len() > MOST_ROWS {
            return Err("it has more rows than there are models".to_owned());
        }
        let rows = self.rows.into_iter().map(RowForm::check).collect::<Result<Vec<_>, _>>()?;
        Ok(Overlay { read_at: self.read_at, sources: self.sources, rows })
    }
}

impl RowForm {
    fn of(row: &OverlayRow) -> Self {
        let long =
            row.price.long.map(|long| LongForm { over_tokens: long.over_tokens, rates: RatesForm::of(&long.rates) });
        let reading = |one: &Reading| ReadingForm { list: one.list.clone(), rates: RatesForm::of(&one.rates) };
        Self {
            vendor: row.vendor.clone(),
            id: row.id.clone(),
            context: row.context,
            max_output: row.max_output,
            rates: RatesForm::of(&row.price.rates),
            long,
            source: row.price.source.clone(),
            as_of: row.price.as_of,
            hash: row.price.hash.clone(),
            apart: row.apart.iter().map(reading).collect(),
        }
    }

    fn check(self) -> Result<OverlayRow, String> {
        let wrong = |what: &str| format!("{}/{}: {what}", self.vendor, self.id);
        let plain = |text: &str| !text.is_empty() && text.len() <= 200 && text.bytes().all(|b| b.is_ascii_graphic());
        if !plain(&self.vendor) || !plain(&self.id) || self.source.chars().any(char::is_control) {
            return Err("a name holds what no name holds".to_owned());
        }
        let long = match &self.long {
            Some(long) => Some(LongContext { over_tokens: long.over_tokens, rates: long.rates.check()? }),
            None => None,
        };
        let price = Price::new(self.rates.check()?, long, None, &self.source, self.as_of);
        if price.hash != self.hash {
            return Err(wrong("its figures are not those that were written"));
        }
        if price.rates.input == TokenPrice::ZERO || price.rates.cache_read > price.rates.input {
            return Err(wrong("its figures cannot be a price"));
        }
        let reading = |one: &ReadingForm| Ok(Reading { list: one.list.clone(), rates: one.rates.check()? });
        let apart = self.apart.iter().map(reading).collect::<Result<Vec<_>, String>>()?;
        Ok(OverlayRow {
            vendor: self.vendor,
            id: self.id,
            context: self.context,
            max_output: self.max_output,
            price,
            apart,
        })
    }
}

impl RatesForm {
    fn of(rates: &Rates) -> Self {
        Self {
            input: rates.input.to_string(),
            output: rates.output.to_string(),
            cache_read: rates.cache_read.to_string(),
            cache_write_5m: rates.cache_write_5m.to_string(),
            cache_write_1h: rates.cache_write_1h.to_string(),
        }
    }

    fn check(&self) -> Result<Rates, String> {
        let parse = |text: &String| {
            let price: TokenPrice = text.parse().map_err(|error| format!("{error}"))?;
            if price.picos() > DEAREST { Err(format!("{text} USD a million tokens is no price")) } else { Ok(price) }
        };
        Ok(Rates {
            input: parse(&self.input)?,
            output: parse(&self.output)?,
            cache_read: parse(&self.cache_read)?,
            cache_write_5m: parse(&self.cache_write_5m)?,
            cache_write_1h: parse(&self.cache_write_1h)?,
        })
    }
}
