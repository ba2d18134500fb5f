//! Golden comparisons: figures computed by hand from the published prices, with their arithmetic.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::domain::usage::Usage;
use crate::routing::testing::World;

fn now() -> Timestamp {
    "2026-11-25T12:00:00Z".parse().unwrap()
}

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

fn tokens(input: u64, cache_read: u64, five: u64, hour: u64, output: u64) -> Usage {
    Usage { input, cache_read, cache_write_5m: five, cache_write_1h: hour, output, reasoning: 0 }
}

/// `(task, provider, model, hours ago, usage)`.
type Line5 = (&'static str, &'static str, &'static str, i64, Usage);

fn compare_in(world: &World, calls: &[Line5]) -> Comparison {
    let market =
        Market { settings: &world.settings, catalog: Catalog::bundled(), offers: Offers::bundled(), now: now() };
    let since = now() - SignedDuration::from_secs(MONTH_SECONDS);
    let answer = market.history::<std::convert::Infallible>(since, now(), |each| {
        for (task, provider, model, hours, usage) in calls {
            let at = now() - SignedDuration::from_hours(*hours);
            each(&Call { task, provider, model, at, usage: *usage });
        }
        Ok(())
    });
    answer.unwrap()
}

fn compare(calls: &[Line5]) -> Comparison {
    compare_in(&World::new(), calls)
}

fn month(comparison: &Comparison, id: &str) -> Usd {
    comparison.paths.iter().find(|path| path.id == id).unwrap_or_else(|| panic!("no path {id}")).month
}

/// Where the path that is cheaper at first, which is `a`, is no longer.
fn at(comparison: &Comparison, a: &str, b: &str) -> Vec<u64> {
    let id = |at: usize| comparison.paths[at].id.as_str();
    let pair = comparison.crossings.iter().find(|one| id(one.first) == a && id(one.second) == b).unwrap();
    assert_eq!(pair.at.first_cheaper, Some(true));
    pair.at.flips.clone()
}

/// Cache tiers of each kind, both sides of two long-context thresholds, two vendors, an imported provider's name:
/// - sonnet 5.5: 1,000 x $2 + 50,000 x $0.10 + 4,000 x $2.50 + 2,000 x $4 + 3,000 x $10 a million
///   = $0.002 + $0.005 + $0.010 + $0.008 + $0.030 = $0.055
/// - haiku 5.5, a prompt of 100,000: 100,000 x $0.10 + 1,000 x $0.50 = $0.0105
/// - haiku 5.5, a prompt of 100,001: 100,001 x $0.50 + 1,000 x $2.50 = $0.0525005
/// - sol 6.2, a prompt of 272,000: 1,000 x $2 + 271,000 x $0.10 + 1,000 x $10 = $0.0391
/// - sol 6.2, a prompt of 272,001: 1 x $4 + 272,000 x $0.20 + 1,000 x $15 = $0.069404
const GOLDEN: [Line5; 5] = [
    (
        "t1",
        "anthropic",
        "claude-sonnet-5-5",
        50,
        Usage {
            input: 1_000,
            cache_read: 50_000,
            cache_write_5m: 4_000,
            cache_write_1h: 2_000,
            output: 3_000,
            reasoning: 1_000,
        },
    ),
    (
        "t1",
        "claude",
        "claude-haiku-5-5",
        49,
        Usage { input: 100_000, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, output: 1_000, reasoning: 0 },
    ),
    (
        "t2",
        "anthropic",
        "claude-haiku-5-5",
        48,
        Usage { input: 100_001, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, output: 1_000, reasoning: 0 },
    ),
    (
        "t3",
        "codex",
        "gpt-6.2-sol",
        3,
        Usage { input: 1_000, cache_read: 271_000, cache_write_5m: 0, cache_write_1h: 0, output: 1_000, reasoning: 0 },
    ),
    (
        "t3",
        "openai",
        "gpt-6.2-sol-2026-11-17",
        2,
        Usage { input: 1, cache_read: 272_000, cache_write_5m: 0, cache_write_1h: 0, output: 1_000, reasoning: 0 },
    ),
];

#[test]
fn the_golden_ledger_to_the_nano_dollar() {
    let comparison = compare(&GOLDEN);
    // $0.055 + $0.0105 + $0.0525005 + $0.0391 + $0.069404 = $0.2265045
    assert_eq!(month(&comparison, "own-keys"), usd("0.2265045"));
    assert_eq!(comparison.paths[0].period, usd("0.2265045"));
    let of = |id: &str| comparison.used.models.iter().find(|one| one.id == id).unwrap();
    assert_eq!(of("claude-haiku-5-5").list, i128::from(usd("0.0630005").nanos()));
    assert_eq!((of("gpt-6.2-sol").calls, of("gpt-6.2-sol").list), (2, i128::from(usd("0.108504").nanos())));
    assert_eq!((comparison.used.tasks, comparison.used.calls), (3, 5));
    // The plan's price and the other vendor's tokens at list price.
    assert_eq!(month(&comparison, "claude-pro"), usd("20.108504"));
    assert_eq!(month(&comparison, "chatgpt-plus"), usd("20.1180005"));
    // One plan of each seller: $20.00 + $8.00 serve everything, $200.00 + $200.00 as well.
    assert_eq!(month(&comparison, "claude-pro+chatgpt-go"), usd("28.00"));
    assert_eq!(month(&comparison, "claude-ultra+chatgpt-pro-200"), usd("400.00"));
    // 5.5 % of it would be about a cent: the least fee is $0.80.
    assert_eq!(month(&comparison, "openrouter"), usd("1.0265045"));
    // $0.2265045 x 1.0615
    assert_eq!(month(&comparison, "opencode-zen"), usd("0.240434527"));
    assert_eq!((month(&comparison, "openrouter-free"), month(&comparison, "local")), (Usd::ZERO, Usd::ZERO));
    // A thousand such tasks: $0.2265045 / 3 x 1,000.
    assert_eq!(comparison.paths[0].thousand_tasks, Some(usd("75.5015")));
    assert!(comparison.used.unpriced.is_empty());
}

#[test]
fn light_use_keeps_its_key_and_heavy_use_takes_a_plan() {
    // One task of $0.055 a week in the month: 4 tasks, $0.22.
    let light: Vec<Line5> =
        ["a", "b", "c", "d"].map(|task| (task, "anthropic", "claude-sonnet-5-5", 24, GOLDEN[0].4)).to_vec();
    let light = compare(&light);
    assert_eq!(month(&light, "own-keys"), usd("0.22"));
    // $20.00 / $0.055 = 363.6 tasks a month, x 7 / 30 = 84.848 a week.
    assert_eq!(at(&light, "own-keys", "claude-pro"), [8_485]);
    insta::assert_snapshot!(light.advice, @"Your own key costs least: $0.22 a month at list price; the cheapest plan that serves these models, Claude Pro at $20.00, pays from 85 tasks a week (now 0.93).");

    // Opus 5.5: 2,000,000 x $0.20 + 200,000 x $5 + 40,000 x $20 a million = $0.40 + $1.00 + $0.80 = $2.20 a call.
    let call = tokens(0, 2_000_000, 200_000, 0, 40_000);
    let mut heavy: Vec<Line5> = (0..200).map(|at| ("s", "claude", "claude-opus-5-5", 700 - at, call)).collect();
    heavy.push(("s2", "claude", "claude-opus-5-5", 1, call));
    let heavy = compare(&heavy);
    // 201 x $2.20
    assert_eq!(month(&heavy, "own-keys"), usd("442.20"));
    assert_eq!(month(&heavy, "openrouter"), usd("466.521"));
    insta::assert_snapshot!(heavy.advice, @"A plan costs less than your own key ($442.20 a month at list price): Claude Pro saves $422.20 a month if its limit, which is not published in tokens, holds this use, and Claude Ultra would still save $242.20.");

    // 30 x $2.20 = $66.00: between the two plans.
    let middle: Vec<Line5> = (0..30).map(|at| ("s", "claude", "claude-opus-5-5", 700 - at, call)).collect();
    insta::assert_snapshot!(compare(&middle).advice, @"A plan costs less than your own key ($66.00 a month at list price): Claude Pro saves $46.00 a month if its limit, which is not published in tokens, holds this use.");
}

/// GLM 5.2: 10,000,000 x $0.26 + 1,000,000 x $4.40 a million = $2.60 + $4.40 = $7.00 a call.
#[test]
fn a_limit_in_dollars_is_checked_against_month_week_and_hours() {
    let call = tokens(0, 10_000_000, 0, 0, 1_000_000);
    // Two weeks apart: no window holds two of them, $28.00 in all.
    let spread: Vec<Line5> = [600, 440, 260, 80].map(|hours| ("g", "zai", "glm-5.2", hours, call)).to_vec();
    let spread = compare(&spread);
    let go = |comparison: &Comparison| comparison.paths.iter().find(|path| path.id == "opencode-go").unwrap().clone();
    assert_eq!(go(&spread).month, usd("10.00"));
    assert_eq!(go(&spread).holds.known(), Some(true));
    // OpenRouter sells GLM 5.2 for less: 4 x ($1.80 + $3.00) and 5.5 % are $20.256.
    insta::assert_snapshot!(spread.advice, @"A plan costs less than OpenRouter ($20.26 a month with its fees): OpenCode Go saves $10.26 a month and its limit holds this use.");
    // The same within five hours: $14.00 is over $12.00.
    let burst: Vec<Line5> = [600, 440, 12, 9].map(|hours| ("g", "zai", "glm-5.2", hours, call)).to_vec();
    assert!(go(&compare(&burst)).holds.words().contains("this use is $14.00 in the busiest 5 hours"));
    // 12 calls, $84.00 a month: $24.00 over the allowance of $60.00.
    let much: Vec<Line5> = (0..12).map(|at| ("g", "zai", "glm-5.2", 700 - 50 * at, call)).collect();
    let much = compare(&much);
    assert_eq!(go(&much).month, usd("34.00"));
    assert!(go(&much).holds.words().contains("this use is $84.00 a month"), "{}", go(&much).holds.words());
    // Go Plus holds it for $40.00.
    assert_eq!(month(&much, "opencode-go-plus"), usd("40.00"));
}

#[test]
fn gateways_charge_their_own_price_markup_and_fee() {
    let world = World::new().gateway("work", |provider| {
        provider.markup = "8%".parse().unwrap();
    });
    // GLM 5.2 through OpenRouter: 10,000,000 x $0.18 + 1,000,000 x $3 a million = $4.80, and 5.5 % of it under $0.80.
    let calls: [Line5; 1] = [("g", "zai", "glm-5.2", 5, tokens(0, 10_000_000, 0, 0, 1_000_000))];
    let comparison = compare_in(&world, &calls);
    assert_eq!(month(&comparison, "own-keys"), usd("7.00"));
    assert_eq!(month(&comparison, "openrouter"), usd("5.60"));
    // The user's own gateway: list price and 8 %.
    assert_eq!(month(&comparison, "work"), usd("7.56"));
    insta::assert_snapshot!(comparison.advice, @"OpenRouter costs least: $5.60 a month with its fees; the cheapest plan that serves these models, OpenCode Go at $10.00, pays from 1 task a week (now 0.23).");
}

#[test]
fn calls_without_a_price_are_named_and_nothing_is_made_up_for_them() {
    let unknown: [Line5; 3] = [
        ("a", "anthropic", "claude-sonnet-5-5", 9, tokens(1_000_000, 0, 0, 0, 0)),
        ("a", "somewhere", "house-large", 8, tokens(5, 0, 0, 0, 5)),
        ("a", "claude", "<synthetic>", 7, Usage::default()),
    ];
    let comparison = compare(&unknown);
    assert_eq!((comparison.used.calls, comparison.used.unpriced.len()), (2, 1));
    assert!(comparison.advice.contains("at least $2.00"), "{}", comparison.advice);
    assert!(comparison.assumptions.iter().any(|line| line.contains("1 call of house-large, sent to somewhere")));
    let nothing = compare(&unknown[1..2]);
    assert_eq!(nothing.advice, "None of the recorded calls has a known price, so nothing can be compared.");
}

#[test]
fn a_stated_workload_is_the_same_arithmetic() {
    let world = World::new();
    let market =
        Market { settings: &world.settings, catalog: Catalog::bundled(), offers: Offers::bundled(), now: now() };
    let (vendor, model) = market.resolve(Some("sonnet")).unwrap();
    let (tasks, seconds) = Stated::tasks("5/week").unwrap();
    let stated = Stated { tasks, seconds, tokens: "100k,900k,15k".parse().unwrap(), vendor, model };
    let comparison = market.stated(stated, false).unwrap();
    // 100,000 x $2 + 900,000 x $0.10 + 15,000 x $10 a million = $0.20 + $0.09 + $0.15 = $0.44 a task;
    // x 5 x 30 / 7 = $9.428571429 a month.
    assert_eq!(month(&comparison, "own-keys"), usd("9.428571429"));
    assert_eq!(comparison.paths[0].thousand_tasks, Some(usd("440.00")));
    // $20.00 / $0.44 x 7 / 30 = 10.606 a week.
    assert_eq!(at(&comparison, "own-keys", "claude-pro"), [1_061]);
    // At 5 a week a thousand tasks take 200 weeks, 46 2/3 months of $20.00.
    let pro = comparison.paths.iter().find(|path| path.id == "claude-pro").unwrap();
    assert_eq!(pro.thousand_tasks, Some(usd("933.333333333")));
}

#[test]
fn models_are_found_by_every_name_and_a_wrong_one_is_answered() {
    let world = World::new();
    let market =
        Market { settings: &world.settings, catalog: Catalog::bundled(), offers: Offers::bundled(), now: now() };
    let resolve = |name| market.resolve(name).map(|(vendor, id)| format!("{vendor}/{id}"));
    for (name, found) in [
        (None, "anthropic/claude-sonnet-5-5"),
        (Some("opus"), "anthropic/claude-opus-5-5"),
        (Some("gpt"), "openai/gpt-6.2-sol"),
        (Some("openai/best"), "openai/gpt-6.2-astra"),
        (Some("glm-5.2"), "zai/glm-5.2"),
        (Some("claude-sonnet-4-5-20250929"), "anthropic/claude-sonnet-4-5-20250929"),
    ] {
        assert_eq!(resolve(name).unwrap(), found);
    }
    let failure = resolve(Some("sonet")).unwrap_err();
    assert_eq!((failure.exit_code(), failure.fix[0].as_str()), (2, "--model sonnet"));
    assert_eq!(resolve(Some("openrouter/meta-llama/llama-3.3-70b-instruct")).unwrap_err().code, "unpriced_model");
    let on_openai = World::new().on("openai");
    let market = Market { settings: &on_openai.settings, ..market };
    assert_eq!(market.resolve(None).unwrap().1, "gpt-6.2-sol");
}

prop_compose! {
    fn any_call()(
        task in prop::sample::select(vec!["a", "b", "c"]),
        model in prop::sample::select(vec!["claude-opus-5-5", "claude-haiku-5-5", "gpt-6.2-sol", "glm-5.2", "unknown-1"]),
        input in 0_u64..400_000, read in 0_u64..2_000_000, five in 0_u64..300_000, hour in 0_u64..300_000,
        output in 0_u64..128_000,
    ) -> Line5 {
        let provider = match model {
            "gpt-6.2-sol" => "codex",
            "glm-5.2" => "zai",
            _ => "claude",
        };
        (task, provider, model, 0, tokens(input, read, five, hour, output))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Pricing two parts of a history apart and adding them is pricing the whole.
    #[test]
    fn pricing_again_is_additive(calls in prop::collection::vec(any_call(), 0..40), cut in 0_usize..40) {
        let cut = cut.min(calls.len());
        let own = |calls: &[Line5]| compare(calls).paths[0].period;
        prop_assert_eq!(own(&calls), own(&calls[..cut]) + own(&calls[cut..]));
    }

    /// It does not matter in which order the models come.
    #[test]
    fn the_sum_is_that_of_the_ledger(calls in prop::collection::vec(any_call(), 1..40)) {
        let list: Usd = calls.iter().filter_map(|(_, provider, model, _, usage)| {
            let row = locate(&World::new().settings, Catalog::bundled(), provider, model, now())?;
            Some(row.price(now())?.list_cost(usage))
        }).sum();
        let comparison = compare(&calls);
        prop_assert_eq!(comparison.paths[0].period, list);
        let by_model: i128 = comparison.used.models.iter().map(|one| one.list).sum();
        prop_assert_eq!(by_model, i128::from(list.nanos()));
    }

    /// More calls never make any path cheaper.
    #[test]
    fn no_path_gets_cheaper_by_use(calls in prop::collection::vec(any_call(), 1..20)) {
        let (less, more) = (compare(&calls[1..]), compare(&calls));
        for path in &less.paths {
            prop_assert!(month(&more, &path.id) >= path.month, "{}", path.id);
        }
    }
}
