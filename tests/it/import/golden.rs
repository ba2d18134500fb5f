//! Figures beside those of `ccusage` 20.0.24 (`ccusage TOOL daily --json --offline -z UTC`) on the same logs, and why
//! they differ where they do.

use serde_json::{Value, json};

use super::{home_with, import, json as answer, told};
use crate::support::env::Vk;

/// The report by day: day, calls, the five priced kinds of tokens and the list price, the oldest first.
fn days(vk: &Vk) -> Vec<Value> {
    let report = answer(&vk.run(&["cost", "--by", "day", "--output", "json"]));
    let day = |row: &Value| {
        let used = &row["usage"];
        let written = used["cache_write_5m"].as_u64().unwrap() + used["cache_write_1h"].as_u64().unwrap();
        json!([row["group"], row["calls"], used["input"], used["cache_read"], written, used["output"], row["list_usd"]])
    };
    report["rows"].as_array().unwrap().iter().rev().map(day).collect()
}

/// All as ccusage has it: 13 / 12,000 / 15,800 / 701 on the first day and $0.077508, 10 / 15,000 / 500 / 321 and
/// $0.0187, 9 / 15,000 / 700 / 120 and $0.008481. It counts the model without a price as $0.00; here the day's sum is
/// not known.
#[test]
fn claude_code_agrees_with_ccusage() {
    let vk = home_with(&["claude"]);
    let told_of = import(&vk);
    let found = told(&told_of, "claude-code");
    assert_eq!((&found["calls_new"], &found["sessions"]), (&json!(6), &json!(2)), "{told_of}");
    assert_eq!(found["unpriced"][0]["model"], "claude-next-9");
    assert_eq!(found["list_usd"], Value::Null);
    assert_eq!(
        days(&vk),
        [
            json!(["2026-05-04", 3, 13, 12_000, 15_800, 701, "0.077508"]),
            json!(["2026-05-05", 1, 10, 15_000, 500, 321, "0.0187"]),
            json!(["2026-05-06", 2, 9, 15_000, 700, 120, null]),
        ]
    );
    // A message for an hour's cache is told from one for five minutes.
    let report = answer(&vk.run(&["cost", "--by", "model", "--output", "json"]));
    let sonnet = report["rows"].as_array().unwrap().iter().find(|row| row["group"] == "claude-sonnet-4-5-20250929");
    assert_eq!(sonnet.unwrap()["usage"]["cache_write_1h"], 3_000);
    assert_eq!(sonnet.unwrap()["usage"]["cache_write_5m"], 12_700);
}

/// All as ccusage has it, which knows forks by helpers' replays; a fork is known here by the session it came from.
#[test]
fn codex_agrees_with_ccusage() {
    let vk = home_with(&["codex"]);
    let told_of = import(&vk);
    assert_eq!(told(&told_of, "codex")["calls_new"], 6, "{told_of}");
    assert_eq!(
        days(&vk),
        [
            json!(["2026-05-04", 3, 12_056, 18_944, 0, 840, "0.047476"]),
            json!(["2026-05-05", 1, 3_016, 9_984, 0, 70, "0.011086"]),
            json!(["2026-05-06", 2, 6_008, 4_992, 0, 160, "0.018668"]),
        ]
    );
    // The plan's calls are the plan's; those with a key name nobody.
    let report = answer(&vk.run(&["cost", "--by", "payer", "--output", "json"]));
    let rows: Vec<Value> = report["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| json!([r["group"], r["calls"], r["billed_usd"], r["cost_state"]]))
        .collect();
    assert_eq!(
        rows,
        [json!(["unknown:openai", 2, null, "unknown"]), json!(["subscription:codex", 4, "0.00", "covered"])]
    );
    assert_eq!(report["totals"]["billed"], "0.00");
    assert_eq!(report["totals"]["covered_list"], "0.058562");
    assert_eq!(report["totals"]["unknown_calls"], 2);
    let shown = vk.run(&["cost", "--by", "tool"]);
    assert!(shown.stdout.contains("2 calls, $0.0187 at list price; what was charged is not known"), "{shown}");
}

/// ccusage has 185 tokens of output: it leaves out the 200 of reasoning that a message with a `total` has beside its
/// output, which the provider charges as output. It takes opencode's own cost; here it is the list price.
#[test]
fn opencode_adds_the_reasoning_that_stands_beside_the_output() {
    let vk = home_with(&["opencode"]);
    let told_of = import(&vk);
    let found = told(&told_of, "opencode");
    assert_eq!((&found["files"], &found["calls_new"], &found["broken_lines"]), (&json!(5), &json!(3), &json!(0)));
    let days = days(&vk);
    assert_eq!(days.len(), 1);
    assert_eq!(
        days[0].as_array().unwrap()[..6],
        json!(["2026-05-04", 3, 1_070, 9_800, 900, 385]).as_array().unwrap()[..]
    );
    let report = answer(&vk.run(&["cost", "--by", "path", "--output", "json"]));
    let groups: Vec<&Value> = report["rows"].as_array().unwrap().iter().map(|row| &row["group"]).collect();
    assert_eq!(groups, ["platform", "unknown"]);
}

/// ccusage counts the call that a branch repeats twice (3,000 tokens written to the cache on the first day); here it
/// is one. It takes pi's own cost; here it is the list price.
#[test]
fn pi_counts_what_a_branch_repeats_once() {
    let vk = home_with(&["pi"]);
    let told_of = import(&vk);
    assert_eq!((&told(&told_of, "pi")["calls_new"], &told(&told_of, "pi")["calls_known"]), (&json!(3), &json!(1)));
    assert_eq!(
        days(&vk),
        [
            // 30 x $3 + 1,500 x $3.75 + 12 x $15 a million, and 2,000 x $2.50 + 1,024 x $0.25 + 90 x $15.
            json!(["2026-05-04", 2, 2_030, 1_024, 1_500, 102, "0.012501"]),
            json!(["2026-05-05", 1, 5, 1_530, 40, 6, "0.000714"]),
        ]
    );
}
