//! Budgets and the calls that hold some of them: as a table and as JSON.

mod plans;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::grid::{Column, Style, table as grid, when};
use super::json::text;
use crate::base::clock;
use crate::base::money::{Places, Usd};
use crate::domain::budget::Per;
use crate::ledger::Standing;
use crate::ledger::query::UncertainCall;
use crate::task::standing::percent;

pub use plans::{PlanLimit, PlanRow};

/// One budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// `all`, `project`, `path`, `key`, `team`.
    pub scope: &'static str,
    /// The project, path or key.
    pub target: Option<String>,
    pub per: Per,
    pub limit: Usd,
    /// Where a window stands; each task has a budget of its own.
    pub standing: Option<Standing>,
    /// When the window ends and another begins.
    pub ends_at: Option<Timestamp>,
    /// Where it was set.
    pub source: String,
}

impl Row {
    fn whose(&self) -> String {
        match (self.scope, &self.target) {
            ("all", _) => "all projects".to_owned(),
            ("team", _) => "everyone on this ledger".to_owned(),
            (scope, Some(target)) => format!("{scope} {target}"),
            (scope, None) => scope.to_owned(),
        }
    }

    fn left(&self) -> Option<Usd> {
        self.standing.as_ref().map(Standing::available)
    }

    /// `a day, all projects: $12.40 of $20.00 left`.
    #[must_use]
    pub fn left_line(&self) -> Option<String> {
        let left = self.left()?.max(Usd::ZERO);
        Some(format!("a {}, {}: {left} of {} left", self.per, self.whose(), self.limit))
    }
}

/// `{"budgets": [...], "plans": [...], "uncertain": [...]}`; what a budget of each task has left is `null`.
#[must_use]
pub fn json(rows: &[Row], limits: &[PlanRow], uncertain: &[UncertainCall], now: Timestamp) -> String {
    let budgets = rows.iter().map(|row| {
        let standing = row.standing.as_ref();
        json!({
            "scope": row.scope,
            "target": row.target,
            "per": row.per,
            "limit_usd": row.limit,
            "spent_usd": standing.map(|standing| standing.settled),
            "held_usd": standing.map(|standing| standing.live),
            "uncertain_usd": standing.map(|standing| standing.uncertain),
            "left_usd": row.left(),
            "percent": standing.map(|standing| percent(standing.used(), row.limit)),
            "ends_at": row.ends_at.map(clock::rfc3339),
            "source": row.source,
        })
    });
    let calls = uncertain.iter().map(|call| {
        json!({
            "attempt_id": call.attempt_id,
            "task_id": call.task_id,
            "user": call.user,
            "project": call.project,
            "path": call.path,
            "provider": call.provider,
            "model": call.model,
            "sent_at": clock::rfc3339(call.sent_at),
            "held_usd": call.held,
            "estimated_at": clock::rfc3339(call.until),
        })
    });
    let (budgets, calls): (Vec<Value>, Vec<Value>) = (budgets.collect(), calls.collect());
    text(&json!({"budgets": budgets, "plans": plans::json(limits), "uncertain": calls, "at": clock::rfc3339(now)}))
}

#[must_use]
pub fn table(rows: &[Row], limits: &[PlanRow], uncertain: &[UncertainCall], style: Style) -> String {
    let standings = || rows.iter().filter_map(|row| row.standing.as_ref());
    let used = standings().flat_map(|s| [s.settled, s.live, s.uncertain, s.available()]);
    let places = Places::of(used.chain(rows.iter().map(|row| row.limit)));
    let amount = |name, rank, of: fn(&Standing) -> Usd| {
        let cell = move |row: &Row| row.standing.as_ref().map(|s| places.show(of(s))).unwrap_or_default();
        Column::number(name, rank, rows.iter().map(cell))
    };
    let mut columns = vec![
        Column::text("per", 0, rows.iter().map(|row| row.per.to_string())),
        Column::text("of", 0, rows.iter().map(Row::whose)).giving_way(),
        Column::number("limit", 0, rows.iter().map(|row| places.show(row.limit))),
        amount("spent", 1, |s| s.settled),
        amount("held", 4, |s| s.live),
    ];
    if standings().any(|standing| !standing.uncertain.is_zero()) {
        columns.push(amount("uncertain", 2, |s| s.uncertain));
    }
    columns.extend([
        amount("left", 0, Standing::available),
        Column::number("used", 5, rows.iter().map(used_part)),
        Column::text(
            "until (UTC)",
            3,
            rows.iter().map(|row| row.ends_at.map(|at| when(at, style.now)).unwrap_or_default()),
        ),
        Column::text("set by", 2, rows.iter().map(|row| row.source.clone())),
    ]);
    let mut text = grid(columns, style);
    if !limits.is_empty() {
        text.push_str("\n Plans, which charge no dollars:\n");
        text.push_str(&plans::table(limits, style));
    }
    if !uncertain.is_empty() {
        text.push_str("\n Uncertain calls, counted in full until their cost is known:\n");
        text.push_str(&calls(uncertain, style));
        text.push_str(" What the provider says one cost: vk budget settle ATTEMPT USD\n");
    }
    text
}

fn used_part(row: &Row) -> String {
    row.standing.as_ref().map(|standing| format!("{} %", percent(standing.used(), row.limit))).unwrap_or_default()
}

fn calls(calls: &[UncertainCall], style: Style) -> String {
    let places = Places::of(calls.iter().map(|call| call.held));
    let text = |name, rank, cell: fn(&UncertainCall) -> String| Column::text(name, rank, calls.iter().map(cell));
    let columns = vec![
        text("attempt", 0, |call| call.attempt_id.clone()),
        Column::text("sent (UTC)", 3, calls.iter().map(|call| when(call.sent_at, style.now))),
        text("by", 5, |call| call.user.clone()),
        text("payer", 4, |call| format!("{} {}", call.path, call.provider)),
        text("model", 4, |call| call.model.clone()),
        Column::number("held", 0, calls.iter().map(|call| places.show(call.held))),
        Column::text("estimated from (UTC)", 2, calls.iter().map(|call| when(call.until, style.now))),
    ];
    grid(columns, style)
}
