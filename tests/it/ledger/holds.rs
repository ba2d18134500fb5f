//! Reserve, then settle: what a hold takes, what frees it, and what a dead owner leaves.

use vibekit::base::clock::Window;
use vibekit::base::money::Usd;
use vibekit::domain::cost::{Certainty, Charge, Cost, CostState};
use vibekit::ledger::query::{CallState, Spenders};
use vibekit::ledger::{Aborted, Cap, Ledger, LedgerError, NewTask, Raise, Reserve, Scope, ScopeKind, Settled};

use super::stores::{Store, over_both};
use super::{after, attempt, billed, done, noon, owner, settlement, task, usd};

over_both!(
    a_hold_becomes_what_was_billed_and_frees_the_rest,
    settling_twice_counts_once_and_aborting_costs_nothing,
    what_was_charged_above_the_hold_is_recorded_in_full_and_blocks_the_rest,
    every_scope_must_have_room_and_none_is_taken_if_one_has_not,
    a_batch_has_one_cap_over_all_its_tasks_and_no_other,
    windows_are_calendar_windows_of_the_moment_of_sending,
    the_hold_of_a_dead_owner_is_uncertain_after_its_lease_and_estimated_after_a_day,
    a_clock_that_was_set_back_keeps_a_dead_hold_for_one_lease_only,
    a_task_that_ends_leaves_no_live_hold,
    a_billed_call_of_unknown_cost_stays_counted_and_a_covered_one_never_counts,
    ids_are_used_once_and_must_exist,
    absurd_figures_stay_absurd_and_do_not_break_the_sums,
);

const DAY: i64 = 86_400;

fn scope(kind: ScopeKind, key: &str, window: Option<Window>, limit: &str) -> Scope {
    Scope { kind, key: key.to_owned(), window, limit: usd(limit) }
}

fn today(limit: &str) -> [Scope; 1] {
    [scope(ScopeKind::Global, "", Some(Window::Day), limit)]
}

/// Settled, uncertain, live.
fn taken(ledger: &Ledger, scope: &Scope, at: jiff::Timestamp) -> [Usd; 3] {
    let standing = ledger.standing(std::slice::from_ref(scope), at).unwrap().remove(0);
    [standing.settled, standing.uncertain, standing.live]
}

fn a_hold_becomes_what_was_billed_and_frees_the_rest(store: &Store) {
    let ledger = store.ledger();
    ledger.begin_task(&task("t1", noon())).unwrap();
    let scopes = [Scope::task("t1", usd("1.00"))];
    let first = ledger.reserve(&attempt("t1", 1, usd("0.60"), noon()), &scopes).unwrap();
    assert_eq!(first, Reserve::Granted { left: Some(usd("0.40")) });
    assert_eq!(ledger.task_spent("t1").unwrap(), Usd::ZERO);
    let busy = ledger.reserve(&attempt("t1", 2, usd("0.50"), noon()), &scopes).unwrap();
    assert!(matches!(busy, Reserve::Busy(s) if s.live == usd("0.60") && s.available() == usd("0.40")));
    assert_eq!(ledger.settle("t1-1.1", &settlement(billed(usd("0.20")), after(2))).unwrap(), Settled::Recorded);
    assert_eq!(taken(&ledger, &scopes[0], noon()), [usd("0.20"), Usd::ZERO, Usd::ZERO]);
    let second = ledger.reserve(&attempt("t1", 2, usd("0.50"), after(3)), &scopes).unwrap();
    assert_eq!(second, Reserve::Granted { left: Some(usd("0.30")) });
    let exhausted = ledger.reserve(&attempt("t1", 3, usd("0.81"), after(3)), &scopes).unwrap();
    let Reserve::Exhausted(standing) = exhausted else { panic!("{exhausted:?}") };
    let scope = scopes[0].clone();
    let cap = Cap { scope, whose: String::new(), source: "--max-cost".to_owned(), raise: Raise::Flag };
    let failure = cap.exhausted(&standing, usd("0.81"), &Spenders::default(), noon());
    insta::assert_snapshot!(super::told(&failure), @r#"
    exit 5 budget_exhausted: the next call may cost up to $0.81 and no longer fits the budget for this task
    why: $0.20 of $1.00 is spent, $0.50 is held by calls under way (--max-cost)
    fix: vk run --continue --max-cost 2.00 "go on"
    "#);
    assert_eq!(ledger.task_spent("t1").unwrap(), usd("0.20"));
    assert_eq!(ledger.calls("t1").unwrap().len(), 2, "what was refused left no row");
}

fn settling_twice_counts_once_and_aborting_costs_nothing(store: &Store) {
    let ledger = store.ledger();
    ledger.begin_task(&task("t1", noon())).unwrap();
    let scopes = today("1.00");
    for call in 1..=2 {
        ledger.reserve(&attempt("t1", call, usd("0.30"), noon()), &scopes).unwrap();
    }
    ledger.settle("t1-1.1", &settlement(billed(usd("0.10")), after(1))).unwrap();
    assert_eq!(ledger.settle("t1-1.1", &settlement(billed(usd("0.90")), after(2))).unwrap(), Settled::Already);
    assert_eq!(ledger.abort("t1-1.1", "interrupted", after(2)).unwrap(), Aborted::Already);
    assert_eq!(ledger.abort("t1-2.1", "interrupted", after(2)).unwrap(), Aborted::Released);
    assert_eq!(ledger.settle("t1-2.1", &settlement(billed(usd("0.90")), after(3))).unwrap(), Settled::Already);
    assert_eq!(taken(&ledger, &scopes[0], noon()), [usd("0.10"), Usd::ZERO, Usd::ZERO]);
    assert_eq!(ledger.calls("t1").unwrap()[1].state, CallState::Aborted);
}

fn what_was_charged_above_the_hold_is_recorded_in_full_and_blocks_the_rest(store: &Store) {
    let ledger = store.ledger();
    ledger.begin_task(&task("t1", noon())).unwrap();
    let scopes = today("1.00");
    ledger.reserve(&attempt("t1", 1, usd("0.90"), noon()), &scopes).unwrap();
    ledger.settle("t1-1.1", &settlement(billed(usd("1.40")), after(1))).unwrap();
    assert_eq!(taken(&ledger, &scopes[0], noon())[0], usd("1.40"));
    let nothing = ledger.reserve(&attempt("t1", 2, Usd::ZERO, after(2)), &scopes).unwrap();
    assert!(matches!(nothing, Reserve::Exhausted(s) if s.available().is_negative()));
}

fn every_scope_must_have_room_and_none_is_taken_if_one_has_not(store: &Store) {
    let ledger = store.ledger();
    ledger.begin_task(&task("t1", noon())).unwrap();
    let roomy = [
        scope(ScopeKind::Project, "/home/ann/shop", Some(Window::Month), "9.00"),
        scope(ScopeKind::Path, "byok", Some(Window::Week), "9.00"),
        scope(ScopeKind::Key, "1a2b3c4d", None, "9.00"),
        scope(ScopeKind::User, "ann", Some(Window::Day), "9.00"),
    ];
    let tight = scope(ScopeKind::Global, "", Some(Window::Day), "0.10");
    let all: Vec<Scope> = roomy.iter().cloned().chain([tight.clone()]).collect();
    let refused = ledger.reserve(&attempt("t1", 1, usd("0.50"), noon()), &all).unwrap();
    assert!(matches!(refused, Reserve::Exhausted(s) if s.scope == tight));
    for scope in &all {
        assert_eq!(taken(&ledger, scope, noon()), [Usd::ZERO; 3]);
    }
    ledger.reserve(&attempt("t1", 1, usd("0.50"), noon()), &roomy).unwrap();
    for scope in &roomy {
        assert_eq!(taken(&ledger, scope, noon())[2], usd("0.50"), "{scope}");
    }
    let other = scope(ScopeKind::Project, "/home/ann/other", Some(Window::Month), "9.00");
    assert_eq!(taken(&ledger, &other, noon()), [Usd::ZERO; 3]);
}

fn a_batch_has_one_cap_over_all_its_tasks_and_no_other(store: &Store) {
    let mut ledger = store.ledger();
    for (id, batch) in [("t1", Some("b1")), ("t2", Some("b1")), ("t3", Some("b2")), ("t4", None)] {
        ledger.begin_task(&NewTask { batch: batch.map(str::to_owned), ..task(id, noon()) }).unwrap();
    }
    let cap = [Scope::batch("b1", usd("1.00"))];
    let reserve = |ledger: &Ledger, id: &str, call, hold, at| ledger.reserve(&attempt(id, call, usd(hold), at), &cap);
    assert_eq!(reserve(&ledger, "t1", 1, "0.60", noon()).unwrap(), Reserve::Granted { left: Some(usd("0.40")) });
    let busy = reserve(&ledger, "t2", 1, "0.50", noon()).unwrap();
    assert!(matches!(&busy, Reserve::Busy(s) if s.live == usd("0.60")), "{busy:?}");
    // What others spend is none of its.
    for id in ["t3", "t4"] {
        ledger.reserve(&attempt(id, 1, usd("9.00"), noon()), &[]).unwrap();
    }
    ledger.settle("t1-1.1", &settlement(billed(usd("0.55")), after(1))).unwrap();
    assert!(matches!(reserve(&ledger, "t2", 1, "0.30", after(2)).unwrap(), Reserve::Granted { .. }));
    // A second start of the batch, after its process died: what was spent and what is not known count.
    ledger.set_owner(owner("elsewhere"));
    let later = after(100);
    ledger.expire(later).unwrap();
    assert_eq!(taken(&ledger, &cap[0], later), [usd("0.55"), usd("0.30"), Usd::ZERO]);
    ledger.begin_task(&NewTask { batch: Some("b1".to_owned()), ..task("t5", later) }).unwrap();
    let exhausted = reserve(&ledger, "t5", 1, "0.16", later).unwrap();
    let Reserve::Exhausted(standing) = exhausted else { panic!("{exhausted:?}") };
    let raise = Raise::Batch("vk batch tasks.jsonl".to_owned());
    let whole = Cap { scope: cap[0].clone(), whose: String::new(), source: "--max-cost".to_owned(), raise };
    let spenders = ledger.spenders(&cap[0], later).unwrap();
    insta::assert_snapshot!(super::told(&whole.exhausted(&standing, usd("0.16"), &spenders, later)), @"
    exit 5 budget_exhausted: the next call may cost up to $0.16 and no longer fits the budget for this batch
    why: $0.55 of $1.00 is spent, $0.30 is uncertain (a call whose process died) (--max-cost)
    $0.55 by ann in task t1: add stripe checkout
    $0.30 by ann in task t2: add stripe checkout
    fix: vk batch tasks.jsonl --max-cost 2.00
    fix: vk budget list
    ");
    assert!(matches!(reserve(&ledger, "t5", 1, "0.15", later).unwrap(), Reserve::Granted { .. }));
}

fn windows_are_calendar_windows_of_the_moment_of_sending(store: &Store) {
    let ledger = store.ledger();
    ledger.begin_task(&task("t1", noon())).unwrap();
    let late: jiff::Timestamp = "2026-11-30T23:59:59.999Z".parse().unwrap();
    let early: jiff::Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
    ledger.reserve(&attempt("t1", 1, usd("0.70"), late), &[]).unwrap();
    // The answer comes in the next month; the money stays where the hold was.
    ledger.settle("t1-1.1", &settlement(billed(usd("0.60")), early)).unwrap();
    for (window, before, after) in [
        (Window::Day, "0.60", "0.00"),
        (Window::Month, "0.60", "0.00"),
        // The week of Monday the 30th holds both.
        (Window::Week, "0.60", "0.60"),
    ] {
        let scope = scope(ScopeKind::Global, "", Some(window), "1.00");
        assert_eq!(taken(&ledger, &scope, late)[0], usd(before), "{window:?}");
        assert_eq!(taken(&ledger, &scope, early)[0], usd(after), "{window:?}");
    }
}

fn the_hold_of_a_dead_owner_is_uncertain_after_its_lease_and_estimated_after_a_day(store: &Store) {
    let mut ledger = store.ledger();
    ledger.set_owner(owner("gone"));
    ledger.begin_task(&task("t1", noon())).unwrap();
    let scopes = today("1.00");
    ledger.reserve(&attempt("t1", 1, usd("0.60"), noon()), &scopes).unwrap();
    ledger.renew("t1", after(20)).unwrap();
    ledger.set_owner(owner("here"));

    ledger.expire(after(79)).unwrap();
    assert_eq!(taken(&ledger, &scopes[0], noon()), [Usd::ZERO, Usd::ZERO, usd("0.60")]);
    ledger.expire(after(80)).unwrap();
    assert_eq!(taken(&ledger, &scopes[0], noon()), [Usd::ZERO, usd("0.60"), Usd::ZERO]);
    let call = ledger.calls("t1").unwrap().remove(0);
    assert_eq!((call.state, call.cost_state, call.billed), (CallState::Uncertain, CostState::Unknown, None));
    assert_eq!(call.outcome.as_deref(), Some("lost"));

    // It stays counted in full, so it is not something to wait for.
    ledger.begin_task(&task("t2", after(81))).unwrap();
    let refused = ledger.reserve(&attempt("t2", 1, usd("0.50"), after(81)), &scopes).unwrap();
    assert!(matches!(refused, Reserve::Exhausted(s) if s.uncertain == usd("0.60")));
    assert!(matches!(
        ledger.reserve(&attempt("t2", 1, usd("0.40"), after(82)), &scopes).unwrap(),
        Reserve::Granted { left: Some(left) } if left.is_zero()
    ));

    ledger.expire(after(79 + DAY)).unwrap();
    assert_eq!(ledger.calls("t1").unwrap()[0].state, CallState::Uncertain);
    ledger.expire(after(80 + DAY)).unwrap();
    let call = ledger.calls("t1").unwrap().remove(0);
    assert_eq!((call.cost_state, call.billed), (CostState::Estimated, Some(usd("0.60"))));
    assert_eq!(taken(&ledger, &scopes[0], noon()), [usd("0.60"), Usd::ZERO, usd("0.40")]);

    // The provider's figure still replaces what was assumed, once.
    let late = settlement(billed(usd("0.05")), after(90 + DAY));
    assert_eq!(ledger.settle("t1-1.1", &late).unwrap(), Settled::Recorded);
    assert_eq!(ledger.settle("t1-1.1", &late).unwrap(), Settled::Already);
    assert_eq!(taken(&ledger, &scopes[0], noon()), [usd("0.05"), Usd::ZERO, usd("0.40")]);
}

fn a_clock_that_was_set_back_keeps_a_dead_hold_for_one_lease_only(store: &Store) {
    let mut ledger = store.ledger();
    ledger.set_owner(owner("gone"));
    ledger.begin_task(&task("t1", noon())).unwrap();
    let scopes = today("1.00");
    ledger.reserve(&attempt("t1", 1, usd("0.60"), after(3_600)), &scopes).unwrap();
    ledger.set_owner(owner("here"));
    ledger.expire(noon()).unwrap();
    ledger.expire(after(59)).unwrap();
    assert_eq!(taken(&ledger, &scopes[0], noon())[2], usd("0.60"));
    ledger.expire(after(60)).unwrap();
    assert_eq!(taken(&ledger, &scopes[0], noon())[1], usd("0.60"));
}

fn a_task_that_ends_leaves_no_live_hold(store: &Store) {
    let ledger = store.ledger();
    ledger.begin_task(&task("t1", noon())).unwrap();
    let scopes = today("1.00");
    ledger.reserve(&attempt("t1", 1, usd("0.60"), noon()), &scopes).unwrap();
    ledger.finish_task("t1", &done(after(5))).unwrap();
    assert_eq!(taken(&ledger, &scopes[0], noon()), [Usd::ZERO, usd("0.60"), Usd::ZERO]);
}

fn a_billed_call_of_unknown_cost_stays_counted_and_a_covered_one_never_counts(store: &Store) {
    let ledger = store.ledger();
    ledger.begin_task(&task("t1", noon())).unwrap();
    let scopes = today("1.00");
    ledger.reserve(&attempt("t1", 1, usd("0.60"), noon()), &scopes).unwrap();
    let unknown = Cost { charge: Charge::Billed, certainty: Certainty::Unknown, billed: None, list: None };
    ledger.settle("t1-1.1", &settlement(unknown, after(1))).unwrap();
    assert_eq!(taken(&ledger, &scopes[0], noon()), [Usd::ZERO, usd("0.60"), Usd::ZERO]);
    assert_eq!(ledger.task_spend("t1").unwrap().counts.unknown, 1);

    let covered = Cost { charge: Charge::Covered, certainty: Certainty::Exact, billed: None, list: Some(usd("3.00")) };
    let free = super::NewAttempt { charge: Charge::Covered, ..attempt("t1", 2, Usd::ZERO, noon()) };
    ledger.reserve(&free, &[]).unwrap();
    ledger.settle("t1-2.1", &settlement(covered, after(1))).unwrap();
    assert_eq!(taken(&ledger, &scopes[0], noon()), [Usd::ZERO, usd("0.60"), Usd::ZERO]);
    let call = ledger.calls("t1").unwrap().remove(1);
    assert_eq!((call.cost_state, call.billed, call.list), (CostState::Covered, Some(Usd::ZERO), Some(usd("3.00"))));
}

fn ids_are_used_once_and_must_exist(store: &Store) {
    let ledger = store.ledger();
    let duplicate = |e| matches!(e, LedgerError::Duplicate { .. });
    let missing = |e| matches!(e, LedgerError::Missing { .. });
    ledger.begin_task(&task("t1", noon())).unwrap();
    assert!(duplicate(ledger.begin_task(&task("t1", noon())).unwrap_err()));
    ledger.reserve(&attempt("t1", 1, usd("0.60"), noon()), &[]).unwrap();
    assert!(duplicate(ledger.reserve(&attempt("t1", 1, usd("0.60"), noon()), &[]).unwrap_err()));
    assert!(missing(ledger.reserve(&attempt("t2", 1, usd("0.60"), noon()), &[]).unwrap_err()));
    assert!(missing(ledger.settle("t2-1.1", &settlement(billed(Usd::ZERO), noon())).unwrap_err()));
    assert!(missing(ledger.finish_task("t2", &done(noon())).unwrap_err()));
    assert!(missing(ledger.renew("t2", noon()).unwrap_err()));
}

fn absurd_figures_stay_absurd_and_do_not_break_the_sums(store: &Store) {
    let ledger = store.ledger();
    ledger.begin_task(&task("t1", noon())).unwrap();
    for call in 1..=20 {
        ledger.reserve(&attempt("t1", call, Usd::MAX, noon()), &[]).unwrap();
        let mut absurd = settlement(billed(Usd::MAX), noon());
        absurd.usage.input = u64::MAX;
        ledger.settle(&format!("t1-{call}.1"), &absurd).unwrap();
    }
    assert_eq!(ledger.task_spent("t1").unwrap(), usd("20000000"));
    assert_eq!(taken(&ledger, &today("1")[0], noon())[0], usd("20000000"));
}
