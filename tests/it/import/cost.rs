//! Reports over imported and own calls: the kept sums of days are always those of their calls.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use vibekit::ledger::query::{Group, Query, Report};
use vibekit::ledger::{Ledger, Owner, Settlement};

use super::home_with;
use crate::ledger::{attempt, billed, settlement, task, usd};

fn start() -> Timestamp {
    "2026-05-01T00:00:00Z".parse().unwrap()
}

/// By session, nothing is kept: every other report must have the same sums.
fn agree(ledger: &Ledger, query: &Query) -> Result<(), TestCaseError> {
    let of = |by| -> Report { ledger.report(&Query { by, ..query.clone() }, start()).unwrap() };
    let direct = of(Group::Session).total;
    for by in Group::ALL {
        prop_assert_eq!(of(by).total, direct, "{:?}", by);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn the_sums_of_days_are_those_of_their_calls(
        steps in prop::collection::vec((0_u8..4, 0_i64..100_000, 0_u64..9_000), 1..25),
        edges in (0_i64..150_000, 0_i64..150_000),
    ) {
        let ledger = Ledger::in_memory(Owner { pid: 1, started: 7, host: "here".to_owned() }).unwrap();
        ledger.begin_task(&task("t1", start())).unwrap();
        let moment = |minutes: i64| start() + SignedDuration::from_mins(minutes);
        let mut open = Vec::new();
        let (since, until) = (edges.0.min(edges.1), edges.0.max(edges.1) + 1);
        for (at, (step, minutes, tokens)) in steps.into_iter().enumerate() {
            match step {
                0 | 1 => {
                    let new = attempt("t1", u32::try_from(at).unwrap(), usd("0.01"), moment(minutes));
                    ledger.reserve(&new, &[]).unwrap();
                    open.push(new);
                }
                2 => {
                    if let Some(new) = open.pop() {
                        let mut end: Settlement = settlement(billed(usd("0.01")), new.sent_at);
                        end.usage.output = tokens;
                        ledger.settle(&new.attempt_id, &end).unwrap();
                    }
                }
                _ => {
                    if let Some(new) = open.pop() {
                        ledger.abort(&new.attempt_id, "cancelled", new.sent_at).unwrap();
                    }
                }
            }
            agree(&ledger, &Query::by(Group::Day))?;
            let some = Query { since: Some(moment(since)), until: Some(moment(until)), ..Query::by(Group::Day) };
            agree(&ledger, &some)?;
            agree(&ledger, &Query { project: Some("shop".to_owned()), ..some })?;
        }
    }
}

#[test]
fn every_group_has_the_imported_calls_and_charts_draw_them() {
    let vk = home_with(&["claude", "codex", "opencode", "pi"]);
    vk.run(&["import"]);
    for by in Group::ALL {
        let ran = vk.run(&["cost", "--by", by.as_str(), "--output", "json"]);
        let report = &ran.json_lines()[0];
        let calls: u64 = report["rows"].as_array().unwrap().iter().map(|row| row["calls"].as_u64().unwrap()).sum();
        assert_eq!(calls, 18, "{by:?} {ran}");
    }
    let chart = vk.run(&["cost", "--by", "day", "--chart"]);
    assert!(chart.stdout.contains("2026-05-04 to 2026-05-06, a day each"), "{chart}");
    let table = vk.run(&["cost"]);
    assert!(table.stdout.contains("opencode") && table.stdout.contains("tool"), "{table}");
    assert!(table.stdout.contains("at list price without 1 call"), "{table}");
    let page = vk.run(&["cost", "--by", "tool", "--output", "html"]);
    assert!(page.stdout.contains("claude-code") && !page.stdout.contains("<script"), "{page}");
}
