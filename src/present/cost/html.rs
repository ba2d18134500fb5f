//! `vk cost --output html`: one page that stands alone. No script, no request to anywhere, charts as inline SVG.

use std::fmt::Write as _;

use super::flat::{self, Field, Records};
use super::totals::{self, Decimals};
use super::{Style, amounts, sums};
use crate::base::clock::rfc3339;
use crate::base::money::Usd;
use crate::ledger::query::{Group, Report, Rows, Spend};
use crate::present::escape::escape_line;

/// Rows of a chart; the table below has all of them.
const MOST: usize = 30;
/// Units of the drawing.
const WIDTH: i128 = 600;
const ROW: usize = 22;

const HEAD: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
<title>vk cost</title>\n<style>\n\
:root{color-scheme:light dark;--ink:#1c1f23;--dim:#667;--line:#d8dbe0;--ground:#fff;--solid:#2563eb;--light:#b9cdf6}\n\
@media (prefers-color-scheme:dark){:root{--ink:#e6e8eb;--dim:#9aa3ad;--line:#333a42;--ground:#14171a;--solid:#6ea0ff;--light:#2c4270}}\n\
body{margin:2rem auto;max-width:72rem;padding:0 1rem;background:var(--ground);color:var(--ink);font:15px/1.45 system-ui,sans-serif}\n\
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p,figcaption{color:var(--dim)}figure{margin:0}\n\
pre{font:14px/1.5 ui-monospace,monospace;overflow-x:auto}svg{width:100%;max-width:62rem;height:auto}\n\
svg text{font:13px ui-monospace,monospace;fill:var(--ink)}.s{fill:var(--solid)}.l{fill:var(--light)}\n\
.t{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}\n\
th,td{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}\n\
th{color:var(--dim);font-weight:600;white-space:nowrap}td.n,th.n{text-align:right}\n</style></head><body>\n";

/// The page: the sums, a chart for each of `charts`, and the table of `report`.
pub(super) fn page(report: &Report, charts: &[Report], style: Style) -> String {
    let mut page = HEAD.to_owned();
    let _ = write!(
        page,
        "<h1>What coding tasks cost, and who paid</h1>\n<p>As of {} UTC. Solid: charged to an account. Light: the rest \
         at list price.</p>\n<pre>{}</pre>\n",
        rfc3339(style.now),
        text(&totals::lines(&report.total, Decimals::of(sums(report))))
    );
    for report in charts {
        page.push_str(&chart(report));
    }
    let _ = write!(page, "<h2>By {}</h2>\n{}", report.by.as_str(), table(&flat::report(report)));
    page + "</body></html>\n"
}

fn chart(report: &Report) -> String {
    let Rows::Groups(rows) = &report.rows else { return String::new() };
    let shown = &rows[..rows.len().min(MOST)];
    let value = |spend: &Spend| spend.list.known.max(spend.charged().known);
    let most = shown.iter().map(|row| value(&row.spend)).max().unwrap_or(Usd::ZERO).nanos().max(1);
    let places = amounts::charged_places(shown.iter().map(|row| &row.spend));
    let length = |usd: Usd| (i128::from(usd.nanos().max(0)) * WIDTH / i128::from(most)).to_string();
    let mut out = String::new();
    let by = report.by.as_str();
    let _ = write!(
        out,
        "<h2>By {by}</h2>\n<figure><svg viewBox=\"0 0 960 {}\" role=\"img\" aria-label=\"Cost by {by}\">\n",
        shown.len() * ROW + 4
    );
    for (at, row) in shown.iter().enumerate() {
        let (y, spend) = (at * ROW + 4, &row.spend);
        let (all, paid) = (length(value(spend)), length(spend.charged().known));
        let name = crate::present::escape::shorten(&row.group, 26);
        let amount = amounts::charged(spend, places);
        let _ = writeln!(
            out,
            "<text x=\"0\" y=\"{base}\">{}</text><rect class=\"l\" x=\"220\" y=\"{y}\" width=\"{all}\" height=\"14\"/>\
             <rect class=\"s\" x=\"220\" y=\"{y}\" width=\"{paid}\" height=\"14\"/><text x=\"830\" y=\"{base}\">{}</text>",
            text(&name),
            text(&amount),
            base = y + 12,
        );
    }
    out.push_str("</svg>");
    if rows.len() > shown.len() {
        let _ = write!(out, "<figcaption>and {} more</figcaption>", rows.len() - shown.len());
    }
    out + "</figure>\n"
}

fn table(records: &Records) -> String {
    let is_number = |at: usize| records.rows.iter().any(|row| matches!(row[at], Field::Number(_)));
    let class = |at: usize| if is_number(at) { " class=\"n\"" } else { "" };
    let mut out = "<div class=\"t\"><table><thead><tr>".to_owned();
    for (at, name) in records.names.iter().enumerate() {
        let _ = write!(out, "<th{}>{}</th>", class(at), text(&name.replace('_', " ")));
    }
    out.push_str("</tr></thead><tbody>\n");
    for row in &records.rows {
        out.push_str("<tr>");
        for (at, field) in row.iter().enumerate() {
            let shown = match field {
                Field::Text(words) => text(words),
                Field::Number(digits) => text(digits),
                Field::Nothing => String::new(),
                Field::Unknown => "?".to_owned(),
            };
            let _ = write!(out, "<td{}>{shown}</td>", class(at));
        }
        out.push_str("</tr>\n");
    }
    out + "</tbody></table></div>\n"
}

/// Text of any origin: hidden characters shown, markup as characters.
fn text(raw: &str) -> String {
    let mut out = String::new();
    for (at, line) in raw.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
        }
        for c in escape_line(line).chars() {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                c => out.push(c),
            }
        }
    }
    out
}

/// What the page draws beside its table.
pub const CHARTS: [Group; 3] = [Group::Day, Group::Model, Group::Payer];
