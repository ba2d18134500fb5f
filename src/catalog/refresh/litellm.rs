//! LiteLLM's model_prices_and_context_window.json: one object keyed by model name. Prices are USD a token.
//!
//! Long context lies in the names of the members, `input_cost_per_token_above_272k_tokens`; thresholds differ by
//! model, so they are read from there. Service tiers (`_priority`, `_flex`, `_batches`) are not used by vk.
//! Source of the layout: BerriAI/litellm, the file itself at 00035b6 and its cost calculation (2026-11).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::RefreshError;
use super::decimal::per_token;
use super::json::{Members, Reader, tokens};
use super::row::{ListedRow, StatedLong, StatedRates};
use crate::base::money::TokenPrice;

/// Its provider names, the beginning that its keys may have, and the vendor of the catalog.
const VENDORS: &[(&str, &str, &str)] = &[
    ("anthropic", "anthropic/", "anthropic"),
    ("openai", "openai/", "openai"),
    ("deepseek", "deepseek/", "deepseek"),
    ("gemini", "gemini/", "gemini"),
    ("groq", "groq/", "groq"),
    ("minimax", "minimax/", "minimax"),
    ("mistral", "mistral/", "mistral"),
    ("moonshot", "moonshot/", "moonshotai"),
    ("openrouter", "openrouter/", "openrouter"),
    ("dashscope", "dashscope/", "qwen"),
    ("xai", "xai/", "xai"),
    ("zai", "zai/", "zai"),
];

/// Vendors whose own ids hold a slash. Elsewhere it names a region or a speed that vk does not use.
const WITH_SLASHES: [&str; 2] = ["groq", "openrouter"];

#[derive(Deserialize)]
struct Head {
    litellm_provider: Option<String>,
    mode: Option<String>,
}

/// The rates under or above one threshold.
#[derive(Default)]
struct Band {
    input: Option<TokenPrice>,
    output: Option<TokenPrice>,
    cache_read: Option<TokenPrice>,
    cache_write_5m: Option<TokenPrice>,
    cache_write_1h: Option<TokenPrice>,
}

impl Band {
    fn stated(&self) -> Option<StatedRates> {
        Some(StatedRates {
            input: self.input?,
            output: self.output?,
            cache_read: self.cache_read,
            cache_write_5m: self.cache_write_5m,
            cache_write_1h: self.cache_write_1h,
        })
    }

    fn slot(&mut self, bucket: &str) -> Option<&mut Option<TokenPrice>> {
        match bucket {
            "input_cost_per_token" => Some(&mut self.input),
            "output_cost_per_token" => Some(&mut self.output),
            "cache_read_input_token_cost" => Some(&mut self.cache_read),
            "cache_creation_input_token_cost" => Some(&mut self.cache_write_5m),
            "cache_creation_input_token_cost_above_1hr" => Some(&mut self.cache_write_1h),
            _ => None,
        }
    }
}

pub(super) fn read(members: &[(String, &RawValue)], reader: &mut Reader<'_>) -> Result<(), RefreshError> {
    let mut ours = Vec::new();
    for (name, value) in members.iter().filter(|(name, _)| name != "sample_spec") {
        let Ok(head) = serde_json::from_str::<Head>(value.get()) else { continue };
        let provider = head.litellm_provider.unwrap_or_default();
        let Some((_, beginning, vendor)) = VENDORS.iter().find(|(theirs, ..)| *theirs == provider) else { continue };
        if head.mode.as_deref().is_none_or(|mode| mode == "chat" || mode == "responses") {
            ours.push((name.as_str(), *value, *beginning, *vendor));
        }
    }
    reader.no_repeats(ours.iter().map(|(name, value, ..)| (*name, *value)))?;
    // The same model may stand there with and without the beginning.
    let mut rows: BTreeMap<(&'static str, String), ListedRow> = BTreeMap::new();
    for (name, value, beginning, vendor) in ours {
        let id = name.strip_prefix(beginning).unwrap_or(name);
        let foreign = id.contains('/') && !WITH_SLASHES.contains(&vendor);
        if !reader.name(name)? || id.is_empty() || foreign || id.starts_with("ft:") {
            continue;
        }
        let Some(row) = model(vendor, id, value, reader)? else { continue };
        rows.entry((vendor, id.to_owned()))
            .and_modify(|known| {
                known.rates = known.rates.dearer(&row.rates);
                known.long = known.long.or(row.long);
            })
            .or_insert(row);
    }
    for row in rows.into_values() {
        reader.add(row);
    }
    Ok(())
}

fn model(
    vendor: &'static str,
    id: &str,
    value: &RawValue,
    reader: &Reader<'_>,
) -> Result<Option<ListedRow>, RefreshError> {
    let wrong = |what: String| reader.unbelievable(format_args!("{vendor}/{id}: {what}"));
    let fields: Members<'_, &RawValue> = serde_json::from_str(value.get()).map_err(|error| wrong(error.to_string()))?;
    let mut base = Band::default();
    let mut above: BTreeMap<u64, Band> = BTreeMap::new();
    let (mut context, mut max_output) = (None, None);
    for (name, value) in &fields.0 {
        match name.as_str() {
            "max_input_tokens" => context = tokens(Some(*value)),
            "max_output_tokens" => max_output = tokens(Some(*value)).and_then(|count| u32::try_from(count).ok()),
            _ => {}
        }
        let (bucket, threshold) = band_of(name);
        let band = threshold.map_or(&mut base, |over| above.entry(over).or_default());
        let Some(slot) = band.slot(bucket) else { continue };
        if value.get() == "null" {
            continue;
        }
        let price = per_token(value.get()).map_err(|why| wrong(format!("{name} {why}")))?;
        if slot.replace(price).is_some_and(|other| other != price) {
            return Err(wrong(format!("it states {name} twice")));
        }
    }
    let Some(rates) = base.stated() else { return Ok(None) };
    // One threshold is kept: the first, at the dearest rates above it.
    let mut long: Option<StatedLong> = None;
    for (over_tokens, band) in above {
        let Some(rates) = band.stated() else { continue };
        long = Some(match long {
            None => StatedLong { over_tokens, rates },
            Some(known) => StatedLong { rates: known.rates.dearer(&rates), ..known },
        });
    }
    Ok(Some(ListedRow { vendor, id: id.to_owned(), context, max_output, rates, long }))
}

/// `input_cost_per_token_above_272k_tokens` is `input_cost_per_token` above 272,000 tokens.
fn band_of(name: &str) -> (&str, Option<u64>) {
    let above = |name: &'_ str| -> Option<(usize, u64)> {
        let at = name.rfind("_above_")?;
        let thousands = name[at..].strip_prefix("_above_")?.strip_suffix("k_tokens")?.parse::<u64>().ok()?;
        (1..=100_000).contains(&thousands).then_some((at, thousands * 1_000))
    };
    match above(name) {
        Some((at, over)) => (&name[..at], Some(over)),
        None => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_read_from_the_names() {
        for (name, bucket, over) in [
            ("input_cost_per_token", "input_cost_per_token", None),
            ("input_cost_per_token_above_272k_tokens", "input_cost_per_token", Some(272_000)),
            ("output_cost_per_token_above_200k_tokens", "output_cost_per_token", Some(200_000)),
            ("cache_creation_input_token_cost_above_1hr", "cache_creation_input_token_cost_above_1hr", None),
            (
                "cache_creation_input_token_cost_above_1hr_above_200k_tokens",
                "cache_creation_input_token_cost_above_1hr",
                Some(200_000),
            ),
            (
                "input_cost_per_token_above_272k_tokens_priority",
                "input_cost_per_token_above_272k_tokens_priority",
                None,
            ),
            ("input_cost_per_token_above_0k_tokens", "input_cost_per_token_above_0k_tokens", None),
        ] {
            assert_eq!(band_of(name), (bucket, over), "{name}");
        }
    }
}
