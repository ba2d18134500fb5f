//! Tasks by the beginning of their id, and what is said when that means none or several.

use jiff::Timestamp;

use super::TaskRecord;
use super::tasks::records;
use crate::base::clock::rfc3339;
use crate::domain::failure::Failure;
use crate::ledger::store::{Stop, Tx, Value, params};
use crate::ledger::{Ledger, LedgerError};

/// How many tasks an ambiguous id lists, and how many recent ones a wrong id is compared with.
const LISTED: u32 = 10;
const COMPARED: u32 = 200;

/// The tasks whose id begins with what was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    One(Box<TaskRecord>),
    /// None; the ids that look most like it, else the newest.
    None(Vec<String>),
    /// More than one, newest first.
    Many(Vec<TaskRecord>),
}

impl Found {
    /// The one task, or a usage failure (exit 2) that names what was meant or lists what fits. `command` is what
    /// the person typed before the id: `vk cost show`, `vk run --continue=`.
    ///
    /// # Errors
    /// No task, or several.
    pub fn one(self, asked: &str, command: &str) -> Result<TaskRecord, Failure> {
        // What follows `=` is joined to it.
        let command = if command.ends_with('=') { command.to_owned() } else { format!("{command} ") };
        match self {
            Self::One(task) => Ok(*task),
            Self::None(near) => {
                let failure = Failure::usage("unknown_task", format!("no task has the id {asked}"));
                let failure = near.iter().fold(failure, |f, id| f.fix(format!("{command}{id}")));
                Err(failure.fix("vk tasks list --all   # every task's id"))
            }
            Self::Many(tasks) => {
                let failure = Failure::usage("ambiguous_task", format!("more than one task's id begins with {asked}"));
                Err(tasks.iter().fold(failure, |failure, task| {
                    let when = rfc3339(task.started_at);
                    let words: String = task.words.chars().take(40).collect();
                    failure.fix(format!("{command}{}   # {} {words}", task.task_id, &when[..16].replace('T', " ")))
                }))
            }
        }
    }
}

impl Ledger {
    /// The task whose id is or begins with `id`.
    ///
    /// # Errors
    /// What the database answered.
    pub fn find_task(&self, id: &str, now: Timestamp) -> Result<Found, LedgerError> {
        let id = id.trim().to_ascii_lowercase();
        self.read(|tx| {
            let find = |filter: &str, values: &[Value<'_>]| records(tx, filter, values, self.owner(), now);
            if let Some(task) = find("task_id = ?1", params![id])?.pop() {
                return Ok(Found::One(Box::new(task)));
            }
            let mut tasks = Vec::new();
            if !id.is_empty() {
                let end = format!("{id}\u{10ffff}");
                let filter = "task_id >= ?1 AND task_id < ?2 ORDER BY started_at DESC LIMIT ?3";
                tasks = find(filter, params![id, end, LISTED])?;
            }
            match (tasks.pop(), tasks.is_empty()) {
                (Some(task), true) => Ok(Found::One(Box::new(task))),
                (Some(last), false) => {
                    tasks.push(last);
                    Ok(Found::Many(tasks))
                }
                (None, _) => Ok(Found::None(near(tx, &id)?)),
            }
        })
    }
}

/// Up to three ids of recent tasks: those a slip of the fingers away, else the newest.
fn near(tx: &Tx<'_>, id: &str) -> Result<Vec<String>, Stop> {
    let sql = "SELECT task_id FROM tasks ORDER BY started_at DESC, task_id DESC LIMIT ?1";
    let recent: Vec<String> = tx.rows(sql, params![COMPARED], |row| row.get(0))?;
    let mut close: Vec<(usize, &String)> = recent
        .iter()
        .map(|known| {
            let beginning: String = known.chars().take(id.chars().count()).collect();
            (strsim::damerau_levenshtein(id, &beginning), known)
        })
        .filter(|(distance, _)| *distance <= 2 && id.len() > 3)
        .collect();
    close.sort();
    let chosen = if close.is_empty() {
        recent.iter().take(3).collect()
    } else {
        close.into_iter().map(|(_, k)| k).collect::<Vec<_>>()
    };
    Ok(chosen.into_iter().take(3).cloned().collect())
}
