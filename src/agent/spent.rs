//! The sum of what one payer was asked to pay in a task.

use crate::base::money::Usd;
use crate::domain::cost::{Charge, CostState, Proof};
use crate::domain::failure::Failure;
use crate::domain::usage::Usage;
use crate::ledger::{LedgerError, NewAttempt, Settlement};

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
}

/// What is said of a call whose outcome the ledger could not take: what it cost, and how that gets there later. Until
/// then it counts there as the most that it could have cost.
#[must_use]
pub fn unrecorded(error: LedgerError, attempt: &NewAttempt, settlement: &Settlement) -> Failure {
    let mut failure = Failure::from(error);
    let first = failure.why.take().map(|why| format!("{why}\n")).unwrap_or_default();
    let id = &attempt.attempt_id;
    match (settlement.cost.charge, settlement.cost.billed) {
        (Charge::Billed, Some(billed)) => {
            let held = attempt.hold;
            let what = format!("the last call ({id}) cost {billed}, and the ledger has only that it may cost {held}");
            let record = format!("vk budget settle {id} {}   # a minute after the ledger is back", billed.exact());
            failure.why(first + &what).fix(record)
        }
        (Charge::Billed | Charge::Unknown, _) => {
            failure.why(format!("{first}what the last call ({id}) cost is not known"))
        }
        _ => failure.why(format!("{first}the last call ({id}) cost nothing")),
    }
}

const fn weaker(before: Option<Proof>, now: Proof) -> Proof {
    match (before, now) {
        (Some(Proof::Contradicted), _) | (_, Proof::Contradicted) => Proof::Contradicted,
        (Some(Proof::Claimed), _) | (_, Proof::Claimed) => Proof::Claimed,
        _ => Proof::Verified,
    }
}
