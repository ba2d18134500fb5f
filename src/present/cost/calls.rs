//! `vk cost show` as a table: one task, each HTTP attempt on its line, then where the prices came from.

use super::Style;
use super::amounts::{charged, list_places};
use super::totals::{self, Decimals};
use crate::base::clock::rfc3339;
use crate::base::money::Places;
use crate::domain::cost::CostState;
use crate::ledger::WindowUse;
use crate::ledger::query::{CallRow, CallState, TaskRecord};
use crate::present::grid::{Column, table as grid, when};
use crate::present::screen::seconds;
use crate::present::summary::{status_words, thousands};
use crate::present::table::wrap;

pub(super) fn table(task: &TaskRecord, calls: &[CallRow], plans: &[WindowUse], style: Style) -> String {
    let amounts = calls.iter().map(|call| call.billed.unwrap_or(call.hold));
    let sums = [task.spend.billed, task.spend.estimated, task.spend.charged().known];
    let decimals = Decimals { charged: Places::of(amounts.chain(sums)), list: list_places([&task.spend]) };
    let mut text = head(task, decimals.charged, style);
    text.push('\n');
    if calls.is_empty() {
        text.push_str(" No call was made.\n");
        return text;
    }
    text.push_str(&grid(columns(calls, decimals.charged), style));
    text.push('\n');
    text.push_str(&totals::lines(&task.spend, decimals));
    let columns = style.width.map_or(usize::MAX, usize::from);
    for used in plans {
        let line = format!("{} {} (was {} %)", used.provider, used.window, used.used_before);
        text.push_str(&wrap(&line, columns, " plan: ", "   "));
    }
    for line in prices(calls) {
        text.push_str(&wrap(&line, columns, " price: ", "   "));
    }
    text
}

fn head(task: &TaskRecord, places: Places, style: Style) -> String {
    let ended = match task.finished_at {
        Some(at) => {
            let ms = u64::try_from(at.as_millisecond() - task.started_at.as_millisecond()).unwrap_or(0);
            let code =
                task.exit_code.filter(|code| *code > 0).map(|code| format!(" (exit {code})")).unwrap_or_default();
            format!("{}{code} after {}", status_words(&task.status), seconds(ms))
        }
        None => status_words(&task.status),
    };
    let key = match (&task.key_label, &task.key_fingerprint) {
        (Some(label), Some(print)) => format!(" · key {label} {print}"),
        _ => String::new(),
    };
    let cap = task.cap.map(|cap| format!(" of {cap} at most")).unwrap_or_default();
    let lines = [
        format!("{} · {} UTC · {} · {ended}", task.task_id, when(task.started_at, style.now), task.project),
        task.words.clone(),
        format!("{} · {} · {}{key} · {}", task.path, task.provider, task.model, task.payer),
        format!("{}{cap}", charged(&task.spend, places)),
    ];
    let mut text = String::new();
    for line in lines {
        text.push_str(&wrap(&line, style.width.map_or(usize::MAX, usize::from), " ", "   "));
    }
    text
}

fn columns(calls: &[CallRow], places: Places) -> Vec<Column> {
    let text = |name, rank, cell: fn(&CallRow) -> String| Column::text(name, rank, calls.iter().map(cell));
    let number = |name, rank, cell: fn(&CallRow) -> String| Column::number(name, rank, calls.iter().map(cell));
    let payers = calls.iter().any(|call| (&call.path, &call.provider) != (&calls[0].path, &calls[0].provider));
    vec![
        text("call", 0, name),
        text("sent", 7, |call| rfc3339(call.sent_at)[11..19].to_owned()),
        // Where an edge was taken, who paid each call is what matters most.
        text("payer", if payers { 1 } else { 12 }, |call| format!("{} {}", call.path, call.provider)),
        text("model", 6, |call| call.model.clone()),
        number("in", 3, |call| thousands(call.usage.input)),
        number("cached", 3, |call| thousands(call.usage.cache_read)),
        number("to cache", 4, |call| thousands(call.usage.cache_written())),
        number("out", 3, |call| thousands(call.usage.output)),
        Column::number("cost", 0, calls.iter().map(|call| cost(call, places))),
        text("state", 0, |call| state(call).to_owned()).tinted(calls.iter().map(tint)),
        text("proof", 2, |call| if call.state == CallState::Settled { call.proof.clone() } else { String::new() }),
        text("outcome", 3, outcome),
        number("time", 8, |call| call.duration_ms.map(seconds).unwrap_or_default()),
        text("request", 9, |call| call.request_id.clone().unwrap_or_default()),
    ]
}

/// `3`, and `3 try 2` for a retry.
fn name(call: &CallRow) -> String {
    if call.attempt_no > 1 { format!("{} try {}", call.call_no, call.attempt_no) } else { call.call_no.to_string() }
}

fn cost(call: &CallRow, places: Places) -> String {
    match (call.state, call.billed) {
        (CallState::Live, _) => format!("<= {}", places.show(call.hold)),
        (_, None) if call.hold.is_zero() => "?".to_owned(),
        (_, None) => format!("? <= {}", places.show(call.hold)),
        (_, Some(billed)) if call.cost_state == CostState::Estimated => format!("~{}", places.show(billed)),
        (_, Some(billed)) => places.show(billed),
    }
}

fn state(call: &CallRow) -> &'static str {
    match call.state {
        CallState::Live => "under way",
        CallState::Aborted => "not sent",
        CallState::Uncertain if call.cost_state == CostState::Unknown => "uncertain",
        CallState::Uncertain | CallState::Settled => call.cost_state.as_str(),
    }
}

fn tint(call: &CallRow) -> CostState {
    match call.state {
        CallState::Live | CallState::Aborted => CostState::Billed,
        CallState::Uncertain | CallState::Settled => call.cost_state,
    }
}

fn outcome(call: &CallRow) -> String {
    let word = status_words(call.outcome.as_deref().unwrap_or_default());
    match call.http_status {
        Some(status) if word != "ok" => format!("{word} {status}"),
        _ => word,
    }
}

/// Each price that was used, once.
fn prices(calls: &[CallRow]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for call in calls {
        let Some(price) = &call.price else { continue };
        let markup = if call.markup.ppm() == 0 { String::new() } else { format!(" plus {} markup", call.markup) };
        let hash: String = price.hash.chars().take(12).collect();
        let line = format!("{} at {} as of {} ({hash}){markup}", call.model, price.source, price.as_of);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}
