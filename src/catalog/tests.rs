//! Every row of the bundled data against what must hold for any price, and golden costs.

use super::*;
use crate::base::money::{TokenPrice, Usd};
use crate::domain::request::Thinking;
use crate::domain::usage::Usage;

const NOW: &str = "2026-11-24T12:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn catalog() -> &'static Catalog {
    Catalog::bundled()
}

fn price(vendor: &str, id: &str) -> &'static Price {
    catalog().price(vendor, id, at(NOW)).unwrap_or_else(|| panic!("{vendor}/{id} has no price"))
}

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

#[test]
fn every_bundled_file_parses_and_is_of_the_vendor_it_is_listed_under() {
    for (vendor, text) in BUNDLED {
        let parsed = data::parse(text).unwrap_or_else(|e| panic!("{vendor}: {e:?}"));
        assert_eq!(parsed.id, *vendor);
    }
}

#[test]
fn ids_are_unique_and_every_word_resolves() {
    for vendor in catalog().vendors() {
        let mut ids: Vec<&str> = vendor.models.iter().map(|model| model.id.as_str()).collect();
        ids.sort_unstable();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count, "{} lists an id twice", vendor.id);
        let words = vendor.aliases.iter().map(|(alias, _)| alias.as_str());
        for word in words.chain(vendor.tiers.iter().map(|(tier, _)| tier.as_str())) {
            assert!(vendor.resolve(word, at(NOW)).is_some(), "{}: {word} leads nowhere", vendor.id);
        }
    }
}

#[test]
fn the_newest_of_a_family_stands_first() {
    for vendor in catalog().vendors() {
        for model in &vendor.models {
            let family = vendor.models.iter().filter(|other| other.family == model.family);
            let dates: Vec<_> = family.filter_map(|other| other.released).collect();
            assert!(dates.is_sorted_by(|a, b| a >= b), "{} {}", vendor.id, model.family);
        }
    }
}

#[test]
fn prices_are_sane() {
    for model in catalog().models() {
        let name = format!("{}/{}", model.vendor, model.id);
        for price in &model.prices {
            assert!(!price.source.is_empty() && price.hash.len() == 12, "{name}");
            let long = price.long.as_ref().map(|long| &long.rates);
            for rates in std::iter::once(&price.rates).chain(long) {
                assert!(rates.input > TokenPrice::ZERO && rates.output >= rates.input, "{name}");
                assert!(rates.cache_read <= rates.input, "{name}: a cache read dearer than input");
                assert!(rates.cache_write_5m >= rates.cache_read, "{name}");
            }
            if let Some(long) = long {
                assert!(long.input >= price.rates.input && long.output >= price.rates.output, "{name}");
            }
        }
        let starts: Vec<_> = model.prices.iter().map(|price| price.from).collect();
        assert!(starts.is_sorted(), "{name}: prices are not in order of time");
    }
}

#[test]
fn anthropic_writes_are_multiples_of_input() {
    for model in &catalog().vendor("anthropic").unwrap().models {
        for price in &model.prices {
            let long = price.long.as_ref().map(|long| &long.rates);
            for rates in std::iter::once(&price.rates).chain(long) {
                assert_eq!(rates.cache_write_1h.picos(), rates.input.picos() * 2, "{}", model.id);
                if model.id != "claude-3-haiku-20240307" {
                    assert_eq!(rates.cache_write_5m.picos() * 4, rates.input.picos() * 5, "{}", model.id);
                }
            }
        }
    }
}

#[test]
fn openai_long_requests_cost_twice_the_input_and_half_more_output() {
    for model in &catalog().vendor("openai").unwrap().models {
        for price in &model.prices {
            let Some(long) = &price.long else {
                assert!(model.context < 1_050_000, "{} has no long rates", model.id);
                continue;
            };
            assert_eq!(long.over_tokens, 272_000);
            assert_eq!(long.rates.input.picos(), price.rates.input.picos() * 2, "{}", model.id);
            assert_eq!(long.rates.cache_read.picos(), price.rates.cache_read.picos() * 2, "{}", model.id);
            assert_eq!(long.rates.cache_write_5m.picos(), price.rates.cache_write_5m.picos() * 2, "{}", model.id);
            assert_eq!(long.rates.output.picos() * 2, price.rates.output.picos() * 3, "{}", model.id);
        }
    }
}

/// The tables of the providers' own pages, row by row: input, cache read, write 5 min, write 1 h, output.
#[test]
fn the_published_tables() {
    for (vendor, id, row) in [
        ("anthropic", "claude-fable-5-1", "10 0.25 12.50 20 50"),
        ("anthropic", "claude-mythos-5-1", "10 0.25 12.50 20 50"),
        ("anthropic", "claude-fable-5", "10 1 12.50 20 50"),
        ("anthropic", "claude-mythos-5", "10 1 12.50 20 50"),
        ("anthropic", "claude-opus-5-5", "4 0.20 5 8 20"),
        ("anthropic", "claude-opus-5", "5 0.50 6.25 10 25"),
        ("anthropic", "claude-opus-4-8", "5 0.50 6.25 10 25"),
        ("anthropic", "claude-opus-4-7", "5 0.50 6.25 10 25"),
        ("anthropic", "claude-opus-4-6", "5 0.50 6.25 10 25"),
        ("anthropic", "claude-opus-4-5-20251101", "5 0.50 6.25 10 25"),
        ("anthropic", "claude-sonnet-5-5", "2 0.10 2.50 4 10"),
        ("anthropic", "claude-sonnet-5", "2 0.20 2.50 4 10"),
        ("anthropic", "claude-sonnet-4-6", "3 0.30 3.75 6 15"),
        ("anthropic", "claude-sonnet-4-5-20250929", "3 0.30 3.75 6 15"),
        ("anthropic", "claude-haiku-5-5", "0.10 0.01 0.125 0.20 0.50"),
        ("anthropic", "claude-haiku-4-5-20251001", "1 0.10 1.25 2 5"),
        ("anthropic", "claude-opus-4-20250514", "15 1.50 18.75 30 75"),
        ("anthropic", "claude-opus-4-1-20250805", "15 1.50 18.75 30 75"),
        ("anthropic", "claude-3-5-haiku-20241022", "0.80 0.08 1 1.60 4"),
        ("anthropic", "claude-3-haiku-20240307", "0.25 0.03 0.30 0.50 1.25"),
        ("openai", "gpt-6.2-astra", "8 0.40 10 10 40"),
        ("openai", "gpt-6-astra", "10 1 12.50 12.50 50"),
        ("openai", "gpt-6.2-sol", "2 0.10 2.50 2.50 10"),
        ("openai", "gpt-6.1-sol", "2 0.10 2.50 2.50 10"),
        ("openai", "gpt-6-sol", "2 0.20 2.50 2.50 10"),
        ("openai", "gpt-6.1-terra", "1 0.05 1.25 1.25 5"),
        ("openai", "gpt-6-luna", "0.10 0.01 0.125 0.125 0.50"),
        ("openai", "gpt-5.6", "4 0.40 5 5 20"),
        ("openai", "gpt-5.6-terra", "2 0.20 2.50 2.50 12"),
        ("openai", "gpt-5.6-luna", "0.20 0.02 0.25 0.25 1.20"),
        ("openai", "gpt-5.5", "5 0.50 5 5 30"),
        ("openai", "gpt-5.4", "2.50 0.25 2.50 2.50 15"),
        ("openai", "gpt-5.4-mini", "0.75 0.075 0.75 0.75 4.50"),
        ("openai", "gpt-5.4-nano", "0.20 0.02 0.20 0.20 1.25"),
        ("openai", "gpt-5.3-codex", "1.75 0.175 1.75 1.75 14"),
        ("openai", "gpt-5.2", "1.75 0.175 1.75 1.75 14"),
        ("openai", "gpt-5.1-codex", "1.25 0.125 1.25 1.25 10"),
        ("openai", "gpt-5", "1.25 0.125 1.25 1.25 10"),
        ("openai", "gpt-5-codex", "1.25 0.125 1.25 1.25 10"),
        ("openai", "gpt-5.1-codex-mini", "0.25 0.025 0.25 0.25 2"),
        ("openai", "gpt-5-mini", "0.25 0.025 0.25 0.25 2"),
    ] {
        let rates = price(vendor, id).rates;
        let found = [rates.input, rates.cache_read, rates.cache_write_5m, rates.cache_write_1h, rates.output];
        let expected: Vec<TokenPrice> = row.split(' ').map(|text| text.parse().unwrap()).collect();
        assert_eq!(found[..], expected[..], "{vendor}/{id}");
    }
}

#[test]
fn a_call_with_every_kind_of_token_is_exact_to_the_nano_dollar() {
    let usage = Usage {
        input: 1_234,
        cache_read: 56_789,
        cache_write_5m: 4_321,
        cache_write_1h: 999,
        output: 2_468,
        reasoning: 1_000,
    };
    // 1234*2 + 56789*0.10 + 4321*2.50 + 999*4 + 2468*10, in millionths of a dollar.
    assert_eq!(price("anthropic", "claude-sonnet-5-5").list_cost(&usage), usd("0.0476254"));
}

#[test]
fn golden_costs_to_the_cent() {
    let call = |input, cache_read, cache_write_5m, output| Usage {
        input,
        cache_read,
        cache_write_5m,
        output,
        ..Usage::default()
    };
    for (vendor, id, usage, expected) in [
        // The first turn writes the prefix, the second reads it.
        ("anthropic", "claude-opus-5-5", call(2_000, 0, 98_000, 10_000), "0.698"),
        ("anthropic", "claude-opus-5-5", call(2_000, 98_000, 0, 10_000), "0.2276"),
        // Opus 4.8 reads at 10 % of input, Opus 5.5 at 5 %, Fable 5.1 at 2.5 %.
        ("anthropic", "claude-opus-4-8", call(0, 1_000_000, 0, 0), "0.50"),
        ("anthropic", "claude-fable-5-1", call(0, 1_000_000, 0, 0), "0.25"),
        // Haiku's band: the whole request, counted over all prompt tokens. 100,000 is still below.
        ("anthropic", "claude-haiku-5-5", call(100_000, 0, 0, 1_000), "0.0105"),
        ("anthropic", "claude-haiku-5-5", call(100_001, 0, 0, 0), "0.0500005"),
        ("anthropic", "claude-haiku-5-5", call(1, 60_000, 40_000, 1_000), "0.0305005"),
        ("anthropic", "claude-haiku-5-5", call(0, 60_000, 40_000, 1_000), "0.0061"),
        // Sonnet 4.5 beyond 200K under the 1M beta.
        ("anthropic", "claude-sonnet-4-5", call(200_000, 0, 0, 1_000), "0.615"),
        ("anthropic", "claude-sonnet-4-5-20250929", call(200_001, 0, 0, 1_000), "1.222506"),
        // No surcharge on Opus and Sonnet 5.5 at any length.
        ("anthropic", "claude-sonnet-5-5", call(900_000, 0, 0, 1_000), "1.81"),
        // OpenAI from 5.4 on: 272,000 is still the short rate; cached tokens count.
        ("openai", "gpt-6.2-sol", call(272_000, 0, 0, 1_000), "0.554"),
        ("openai", "gpt-6.2-sol", call(272_001, 0, 0, 1_000), "1.103004"),
        ("openai", "gpt-6.2-sol", call(1, 200_000, 72_000, 1_000), "0.415004"),
        ("openai", "gpt-5.4", call(300_000, 0, 0, 10_000), "1.725"),
        ("openai", "gpt-6-luna", call(10_000, 0, 20_000, 2_000), "0.0045"),
        // Before 5.6 a written token is an ordinary one; before 5.4 there are no long rates.
        ("openai", "gpt-5.5", call(1_000, 0, 1_000, 0), "0.01"),
        ("openai", "gpt-5.2", call(272_000, 0, 0, 0), "0.476"),
        ("openai", "gpt-4o-2024-05-13", call(1_000, 1_000, 0, 1_000), "0.025"),
        ("minimax", "MiniMax-M3", call(512_001, 0, 0, 0), "0.3072006"),
    ] {
        assert_eq!(price(vendor, id).list_cost(&usage), usd(expected), "{vendor}/{id} {usage:?}");
    }
}

#[test]
fn prices_change_with_time() {
    let read = |when: &str| catalog().price("anthropic", "claude-sonnet-5-5", at(when)).unwrap().rates.cache_read;
    assert_eq!(read("2026-10-06T23:59:59Z"), "0.20".parse().unwrap());
    assert_eq!(read("2026-10-07T00:00:00Z"), "0.10".parse().unwrap());
    let input = |when: &str| catalog().price("openai", "gpt-5.6-terra", at(when)).unwrap().rates.input;
    assert_eq!(input("2026-07-29T12:00:00Z"), "2.50".parse().unwrap());
    assert_eq!(input("2026-07-30T00:00:00Z"), "2".parse().unwrap());
    assert_eq!(input("2026-01-01T00:00:00Z"), "2.50".parse().unwrap(), "before the first row, the first row");
}

#[test]
fn a_hold_takes_the_dearest_rate_that_the_size_allows() {
    let haiku = price("anthropic", "claude-haiku-5-5");
    assert_eq!(haiku.dearest(100_000), ("0.20".parse().unwrap(), "0.50".parse().unwrap()));
    assert_eq!(haiku.dearest(100_001), ("1".parse().unwrap(), "2.50".parse().unwrap()));
    let sol = price("openai", "gpt-6.2-sol");
    assert_eq!(sol.dearest(1_000), ("2.50".parse().unwrap(), "10".parse().unwrap()));
}

proptest::proptest! {
    /// What makes the cap hold: no mix of tokens costs more than the hold's two prices say.
    #[test]
    fn no_call_costs_more_than_its_dearest_rates(
        input in 0_u64..400_000, cache_read in 0_u64..400_000, cache_write_5m in 0_u64..400_000,
        cache_write_1h in 0_u64..400_000, output in 0_u64..128_000,
    ) {
        let usage = Usage { input, cache_read, cache_write_5m, cache_write_1h, output, reasoning: 0 };
        for model in catalog().models() {
            for price in &model.prices {
                let (dear_input, dear_output) = price.dearest(usage.prompt());
                let bound = Usd::from_picos(dear_input.times(usage.prompt()) + dear_output.times(output));
                proptest::prop_assert!(price.list_cost(&usage) <= bound, "{}", model.id);
            }
        }
    }
}

#[test]
fn words_lead_to_the_newest_open_row() {
    for (vendor, word, id) in [
        ("anthropic", "opus", "claude-opus-5-5"),
        ("anthropic", "sonnet", "claude-sonnet-5-5"),
        ("anthropic", "haiku", "claude-haiku-5-5"),
        ("anthropic", "fable", "claude-fable-5-1"),
        ("anthropic", "fast", "claude-haiku-5-5"),
        ("anthropic", "balanced", "claude-sonnet-5-5"),
        ("anthropic", "best", "claude-opus-5-5"),
        ("openai", "gpt", "gpt-6.2-sol"),
        ("openai", "gpt-mini", "gpt-6-luna"),
        ("openai", "fast", "gpt-6-luna"),
        ("openai", "balanced", "gpt-6.2-sol"),
        ("openai", "best", "gpt-6.2-astra"),
        ("openai", "terra", "gpt-6.1-terra"),
        ("groq", "balanced", "openai/gpt-oss-120b"),
    ] {
        assert_eq!(catalog().resolve(vendor, word, at(NOW)).unwrap().id, id, "{vendor} {word}");
    }
    assert!(catalog().resolve("anthropic", "mythos", at(NOW)).is_err(), "limited models are named by id");
    assert!(catalog().resolve("mistral", "devstral", at(NOW)).is_err(), "retired models are named by id");
}

#[test]
fn exact_ids_always_work_dated_and_retired_ones_too() {
    let resolve = |vendor, id| catalog().resolve(vendor, id, at(NOW)).unwrap();
    let retired = resolve("anthropic", "claude-opus-4-1-20250805");
    assert_eq!(retired.id, "claude-opus-4-1-20250805");
    assert!(retired.model.is_retired(at(NOW)));
    assert_eq!(
        retired.model.warning(at(NOW)).unwrap(),
        "claude-opus-4-1-20250805 was retired on 2026-08-05; its vendor may refuse it"
    );
    let soon = resolve("anthropic", "claude-sonnet-4-5").model;
    assert_eq!(soon.warning(at(NOW)).unwrap(), "claude-sonnet-4-5 retires on 2026-11-30");
    assert!(soon.warning(at("2026-07-01T00:00:00Z")).is_none());
    let unlisted = resolve("openai", "gpt-6.2-sol-2026-11-17");
    assert_eq!((unlisted.id.as_str(), unlisted.how), ("gpt-6.2-sol-2026-11-17", Match::Snapshot));
    assert_eq!(unlisted.model.id, "gpt-6.2-sol");
}

#[test]
fn an_unknown_name_says_what_is_close_and_who_has_it() {
    let unknown = |vendor, name| catalog().resolve(vendor, name, at(NOW)).unwrap_err();
    assert_eq!(unknown("anthropic", "sonet").suggestions.first().unwrap(), "sonnet");
    let typo = unknown("anthropic", "claude-sonet-5-5");
    assert!(typo.plausible);
    assert_eq!(typo.suggestions.first().unwrap(), "claude-sonnet-5-5");
    let elsewhere = unknown("anthropic", "gpt");
    assert!(!elsewhere.plausible);
    assert_eq!(elsewhere.elsewhere, ["openai"]);
}

#[test]
fn new_models_drop_old_knobs() {
    for (vendor, id, thinking) in [
        ("anthropic", "claude-sonnet-5-5", Thinking::Adaptive),
        ("anthropic", "claude-opus-4-6", Thinking::Adaptive),
        ("anthropic", "claude-opus-4-5", Thinking::Budget),
        ("anthropic", "claude-haiku-4-5-20251001", Thinking::Budget),
        ("anthropic", "claude-3-7-sonnet-20250219", Thinking::Budget),
        ("anthropic", "claude-3-5-sonnet-20241022", Thinking::None),
        ("openai", "gpt-6.2-sol", Thinking::Effort),
        ("openai", "gpt-4.1", Thinking::None),
        ("zai", "glm-5.2", Thinking::None),
    ] {
        assert_eq!(catalog().find(vendor, id).unwrap().traits.thinking, thinking, "{id}");
    }
}
