//! The end of a task as one value: what people read as the summary and scripts as `task.finished`.

use std::time::Instant;

use crate::agent::call::Spent;
use crate::base::money::Usd;
use crate::domain::cost::{Certainty, Charge, CostState, Proof};
use crate::domain::credits::CreditsLeft;
use crate::domain::event::{
    BudgetAlert, CheckResult, FileChange, McpServerUsed, PayerShare, TaskFinished, WorktreeUsed,
};
use crate::domain::failure::{Failure, Status};
use crate::domain::route::Route;
use crate::domain::usage::Usage;

/// What one payer was asked for.
#[derive(Clone, Debug)]
pub struct Leg {
    pub route: Route,
    pub spent: Spent,
}

/// Everything known when a task ends, however early.
#[derive(Debug)]
pub struct Ending {
    pub task_id: Option<String>,
    pub started: Instant,
    pub turns: u32,
    pub legs: Vec<Leg>,
    pub sandbox: Option<String>,
    pub files_changed: Vec<FileChange>,
    pub checks: Vec<CheckResult>,
    pub answer: Option<String>,
    pub refused: Vec<String>,
    pub credits: Option<CreditsLeft>,
    pub budgets: Vec<BudgetAlert>,
    pub worktree: Option<WorktreeUsed>,
    pub commit: Option<String>,
    pub pull_request: Option<String>,
    pub mcp: Vec<McpServerUsed>,
}

impl Ending {
    #[must_use]
    pub fn new() -> Self {
        Self {
            task_id: None,
            started: Instant::now(),
            turns: 0,
            legs: Vec::new(),
            sandbox: None,
            files_changed: Vec::new(),
            checks: Vec::new(),
            answer: None,
            refused: Vec::new(),
            credits: None,
            budgets: Vec::new(),
            worktree: None,
            commit: None,
            pull_request: None,
            mcp: Vec::new(),
        }
    }

    /// The report. Costs are summed only where every part is known.
    #[must_use]
    pub fn report(&self, failure: Option<&Failure>) -> TaskFinished {
        let shares = shares(&self.legs);
        let (cost_usd, cost_state) = sum(&shares);
        let called: Vec<&Leg> = self.legs.iter().filter(|leg| leg.spent.calls > 0).collect();
        TaskFinished {
            task_id: self.task_id.clone(),
            status: failure.map_or(Status::Done, |f| f.status),
            exit_code: failure.map_or(0, Failure::exit_code),
            error: failure.cloned(),
            turns: self.turns,
            usage: called.iter().fold(Usage::default(), |sum, leg| sum + leg.spent.usage),
            cost_usd,
            cost_state,
            list_usd: called.iter().map(|leg| leg.spent.list).sum::<Option<Usd>>().filter(|_| !called.is_empty()),
            payers: shares,
            proof: called.iter().filter_map(|leg| leg.spent.proof).max_by_key(|proof| weakness(*proof)),
            sandbox: self.sandbox.clone(),
            files_changed: self.files_changed.clone(),
            checks: self.checks.clone(),
            answer: self.answer.clone(),
            refused: self.refused.clone(),
            uncharged_attempts: self.legs.iter().map(|leg| leg.spent.uncharged).sum(),
            credits: self.credits.clone(),
            budgets: self.budgets.clone(),
            worktree: self.worktree.clone(),
            commit: self.commit.clone(),
            pull_request: self.pull_request.clone(),
            mcp: self.mcp.clone(),
            duration_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }
}

impl Default for Ending {
    fn default() -> Self {
        Self::new()
    }
}

/// What each payer was asked for. Models that took over from each other under one payer are one share.
pub(super) fn shares(legs: &[Leg]) -> Vec<PayerShare> {
    let mut shares: Vec<PayerShare> = Vec::new();
    for share in legs.iter().filter(|leg| leg.spent.calls > 0).map(share) {
        join(&mut shares, share);
    }
    shares
}

/// Adds a share to that of the same payer.
pub(super) fn join(shares: &mut Vec<PayerShare>, share: PayerShare) {
    let same = |other: &&mut PayerShare| {
        (&other.path, &other.provider, &other.payer, &other.key_label)
            == (&share.path, &share.provider, &share.payer, &share.key_label)
    };
    match shares.iter_mut().find(same) {
        Some(known) => {
            known.cost_usd = known.cost_usd.zip(share.cost_usd).map(|(a, b)| a + b);
            if doubt(share.cost_state) > doubt(known.cost_state) {
                known.cost_state = share.cost_state;
            }
        }
        None => shares.push(share),
    }
}

/// What all shares come to: a sum only where every part is known, and the most doubtful state.
pub(super) fn sum(shares: &[PayerShare]) -> (Option<Usd>, Option<CostState>) {
    let cost = shares.iter().map(|share| share.cost_usd).sum::<Option<Usd>>().filter(|_| !shares.is_empty());
    (cost, shares.iter().map(|share| share.cost_state).max_by_key(|state| doubt(*state)))
}

fn share(leg: &Leg) -> PayerShare {
    let Leg { route, spent } = leg;
    // A plan that went on as paid extra usage did not cover it.
    let charge = if spent.extra_calls > 0 { Charge::Billed } else { crate::agent::tariff::charge_of(route) };
    let certainty = match (spent.unknown_calls, spent.estimated_calls) {
        (1.., _) => Certainty::Unknown,
        (0, 1..) => Certainty::Estimated,
        (0, 0) => Certainty::Exact,
    };
    PayerShare {
        path: route.path.to_string(),
        provider: route.provider.clone(),
        payer: match spent.extra_calls {
            0 => route.payer.clone(),
            _ => format!("you pay {} extra usage beside your plan", route.provider),
        },
        key_label: route.credential.label(),
        cost_usd: (spent.unknown_calls == 0).then_some(spent.counted),
        cost_state: CostState::of(charge, certainty),
    }
}

/// The state that a sum takes: the most doubtful part's, money before none.
const fn doubt(state: CostState) -> u8 {
    match state {
        CostState::Unknown => 5,
        CostState::Estimated => 4,
        CostState::Billed => 3,
        CostState::Covered => 2,
        CostState::Free => 1,
        CostState::Rehearsed => 0,
    }
}

const fn weakness(proof: Proof) -> u8 {
    match proof {
        Proof::Verified => 0,
        Proof::Claimed => 1,
        Proof::Contradicted => 2,
    }
}
