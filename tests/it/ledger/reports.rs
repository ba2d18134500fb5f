//! Reports: rows by every group, sums that keep their states apart, and tasks found by the beginning of their id.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use vibekit::base::money::Usd;
use vibekit::domain::cost::{Certainty, Charge, Cost, CostState};
use vibekit::domain::path::PayPath;
use vibekit::domain::usage::Usage;
use vibekit::ledger::query::{Group, Query, Report, Rows};
use vibekit::ledger::{Ledger, NewAttempt, Settlement};

use super::stores::{Store, over_both};
use super::{after, attempt, billed, done, noon, owner, settlement, task, told, usd};

over_both!(
    a_task_that_changed_its_payer_has_a_row_for_each,
    what_an_attempt_under_way_costs_is_unknown_and_not_nothing,
    reports_group_by_what_is_asked_newest_first,
    a_period_and_a_project_narrow_a_report,
    a_task_is_found_by_any_beginning_that_is_its_own,
    a_call_keeps_everything_that_was_known_of_it,
    every_grouping_has_the_same_total,
    the_order_of_calls_does_not_matter,
    periods_add_up,
);

fn groups(report: &Report) -> Vec<(&str, String, CostState)> {
    let Rows::Groups(rows) = &report.rows else { panic!("{report:?}") };
    rows.iter().map(|row| (row.group.as_str(), row.spend.charged().known.exact(), row.state)).collect()
}

/// Two projects, three payers, one task that crossed from a plan to a key, one that died.
fn sample(store: &Store) -> Ledger {
    let mut ledger = store.ledger();
    let call = |ledger: &Ledger, new: &NewAttempt, cost: Cost| {
        ledger.reserve(new, &[]).unwrap();
        ledger.settle(&new.attempt_id, &settlement(cost, new.sent_at)).unwrap();
    };
    ledger.begin_task(&task("t1aaaaaaaaaa", noon())).unwrap();
    let plan = NewAttempt {
        path: PayPath::Subscription,
        provider: "claude".to_owned(),
        payer: "your Claude plan covers it".to_owned(),
        key_label: None,
        key_fingerprint: None,
        charge: Charge::Covered,
        ..attempt("t1aaaaaaaaaa", 1, Usd::ZERO, after(1))
    };
    let covered = Cost { charge: Charge::Covered, certainty: Certainty::Exact, billed: None, list: Some(usd("0.90")) };
    call(&ledger, &plan, covered);
    call(&ledger, &attempt("t1aaaaaaaaaa", 2, usd("0.50"), after(2)), billed(usd("0.25")));
    let estimated = Cost { certainty: Certainty::Estimated, ..billed(usd("0.10")) };
    call(&ledger, &attempt("t1aaaaaaaaaa", 3, usd("0.50"), after(3)), estimated);
    ledger.finish_task("t1aaaaaaaaaa", &done(after(4))).unwrap();

    let next_day = noon() + SignedDuration::from_hours(24);
    let mut other = task("t2bbbbbbbbbb", next_day);
    (other.project_name, other.project_dir) = ("blog".to_owned(), "/home/ann/blog".into());
    ledger.begin_task(&other).unwrap();
    call(&ledger, &attempt("t2bbbbbbbbbb", 1, usd("0.50"), next_day), billed(usd("0.40")));
    ledger.set_owner(owner("gone"));
    ledger.reserve(&attempt("t2bbbbbbbbbb", 2, usd("0.50"), next_day), &[]).unwrap();
    ledger.set_owner(owner("here"));
    ledger
}

fn a_task_that_changed_its_payer_has_a_row_for_each(store: &Store) {
    let ledger = sample(store);
    let now = noon() + SignedDuration::from_hours(25);
    ledger.expire(now).unwrap();
    let report = ledger.report(&Query::by(Group::Task), now).unwrap();
    let Rows::Tasks(rows) = &report.rows else { panic!() };
    let seen: Vec<_> = rows
        .iter()
        .map(|r| {
            (
                r.task_id.as_str(),
                r.path.as_str(),
                r.spend.calls(),
                r.spend.charged().known.exact(),
                r.state,
                r.status.as_str(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("t2bbbbbbbbbb", "byok", 2, "0.40".to_owned(), CostState::Unknown, "interrupted"),
            ("t1aaaaaaaaaa", "byok", 2, "0.35".to_owned(), CostState::Estimated, "done"),
            ("t1aaaaaaaaaa", "subscription", 1, "0.00".to_owned(), CostState::Covered, "done"),
        ]
    );
    let total = report.total;
    assert_eq!((total.billed, total.estimated), (usd("0.65"), usd("0.10")));
    assert_eq!(total.covered_list.exact(), Some(usd("0.90")));
    assert_eq!((total.counts.unknown, total.charged().exact()), (1, None));
    let payers = ledger.payers("t1aaaaaaaaaa").unwrap();
    assert_eq!(payers.iter().map(|p| p.path.as_str()).collect::<Vec<_>>(), ["subscription", "byok"]);
    assert_eq!(payers[1].cost_usd, Some(usd("0.35")));
}

fn what_an_attempt_under_way_costs_is_unknown_and_not_nothing(store: &Store) {
    let ledger = store.ledger();
    ledger.begin_task(&task("t1", noon())).unwrap();
    ledger.reserve(&attempt("t1", 1, usd("0.50"), noon()), &[]).unwrap();
    let report = ledger.report(&Query::by(Group::Task), noon()).unwrap();
    let Rows::Tasks(rows) = &report.rows else { panic!() };
    let row = &rows[0];
    assert_eq!((row.spend.calls(), row.state, row.status.as_str()), (1, CostState::Unknown, "running"));
    assert_eq!((row.spend.charged().exact(), row.spend.list.exact()), (None, None));
    let by_day = ledger.report(&Query::by(Group::Day), noon()).unwrap();
    assert_eq!(groups(&by_day), [("2026-11-25", "0.00".into(), CostState::Unknown)]);
    assert_eq!(ledger.task_spent("t1").unwrap(), Usd::ZERO);
}

fn reports_group_by_what_is_asked_newest_first(store: &Store) {
    let ledger = sample(store);
    let now = noon() + SignedDuration::from_hours(25);
    ledger.expire(now).unwrap();
    let by = |group| ledger.report(&Query::by(group), now).unwrap();
    let unknown = CostState::Unknown;
    assert_eq!(
        groups(&by(Group::Day)),
        [("2026-11-26", "0.40".into(), unknown), ("2026-11-25", "0.35".into(), CostState::Estimated)]
    );
    assert_eq!(groups(&by(Group::Week)), [("2026-W48", "0.75".into(), unknown)]);
    assert_eq!(groups(&by(Group::Month)), [("2026-11", "0.75".into(), unknown)]);
    assert_eq!(
        groups(&by(Group::Project)),
        [("blog", "0.40".into(), unknown), ("shop", "0.35".into(), CostState::Estimated)]
    );
    assert_eq!(
        groups(&by(Group::Path)),
        [("byok", "0.75".into(), unknown), ("subscription", "0.00".into(), CostState::Covered)]
    );
    assert_eq!(
        groups(&by(Group::Key)),
        [("client-a 1a2b3c4d", "0.75".into(), unknown), ("no key", "0.00".into(), CostState::Covered)]
    );
    for group in [Group::Session, Group::Model, Group::Provider, Group::Payer, Group::User, Group::Tool] {
        assert_eq!(by(group).total, by(Group::Task).total, "{group:?}");
    }
}

fn a_period_and_a_project_narrow_a_report(store: &Store) {
    let ledger = sample(store);
    let now = noon() + SignedDuration::from_hours(25);
    let day = |text| vibekit::ledger::since(text, now).unwrap();
    let query = Query { since: Some(day("2026-11-26")), ..Query::by(Group::Day) };
    assert_eq!(groups(&ledger.report(&query, now).unwrap()).len(), 1);
    let until = vibekit::ledger::until("2026-11-25", now).unwrap();
    let query = Query { until: Some(until), ..Query::by(Group::Day) };
    assert_eq!(groups(&ledger.report(&query, now).unwrap())[0].0, "2026-11-25");
    let query = Query { project: Some("blog".to_owned()), ..Query::by(Group::Day) };
    assert_eq!(groups(&ledger.report(&query, now).unwrap())[0].0, "2026-11-26");
    let query = Query { project: Some("none".to_owned()), ..Query::by(Group::Task) };
    assert!(ledger.report(&query, now).unwrap().rows.is_empty());
}

fn a_task_is_found_by_any_beginning_that_is_its_own(store: &Store) {
    let ledger = sample(store);
    let find = |id: &str| ledger.find_task(id, noon()).unwrap().one(id, "vk cost show");
    assert_eq!(find("t2").unwrap().task_id, "t2bbbbbbbbbb");
    assert_eq!(find(" T2BBBB ").unwrap().task_id, "t2bbbbbbbbbb");
    insta::assert_snapshot!(told(&find("t").unwrap_err()), @"
    exit 2 ambiguous_task: more than one task's id begins with t
    fix: vk cost show t2bbbbbbbbbb   # 2026-11-26 12:00 add stripe checkout
    fix: vk cost show t1aaaaaaaaaa   # 2026-11-25 12:00 add stripe checkout
    ");
    insta::assert_snapshot!(told(&find("t2bbxbb").unwrap_err()), @"
    exit 2 unknown_task: no task has the id t2bbxbb
    fix: vk cost show t2bbbbbbbbbb
    fix: vk tasks list --all   # every task's id
    ");
    insta::assert_snapshot!(told(&find("zzzz").unwrap_err()), @"
    exit 2 unknown_task: no task has the id zzzz
    fix: vk cost show t2bbbbbbbbbb
    fix: vk cost show t1aaaaaaaaaa
    fix: vk tasks list --all   # every task's id
    ");
    assert!(find("").is_err() && find("%").is_err() && find("t1_aaaaaaaa").is_err());
}

fn a_call_keeps_everything_that_was_known_of_it(store: &Store) {
    let ledger = sample(store);
    let call = ledger.calls("t1aaaaaaaaaa").unwrap().remove(1);
    insta::assert_debug_snapshot!(call, @r#"
    CallRow {
        attempt_id: "t1aaaaaaaaaa-2.1",
        call_no: 2,
        attempt_no: 1,
        state: Settled,
        path: "byok",
        provider: "anthropic",
        payer: "you pay Anthropic at list price",
        key_label: Some(
            "client-a",
        ),
        key_fingerprint: Some(
            "1a2b3c4d",
        ),
        model: "claude-sonnet-5-5",
        sent_at: 2026-11-25T12:00:02Z,
        hold: Usd(
            500000000,
        ),
        cost_state: Billed,
        billed: Some(
            Usd(
                250000000,
            ),
        ),
        list: Some(
            Usd(
                250000000,
            ),
        ),
        proof: "verified",
        usage: Usage {
            input: 1200,
            cache_read: 30000,
            cache_write_5m: 4000,
            cache_write_1h: 0,
            output: 800,
            reasoning: 300,
        },
        price: Some(
            PriceRef {
                source: "https://claude.com/pricing",
                as_of: "2026-11-20",
                hash: "5f3a",
            },
        ),
        markup: Rate(
            0,
        ),
        outcome: Some(
            "ok",
        ),
        http_status: Some(
            200,
        ),
        retry_after_ms: None,
        response_id: Some(
            "msg_01",
        ),
        request_id: Some(
            "req_01",
        ),
        organization: Some(
            "org-1",
        ),
        duration_ms: Some(
            2400,
        ),
    }
    "#);
}

#[derive(Clone, Debug)]
struct RandomCall {
    project: usize,
    path: PayPath,
    model: usize,
    minutes: i64,
    cost: Cost,
    tokens: u64,
    aborted: bool,
}

fn random_call() -> impl Strategy<Value = RandomCall> {
    let charge =
        prop::sample::select(vec![Charge::Billed, Charge::Covered, Charge::Free, Charge::Rehearsed, Charge::Unknown]);
    let certainty = prop::sample::select(vec![Certainty::Exact, Certainty::Estimated, Certainty::Unknown]);
    let path = prop::sample::select(PayPath::ALL.to_vec());
    let amount = || prop::option::of((0_i64..5_000_000_000).prop_map(Usd::from_nanos));
    (
        0..3_usize,
        path,
        0..3_usize,
        0..120_000_i64,
        (charge, certainty, amount(), amount()),
        0..90_000_u64,
        prop::bool::weighted(0.1),
    )
        .prop_map(|(project, path, model, minutes, (charge, certainty, billed, list), tokens, aborted)| {
            RandomCall {
                project,
                path,
                model,
                minutes,
                cost: Cost { charge, certainty, billed, list },
                tokens,
                aborted,
            }
        })
}

fn recorded<'a>(store: &Store, calls: impl Iterator<Item = (usize, &'a RandomCall)>) -> Ledger {
    let ledger = store.ledger();
    let mut begun = BTreeSet::new();
    for (number, call) in calls {
        let at: Timestamp = noon() + SignedDuration::from_mins(call.minutes);
        let id = format!("t{}{}", call.project, call.minutes % 4);
        if begun.insert(id.clone()) {
            let mut new = task(&id, noon());
            new.project_name = format!("project {}", call.project);
            ledger.begin_task(&new).unwrap();
        }
        let mut new = attempt(&id, u32::try_from(number).unwrap(), Usd::ZERO, at);
        (new.path, new.model, new.charge) = (call.path, format!("model {}", call.model), call.cost.charge);
        ledger.reserve(&new, &[]).unwrap();
        if call.aborted {
            ledger.abort(&new.attempt_id, "interrupted", at).unwrap();
        } else {
            let usage = Usage { input: call.tokens, output: call.tokens / 7, ..Usage::default() };
            ledger.settle(&new.attempt_id, &Settlement { usage, ..settlement(call.cost, at) }).unwrap();
        }
    }
    ledger
}

/// However the calls are grouped, their sums are the same; and each call is in one state only.
fn every_grouping_has_the_same_total(store: &Store) {
    let mut runner =
        TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(store.cases(48)) });
    let outcome = runner.run(&prop::collection::vec(random_call(), 0..40), |calls| {
        let ledger = recorded(store, calls.iter().enumerate());
        let now = noon() + SignedDuration::from_mins(200_000);
        let total = ledger.report(&Query::by(Group::Task), now).unwrap().total;
        for group in Group::ALL {
            let report = ledger.report(&Query::by(group), now).unwrap();
            prop_assert_eq!(report.total, total, "{:?}", group);
            prop_assert_eq!(report.rows.is_empty(), total.calls() == 0);
        }
        let sent: Vec<&RandomCall> = calls.iter().filter(|call| !call.aborted).collect();
        prop_assert_eq!(total.calls(), sent.len() as u64);
        prop_assert_eq!(total.usage.input, sent.iter().map(|call| call.tokens).sum::<u64>());
        let sum = |state| sent.iter().filter(|c| c.cost.state() == state).filter_map(|c| c.cost.billed).sum::<Usd>();
        let unknown = sent
            .iter()
            .filter(|c| {
                c.cost.state() == CostState::Unknown || (c.cost.charge == Charge::Billed && c.cost.billed.is_none())
            })
            .count();
        prop_assert_eq!(total.billed, sum(CostState::Billed));
        prop_assert_eq!(total.estimated, sum(CostState::Estimated));
        prop_assert_eq!(total.counts.unknown, unknown as u64);
        prop_assert_eq!(total.charged().exact().is_none(), unknown > 0);
        Ok(())
    });
    outcome.unwrap();
}

/// The order in which calls end does not matter.
fn the_order_of_calls_does_not_matter(store: &Store) {
    let mut runner =
        TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(store.cases(48)) });
    let outcome = runner.run(&prop::collection::vec(random_call(), 0..30), |calls| {
        let now = noon() + SignedDuration::from_mins(200_000);
        let forward = recorded(store, calls.iter().enumerate());
        let numbered: Vec<(usize, &RandomCall)> = calls.iter().enumerate().collect();
        let backward = recorded(store, numbered.into_iter().rev());
        for group in Group::ALL {
            let query = Query::by(group);
            prop_assert_eq!(forward.report(&query, now).unwrap(), backward.report(&query, now).unwrap());
        }
        Ok(())
    });
    outcome.unwrap();
}

/// A period cut anywhere gives two reports whose totals are the whole.
fn periods_add_up(store: &Store) {
    let mut runner =
        TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(store.cases(48)) });
    let outcome = runner.run(&(prop::collection::vec(random_call(), 0..30), 0..120_000_i64), |(calls, cut)| {
        let ledger = recorded(store, calls.iter().enumerate());
        let now = noon() + SignedDuration::from_mins(200_000);
        let cut = noon() + SignedDuration::from_mins(cut);
        let total =
            |since, until| ledger.report(&Query { since, until, ..Query::by(Group::Model) }, now).unwrap().total;
        prop_assert_eq!(total(None, Some(cut)) + total(Some(cut), None), total(None, None));
        Ok(())
    });
    outcome.unwrap();
}
