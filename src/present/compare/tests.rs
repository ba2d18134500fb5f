//! What people read, at 80 columns. Its figures are checked where they are computed (`routing/compare`).

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::catalog::Catalog;
use crate::catalog::plan::Offers;
use crate::config::FreeSettings;
use crate::config::provider::built_in;
use crate::config::settings::{Budgets, Require, SandboxSettings, Settings};
use crate::config::source::Sourced;
use crate::domain::usage::Usage;
use crate::routing::compare::{Call, MONTH_SECONDS, Market, Stated};

fn now() -> Timestamp {
    "2026-11-25T12:00:00Z".parse().unwrap()
}

fn with<T>(ask: impl FnOnce(&Market<'_>) -> T) -> T {
    let settings = Settings {
        worktree: crate::config::WorktreeSettings::default(),
        bell: crate::config::Sourced::built_in(true),
        path: None,
        provider: None,
        model: None,
        key: None,
        providers: built_in(),
        models: Vec::new(),
        checks: Vec::new(),
        budget: Budgets::of_task(Sourced::built_in(Usd::from_cents(500))),
        fallback: Vec::new(),
        ledger: None,
        mcp: Vec::new(),
        codex_issuer: None,
        builtin: false,
        sandbox: SandboxSettings {
            require: Sourced::built_in(Require::Full),
            read: Vec::new(),
            write: Vec::new(),
            env: Vec::new(),
        },
        free: FreeSettings { pool: None, allow_training: Sourced::built_in(false) },
    };
    ask(&Market { settings: &settings, catalog: Catalog::bundled(), offers: Offers::bundled(), now: now() })
}

/// A month of two tools: 40 calls of Opus and one of GPT.
fn history(days: i64) -> Comparison {
    let since = now() - SignedDuration::from_hours(days * 24);
    let sonnet = Usage { input: 2_000, cache_read: 900_000, cache_write_5m: 40_000, output: 9_000, ..Usage::default() };
    let gpt = Usage { input: 20_000, cache_read: 200_000, output: 4_000, ..Usage::default() };
    let answer = with(|market| {
        market.history::<std::convert::Infallible>(since, now(), |each| {
            for hour in (1..=40).rev() {
                let at = now() - SignedDuration::from_hours(hour);
                let task = if hour > 20 { "a" } else { "b" };
                each(&Call { task, provider: "claude", model: "claude-opus-5-5", at, usage: sonnet });
            }
            each(&Call { task: "c", provider: "codex", model: "gpt-6.2-sol", at: now(), usage: gpt });
            each(&Call { task: "c", provider: "x\u{1b}[2J", model: "house", at: now(), usage: gpt });
            Ok(())
        })
    });
    answer.unwrap()
}

fn fits(text: &str) {
    for line in text.lines() {
        assert!(crate::present::escape::columns(line) <= 80, "{line}");
    }
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn a_history_at_eighty_columns() {
    let text = table(&history(30), Some(80));
    fits(&text);
    insta::assert_snapshot!(text, @r"
    A plan costs less than your own key (at least $22.82 a month at list price):
    Claude Pro saves $2.72 a month if its limit, which is not published in tokens,
    holds this use.

    30 days to 2026-11-25: 3 tasks (0.7 a week), 42 calls, 38.2M tokens:
     path          with              a month     1,000 tasks  beats own keys
     byok          own keys           >= $22.82    $7,606.67
     subscription  Claude Pro         >= $20.10    $6,700.00  from 0.62/week
     subscription  Claude Max        >= $100.10   $33,366.67  from 3.09/week
     subscription  Claude Ultra      >= $200.10   $66,700.00  from 6.17/week
     subscription  ChatGPT Go         >= $30.72   $10,240.00  from 56.00/week
     subscription  ChatGPT Plus       >= $42.72   $14,240.00  from 140.00/week
     subscription  ChatGPT Pro 100   >= $122.72   $40,906.67  from 700.00/week
     subscription  ChatGPT Pro 200   >= $222.72   $74,240.00  from 1,400.00/week
     subscription  Claude Pro +          $28.00    $9,333.33  from 0.86/week
                   ChatGPT Go
     subscription  Claude Ultra +       $400.00  $133,333.33  from 12.27/week
                   ChatGPT Pro 200
     platform      OpenRouter         >= $24.08    $8,025.03  never
     platform      OpenCode Zen       >= $24.22    $8,074.48  never
     free          OpenRouter :free       $0.00        $0.00  other models
     free          a local server         $0.00        $0.00  other models

    break-even in tasks a week: from there on the plan costs no more
                                     own keys  OpenRouter  OpenCode Zen
     Claude Pro                          0.62        0.59          0.59
     Claude Max                          3.09        2.92          2.91
     Claude Ultra                        6.17        5.84          5.81
     ChatGPT Go                         56.00        4.14          3.73
     ChatGPT Plus                      140.00       10.34          9.32
     ChatGPT Pro 100                   700.00       51.66         46.57
     ChatGPT Pro 200                 1,400.00      103.32         93.13
     Claude Pro + ChatGPT Go             0.86        0.82          0.81
     Claude Ultra + ChatGPT Pro 200     12.27       11.64         11.56

     model            calls  input  cached  written  output  at list
     claude-opus-5-5     40  80.0k   36.0M     1.6M    360k   $22.72
     gpt-6.2-sol          1  20.0k    200k        0   4,000    $0.10

    limits
    - Claude Pro: a 5-hour and a weekly limit, neither given in tokens; does not
      serve $0.10 a month of this use, added at list price
    - Claude Max: 5 times the limits of Claude Pro, which are not given in tokens;
      was sold as Max 5x; comes with $100.00 of API credit a month, which byok can
      use; does not serve $0.10 a month of this use, added at list price
    - Claude Ultra: 10 times the weekly limit of Claude Pro, which is not given in
      tokens; was sold as Max 20x; comes with $200.00 of API credit a month, which
      byok can use; does not serve $0.10 a month of this use, added at list price
    - ChatGPT Go: for light coding tasks; below the limits of ChatGPT Plus, which
      are not given in tokens; does not serve $22.72 a month of this use, added at
      list price
    - ChatGPT Plus: a 5-hour and a weekly limit on Codex, given in ranges of
      messages, not in tokens; does not serve $22.72 a month of this use, added at
      list price
    - ChatGPT Pro 100: 5 times the limits of ChatGPT Plus, which are not given in
      tokens; does not serve $22.72 a month of this use, added at list price
    - ChatGPT Pro 200: 20 times the limits of ChatGPT Plus, which are not given in
      tokens; does not serve $22.72 a month of this use, added at list price
    - Claude Pro + ChatGPT Go: those of both
    - Claude Ultra + ChatGPT Pro 200: those of both
    - OpenRouter: list price, no markup, 5.5% on credits bought, $0.80 a purchase at
      least
    - OpenCode Zen: list price, no markup, 6.15% on credits bought
    - OpenRouter :free: holds this use: 50 requests a day, 1000 once $10.00 of
      credits were bought; open models only; your busiest day had 24
    - serve none of these models: OpenCode Go $10.00, OpenCode Go Plus $40.00

    assumed
    - Every recorded call is priced at today's list price by its own size: cache
      reads, both cache writes and long prompts at their own rates.
    - A month is 30 days, the period itself.
    - The first call is of 2026-11-23: days before it count as days without use.
    - A task is one task of vk, or one session of another tool.
    - No price is known for 1 call of house, sent to x\x1b[2J; they are left out, so
      that figures by the token are at least that.
    - A plan is one seat, paid monthly; its limit is not in the arithmetic unless
      its seller gives it in dollars. What it does not serve is added at list price.
    - API credit that comes with a plan pays for the seller's own API, so for byok,
      not for its program; it has to be claimed, ends with each month, and is not in
      the arithmetic.
    - Gateway credits are bought once a month; left-over credit is not lost and not
      counted.
    - Free runs other models: open ones, which may need more tokens for the same
      task.

    prices of
    - gpt-6.2-sol: developers.openai.com model pages and prompt-caching guide,
      2026-11-17
    - claude-opus-5-5: platform.claude.com pricing, model and deprecation pages,
      2026-10-07
    - Claude Pro: claude.com/pricing, 2026-10-30
    - Claude Max, Claude Ultra: claude.com/pricing by the Claude Code Ultimate Guide
      3.45.0: Max 5x is sold as Max, Max 20x as Ultra, 2026-10-31
    - API credit of Claude Max, API credit of Claude Ultra:
      platform.claude.com/docs/en/about-claude/api-credits-for-subscribers,
      2026-10-31
    - ChatGPT Go, ChatGPT Plus, ChatGPT Pro 100, ChatGPT Pro 200:
      developers.openai.com/codex/pricing; the names of the Pro plans from
      openai/codex pull request 49079, 2026-09-28
    - OpenRouter: openrouter.ai/docs/faq, 2026-11-24
    - OpenCode Zen: opencode.ai/zen: $1.23 of card fee on each $20.00, 2026-01-01
    - OpenRouter :free: openrouter.ai/docs, the free variant, 2026-10-17
    ");
}

#[test]
fn a_stated_workload_in_a_pipe() {
    let comparison = with(|market| {
        let (vendor, model) = market.resolve(Some("haiku")).unwrap();
        let stated =
            Stated { tasks: 1_000, seconds: MONTH_SECONDS, tokens: "100k,0.9M,15k".parse().unwrap(), vendor, model };
        market.stated(stated, false).unwrap()
    });
    let text = table(&comparison, None);
    fits(&text);
    insta::assert_snapshot!(text.lines().take(24).collect::<Vec<_>>().join("\n"), @"
    A plan costs less than your own key ($26.50 a month at list price): Claude Pro
    saves $6.50 a month if its limit, which is not published in tokens, holds this
    use.

    233.33 tasks a week of 100,000 tokens in, 900,000 from the cache and 15,000 out
    with claude-haiku-5-5, $0.0265 each at list price:
     path          with              a month  1,000 tasks  beats own keys
     byok          own keys           $26.50       $26.50
     subscription  Claude Pro         $20.00       $20.00  from 176.11/week
     subscription  Claude Max        $100.00      $100.00  from 880.51/week
     subscription  Claude Ultra      $200.00      $200.00  from 1,761.01/week
     platform      OpenRouter         $27.96       $27.96  never
     platform      OpenCode Zen       $28.13       $28.13  never
     free          OpenRouter :free    $0.00        $0.00  other models
     free          a local server      $0.00        $0.00  other models

    break-even in tasks a week: from there on the plan costs no more
                   own keys  OpenRouter  OpenCode Zen
     Claude Pro      176.11      166.93        165.90
     Claude Max      880.51      834.61        829.49
     Claude Ultra  1,761.01    1,669.21      1,658.98

    limits
    - Claude Pro: a 5-hour and a weekly limit, neither given in tokens
    ");
}

#[test]
fn another_period_says_what_was_recorded_and_scales_the_month() {
    let text = table(&history(10), Some(80));
    let line: String =
        text.lines().skip_while(|line| !line.starts_with("10 days")).take(2).collect::<Vec<_>>().join(" ");
    insta::assert_snapshot!(line, @"10 days to 2026-11-25: 3 tasks (2.1 a week), 42 calls, 38.2M tokens, $22.82 at list price:");
    assert!(text.contains("A month is 30 days at the pace of these 10 days."));
}

#[test]
fn markdown_and_json_say_the_same() {
    let comparison = history(30);
    let page = markdown(&comparison);
    assert!(page.starts_with("**A plan costs less than your own key"), "{page}");
    assert!(page.contains("| subscription | Claude Pro | "), "{page}");
    assert!(!page.contains('\u{1b}'));
    let value: serde_json::Value = serde_json::from_str(&json(&comparison)).unwrap();
    assert_eq!(value["advice"], comparison.advice);
    assert_eq!(value["paths"][0]["month_usd"], value["paths"][0]["period_usd"]);
    assert_eq!(value["unpriced"][0]["model"], "house");
    assert_eq!(value["paths"].as_array().unwrap().len(), comparison.paths.len());
    insta::assert_json_snapshot!(value["paths"][1], @r#"
    {
      "path": "subscription",
      "id": "claude-pro",
      "name": "Claude Pro",
      "period_usd": "20.10",
      "month_usd": "20.10",
      "thousand_tasks_usd": "6700.00",
      "plan_usd": "20.00",
      "served_list_usd": "22.72",
      "not_served_list_usd": "0.10",
      "markup": null,
      "fee": null,
      "least_fee_usd": null,
      "limit": "a 5-hour and a weekly limit, neither given in tokens",
      "holds": null,
      "api_credit_usd": null,
      "source": "claude.com/pricing",
      "as_of": "2026-10-30"
    }
    "#);
    insta::assert_json_snapshot!(value["break_even"][0], @r#"
    {
      "a": "own-keys",
      "b": "claude-pro",
      "tasks_week": "0.62",
      "cheaper_below": "own-keys",
      "cheaper_above": "claude-pro",
      "until_tasks_week": null
    }
    "#);
}

#[test]
fn counts_are_short_and_money_is_grouped() {
    let shown: Vec<String> =
        [0, 9_999, 10_000, 75_000, 999_999, 4_500_000, 61_234_567, 123_456_789_000].map(short).into();
    assert_eq!(shown, ["0", "9,999", "10.0k", "75.0k", "999k", "4.5M", "61.2M", "123G"]);
    let money = |text: &str| crate::routing::compare::dollars(text.parse().unwrap());
    assert_eq!(
        [money("0.0042"), money("999.999"), money("4666.67"), money("1234567")],
        ["$0.0042", "$1,000.00", "$4,666.67", "$1,234,567.00"]
    );
}

#[test]
fn a_stated_workload_that_passes_the_free_pools_limit_says_so() {
    let shown = |tasks| {
        let comparison = with(|market| {
            let (vendor, model) = market.resolve(Some("haiku")).unwrap();
            let tokens = "100k,0.9M,15k".parse().unwrap();
            market.stated(Stated { tasks, seconds: 7 * 86_400, tokens, vendor, model }, false).unwrap()
        });
        table(&comparison, Some(120))
    };
    let passed = shown(1_000);
    assert!(passed.contains("does not hold this use: 50 requests a day"), "{passed}");
    assert!(passed.contains("this is 142 tasks a day") && passed.contains("limit passed"), "{passed}");
    assert!(!shown(7 * 50).contains("limit passed"));
}
