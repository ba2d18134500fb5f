//! `vk route`: the four paths side by side, the one that is chosen, and why.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::escape::escape_line;
use super::json::text;
use super::table::{cell, hanging, new_table, render, wrap};
use crate::base::money::Places;
use crate::domain::failure::Failure;
use crate::domain::route::Route;
use crate::routing::{self, PathRow};

/// What `vk route` found out.
pub struct Shown<'a> {
    pub rows: &'a [PathRow],
    pub chosen: Result<&'a Route, &'a Failure>,
    pub ignored_ambient: &'a [String],
    /// What a person should know beside it: a project that is not trusted yet, proxies in use.
    pub notes: &'a [String],
}

/// The fields are a contract (DESIGN 6); `error` says why nothing is chosen.
#[must_use]
pub fn json(shown: &Shown<'_>) -> String {
    let chosen = shown.chosen.map_or(Value::Null, |route| {
        json!({
            "path": route.path,
            "provider": route.provider,
            "model": route.model,
            "engine": route.engine.as_str(),
            "key_label": route.credential.label(),
            "key_fingerprint": route.credential.fingerprint(),
            "payer": route.payer,
            "extra_usage": route.told_overage(),
            "cap_usd": route.cap,
            "wire": route.wire,
            "base_url": route.base_url,
            "line": route.line(),
            "warnings": route.warnings,
        })
    });
    let sources = shown.chosen.map_or_else(|_| json!([]), |route| json!(route.steps));
    text(&json!({
        "chosen": chosen,
        "paths": shown.rows,
        "sources": sources,
        "ignored_ambient": shown.ignored_ambient,
        "error": shown.chosen.err(),
        "notes": shown.notes,
    }))
}

#[must_use]
pub fn table(shown: &Shown<'_>, width: Option<u16>) -> String {
    let is_chosen = |row: &PathRow| {
        let same = |route: &Route| row.path == route.path && row.provider.as_ref() == Some(&route.provider);
        row.possible && shown.chosen.is_ok_and(same)
    };
    let columns = width.map_or(usize::MAX, usize::from);
    let mut out = String::new();
    if let Err(failure) = shown.chosen {
        out.push_str(&wrap(&format!("No route: {}.", failure.what), columns, "", "  "));
        // Every other failure is told in full after the table; that nothing is chosen yet is an answer and no error.
        if failure.code == routing::NO_PATH {
            for fix in &failure.fix {
                let _ = writeln!(out, "  {}", escape_line(fix));
            }
        }
        out.push('\n');
    }
    let mark = |row: &PathRow| if is_chosen(row) { "=>".to_owned() } else { String::new() };
    out.push_str(&side_by_side(shown.rows, mark, width));
    if let Ok(route) = shown.chosen {
        out.push('\n');
        out.push_str(&wrap(&route.line(), columns, "", "  "));
        if let Some(estimate) = shown.rows.iter().find(|row| is_chosen(row)).and_then(|row| row.estimate_usd.as_ref()) {
            out.push_str(&wrap(&estimate.to_string(), columns, "", "  "));
        }
        let mut steps = new_table(&["", "is", "by", "because"], width);
        for step in &route.steps {
            steps.add_row([cell(&step.decision), cell(&step.value), cell(&step.source), cell(&step.reason)]);
        }
        out.push_str(&render(&steps));
    }
    let warnings = shown.chosen.map_or(&[][..], |route| &route.warnings);
    let ignored = shown.ignored_ambient.iter().map(|name| format!("ignored ambient {name}"));
    for line in warnings.iter().cloned().chain(ignored).chain(shown.notes.iter().cloned()) {
        out.push_str(&wrap(&line, columns, "", "  "));
    }
    out
}

/// The paths that are possible as a table, each with its mark, and below it why the others are not.
fn side_by_side(rows: &[PathRow], mark: impl Fn(&PathRow) -> String, width: Option<u16>) -> String {
    let mut out = String::new();
    let possible: Vec<&PathRow> = rows.iter().filter(|row| row.possible).collect();
    if !possible.is_empty() {
        // A column that would say nothing is not there.
        let tells_left = possible.iter().any(|row| row.left.is_some());
        let tells_usual = possible.iter().any(|row| row.estimate_usd.is_some());
        let mut heads = vec!["", "path", "provider", "model", "who pays", "with"];
        heads.extend(tells_usual.then_some("usually"));
        heads.extend(tells_left.then_some("left"));
        let mut table = new_table(&heads, width);
        for row in possible {
            let cells = [
                cell(&mark(row)),
                cell(row.path.as_str()),
                cell(row.provider.as_deref().unwrap_or("-")),
                cell(row.model.as_deref().unwrap_or("-")),
                cell(row.payer.as_deref().unwrap_or("-")),
                cell(&row.reason),
            ];
            let usual = tells_usual.then(|| cell(&usually(row)));
            let left = tells_left.then(|| cell(row.left.as_deref().unwrap_or("-")));
            table.add_row(cells.into_iter().chain(usual).chain(left));
        }
        out.push_str(&render(&table));
        out.push('\n');
    }
    for row in rows.iter().filter(|row| !row.possible) {
        let provider = row.provider.as_ref().map_or_else(String::new, |provider| format!(" {provider}"));
        out.push_str(&hanging(&format!("  not {}{provider}: ", row.path), &row.reason, width));
    }
    out
}

/// The paths that are possible a line each, behind its mark, and below them why the others are not.
#[must_use]
pub fn lines(rows: &[PathRow], mark: impl Fn(&PathRow) -> String, width: Option<u16>) -> String {
    let mut out = String::new();
    for row in rows.iter().filter(|row| row.possible) {
        let parts = [Some(row.path.to_string()), row.provider.clone(), row.model.clone(), row.payer.clone()];
        let mut parts: Vec<String> = parts.into_iter().flatten().chain([row.reason.clone()]).collect();
        parts.extend(row.estimate_usd.as_ref().map(|_| format!("usually {}", usually(row))));
        parts.extend(row.left.clone());
        out.push_str(&hanging(&format!("{}  ", mark(row)), &parts.join(" · "), width));
    }
    for row in rows.iter().filter(|row| !row.possible) {
        let provider = row.provider.as_ref().map_or_else(String::new, |provider| format!(" {provider}"));
        out.push_str(&wrap(&format!("not {}{provider}: {}", row.path, row.reason), columns_of(width), "-  ", "   "));
    }
    out
}

fn columns_of(width: Option<u16>) -> usize {
    width.map_or(usize::MAX, usize::from)
}

/// `$0.12 to $0.48`: what half of such tasks cost at most, and nine in ten.
fn usually(row: &PathRow) -> String {
    row.estimate_usd.as_ref().map_or_else(
        || "-".to_owned(),
        |estimate| {
            let places = Places::of([estimate.p50, estimate.p90]);
            format!("{} to {}", places.show(estimate.p50), places.show(estimate.p90))
        },
    )
}
