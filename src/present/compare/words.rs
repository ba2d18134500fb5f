//! Figures of a comparison as words of a cell or a line.

use super::{is_least, pair};
use crate::base::money::Usd;
use crate::domain::path::PayPath;
use crate::present::summary::thousands;
use crate::routing::compare::{
    Comparison, Holds, MONTH_SECONDS, ModelUse, Origin, PathCost, Stated, cents, date, dollars, dollars_with,
};

pub(super) fn usd(nanos: i128) -> Usd {
    Usd::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

/// A path's month; `>=` where calls without a price are left out of it.
pub(super) fn month(comparison: &Comparison, path: &PathCost) -> String {
    let places = cents(comparison.paths.iter().map(|path| path.month));
    let least = if is_least(comparison, path) && !whole_plan(path) { ">= " } else { "" };
    format!("{least}{}", dollars_with(path.month, places))
}

/// What a thousand tasks cost on the path.
pub(super) fn thousand(comparison: &Comparison, path: &PathCost) -> String {
    let places = cents(comparison.paths.iter().filter_map(|path| path.thousand_tasks));
    path.thousand_tasks.map_or_else(|| "?".to_owned(), |usd| dollars_with(usd, places))
}

/// A model's tokens at list price.
pub(super) fn at_list(comparison: &Comparison, one: &ModelUse) -> String {
    dollars_with(usd(one.list), cents(comparison.used.models.iter().map(|one| usd(one.list))))
}

/// Whether the month is nothing but the plan's own price.
fn whole_plan(path: &PathCost) -> bool {
    path.plan.as_ref().is_some_and(|plan| plan.month == path.month)
}

/// `61.2M`, `980k`: a count in four characters or so.
pub(super) fn short(count: u64) -> String {
    let (unit, letter) = match count {
        0..10_000 => return thousands(count),
        10_000..1_000_000 => (1_000, "k"),
        1_000_000..1_000_000_000 => (1_000_000, "M"),
        _ => (1_000_000_000, "G"),
    };
    let tenths = count / (unit / 10);
    if tenths >= 1_000 {
        format!("{}{letter}", tenths / 10)
    } else {
        format!("{}.{}{letter}", tenths / 10, tenths % 10)
    }
}

/// `4.9`, `5`: hundredths without trailing zeros.
pub(super) fn hundredths(count: u64) -> String {
    let text = format!("{}.{:02}", thousands(count / 100), count % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Paces of one column: with hundredths, unless none of them has any.
#[derive(Clone, Copy)]
pub(super) struct Paces {
    hundredths: bool,
}

impl Paces {
    pub(super) fn of(flips: impl IntoIterator<Item = u64>) -> Self {
        Self { hundredths: flips.into_iter().any(|count| !count.is_multiple_of(100)) }
    }

    /// Those of every path against own keys.
    pub(super) fn against_own(comparison: &Comparison) -> Self {
        let flips = (1..comparison.paths.len()).filter_map(|at| pair(comparison, 0, at));
        Self::of(flips.flat_map(|(_, flips)| flips.iter().copied().take(2)))
    }

    fn show(self, count: u64) -> String {
        if self.hundredths { format!("{}.{:02}", thousands(count / 100), count % 100) } else { thousands(count / 100) }
    }
}

/// From how many tasks a week the path at this position costs less than own keys, which stand at position 0.
pub(super) fn beats_own(comparison: &Comparison, at: usize, paces: Paces) -> String {
    let path = &comparison.paths[at];
    if at == 0 {
        return String::new();
    }
    if path.path == PayPath::Free {
        let passed = matches!(path.holds, Holds::No(_));
        return if passed { "limit passed" } else { "other models" }.to_owned();
    }
    match pair(comparison, 0, at) {
        Some((true, [from, to, ..])) => format!("{} to {}/week", paces.show(*from), paces.show(*to)),
        Some((true, [from])) => format!("from {}/week", paces.show(*from)),
        Some((false, [to, ..])) => format!("below {}/week", paces.show(*to)),
        Some((true, [])) => "never".to_owned(),
        Some((false, [])) => "always".to_owned(),
        None => "costs the same".to_owned(),
    }
}

/// Where a plan starts to cost no more than a path that is paid by the token, and where that ends.
pub(super) fn crossing(comparison: &Comparison, metered: usize, plan: usize, paces: Paces) -> String {
    match pair(comparison, metered, plan) {
        Some((true, [from, to, ..])) => format!("{} to {}", paces.show(*from), paces.show(*to)),
        Some((true, [from])) => paces.show(*from),
        Some((true, [])) => "never".to_owned(),
        Some((false, [])) => "always".to_owned(),
        _ => "-".to_owned(),
    }
}

/// What is compared, in one line.
pub(super) fn workload(comparison: &Comparison) -> String {
    let pace = &comparison.pace;
    let weekly = hundredths(pace.hundredths_a_week());
    let stated = |stated: &Stated| {
        let tokens = &stated.tokens;
        let all: i128 = comparison.used.models.iter().map(|one| one.list).sum();
        let each = all / i128::from(pace.tasks.max(1));
        format!(
            "{weekly} tasks a week of {} tokens in, {} from the cache and {} out with {}, ${} each at list price:",
            thousands(tokens.input),
            thousands(tokens.cached),
            thousands(tokens.output),
            stated.model,
            usd(each).exact(),
        )
    };
    match &comparison.origin {
        Origin::Stated(one) => stated(one),
        Origin::Example(one) => format!("An example, for there is no history here yet: {}", stated(one)),
        Origin::History { until, .. } => {
            let used = &comparison.used;
            let days = u64::try_from(pace.seconds).unwrap_or(0) * 100 / 86_400;
            let tokens: u64 = used.models.iter().map(|one| one.usage.total()).fold(0, u64::saturating_add);
            let recorded = if pace.seconds == MONTH_SECONDS {
                String::new()
            } else {
                format!(", {} at list price", dollars(comparison.paths[0].period))
            };
            format!(
                "{} days to {}: {} tasks ({weekly} a week), {} calls, {} tokens{recorded}:",
                hundredths(days),
                date(*until),
                thousands(used.tasks),
                thousands(used.calls),
                short(tokens),
            )
        }
    }
}

/// Each plan's and pool's limit, whether it holds, and what else comes with it.
pub(super) fn limits(comparison: &Comparison) -> Vec<String> {
    let mut lines = Vec::new();
    for path in &comparison.paths {
        let mut said = Vec::new();
        match &path.holds {
            Holds::Unlimited => {}
            Holds::NotPublished(words) => said.push(words.clone()),
            Holds::Yes(words) => said.push(format!("holds this use: {words}")),
            Holds::No(words) => said.push(format!("does not hold this use: {words}")),
        }
        if let Some(also) = path.plan.as_ref().and_then(|plan| plan.also.as_ref()) {
            said.push(format!("was sold as {also}"));
        }
        if let Some((credit, _)) = &path.api_credit {
            said.push(format!("comes with {credit} of API credit a month, which byok can use"));
        }
        if let Some((_, rest)) = path.served.filter(|(_, rest)| *rest > Usd::ZERO) {
            said.push(format!("does not serve {rest} a month of this use, added at list price"));
        }
        if let Some((markup, fee)) = path.rates {
            let markup = if markup.ppm() == 0 { "no markup".to_owned() } else { format!("markup {markup}") };
            let fee = match (fee.ppm(), path.least_fee) {
                (0, least) if least.is_zero() => "no fee known".to_owned(),
                (_, least) if least.is_zero() => format!("{fee} on credits bought"),
                (_, least) => format!("{fee} on credits bought, {least} a purchase at least"),
            };
            said.push(format!("list price, {markup}, {fee}"));
        }
        if !said.is_empty() {
            lines.push(format!("{}: {}", path.name, said.join("; ")));
        }
    }
    if !comparison.elsewhere.is_empty() {
        let plans = comparison.elsewhere.iter().map(|(name, month)| format!("{name} {month}"));
        lines.push(format!("serve none of these models: {}", plans.collect::<Vec<_>>().join(", ")));
    }
    lines
}

/// `claude-sonnet-5-5: platform.claude.com pricing pages, 2026-10-07`.
pub(super) fn sources(comparison: &Comparison) -> Vec<String> {
    let line = |one: &crate::routing::compare::Priced| format!("{}: {}, {}", one.what, one.source, one.as_of);
    comparison.prices.iter().map(line).collect()
}
