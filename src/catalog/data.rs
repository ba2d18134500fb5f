//! The shape of the data files, and reading them. Strict: an unknown field or a price without a source is an error.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::civil::Date;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{LongContext, Model, Price, Rates, Tier, Vendor};
use crate::base::money::TokenPrice;
use crate::domain::request::{ModelTraits, Thinking};

#[derive(Debug, thiserror::Error)]
pub(super) enum DataError {
    #[error("not a catalog file")]
    Toml(#[from] toml::de::Error),
    #[error("{model}: {problem}")]
    Row { model: String, problem: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRow {
    vendor: String,
    name: String,
    #[serde(default)]
    id_prefixes: Vec<String>,
    #[serde(default)]
    aliases: BTreeMap<String, String>,
    #[serde(default)]
    tiers: BTreeMap<Tier, String>,
    /// Whether its models take images, where that is known of all of them.
    images: Option<bool>,
    /// Named once, used by many rows.
    sources: BTreeMap<String, SourceRow>,
    #[serde(default)]
    model: Vec<ModelRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceRow {
    text: String,
    as_of: Date,
    /// Read from the vendor's own document, or from one that cites it.
    #[serde(default)]
    own: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelRow {
    id: String,
    family: String,
    #[serde(default)]
    snapshots: Vec<String>,
    context: u64,
    max_input: Option<u64>,
    max_output: u32,
    released: Option<Date>,
    retired: Option<Date>,
    #[serde(default)]
    limited: bool,
    #[serde(default = "no_thinking")]
    thinking: Thinking,
    #[serde(default)]
    effort: bool,
    min_cache_prefix: Option<u32>,
    /// Where it differs from its vendor's others.
    images: Option<bool>,
    #[serde(default)]
    price: Vec<PriceRow>,
}

const fn no_thinking() -> Thinking {
    Thinking::None
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceRow {
    source: String,
    from: Option<Date>,
    rates: RatesRow,
    long: Option<LongRow>,
}

/// USD a million tokens, as decimal strings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RatesRow {
    input: String,
    output: String,
    cache_read: Option<String>,
    cache_write_5m: Option<String>,
    cache_write_1h: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LongRow {
    over_tokens: u64,
    rates: RatesRow,
}

pub(super) fn parse(text: &str) -> Result<Vendor, DataError> {
    let file: FileRow = toml::from_str(text)?;
    let mut models = Vec::new();
    for row in file.model {
        let (snapshots, mut model) = build(&file.vendor, &file.sources, row)?;
        model.traits.images = model.traits.images.or(file.images);
        for id in snapshots {
            models.push(Model { id, snapshot_of: Some(model.id.clone()), ..model.clone() });
        }
        let at = models.len() - models.iter().rev().take_while(|m| m.snapshot_of.as_ref() == Some(&model.id)).count();
        models.insert(at, model);
    }
    Ok(Vendor {
        id: file.vendor,
        name: file.name,
        id_prefixes: file.id_prefixes,
        aliases: file.aliases.into_iter().collect(),
        tiers: file.tiers.into_iter().collect(),
        models,
    })
}

fn build(
    vendor: &str,
    sources: &BTreeMap<String, SourceRow>,
    row: ModelRow,
) -> Result<(Vec<String>, Model), DataError> {
    let prices = row.price.iter().map(|price| build_price(&row.id, sources, price)).collect::<Result<Vec<_>, _>>()?;
    let traits = ModelTraits {
        thinking: row.thinking,
        effort: row.effort,
        min_cache_prefix: row.min_cache_prefix,
        images: row.images,
    };
    let model = Model {
        id: row.id,
        vendor: vendor.to_owned(),
        family: row.family,
        snapshot_of: None,
        context: row.context,
        max_input: row.max_input,
        max_output: row.max_output,
        released: row.released,
        retired: row.retired,
        limited: row.limited,
        prices,
        traits,
    };
    Ok((row.snapshots, model))
}

fn build_price(model: &str, sources: &BTreeMap<String, SourceRow>, row: &PriceRow) -> Result<Price, DataError> {
    let wrong = |problem: String| DataError::Row { model: model.to_owned(), problem };
    let source = sources.get(&row.source).ok_or_else(|| wrong(format!("no source named \"{}\"", row.source)))?;
    let rates = build_rates(&row.rates).map_err(&wrong)?;
    let long = match &row.long {
        None => None,
        Some(long) => {
            let rates = build_rates(&long.rates).map_err(&wrong)?;
            Some(LongContext { over_tokens: long.over_tokens, rates })
        }
    };
    Ok(Price { own: source.own, ..Price::new(rates, long, row.from, &source.text, source.as_of) })
}

/// A vendor without a price for cached tokens charges them as input: no discount, no surcharge.
fn build_rates(row: &RatesRow) -> Result<Rates, String> {
    let parse = |text: &String| text.parse::<TokenPrice>().map_err(|e| e.to_string());
    let input = parse(&row.input)?;
    let or_input = |text: &Option<String>| text.as_ref().map_or(Ok(input), parse);
    let cache_write_5m = or_input(&row.cache_write_5m)?;
    Ok(Rates {
        input,
        output: parse(&row.output)?,
        cache_read: or_input(&row.cache_read)?,
        cache_write_5m,
        cache_write_1h: row.cache_write_1h.as_ref().map_or(Ok(cache_write_5m), parse)?,
    })
}

impl Price {
    /// A price with its hash, not of the vendor's own document.
    #[must_use]
    pub fn new(rates: Rates, long: Option<LongContext>, from: Option<Date>, source: &str, as_of: Date) -> Self {
        let mut digest = Sha256::new();
        let mut add = |text: String| digest.update(format!("{text}\n"));
        for rates in std::iter::once(&rates).chain(long.as_ref().map(|long| &long.rates)) {
            for price in [rates.input, rates.output, rates.cache_read, rates.cache_write_5m, rates.cache_write_1h] {
                add(price.picos().to_string());
            }
        }
        add(format!("{:?} {from:?} {source} {as_of}", long.map(|long| long.over_tokens)));
        let mut hash = String::with_capacity(12);
        for byte in digest.finalize().iter().take(6) {
            // Writing to a String cannot fail.
            let _ = write!(hash, "{byte:02x}");
        }
        Self { rates, long, from, source: source.to_owned(), as_of, own: false, hash }
    }
}
