//! Tasks from their beginning to their end, and what became of each attempt.

use jiff::Timestamp;

use super::counters::{PLACE, Place, Taken, rebook};
use super::days;
use super::holds::{make_uncertain, renew};
use super::plans;
use super::store::{Stop, Tx, money, params, stored_money, stored_tokens};
use super::{Aborted, Corrected, Ledger, LedgerError, NewTask, Settled, Settlement, TaskEnd, Word};
use crate::base::money::Usd;
use crate::domain::cost::{Certainty, Charge, Cost};

/// How much of a task's words and of its summary is kept, in characters.
const WORDS: usize = 200;
const SUMMARY: usize = 1_000;

impl Ledger {
    /// Records a task before its first attempt.
    ///
    /// # Errors
    /// See [`LedgerError`]; nothing may be spent then.
    pub fn begin_task(&self, task: &NewTask) -> Result<(), LedgerError> {
        self.write(|tx| {
            let rows = tx.execute(
                "INSERT INTO tasks (task_id, tool, session, user_name, project, project_dir, words, path, provider,
                     payer, key_label, key_fingerprint, model, engine, cap, started_at, batch, owner_pid,
                     owner_started, owner_host, lease_until)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, 0, 0, '', 0)
                 ON CONFLICT (task_id) DO NOTHING",
                params![
                    task.id,
                    task.tool,
                    task.session,
                    task.user,
                    task.project_name,
                    task.project_dir.to_string_lossy(),
                    beginning(&task.words, WORDS),
                    task.path.as_str(),
                    task.provider,
                    task.payer,
                    task.key_label,
                    task.key_fingerprint,
                    task.model,
                    task.engine,
                    task.cap.map(Usd::nanos),
                    task.started_at.as_millisecond(),
                    task.batch,
                ],
            )?;
            if rows == 0 {
                return Err(LedgerError::Duplicate { what: "task", id: task.id.clone() }.into());
            }
            renew(tx, self.owner(), &task.id, task.started_at)
        })
    }

    /// Records how an attempt ended. Doing it again changes nothing; a figure that comes after the attempt was
    /// settled for want of one replaces the assumed one. What was charged above the hold is recorded in full.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn settle(&self, attempt_id: &str, settlement: &Settlement) -> Result<Settled, LedgerError> {
        self.write_again(|tx| {
            let attempt = Attempt::load(tx, attempt_id)?;
            if !attempt.is_open() {
                return Ok(Settled::Already);
            }
            let after = After::of(settlement.cost, attempt.hold);
            record(tx, attempt_id, settlement, &after)?;
            days::mark_call(tx, attempt_id)?;
            attempt.rebook(tx, after.state, after.counted)?;
            Ok(Settled::Recorded)
        })
    }

    /// Records the provider's figure for an attempt whose cost was uncertain or assumed. One that was estimated from
    /// its usage is settled by the provider itself alone: a person may have read another's figure.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn correct(&self, attempt_id: &str, cost: Usd, by: Word, now: Timestamp) -> Result<Corrected, LedgerError> {
        self.write(|tx| {
            let attempt = Attempt::load(tx, attempt_id)?;
            if attempt.state == "live" {
                return Ok(Corrected::Live);
            }
            let may = attempt.is_open() || (by == Word::Provider && attempt.is_estimated());
            if !may {
                let billed = "SELECT billed FROM attempts WHERE attempt_id = ?1";
                let billed: Option<i64> = tx.row(billed, params![attempt_id], |row| row.get(0))?;
                return Ok(Corrected::Known(billed.map(money)));
            }
            let counted = stored_money(cost);
            tx.execute(
                "UPDATE attempts SET state = 'settled', settled_by = ?4, counted = ?2, charge = 'billed',
                     certainty = 'exact', billed = ?2, finished_at = coalesce(finished_at, ?3), uncertain_at = NULL
                 WHERE attempt_id = ?1",
                params![attempt_id, counted, now.as_millisecond(), by.as_str()],
            )?;
            days::mark_call(tx, attempt_id)?;
            attempt.rebook(tx, "settled", counted)?;
            Ok(Corrected::Recorded { task_id: attempt.place.task_id, before: money(attempt.counted) })
        })
    }

    /// Releases the hold of an attempt of which nothing was sent: it cost exactly nothing.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn abort(&self, attempt_id: &str, outcome: &str, now: Timestamp) -> Result<Aborted, LedgerError> {
        self.write_again(|tx| {
            let attempt = Attempt::load(tx, attempt_id)?;
            if !attempt.is_open() {
                return Ok(Aborted::Already);
            }
            tx.execute(
                "UPDATE attempts SET state = 'aborted', settled_by = 'vk', counted = 0, certainty = 'exact', billed = 0,
                     list = 0, outcome = ?2, finished_at = ?3, uncertain_at = NULL
                 WHERE attempt_id = ?1",
                params![attempt_id, outcome, now.as_millisecond()],
            )?;
            days::mark_call(tx, attempt_id)?;
            attempt.rebook(tx, "aborted", 0)?;
            Ok(Aborted::Released)
        })
    }

    /// Records how a task ended. Attempts it never settled become uncertain. A task that goes on after its end
    /// (a follow-up at the prompt) may end again; the last end stays.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn finish_task(&self, task_id: &str, end: &TaskEnd) -> Result<(), LedgerError> {
        self.write_again(|tx| {
            let at = end.finished_at.as_millisecond();
            let rows = tx.execute(
                "UPDATE tasks SET status = ?2, exit_code = ?3, turns = ?4, finished_at = ?5, files_changed = ?6,
                     summary = ?7, lease_until = ?5
                 WHERE task_id = ?1",
                params![
                    task_id,
                    end.status.as_str(),
                    end.exit_code,
                    end.turns,
                    at,
                    end.files_changed,
                    end.summary.as_deref().map(|text| beginning(text, SUMMARY)),
                ],
            )?;
            if rows == 0 {
                return Err(LedgerError::Missing { what: "task", id: task_id.to_owned() }.into());
            }
            make_uncertain(tx, task_id, at)?;
            plans::release(tx, task_id)
        })
    }
}

/// An attempt as it is before a change.
struct Attempt {
    state: String,
    counted: i64,
    hold: i64,
    settled_by: Option<String>,
    certainty: String,
    place: Place,
}

impl Attempt {
    fn load(tx: &Tx<'_>, attempt_id: &str) -> Result<Self, Stop> {
        let sql = format!(
            "SELECT {PLACE}, a.state, a.counted, a.hold, a.settled_by, a.certainty
             FROM attempts a JOIN tasks t ON t.task_id = a.task_id WHERE a.attempt_id = ?1"
        );
        let attempt = tx.optional(&sql, params![attempt_id], |row| {
            Ok(Self {
                place: Place::of(row)?,
                state: row.get(7)?,
                counted: row.get(8)?,
                hold: row.get(9)?,
                settled_by: row.get(10)?,
                certainty: row.get(11)?,
            })
        })?;
        attempt.ok_or_else(|| LedgerError::Missing { what: "attempt", id: attempt_id.to_owned() }.into())
    }

    /// Whether its figures are still to come, or were only assumed.
    fn is_open(&self) -> bool {
        matches!(self.state.as_str(), "live" | "uncertain") || self.settled_by.as_deref() == Some("expiry")
    }

    /// Whether its cost follows from figures that were not all reported.
    fn is_estimated(&self) -> bool {
        self.state == "settled" && self.certainty == "estimated"
    }

    fn rebook(&self, tx: &Tx<'_>, state: &str, counted: i64) -> Result<(), Stop> {
        rebook(tx, &self.place, Taken::of(&self.state, self.counted), Taken::of(state, counted))
    }
}

/// What a settlement makes of an attempt.
struct After {
    state: &'static str,
    counted: i64,
    certainty: Certainty,
    billed: Option<i64>,
}

impl After {
    /// Only an account's charge counts. If its amount is not known, whatever was held stays counted.
    fn of(cost: Cost, hold: i64) -> Self {
        let settled =
            |billed: Option<i64>, counted| Self { state: "settled", counted, certainty: cost.certainty, billed };
        match (cost.charge, cost.billed.map(stored_money)) {
            (Charge::Billed, Some(billed)) if cost.certainty != Certainty::Unknown => settled(Some(billed), billed),
            (Charge::Billed | Charge::Unknown, _) => {
                let state = if hold > 0 { "uncertain" } else { "settled" };
                Self { state, counted: hold, certainty: Certainty::Unknown, billed: None }
            }
            (Charge::Covered | Charge::Free | Charge::Rehearsed, billed) => settled(billed.or(Some(0)), 0),
        }
    }
}

fn record(tx: &Tx<'_>, id: &str, settlement: &Settlement, after: &After) -> Result<(), Stop> {
    let usage = &settlement.usage;
    tx.later(
        "UPDATE attempts SET state = ?2, settled_by = 'vk', counted = ?3, charge = ?4, certainty = ?5, billed = ?6,
             list = ?7, proof = ?8, input = ?9, cache_read = ?10, cache_write_5m = ?11, cache_write_1h = ?12,
             output = ?13, reasoning = ?14, outcome = ?15, model = coalesce(?16, model), http_status = ?17,
             retry_after_ms = ?18, response_id = ?19, request_id = ?20, organization = ?21, finished_at = ?22,
             duration_ms = ?23, uncertain_at = CASE ?2 WHEN 'uncertain' THEN ?22 END
         WHERE attempt_id = ?1",
        params![
            id,
            after.state,
            after.counted,
            settlement.cost.charge.as_str(),
            after.certainty.as_str(),
            after.billed,
            settlement.cost.list.map(stored_money),
            settlement.proof.as_str(),
            stored_tokens(usage.input),
            stored_tokens(usage.cache_read),
            stored_tokens(usage.cache_write_5m),
            stored_tokens(usage.cache_write_1h),
            stored_tokens(usage.output),
            stored_tokens(usage.reasoning),
            settlement.outcome,
            settlement.model,
            settlement.http_status,
            settlement.retry_after_ms.map(stored_tokens),
            settlement.response_id,
            settlement.request_id,
            settlement.organization,
            settlement.finished_at.as_millisecond(),
            stored_tokens(settlement.duration_ms),
        ],
    )
}

/// The first `limit` characters, without a cut one.
fn beginning(text: &str, limit: usize) -> &str {
    text.char_indices().nth(limit).map_or(text, |(end, _)| &text[..end])
}
