//! Holding the money of a call before it is sent: every budget that binds it, waiting for calls under way, and who
//! spent it where it no longer fits.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::call::{Caller, millis};
use super::hold::LEAST_OUTPUT;
use crate::base::clock;
use crate::base::money::Usd;
use crate::domain::event::Event;
use crate::domain::failure::Failure;
use crate::domain::request::ModelRequest;
use crate::ledger::query::Spenders;
use crate::ledger::{Cap, NewAttempt, PriceRef, Reserve, Scope, ScopeKind, Standing};
use crate::provider::{self, Prepared};

/// Live holds of other processes are waited for this long.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// Holds of other tasks of the same batch are released by tasks that end: their money is this task's as well.
const LONGEST_WAIT_IN_BATCH: Duration = Duration::from_mins(30);
const WAIT_STEP: Duration = Duration::from_millis(250);

fn longest_wait(standing: &Standing) -> Duration {
    if standing.scope.kind == ScopeKind::Batch { LONGEST_WAIT_IN_BATCH } else { LONGEST_WAIT }
}

impl Caller<'_> {
    /// Holds the worst case of the next attempt in every scope, asking for less output where only less fits.
    pub(super) async fn reserve(
        &mut self,
        request: &mut ModelRequest,
        attempt_no: u32,
    ) -> Result<(NewAttempt, Prepared), Failure> {
        let waiting = Instant::now();
        loop {
            let prepared = provider::prepare(&self.endpoint, request)?;
            let prompt = self.prefix.bound(prepared.bytes);
            let prices = self.tariff.hold_prices(prompt).filter(|_| self.route.is_billed());
            let hold = prices.map_or(Usd::ZERO, |prices| prices.worst_case(prompt, request.max_output));
            let mut attempt = NewAttempt::of(self.route, self.task_id, self.call_no, attempt_no, hold, clock::now());
            attempt.charge = self.tariff.charge;
            attempt.price = self.tariff.price.as_ref().map(|price| PriceRef {
                source: price.source.clone(),
                as_of: price.as_of.to_string(),
                hash: price.hash.clone(),
            });
            let scopes: Vec<Scope> = self.caps.iter().map(|cap| cap.scope.clone()).collect();
            let standing = match self.ledger.reserve(&attempt, &scopes)? {
                Reserve::Granted { left } => {
                    if prices.is_some() {
                        let attempt_id = attempt.attempt_id.clone();
                        self.ui.event(&Event::BudgetReserved { attempt_id, hold_usd: hold, left_usd: left });
                    }
                    return Ok((attempt, prepared));
                }
                Reserve::Busy(standing) => {
                    let waited = waiting.elapsed();
                    if waited >= longest_wait(&standing) {
                        return Err(self.told(&standing, |cap, who, now| cap.held(&standing, hold, who, now)));
                    }
                    let scope = self.cap_of(&standing).words();
                    self.ui.event(&Event::BudgetWaiting { scope, hold_usd: hold, waited_ms: millis(waited) });
                    self.sleep(WAIT_STEP).await?;
                    continue;
                }
                Reserve::Exhausted(standing) => standing,
            };
            let fitting = prices.and_then(|p| p.fit_output(standing.without_live(), prompt, request.max_output));
            match fitting {
                Some(output) if output < request.max_output => request.max_output = output.max(LEAST_OUTPUT),
                _ => self.raise_cap(&standing, hold)?,
            }
        }
    }

    /// At the task's cap a person may allow more; nobody there means the end.
    fn raise_cap(&mut self, standing: &Standing, hold: Usd) -> Result<(), Failure> {
        let exhausted = || {
            self.ui.event(&Event::BudgetExhausted {
                budget: self.cap_of(standing).words(),
                per: standing.scope.per_word(),
                hold_usd: hold,
                left_usd: standing.available(),
            });
            self.told(standing, |cap, who, now| cap.exhausted(standing, hold, who, now))
        };
        if standing.scope.kind != ScopeKind::Task || standing.of_ledger || !self.ui.interactive() {
            return Err(exhausted());
        }
        let prompt = format!(
            "The cap of {} is reached: {} spent, the next call may cost up to {hold}. Allow how many dollars more? [0]",
            standing.scope.limit, standing.settled
        );
        let more = self.ui.ask_line(&prompt).and_then(|text| text.parse::<Usd>().ok()).filter(|more| !more.is_zero());
        let Some(more) = more else { return Err(exhausted()) };
        for cap in self.caps.iter_mut().filter(|cap| cap.scope.kind == ScopeKind::Task) {
            cap.scope.limit += more;
        }
        Ok(())
    }

    /// The budget that a standing is of.
    fn cap_of(&self, standing: &Standing) -> Cap {
        let own = self.caps.iter().find(|cap| cap.scope == standing.scope && !standing.of_ledger);
        own.cloned().unwrap_or_else(|| Cap::of_ledger(standing.scope.clone()))
    }

    /// A failure that names who spent the budget.
    fn told(&self, standing: &Standing, tell: impl FnOnce(&Cap, &Spenders, Timestamp) -> Failure) -> Failure {
        let now = clock::now();
        // Names that cannot be read are left out; that the budget is used up stands.
        let spenders = self.ledger.spenders(&standing.scope, now).unwrap_or_default();
        tell(&self.cap_of(standing), &spenders, now)
    }
}
