//! Many processes on one ledger: no cap is passed, nobody sees the file locked, and a kill loses nothing that was
//! acknowledged. The processes are this test's own binary, run again with [`ORDERS`] set.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use vibekit::base::clock::{self, Window};
use vibekit::base::env::Env;
use vibekit::base::money::Usd;
use vibekit::config::Database;
use vibekit::domain::budget::Per;
use vibekit::ledger::query::{CallRow, CallState, Group, Query};
use vibekit::ledger::{Ledger, Reserve, Scope, ScopeKind, Server, TeamBudget, attempt_id, task_id};

use super::{attempt, billed, settlement, task, usd};

/// `spend PLACE`, `hold PLACE` or `acknowledge PLACE`: a folder, or the address of a server.
const ORDERS: &str = "VK_TEST_LEDGER_ORDERS";

/// Makes two tests of each function: over a file, and over a server.
macro_rules! over_both {
    ($($test:ident),+ $(,)?) => {
        mod in_a_file {
            $(#[test]
            fn $test() {
                let folder = tempfile::tempdir().unwrap();
                super::$test(folder.path().to_str().unwrap());
            })+
        }

        #[cfg(target_os = "linux")]
        mod in_postgres {
            $(#[test]
            fn $test() {
                // As it is set up by everybody: each commit reaches the disk.
                if let Some(server) = crate::support::postgres::Postgres::start_with("trust", &[]) {
                    super::$test(&server.url());
                }
            })+
        }
    };
}

over_both!(
    many_processes_never_pass_a_cap_and_none_sees_a_lock,
    many_threads_share_a_ledger_and_a_budget,
    the_hold_of_a_killed_process_is_free_for_honest_work_after_its_lease,
    a_kill_at_any_moment_loses_nothing_that_was_acknowledged,
);

fn open(place: &str) -> Ledger {
    match place.parse::<Database>() {
        Ok(database) => Ledger::connect(Server::open_to_all(database)).unwrap(),
        Err(_) => Ledger::open(Path::new(place)).unwrap(),
    }
}

/// A budget of every kind, none of which is the tightest.
fn of_every_kind(task: &str) -> Vec<Scope> {
    let scope =
        |kind, key: &str, window| Scope { kind, key: key.to_owned(), window: Some(window), limit: usd("11.00") };
    let more = [
        scope(ScopeKind::Project, "/home/ann/shop", Window::Week),
        scope(ScopeKind::Path, "byok", Window::Day),
        scope(ScopeKind::Key, "1a2b3c4d", Window::Month),
    ];
    scopes(task).into_iter().chain(more).collect()
}

fn scopes(task: &str) -> [Scope; 2] {
    let global =
        Scope { kind: ScopeKind::Global, key: String::new(), window: Some(Window::Month), limit: usd("10.00") };
    [global, Scope::task(task, usd("5.00"))]
}

fn start(orders: &str, place: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ledger::processes::the_other_process", "--nocapture"])
        .env(ORDERS, format!("{orders} {place}"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Not a test by itself: what the other processes do.
#[test]
fn the_other_process() {
    let env = Env::capture();
    let Some((orders, place)) = env.get(ORDERS).and_then(|orders| orders.split_once(' ')) else { return };
    match orders {
        "spend" => spend(place, 20),
        "hold" => hold(place),
        _ => acknowledge(place),
    }
}

/// Reserves and settles until the budget is used up or `calls` calls are made; the slowest reservation counts.
fn spend(place: &str, calls: u32) {
    let ledger = open(place);
    let id = task_id(clock::now());
    ledger.begin_task(&task(&id, clock::now())).unwrap();
    for call in 1..=calls {
        let hold = Usd::from_cents(1 + i64::from((call * 7 + std::process::id()) % 23));
        let mut slowest = Duration::ZERO;
        let answer = loop {
            let began = Instant::now();
            let answer = ledger.reserve(&attempt(&id, call, hold, clock::now()), &of_every_kind(&id)).unwrap();
            slowest = slowest.max(began.elapsed());
            match answer {
                Reserve::Busy(_) => std::thread::sleep(Duration::from_millis(2)),
                answer => break answer,
            }
        };
        say(&format!("took {}", slowest.as_micros()));
        if let Reserve::Exhausted(_) = answer {
            return;
        }
        let attempt = attempt_id(&id, call, 1);
        if call % 5 == 0 {
            ledger.abort(&attempt, "interrupted", clock::now()).unwrap();
        } else {
            let cost = Usd::from_nanos(hold.nanos() / 3);
            ledger.settle(&attempt, &settlement(billed(cost), clock::now())).unwrap();
        }
    }
}

/// Holds money and never settles it.
fn hold(place: &str) {
    let ledger = open(place);
    let id = task_id(clock::now());
    ledger.begin_task(&task(&id, clock::now())).unwrap();
    ledger.reserve(&attempt(&id, 1, usd("6.00"), clock::now()), &[]).unwrap();
    say(&format!("held {id}"));
    std::thread::sleep(Duration::from_mins(1));
}

/// Writes as fast as it can and says what was written, until it is killed.
fn acknowledge(place: &str) {
    let ledger = open(place);
    let id = task_id(clock::now());
    ledger.begin_task(&task(&id, clock::now())).unwrap();
    for call in 1..10_000 {
        ledger.reserve(&attempt(&id, call, usd("0.01"), clock::now()), &[]).unwrap();
        say(&format!("reserved {id} {call}"));
        let cost = billed(usd("0.001"));
        ledger.settle(&attempt_id(&id, call, 1), &settlement(cost, clock::now())).unwrap();
        say(&format!("settled {id} {call}"));
    }
}

/// One whole line in one write, so that a kill never leaves half of it.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

fn many_processes_never_pass_a_cap_and_none_sees_a_lock(place: &str) {
    let env = Env::capture();
    let count = env.get("VK_TEST_PROCESSES").and_then(|text| text.parse().ok()).unwrap_or(64);
    // The tightest of all is the one that the ledger keeps itself.
    let team = TeamBudget { per: Per::Month, limit: usd("9.00"), set_by: "ann".to_owned(), set_at: clock::now() };
    open(place).set_team_budget(&team).unwrap();
    let children: Vec<Child> = (0..count).map(|_| start("spend", place)).collect();
    let mut times: Vec<u64> = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        times.extend(text.lines().filter_map(|line| line.strip_prefix("took ")).map(|t| t.parse::<u64>().unwrap()));
    }
    times.sort_unstable();
    println!(
        "{} reservations, p99 {} µs, slowest {} µs",
        times.len(),
        times[times.len() * 99 / 100],
        times[times.len() - 1]
    );
    let ledger = open(place);
    let [global, _] = scopes("");
    let standing = ledger.standing(&[global], clock::now()).unwrap().remove(0);
    assert!(standing.settled <= usd("9.00"), "{standing:?}");
    assert!(standing.settled > usd("8.70"), "the budget was not used: {standing:?}");
    assert!(standing.live.is_zero() && standing.uncertain.is_zero(), "{standing:?}");
    let report = ledger.report(&Query::by(Group::Project), clock::now()).unwrap();
    assert_eq!(report.total.billed, standing.settled, "the counters are the sum of the calls");
    ledger.check().unwrap();
}

fn many_threads_share_a_ledger_and_a_budget(place: &str) {
    let spent = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let ledger = open(place);
                let id = task_id(clock::now());
                ledger.begin_task(&task(&id, clock::now())).unwrap();
                for call in 1..=20 {
                    let new = attempt(&id, call, usd("0.40"), clock::now());
                    if let Reserve::Granted { .. } = ledger.reserve(&new, &scopes(&id)).unwrap() {
                        ledger.settle(&new.attempt_id, &settlement(billed(usd("0.30")), clock::now())).unwrap();
                        spent.fetch_add(30, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let spent = Usd::from_cents(i64::try_from(spent.into_inner()).unwrap());
    assert!(spent <= usd("10.00") && spent >= usd("9.00"), "{spent}");
    let ledger = open(place);
    assert_eq!(ledger.standing(&scopes("")[..1], clock::now()).unwrap()[0].settled, spent);
}

fn the_hold_of_a_killed_process_is_free_for_honest_work_after_its_lease(place: &str) {
    let mut child = start("hold", place);
    let id = loop_for(&mut child, "held ");
    let ledger = open(place);
    let later = clock::now() + SignedDuration::from_secs(70);
    ledger.expire(later).unwrap();
    assert_eq!(ledger.calls(&id).unwrap()[0].state, CallState::Live, "its process lives, whatever the clock says");
    assert_eq!(ledger.tasks(None, 1, later).unwrap()[0].status, "running");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(ledger.tasks(None, 1, clock::now()).unwrap()[0].status, "interrupted");

    let mine = task_id(clock::now());
    ledger.begin_task(&task(&mine, clock::now())).unwrap();
    let [global, _] = scopes("");
    let want =
        |call, at| ledger.reserve(&attempt(&mine, call, usd("4.50"), at), std::slice::from_ref(&global)).unwrap();
    assert!(matches!(want(1, clock::now()), Reserve::Busy(_)));
    assert!(matches!(want(1, later), Reserve::Exhausted(s) if s.uncertain == usd("6.00")));
    let small = ledger.reserve(&attempt(&mine, 2, usd("4.00"), later), &[global]).unwrap();
    assert!(matches!(small, Reserve::Granted { .. }));
}

fn loop_for(child: &mut Child, word: &str) -> String {
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    lines.find_map(|line| line.unwrap().strip_prefix(word).map(str::to_owned)).unwrap()
}

fn a_kill_at_any_moment_loses_nothing_that_was_acknowledged(place: &str) {
    let env = Env::capture();
    let kills = env.get("VK_TEST_KILLS").and_then(|text| text.parse().ok()).unwrap_or(12);
    for round in 0_u64..kills {
        let mut children = [start("acknowledge", place), start("acknowledge", place)];
        let said = children.each_mut().map(|child| loop_for(child, "reserved "));
        std::thread::sleep(Duration::from_micros(round * 7_919 % 40_000));
        let mut acknowledged: Vec<String> = said.iter().map(|line| format!("reserved {line}")).collect();
        for child in &mut children {
            child.kill().unwrap();
        }
        for child in &mut children {
            let mut rest = String::new();
            child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
            child.wait().unwrap();
            acknowledged.extend(
                rest.lines()
                    .filter(|line| line.starts_with("reserved ") || line.starts_with("settled "))
                    .map(str::to_owned),
            );
        }
        let began = Instant::now();
        let ledger = open(place);
        ledger.check().unwrap();
        assert!(began.elapsed() < Duration::from_secs(1));
        let mut calls: BTreeMap<String, Vec<CallRow>> = BTreeMap::new();
        for line in acknowledged {
            let words: Vec<&str> = line.split(' ').collect();
            let [word, id, call] = words[..] else { continue };
            let calls = calls.entry(id.to_owned()).or_insert_with(|| ledger.calls(id).unwrap());
            // Calls are numbered from 1 without a gap.
            let row = calls.get(call.parse::<usize>().unwrap() - 1).unwrap_or_else(|| panic!("{line} is lost"));
            assert!(row.call_no.to_string() == call, "{line}: {row:?}");
            assert!(word == "reserved" || row.state == CallState::Settled, "{line}: {row:?}");
        }
    }
    let ledger = open(place);
    let [global, _] = scopes("");
    let standing = ledger.standing(&[global], clock::now()).unwrap().remove(0);
    let report = ledger.report(&Query::by(Group::Project), clock::now()).unwrap();
    assert_eq!(standing.settled, report.total.billed, "the counters are the sum of the calls");
}
