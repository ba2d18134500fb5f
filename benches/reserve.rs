//! `cargo bench --bench reserve`: how long a reservation takes while 64 processes reserve and settle as fast as they can
//! on one ledger, with a budget of every kind: a file, and a PostgreSQL of its own where one is installed. Every commit
//! reaches the disk. The goal is a 99th percentile under 250 ms on two cores.
//!
//! `PROCESSES=24` and `CALLS=50` change the numbers. The first call of each process is not counted: it opens the ledger.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    dead_code,
    unreachable_pub,
    reason = "a bench may panic, must print, is told its size, and shares the tests' server"
)]

#[cfg(target_os = "linux")]
#[path = "../tests/it/support/postgres.rs"]
mod postgres;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use vibekit::base::clock::{self, Window};
use vibekit::base::money::{Rate, Usd};
use vibekit::config::Database;
use vibekit::domain::cost::{Certainty, Charge, Cost, Proof};
use vibekit::domain::path::PayPath;
use vibekit::domain::usage::Usage;
use vibekit::ledger::{
    Ledger, NewAttempt, NewTask, Reserve, Scope, ScopeKind, Server, Settlement, attempt_id, task_id,
};

const PLACE: &str = "VK_BENCH_PLACE";

fn main() {
    if let Ok(place) = std::env::var(PLACE) {
        spend(&place);
        return;
    }
    // Cargo passes `--bench`; anything else is not a measurement.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    measure("a file", folder.path().to_str().unwrap());
    #[cfg(target_os = "linux")]
    if let Some(server) = postgres::Postgres::start_with("trust", &[]) {
        measure("PostgreSQL", &server.url());
    }
}

fn number(name: &str, usual: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn open(place: &str) -> Ledger {
    match place.parse::<Database>() {
        Ok(database) => Ledger::connect(Server::open_to_all(database)).unwrap(),
        Err(_) => Ledger::open(Path::new(place)).unwrap(),
    }
}

fn measure(name: &str, place: &str) {
    drop(open(place));
    let count = number("PROCESSES", 64);
    let start = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(PLACE, place).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
    };
    let mut children: Vec<Child> = (0..count).map(|_| start()).collect();
    // All are ready before the first begins.
    let mut outs: Vec<_> = children.iter_mut().map(|child| BufReader::new(child.stdout.take().unwrap())).collect();
    for out in &mut outs {
        out.read_line(&mut String::new()).unwrap();
    }
    let began = Instant::now();
    for child in &mut children {
        child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    }
    let mut times: Vec<u64> = Vec::new();
    for out in outs {
        times.extend(out.lines().map(|line| line.unwrap().parse::<u64>().unwrap()));
    }
    let took = began.elapsed();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    times.sort_unstable();
    let at = |part: usize| Duration::from_micros(times[(times.len() - 1) * part / 1_000]);
    println!(
        "{name}: {count} processes, {} reservations in {took:.1?}: p50 {:.1?}, p99 {:.1?}, slowest {:.1?}",
        times.len(),
        at(500),
        at(990),
        at(1_000)
    );
}

/// One process: reserves and settles, and says how long each reservation took.
fn spend(place: &str) {
    let ledger = open(place);
    let id = task_id(clock::now());
    ledger.begin_task(&task(&id)).unwrap();
    once(&ledger, &id, 1);
    println!("ready");
    std::io::stdin().lines().next();
    let calls = number("CALLS", 20);
    let times: Vec<u128> = (2..2 + calls).map(|call| once(&ledger, &id, call).as_micros()).collect();
    for time in times {
        println!("{time}");
    }
}

fn once(ledger: &Ledger, id: &str, call: u32) -> Duration {
    let new = attempt(id, call);
    let began = Instant::now();
    let answer = ledger.reserve(&new, &scopes(id)).unwrap();
    let took = began.elapsed();
    assert!(matches!(answer, Reserve::Granted { .. }), "{answer:?}");
    ledger.settle(&new.attempt_id, &settlement()).unwrap();
    took
}

fn scopes(id: &str) -> Vec<Scope> {
    let limit = Usd::from_cents(1_000_000);
    let scope = |kind, key: &str, window| Scope { kind, key: key.to_owned(), window: Some(window), limit };
    vec![
        Scope::task(id, limit),
        scope(ScopeKind::Global, "", Window::Month),
        scope(ScopeKind::Project, "/shop", Window::Week),
        scope(ScopeKind::Path, "byok", Window::Day),
        scope(ScopeKind::Key, "1a2b3c4d", Window::Month),
    ]
}

fn task(id: &str) -> NewTask {
    NewTask {
        id: id.to_owned(),
        tool: "vk".to_owned(),
        session: id.to_owned(),
        batch: None,
        user: "ann".to_owned(),
        project_name: "shop".to_owned(),
        project_dir: "/shop".into(),
        words: "refactor".to_owned(),
        path: PayPath::Byok,
        provider: "anthropic".to_owned(),
        payer: "you pay Anthropic at list price".to_owned(),
        key_label: Some("client-a".to_owned()),
        key_fingerprint: Some("1a2b3c4d".to_owned()),
        model: "claude-sonnet-5-5".to_owned(),
        engine: "builtin".to_owned(),
        cap: None,
        started_at: clock::now(),
    }
}

fn attempt(id: &str, call_no: u32) -> NewAttempt {
    NewAttempt {
        attempt_id: attempt_id(id, call_no, 1),
        task_id: id.to_owned(),
        call_no,
        attempt_no: 1,
        path: PayPath::Byok,
        provider: "anthropic".to_owned(),
        payer: "you pay Anthropic at list price".to_owned(),
        key_label: Some("client-a".to_owned()),
        key_fingerprint: Some("1a2b3c4d".to_owned()),
        model: "claude-sonnet-5-5".to_owned(),
        wire: None,
        charge: Charge::Billed,
        hold: Usd::from_cents(10),
        price: None,
        markup: Rate::ZERO,
        sent_at: clock::now(),
    }
}

fn settlement() -> Settlement {
    let billed = Some(Usd::from_cents(3));
    Settlement {
        usage: Usage { input: 1_200, output: 800, ..Usage::default() },
        cost: Cost { charge: Charge::Billed, certainty: Certainty::Exact, billed, list: billed },
        proof: Proof::Verified,
        outcome: "ok".to_owned(),
        model: None,
        response_id: None,
        request_id: None,
        organization: None,
        http_status: Some(200),
        retry_after_ms: None,
        finished_at: clock::now(),
        duration_ms: 1,
    }
}
