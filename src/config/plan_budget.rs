//! `quota` and `tasks_day` under `[budget]`: how much of a plan may be used, and by how many tasks a day.

use super::budget::{QUOTA, TASKS_DAY};
use super::document::{Entry, Table};
use super::error::ConfigError;
use super::source::Sourced;
use crate::domain::quota::Part;

/// What one file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PlanBudgets {
    pub(super) quota: Option<Sourced<Part>>,
    pub(super) tasks_day: Option<Sourced<u32>>,
}

/// What binds in a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanLimits {
    /// The part of any window of a plan from which no further call is made.
    pub quota: Option<Sourced<Part>>,
    /// The user's own, where a project has lowered it.
    pub quota_ceiling: Option<Sourced<Part>>,
    /// Tasks a UTC day on one plan, in all projects.
    pub tasks_day: Option<Sourced<u32>>,
    /// The same in this project.
    pub project_tasks_day: Option<Sourced<u32>>,
}

impl PlanLimits {
    pub const NONE: Self = Self { quota: None, quota_ceiling: None, tasks_day: None, project_tasks_day: None };

    /// A project's quota is never above the user's, so it is the one that binds.
    pub(super) fn of(user: PlanBudgets, project: PlanBudgets) -> Self {
        Self {
            quota_ceiling: user.quota.clone().filter(|_| project.quota.is_some()),
            quota: project.quota.or(user.quota),
            tasks_day: user.tasks_day,
            project_tasks_day: project.tasks_day,
        }
    }
}

/// Takes both out of a `[budget]`.
pub(super) fn take(table: &mut Table<'_>) -> Result<PlanBudgets, ConfigError> {
    let quota = table.take(QUOTA).map(|entry| entry.parsed(&[])).transpose()?;
    Ok(PlanBudgets { quota, tasks_day: table.take(TASKS_DAY).map(|entry| tasks(&entry)).transpose()? })
}

fn tasks(entry: &Entry<'_>) -> Result<Sourced<u32>, ConfigError> {
    let Some(number) = entry.number() else { return entry.parsed(&[]) };
    let tasks = u32::try_from(number)
        .map_err(|_| entry.wrong_value(format!("{} must be a whole number of tasks, 0 or more", entry.name())))?;
    Ok(Sourced::new(tasks, entry.source()))
}

/// As [`take`], for a project: at most what the user's own file allows.
pub(super) fn take_under(table: &mut Table<'_>, ceiling: &PlanBudgets) -> Result<PlanBudgets, ConfigError> {
    let wanted = (table.get(QUOTA).cloned(), table.get(TASKS_DAY).cloned());
    let taken = take(table)?;
    let refuse = |entry: &Entry<'_>, most: &str, source: &str, wanted: &str| {
        let (name, key) = (entry.name(), &entry.key);
        let wrong =
            entry.wrong_value(format!("{name} may be {most} at most ({source}), and a project may only lower that"));
        ConfigError::from(wrong.instead(format!("[budget] {key} = \"{wanted}\" in your own config.toml allows it")))
    };
    if let (Some(asked), Some(most), Some(entry)) = (&taken.quota, &ceiling.quota, &wanted.0)
        && asked.value > most.value
    {
        return Err(refuse(entry, &most.value.to_string(), &most.source.to_string(), &asked.value.to_string()));
    }
    if let (Some(asked), Some(most), Some(entry)) = (&taken.tasks_day, &ceiling.tasks_day, &wanted.1)
        && asked.value > most.value
    {
        return Err(refuse(entry, &most.value.to_string(), &most.source.to_string(), &asked.value.to_string()));
    }
    Ok(taken)
}
