//! What a task will likely cost, and what that is made from. Exact integers; the arithmetic is `routing/estimate`.

use std::fmt;

use serde::Serialize;

use super::usage::Usage;
use crate::base::money::Usd;

/// A task that ended, as far as an estimate needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastTask {
    pub model: String,
    /// Of vk's own, and not a session of another tool.
    pub own: bool,
    /// From its beginning to its end; of a session, the time in which calls followed one another.
    pub seconds: u64,
    pub calls: Vec<Usage>,
}

/// A range from history: half of the comparable tasks stayed at or under the first figure, nine in ten at or under the
/// second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Estimate {
    pub p50: Usd,
    pub p90: Usd,
    /// What it was made from: `12 tasks in this project with claude-sonnet-5-5`.
    pub basis: String,
    /// Of every kind, cached ones among them.
    pub tokens: Span,
    pub seconds: Span,
    pub kept: Score,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    pub p50: u64,
    pub p90: u64,
}

/// How often reality stayed within the higher figure, each task being compared with those before it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Score {
    pub within: u64,
    pub of: u64,
}

/// `usually $0.12, 9 in 10 within $0.48 · 84,000 to 310,000 tokens · 3 to 11 min · from 12 tasks in this project, of
/// which 6 of 7 kept to it`.
impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "usually {}, 9 in 10 within {} · {} tokens · {} · from {}",
            self.p50,
            self.p90,
            range(&grouped(self.tokens.p50), &grouped(self.tokens.p90)),
            minutes(self.seconds),
            self.basis
        )?;
        match self.kept {
            Score { of: 0, .. } => Ok(()),
            Score { within, of } => write!(f, "; so far {within} of {of} kept within it"),
        }
    }
}

/// `3 to 11`; one figure where both are the same.
fn range(low: &str, high: &str) -> String {
    if low == high { low.to_owned() } else { format!("{low} to {high}") }
}

/// `3 to 11 min`, `under a minute`.
fn minutes(seconds: Span) -> String {
    if seconds.p90 < 60 {
        return "under a minute".to_owned();
    }
    let whole = |seconds: u64| seconds.div_ceil(60).max(1).to_string();
    format!("{} min", range(&whole(seconds.p50), &whole(seconds.p90)))
}

/// Digits in groups of three.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let group = |(i, digit): (usize, char)| {
        let comma = i > 0 && (digits.len() - i).is_multiple_of(3);
        comma.then_some(',').into_iter().chain([digit]).collect::<String>()
    };
    digits.chars().enumerate().map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_no_range_where_both_ends_are_the_same() {
        let told = |p50, p90| minutes(Span { p50, p90 });
        assert_eq!(
            [told(2, 3), told(50, 61), told(61, 119), told(200, 640)],
            ["under a minute", "1 to 2 min", "2 min", "4 to 11 min"]
        );
        assert_eq!([range("5,000", "5,000"), range("5,000", "9,000")], ["5,000", "5,000 to 9,000"]);
    }
}
