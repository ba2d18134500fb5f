//! The sums under a table: one line for each state that occurs, so that they never run together.

use super::amounts::at_least;
use crate::ledger::query::Spend;

/// Right-aligned amounts after their state: `billed        $0.65`.
pub(super) fn lines(total: &Spend) -> String {
    let counts = &total.counts;
    let mut lines: Vec<(&str, String, String)> = Vec::new();
    let mut line = |calls: u64, state, amount: String, note: String| {
        if calls > 0 {
            lines.push((state, amount, note));
        }
    };
    line(counts.billed, "billed", total.billed.to_string(), String::new());
    let note = "counted by vk, not reported by the provider";
    line(counts.estimated, "estimated", format!("~{}", total.estimated), note.to_owned());
    let note = "at list price; the plan covers it, nothing was charged";
    line(counts.covered, "covered", at_least(total.covered_list), note.to_owned());
    line(counts.free, "free", at_least(total.free_list), "at list price; nobody was charged".to_owned());
    line(counts.rehearsed, "rehearsed", String::new(), format!("{}; no model ran", calls(counts.rehearsed)));
    let charged = total.charged();
    let list = match (total.unknown_list.known.is_zero(), total.unknown_list.unknown_calls) {
        (true, _) => String::new(),
        (false, 0) => format!(", {} at list price", total.unknown_list.known),
        (false, unpriced) => format!(", {} at list price without {}", total.unknown_list.known, calls(unpriced)),
    };
    let note = if charged.known.is_zero() {
        format!("{}{list}; what was charged is not known", calls(counts.unknown))
    } else {
        format!("{}{list}; with them the sum is at least {}", calls(counts.unknown), charged.known)
    };
    line(counts.unknown, "unknown", "?".to_owned(), note);
    let widest = lines.iter().map(|(_, amount, _)| amount.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (state, amount, note) in lines {
        text.push_str(format!(" {state:<10} {amount:>widest$}  {note}").trim_end());
        text.push('\n');
    }
    text
}

fn calls(count: u64) -> String {
    if count == 1 { "1 call".to_owned() } else { format!("{count} calls") }
}
