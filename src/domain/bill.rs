//! A provider's bill beside the ledger: what each day and model cost there and here, and which calls the bill settles.
//! Pure: where the lines come from and where a figure is recorded is elsewhere.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::model_id;
use crate::base::money::Usd;

/// Bills in whole cents are half a cent off at most.
const HALF_A_CENT: Usd = Usd::from_nanos(5_000_000);

/// A line of a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillLine {
    /// In UTC.
    pub day: Date,
    /// `None` where the bill tells days alone.
    pub model: Option<String>,
    /// In USD; negative for what was given back.
    pub cost: Usd,
}

/// A call of the ledger whose cost an account pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BilledCall {
    pub attempt_id: String,
    pub day: Date,
    pub model: String,
    /// The provider's id of its answer.
    pub response_id: Option<String>,
    pub key_label: Option<String>,
    /// Its cost is the provider's own figure, or follows from reported usage. What is not exact may be settled.
    pub is_exact: bool,
    /// What budgets count of it, in USD.
    pub counted: Usd,
    /// The most that it can have cost, in USD.
    pub most: Usd,
}

/// A day and model on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillRow {
    pub day: Date,
    pub model: Option<String>,
    /// Calls of the ledger.
    pub calls: usize,
    /// What the ledger says of them before anything is settled, in USD.
    pub ledger: Usd,
    /// What the bill says, in USD; `None` where it says nothing of that day and model.
    pub bill: Option<Usd>,
    /// Attempts and what each cost by the bill.
    pub settled: Vec<(String, Usd)>,
    /// What the ledger says once they are settled, in USD.
    pub after: Usd,
    pub finding: Finding,
}

/// What the two sides say of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Within 0.1 %, or half a cent.
    Agrees,
    /// What was not exact is, by the bill.
    Settled,
    /// The bill has more than vk's calls can have cost: the account was used by others too.
    More,
    /// The bill has less than what is certain here.
    Less,
    /// The bill does not have it yet.
    NotBilled,
    /// vk made no such call.
    NotOurs,
    /// The day is not over: its bill is not whole.
    NotOver,
}

impl BillRow {
    /// What the bill has more than the ledger now, in USD.
    #[must_use]
    pub fn difference(&self) -> Option<Usd> {
        Some(self.bill? - self.after)
    }
}

/// What a row is of.
type DayModel = (Date, Option<String>);

/// Compares by day and model. A bill that tells no models at all is compared by day; a line without one among others
/// (a fee, a tax, a sum) is of no call. Of `today` and later nothing is settled.
#[must_use]
pub fn compare(lines: &[BillLine], calls: &[BilledCall], today: Date) -> Vec<BillRow> {
    let by_day = lines.iter().all(|line| line.model.is_none());
    let mut ours: BTreeMap<Date, Vec<&str>> = BTreeMap::new();
    for call in calls {
        let models = ours.entry(call.day).or_default();
        if !models.contains(&call.model.as_str()) {
            models.push(&call.model);
        }
    }
    let mut rows: BTreeMap<DayModel, (Vec<&BilledCall>, Option<Usd>)> = BTreeMap::new();
    for call in calls {
        let model = (!by_day).then(|| call.model.clone());
        rows.entry((call.day, model)).or_default().0.push(call);
    }
    for line in lines {
        let model = line.model.as_ref().filter(|_| !by_day).map(|name| {
            let models = ours.get(&line.day).map(Vec::as_slice).unwrap_or_default();
            let same = models.iter().find(|model| model_id::same(model, name));
            same.map_or_else(|| name.clone(), |model| (*model).to_owned())
        });
        let (_, bill) = rows.entry((line.day, model)).or_default();
        *bill = Some(bill.unwrap_or(Usd::ZERO) + line.cost);
    }
    rows.into_iter().map(|((day, model), (calls, bill))| row(day, model, &calls, bill, today)).collect()
}

fn row(day: Date, model: Option<String>, calls: &[&BilledCall], bill: Option<Usd>, today: Date) -> BillRow {
    let ledger: Usd = calls.iter().map(|call| call.counted).sum();
    let (exact, open): (Vec<&BilledCall>, Vec<&BilledCall>) = calls.iter().partition(|call| call.is_exact);
    let exact: Usd = exact.iter().map(|call| call.counted).sum();
    let (settled, after) = (Vec::new(), ledger);
    let mut row = BillRow { day, model, calls: calls.len(), ledger, bill, settled, after, finding: Finding::Agrees };
    let Some(bill) = bill else {
        row.finding = Finding::NotBilled;
        return row;
    };
    if calls.is_empty() {
        row.finding = Finding::NotOurs;
        return row;
    }
    if open.is_empty() {
        row.finding = apart(ledger, bill);
        return row;
    }
    if day >= today {
        row.finding = Finding::NotOver;
        return row;
    }
    let rest = bill - exact;
    let most: Usd = open.iter().map(|call| call.most.max(call.counted)).sum();
    row.finding = if rest < Usd::ZERO {
        Finding::Less
    } else if rest > most {
        Finding::More
    } else {
        row.settled = split(rest, &open);
        row.after = bill;
        Finding::Settled
    };
    row
}

/// The same by the gateway's record of each call, where it has one: no share is worked out.
#[must_use]
pub fn by_records(calls: &[(BilledCall, Option<Usd>)]) -> Vec<BillRow> {
    let mut rows: BTreeMap<(Date, String, bool), BillRow> = BTreeMap::new();
    for (call, figure) in calls {
        let row = rows.entry((call.day, call.model.clone(), figure.is_some())).or_insert_with(|| BillRow {
            day: call.day,
            model: Some(call.model.clone()),
            calls: 0,
            ledger: Usd::ZERO,
            bill: figure.map(|_| Usd::ZERO),
            settled: Vec::new(),
            after: Usd::ZERO,
            finding: Finding::NotBilled,
        });
        row.calls += 1;
        row.ledger += call.counted;
        // A record of more than the call can have cost is not of that call.
        let settles = figure.filter(|figure| !call.is_exact && *figure <= call.most.max(call.counted));
        row.after += settles.unwrap_or(call.counted);
        row.bill = row.bill.zip(*figure).map(|(bill, figure)| bill + figure);
        row.settled.extend(settles.map(|figure| (call.attempt_id.clone(), figure)));
    }
    let found = |mut row: BillRow| {
        row.finding = match row.bill {
            None => Finding::NotBilled,
            Some(bill) => match apart(row.after, bill) {
                Finding::Agrees if !row.settled.is_empty() => Finding::Settled,
                finding => finding,
            },
        };
        row
    };
    rows.into_values().map(found).collect()
}

/// Within 0.1 % of the bill the two agree, or within half a cent of one in whole cents.
fn apart(ledger: Usd, bill: Usd) -> Finding {
    let apart = (bill - ledger).nanos().unsigned_abs();
    let is_whole_cents = bill.nanos() % 10_000_000 == 0;
    let close = (is_whole_cents && apart <= HALF_A_CENT.nanos().unsigned_abs())
        || apart.saturating_mul(1_000) <= bill.nanos().unsigned_abs();
    match close {
        true => Finding::Agrees,
        false if bill > ledger => Finding::More,
        false => Finding::Less,
    }
}

/// Shares `rest` out among the calls: by what was assumed of each, and above that by how much more each can have
/// cost. The shares are whole nano-dollars and their sum is `rest`; none is above the most of its call.
fn split(rest: Usd, open: &[&BilledCall]) -> Vec<(String, Usd)> {
    let rest = i128::from(rest.nanos());
    let assumed: Vec<i128> = open.iter().map(|call| i128::from(call.counted.nanos())).collect();
    let above: Vec<i128> =
        open.iter().map(|call| i128::from((call.most.nanos() - call.counted.nanos()).max(0))).collect();
    let all: i128 = assumed.iter().sum();
    let mut shares = if rest <= all {
        in_proportion(rest, &assumed)
    } else {
        let more = in_proportion(rest - all, &above);
        assumed.iter().zip(more).map(|(assumed, more)| assumed + more).collect()
    };
    // Rounding down leaves less than a nano-dollar a call.
    let mut left = rest - shares.iter().sum::<i128>();
    for (share, call) in shares.iter_mut().zip(open) {
        if left > 0 && *share < i128::from(call.most.max(call.counted).nanos()) {
            (*share, left) = (*share + 1, left - 1);
        }
    }
    let usd = |share: i128| Usd::from_nanos(i64::try_from(share).unwrap_or(i64::MAX));
    open.iter().zip(shares).map(|(call, share)| (call.attempt_id.clone(), usd(share))).collect()
}

fn in_proportion(amount: i128, weights: &[i128]) -> Vec<i128> {
    let all: i128 = weights.iter().sum();
    weights.iter().map(|weight| if all == 0 { 0 } else { amount * weight / all }).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn call(id: &str, is_exact: bool, counted: i64, most: i64) -> BilledCall {
        BilledCall {
            attempt_id: id.into(),
            day: date(2026, 11, 24),
            model: "claude-sonnet-5-5".into(),
            response_id: None,
            key_label: None,
            is_exact,
            counted: Usd::from_nanos(counted),
            most: Usd::from_nanos(most),
        }
    }

    fn line(model: Option<&str>, cost: i64) -> BillLine {
        BillLine { day: date(2026, 11, 24), model: model.map(str::to_owned), cost: Usd::from_nanos(cost) }
    }

    const SONNET: Option<&str> = Some("claude-sonnet-5-5");
    const DOLLAR: i64 = 1_000_000_000;

    fn one(lines: &[BillLine], calls: &[BilledCall]) -> BillRow {
        let rows = compare(lines, calls, date(2026, 11, 25));
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows[0].clone()
    }

    #[test]
    fn what_is_certain_agrees_or_does_not() {
        let calls = [call("a", true, DOLLAR, DOLLAR), call("b", true, 2 * DOLLAR, 3 * DOLLAR)];
        for (bill, finding) in [
            (3 * DOLLAR, Finding::Agrees),
            (3 * DOLLAR + 2_000_000, Finding::Agrees),
            (3 * DOLLAR + 6_000_000, Finding::More),
            (3 * DOLLAR - 6_000_000, Finding::Less),
        ] {
            assert_eq!(one(&[line(SONNET, bill)], &calls).finding, finding, "{bill}");
        }
        assert_eq!(one(&[], &calls).finding, Finding::NotBilled);
        assert_eq!(one(&[line(SONNET, DOLLAR)], &[]).finding, Finding::NotOurs);
    }

    #[test]
    fn the_bill_settles_what_is_not_certain() {
        let calls = [
            call("a", true, DOLLAR, DOLLAR),
            call("b", false, DOLLAR, 4 * DOLLAR),
            call("c", false, DOLLAR, 2 * DOLLAR),
        ];
        let row = one(&[line(SONNET, DOLLAR), line(SONNET, DOLLAR)], &calls);
        assert_eq!((row.finding, row.difference()), (Finding::Settled, Some(Usd::ZERO)));
        assert_eq!(row.settled, [("b".into(), Usd::from_nanos(DOLLAR / 2)), ("c".into(), Usd::from_nanos(DOLLAR / 2))]);
        // More than was assumed goes where there was room for it.
        let row = one(&[line(SONNET, 7 * DOLLAR)], &calls);
        assert_eq!(row.settled, [("b".into(), Usd::from_nanos(4 * DOLLAR)), ("c".into(), Usd::from_nanos(2 * DOLLAR))]);
        for (bill, finding) in [(7 * DOLLAR + 1, Finding::More), (DOLLAR / 2, Finding::Less)] {
            let row = one(&[line(SONNET, bill)], &calls);
            assert_eq!((row.finding, row.settled.len()), (finding, 0), "{bill}");
        }
        // A bill of a day that goes on is not whole, and neither is one below what is certain.
        let rows = compare(&[line(SONNET, 2 * DOLLAR)], &calls, date(2026, 11, 24));
        assert_eq!((rows[0].finding, rows[0].settled.len()), (Finding::NotOver, 0));
        assert_eq!(one(&[line(SONNET, DOLLAR - 1)], &calls).finding, Finding::Less);
    }

    #[test]
    fn another_spelling_is_the_same_model_and_days_alone_are_compared_whole() {
        let calls = [call("a", true, DOLLAR, DOLLAR)];
        assert_eq!(one(&[line(Some("anthropic/claude-sonnet-5-5"), DOLLAR)], &calls).finding, Finding::Agrees);
        assert_eq!(one(&[line(None, DOLLAR)], &calls).model, None);
        let rows = compare(&[line(SONNET, DOLLAR), line(None, 9 * DOLLAR)], &calls, date(2026, 11, 25));
        assert_eq!(rows.iter().map(|row| row.finding).collect::<Vec<_>>(), [Finding::NotOurs, Finding::Agrees]);
    }

    #[test]
    fn a_record_settles_its_own_call() {
        let records = [
            (call("a", true, DOLLAR, DOLLAR), Some(Usd::from_nanos(DOLLAR))),
            (call("b", false, 3 * DOLLAR, 3 * DOLLAR), Some(Usd::from_nanos(DOLLAR / 4))),
            (call("c", false, DOLLAR, DOLLAR), None),
        ];
        let rows = by_records(&records);
        assert_eq!(rows.len(), 2, "{rows:?}");
        assert_eq!((rows[0].finding, rows[0].difference()), (Finding::NotBilled, None));
        assert_eq!((rows[1].finding, rows[1].difference()), (Finding::Settled, Some(Usd::ZERO)));
        assert_eq!(rows[1].settled, [("b".into(), Usd::from_nanos(DOLLAR / 4))]);
        let absurd = [(call("a", false, DOLLAR, 2 * DOLLAR), Some(Usd::from_nanos(400 * DOLLAR)))];
        assert_eq!((by_records(&absurd)[0].finding, by_records(&absurd)[0].settled.len()), (Finding::More, 0));
        let dearer = [(call("a", true, DOLLAR, DOLLAR), Some(Usd::from_nanos(2 * DOLLAR)))];
        assert_eq!(by_records(&dearer)[0].finding, Finding::More);
    }

    proptest! {
        #[test]
        fn shares_sum_to_the_bill_and_none_is_above_its_most(
            calls in prop::collection::vec((0_i64..5 * DOLLAR, 0_i64..5 * DOLLAR, any::<bool>()), 1..12),
            bill in 0_i64..40 * DOLLAR,
        ) {
            let calls: Vec<BilledCall> = calls
                .iter()
                .enumerate()
                .map(|(at, (counted, more, exact))| call(&at.to_string(), *exact, *counted, counted + more))
                .collect();
            let row = one(&[line(SONNET, bill)], &calls);
            if row.finding == Finding::Settled {
                let exact: Usd = calls.iter().filter(|call| call.is_exact).map(|call| call.counted).sum();
                let shares: Usd = row.settled.iter().map(|(_, share)| *share).sum();
                prop_assert_eq!(shares, Usd::from_nanos(bill) - exact);
                for (id, share) in &row.settled {
                    let call = calls.iter().find(|call| call.attempt_id == *id).unwrap();
                    prop_assert!(*share <= call.most && !call.is_exact);
                }
            }
        }
    }
}
