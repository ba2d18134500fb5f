//! What is sold beside tokens: plans at a flat price a month, what gateways add to list price, and free pools.
//! Bundled dated data, like the prices; whether a plan pays for somebody is not decided here (`routing/compare`).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jiff::civil::Date;
use serde::Deserialize;

use super::Model;
use crate::base::money::{Rate, Usd};
use crate::domain::path::PayPath;

/// A flat price a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// `claude-pro`: what scripts read.
    pub id: String,
    /// As its seller writes it.
    pub name: String,
    /// The name it was sold under before.
    pub also: Option<String>,
    /// `subscription`, or `platform` where the plan is a gateway's.
    pub path: PayPath,
    /// The provider of vk that would run on it.
    pub provider: String,
    /// USD a month, billed monthly.
    pub month: Usd,
    /// How `vendor/model id` begins for the models it serves.
    pub covers: Vec<String>,
    pub limit: Limit,
    /// Credit for the seller's own API that comes with the plan, and where that was read.
    pub api_credit: Option<(Usd, Evidence)>,
    pub evidence: Evidence,
}

impl Plan {
    /// Whether the plan's seller serves this model under it.
    #[must_use]
    pub fn serves(&self, model: &Model) -> bool {
        self.serves_id(&model.vendor, &model.id)
    }

    /// The same by the catalog's vendor and id.
    #[must_use]
    pub fn serves_id(&self, vendor: &str, id: &str) -> bool {
        let id = format!("{vendor}/{id}");
        self.covers.iter().any(|beginning| id.starts_with(beginning.as_str()))
    }
}

/// What a plan lets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The seller's words; they give neither tokens nor dollars, so nothing can be computed from them.
    Unpublished(String),
    /// Dollars of usage at the seller's token prices.
    Usage { five_hours: Usd, week: Usd, month: Usd },
}

/// A gateway that sells tokens from credits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    pub id: String,
    pub name: String,
    /// On list price.
    pub markup: Rate,
    /// On the credits that are bought.
    pub fee: Rate,
    /// The least that a purchase of credits costs beside the credits.
    pub least_fee: Usd,
    /// How its ids begin, by the vendor of the catalog.
    pub prefixes: BTreeMap<String, String>,
    pub evidence: Evidence,
}

/// A pool of models that nobody pays for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreePool {
    pub id: String,
    pub name: String,
    /// Requests a UTC day for an account that never bought credits.
    pub requests_day: u64,
    /// The same for one that did.
    pub requests_day_with_credits: u64,
    pub evidence: Evidence,
}

/// Where a figure was read, and of when that was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evidence {
    pub source: String,
    pub as_of: Date,
}

/// Everything that is sold beside tokens, in the order of the data file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offers {
    pub plans: Vec<Plan>,
    pub gateways: Vec<Gateway>,
    pub free: Vec<FreePool>,
}

impl Offers {
    /// The data this version was built with. A broken file is no offer; the tests keep that from being released.
    #[must_use]
    pub fn bundled() -> &'static Self {
        static OFFERS: OnceLock<Offers> = OnceLock::new();
        OFFERS.get_or_init(|| parse(include_str!("data/plans.toml")).unwrap_or_default())
    }
}

#[derive(Debug, thiserror::Error)]
enum OffersError {
    #[error("not a file of plans")]
    Toml(#[from] toml::de::Error),
    #[error("{0}: no source named \"{1}\"")]
    Source(String, String),
    #[error("{0}: {1}")]
    Figure(String, String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRow {
    sources: BTreeMap<String, SourceRow>,
    plan: Vec<PlanRow>,
    gateway: Vec<GatewayRow>,
    free: Vec<FreeRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceRow {
    text: String,
    as_of: Date,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanRow {
    id: String,
    name: String,
    also: Option<String>,
    path: PayPath,
    provider: String,
    month: String,
    covers: Vec<String>,
    source: String,
    limit: LimitRow,
    api_credit: Option<CreditRow>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum LimitRow {
    Unpublished(String),
    Usage { five_hours: String, week: String, month: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreditRow {
    month: String,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GatewayRow {
    id: String,
    name: String,
    markup: String,
    fee: String,
    least_fee: String,
    source: String,
    prefixes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FreeRow {
    id: String,
    name: String,
    requests_day: u64,
    requests_day_with_credits: u64,
    source: String,
}

fn parse(text: &str) -> Result<Offers, OffersError> {
    let file: FileRow = toml::from_str(text)?;
    let evidence = |id: &str, name: &str| {
        let found = file.sources.get(name).ok_or_else(|| OffersError::Source(id.to_owned(), name.to_owned()))?;
        Ok::<_, OffersError>(Evidence { source: found.text.clone(), as_of: found.as_of })
    };
    let usd = |id: &str, text: &str| {
        text.parse::<Usd>().map_err(|error| OffersError::Figure(id.to_owned(), error.to_string()))
    };
    let rate = |id: &str, text: &str| {
        text.parse::<Rate>().map_err(|error| OffersError::Figure(id.to_owned(), error.to_string()))
    };
    let mut offers = Offers::default();
    for row in file.plan {
        let limit = match &row.limit {
            LimitRow::Unpublished(words) => Limit::Unpublished(words.clone()),
            LimitRow::Usage { five_hours, week, month } => Limit::Usage {
                five_hours: usd(&row.id, five_hours)?,
                week: usd(&row.id, week)?,
                month: usd(&row.id, month)?,
            },
        };
        let api_credit = match &row.api_credit {
            Some(credit) => Some((usd(&row.id, &credit.month)?, evidence(&row.id, &credit.source)?)),
            None => None,
        };
        offers.plans.push(Plan {
            month: usd(&row.id, &row.month)?,
            evidence: evidence(&row.id, &row.source)?,
            api_credit,
            limit,
            id: row.id,
            name: row.name,
            also: row.also,
            path: row.path,
            provider: row.provider,
            covers: row.covers,
        });
    }
    for row in file.gateway {
        offers.gateways.push(Gateway {
            markup: rate(&row.id, &row.markup)?,
            fee: rate(&row.id, &row.fee)?,
            least_fee: usd(&row.id, &row.least_fee)?,
            evidence: evidence(&row.id, &row.source)?,
            id: row.id,
            name: row.name,
            prefixes: row.prefixes,
        });
    }
    for row in file.free {
        offers.free.push(FreePool {
            evidence: evidence(&row.id, &row.source)?,
            id: row.id,
            name: row.name,
            requests_day: row.requests_day,
            requests_day_with_credits: row.requests_day_with_credits,
        });
    }
    Ok(offers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn plan(id: &str) -> &'static Plan {
        Offers::bundled().plans.iter().find(|plan| plan.id == id).unwrap()
    }

    #[test]
    fn the_bundled_file_parses() {
        parse(include_str!("data/plans.toml")).unwrap();
    }

    /// The sellers' price pages, row by row.
    #[test]
    fn the_published_prices() {
        for (id, month, credit) in [
            ("claude-pro", 20, None),
            ("claude-max", 100, Some(100)),
            ("claude-ultra", 200, Some(200)),
            ("chatgpt-go", 8, None),
            ("chatgpt-plus", 20, None),
            ("chatgpt-pro-100", 100, None),
            ("chatgpt-pro-200", 200, None),
            ("opencode-go", 10, None),
            ("opencode-go-plus", 40, None),
        ] {
            assert_eq!(plan(id).month, Usd::from_cents(month * 100), "{id}");
            let found = plan(id).api_credit.as_ref().map(|(credit, _)| *credit);
            assert_eq!(found, credit.map(|dollars: i64| Usd::from_cents(dollars * 100)), "{id}");
        }
        assert_eq!(Offers::bundled().plans.len(), 9);
    }

    #[test]
    fn every_offer_is_dated_priced_and_named_once() {
        let offers = Offers::bundled();
        let mut ids: Vec<&str> = offers.plans.iter().map(|plan| plan.id.as_str()).collect();
        ids.extend(offers.gateways.iter().map(|gateway| gateway.id.as_str()));
        ids.extend(offers.free.iter().map(|pool| pool.id.as_str()));
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
        let year: Date = "2026-01-01".parse().unwrap();
        for plan in &offers.plans {
            assert!(plan.month > Usd::ZERO && plan.month <= Usd::from_cents(100_000), "{}", plan.id);
            assert!(!plan.evidence.source.is_empty() && plan.evidence.as_of >= year, "{}", plan.id);
            assert!(matches!(plan.path, PayPath::Subscription | PayPath::Platform), "{}", plan.id);
            if let Limit::Usage { five_hours, week, month } = &plan.limit {
                assert!(five_hours < week && week < month && *month > plan.month, "{}", plan.id);
            }
        }
        for gateway in &offers.gateways {
            assert!(gateway.fee.ppm() < 200_000 && gateway.evidence.as_of >= year, "{}", gateway.id);
            assert!(!gateway.least_fee.is_negative());
        }
        for pool in &offers.free {
            assert!(pool.requests_day <= pool.requests_day_with_credits);
        }
    }

    #[test]
    fn every_plan_serves_a_model_that_the_catalog_prices() {
        for plan in &Offers::bundled().plans {
            let served = Catalog::bundled().models().filter(|model| plan.serves(model)).count();
            assert!(served > 0, "{} serves nothing", plan.id);
            for beginning in &plan.covers {
                let known =
                    Catalog::bundled().models().any(|m| format!("{}/{}", m.vendor, m.id).starts_with(beginning));
                assert!(known, "{}: no model begins with {beginning}", plan.id);
            }
        }
    }

    #[test]
    fn a_plan_of_one_vendor_does_not_serve_another_one() {
        let model = |vendor, id| Catalog::bundled().find(vendor, id).unwrap();
        assert!(plan("claude-max").serves(model("anthropic", "claude-opus-5-5")));
        assert!(!plan("claude-max").serves(model("openai", "gpt-6.2-sol")));
        assert!(plan("opencode-go").serves(model("zai", "glm-5.2")));
    }
}
