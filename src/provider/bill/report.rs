//! The cost reports of Anthropic and OpenAI, by UTC day and model. They are asked with a key of an administrator's,
//! which can call no model.
//!
//! Sources: platform.claude.com/docs, Admin API, Get Cost Report (2026-10): amounts are cents as decimal text, of
//! which a page has 31 days at most; platform.openai.com/docs, administration, Costs (2026-10): amounts are dollars,
//! a page has 180 days at most, and a line item is a model and what of it.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;
use thiserror::Error;

use super::{answer, escaped};
use crate::base::secret::Secret;
use crate::domain::bill::BillLine;
use crate::net::http::Client;
use crate::provider::endpoint::Endpoint;
use crate::provider::error::CallError;
use crate::provider::reported;

/// Pages that are read at most: years of days.
const MOST_PAGES: usize = 64;

/// Whole UTC days: the first of them, and the first after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportPeriod {
    pub from: Date,
    pub until: Date,
}

/// Why there is no report.
#[derive(Debug, Error)]
pub enum ReportError {
    #[error("{}", .0.message)]
    Call(Box<CallError>),
    #[error("there is no cost report at that address")]
    None,
    #[error("the report did not come to an end")]
    Endless,
    #[error("the report holds {0}")]
    Odd(&'static str),
}

/// Whose report it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reporter {
    Anthropic,
    OpenAi,
}

/// Who reports the costs of this provider, by the name it is built in under.
#[must_use]
pub fn reporter(provider: &str) -> Option<Reporter> {
    match provider {
        "anthropic" => Some(Reporter::Anthropic),
        "openai" => Some(Reporter::OpenAi),
        _ => None,
    }
}

impl Reporter {
    /// What was charged on each of these days for each model. All of it, or an error.
    ///
    /// # Errors
    /// The key is refused, nobody answers, or what is answered is no report.
    pub async fn report(
        self,
        client: &Client,
        endpoint: &Endpoint,
        admin: &Secret,
        period: ReportPeriod,
    ) -> Result<Vec<BillLine>, ReportError> {
        let (mut lines, mut page) = (Vec::new(), None::<String>);
        for _ in 0..MOST_PAGES {
            let url = self.url(&endpoint.root(), period, page.as_deref());
            // Half a report would settle calls wrongly: it is whole, or it is none.
            let report =
                answer(client, endpoint, admin, &url).await.map_err(|error| ReportError::Call(Box::new(error)))?;
            let report = report.ok_or(ReportError::None)?;
            lines.extend(self.lines(&report)?);
            page = match (report["has_more"].as_bool(), report["next_page"].as_str()) {
                (Some(true), Some(next)) => Some(next.to_owned()),
                (Some(true), None) => return Err(ReportError::Endless),
                _ => return Ok(lines),
            };
        }
        Err(ReportError::Endless)
    }

    fn url(self, root: &str, period: ReportPeriod, page: Option<&str>) -> String {
        let page = page.map(|page| format!("&page={}", escaped(page))).unwrap_or_default();
        match self {
            Self::Anthropic => format!(
                "{root}/organizations/cost_report?starting_at={}T00:00:00Z&ending_at={}T00:00:00Z&bucket_width=1d\
                 &group_by[]=description&limit=31{page}",
                period.from, period.until
            ),
            Self::OpenAi => format!(
                "{root}/organization/costs?start_time={}&end_time={}&bucket_width=1d&group_by[]=line_item&limit=180{page}",
                seconds(period.from),
                seconds(period.until)
            ),
        }
    }

    fn lines(self, report: &Value) -> Result<Vec<BillLine>, ReportError> {
        let buckets = report["data"].as_array().ok_or(ReportError::None)?;
        let mut lines = Vec::new();
        for bucket in buckets {
            let day = self.day(bucket).ok_or(ReportError::Odd("a bucket without its day"))?;
            for result in bucket["results"].as_array().ok_or(ReportError::Odd("a bucket without results"))? {
                lines.push(self.line(day, result)?);
            }
        }
        Ok(lines)
    }

    fn day(self, bucket: &Value) -> Option<Date> {
        match self {
            Self::Anthropic => bucket["starting_at"].as_str()?.get(..10)?.parse().ok(),
            Self::OpenAi => {
                let start = Timestamp::from_second(bucket["start_time"].as_i64()?).ok()?;
                Some(TimeZone::UTC.to_datetime(start).date())
            }
        }
    }

    fn line(self, day: Date, result: &Value) -> Result<BillLine, ReportError> {
        let (model, cost, currency) = match self {
            // Searches and the like have no model: they are a line of their own.
            Self::Anthropic => (
                result["model"].as_str().or_else(|| result["description"].as_str()),
                reported::cents(&result["amount"]),
                &result["currency"],
            ),
            Self::OpenAi => (
                result["line_item"].as_str().map(|item| item.split(", ").next().unwrap_or(item)),
                reported::balance(&result["amount"]["value"]),
                &result["amount"]["currency"],
            ),
        };
        if !currency.as_str().is_some_and(|currency| currency.eq_ignore_ascii_case("usd")) {
            return Err(ReportError::Odd("another currency than USD"));
        }
        let cost = cost.ok_or(ReportError::Odd("an amount that is none"))?;
        Ok(BillLine { day, model: model.map(str::to_owned), cost })
    }
}

fn seconds(day: Date) -> i64 {
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).map_or(0, Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::json;

    use super::*;
    use crate::base::money::Usd;

    #[test]
    fn anthropics_report_is_in_cents() {
        let report = json!({"data": [{"starting_at": "2026-11-23T00:00:00Z", "ending_at": "2026-11-24T00:00:00Z", "results": [
            {"amount": "123.78912", "currency": "USD", "cost_type": "tokens", "description": "Claude Sonnet 5.5 Usage - Output Tokens",
             "model": "claude-sonnet-5-5", "token_type": "output_tokens", "workspace_id": null},
            {"amount": "1.5", "currency": "USD", "cost_type": "web_search", "description": "Web Search Usage", "model": null}]}],
            "has_more": false, "next_page": null});
        let lines = Reporter::Anthropic.lines(&report).unwrap();
        assert_eq!(lines[0].cost, Usd::from_nanos(1_237_891_200));
        assert_eq!((lines[0].day, lines[0].model.as_deref()), (date(2026, 11, 23), Some("claude-sonnet-5-5")));
        assert_eq!((lines[1].cost, lines[1].model.as_deref()), (Usd::from_nanos(15_000_000), Some("Web Search Usage")));
    }

    #[test]
    fn openais_report_is_in_dollars() {
        let report = json!({"object": "page", "data": [{"object": "bucket", "start_time": 1_795_392_000, "end_time": 1_795_478_400,
            "results": [{"object": "organization.costs.result", "amount": {"value": 0.06, "currency": "usd"},
            "line_item": "gpt-6.2-sol, input", "project_id": null}]}], "has_more": false, "next_page": null});
        let lines = Reporter::OpenAi.lines(&report).unwrap();
        assert_eq!(
            lines,
            [BillLine { day: date(2026, 11, 23), model: Some("gpt-6.2-sol".into()), cost: Usd::from_cents(6) }]
        );
        for odd in [json!({}), json!({"data": [{"results": 3}, {"start_time": "x"}]}), json!("<html>")] {
            assert!(Reporter::OpenAi.lines(&odd).is_err() && Reporter::Anthropic.lines(&odd).is_err());
        }
    }
}
