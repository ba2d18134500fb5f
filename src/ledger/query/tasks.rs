//! Tasks: as rows of `vk cost`, as lists, and as records with the sum of their calls.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::report::{SUMS, part};
use super::{Query, Spend};
use crate::base::money::Usd;
use crate::domain::cost::CostState;
use crate::domain::event::PayerShare;
use crate::ledger::owner::{Life, Owner};
use crate::ledger::store::{Row, Stop, Tx, Value, moment, money, params};
use crate::ledger::{Ledger, LedgerError};

/// One task's spend with one payer. A task that crossed to another payer (an edge was taken) has a row for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRow {
    pub task_id: String,
    pub tool: String,
    pub session: String,
    pub started_at: Timestamp,
    pub project: String,
    /// The task's first words.
    pub words: String,
    /// `byok`, `subscription`, `platform`, `free`, or `unknown` for imported calls whose log does not say.
    pub path: String,
    pub provider: String,
    pub payer: String,
    pub key_label: Option<String>,
    /// The model of the task's route if it ran with this payer, else the one used last.
    pub model: String,
    pub spend: Spend,
    pub state: CostState,
    /// How the task ended; `running`, or `interrupted` if its process died.
    pub status: String,
}

/// A task as the ledger has it, with the sum of its calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRecord {
    pub task_id: String,
    pub tool: String,
    pub session: String,
    pub user: String,
    pub project: String,
    pub project_dir: PathBuf,
    pub words: String,
    pub path: String,
    pub provider: String,
    pub payer: String,
    pub key_label: Option<String>,
    pub key_fingerprint: Option<String>,
    pub model: String,
    pub engine: String,
    pub cap: Option<Usd>,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    /// How it ended; `running`, or `interrupted` if its process died.
    pub status: String,
    pub exit_code: Option<u8>,
    pub turns: Option<u32>,
    pub files_changed: Option<u32>,
    pub summary: Option<String>,
    pub spend: Spend,
}

impl Ledger {
    /// The newest `limit` tasks of vk's own, of one project's folder or of all.
    ///
    /// # Errors
    /// What the database answered.
    pub fn tasks(
        &self,
        project_dir: Option<&Path>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<TaskRecord>, LedgerError> {
        let dir = project_dir.map(|dir| dir.to_string_lossy().into_owned());
        let filter = "(?1 IS NULL OR project_dir = ?1) AND coalesce(status, '') != 'imported'
             ORDER BY started_at DESC, task_id DESC LIMIT ?2";
        self.read(|tx| records(tx, filter, params![dir, limit], self.owner(), now))
    }

    /// What a task's calls used and cost so far; attempts under way are not in it.
    ///
    /// # Errors
    /// What the database answered.
    pub fn task_spend(&self, task_id: &str) -> Result<Spend, LedgerError> {
        self.read(|tx| spend_of(tx, task_id))
    }

    /// The billed and estimated money of a task so far: what its cap counts, without holds.
    ///
    /// # Errors
    /// What the database answered.
    pub fn task_spent(&self, task_id: &str) -> Result<Usd, LedgerError> {
        Ok(self.task_spend(task_id)?.charged().known)
    }

    /// Each payer that a task's calls were charged to, the first one first.
    ///
    /// # Errors
    /// What the database answered.
    pub fn payers(&self, task_id: &str) -> Result<Vec<PayerShare>, LedgerError> {
        let sql = format!(
            "SELECT a.path, a.provider, a.payer, a.key_label, a.key_fingerprint, {SUMS} FROM attempts a
             WHERE a.task_id = ?1 AND a.state NOT IN ('aborted', 'live')
             GROUP BY a.path, a.provider, a.payer, a.key_label, a.key_fingerprint, a.charge, a.certainty
             ORDER BY min(a.sent_at), min(a.call_no)"
        );
        self.read(|tx| {
            let parts = tx.rows(&sql, params![task_id], |row| Ok((Payer::read(row, 0)?, part(row, 5)?)))?;
            let mut shares: Vec<(Payer, Spend)> = Vec::new();
            for (payer, part) in parts {
                match shares.iter_mut().find(|(known, _)| *known == payer) {
                    Some((_, spend)) => *spend += part.spend,
                    None => shares.push((payer, part.spend)),
                }
            }
            let share = |(payer, spend): (Payer, Spend)| PayerShare {
                path: payer.path,
                provider: payer.provider,
                payer: payer.words,
                key_label: payer.key_label,
                cost_usd: spend.charged().exact(),
                cost_state: spend.state().unwrap_or(CostState::Unknown),
            };
            Ok(shares.into_iter().map(share).collect())
        })
    }
}

/// Whom the calls of a row were charged to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Payer {
    path: String,
    provider: String,
    words: String,
    key_label: Option<String>,
    key_fingerprint: Option<String>,
}

impl Payer {
    fn read(row: &Row<'_>, first: usize) -> Result<Self, Stop> {
        Ok(Self {
            path: row.get(first)?,
            provider: row.get(first + 1)?,
            words: row.get(first + 2)?,
            key_label: row.get(first + 3)?,
            key_fingerprint: row.get(first + 4)?,
        })
    }
}

fn spend_of(tx: &Tx<'_>, task_id: &str) -> Result<Spend, Stop> {
    let sql = format!(
        "SELECT {SUMS} FROM attempts a WHERE a.task_id = ?1 AND a.state NOT IN ('aborted', 'live')
         GROUP BY a.charge, a.certainty"
    );
    let parts = tx.rows(&sql, params![task_id], |row| Ok(part(row, 0)?.spend))?;
    Ok(parts.into_iter().sum())
}

/// The tasks that `filter` (of the tasks table, with its own order) finds, with the sums of their calls.
pub(in crate::ledger) fn records(
    tx: &Tx<'_>,
    filter: &str,
    parameters: &[Value<'_>],
    here: &Owner,
    now: Timestamp,
) -> Result<Vec<TaskRecord>, Stop> {
    let sql = format!(
        "SELECT task_id, tool, session, user_name, project, project_dir, words, path, provider, payer, key_label,
             key_fingerprint, model, engine, cap, started_at, finished_at, exit_code, turns, files_changed, summary,
             status, owner_pid, owner_started, owner_host, lease_until
         FROM tasks WHERE {filter}"
    );
    let mut tasks = tx.rows(&sql, parameters, |row| {
        Ok(TaskRecord {
            task_id: row.get(0)?,
            tool: row.get(1)?,
            session: row.get(2)?,
            user: row.get(3)?,
            project: row.get(4)?,
            project_dir: PathBuf::from(row.text(5)?),
            words: row.get(6)?,
            path: row.get(7)?,
            provider: row.get(8)?,
            payer: row.get(9)?,
            key_label: row.get(10)?,
            key_fingerprint: row.get(11)?,
            model: row.get(12)?,
            engine: row.get(13)?,
            cap: row.get::<Option<i64>>(14)?.map(money),
            started_at: moment(row.get(15)?),
            finished_at: row.get::<Option<i64>>(16)?.map(moment),
            exit_code: row.get(17)?,
            turns: row.get(18)?,
            files_changed: row.get(19)?,
            summary: row.get(20)?,
            status: status(row, 21, here, now)?,
            spend: Spend::default(),
        })
    })?;
    for task in &mut tasks {
        task.spend = spend_of(tx, &task.task_id)?;
    }
    Ok(tasks)
}

/// How a task ended, from the columns status, owner_pid, owner_started, owner_host, lease_until. One without an
/// end runs as long as its process does.
fn status(row: &Row<'_>, first: usize, here: &Owner, now: Timestamp) -> Result<String, Stop> {
    if let Some(status) = row.get(first)? {
        return Ok(status);
    }
    let started: i64 = row.get(first + 2)?;
    let owner =
        Owner { pid: row.get(first + 1)?, started: u64::try_from(started).unwrap_or(0), host: row.get(first + 3)? };
    let runs = match owner.life(here) {
        Life::Alive => true,
        Life::Dead => false,
        Life::Elsewhere => row.get::<i64>(first + 4)? > now.as_millisecond(),
    };
    Ok(if runs { "running" } else { "interrupted" }.to_owned())
}

/// The rows of `vk cost`: one for each task and payer, the newest task first.
pub(super) fn rows(tx: &Tx<'_>, query: &Query, here: &Owner, now: Timestamp) -> Result<Vec<TaskRow>, Stop> {
    let sql = format!(
        "SELECT a.path, a.provider, a.payer, a.key_label, a.key_fingerprint, a.task_id, a.model, {SUMS},
             t.tool, t.session, t.started_at, t.project, t.words, t.model, t.status, t.owner_pid, t.owner_started,
             t.owner_host, t.lease_until
         FROM attempts a JOIN tasks t ON t.task_id = a.task_id WHERE {filter}
         GROUP BY t.task_id, a.task_id, a.path, a.provider, a.payer, a.key_label, a.key_fingerprint, a.model, a.charge,
             a.certainty",
        filter = Query::FILTER
    );
    let (since, until, project) = query.bounds();
    let mut whole: HashMap<(String, Payer), Piece> = HashMap::new();
    tx.each(&sql, params![since, until, project], |row| {
        let payer = Payer::read(row, 0)?;
        let part = part(row, 7)?;
        let (used, routed): (String, String) = (row.get(6)?, row.get(25)?);
        let task = TaskRow {
            task_id: row.get(5)?,
            tool: row.get(20)?,
            session: row.get(21)?,
            started_at: moment(row.get(22)?),
            project: row.get(23)?,
            words: row.get(24)?,
            path: payer.path.clone(),
            provider: payer.provider.clone(),
            payer: payer.words.clone(),
            key_label: payer.key_label.clone(),
            model: used,
            spend: part.spend,
            state: part.state,
            status: status(row, 26, here, now)?,
        };
        let piece = Piece { payer, task, latest: part.latest, routed };
        let key = (piece.task.task_id.clone(), piece.payer.clone());
        match whole.entry(key) {
            std::collections::hash_map::Entry::Occupied(mut sum) => sum.get_mut().take(piece),
            std::collections::hash_map::Entry::Vacant(none) => {
                none.insert(piece);
            }
        }
        Ok(())
    })?;
    let mut pieces: Vec<Piece> = whole.into_values().collect();
    pieces.sort_by(|a, b| {
        let key = |p: &Piece| (p.task.started_at, p.task.task_id.clone(), p.latest);
        key(b).cmp(&key(a)).then_with(|| a.payer.cmp(&b.payer))
    });
    Ok(pieces.into_iter().map(Piece::into_row).collect())
}

/// Calls of one task with one payer and one model, on the way to a row.
struct Piece {
    payer: Payer,
    task: TaskRow,
    latest: i64,
    routed: String,
}

impl Piece {
    fn take(&mut self, other: Self) {
        self.task.spend += other.task.spend;
        let better = other.task.model == self.routed || (self.task.model != self.routed && other.latest > self.latest);
        if better {
            self.task.model = other.task.model;
        }
        self.latest = self.latest.max(other.latest);
    }

    fn into_row(self) -> TaskRow {
        // Without any settled call, a row says who is being charged.
        let unsettled = match self.task.path.as_str() {
            "subscription" => CostState::Covered,
            "free" => CostState::Free,
            _ => CostState::Billed,
        };
        let state = self.task.spend.state().unwrap_or(match self.task.state {
            CostState::Unknown => unsettled,
            known => known,
        });
        TaskRow { state, ..self.task }
    }
}
