//! models.dev's api.json: an object of providers, each with its models. Prices are USD a million tokens.
//! Source of the layout: anomalyco/models.dev, packages/core/src/schema.ts and README.md (2026-11).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::RefreshError;
use super::decimal::per_million;
use super::json::{Members, Reader, tokens};
use super::row::{ListedRow, StatedLong, StatedRates};
use crate::base::money::TokenPrice;

/// Its id of each vendor of the catalog. Other providers sell the same models at prices of their own.
const VENDORS: &[(&str, &str)] = &[
    ("anthropic", "anthropic"),
    ("openai", "openai"),
    ("deepseek", "deepseek"),
    ("google", "gemini"),
    ("groq", "groq"),
    ("minimax", "minimax"),
    ("mistral", "mistral"),
    ("moonshotai", "moonshotai"),
    ("openrouter", "openrouter"),
    ("alibaba", "qwen"),
    ("xai", "xai"),
    ("zai", "zai"),
];

#[derive(Deserialize)]
struct ProviderForm<'a> {
    #[serde(borrow)]
    models: Option<Members<'a, &'a RawValue>>,
}

#[derive(Deserialize)]
struct ModelForm<'a> {
    #[serde(borrow)]
    cost: Option<CostForm<'a>>,
    #[serde(borrow)]
    limit: Option<LimitForm<'a>>,
}

#[derive(Deserialize)]
struct LimitForm<'a> {
    #[serde(borrow)]
    context: Option<&'a RawValue>,
    #[serde(borrow)]
    output: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct CostForm<'a> {
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    #[serde(borrow)]
    output: Option<&'a RawValue>,
    #[serde(borrow)]
    cache_read: Option<&'a RawValue>,
    /// The five-minute write; the list has no other.
    #[serde(borrow)]
    cache_write: Option<&'a RawValue>,
    #[serde(borrow)]
    tiers: Option<Vec<CostForm<'a>>>,
    /// Of a tier: when it applies.
    #[serde(borrow)]
    tier: Option<TierForm<'a>>,
    /// A copy of the tier for older readers. It may really be one above 272,000 tokens, so `tiers` goes first.
    #[serde(borrow)]
    context_over_200k: Option<Box<CostForm<'a>>>,
}

#[derive(Deserialize)]
struct TierForm<'a> {
    #[serde(borrow)]
    size: Option<&'a RawValue>,
}

pub(super) fn read(members: &[(String, &RawValue)], reader: &mut Reader<'_>) -> Result<(), RefreshError> {
    let known = |name: &str| VENDORS.iter().find(|(theirs, _)| *theirs == name).map(|(_, ours)| *ours);
    reader.no_repeats(members.iter().filter(|(name, _)| known(name).is_some()).map(|(n, v)| (n.as_str(), *v)))?;
    let mut done = Vec::new();
    for (name, value) in members {
        let Some(vendor) = known(name).filter(|vendor| !done.contains(vendor)) else { continue };
        done.push(vendor);
        let provider: ProviderForm<'_> =
            serde_json::from_str(value.get()).map_err(|error| reader.unbelievable(format_args!("{name}: {error}")))?;
        let models = provider.models.map(|models| models.0).unwrap_or_default();
        reader.no_repeats(models.iter().map(|(id, value)| (id.as_str(), *value)))?;
        let mut last: Option<&str> = None;
        for (id, value) in &models {
            if reader.name(id)? && last != Some(id.as_str()) {
                model(vendor, id, value, reader)?;
            }
            last = Some(id);
        }
    }
    Ok(())
}

fn model(vendor: &'static str, id: &str, value: &RawValue, reader: &mut Reader<'_>) -> Result<(), RefreshError> {
    let wrong = |what: String| reader.unbelievable(format_args!("{vendor}/{id}: {what}"));
    let form: ModelForm<'_> = serde_json::from_str(value.get()).map_err(|error| wrong(error.to_string()))?;
    // Without a cost the price is unknown, not zero.
    let Some(cost) = form.cost else { return Ok(()) };
    let Some(rates) = stated(&cost).map_err(wrong)? else { return Ok(()) };
    let tiers = cost.tiers.iter().flatten().map(|tier| (tier.tier.as_ref().and_then(|of| tokens(of.size)), tier));
    let legacy = cost.context_over_200k.as_deref().filter(|_| cost.tiers.is_none());
    let mut long: Option<StatedLong> = None;
    for (size, tier) in tiers.chain(legacy.map(|tier| (Some(200_000), tier))) {
        let (Some(over_tokens), Some(rates)) = (size, stated(tier).map_err(wrong)?) else { continue };
        // One threshold is kept: the first, at the dearest rates above it.
        long = Some(match long {
            None => StatedLong { over_tokens, rates },
            Some(known) => {
                StatedLong { over_tokens: known.over_tokens.min(over_tokens), rates: known.rates.dearer(&rates) }
            }
        });
    }
    let limit = |of: fn(&LimitForm<'_>) -> Option<u64>| form.limit.as_ref().and_then(of);
    reader.add(ListedRow {
        vendor,
        id: id.to_owned(),
        context: limit(|limit| tokens(limit.context)),
        max_output: limit(|limit| tokens(limit.output)).and_then(|count| u32::try_from(count).ok()),
        rates,
        long,
    });
    Ok(())
}

/// The rates of a cost; `None` where it has no price of input or output.
fn stated(cost: &CostForm<'_>) -> Result<Option<StatedRates>, String> {
    let price = |name: &str, raw: Option<&RawValue>| -> Result<Option<TokenPrice>, String> {
        raw.map(|raw| per_million(raw.get()).map_err(|why| format!("{name} {why}"))).transpose()
    };
    let (input, output) = (price("input", cost.input)?, price("output", cost.output)?);
    let (cache_read, cache_write_5m) = (price("cache_read", cost.cache_read)?, price("cache_write", cost.cache_write)?);
    let (Some(input), Some(output)) = (input, output) else { return Ok(None) };
    Ok(Some(StatedRates { input, output, cache_read, cache_write_5m, cache_write_1h: None }))
}
