//! The sentence on top, what was assumed for it, and the date of every figure in it.

use std::collections::BTreeMap;

use super::line::{MONTH_SECONDS, Pace};
use super::meter::{Metered, date};
use super::paths::{Holds, PathCost};
use super::{Comparison, Origin, Priced};
use crate::base::money::{Places, Usd};
use crate::domain::path::PayPath;

/// One plain sentence: which path costs least at this pace, and what would change that.
pub(super) fn sentence(comparison: &Comparison) -> String {
    if comparison.used.models.is_empty() {
        return "None of the recorded calls has a known price, so nothing can be compared.".to_owned();
    }
    let least = if comparison.used.unpriced.is_empty() { "" } else { "at least " };
    let of = |flat: bool| {
        let paths = comparison.paths.iter().filter(|path| path.line.is_some());
        paths.filter(move |path| path.plan.is_some() == flat).collect::<Vec<&PathCost>>()
    };
    let (metered, mut plans) = (of(false), of(true));
    // Own keys stand first, so they win a tie.
    let Some(base) = metered.into_iter().min_by_key(|path| path.month) else { return String::new() };
    let (whose, price) = match base.path {
        PayPath::Byok => ("your own key", "at list price"),
        _ => (base.name.as_str(), "with its fees"),
    };
    plans.sort_by_key(|plan| (plan.month, flat(plan)));
    let cheaper: Vec<&PathCost> = plans.iter().copied().filter(|plan| plan.month < base.month).collect();
    let Some(best) = cheaper.first() else {
        let head = format!("{} costs least: {least}{} a month {price}", capital(whose), dollars(base.month));
        return match plans.first().map(|plan| (plan, crossing(comparison, base, plan))) {
            Some((plan, Some(at))) => format!(
                "{head}; the cheapest plan that serves these models, {} at {}, pays from {} a week (now {}).",
                plan.name,
                flat(plan),
                tasks(at),
                weekly(&comparison.pace),
            ),
            Some((plan, None)) => format!("{head}; {} at {} would not pay at any pace.", plan.name, flat(plan)),
            None => format!("{head}; no plan here serves these models."),
        };
    };
    let saving = |plan: &PathCost| dollars(base.month - plan.month);
    let head = format!(
        "A plan costs less than {whose} ({least}{} a month {price}): {} saves {} a month",
        dollars(base.month),
        best.name,
        saving(best)
    );
    let same_seller = |other: &&&PathCost| seller(other) == seller(best) && other.id != best.id;
    let larger = cheaper.iter().rev().find(same_seller);
    match (&best.holds, larger) {
        (Holds::NotPublished(_), Some(largest)) => format!(
            "{head} if its limit, which is not published in tokens, holds this use, and {} would still save {}.",
            largest.name,
            saving(largest),
        ),
        (Holds::NotPublished(_), None) => {
            format!("{head} if its limit, which is not published in tokens, holds this use.")
        }
        (Holds::No(_), _) => {
            format!("{head} although this use passes its limit and what is over it is paid by the token.")
        }
        _ => format!("{head} and its limit holds this use."),
    }
}

/// Dollars and cents in groups of three, `$12,633.32`; less than a cent as it is.
#[must_use]
pub fn dollars(usd: Usd) -> String {
    dollars_with(usd, cents([usd]))
}

/// The decimals of estimates that stand in one column: cents, and more only where one is less than a cent.
#[must_use]
pub fn cents(amounts: impl IntoIterator<Item = Usd>) -> Places {
    let cent = Usd::from_cents(1).nanos();
    Places::of(amounts.into_iter().filter(|usd| (-cent..cent).contains(&usd.nanos())))
}

/// An amount with the decimals of its column.
#[must_use]
pub fn dollars_with(usd: Usd, places: Places) -> String {
    let text = places.show(usd);
    let Some((whole, cents)) = text.strip_prefix('$').and_then(|text| text.split_once('.')) else { return text };
    let mut shown = String::from("$");
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    format!("{shown}.{cents}")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The pace from which the plan costs no more than the path that is paid by the token, in hundredths.
fn crossing(comparison: &Comparison, metered: &PathCost, plan: &PathCost) -> Option<u64> {
    let position = |path: &PathCost| comparison.paths.iter().position(|one| one.id == path.id);
    let (a, b) = (position(metered)?, position(plan)?);
    let pair = comparison.crossings.iter().find(|one| (one.first, one.second) == (a.min(b), a.max(b)))?;
    (pair.at.first_cheaper == Some(a < b)).then(|| pair.at.flips.first().copied()).flatten()
}

fn seller(path: &PathCost) -> Option<&str> {
    path.plan.as_ref().map(|plan| plan.provider.as_str())
}

fn flat(path: &PathCost) -> Usd {
    path.plan.as_ref().map_or(path.month, |plan| plan.month)
}

/// Whole tasks from hundredths, rounded up: half a task is not a task.
fn tasks(hundredths: u64) -> String {
    match hundredths.div_ceil(100) {
        1 => "1 task".to_owned(),
        count => format!("{count} tasks"),
    }
}

/// `4.9`, `5`, `0.23`: a pace without trailing zeros.
pub(super) fn weekly(pace: &Pace) -> String {
    hundredths(pace.hundredths_a_week())
}

fn hundredths(count: u64) -> String {
    let text = format!("{}.{:02}", count / 100, count % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What has to be true for the figures to be.
pub(super) fn assumptions(origin: &Origin, pace: &Pace, used: &Metered, paths: &[PathCost]) -> Vec<String> {
    let mut said = Vec::new();
    match origin {
        Origin::History { since, .. } => {
            said.push(
                "Every recorded call is priced at today's list price by its own size: cache reads, both cache writes \
                 and long prompts at their own rates."
                    .to_owned(),
            );
            if pace.seconds == MONTH_SECONDS {
                said.push("A month is 30 days, the period itself.".to_owned());
            } else {
                said.push(format!(
                    "A month is 30 days at the pace of these {} days.",
                    hundredths(u64::try_from(pace.seconds).unwrap_or(0) * 100 / 86_400)
                ));
            }
            if let Some(first) = used.first.filter(|first| date(*first) > date(*since)) {
                said.push(format!("The first call is of {}: days before it count as days without use.", date(first)));
            }
            said.push("A task is one task of vk, or one session of another tool.".to_owned());
        }
        Origin::Stated(_) | Origin::Example(_) => {
            said.push(
                "Each task uses the tokens stated, in requests that stay under any long-context threshold; IN is \
                 charged as plain input, CACHED as cache reads, and cache writes are not counted."
                    .to_owned(),
            );
            said.push("A month is 30 days.".to_owned());
        }
    }
    for unpriced in &used.unpriced {
        said.push(format!(
            "No price is known for {} of {}, sent to {}; they are left out, so that figures by the token are at least that.",
            if unpriced.calls == 1 { "1 call".to_owned() } else { format!("{} calls", unpriced.calls) },
            unpriced.model,
            unpriced.provider
        ));
    }
    let indirect: Vec<&str> = used.models.iter().filter(|one| !one.direct).map(|one| one.id.as_str()).collect();
    if !indirect.is_empty() {
        said.push(format!(
            "{}: no direct credential in vk; they are in \"own keys\" at the price listed for them.",
            indirect.join(", ")
        ));
    }
    if paths.iter().any(|path| path.plan.is_some()) {
        said.push(
            "A plan is one seat, paid monthly; its limit is not in the arithmetic unless its seller gives it in \
             dollars. What it does not serve is added at list price."
                .to_owned(),
        );
    }
    if paths.iter().any(|path| path.api_credit.is_some()) {
        said.push(
            "API credit that comes with a plan pays for the seller's own API, so for byok, not for its program; it \
             has to be claimed, ends with each month, and is not in the arithmetic."
                .to_owned(),
        );
    }
    if paths.iter().any(|path| path.rates.is_some()) {
        said.push("Gateway credits are bought once a month; left-over credit is not lost and not counted.".to_owned());
    }
    if paths.iter().any(|path| path.path == PayPath::Free) {
        said.push("Free runs other models: open ones, which may need more tokens for the same task.".to_owned());
    }
    said
}

/// The source and date of each plan, gateway, pool and list price, in the order of the table.
pub(super) fn prices(used: &Metered, paths: &[PathCost]) -> Vec<Priced> {
    let mut lists: BTreeMap<(String, jiff::civil::Date), Vec<&str>> = BTreeMap::new();
    for one in &used.models {
        lists.entry((one.price.source.clone(), one.price.as_of)).or_default().push(&one.id);
    }
    let mut prices: Vec<Priced> =
        lists.into_iter().map(|((source, as_of), ids)| Priced { what: ids.join(", "), source, as_of }).collect();
    let mut offers: Vec<(&str, jiff::civil::Date, Vec<String>)> = Vec::new();
    for path in paths {
        let credit = path.api_credit.as_ref().map(|(_, evidence)| (format!("API credit of {}", path.name), evidence));
        let own = path.evidence.as_ref().map(|evidence| (path.name.clone(), evidence));
        for (what, evidence) in own.into_iter().chain(credit) {
            match offers.iter_mut().find(|(source, as_of, _)| *source == evidence.source && *as_of == evidence.as_of) {
                Some((.., names)) => names.push(what),
                None => offers.push((&evidence.source, evidence.as_of, vec![what])),
            }
        }
    }
    prices.extend(offers.into_iter().map(|(source, as_of, names)| Priced {
        what: names.join(", "),
        source: source.to_owned(),
        as_of,
    }));
    prices
}
