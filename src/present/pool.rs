//! `vk models pool`: the members in the order they are tried, and how each stands.

use jiff::Timestamp;
use serde_json::json;

use super::json::text;
use super::table::{cell, new_table, number, render, wrap};
use crate::base::clock;

/// One member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub provider: String,
    pub id: String,
    pub context: Option<u64>,
    /// `ready`, `cooling`, `quarantined`, `needs_training`, `too_small`.
    pub state: &'static str,
    pub detail: String,
    /// When it is back, where time alone brings it.
    pub until: Option<Timestamp>,
}

pub struct Shown<'a> {
    pub rows: &'a [Row],
    /// Whether prompts may be trained on in this project.
    pub may_train: bool,
    pub notes: &'a [String],
}

#[must_use]
pub fn json(shown: &Shown<'_>) -> String {
    let row = |row: &Row| {
        json!({
            "provider": row.provider,
            "model": row.id,
            "context": row.context,
            "state": row.state,
            "detail": row.detail,
            "until": row.until.map(clock::rfc3339),
        })
    };
    let rows: Vec<_> = shown.rows.iter().map(row).collect();
    text(&json!({"allow_training": shown.may_train, "members": rows, "notes": shown.notes}))
}

#[must_use]
pub fn table(shown: &Shown<'_>, width: Option<u16>) -> String {
    let mut out = String::new();
    if !shown.rows.is_empty() {
        let mut table = new_table(&["", "provider", "model", "context", "state", ""], width);
        for (at, row) in shown.rows.iter().enumerate() {
            table.add_row([
                number(&(at + 1).to_string()),
                cell(&row.provider),
                cell(&row.id),
                number(&row.context.map_or_else(|| "?".to_owned(), |context| format!("{}K", context / 1_000))),
                cell(&row.state.replace('_', " ")),
                cell(&row.detail),
            ]);
        }
        out.push_str(&render(&table));
        out.push('\n');
    }
    let columns = width.map_or(usize::MAX, usize::from);
    let training = if shown.may_train {
        "models that keep prompts or train on them may be used in this project"
    } else {
        "models that keep prompts or train on them are left out"
    };
    for line in shown.notes.iter().map(String::as_str).chain([training]) {
        out.push_str(&wrap(line, columns, "", "  "));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pool_is_shown_in_its_order() {
        let row = |id: &str, context, state, detail: &str| Row {
            provider: "openrouter".to_owned(),
            id: id.to_owned(),
            context,
            state,
            detail: detail.to_owned(),
            until: None,
        };
        let rows = [
            row("a/x:free", Some(262_144), "ready", ""),
            row("a/y:free", None, "cooling", "rate limited; back at 16:04 UTC, in 5 min"),
        ];
        let notes = ["openrouter: 3 requests sent today".to_owned()];
        insta::assert_snapshot!(table(&Shown { rows: &rows, may_train: false, notes: &notes }, None), @"
            provider    model     context  state
         1  openrouter  a/x:free     262K  ready
         2  openrouter  a/y:free        ?  cooling  rate limited; back at 16:04 UTC, in 5 min

        openrouter: 3 requests sent today
        models that keep prompts or train on them are left out
        ");
    }
}
