//! What the payer's account has left, where it says so: shown beside a route, before a task and after it.

use std::fmt;

use serde::Serialize;

use crate::base::money::Usd;

/// What is left. `null` is unknown, or not limited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CreditsLeft {
    pub provider: String,
    /// What may still be spent with the key; negative after an overdraft.
    pub credits_usd: Option<Usd>,
    /// Requests to models at $0 that are left on this UTC day.
    pub free_requests: Option<u64>,
    /// What a task usually costs with this payer: the median of the latest ones.
    pub median_usd: Option<Usd>,
}

impl CreditsLeft {
    /// How many more tasks the credits are good for, at the median.
    #[must_use]
    pub fn tasks_left(&self) -> Option<i64> {
        let (left, each) = self.credits_usd.zip(self.median_usd)?;
        left.nanos().max(0).checked_div(each.nanos())
    }

    /// Whether a task that may cost this much could be stopped by the account before its own cap.
    #[must_use]
    pub fn is_less_than(&self, worst: Usd) -> bool {
        self.credits_usd.is_some_and(|left| left < worst)
    }
}

/// `$4.20 left, about 105 tasks at your median of $0.04`; `958 free requests left today`.
impl fmt::Display for CreditsLeft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if let Some(left) = self.credits_usd {
            parts.push(format!("{left} left"));
        }
        if let Some((tasks, each)) = self.tasks_left().zip(self.median_usd) {
            let tasks = match tasks {
                0 => "less than one task".to_owned(),
                1 => "about 1 task".to_owned(),
                n => format!("about {n} tasks"),
            };
            parts.push(format!("{tasks} at your median of {each}"));
        }
        match self.free_requests {
            Some(1) => parts.push("1 free request left today".to_owned()),
            Some(n) => parts.push(format!("{n} free requests left today")),
            None => {}
        }
        f.pad(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credits_are_shown_in_tasks_as_well() {
        let left = |credits: Option<i64>, median: Option<i64>, free_requests| CreditsLeft {
            provider: "openrouter".to_owned(),
            credits_usd: credits.map(Usd::from_cents),
            free_requests,
            median_usd: median.map(Usd::from_cents),
        };
        for (credits, median, free, words) in [
            (Some(420), Some(4), None, "$4.20 left, about 105 tasks at your median of $0.04"),
            (Some(420), None, None, "$4.20 left"),
            (Some(3), Some(4), None, "$0.03 left, less than one task at your median of $0.04"),
            (Some(-25), Some(4), None, "-$0.25 left, less than one task at your median of $0.04"),
            (None, Some(4), Some(958), "958 free requests left today"),
            (Some(420), Some(0), None, "$4.20 left"),
        ] {
            assert_eq!(left(credits, median, free).to_string(), words);
        }
        assert!(left(Some(42), None, None).is_less_than(Usd::from_cents(500)));
        assert!(!left(None, None, None).is_less_than(Usd::from_cents(500)));
    }
}
