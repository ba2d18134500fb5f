//! `vk models list`: ids, prices, where those are from, and which path can serve each.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::grid::{self, Column, Style};
use super::json::text;
use super::table::wrap;
use crate::base::money::TokenPrice;
use crate::catalog::{Price, Rates};
use crate::domain::path::PayPath;

/// One id that can be named.
pub struct Row<'a> {
    pub id: &'a str,
    /// Who sells it under this id.
    pub provider: &'a str,
    pub family: &'a str,
    /// The words that lead to it now: `sonnet`, `balanced`.
    pub words: Vec<String>,
    pub context: Option<u64>,
    pub max_output: Option<u32>,
    pub released: Option<String>,
    pub retired: Option<String>,
    pub is_retired: bool,
    pub price: Option<Price>,
    /// `(path, provider, whether there is a key or none is needed)`
    pub served_by: Vec<(PayPath, String, bool)>,
    pub warning: Option<String>,
}

#[must_use]
pub fn json(rows: &[Row<'_>]) -> String {
    text(&Value::Array(rows.iter().map(row_json).collect()))
}

fn row_json(row: &Row<'_>) -> Value {
    json!({
        "id": row.id,
        "provider": row.provider,
        "family": row.family,
        "aliases": row.words,
        "context": row.context,
        "max_output": row.max_output,
        "released": row.released,
        "retired": row.retired,
        "price": row.price.as_ref().map(price_json),
        "served_by": row.served_by.iter().map(|(path, provider, ready)| {
            json!({"path": path, "provider": provider, "ready": ready})
        }).collect::<Vec<_>>(),
        "warning": row.warning,
    })
}

/// USD a million tokens, as decimal strings.
pub(super) fn price_json(price: &Price) -> Value {
    let mut object = rates_json(&price.rates);
    let long = price.long.as_ref().map(|long| {
        let mut rates = rates_json(&long.rates);
        rates["over_tokens"] = long.over_tokens.into();
        rates
    });
    object["long_context"] = json!(long);
    object["from"] = json!(price.from.map(|from| from.to_string()));
    object["source"] = json!(price.source);
    object["as_of"] = json!(price.as_of.to_string());
    object["hash"] = json!(price.hash);
    object
}

pub(super) fn rates_json(rates: &Rates) -> Value {
    json!({
        "input": rates.input.to_string(),
        "output": rates.output.to_string(),
        "cache_read": rates.cache_read.to_string(),
        "cache_write_5m": rates.cache_write_5m.to_string(),
        "cache_write_1h": rates.cache_write_1h.to_string(),
    })
}

/// A table for each provider, under a line that says who can serve it and where its prices are from.
#[must_use]
pub fn table(rows: &[Row<'_>], style: Style) -> String {
    let sections: Vec<String> =
        rows.chunk_by(|a, b| a.provider == b.provider).map(|rows| section(rows, style)).collect();
    let legend = "Prices are USD a million tokens. cached: read from a cache; to 5m, to 1h: written to one for 5 minutes \
        or 1 hour; longer prompts: their in and out price. also: the names that lead to a model.\n";
    let columns = style.width.map_or(usize::MAX, usize::from);
    let legend: String = legend.lines().map(|line| wrap(line, columns, "", "")).collect();
    format!("{}\n{legend}", sections.join("\n"))
}

fn section(rows: &[Row<'_>], style: Style) -> String {
    let text = |name, rank, cell: fn(&Row<'_>) -> String| Column::text(name, rank, rows.iter().map(cell));
    let price = |name, rank, of: fn(&Rates) -> TokenPrice| {
        let shown =
            |row: &Row<'_>| row.price.as_ref().map_or_else(|| "?".to_owned(), |price| of(&price.rates).to_string());
        Column::number(name, rank, rows.iter().map(shown))
    };
    // An id is copied: it is never shortened.
    let mut columns = vec![
        text("model", 0, |row| row.id.to_owned()),
        price("in", 0, |rates| rates.input),
        price("out", 0, |rates| rates.output),
        price("cached", 2, |rates| rates.cache_read),
        price("to 5m", 5, |rates| rates.cache_write_5m),
        price("to 1h", 6, |rates| rates.cache_write_1h),
        Column::number("context", 3, rows.iter().map(|row| row.context.map_or_else(|| "?".to_owned(), tokens))),
        text("also", 1, note),
    ];
    if rows.iter().any(|row| !longer(row).is_empty()) {
        columns.push(text("longer prompts", 4, longer));
    }
    let table = grid::table(columns, style);
    let provider = rows.first().map_or("", |row| row.provider);
    let paths: BTreeSet<String> = rows.iter().map(paths).collect();
    let sources: BTreeSet<String> = rows
        .iter()
        .filter_map(|row| row.price.as_ref())
        .map(|price| format!("{}, {}", price.source, price.as_of))
        .collect();
    let join = |texts: BTreeSet<String>| texts.into_iter().collect::<Vec<_>>().join("; ");
    let columns = style.width.map_or(usize::MAX, usize::from);
    let head = wrap(&format!("{provider}, paid by: {}", join(paths)), columns, "", "  ");
    let foot = match join(sources) {
        sources if sources.is_empty() => String::new(),
        sources => wrap(&format!("prices read from {sources}"), columns, " ", "   "),
    };
    format!("{head}{table}{foot}")
}

/// `1M`, `200K`: a length as vendors write it.
fn tokens(count: u64) -> String {
    match count {
        1_000_000.. => {
            let hundredths = count / 10_000;
            let fraction = format!("{:02}", hundredths % 100);
            let fraction = fraction.trim_end_matches('0');
            let dot = if fraction.is_empty() { "" } else { "." };
            format!("{}{dot}{fraction}M", hundredths / 100)
        }
        _ => format!("{}K", count / 1_000),
    }
}

fn paths(row: &Row<'_>) -> String {
    if row.served_by.is_empty() {
        return "a platform only; vk has no direct path to it".to_owned();
    }
    let shown = row.served_by.iter().map(|(path, provider, ready)| {
        let name = if *path == PayPath::Byok && provider == row.provider {
            path.to_string()
        } else {
            format!("{path} {provider}")
        };
        if *ready { name } else { format!("{name} (no key)") }
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// What a prompt over some length costs: its in and out price.
fn longer(row: &Row<'_>) -> String {
    let long = row.price.as_ref().and_then(|price| price.long.as_ref());
    long.map(|long| format!("over {}: {}/{}", tokens(long.over_tokens), long.rates.input, long.rates.output))
        .unwrap_or_default()
}

fn note(row: &Row<'_>) -> String {
    let mut notes = Vec::new();
    if !row.words.is_empty() {
        notes.push(row.words.join(", "));
    }
    if row.price.is_none() {
        notes.push("no price".to_owned());
    }
    if let Some(retired) = &row.retired {
        notes.push(format!("{} {retired}", if row.is_retired { "retired" } else { "retires" }));
    }
    notes.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_as_vendors_write_them() {
        let shown: Vec<String> = [8_192, 200_000, 1_000_000, 1_050_000, 1_047_576].map(tokens).into();
        assert_eq!(shown, ["8K", "200K", "1M", "1.05M", "1.04M"]);
    }
}
