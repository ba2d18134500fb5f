//! The ledger's rows of a driven program. It makes its own HTTP calls, so a row is written when one is about to follow
//! and settled by what the program reports of it; a plan holds no money.

use std::time::Instant;

use crate::agent::call::Spent;
use crate::agent::plan::Paid;
use crate::agent::spent::unrecorded;
use crate::agent::tariff::Tariff;
use crate::base::clock;
use crate::base::money::Usd;
use crate::catalog::Price;
use crate::domain::cost::{Cost, Proof};
use crate::domain::event::Event;
use crate::domain::failure::Failure;
use crate::domain::quota::Window;
use crate::domain::route::Route;
use crate::domain::ui::Ui;
use crate::domain::usage::Usage;
use crate::ledger::{Ledger, NewAttempt, PlanKey, PriceRef, Settlement};

pub struct Books<'a> {
    pub ledger: &'a Ledger,
    pub ui: &'a dyn Ui,
    pub task_id: &'a str,
    pub route: &'a Route,
    pub price: Option<Price>,
    /// Counts on through the whole task, whatever the route.
    pub call_no: u32,
    pub spent: Spent,
    /// Money that went out as extra usage under the user's edge.
    pub extra: Usd,
    open: Option<(NewAttempt, Instant)>,
}

/// What the program reported of one call.
#[derive(Clone, Debug)]
pub struct Reported {
    pub usage: Usage,
    pub paid: Paid,
    pub proof: Proof,
    pub outcome: &'static str,
    pub model: Option<String>,
    pub response_id: Option<String>,
    pub request_id: Option<String>,
}

impl<'a> Books<'a> {
    #[must_use]
    pub fn new(
        ledger: &'a Ledger,
        ui: &'a dyn Ui,
        task_id: &'a str,
        route: &'a Route,
        price: Option<Price>,
        call_no: u32,
    ) -> Self {
        Self { ledger, ui, task_id, route, price, call_no, spent: Spent::default(), extra: Usd::ZERO, open: None }
    }

    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Writes the row of the call that is about to follow; one that is open already stands for it.
    ///
    /// # Errors
    /// A ledger that cannot record: nothing may be sent then.
    pub fn open(&mut self) -> Result<(), Failure> {
        if self.open.is_some() {
            return Ok(());
        }
        self.call_no += 1;
        let mut attempt = NewAttempt::of(self.route, self.task_id, self.call_no, 1, Usd::ZERO, clock::now());
        attempt.price = self.price.as_ref().map(|price| PriceRef {
            source: price.source.clone(),
            as_of: price.as_of.to_string(),
            hash: price.hash.clone(),
        });
        self.ledger.reserve(&attempt, &[])?;
        self.open = Some((attempt, Instant::now()));
        Ok(())
    }

    /// Settles the open call.
    ///
    /// # Errors
    /// A ledger that cannot record.
    pub fn settle(&mut self, reported: Reported) -> Result<(), Failure> {
        self.open()?;
        let Some((attempt, started)) = self.open.take() else { return Ok(()) };
        let cost = self.cost(&reported);
        if reported.paid == Paid::AllowedExtra {
            self.extra += cost.billed.unwrap_or_default();
        }
        let settlement = Settlement {
            usage: reported.usage,
            cost,
            proof: reported.proof,
            outcome: reported.outcome.to_owned(),
            model: reported.model.filter(|model| *model != self.route.model),
            response_id: reported.response_id,
            request_id: reported.request_id,
            organization: None,
            http_status: None,
            retry_after_ms: None,
            finished_at: clock::now(),
            duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        let recorded = self.ledger.settle(&attempt.attempt_id, &settlement);
        self.spent.count(&settlement);
        if let Err(error) = recorded {
            return Err(unrecorded(error, &attempt, &settlement));
        }
        if reported.paid != Paid::Plan {
            self.spent.extra_calls += 1;
        }
        self.ui.event(&Event::CallSettled {
            attempt_id: attempt.attempt_id,
            usage: settlement.usage,
            cost_usd: cost.billed,
            cost_state: cost.state(),
            proof: settlement.proof,
            spent_usd: self.spent.counted,
        });
        Ok(())
    }

    /// The call that was about to follow did not, or nothing was charged for it.
    ///
    /// # Errors
    /// A ledger that cannot record.
    pub fn abort(&mut self, outcome: &str) -> Result<(), Failure> {
        let Some((attempt, _)) = self.open.take() else { return Ok(()) };
        self.spent.uncharged += 1;
        self.ledger.abort(&attempt.attempt_id, outcome, clock::now())?;
        Ok(())
    }

    /// Keeps the task's lease. What is under way may cost whatever the ledger does meanwhile: only its end is worth
    /// failing for.
    pub fn renew(&self) {
        drop(self.ledger.renew(self.task_id, clock::now()));
    }

    /// Keeps what the plan said of its windows beside the task.
    ///
    /// # Errors
    /// A ledger that cannot record.
    pub fn saw_plan(&self, before: &[Window], now: &[Window]) -> Result<(), Failure> {
        if now.is_empty() {
            return Ok(());
        }
        Ok(self.ledger.saw_plan(PlanKey::of(self.route), self.task_id, before, now, clock::now())?)
    }

    fn cost(&self, reported: &Reported) -> Cost {
        let cost = Tariff::of(self.route, self.price.clone()).cost(&reported.usage, None, true);
        reported.paid.cost(cost)
    }
}
