//! The sums under a table: one line for each state that occurs, so that they never run together.

use super::amounts::{at_least, charged_places, list_places};
use crate::base::money::Places;
use crate::ledger::query::Spend;

/// The decimals of amounts charged and of list values, each as in the table above.
#[derive(Clone, Copy)]
pub(super) struct Decimals {
    pub charged: Places,
    pub list: Places,
}

impl Decimals {
    /// Those that a table of these sums needs.
    pub(super) fn of<'a>(spends: impl Iterator<Item = &'a Spend> + Clone) -> Self {
        Self { charged: charged_places(spends.clone()), list: list_places(spends) }
    }
}

/// Amounts after their state, their points below one another: `billed        $0.65`.
pub(super) fn lines(total: &Spend, decimals: Decimals) -> String {
    let counts = &total.counts;
    let mut lines: Vec<(&str, String, String)> = Vec::new();
    let most = decimals.charged.count().max(decimals.list.count());
    let mut line = |calls: u64, state, amount: String, places: Places, note: String| {
        if calls > 0 {
            let after = if amount.contains('.') { most - places.count() } else { 0 };
            lines.push((state, amount + &" ".repeat(after), note));
        }
    };
    let (paid, list) = (decimals.charged, decimals.list);
    line(counts.billed, "billed", paid.show(total.billed), paid, String::new());
    let note = "counted by vk, not reported by the provider";
    line(counts.estimated, "estimated", format!("~{}", paid.show(total.estimated)), paid, note.to_owned());
    let note = "at list price; the plan covers it, nothing was charged";
    line(counts.covered, "covered", at_least(total.covered_list, list), list, note.to_owned());
    let note = "at list price; nobody was charged";
    line(counts.free, "free", at_least(total.free_list, list), list, note.to_owned());
    line(counts.rehearsed, "rehearsed", String::new(), paid, format!("{}; no model ran", calls(counts.rehearsed)));
    let charged = total.charged();
    let value = match (total.unknown_list.known.is_zero(), total.unknown_list.unknown_calls) {
        (true, _) => String::new(),
        (false, 0) => format!(", {} at list price", list.show(total.unknown_list.known)),
        (false, unpriced) => {
            format!(", {} at list price without {}", list.show(total.unknown_list.known), calls(unpriced))
        }
    };
    let note = if charged.known.is_zero() {
        format!("{}{value}; what was charged is not known", calls(counts.unknown))
    } else {
        format!("{}{value}; with them the sum is at least {}", calls(counts.unknown), paid.show(charged.known))
    };
    line(counts.unknown, "unknown", "?".to_owned(), paid, note);
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
