//! Sums that keep the states of money apart: what is billed, estimated, covered, free and unknown never mix.

use std::ops::{Add, AddAssign};

use crate::base::money::Usd;
use crate::domain::cost::CostState;
use crate::domain::usage::Usage;

/// A sum of which a part may be unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// The sum of what is known.
    pub known: Usd,
    /// How many calls have no figure.
    pub unknown_calls: u64,
}

impl Amount {
    /// The whole sum; `None` if any part of it is unknown.
    #[must_use]
    pub fn exact(self) -> Option<Usd> {
        (self.unknown_calls == 0).then_some(self.known)
    }
}

impl Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { known: self.known + other.known, unknown_calls: self.unknown_calls.saturating_add(other.unknown_calls) }
    }
}

/// How many calls are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallCounts {
    pub billed: u64,
    pub estimated: u64,
    pub covered: u64,
    pub free: u64,
    pub rehearsed: u64,
    pub unknown: u64,
}

/// What some calls used and cost. Adding two of them is associative and commutative, so a total is the same
/// however its parts were grouped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spend {
    pub counts: CallCounts,
    pub usage: Usage,
    /// Charged to an account, from the provider's own figures.
    pub billed: Usd,
    /// Charged to an account, counted or assumed here.
    pub estimated: Usd,
    /// The list value of what a plan covered.
    pub covered_list: Amount,
    /// The list value of what nobody paid.
    pub free_list: Amount,
    /// The list value of calls of which it is not known what was charged, or to whom.
    pub unknown_list: Amount,
    /// The list value of everything, whoever paid.
    pub list: Amount,
}

impl Spend {
    /// The spend of `calls` calls in one state. `billed` and `list` are the sums of the known figures;
    /// `unpriced` is how many of the calls have no list value.
    #[must_use]
    pub fn of(state: CostState, calls: u64, usage: Usage, billed: Usd, list: Usd, unpriced: u64) -> Self {
        let list = Amount { known: list, unknown_calls: unpriced };
        let mut spend = Self { usage, list, ..Self::default() };
        match state {
            CostState::Billed => (spend.counts.billed, spend.billed) = (calls, billed),
            CostState::Estimated => (spend.counts.estimated, spend.estimated) = (calls, billed),
            CostState::Covered => (spend.counts.covered, spend.covered_list) = (calls, list),
            CostState::Free => (spend.counts.free, spend.free_list) = (calls, list),
            CostState::Rehearsed => spend.counts.rehearsed = calls,
            CostState::Unknown => (spend.counts.unknown, spend.unknown_list) = (calls, list),
        }
        spend
    }

    /// Requests that were sent, retries among them.
    #[must_use]
    pub fn calls(&self) -> u64 {
        let c = &self.counts;
        [c.billed, c.estimated, c.covered, c.free, c.rehearsed, c.unknown].iter().fold(0, |a, b| a.saturating_add(*b))
    }

    /// What accounts were charged, as far as it is known: billed and estimated.
    #[must_use]
    pub fn charged(&self) -> Amount {
        Amount { known: self.billed + self.estimated, unknown_calls: self.counts.unknown }
    }

    /// The weakest state among the calls that moved money; without such calls, what covered them; `None` without
    /// any call.
    #[must_use]
    pub fn state(&self) -> Option<CostState> {
        let c = &self.counts;
        [
            (c.unknown, CostState::Unknown),
            (c.estimated, CostState::Estimated),
            (c.billed, CostState::Billed),
            (c.covered, CostState::Covered),
            (c.free, CostState::Free),
            (c.rehearsed, CostState::Rehearsed),
        ]
        .into_iter()
        .find_map(|(calls, state)| (calls > 0).then_some(state))
    }
}

impl Add for Spend {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let counts = |a: CallCounts, b: CallCounts| CallCounts {
            billed: a.billed.saturating_add(b.billed),
            estimated: a.estimated.saturating_add(b.estimated),
            covered: a.covered.saturating_add(b.covered),
            free: a.free.saturating_add(b.free),
            rehearsed: a.rehearsed.saturating_add(b.rehearsed),
            unknown: a.unknown.saturating_add(b.unknown),
        };
        Self {
            counts: counts(self.counts, other.counts),
            usage: self.usage + other.usage,
            billed: self.billed + other.billed,
            estimated: self.estimated + other.estimated,
            covered_list: self.covered_list + other.covered_list,
            free_list: self.free_list + other.free_list,
            unknown_list: self.unknown_list + other.unknown_list,
            list: self.list + other.list,
        }
    }
}

impl AddAssign for Spend {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::iter::Sum for Spend {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::default(), Add::add)
    }
}
