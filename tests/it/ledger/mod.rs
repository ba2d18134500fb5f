//! The ledger as its callers see it: what is held, what is counted, what survives.

mod faults;
mod holds;
mod model;
mod processes;
mod reports;
mod stores;

use jiff::{SignedDuration, Timestamp};
use vibekit::base::money::{Rate, Usd};
use vibekit::domain::cost::{Certainty, Charge, Cost, Proof};
use vibekit::domain::failure::Status;
use vibekit::domain::path::{PayPath, Wire};
use vibekit::domain::usage::Usage;
use vibekit::ledger::{NewAttempt, NewTask, Owner, PriceRef, Settlement, TaskEnd, attempt_id};

/// Noon of a Wednesday.
pub(crate) const NOON: &str = "2026-11-25T12:00:00Z";

pub(crate) fn noon() -> Timestamp {
    NOON.parse().unwrap()
}

pub(crate) fn after(seconds: i64) -> Timestamp {
    noon() + SignedDuration::from_secs(seconds)
}

pub(crate) fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

pub(crate) fn owner(host: &str) -> Owner {
    Owner { pid: 1, started: 7, host: host.to_owned() }
}

pub(crate) fn task(id: &str, started_at: Timestamp) -> NewTask {
    NewTask {
        id: id.to_owned(),
        tool: "vk".to_owned(),
        session: id.to_owned(),
        batch: None,
        user: "ann".to_owned(),
        project_name: "shop".to_owned(),
        project_dir: "/home/ann/shop".into(),
        words: "add stripe checkout".to_owned(),
        path: PayPath::Byok,
        provider: "anthropic".to_owned(),
        payer: "you pay Anthropic at list price".to_owned(),
        key_label: Some("client-a".to_owned()),
        key_fingerprint: Some("1a2b3c4d".to_owned()),
        model: "claude-sonnet-5-5".to_owned(),
        engine: "builtin".to_owned(),
        cap: Some(usd("5.00")),
        started_at,
    }
}

pub(crate) fn attempt(task_id: &str, call_no: u32, hold: Usd, sent_at: Timestamp) -> NewAttempt {
    NewAttempt {
        attempt_id: attempt_id(task_id, call_no, 1),
        task_id: task_id.to_owned(),
        call_no,
        attempt_no: 1,
        path: PayPath::Byok,
        provider: "anthropic".to_owned(),
        payer: "you pay Anthropic at list price".to_owned(),
        key_label: Some("client-a".to_owned()),
        key_fingerprint: Some("1a2b3c4d".to_owned()),
        model: "claude-sonnet-5-5".to_owned(),
        wire: Some(Wire::Anthropic),
        charge: Charge::Billed,
        hold,
        price: Some(PriceRef {
            source: "https://claude.com/pricing".to_owned(),
            as_of: "2026-11-20".to_owned(),
            hash: "5f3a".to_owned(),
        }),
        markup: Rate::ZERO,
        sent_at,
    }
}

pub(crate) fn billed(amount: Usd) -> Cost {
    Cost { charge: Charge::Billed, certainty: Certainty::Exact, billed: Some(amount), list: Some(amount) }
}

pub(crate) fn settlement(cost: Cost, finished_at: Timestamp) -> Settlement {
    Settlement {
        usage: Usage {
            input: 1_200,
            cache_read: 30_000,
            cache_write_5m: 4_000,
            cache_write_1h: 0,
            output: 800,
            reasoning: 300,
        },
        cost,
        proof: Proof::Verified,
        outcome: "ok".to_owned(),
        model: None,
        response_id: Some("msg_01".to_owned()),
        request_id: Some("req_01".to_owned()),
        organization: Some("org-1".to_owned()),
        http_status: Some(200),
        retry_after_ms: None,
        finished_at,
        duration_ms: 2_400,
    }
}

pub(crate) fn done(finished_at: Timestamp) -> TaskEnd {
    TaskEnd { status: Status::Done, exit_code: 0, turns: 3, finished_at, files_changed: 2, summary: None }
}

/// A failure as a person reads it, for snapshots.
pub(crate) fn told(failure: &vibekit::domain::failure::Failure) -> String {
    let mut text = format!("exit {} {}: {}", failure.exit_code(), failure.code, failure.what);
    if let Some(why) = &failure.why {
        text = format!("{text}\nwhy: {why}");
    }
    failure.fix.iter().fold(text, |text, fix| format!("{text}\nfix: {fix}"))
}
