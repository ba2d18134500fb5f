//! Holding money before it is spent, and what becomes of holds whose owner died.

use jiff::{SignedDuration, Timestamp};

use super::budgets;
use super::counters::{Place, Taken, day_of, rebook, standings};
use super::days;
use super::owner::{Life, Owner};
use super::store::{Stop, Tx, params, stored_money};
use super::{Ledger, LedgerError, NewAttempt, Reserve, Scope, Standing};
use crate::base::money::Usd;
use crate::domain::cost::Charge;

/// How long a hold outlives the last sign of life of its owner.
pub(super) const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// How long an uncertain hold waits for the provider's figure before it is settled as estimated.
pub(super) const UNCERTAIN_FOR: SignedDuration = SignedDuration::from_hours(24);

impl Ledger {
    /// Records an attempt before it is sent and holds its money in every scope, or in none: one transaction.
    /// The windows are those of the attempt's `sent_at`. Budgets that the ledger keeps itself bind beside `scopes`
    /// where the attempt is billed.
    ///
    /// # Errors
    /// See [`LedgerError`]; the attempt may not be sent then.
    pub fn reserve(&self, attempt: &NewAttempt, scopes: &[Scope]) -> Result<Reserve, LedgerError> {
        let now = attempt.sent_at;
        self.write(|tx| {
            let (place, own, is_due) = bound(tx, attempt)?;
            if is_due {
                expire(tx, self.owner(), now)?;
            }
            let mut left: Option<Usd> = None;
            let mut busy: Option<Standing> = None;
            let all: Vec<Scope> = scopes.iter().chain(&own).cloned().collect();
            for (at, standing) in standings(tx, &all, now)?.into_iter().enumerate() {
                let standing = Standing { of_ledger: at >= scopes.len(), ..standing };
                if attempt.hold > standing.without_live() {
                    return Ok(Reserve::Exhausted(standing));
                }
                let after = standing.available() - attempt.hold;
                if after.is_negative() {
                    busy = busy.or(Some(standing));
                }
                left = Some(left.map_or(after, |left| left.min(after)));
            }
            if let Some(standing) = busy {
                return Ok(Reserve::Busy(standing));
            }
            insert(tx, attempt)?;
            days::mark(tx, [place.day])?;
            let hold = stored_money(attempt.hold);
            rebook(tx, &place, Taken::default(), Taken::of("live", hold))?;
            let owner = self.owner();
            tx.later(RENEW, params![attempt.task_id, owner.pid, started(owner), owner.host, lease(now)])?;
            Ok(Reserve::Granted { left })
        })
    }

    /// Where each scope stands at `now`: for choosing how much an attempt may hold.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn standing(&self, scopes: &[Scope], now: Timestamp) -> Result<Vec<Standing>, LedgerError> {
        self.read(|tx| standings(tx, scopes, now))
    }

    /// Says that the task's process still lives: at least every 20 s while an attempt is under way.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn renew(&self, task_id: &str, now: Timestamp) -> Result<(), LedgerError> {
        self.write(|tx| renew(tx, self.owner(), task_id, now))
    }

    /// Makes the holds of dead owners uncertain and settles those that were uncertain for a day. Every reservation
    /// does this by itself; reports do it first. Without anything to do, nothing is written.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn expire(&self, now: Timestamp) -> Result<(), LedgerError> {
        let (lapsed, overdue) = self.read(|tx| due(tx, now))?;
        if overdue || !lapsed.is_empty() { self.write(|tx| expire(tx, self.owner(), now)) } else { Ok(()) }
    }
}

fn insert(tx: &Tx<'_>, attempt: &NewAttempt) -> Result<(), Stop> {
    let hold = stored_money(attempt.hold);
    let price = attempt.price.as_ref();
    tx.later(
        "INSERT INTO attempts (attempt_id, task_id, call_no, attempt_no, state, path, provider, payer, key_label,
             key_fingerprint, model, wire, sent_at, day, hold, counted, charge, certainty, proof, price_source,
             price_date, price_hash, markup_ppm)
         VALUES (?1, ?2, ?3, ?4, 'live', ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14, ?15, 'unknown', 'claimed',
             ?16, ?17, ?18, ?19)",
        params![
            attempt.attempt_id,
            attempt.task_id,
            attempt.call_no,
            attempt.attempt_no,
            attempt.path.as_str(),
            attempt.provider,
            attempt.payer,
            attempt.key_label,
            attempt.key_fingerprint,
            attempt.model,
            attempt.wire.map(crate::domain::path::Wire::as_str),
            attempt.sent_at.as_millisecond(),
            day_of(attempt.sent_at),
            hold,
            attempt.charge.as_str(),
            price.map(|p| &p.source),
            price.map(|p| &p.as_of),
            price.map(|p| &p.hash),
            attempt.markup.ppm(),
        ],
    )
}

/// Where an attempt that is about to be made will count, the ledger's own budgets that bind it there, and whether holds
/// of the dead have to be looked at before that is read.
fn bound(tx: &Tx<'_>, attempt: &NewAttempt) -> Result<(Place, Vec<Scope>, bool), Stop> {
    let Some(binding) = budgets::binding(tx, attempt)? else {
        return Err(LedgerError::Missing { what: "task", id: attempt.task_id.clone() }.into());
    };
    if binding.is_known {
        return Err(LedgerError::Duplicate { what: "attempt", id: attempt.attempt_id.clone() }.into());
    }
    let place = Place {
        task_id: attempt.task_id.clone(),
        project_dir: binding.project_dir,
        path: attempt.path.as_str().to_owned(),
        key_fingerprint: attempt.key_fingerprint.clone(),
        user: binding.user,
        batch: binding.batch,
        day: day_of(attempt.sent_at),
    };
    let scopes = if attempt.charge == Charge::Billed { binding.scopes } else { Vec::new() };
    Ok((place, scopes, binding.is_due))
}

const RENEW: &str =
    "UPDATE tasks SET owner_pid = ?2, owner_started = ?3, owner_host = ?4, lease_until = ?5 WHERE task_id = ?1";

fn lease(now: Timestamp) -> i64 {
    (now + LEASE).as_millisecond()
}

fn started(owner: &Owner) -> i64 {
    i64::try_from(owner.started).unwrap_or(i64::MAX)
}

/// Gives the task to `owner` for another lease.
pub(super) fn renew(tx: &Tx<'_>, owner: &Owner, task_id: &str, now: Timestamp) -> Result<(), Stop> {
    if tx.execute(RENEW, params![task_id, owner.pid, started(owner), owner.host, lease(now)])? == 0 {
        return Err(LedgerError::Missing { what: "task", id: task_id.to_owned() }.into());
    }
    Ok(())
}

/// A task with live holds whose lease is over, or reaches further ahead than a lease can: a clock was set back.
struct Lapsed {
    task_id: String,
    owner: Owner,
    lease_until: i64,
}

/// The live attempts of tasks that lapsed, with the numbers of [`due_at`] from `?5` on.
pub(super) const LAPSED: &str = "SELECT 1 FROM attempts l JOIN tasks o ON o.task_id = l.task_id
    WHERE l.state = 'live' AND (o.lease_until <= ?5 OR o.lease_until > ?6)";
/// The attempts that were uncertain for too long.
pub(super) const OVERDUE: &str = "SELECT 1 FROM attempts WHERE state = 'uncertain' AND uncertain_at <= ?7";

/// In milliseconds: now, the furthest that a lease can reach, and since when nothing may be uncertain.
pub(super) fn due_at(now: Timestamp) -> [i64; 3] {
    [now.as_millisecond(), lease(now), (now - UNCERTAIN_FOR).as_millisecond()]
}

/// The tasks that lapsed, and whether an attempt was uncertain for too long.
fn due(tx: &Tx<'_>, now: Timestamp) -> Result<(Vec<Lapsed>, bool), Stop> {
    let [now, lease, overdue] = due_at(now);
    let lapsed = tx.rows(
        "SELECT DISTINCT t.task_id, t.owner_pid, t.owner_started, t.owner_host, t.lease_until
         FROM attempts a JOIN tasks t ON t.task_id = a.task_id
         WHERE a.state = 'live' AND (t.lease_until <= ?1 OR t.lease_until > ?2)",
        params![now, lease],
        |row| {
            let started: i64 = row.get(2)?;
            Ok(Lapsed {
                task_id: row.get(0)?,
                owner: Owner { pid: row.get(1)?, started: u64::try_from(started).unwrap_or(0), host: row.get(3)? },
                lease_until: row.get(4)?,
            })
        },
    )?;
    let late = "SELECT 1 FROM attempts WHERE state = 'uncertain' AND uncertain_at <= ?1 LIMIT 1";
    let is_overdue = tx.optional(late, params![overdue], |row| row.get::<i64>(0))?.is_some();
    Ok((lapsed, is_overdue))
}

/// What [`Ledger::expire`] does, inside a write.
fn expire(tx: &Tx<'_>, here: &Owner, now: Timestamp) -> Result<(), Stop> {
    let (lapsed, overdue) = due(tx, now)?;
    let lapsed_any = !lapsed.is_empty();
    for lapsed in lapsed {
        if lapsed.owner.life(here) == Life::Alive {
            continue;
        }
        if lapsed.lease_until > now.as_millisecond() {
            let until = (now + LEASE).as_millisecond();
            tx.execute("UPDATE tasks SET lease_until = ?2 WHERE task_id = ?1", params![lapsed.task_id, until])?;
            continue;
        }
        make_uncertain(tx, &lapsed.task_id, lapsed.lease_until)?;
    }
    // What lapsed may have done so long ago that it is overdue at once.
    if overdue || lapsed_any {
        assume(tx, now)?;
    }
    Ok(())
}

/// Makes the live holds of a task uncertain, as of `since` (milliseconds).
pub(super) fn make_uncertain(tx: &Tx<'_>, task_id: &str, since: i64) -> Result<(), Stop> {
    let lost: Vec<(String, i64)> = tx.rows(
        "UPDATE attempts SET state = 'uncertain', uncertain_at = ?2, outcome = 'lost'
         WHERE task_id = ?1 AND state = 'live' RETURNING attempt_id, counted",
        params![task_id, since],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    for (attempt_id, counted) in lost {
        let place = Place::load(tx, &attempt_id)?;
        days::mark(tx, [place.day])?;
        rebook(tx, &place, Taken::of("live", counted), Taken::of("uncertain", counted))?;
    }
    Ok(())
}

/// Settles what stayed uncertain for a day: as estimated, at its hold, which is the most it can have cost.
fn assume(tx: &Tx<'_>, now: Timestamp) -> Result<(), Stop> {
    let due: Vec<(String, i64)> = tx.rows(
        "UPDATE attempts SET state = 'settled', settled_by = 'expiry', certainty = 'estimated', billed = counted,
             finished_at = coalesce(finished_at, uncertain_at)
         WHERE state = 'uncertain' AND uncertain_at <= ?1 RETURNING attempt_id, counted",
        params![(now - UNCERTAIN_FOR).as_millisecond()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    for (attempt_id, counted) in due {
        let place = Place::load(tx, &attempt_id)?;
        days::mark(tx, [place.day])?;
        rebook(tx, &place, Taken::of("uncertain", counted), Taken::of("settled", counted))?;
    }
    Ok(())
}
