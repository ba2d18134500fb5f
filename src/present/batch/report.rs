//! What a batch leaves on the terminal: a line for each task that ends, the table of all of them, and what to type next.

use std::fmt::Write as _;

use super::super::escape::escape_line;
use super::super::grid::{self, Column, Style};
use super::super::screen::{Paint, seconds};
use super::super::summary::{cost_words, count, payer_words, status_words, tokens};
use super::super::table::fold;
use crate::base::money::{Places, Usd};
use crate::base::shell;
use crate::domain::batch::{BatchFinished, BatchStarted, BatchTask};
use crate::domain::cost::CostState;
use crate::domain::event::{PayerShare, TaskFinished};
use crate::domain::failure::Status;
use crate::task::batch::plan::Planned;

/// Failed tasks that are told of one by one.
const FAILED_SHOWN: usize = 10;
/// Characters of a task's words in the table.
const WORDS_SHOWN: usize = 60;

/// A task's row: what was planned, and how it ended where this start ran it.
pub(super) struct Row {
    pub(super) planned: Planned,
    pub(super) begun: bool,
    pub(super) end: Option<BatchTask>,
    /// Billed and estimated.
    pub(super) spent: Usd,
}

impl Row {
    fn status(&self) -> String {
        match (&self.end, self.planned.ended) {
            (Some(end), _) => status_words(end.end.status.as_str()),
            (None, Some(ended)) => format!("{} before", status_words(ended.as_str())),
            (None, None) if self.begun => status_words(Status::Interrupted.as_str()),
            (None, None) => "not started".to_owned(),
        }
    }

    fn finished(&self) -> Option<&TaskFinished> {
        self.end.as_ref().map(|end| &end.end)
    }
}

/// Who pays for all of it and how much at most, and what there is to do.
pub(super) fn begins(started: &BatchStarted, quiet: bool, paint: Paint, width: Option<usize>) -> Vec<String> {
    let shown = |text: &str, paint: &dyn Fn(&str) -> String| {
        let lines = fold(&escape_line(text), width, "", "  ");
        lines.lines().map(paint).collect::<Vec<_>>()
    };
    let mut lines = shown(&started.line, &|line| paint.bold(line));
    if quiet {
        return lines;
    }
    if let Some(route) = &started.route {
        if let Some(estimate) = &route.estimate_usd {
            lines.extend(shown(&format!("a task: {estimate}"), &|line| paint.dim(line)));
        }
        if !route.ignored_ambient.is_empty() {
            let ignored = format!("ignored ambient {}", route.ignored_ambient.join(", "));
            lines.extend(shown(&ignored, &|line| paint.dim(line)));
        }
        for warning in &route.warnings {
            lines.extend(shown(&format!("warning: {warning}"), &str::to_owned));
        }
    }
    let mut parts = vec![format!("batch {} of {}", started.batch_id, started.file)];
    parts.extend(started.shard.as_ref().map(|shard| format!("part {shard}")));
    parts.push(count(started.tasks as u64, "task", "tasks"));
    if started.ended_before > 0 {
        parts.push(format!("{} ended before", started.ended_before));
    }
    if !started.spent_usd.is_zero() {
        parts.push(format!("{} spent before", started.spent_usd));
    }
    parts.push(format!("results in {}", started.results));
    lines.extend(shown(&parts.join(" · "), &|line| paint.dim(line)));
    lines
}

/// `✓ lint  done · $0.0412 · 3 turns · 12s · vk/t0vk3j9q2x7f`, and why where it is not done.
pub(super) fn ended(end: &BatchTask, spent: Usd, paint: Paint, width: Option<usize>) -> Vec<String> {
    let task = &end.end;
    let words = status_words(task.status.as_str());
    let (mark, words) = match task.status {
        Status::Done => (paint.good("✓"), words),
        _ => (paint.bad("✗"), paint.bad(&words)),
    };
    let mut parts = vec![words, short_cost(task, spent, Places::of([task.cost_usd.unwrap_or(spent)]))];
    if task.turns > 0 {
        parts.push(count(u64::from(task.turns), "turn", "turns"));
    }
    parts.push(seconds(task.duration_ms));
    if let Some(tree) = task.worktree.as_ref().filter(|tree| !tree.removed) {
        parts.push(escape_line(&tree.branch).into_owned());
    }
    if let Some(address) = &task.pull_request {
        parts.push(escape_line(address).into_owned());
    }
    let line = format!("{mark} {}  {}", escape_line(&end.id), parts.join(" · "));
    let mut lines: Vec<String> = fold(&line, width, "", "  ").lines().map(str::to_owned).collect();
    if let Some(error) = &task.error {
        let why = crate::base::mask::mask(&error.what);
        lines.extend(fold(&escape_line(&why), width, "  ", "  ").lines().map(str::to_owned));
    }
    lines
}

/// For a column: what was charged, or the one word that says why nothing was.
fn short_cost(task: &TaskFinished, spent: Usd, places: Places) -> String {
    match (task.cost_state, task.cost_usd) {
        (None, _) => "-".to_owned(),
        (Some(state @ (CostState::Covered | CostState::Free | CostState::Rehearsed)), _) => state.as_str().to_owned(),
        (Some(CostState::Billed), Some(cost)) => places.show(cost),
        (Some(CostState::Estimated), Some(cost)) => format!("~{}", places.show(cost)),
        (Some(_), _) if spent.is_zero() => "?".to_owned(),
        (Some(_), _) => format!(">= {}", places.show(spent)),
    }
}

/// Every task of this start, in the order of the file.
pub(super) fn table(rows: &[Row], style: Style) -> String {
    let places = Places::of(rows.iter().filter_map(|row| row.finished()?.cost_usd));
    let text = |name, rank, cell: &dyn Fn(&Row) -> String| Column::text(name, rank, rows.iter().map(cell));
    let number = |name, rank, cell: &dyn Fn(&Row) -> String| Column::number(name, rank, rows.iter().map(cell));
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let columns = vec![
        text("id", 0, &|row| row.planned.line.id.clone()).giving_way(),
        text("status", 0, &Row::status),
        number("cost", 0, &|row| or_dash(row.finished().map(|end| short_cost(end, row.spent, places)))),
        number("turns", 4, &|row| or_dash(row.finished().map(|end| end.turns.to_string()))),
        number("time", 2, &|row| or_dash(row.finished().map(|end| seconds(end.duration_ms)))),
        number("files", 3, &|row| or_dash(row.finished().map(|end| end.files_changed.len().to_string()))),
        text("branch", 1, &|row| {
            let tree = row.finished().and_then(|end| end.worktree.as_ref()).filter(|tree| !tree.removed);
            or_dash(tree.map(|tree| tree.branch.clone()))
        }),
        text("words", 5, &|row| first_words(&row.planned.line.task)).giving_way(),
    ];
    grid::table(columns, style)
}

/// What a start that only looks would run.
pub(super) fn plan(rows: &[Row], started: &BatchStarted, style: Style) -> String {
    let text = |name, rank, cell: &dyn Fn(&Row) -> String| Column::text(name, rank, rows.iter().map(cell));
    let most = |row: &Row| {
        let cap = started.task_cap_usd?;
        Some(row.planned.line.max_cost.map_or(cap, |own| own.min(cap)))
    };
    let columns = vec![
        text("id", 0, &|row| row.planned.line.id.clone()).giving_way(),
        text("would", 0, &|row| row.planned.ended.map_or_else(|| "run".to_owned(), |_| "skip".to_owned())),
        text("before", 2, &|row| {
            row.planned.ended.map_or_else(|| "-".to_owned(), |ended| status_words(ended.as_str()))
        }),
        text("model", 3, &|row| row.planned.line.model.clone().unwrap_or_else(|| "-".to_owned())),
        Column::number(
            "at most",
            1,
            rows.iter().map(|row| {
                most(row).filter(|_| row.planned.ended.is_none()).map_or_else(|| "-".to_owned(), |usd| usd.to_string())
            }),
        ),
        text("words", 1, &|row| first_words(&row.planned.line.task)).giving_way(),
    ];
    grid::table(columns, style)
}

fn first_words(words: &str) -> String {
    let line = words.lines().next().unwrap_or_default();
    let cut: String = line.chars().take(WORDS_SHOWN).collect();
    if cut.len() < words.trim_end().len() { format!("{cut}…") } else { cut }
}

/// What came of the whole, what it cost, who paid, and what to type for what is left. `again` is the batch as typed.
pub(super) fn summary(
    end: &BatchFinished,
    rows: &[Row],
    again: &str,
    known: Usd,
    paint: Paint,
    width: Option<usize>,
) -> String {
    let mut shown = String::new();
    shown.push_str(&fold(&headline(end, paint), width, "", "  "));
    let mut row = |label: &str, text: &str| {
        let is_command = ["vk ", "git ", "cat "].iter().any(|begin| text.starts_with(begin));
        let width = width.filter(|_| !is_command);
        shown.push_str(&fold(text, width, &format!("  {}", paint.dim(&format!("{label:<9}"))), &" ".repeat(11)));
    };
    if !end.payers.is_empty() {
        row("tokens", &tokens(&end.usage));
        let mut cost = cost_words(end.cost_usd, end.cost_state, known);
        if let Some(list) = end.list_usd.filter(|list| Some(*list) != end.cost_usd) {
            let _ = write!(cost, " · at list price {list}");
        }
        row("cost", &cost);
    }
    if let (Some(cap), Some(spent)) = (end.cap_usd, end.spent_usd) {
        row("budget", &format!("{spent} of {cap} is spent by all starts of this batch"));
    }
    for share in &end.payers {
        row("paid by", &payer_words(share));
    }
    failed(&mut row, rows);
    let trees = rows
        .iter()
        .filter_map(Row::finished)
        .filter(|task| task.status == Status::Done && task.worktree.as_ref().is_some_and(|tree| !tree.removed));
    let (committed, loose): (Vec<&TaskFinished>, Vec<&TaskFinished>) = trees.partition(|task| task.commit.is_some());
    if !committed.is_empty() {
        row("take", "git merge BRANCH   # each branch has one commit");
    }
    if !loose.is_empty() {
        row("take", "vk tasks diff TASK | git apply   # TASK is the branch's name without vk/");
    }
    if let Some(results) = &end.results {
        row("results", &escape_line(results));
    }
    let again = escape_line(again);
    let counts = &end.tasks;
    // An error that ended it has its own command.
    let told = end.error.as_ref().is_some_and(|error| error.fix.iter().any(|fix| fix.starts_with("vk batch ")));
    if !told && (counts.interrupted + counts.not_started > 0 || failed_otherwise(rows)) {
        row("go on", &again);
    }
    if rows.iter().any(has_had_its_try) {
        row("again", &format!("{again} --retry-failed"));
    }
    shown
}

/// A task that failed on its own, which runs again only when asked for.
fn has_had_its_try(row: &Row) -> bool {
    let status = row.finished().map(|task| task.status).or(row.planned.ended);
    status.is_some_and(|status| status.exit_code() == 1)
}

/// A task that something else kept from its end: the next start runs it again.
fn failed_otherwise(rows: &[Row]) -> bool {
    rows.iter().filter_map(Row::finished).any(|task| task.status != Status::Done && task.status.exit_code() != 1)
}

fn failed(row: &mut impl FnMut(&str, &str), rows: &[Row]) {
    let all: Vec<&BatchTask> = rows
        .iter()
        .filter_map(|row| row.end.as_ref())
        .filter(|end| !matches!(end.end.status, Status::Done | Status::Interrupted))
        .collect();
    for task in all.iter().take(FAILED_SHOWN) {
        let id = escape_line(&task.id).into_owned();
        match &task.end.task_id {
            // Once the sandbox stands there is a conversation to go on with.
            Some(task_id) if task.end.sandbox.is_some() => {
                let tree = task.end.worktree.as_ref().is_some_and(|tree| tree.removed);
                let tree = if tree { " --worktree" } else { "" };
                let payer = task.end.payers.last().map(same_payer).unwrap_or_default();
                row("failed", &format!("vk run --continue={task_id}{tree}{payer} \"...\"   # {id}"));
            }
            _ => row("failed", &id),
        }
    }
    if all.len() > FAILED_SHOWN {
        row("", &format!("and {} more", all.len() - FAILED_SHOWN));
    }
}

/// The flags that let the same account pay again: what this project's files choose may be another.
fn same_payer(share: &PayerShare) -> String {
    let key = share.key_label.as_ref().map(|label| format!(" --key {}", shell::word(label))).unwrap_or_default();
    format!(" --path {} --provider {}{key}", share.path, shell::word(&share.provider))
}

fn headline(end: &BatchFinished, paint: Paint) -> String {
    let counts = &end.tasks;
    let whole = format!("{} of {} done", counts.done, counts.total);
    let mut parts = vec![if end.exit_code == 0 { paint.good(&whole) } else { paint.bad(&whole) }];
    for (number, words) in
        [(counts.failed, "failed"), (counts.interrupted, "interrupted"), (counts.not_started, "not started")]
    {
        if number > 0 {
            parts.push(format!("{number} {words}"));
        }
    }
    if counts.ended_before > 0 {
        parts.push(format!("{} of them before", counts.ended_before));
    }
    parts.push(seconds(end.duration_ms));
    parts.join(" · ")
}
