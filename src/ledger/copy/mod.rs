//! One ledger into another, row for row: a file into a team's database, and back. What is there already stays, unless
//! the row that comes knows how something ended that is still open there. Doing it again changes nothing.
//!
//! Sums are not copied: the counters of the other ledger take each attempt as it comes, and its days are summed anew.

use std::collections::HashMap;

use jiff::Timestamp;

use super::counters::{Place, Taken, add};
use super::query::{TaskRecord, tasks_that};
use super::store::{Cell, Row, Stop, Tx, Value, params};
use super::{Ledger, LedgerError, days};

mod tables;

use tables::Kind::{Int, Text};
use tables::{Kind, TABLES, Table};

/// Rows that are read and written at once: one transaction, so that others wait for no more.
const PAGE: usize = 200;

/// What was done with the rows of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    pub table: &'static str,
    pub new: u64,
    /// They were open there and have ended here.
    pub completed: u64,
    /// They were there, or what is there counts.
    pub known: u64,
}

/// A row between two databases.
type Owned = Vec<Option<Held>>;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Held {
    Int(i64),
    Text(String),
}

impl Ledger {
    /// The tasks that still run here, newest first: while one does, a copy would miss its end.
    ///
    /// # Errors
    /// What the database answered.
    pub fn running(&self, now: Timestamp) -> Result<Vec<TaskRecord>, LedgerError> {
        let open = "status IS NULL ORDER BY started_at DESC, task_id DESC LIMIT ?1";
        let mut tasks = self.read(|tx| tasks_that(tx, open, params![1_000_u32], self.owner(), now))?;
        tasks.retain(|task| task.status == "running");
        Ok(tasks)
    }

    /// Copies every row into `target`, table by table.
    ///
    /// # Errors
    /// What either database answered. What was copied until then stays, and is known the next time.
    pub fn copy_to(&self, target: &Self) -> Result<Vec<Copied>, LedgerError> {
        let places = self.read(places)?;
        TABLES.iter().map(|table| self.copy_table(table, target, &places)).collect()
    }

    fn copy_table(
        &self,
        table: &Table,
        target: &Self,
        places: &HashMap<String, Origin>,
    ) -> Result<Copied, LedgerError> {
        let mut copied = Copied { table: table.name, ..Copied::default() };
        let of_files = table.name == "import_files";
        let (here, there) = (self.machine(), target.machine());
        let mut last: Option<Owned> = None;
        loop {
            let mut page = self.read(|tx| table.page(tx, last.as_ref()))?;
            let Some(end) = page.last().cloned() else { return Ok(copied) };
            last = Some(end);
            if of_files {
                // Files are this machine's, and are told apart where several share a ledger.
                page.retain(|row| matches!(&row[0], Some(Held::Text(path)) if path.starts_with(&here)));
                for row in &mut page {
                    if let Some(Held::Text(path)) = &mut row[0] {
                        *path = format!("{there}{}", &path[here.len()..]);
                    }
                }
                page.sort();
            }
            if page.is_empty() {
                continue;
            }
            let done = target.write(|tx| table.put(tx, &page, places))?;
            copied.new += done.new;
            copied.completed += done.completed;
            copied.known += done.known;
        }
    }
}

/// Where the attempts of a task count: its project, its person, its batch.
#[derive(Clone, Debug, Default)]
struct Origin {
    project_dir: String,
    user: String,
    batch: Option<String>,
}

/// That of each task.
fn places(tx: &Tx<'_>) -> Result<HashMap<String, Origin>, Stop> {
    let sql = "SELECT task_id, project_dir, user_name, batch FROM tasks";
    let all = tx.rows(sql, &[], |row| {
        Ok((row.get(0)?, Origin { project_dir: row.get(1)?, user: row.get(2)?, batch: row.get(3)? }))
    })?;
    Ok(all.into_iter().collect())
}

impl Table {
    fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    fn keys(&self) -> String {
        self.columns[..self.key].iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// `?4, ?5, ?6`: so many parameters after `before`.
    fn marks(before: usize, count: usize) -> String {
        (1..=count).map(|at| format!("?{}", before + at)).collect::<Vec<_>>().join(", ")
    }

    /// The rows that follow the one with this key.
    fn page(&self, tx: &Tx<'_>, last: Option<&Owned>) -> Result<Vec<Owned>, Stop> {
        let (names, keys) = (self.names(), self.keys());
        let after = match last {
            Some(_) => format!("WHERE ({keys}) > ({})", Self::marks(0, self.key)),
            None => String::new(),
        };
        let sql = format!("SELECT {names} FROM {} {after} ORDER BY {keys} LIMIT {PAGE}", self.name);
        let values: Vec<Value<'_>> = last.map(|row| self.values(&row[..self.key])).unwrap_or_default();
        tx.rows(&sql, &values, |row| self.owned(row))
    }

    /// Writes the rows that are not there, and those that have ended since they were written there.
    fn put(&self, tx: &Tx<'_>, page: &[Owned], places: &HashMap<String, Origin>) -> Result<Copied, Stop> {
        let (Some(first), Some(last)) = (page.first(), page.last()) else { return Ok(Copied::default()) };
        let (names, keys) = (self.names(), self.keys());
        let between = format!(
            "SELECT {names} FROM {} WHERE ({keys}) >= ({}) AND ({keys}) <= ({})",
            self.name,
            Self::marks(0, self.key),
            Self::marks(self.key, self.key)
        );
        let ends = [self.values(&first[..self.key]), self.values(&last[..self.key])].concat();
        let there = tx.rows(&between, &ends, |row| self.owned(row))?;
        let there: HashMap<&[Option<Held>], &Owned> = there.iter().map(|row| (&row[..self.key], row)).collect();
        let mut copied = Copied::default();
        let mut new = Vec::new();
        for row in page {
            let before = there.get(&row[..self.key]).copied();
            match before {
                None => {
                    copied.new += 1;
                    new.push(row);
                }
                Some(before) if before != row && self.completes(before, row) => {
                    copied.completed += 1;
                    self.replace(tx, row)?;
                }
                Some(_) => {
                    copied.known += 1;
                    continue;
                }
            }
            if self.name == "attempts" {
                self.count(tx, before, row, places)?;
            }
        }
        if !new.is_empty() {
            let width = self.columns.len();
            let rows: Vec<String> = (0..new.len()).map(|at| format!("({})", Self::marks(at * width, width))).collect();
            let values: Vec<Value<'_>> = new.iter().flat_map(|row| self.values(row)).collect();
            tx.execute(&format!("INSERT INTO {} ({names}) VALUES {}", self.name, rows.join(", ")), &values)?;
        }
        Ok(copied)
    }

    /// Whether the row that is there is open still, and the one that comes is not.
    fn completes(&self, there: &Owned, here: &Owned) -> bool {
        match self.name {
            "tasks" => self.cell(there, "finished_at").is_none() && self.cell(here, "finished_at").is_some(),
            "attempts" => {
                let is_open = |row: &Owned| {
                    matches!(self.text(row, "state"), "live" | "uncertain") || self.text(row, "settled_by") == "expiry"
                };
                is_open(there) && !is_open(here)
            }
            _ => false,
        }
    }

    fn replace(&self, tx: &Tx<'_>, row: &Owned) -> Result<(), Stop> {
        let columns = self.columns.iter().enumerate().skip(self.key);
        let set: Vec<String> = columns.map(|(at, (name, _))| format!("{name} = ?{}", at + 1)).collect();
        let keys = self.columns.iter().enumerate().take(self.key);
        let which: Vec<String> = keys.map(|(at, (name, _))| format!("{name} = ?{}", at + 1)).collect();
        let sql = format!("UPDATE {} SET {} WHERE {}", self.name, set.join(", "), which.join(" AND "));
        tx.execute(&sql, &self.values(row))?;
        Ok(())
    }

    /// Moves the counters by what an attempt takes there now, and takes its day's sums as stale.
    fn count(
        &self,
        tx: &Tx<'_>,
        before: Option<&Owned>,
        row: &Owned,
        places: &HashMap<String, Origin>,
    ) -> Result<(), Stop> {
        let task_id = self.text(row, "task_id").to_owned();
        let Origin { project_dir, user, batch } = places.get(&task_id).cloned().unwrap_or_default();
        let place = Place {
            task_id,
            project_dir,
            path: self.text(row, "path").to_owned(),
            key_fingerprint: Some(self.text(row, "key_fingerprint").to_owned()).filter(|key| !key.is_empty()),
            user,
            batch,
            day: self.number(row, "day"),
        };
        let taken = |row: &Owned| Taken::of(self.text(row, "state"), self.number(row, "counted"));
        // What never held money, as an imported call, never had a counter.
        if self.number(row, "hold") > 0 || self.number(row, "counted") > 0 {
            add(tx, &place, before.map(taken).unwrap_or_default(), taken(row))?;
        }
        days::mark(tx, [place.day])
    }

    fn cell<'r>(&self, row: &'r Owned, name: &str) -> Option<&'r Held> {
        let at = self.columns.iter().position(|(column, _)| *column == name)?;
        row.get(at)?.as_ref()
    }

    fn text<'r>(&self, row: &'r Owned, name: &str) -> &'r str {
        match self.cell(row, name) {
            Some(Held::Text(text)) => text,
            _ => "",
        }
    }

    fn number(&self, row: &Owned, name: &str) -> i64 {
        match self.cell(row, name) {
            Some(Held::Int(number)) => *number,
            _ => 0,
        }
    }

    fn owned(&self, row: &Row<'_>) -> Result<Owned, Stop> {
        let cell = |at: usize| {
            Ok(match row.cell(at)? {
                Cell::None => None,
                Cell::Int(number) => Some(Held::Int(number)),
                Cell::Text(text) => Some(Held::Text(text.to_owned())),
            })
        };
        (0..self.columns.len()).map(cell).collect()
    }

    /// The first columns of a row as parameters.
    fn values<'r>(&self, row: &'r [Option<Held>]) -> Vec<Value<'r>> {
        let value = |(cell, (_, kind)): (&'r Option<Held>, &(&str, Kind))| match (cell, kind) {
            (Some(Held::Int(number)), _) => Value::Int(Some(*number)),
            (Some(Held::Text(text)), _) => Value::Text(Some(text)),
            (None, Int) => Value::Int(None),
            (None, Text) => Value::Text(None),
        };
        row.iter().zip(self.columns).map(value).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Owner;

    /// A column or table of a later schema is either copied or named here as one that is made anew.
    #[test]
    fn every_table_and_column_is_copied_or_made_anew() {
        let ledger = Ledger::in_memory(Owner::current()).unwrap();
        let sql = "SELECT t.name || '.' || c.name FROM sqlite_schema t, pragma_table_info(t.name) c
             WHERE t.type = 'table' AND t.name NOT IN ('counters', 'day_sums', 'stale_days') ORDER BY 1";
        let all: Vec<String> = ledger.read(|tx| tx.rows(sql, &[], |row| row.get(0))).unwrap();
        let mut copied: Vec<String> = Vec::new();
        for table in &TABLES {
            copied.extend(table.columns.iter().map(|(column, _)| format!("{}.{column}", table.name)));
        }
        copied.sort();
        assert_eq!(all, copied);
    }
}
