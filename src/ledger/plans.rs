//! Plans in the ledger: how many tasks used one on a day, so that no number of processes passes a limit on them, and
//! what a plan said of its windows before and after each task.

use std::path::Path;

use jiff::Timestamp;

use super::counters::day_of;
use super::store::{Row, Stop, Tx, moment, params};
use super::{Ledger, LedgerError};
use crate::domain::quota::Window;
use crate::domain::route::Route;

/// A plan as the ledger tells it from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanKey<'a> {
    pub provider: &'a str,
    /// The fingerprint of the token that pays; empty for the login of the plan's own program.
    pub account: &'a str,
}

impl<'a> PlanKey<'a> {
    #[must_use]
    pub fn of(route: &'a Route) -> Self {
        Self { provider: &route.provider, account: route.credential.fingerprint().unwrap_or_default() }
    }
}

/// A limit on the tasks of one UTC day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TasksDay<'a> {
    pub limit: u32,
    /// Of this project only; else of all.
    pub project_dir: Option<&'a Path>,
}

/// What became of a task that asked to use a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It counts among the day's tasks from now on.
    Granted,
    /// The limit at this place in the list is reached.
    Full { limit: usize, used: u32 },
}

/// What a plan said of one of its windows during a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowUse {
    pub provider: String,
    pub account: String,
    pub used_before: u32,
    /// As last said.
    pub window: Window,
    pub seen_at: Timestamp,
}

impl Ledger {
    /// Counts a task among those of `plan` today, unless a limit is reached: one transaction, so that the limits hold
    /// for any number of processes. A task that counts already goes on to.
    ///
    /// # Errors
    /// See [`LedgerError`]; the plan may not be used then.
    pub fn claim_plan(
        &self,
        plan: PlanKey<'_>,
        task_id: &str,
        project_dir: &Path,
        limits: &[TasksDay<'_>],
        now: Timestamp,
    ) -> Result<Claim, LedgerError> {
        let day = day_of(now);
        self.write(|tx| {
            for (at, limit) in limits.iter().enumerate() {
                let used = others_today(tx, plan, limit.project_dir, day, task_id)?;
                if used >= limit.limit {
                    return Ok(Claim::Full { limit: at, used });
                }
            }
            tx.execute(
                "INSERT INTO plan_tasks (provider, account, day, task_id, project_dir) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (provider, account, day, task_id) DO NOTHING",
                params![plan.provider, plan.account, day, task_id, project_dir.to_string_lossy()],
            )?;
            Ok(Claim::Granted)
        })
    }

    /// How many tasks used each plan today, in one project or in all: its provider, its account, the tasks.
    ///
    /// # Errors
    /// What the database answered.
    pub fn plans_today(
        &self,
        project_dir: Option<&Path>,
        now: Timestamp,
    ) -> Result<Vec<(String, String, u32)>, LedgerError> {
        let sql = "SELECT provider, account, count(*) FROM plan_tasks
             WHERE day = ?1 AND (?2 IS NULL OR project_dir = ?2)
             GROUP BY provider, account ORDER BY provider, account";
        let (day, dir) = (day_of(now), project_dir.map(Path::to_string_lossy));
        self.read(|tx| tx.rows(sql, params![day, dir], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))))
    }

    /// Records what the plan said of its windows during a task: at first, and as it is now.
    ///
    /// # Errors
    /// See [`LedgerError`].
    pub fn saw_plan(
        &self,
        plan: PlanKey<'_>,
        task_id: &str,
        before: &[Window],
        now: &[Window],
        at: Timestamp,
    ) -> Result<(), LedgerError> {
        self.write(|tx| {
            for window in now {
                let first = before.iter().find(|first| first.name == window.name).unwrap_or(window);
                tx.execute(
                    "INSERT INTO plan_windows (task_id, provider, account, name, used_before, used_after, resets_at,
                         seen_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                     ON CONFLICT (task_id, provider, account, name) DO UPDATE SET used_after = excluded.used_after,
                         resets_at = excluded.resets_at, seen_at = excluded.seen_at",
                    params![
                        task_id,
                        plan.provider,
                        plan.account,
                        window.name,
                        first.used,
                        window.used,
                        window.resets_at.map(Timestamp::as_millisecond),
                        at.as_millisecond(),
                    ],
                )?;
            }
            Ok(())
        })
    }

    /// What plans said of their windows during a task.
    ///
    /// # Errors
    /// What the database answered.
    pub fn plan_use(&self, task_id: &str) -> Result<Vec<WindowUse>, LedgerError> {
        let sql = format!("{SELECT} WHERE task_id = ?1 ORDER BY provider, account, name");
        self.read(|tx| tx.rows(&sql, params![task_id], window_use))
    }

    /// The windows of every plan as they were last told, without those that have begun anew since.
    ///
    /// # Errors
    /// What the database answered.
    pub fn plans_now(&self, now: Timestamp) -> Result<Vec<WindowUse>, LedgerError> {
        // What says nothing of its end is taken to last as long as the shortest window that plans have.
        let since = now.as_millisecond() - 5 * 3_600_000;
        let sql = format!(
            "{SELECT} WHERE (resets_at > ?1 OR (resets_at IS NULL AND seen_at > ?2))
             ORDER BY provider, account, name, seen_at DESC"
        );
        let mut all: Vec<WindowUse> =
            self.read(|tx| tx.rows(&sql, params![now.as_millisecond(), since], window_use))?;
        all.dedup_by(|later, first| {
            (&later.provider, &later.account, &later.window.name)
                == (&first.provider, &first.account, &first.window.name)
        });
        Ok(all)
    }
}

const SELECT: &str = "SELECT provider, account, name, used_before, used_after, resets_at, seen_at FROM plan_windows";

fn window_use(row: &Row<'_>) -> Result<WindowUse, Stop> {
    Ok(WindowUse {
        provider: row.get(0)?,
        account: row.get(1)?,
        used_before: row.get(3)?,
        window: Window { name: row.get(2)?, used: row.get(4)?, resets_at: row.get::<Option<i64>>(5)?.map(moment) },
        seen_at: moment(row.get(6)?),
    })
}

fn others_today(
    tx: &Tx<'_>,
    plan: PlanKey<'_>,
    project_dir: Option<&Path>,
    day: i64,
    task_id: &str,
) -> Result<u32, Stop> {
    let sql = "SELECT count(*) FROM plan_tasks
         WHERE provider = ?1 AND account = ?2 AND day = ?3 AND task_id <> ?4 AND (?5 IS NULL OR project_dir = ?5)";
    let project_dir = project_dir.map(Path::to_string_lossy);
    tx.row(sql, params![plan.provider, plan.account, day, task_id, project_dir], |row| row.get(0))
}

/// A task that ends without a call on a plan was none of its tasks.
pub(super) fn release(tx: &Tx<'_>, task_id: &str) -> Result<(), Stop> {
    tx.execute(
        "DELETE FROM plan_tasks WHERE task_id = ?1 AND NOT EXISTS (
             SELECT 1 FROM attempts WHERE attempts.task_id = plan_tasks.task_id
                 AND attempts.provider = plan_tasks.provider AND attempts.path = 'subscription'
                 AND attempts.state <> 'aborted')",
        params![task_id],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock;
    use crate::ledger::Owner;

    const PLAN: PlanKey<'static> = PlanKey { provider: "claude", account: "" };

    fn ledger() -> Ledger {
        Ledger::in_memory(Owner::current()).unwrap()
    }

    #[test]
    fn a_days_tasks_are_counted_by_plan_and_by_project() {
        let (ledger, now) = (ledger(), clock::now());
        let claim = |task: &str, dir: &str, limits: &[TasksDay<'_>], plan: PlanKey<'_>, at: Timestamp| {
            ledger.claim_plan(plan, task, Path::new(dir), limits, at).unwrap()
        };
        let two = [TasksDay { limit: 2, project_dir: None }];
        assert_eq!(claim("t1", "/a", &two, PLAN, now), Claim::Granted);
        assert_eq!(claim("t2", "/b", &two, PLAN, now), Claim::Granted);
        assert_eq!(claim("t2", "/b", &two, PLAN, now), Claim::Granted, "it counts already");
        assert_eq!(claim("t3", "/a", &two, PLAN, now), Claim::Full { limit: 0, used: 2 });
        // Another account's tasks, another day's, and a project's own.
        assert_eq!(claim("t3", "/a", &two, PlanKey { account: "3f9c01aa", ..PLAN }, now), Claim::Granted);
        assert_eq!(claim("t3", "/a", &two, PLAN, now + jiff::SignedDuration::from_hours(24)), Claim::Granted);
        let own = [TasksDay { limit: 9, project_dir: None }, TasksDay { limit: 1, project_dir: Some(Path::new("/a")) }];
        assert_eq!(claim("t4", "/a", &own, PLAN, now), Claim::Full { limit: 1, used: 1 });
        let today = |dir: Option<&str>| ledger.plans_today(dir.map(Path::new), now).unwrap();
        let of = |account: &str, tasks| ("claude".to_owned(), account.to_owned(), tasks);
        assert_eq!(today(None), [of("", 2), of("3f9c01aa", 1)]);
        assert_eq!(today(Some("/b")), [of("", 1)]);
    }

    #[test]
    fn what_a_plan_said_is_kept_for_each_task_and_forgotten_once_it_begins_anew() {
        let (ledger, now) = (ledger(), clock::now());
        let hours = jiff::SignedDuration::from_hours;
        let window = |name: &str, used, resets_at| Window { name: name.to_owned(), used, resets_at };
        let first = [window("5 h", 41, Some(now + hours(2))), window("1 week", 10, None)];
        let then = [window("5 h", 43, Some(now + hours(2))), window("1 week", 10, None)];
        ledger.saw_plan(PLAN, "t1", &first, &first, now).unwrap();
        ledger.saw_plan(PLAN, "t1", &first, &then, now).unwrap();
        let shown = |all: Vec<WindowUse>| {
            all.iter()
                .map(|one| format!("{} {} {}", one.window.name, one.used_before, one.window.used))
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(ledger.plan_use("t1").unwrap()), ["1 week 10 10", "5 h 41 43"]);
        ledger.saw_plan(PLAN, "t2", &[], &[window("5 h", 44, Some(now + hours(2)))], now + hours(1)).unwrap();
        assert_eq!(shown(ledger.plans_now(now + hours(1)).unwrap()), ["1 week 10 10", "5 h 44 44"]);
        assert_eq!(shown(ledger.plans_now(now + hours(3)).unwrap()), ["1 week 10 10"]);
        assert!(ledger.plans_now(now + hours(6)).unwrap().is_empty());
    }
}
