//! A comparison for scripts. Money is decimal strings in USD; what nobody can say is `null`.

use serde_json::{Value, json};

use super::words::usd;
use crate::base::clock::rfc3339;
use crate::present::json::text;
use crate::routing::compare::{Comparison, ModelUse, Origin, PathCost, Stated};

#[must_use]
pub fn json(comparison: &Comparison) -> String {
    let used = &comparison.used;
    let paths: Vec<Value> = comparison.paths.iter().map(path).collect();
    let crossings: Vec<Value> = comparison
        .crossings
        .iter()
        .map(|pair| {
            let (first, second) = (&comparison.paths[pair.first].id, &comparison.paths[pair.second].id);
            let cheaper =
                pair.at.first_cheaper.map(|first_is| if first_is { (first, second) } else { (second, first) });
            let flips: Vec<String> = pair.at.flips.iter().map(|at| format!("{}.{:02}", at / 100, at % 100)).collect();
            let above = cheaper.map(|(below, other)| if flips.is_empty() { below } else { other });
            json!({
                "a": first,
                "b": second,
                "tasks_week": flips.first(),
                "cheaper_below": cheaper.map(|(below, _)| below),
                "cheaper_above": above,
                "until_tasks_week": flips.get(1),
            })
        })
        .collect();
    let prices = comparison.prices.iter();
    let prices: Vec<Value> =
        prices.map(|one| json!({"what": one.what, "source": one.source, "as_of": one.as_of.to_string()})).collect();
    let pace = comparison.pace.hundredths_a_week();
    text(&json!({
        "advice": comparison.advice,
        "workload": workload(&comparison.origin),
        "seconds": comparison.pace.seconds,
        "tasks": comparison.pace.tasks,
        "tasks_week": format!("{}.{:02}", pace / 100, pace % 100),
        "calls": used.calls,
        "models": used.models.iter().map(model).collect::<Vec<_>>(),
        "unpriced": used.unpriced.iter().map(|one| json!({
            "provider": one.provider, "model": one.model, "calls": one.calls, "usage": one.usage,
        })).collect::<Vec<_>>(),
        "paths": paths,
        "break_even": crossings,
        "not_serving": comparison.elsewhere.iter().map(|(name, month)| json!({"name": name, "month_usd": month}))
            .collect::<Vec<_>>(),
        "assumptions": comparison.assumptions,
        "prices": prices,
    }))
}

fn workload(origin: &Origin) -> Value {
    let stated = |kind: &str, one: &Stated| {
        json!({
            "from": kind,
            "model": format!("{}/{}", one.vendor, one.model),
            "task": {"input": one.tokens.input, "cache_read": one.tokens.cached, "output": one.tokens.output},
        })
    };
    match origin {
        Origin::History { since, until } => {
            json!({"from": "ledger", "since": rfc3339(*since), "until": rfc3339(*until)})
        }
        Origin::Stated(one) => stated("stated", one),
        Origin::Example(one) => stated("example", one),
    }
}

fn model(one: &ModelUse) -> Value {
    json!({
        "vendor": one.vendor,
        "model": one.id,
        "calls": one.calls,
        "usage": one.usage,
        "list_usd": usd(one.list),
        "direct": one.direct,
        "price": {"source": one.price.source, "as_of": one.price.as_of.to_string(), "hash": one.price.hash},
    })
}

fn path(path: &PathCost) -> Value {
    json!({
        "path": path.path,
        "id": path.id,
        "name": path.name,
        "period_usd": path.period,
        "month_usd": path.month,
        "thousand_tasks_usd": path.thousand_tasks,
        "plan_usd": path.plan.as_ref().map(|plan| plan.month),
        "served_list_usd": path.served.map(|(served, _)| served),
        "not_served_list_usd": path.served.map(|(_, rest)| rest),
        "markup": path.rates.map(|(markup, _)| markup.to_string()),
        "fee": path.rates.map(|(_, fee)| fee.to_string()),
        "least_fee_usd": path.rates.map(|_| path.least_fee),
        "limit": path.holds.words(),
        "holds": path.holds.known(),
        "api_credit_usd": path.api_credit.as_ref().map(|(credit, _)| credit),
        "source": path.evidence.as_ref().map(|evidence| &evidence.source),
        "as_of": path.evidence.as_ref().map(|evidence| evidence.as_of.to_string()),
    })
}
