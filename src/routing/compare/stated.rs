//! A workload that somebody states instead of having one recorded: so many tasks of so many tokens.

use super::line::{MONTH_SECONDS, Pace};
use super::meter::{Metered, ModelUse};
use super::sellers::Seller;
use super::{Market, Peaks};
use crate::base::money::Usd;
use crate::catalog::Model;
use crate::catalog::plan::Limit;
use crate::domain::path::PayPath;
use crate::domain::usage::Usage;

/// No task and no month is believed to be larger.
const MOST: u64 = 1_000_000_000;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseStatedError {
    #[error("\"{0}\" is not a number of tasks; write 5/week, 2/day, 20/month, or 1000 for a month of a thousand")]
    Tasks(String),
    #[error("\"{0}\" is not the tokens of a task; write IN,CACHED,OUT: 100000,900000,15000 or 100k,0.9M,15k")]
    Tokens(String),
}

/// The tokens of one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskTokens {
    /// Input that no cache had.
    pub input: u64,
    /// Input read from a cache.
    pub cached: u64,
    pub output: u64,
}

/// So many tasks in so much time, all of one size and one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    pub tasks: u64,
    /// The time they take.
    pub seconds: i64,
    pub tokens: TaskTokens,
    /// The catalog's vendor and id.
    pub vendor: String,
    pub model: String,
}

impl Stated {
    /// `5/week` as tasks and seconds. A plain number is tasks within a month.
    ///
    /// # Errors
    /// What was written, if it is none of the forms.
    pub fn tasks(text: &str) -> Result<(u64, i64), ParseStatedError> {
        let (count, unit) = text.split_once('/').unwrap_or((text, "month"));
        let seconds = match unit.trim() {
            "day" => Some(86_400),
            "week" => Some(7 * 86_400),
            "month" => Some(MONTH_SECONDS),
            _ => None,
        };
        let count: Option<u64> = count.trim().replace([',', '_'], "").parse().ok();
        count
            .filter(|count| (1..=MOST).contains(count))
            .zip(seconds)
            .ok_or_else(|| ParseStatedError::Tasks(text.to_owned()))
    }

    #[must_use]
    pub const fn pace(&self) -> Pace {
        Pace { tasks: self.tasks, seconds: self.seconds }
    }

    pub(super) fn metered(&self, market: &Market<'_>, sellers: &[Seller]) -> Option<Metered> {
        let row = market.catalog.find(&self.vendor, &self.model)?;
        let price = row.price(market.now)?;
        let tokens = self.tokens;
        let task = Usage { input: tokens.input, cache_read: tokens.cached, output: tokens.output, ..Usage::default() };
        let all = |count: u64| count.saturating_mul(self.tasks);
        // The rates of short requests: a task's tokens are those of many calls.
        let times = |price: &crate::catalog::Price| {
            i128::from(Usd::from_picos(price.rates.picos(&task)).nanos()) * i128::from(self.tasks)
        };
        let at_sellers = sellers.iter().map(|seller| {
            let theirs = seller.price(market.settings, market.catalog, row, market.now);
            times(theirs.as_ref().unwrap_or(price))
        });
        let list = times(price);
        let own = market.settings.providers.get(&row.vendor);
        let one = ModelUse {
            vendor: row.vendor.clone(),
            id: row.id.clone(),
            calls: 0,
            usage: Usage {
                input: all(task.input),
                cache_read: all(task.cache_read),
                output: all(task.output),
                ..Usage::default()
            },
            at_sellers: at_sellers.collect(),
            list,
            price: price.clone(),
            direct: own.is_some_and(|provider| provider.kind == PayPath::Byok),
        };
        Some(Metered {
            tasks: self.tasks,
            models: vec![one],
            peaks: self.even_peaks(market, row, list),
            ..Metered::default()
        })
    }

    /// A stated week is as busy as every other one; how its hours go is not stated.
    fn even_peaks(&self, market: &Market<'_>, row: &Model, list: i128) -> std::collections::HashMap<String, Peaks> {
        let seconds = i128::from(self.seconds.max(1));
        let week = i64::try_from(list * 7 * 86_400 / seconds).unwrap_or(i64::MAX);
        let peaks = Peaks { five_hours: Usd::ZERO, week: Usd::from_nanos(week) };
        let limited = market.offers.plans.iter().filter(|plan| matches!(plan.limit, Limit::Usage { .. }));
        limited.filter(|plan| plan.serves(row)).map(|plan| (plan.id.clone(), peaks)).collect()
    }
}

impl std::str::FromStr for TaskTokens {
    type Err = ParseStatedError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseStatedError::Tokens(text.to_owned());
        let parts = text.split(',').map(count).collect::<Option<Vec<u64>>>().ok_or_else(wrong)?;
        let [input, cached, output] = parts[..] else { return Err(wrong()) };
        if input + cached + output == 0 { Err(wrong()) } else { Ok(Self { input, cached, output }) }
    }
}

/// `15000`, `15k`, `0.9M`.
fn count(text: &str) -> Option<u64> {
    let text = text.trim().replace('_', "");
    let (digits, scale) = match text.char_indices().last()? {
        (at, 'k' | 'K') => (&text[..at], 3),
        (at, 'm' | 'M') => (&text[..at], 6),
        _ => (text.as_str(), 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 10 || fraction.len() > scale || !plain(whole) || !plain(fraction) {
        return None;
    }
    format!("{whole}{fraction:0<scale$}").parse().ok().filter(|count| *count <= MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_as_people_write_them() {
        for (text, tasks) in [
            ("5/week", (5, 604_800)),
            ("2/day", (2, 86_400)),
            ("20/month", (20, 2_592_000)),
            ("1000", (1_000, 2_592_000)),
            ("1,000", (1_000, 2_592_000)),
        ] {
            assert_eq!(Stated::tasks(text), Ok(tasks), "{text}");
        }
        for text in ["", "0", "-1", "5/year", "1.5/week", "five/week", "5/", "99999999999999999999", "1/week/day"] {
            assert!(Stated::tasks(text).is_err(), "{text}");
        }
    }

    #[test]
    fn tokens_as_people_write_them() {
        let expected = TaskTokens { input: 100_000, cached: 900_000, output: 15_000 };
        for text in ["100000,900000,15000", "100k,0.9M,15k", " 100_000, 900K ,15000"] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for text in [
            "",
            "1,2",
            "1,2,3,4",
            "0,0,0",
            "-1,2,3",
            "1e5,2,3",
            "0.5,1,1",
            "1k,,1",
            "99999999999,1,1",
            "é,1,1",
            "1.k,1,k",
        ] {
            assert!(text.parse::<TaskTokens>().is_err(), "{text}");
        }
    }
}
