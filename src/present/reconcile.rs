//! The ledger beside the providers' bills: as a table and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::escape::escape_line;
use super::grid::{Column, Style, table as grid};
use super::json::text;
use crate::base::money::{Places, Usd};
use crate::domain::bill::{BillRow, Finding};
use crate::task::reconcile::Reconciled;

/// `{"rows": [...], "totals": {...}, "missing": [...]}`.
#[must_use]
pub fn json(all: &[Reconciled]) -> String {
    let rows: Vec<Value> = all
        .iter()
        .flat_map(|one| one.rows.iter().map(move |row| (one, row)))
        .map(|(one, row)| {
            json!({
                "provider": one.provider,
                "source": one.source,
                "day": row.day.to_string(),
                "model": row.model,
                "calls": row.calls,
                "ledger_usd": row.ledger,
                "bill_usd": row.bill,
                "difference_usd": row.difference(),
                "finding": word(row.finding),
                "settled": row.settled.iter().map(|(id, cost)| json!({"attempt_id": id, "cost_usd": cost})).collect::<Vec<_>>(),
            })
        })
        .collect();
    let missing: Vec<Value> = all
        .iter()
        .filter_map(|one| Some((one, one.missing.as_ref()?)))
        .map(|(one, failure)| json!({"provider": one.provider, "why": failure.why, "fix": failure.fix}))
        .collect();
    let sums = Sums::of(all);
    let totals = json!({"ledger_usd": sums.after, "bill_usd": sums.bill, "difference_usd": sums.bill - sums.after,
        "settled_calls": sums.settled});
    text(&json!({"rows": rows, "totals": totals, "missing": missing}))
}

/// What was compared, and below it what it comes to.
#[must_use]
pub fn table(all: &[Reconciled], only_shown: bool, style: Style) -> String {
    let rows: Vec<(&Reconciled, &BillRow)> =
        all.iter().flat_map(|one| one.rows.iter().map(move |row| (one, row))).collect();
    let places = Places::of(rows.iter().flat_map(|(_, row)| [row.ledger, row.bill.unwrap_or(Usd::ZERO)]));
    let mut out = String::new();
    if !rows.is_empty() {
        let cell = |show: fn(&BillRow) -> String| rows.iter().map(move |(_, row)| show(row));
        let usd = |of: fn(&BillRow) -> Option<Usd>| {
            rows.iter().map(move |(_, row)| of(row).map_or_else(|| "?".to_owned(), |usd| places.show(usd)))
        };
        out.push_str(&grid(
            vec![
                Column::text("day (UTC)", 0, cell(|row| row.day.to_string())),
                Column::text("provider", 1, rows.iter().map(|(one, _)| one.provider.clone())),
                Column::text("model", 0, cell(|row| row.model.clone().unwrap_or_else(|| "all".to_owned())))
                    .giving_way(),
                Column::number("calls", 3, cell(|row| row.calls.to_string())),
                Column::number("ledger", 0, usd(|row| Some(row.ledger))),
                Column::number("bill", 0, usd(|row| row.bill)),
                Column::number("apart", 2, usd(BillRow::difference)),
                Column::text("", 0, rows.iter().map(|(_, row)| said(row, only_shown))),
            ],
            style,
        ));
    }
    let sums = Sums::of(all);
    if sums.bill != Usd::ZERO || sums.after != Usd::ZERO {
        let _ = writeln!(out, " {}", sums.line());
    }
    for (one, failure) in all.iter().filter_map(|one| Some((one, one.missing.as_ref()?))) {
        let why = failure.why.as_deref().unwrap_or_default();
        let _ = writeln!(out, " {} was not asked: {}", escape_line(&one.provider), escape_line(why));
        for fix in &failure.fix {
            let _ = writeln!(out, "   {}", escape_line(fix));
        }
    }
    if rows.iter().any(|(_, row)| row.finding == Finding::More) {
        out.push_str(" A bill that is higher than vk's calls can have cost is the account's: others use it too.\n");
    }
    out
}

const fn word(finding: Finding) -> &'static str {
    match finding {
        Finding::Agrees => "agrees",
        Finding::Settled => "settled",
        Finding::More => "bill_is_higher",
        Finding::Less => "bill_is_lower",
        Finding::NotBilled => "not_billed_yet",
        Finding::NotOurs => "not_by_vk",
        Finding::NotOver => "day_not_over",
    }
}

fn said(row: &BillRow, only_shown: bool) -> String {
    let count = match row.settled.len() {
        1 => "1 call".to_owned(),
        count => format!("{count} calls"),
    };
    match row.finding {
        Finding::Agrees => "agrees".to_owned(),
        Finding::Settled if only_shown => format!("would settle {count}"),
        Finding::More | Finding::Less if !row.settled.is_empty() && !only_shown => format!("apart; settled {count}"),
        Finding::Settled => format!("settled {count}"),
        Finding::More => "the bill is higher".to_owned(),
        Finding::Less => "the bill is lower".to_owned(),
        Finding::NotBilled => "not on the bill yet".to_owned(),
        Finding::NotOurs => "not by vk".to_owned(),
        Finding::NotOver => "the day is not over".to_owned(),
    }
}

/// Over the rows that both sides have.
struct Sums {
    bill: Usd,
    after: Usd,
    settled: usize,
}

impl Sums {
    fn of(all: &[Reconciled]) -> Self {
        let both = || all.iter().flat_map(|one| &one.rows).filter(|row| row.calls > 0 && row.bill.is_some());
        Self {
            bill: both().filter_map(|row| row.bill).sum(),
            after: both().map(|row| row.after).sum(),
            settled: both().map(|row| row.settled.len()).sum(),
        }
    }

    /// `on both sides: the bill $3.00, the ledger $3.00: 0.00 % apart`.
    fn line(&self) -> String {
        let apart = i128::from((self.bill - self.after).nanos().unsigned_abs());
        let whole = i128::from(self.bill.nanos().unsigned_abs()).max(1);
        let hundredths = apart * 10_000 / whole;
        let percent = format!("{}.{:02} %", hundredths / 100, hundredths % 100);
        format!("on both sides: the bill {}, the ledger {}: {percent} apart", self.bill, self.after)
    }
}
