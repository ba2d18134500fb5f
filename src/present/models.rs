//! `vk models list`: ids, prices, where those are from, and which path can serve each.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::escape::{escape, escape_line};
use super::json::text;
use super::table::{cell, new_table, number, render};
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
pub fn table(rows: &[Row<'_>], width: Option<u16>) -> String {
    let sections: Vec<String> =
        rows.chunk_by(|a, b| a.provider == b.provider).map(|rows| section(rows, width)).collect();
    sections.join("\n")
}

fn section(rows: &[Row<'_>], width: Option<u16>) -> String {
    let mut table = new_table(&["model", "in", "out", "read", "w 5m", "w 1h", "context", ""], width);
    for row in rows {
        let price = |of: fn(&Rates) -> TokenPrice| {
            number(&row.price.as_ref().map_or_else(|| "?".to_owned(), |price| of(&price.rates).to_string()))
        };
        table.add_row([
            cell(row.id),
            price(|rates| rates.input),
            price(|rates| rates.output),
            price(|rates| rates.cache_read),
            price(|rates| rates.cache_write_5m),
            price(|rates| rates.cache_write_1h),
            number(&row.context.map_or_else(|| "?".to_owned(), tokens)),
            cell(&note(row)),
        ]);
    }
    let provider = rows.first().map_or("", |row| row.provider);
    let paths: BTreeSet<String> = rows.iter().map(paths).collect();
    let sources: BTreeSet<String> = rows
        .iter()
        .filter_map(|row| row.price.as_ref())
        .map(|price| format!("{}, {}", price.source, price.as_of))
        .collect();
    let join = |texts: BTreeSet<String>| texts.into_iter().collect::<Vec<_>>().join("; ");
    let head = format!("{provider} · {} · USD a million tokens", join(paths));
    let foot = if sources.is_empty() { String::new() } else { format!("prices: {}\n", join(sources)) };
    format!("{}\n{}{}", escape_line(&head), render(&table), escape(&foot))
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
        return "no direct credential: platform only".to_owned();
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

fn note(row: &Row<'_>) -> String {
    let mut notes = Vec::new();
    if !row.words.is_empty() {
        notes.push(row.words.join(", "));
    }
    if let Some(long) = row.price.as_ref().and_then(|price| price.long.as_ref()) {
        notes.push(format!("over {}: {}/{}", tokens(long.over_tokens), long.rates.input, long.rates.output));
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
