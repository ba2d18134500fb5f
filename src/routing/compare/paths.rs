//! Every path with its cost: own keys, the plans, the gateways, free.

use super::line::{Line, Pace};
use super::meter::Metered;
use super::sellers::Seller;
use crate::base::money::{Rate, Usd};
use crate::catalog::plan::{Evidence, Limit, Offers, Plan};
use crate::domain::path::PayPath;

/// Whether a plan's limit holds this use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// There is no limit on it.
    Unlimited,
    /// The seller does not give the limit in tokens or dollars: its own words.
    NotPublished(String),
    Yes(String),
    /// Which limit is passed, and by what.
    No(String),
}

impl Holds {
    /// `None` where nobody can say.
    #[must_use]
    pub const fn known(&self) -> Option<bool> {
        match self {
            Self::Unlimited | Self::Yes(_) => Some(true),
            Self::No(_) => Some(false),
            Self::NotPublished(_) => None,
        }
    }

    #[must_use]
    pub fn words(&self) -> &str {
        match self {
            Self::Unlimited => "none",
            Self::NotPublished(words) | Self::Yes(words) | Self::No(words) => words,
        }
    }
}

/// One path and what this use costs on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathCost {
    pub path: PayPath,
    /// `own-keys`, `claude-pro`, `openrouter`, `free`.
    pub id: String,
    pub name: String,
    /// The arithmetic; `None` where nothing is ever charged.
    pub line: Option<Line>,
    /// The recorded period as it was; a plan is counted for one month.
    pub period: Usd,
    /// A month at the same pace.
    pub month: Usd,
    pub thousand_tasks: Option<Usd>,
    pub holds: Holds,
    /// Of a plan: the list value a month of what it serves, and of what it does not.
    pub served: Option<(Usd, Usd)>,
    /// Of a plan: the credit for the seller's own API that comes with it.
    pub api_credit: Option<(Usd, Evidence)>,
    pub evidence: Option<Evidence>,
    pub plan: Option<Plan>,
    /// Of a gateway: its markup and fee.
    pub rates: Option<(Rate, Rate)>,
    /// The fee of the smallest purchase.
    pub least_fee: Usd,
}

/// Own keys, then the plans and the gateways in the order of the data, then free.
pub(super) fn all(offers: &Offers, plans: &[&Plan], used: &Metered, pace: &Pace, sellers: &[Seller]) -> Vec<PathCost> {
    let list: i128 = used.models.iter().map(|one| one.list).sum();
    let mut paths = vec![PathCost {
        line: Some(Line::Metered { total: list, markup: Rate::ZERO, fee: Rate::ZERO, least_fee: Usd::ZERO }),
        ..empty(PayPath::Byok, "own-keys", "own keys")
    }];
    paths.extend(plans.iter().map(|plan| of_plan(plan, used, pace)));
    // The parts of a pair have their own evidence.
    paths.extend(pairs(plans).iter().map(|pair| PathCost { evidence: None, ..of_plan(pair, used, pace) }));
    for (at, seller) in sellers.iter().enumerate() {
        let total = used.models.iter().map(|one| one.at_sellers.get(at).copied().unwrap_or(one.list)).sum();
        let (markup, fee) = (seller.markup, seller.fee);
        paths.push(PathCost {
            line: Some(Line::Metered { total, markup, fee, least_fee: seller.least_fee }),
            evidence: seller.evidence.clone(),
            rates: Some((markup, fee)),
            least_fee: seller.least_fee,
            ..empty(PayPath::Platform, &seller.id, &seller.name)
        });
    }
    for path in &mut paths {
        if let Some(line) = &path.line {
            path.period = line.period();
            path.month = line.month(pace);
            path.thousand_tasks = line.thousand_tasks(pace);
        }
    }
    paths.extend(offers.free.iter().map(|pool| {
        let words = format!(
            "{} requests a day, {} once $10.00 of credits were bought; open models only",
            pool.requests_day, pool.requests_day_with_credits
        );
        // Of a stated workload only this is known: a task takes one request at least.
        let stated = pace.tasks.saturating_mul(86_400) / u64::try_from(pace.seconds).unwrap_or(1).max(1);
        let holds = match used.busiest_day {
            0 if stated > pool.requests_day => {
                Holds::No(format!("{words}; this is {stated} tasks a day, each of one request at least"))
            }
            0 => Holds::NotPublished(words),
            most if most <= pool.requests_day => Holds::Yes(format!("{words}; your busiest day had {most}")),
            most => Holds::No(format!("{words}; your busiest day had {most}")),
        };
        PathCost {
            holds,
            evidence: Some(pool.evidence.clone()),
            thousand_tasks: (pace.tasks > 0).then_some(Usd::ZERO),
            ..empty(PayPath::Free, &pool.id, &pool.name)
        }
    }));
    paths.push(PathCost {
        thousand_tasks: (pace.tasks > 0).then_some(Usd::ZERO),
        ..empty(PayPath::Free, "local", "a local server")
    });
    paths
}

fn empty(path: PayPath, id: &str, name: &str) -> PathCost {
    PathCost {
        path,
        id: id.to_owned(),
        name: name.to_owned(),
        line: None,
        period: Usd::ZERO,
        month: Usd::ZERO,
        thousand_tasks: None,
        holds: Holds::Unlimited,
        served: None,
        api_credit: None,
        evidence: None,
        plan: None,
        rates: None,
        least_fee: Usd::ZERO,
    }
}

/// Where the models of two sellers are used, one plan of each together: the smallest of both, and the largest.
fn pairs(plans: &[&Plan]) -> Vec<Plan> {
    let mut sellers: Vec<Vec<&Plan>> = Vec::new();
    for plan in plans.iter().filter(|plan| plan.path == PayPath::Subscription) {
        match sellers.iter_mut().find(|seller| seller[0].provider == plan.provider) {
            Some(seller) => seller.push(plan),
            None => sellers.push(vec![plan]),
        }
    }
    let [first, second] = &mut sellers[..] else { return Vec::new() };
    first.sort_by_key(|plan| plan.month);
    second.sort_by_key(|plan| plan.month);
    let ends = [(first.first(), second.first()), (first.last(), second.last())];
    ends.into_iter().filter_map(|(a, b)| Some(pair(a?, b?))).collect()
}

fn pair(a: &Plan, b: &Plan) -> Plan {
    Plan {
        id: format!("{}+{}", a.id, b.id),
        name: format!("{} + {}", a.name, b.name),
        also: None,
        path: PayPath::Subscription,
        provider: format!("{}+{}", a.provider, b.provider),
        month: a.month + b.month,
        covers: a.covers.iter().chain(&b.covers).cloned().collect(),
        limit: Limit::Unpublished("those of both".to_owned()),
        api_credit: None,
        evidence: a.evidence.clone(),
    }
}

fn of_plan(plan: &Plan, used: &Metered, pace: &Pace) -> PathCost {
    let value_of = |served: bool| -> i128 {
        used.models.iter().filter(|one| plan.serves_id(&one.vendor, &one.id) == served).map(|one| one.list).sum()
    };
    let (served, rest) = (value_of(true), value_of(false));
    let allowance = match plan.limit {
        Limit::Usage { month, .. } => Some(month),
        Limit::Unpublished(_) => None,
    };
    let value = |total| Line::Metered { total, markup: Rate::ZERO, fee: Rate::ZERO, least_fee: Usd::ZERO }.month(pace);
    PathCost {
        line: Some(Line::Flat { month: plan.month, covered: served, rest, allowance }),
        holds: holds(plan, used, value(served)),
        served: Some((value(served), value(rest))),
        api_credit: plan.api_credit.clone(),
        evidence: Some(plan.evidence.clone()),
        plan: Some(plan.clone()),
        ..empty(plan.path, &plan.id, &plan.name)
    }
}

/// The plan's limits against the month and the busiest week and hours of this use.
fn holds(plan: &Plan, used: &Metered, month_value: Usd) -> Holds {
    let (five_hours, week, month) = match &plan.limit {
        Limit::Unpublished(words) => return Holds::NotPublished(words.clone()),
        Limit::Usage { five_hours, week, month } => (*five_hours, *week, *month),
    };
    let words = format!("up to {month} of usage a month, {week} a week, {five_hours} in 5 hours, less for some models");
    let peaks = used.peaks.get(&plan.id).copied().unwrap_or_default();
    let passed = [
        (month_value, month, "a month"),
        (peaks.week, week, "in the busiest week"),
        (peaks.five_hours, five_hours, "in the busiest 5 hours"),
    ];
    match passed.into_iter().find(|(used, limit, _)| used > limit) {
        Some((used, _, when)) => Holds::No(format!("{words}; this use is {used} {when}")),
        None => Holds::Yes(format!("{words}; this use is {month_value} a month")),
    }
}
