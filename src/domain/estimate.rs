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
        let minutes = |seconds: u64| seconds.div_ceil(60).max(1);
        write!(
            f,
            "usually {}, 9 in 10 within {} · {} to {} tokens · {} to {} min · from {}",
            self.p50,
            self.p90,
            grouped(self.tokens.p50),
            grouped(self.tokens.p90),
            minutes(self.seconds.p50),
            minutes(self.seconds.p90),
            self.basis
        )?;
        match self.kept {
            Score { of: 0, .. } => Ok(()),
            Score { within, of } => write!(f, "; so far {within} of {of} kept within it"),
        }
    }
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
