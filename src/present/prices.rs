//! `vk models refresh` and `vk models prices`: what was read, what is in force, and where the two are apart.

use serde_json::{Value, json};

use super::escape::escape_line;
use super::json::text;
use super::models::{price_json, rates_json};
use super::table::{cell, new_table, number, render, wrap};
use crate::base::money::TokenPrice;
use crate::catalog::refresh::{Difference, Outcome};
use crate::catalog::{Overlay, Price, Rates};

/// Columns where the terminal does not say.
const COLUMNS: u16 = 80;
/// How many rows of one kind are named before the rest is only counted.
const NAMED: usize = 20;

/// A price that a call would be charged at now.
pub struct InForce<'a> {
    pub vendor: &'a str,
    pub id: &'a str,
    pub price: Option<&'a Price>,
}

/// What `refresh` did, on stdout.
#[must_use]
pub fn summary(overlay: &Overlay, outcome: &Outcome, differences: &[Difference]) -> String {
    let mut lines: Vec<String> = overlay
        .sources
        .iter()
        .map(|list| {
            format!("{} of {}: {} rows, sha256 {}, {}", list.list, list.as_of, list.rows, &list.sha256[..12], list.from)
        })
        .collect();
    let count = |word: &str| differences.iter().filter(|one| one.as_str() == word).count();
    lines.push(format!(
        "{} prices taken, {} checked against each other, {} more than 5 % apart",
        outcome.taken,
        outcome.checked,
        outcome.apart.len()
    ));
    lines.push(format!(
        "{} models added, {} bundled prices replaced, {} bundled prices kept: vk models prices --diff",
        count("added"),
        count("replaced"),
        count("kept")
    ));
    lines.iter().map(|line| escape_line(line).into_owned() + "\n").collect()
}

/// What `refresh` says on stderr: both figures of rows that are apart, and what was left out.
#[must_use]
pub fn warnings(overlay: &Overlay, outcome: &Outcome) -> Vec<String> {
    let mut lines = Vec::new();
    for (model, readings) in outcome.apart.iter().take(NAMED) {
        let readings: Vec<String> =
            readings.iter().map(|one| format!("{} says {}", one.list, rates(&one.rates))).collect();
        lines.push(format!("more than 5 % apart, the dearer figures are used: {model}: {}", readings.join("; ")));
    }
    more(outcome.apart.len(), "more rows are apart: vk models prices --diff", &mut lines);
    lines.extend(outcome.left_out.iter().take(NAMED).map(|row| format!("left out: {row}")));
    more(outcome.left_out.len(), "more rows were left out", &mut lines);
    if overlay.sources.len() == 1 {
        lines.push(format!(
            "only {} was read: its prices were not checked against another list",
            overlay.sources[0].list
        ));
    }
    lines
}

fn more(count: usize, what: &str, lines: &mut Vec<String>) {
    if count > NAMED {
        lines.push(format!("{} {what}", count - NAMED));
    }
}

/// `in 2.00, out 10.00, read 0.10, write 2.50/4.00`.
fn rates(rates: &Rates) -> String {
    format!(
        "in {}, out {}, read {}, write {}/{}",
        rates.input, rates.output, rates.cache_read, rates.cache_write_5m, rates.cache_write_1h
    )
}

/// `vk models prices --diff`: the bundled price, the refreshed one, and which is in force.
#[must_use]
pub fn diff(overlay: &Overlay, differences: &[Difference], width: Option<u16>) -> String {
    let width = width.unwrap_or(COLUMNS);
    let columns = usize::from(width);
    let mut text = String::new();
    for list in &overlay.sources {
        text += &wrap(
            &format!("{} of {}, {}, sha256 {}", list.list, list.as_of, list.from, list.sha256),
            columns,
            "",
            "  ",
        );
    }
    if differences.is_empty() {
        return text + "every refreshed price is the bundled one\n";
    }
    // Figures in one table, so that they line up; the model of each group stands on a line above it.
    let mut table = new_table(&["", "in", "out", "read", "w 5m", "w 1h", "as of"], Some(width));
    let mut heads = Vec::new();
    for one in differences {
        let row = one.row();
        let mut lines = Vec::new();
        let mut add = |head: &str, rates: &Rates, as_of: String| {
            let figures = [rates.input, rates.output, rates.cache_read, rates.cache_write_5m, rates.cache_write_1h];
            let figures = figures.iter().map(|price| number(&price.to_string()));
            lines.push(std::iter::once(cell(head)).chain(figures).chain([cell(&as_of)]).collect::<Vec<_>>());
        };
        if let Some(bundled) = one.bundled() {
            add("bundled", &bundled.rates, bundled.as_of.to_string());
        }
        add("refreshed", &row.price.rates, row.price.as_of.to_string());
        for reading in &row.apart {
            add(&reading.list, &reading.rates, String::new());
        }
        heads.push((lines.len(), format!("{} {}/{}", one.as_str(), row.vendor, row.id)));
        for line in lines {
            table.add_row(line);
        }
    }
    let rendered = render(&table);
    let mut rendered = rendered.lines();
    text += rendered.next().unwrap_or_default();
    text.push('\n');
    for (count, head) in heads {
        text += &wrap(&head, columns, "", "  ");
        for line in rendered.by_ref().take(count) {
            text += line;
            text.push('\n');
        }
    }
    let foot = "USD a million tokens. kept: the bundled price is in force, for it is its vendor's own or newer. Where two \
                lists are more than 5 % apart, both are shown and the dearer figures are taken.";
    text + &wrap(foot, columns, "", "")
}

#[must_use]
pub fn diff_json(differences: &[Difference]) -> String {
    let rows = differences.iter().map(|one| {
        let row = one.row();
        json!({
            "change": one.as_str(),
            "provider": row.vendor,
            "id": row.id,
            "bundled": one.bundled().map(price_json),
            "refreshed": price_json(&row.price),
            "apart": row.apart.iter().map(|reading| {
                let mut rates = rates_json(&reading.rates);
                rates["list"] = json!(reading.list);
                rates
            }).collect::<Vec<_>>(),
        })
    });
    text(&Value::Array(rows.collect()))
}

/// `vk models prices`: every price in force.
#[must_use]
pub fn list(rows: &[InForce<'_>], width: Option<u16>) -> String {
    let mut table = new_table(&["model", "in", "out", "read", "w 5m", "w 1h", "as of", "source"], width);
    for row in rows {
        let of = |rate: fn(&Rates) -> TokenPrice| {
            number(&row.price.map_or_else(|| "?".to_owned(), |price| rate(&price.rates).to_string()))
        };
        table.add_row([
            cell(&format!("{}/{}", row.vendor, row.id)),
            of(|rates| rates.input),
            of(|rates| rates.output),
            of(|rates| rates.cache_read),
            of(|rates| rates.cache_write_5m),
            of(|rates| rates.cache_write_1h),
            cell(&row.price.map_or_else(String::new, |price| price.as_of.to_string())),
            cell(row.price.map_or("no price", |price| price.source.as_str())),
        ]);
    }
    render(&table)
}

#[must_use]
pub fn list_json(rows: &[InForce<'_>]) -> String {
    let rows = rows.iter().map(|row| json!({"provider": row.vendor, "id": row.id, "price": row.price.map(price_json)}));
    text(&Value::Array(rows.collect()))
}
