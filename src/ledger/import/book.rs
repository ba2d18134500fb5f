//! Writing what was read: sessions as tasks, calls as settled attempts, each call once and by its best account.

use std::collections::{BTreeSet, HashSet};

use super::call::{Call, CallId, Rank};
use super::files::LogFile;
use super::mark::{self, Mark};
use super::outcome::{Imported, Odd};
use super::session::Session;
use super::tool::Tool;
use crate::domain::cost::{Certainty, Charge};
use crate::ledger::days;
use crate::ledger::store::{Stop, Tx, params, stored_money, stored_tokens, usage};

/// The status of a task that stands for a session of another tool.
pub(in crate::ledger) const IMPORTED: &str = "imported";

/// What an import has written so far.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub imported: Imported,
    /// Whose use it is, and what stands before the paths of this machine's files.
    user: String,
    machine: String,
    driven: HashSet<(String, String)>,
    sessions: HashSet<String>,
}

/// One transaction of an import.
pub(super) struct Page<'t> {
    tx: &'t Tx<'t>,
    days: BTreeSet<i64>,
    /// Tasks whose first and last call may have changed.
    tasks: BTreeSet<String>,
}

const INSERT: &str =
    "INSERT INTO attempts (attempt_id, task_id, call_no, attempt_no, state, settled_by, path, provider,
        payer, model, sent_at, day, hold, counted, charge, certainty, billed, list, proof, input, cache_read,
        cache_write_5m, cache_write_1h, output, reasoning, price_source, price_date, price_hash, outcome,
        response_id, request_id, finished_at)
    VALUES (?1, ?2, 0, 1, 'settled', 'import', ?3, ?4, ?5, ?6, ?7, ?8, 0, 0, ?9, ?10, ?11, ?12, 'claimed', ?13, ?14,
        ?15, ?16, ?17, ?18, ?19, ?20, ?21, 'ok', ?22, ?23, ?7)
    ON CONFLICT (attempt_id) DO NOTHING";

impl Book {
    pub(super) fn open(tx: &Tx<'_>, user: &str, machine: String) -> Result<Self, Stop> {
        let sql = "SELECT tool, session FROM driven_sessions";
        let driven = tx.rows(sql, &[], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let driven = driven.into_iter().collect();
        Ok(Self { driven, user: user.to_owned(), machine, ..Self::default() })
    }

    fn is_driven(&self, session: &Session) -> bool {
        !self.driven.is_empty() && self.driven.contains(&(session.tool.as_str().to_owned(), session.id.clone()))
    }

    /// Writes some calls of one file.
    pub(super) fn calls(&mut self, page: &mut Page<'_>, tool: Tool, calls: &[Call]) -> Result<(), Stop> {
        let mut met: Option<&Session> = None;
        for call in calls {
            if self.is_driven(&call.session) {
                self.imported.tools.entry(tool).or_default().calls_driven += 1;
                continue;
            }
            if !met.is_some_and(|met| std::ptr::eq(met, &raw const *call.session)) {
                page.session(call, &self.user)?;
                met = Some(&call.session);
            }
            let wrote = page.call(call)?;
            let found = self.imported.tools.entry(tool).or_default();
            match wrote {
                Wrote::New => {
                    found.calls_new += 1;
                    match &call.list {
                        Some((list, _)) => found.list += *list,
                        None => found.unpriced(&call.payer.provider, &call.model),
                    }
                    if !self.sessions.contains(&call.session.task_id) {
                        self.sessions.insert(call.session.task_id.clone());
                        found.sessions += 1;
                    }
                }
                Wrote::Better => found.calls_completed += 1,
                Wrote::Nothing => found.calls_known += 1,
            }
        }
        Ok(())
    }

    /// Writes that a file is done with.
    pub(super) fn done(
        &mut self,
        page: &Page<'_>,
        file: &LogFile,
        mark: &Mark,
        odd: &Odd,
        bytes: u64,
    ) -> Result<(), Stop> {
        mark::save(page.tx, &self.machine, file, mark)?;
        let found = self.imported.tools.entry(file.tool).or_default();
        found.files_read += 1;
        found.bytes_read += bytes;
        found.add(odd);
        Ok(())
    }
}

/// What became of an account of a call.
enum Wrote {
    New,
    /// It was better than the one that was there.
    Better,
    Nothing,
}

impl<'t> Page<'t> {
    pub(super) fn new(tx: &'t Tx<'t>) -> Result<Self, Stop> {
        tx.expect_many()?;
        Ok(Self { tx, days: BTreeSet::new(), tasks: BTreeSet::new() })
    }

    /// What depends on all calls of a task or day, once for all that were written.
    pub(super) fn close(self) -> Result<(), Stop> {
        let last = "SELECT path, provider, payer, model FROM attempts WHERE task_id = ?1
             ORDER BY sent_at DESC, attempt_id DESC LIMIT 1";
        let span = "UPDATE tasks SET path = ?2, provider = ?3, payer = ?4, model = ?5,
                 started_at = (SELECT min(sent_at) FROM attempts WHERE task_id = ?1),
                 finished_at = (SELECT max(sent_at) FROM attempts WHERE task_id = ?1)
             WHERE task_id = ?1";
        for task in &self.tasks {
            let of_last: Option<[String; 4]> = self
                .tx
                .optional(last, params![task], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))?;
            match of_last {
                Some([path, provider, payer, model]) => {
                    self.tx.execute(span, params![task, path, provider, payer, model])?
                }
                // Each of its calls belongs to another session after all.
                None => self.tx.execute("DELETE FROM tasks WHERE task_id = ?1", params![task])?,
            };
        }
        days::mark(self.tx, self.days)
    }

    /// The task that stands for a call's session, made where there is none. Of the folders it worked in, the first
    /// in the order of their names is its project: the root of a tree before what is in it.
    fn session(&mut self, call: &Call, user: &str) -> Result<(), Stop> {
        let session = &call.session;
        let changed = self.tx.execute(
            "INSERT INTO tasks (task_id, tool, session, user_name, project, project_dir, words, path, provider, payer,
                 model, engine, started_at, finished_at, status, owner_pid, owner_started, owner_host, lease_until)
             VALUES (?1, ?2, ?3, ?12, coalesce((SELECT t.project FROM tasks t WHERE t.project_dir = ?5 AND ?5 != ''
                     AND coalesce(t.status, '') != 'imported' ORDER BY t.started_at DESC LIMIT 1), ?4), ?5, '', ?6, ?7, ?8, ?9,
                 ?2, ?10, ?10, ?11, 0, 0, '', 0)
             ON CONFLICT (task_id) DO UPDATE SET project = excluded.project, project_dir = excluded.project_dir
             WHERE excluded.project_dir != '' AND (tasks.project_dir = '' OR excluded.project_dir < tasks.project_dir)
                 OR excluded.project_dir = '' AND tasks.project_dir = '' AND excluded.project < tasks.project",
            params![
                session.task_id,
                session.tool.as_str(),
                session.id,
                session.project.name,
                session.project.dir,
                call.payer.path,
                call.payer.provider,
                call.payer.words,
                call.model,
                call.sent_at,
                IMPORTED,
                user,
            ],
        )?;
        if changed > 0 {
            // A session that moved to another project takes the sums of all its days with it.
            let days = "SELECT DISTINCT day FROM attempts WHERE task_id = ?1";
            self.days.extend(self.tx.rows(days, params![session.task_id], |row| row.get::<i64>(0))?);
        }
        self.tasks.insert(session.task_id.clone());
        Ok(())
    }

    fn call(&mut self, call: &Call) -> Result<Wrote, Stop> {
        if call.id.is_copy() {
            if self.has_original(call.id)? {
                return Ok(Wrote::Nothing);
            }
        } else {
            self.forget_copy(call.id)?;
        }
        let id = call.id.text();
        if self.insert(&id, call)? {
            self.days.insert(call.sent_at.div_euclid(86_400_000));
            return Ok(Wrote::New);
        }
        let known = "SELECT input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, sent_at, task_id, day
             FROM attempts WHERE attempt_id = ?1";
        let (used, sent_at, task, day) = self.tx.row(known, params![id], |row| {
            Ok((usage(row, 0)?, row.get::<i64>(6)?, row.get::<String>(7)?, row.get::<i64>(8)?))
        })?;
        if call.rank() <= Rank::new(&used, sent_at, &task) {
            return Ok(Wrote::Nothing);
        }
        self.delete(&id)?;
        self.insert(&id, call)?;
        self.days.extend([day, call.sent_at.div_euclid(86_400_000)]);
        self.tasks.insert(task);
        Ok(Wrote::Better)
    }

    fn insert(&mut self, id: &str, call: &Call) -> Result<bool, Stop> {
        let covered = call.payer.charge == Charge::Covered;
        let certainty = if covered { Certainty::Exact } else { Certainty::Unknown };
        let price = call.list.as_ref().map(|(_, price)| price);
        let used = &call.usage;
        let rows = self.tx.execute(
            INSERT,
            params![
                id,
                call.session.task_id,
                call.payer.path,
                call.payer.provider,
                call.payer.words,
                call.model,
                call.sent_at,
                call.sent_at.div_euclid(86_400_000),
                call.payer.charge.as_str(),
                certainty.as_str(),
                covered.then_some(0_i64),
                call.list.as_ref().map(|(list, _)| stored_money(*list)),
                stored_tokens(used.input),
                stored_tokens(used.cache_read),
                stored_tokens(used.cache_write_5m),
                stored_tokens(used.cache_write_1h),
                stored_tokens(used.output),
                stored_tokens(used.reasoning),
                price.map(|price| price.source.as_str()),
                price.map(|price| price.as_of.as_str()),
                price.map(|price| price.hash.as_str()),
                call.message,
                call.request,
            ],
        )?;
        Ok(rows > 0)
    }

    fn delete(&self, id: &str) -> Result<usize, Stop> {
        self.tx.execute("DELETE FROM attempts WHERE attempt_id = ?1", params![id])
    }

    /// Whether the message that a side conversation repeats is there.
    fn has_original(&self, id: CallId) -> Result<bool, Stop> {
        let (from, copy) = (id.prefix(), id.text());
        // The character after the dash.
        let until = format!("{}.", from.trim_end_matches('-'));
        let others = "SELECT attempt_id FROM attempts
             WHERE attempt_id >= ?1 AND attempt_id < ?2 AND attempt_id != ?3 LIMIT 1";
        Ok(self.tx.optional(others, params![from, until, copy], |_| Ok(()))?.is_some())
    }

    /// Takes out the copy of a message whose original has come.
    fn forget_copy(&mut self, id: CallId) -> Result<(), Stop> {
        let forget = "DELETE FROM attempts WHERE attempt_id = ?1 RETURNING task_id, day";
        let gone = self
            .tx
            .optional(forget, params![id.its_copy().text()], |row| Ok((row.get::<String>(0)?, row.get::<i64>(1)?)))?;
        if let Some((task, day)) = gone {
            self.days.insert(day);
            self.tasks.insert(task);
        }
        Ok(())
    }
}
