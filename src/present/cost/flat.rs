//! Reports as plain records, for the formats that know nothing but rows and columns.

use crate::base::clock::rfc3339;
use crate::base::money::Usd;
use crate::domain::usage::Usage;
use crate::ledger::query::{CallRow, Report, Rows, Spend};

/// One value. What came from outside is told apart from what vk counted itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// Text of any origin.
    Text(String),
    /// Digits, made here.
    Number(String),
    /// There is none.
    Nothing,
    /// Money of which nothing, or not everything, is known.
    Unknown,
}

/// A header and its records.
pub(super) struct Records {
    pub names: Vec<&'static str>,
    pub rows: Vec<Vec<Field>>,
}

const USAGE: [&str; 6] = ["input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning"];

/// The fields of the JSON report, and the task's own words.
pub(super) fn report(report: &Report) -> Records {
    match &report.rows {
        Rows::Tasks(rows) => {
            let names = ["task_id", "tool", "session", "started_at", "project", "task", "path", "provider", "payer"];
            let names = names.into_iter().chain(["key_label", "model", "calls"]).chain(USAGE);
            let names = names.chain(["list_usd", "billed_usd", "cost_state", "status"]).collect();
            let rows = rows.iter().map(|row| {
                let mut fields = vec![
                    text(&row.task_id),
                    text(&row.tool),
                    text(&row.session),
                    Field::Text(rfc3339(row.started_at)),
                    text(&row.project),
                    text(&row.words),
                    text(&row.path),
                    text(&row.provider),
                    text(&row.payer),
                    optional(row.key_label.as_deref()),
                    text(&row.model),
                ];
                fields.extend(spent(&row.spend));
                fields.extend([text(row.state.as_str()), text(&row.status)]);
                fields
            });
            Records { names, rows: rows.collect() }
        }
        Rows::Groups(rows) => {
            let names = [report.by.as_str(), "calls"].into_iter().chain(USAGE);
            let names = names.chain(["list_usd", "billed_usd", "cost_state"]).collect();
            let rows = rows.iter().map(|row| {
                let mut fields = vec![text(&row.group)];
                fields.extend(spent(&row.spend));
                fields.push(text(row.state.as_str()));
                fields
            });
            Records { names, rows: rows.collect() }
        }
    }
}

pub(super) fn calls(calls: &[CallRow]) -> Records {
    let names =
        ["attempt_id", "call", "attempt", "state", "sent_at", "path", "provider", "payer", "key_label", "model"];
    let names = names.into_iter().chain(USAGE).chain(["list_usd", "billed_usd", "cost_state", "proof", "outcome"]);
    let names = names.chain(["http_status", "request_id", "price_source", "price_as_of", "duration_ms"]).collect();
    let rows = calls.iter().map(|call| {
        let mut fields = vec![
            text(&call.attempt_id),
            number(call.call_no),
            number(call.attempt_no),
            text(call.state.as_str()),
            Field::Text(rfc3339(call.sent_at)),
            text(&call.path),
            text(&call.provider),
            text(&call.payer),
            optional(call.key_label.as_deref()),
            text(&call.model),
        ];
        fields.extend(usage(&call.usage));
        fields.extend([
            money(call.list),
            money(call.billed),
            text(call.cost_state.as_str()),
            text(&call.proof),
            optional(call.outcome.as_deref()),
            call.http_status.map_or(Field::Nothing, number),
            optional(call.request_id.as_deref()),
            optional(call.price.as_ref().map(|price| price.source.as_str())),
            optional(call.price.as_ref().map(|price| price.as_of.as_str())),
            call.duration_ms.map_or(Field::Nothing, number),
        ]);
        fields
    });
    Records { names, rows: rows.collect() }
}

/// Calls, the six kinds of tokens, list value and charge.
fn spent(spend: &Spend) -> Vec<Field> {
    let mut fields = vec![number(spend.calls())];
    fields.extend(usage(&spend.usage));
    fields.extend([money(spend.list.exact()), money(spend.charged().exact())]);
    fields
}

fn usage(usage: &Usage) -> [Field; 6] {
    [usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h, usage.output, usage.reasoning]
        .map(number)
}

fn text(text: &str) -> Field {
    Field::Text(text.to_owned())
}

fn optional(value: Option<&str>) -> Field {
    value.map_or(Field::Nothing, text)
}

fn number(value: impl Into<u64>) -> Field {
    Field::Number(value.into().to_string())
}

fn money(amount: Option<Usd>) -> Field {
    amount.map_or(Field::Unknown, |usd| Field::Number(usd.exact()))
}
