//! The limits on plans: a part of each window, and tasks a day.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::base::clock;
use crate::domain::quota::Part;
use crate::present::grid::{Column, Style, table as grid, when};

/// One limit, beside one plan that it binds; or beside none, where none was used yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRow {
    pub limit: PlanLimit,
    /// The project it is for; `None` for all.
    pub project: Option<String>,
    pub provider: Option<String>,
    /// The fingerprint of its token; empty for its program's own login.
    pub account: String,
    /// When what is used begins anew.
    pub ends_at: Option<Timestamp>,
    /// Where it was set.
    pub source: String,
}

/// What it limits, and how much of that is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanLimit {
    Quota {
        part: Part,
        /// A window of the plan, and its percent as last told.
        used: Option<(String, u32)>,
    },
    TasksDay {
        most: u32,
        used: u32,
    },
}

impl PlanRow {
    fn plan(&self) -> String {
        let provider = self.provider.as_deref().unwrap_or("every plan");
        if self.account.is_empty() { provider.to_owned() } else { format!("{provider} {}", self.account) }
    }

    fn most(&self) -> String {
        match &self.limit {
            PlanLimit::Quota { part, .. } => format!("{part} of a window"),
            PlanLimit::TasksDay { most, .. } => format!("{most} tasks a day"),
        }
    }

    fn used(&self) -> String {
        match &self.limit {
            PlanLimit::Quota { used: Some((window, percent)), .. } if window.is_empty() => format!("{percent} %"),
            PlanLimit::Quota { used: Some((window, percent)), .. } => format!("{percent} % of {window}"),
            PlanLimit::Quota { used: None, .. } => "not told yet".to_owned(),
            PlanLimit::TasksDay { used, .. } => used.to_string(),
        }
    }
}

pub(super) fn json(rows: &[PlanRow]) -> Vec<Value> {
    let row = |row: &PlanRow| {
        let (limit, value, window, used) = match &row.limit {
            PlanLimit::Quota { part, used } => {
                let (window, percent) = used.clone().unzip();
                ("quota", json!(part.to_string()), window, percent)
            }
            PlanLimit::TasksDay { most, used } => ("tasks_day", json!(most), None, Some(*used)),
        };
        json!({
            "limit": limit,
            "value": value,
            "scope": if row.project.is_some() { "project" } else { "all" },
            "target": row.project,
            "provider": row.provider,
            "account": row.account,
            "window": window,
            "used": used,
            "ends_at": row.ends_at.map(clock::rfc3339),
            "source": row.source,
        })
    };
    rows.iter().map(row).collect()
}

pub(super) fn table(rows: &[PlanRow], style: Style) -> String {
    let whose =
        |row: &PlanRow| row.project.as_ref().map_or_else(|| "all projects".to_owned(), |p| format!("project {p}"));
    let ends = |row: &PlanRow| row.ends_at.map(|at| when(at, style.now)).unwrap_or_default();
    let columns = vec![
        Column::text("plan", 0, rows.iter().map(PlanRow::plan)),
        Column::text("of", 4, rows.iter().map(whose)).giving_way(),
        Column::text("limit", 0, rows.iter().map(PlanRow::most)),
        Column::text("used", 0, rows.iter().map(PlanRow::used)),
        Column::text("until (UTC)", 3, rows.iter().map(ends)),
        Column::text("set by", 2, rows.iter().map(|row| row.source.clone())),
    ];
    grid(columns, style)
}
