//! The sum of what one payer was asked to pay in a task.

use crate::base::money::Usd;
use crate::domain::cost::{CostState, Proof};
use crate::domain::usage::Usage;
use crate::ledger::Settlement;

/// What one payer was asked to pay in this task.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    pub usage: Usage,
    /// Billed and estimated; what the cap counts.
    pub counted: Usd,
    /// `None` once a call's list value is not known.
    pub list: Option<Usd>,
    pub unknown_calls: u32,
    pub estimated_calls: u32,
    pub calls: u32,
    /// Calls of a plan that went out as paid extra usage: that is another payer.
    pub extra_calls: u32,
    /// Attempts that failed before anything could be charged for them; none of the calls above.
    pub uncharged: u32,
    /// The weakest proof of any call.
    pub proof: Option<Proof>,
}

impl Spent {
    /// Adds one settled call.
    pub fn count(&mut self, settlement: &Settlement) {
        let cost = settlement.cost;
        self.list = if self.calls == 0 { cost.list } else { self.list.zip(cost.list).map(|(a, b)| a + b) };
        self.calls += 1;
        self.usage += settlement.usage;
        match cost.state() {
            CostState::Unknown => self.unknown_calls += 1,
            CostState::Estimated => self.estimated_calls += 1,
            _ => {}
        }
        if matches!(cost.state(), CostState::Billed | CostState::Estimated) {
            self.counted += cost.billed.unwrap_or_default();
        }
        self.proof = Some(weaker(self.proof, settlement.proof));
    }

    /// A call was sent and may have cost something, and nothing says so later.
    pub const fn lost(&mut self) {
        self.calls += 1;
        self.unknown_calls += 1;
        self.list = None;
    }
}

const fn weaker(before: Option<Proof>, now: Proof) -> Proof {
    match (before, now) {
        (Some(Proof::Contradicted), _) | (_, Proof::Contradicted) => Proof::Contradicted,
        (Some(Proof::Claimed), _) | (_, Proof::Claimed) => Proof::Claimed,
        _ => Proof::Verified,
    }
}
