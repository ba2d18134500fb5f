//! One call to a model: hold money, write the attempt, send, settle; try again as the vendors' rules allow.
//! Every HTTP attempt is held and recorded on its own, because providers do not de-duplicate a generation.

use std::time::{Duration, Instant};

use super::cancel::{Cancel, Signal};
use super::debug;
use super::hold::Prefix;
use super::on_plan::{OnPlan, Sender};
use super::plan::{Paid, used_up_for_now};
use super::proof::{Evidence, judge};
pub use super::spent::Spent;
use super::spent::unrecorded;
use super::tariff::Tariff;
use super::verdict::{self, Answered};
use crate::base::clock;
use crate::base::secret::Secret;
use crate::domain::cost::{Certainty, Proof};
use crate::domain::event::Event;
use crate::domain::failure::Failure;
use crate::domain::request::{ModelRequest, Partial, Reply, StreamEvent};
use crate::domain::route::Route;
use crate::domain::ui::Ui;
use crate::domain::usage::Usage;
use crate::ledger::{Cap, Ledger, NewAttempt, Settlement};
use crate::net::http::Client;
use crate::provider::{self, Answer, AnswerFacts, CallError, CallErrorKind, Endpoint, Prepared, Progress};

/// A hold's lease is a minute; it is renewed well before.
const RENEW_EVERY: Duration = Duration::from_secs(15);

/// Makes calls under one route. The route never changes in here.
pub struct Caller<'a> {
    pub client: &'a Client,
    pub ledger: &'a Ledger,
    pub ui: &'a dyn Ui,
    pub cancel: &'a Cancel,
    pub task_id: &'a str,
    pub route: &'a Route,
    pub endpoint: Endpoint,
    pub secret: Option<Secret>,
    pub tariff: Tariff,
    /// Every budget that binds these calls; the ledger adds those that it keeps itself.
    pub caps: Vec<Cap>,
    /// The organization the key's earlier answers named; the first answer of a key pins it.
    pub pinned: Option<String>,
    /// The endpoint is a server on this machine that the user named.
    pub local_server: bool,
    pub prefix: Prefix,
    /// Counts on through the whole task, whatever the route.
    pub call_no: u32,
    pub spent: Spent,
    /// Whether an attempt that failed is made again here; not where somebody else can take over at once.
    pub retries: bool,
    /// Where a plan pays for this loop's calls.
    pub on_plan: Option<OnPlan<'a>>,
    /// The call that failed for good, as the provider said it.
    pub failed: Option<CallError>,
}

/// How one attempt ended.
pub(super) enum Attempt {
    Answered(Box<Answer>),
    Failed(Box<CallError>),
    Cancelled(Signal),
}

/// What is known of an attempt that brought no whole answer.
struct Early {
    outcome: &'static str,
    may_have_cost: bool,
    partial: Partial,
    facts: AnswerFacts,
    retry_after_ms: Option<u64>,
}

impl Early {
    fn cancelled(progress: &Progress) -> Self {
        Self {
            outcome: "cancelled",
            may_have_cost: progress.sent(),
            partial: progress.partial(),
            facts: AnswerFacts::default(),
            retry_after_ms: None,
        }
    }

    fn failed(error: &CallError) -> Self {
        Self {
            outcome: error.kind.as_str(),
            may_have_cost: error.may_have_cost(),
            partial: error.partial.clone(),
            facts: error.facts.clone(),
            retry_after_ms: error.retry_after.map(millis),
        }
    }
}

impl Caller<'_> {
    /// Gets one whole answer. `request.max_output` may be lowered to what the budget still holds.
    ///
    /// # Errors
    /// The failure that ends the task, everything spent being settled.
    pub async fn call(&mut self, request: &mut ModelRequest) -> Result<Reply, Failure> {
        self.failed = None;
        self.begin_on_plan().await?;
        self.call_no += 1;
        let mut attempt_no = 1;
        let mut renewed = false;
        loop {
            self.cancel.check()?;
            let (attempt, prepared) = self.reserve(request, attempt_no).await?;
            let (started, progress) = (Instant::now(), Progress::new());
            debug::sending(self.ui, &attempt.attempt_id, &prepared);
            let ended = self.attempt(&prepared, request, &progress).await?;
            debug::ended(self.ui, &attempt.attempt_id, started, &ended);
            let estimate = self.prefix.estimate(prepared.bytes);
            match ended {
                Attempt::Answered(answer) => {
                    let paid = match &mut self.on_plan {
                        Some(on_plan) => Some(on_plan.paid(answer.facts.plan.as_ref()).await),
                        None => None,
                    };
                    return self.answered(&attempt, &prepared, *answer, started, paid);
                }
                Attempt::Cancelled(signal) => {
                    let end = Early::cancelled(&progress);
                    self.settle_early(&attempt, &end, estimate, started)?;
                    return Err(signal.failure());
                }
                Attempt::Failed(error) => {
                    self.settle_early(&attempt, &Early::failed(&error), estimate, started)?;
                    if error.kind == CallErrorKind::Unauthorized && !renewed && self.renew().await? {
                        renewed = true;
                        attempt_no += 1;
                        continue;
                    }
                    let wait = error.retry_after_failure(attempt_no - 1).filter(|_| self.retries);
                    let Some(wait) = wait else {
                        self.failed = Some((*error).clone());
                        if self.on_plan.is_some() && error.kind == CallErrorKind::PayerBlocked {
                            return Err(used_up_for_now(&self.route.provider, &error.message));
                        }
                        return Err(error.into_failure(self.route));
                    };
                    attempt_no += 1;
                    self.ui.event(&Event::CallRetrying {
                        attempt: attempt_no,
                        of: crate::net::retry::RETRIES + 1,
                        wait_ms: millis(wait),
                        reason: error.message.clone(),
                    });
                    self.sleep(wait).await?;
                }
            }
        }
    }

    /// On a plan: whether it pays for a further call, and before the first one with what.
    async fn begin_on_plan(&mut self) -> Result<(), Failure> {
        let Some(on_plan) = &mut self.on_plan else { return Ok(()) };
        on_plan.plan.may_go_on(self.spent.counted)?;
        let sender = on_plan.begin(self.client, self.ledger, self.task_id, self.route).await?;
        self.send_as(sender);
        Ok(())
    }

    /// A new token in place of the refused one, where there is one to be had.
    async fn renew(&mut self) -> Result<bool, Failure> {
        let (Some(on_plan), Some(refused)) = (&self.on_plan, &self.secret) else { return Ok(false) };
        let sender = on_plan.renewed(self.route, refused).await?;
        Ok(self.send_as(sender))
    }

    fn send_as(&mut self, sender: Option<Sender>) -> bool {
        let Some(Sender { secret, account }) = sender else { return false };
        self.secret = Some(secret);
        self.endpoint.plan = Some(account);
        true
    }

    async fn attempt(
        &self,
        prepared: &Prepared,
        request: &ModelRequest,
        progress: &Progress,
    ) -> Result<Attempt, Failure> {
        let mut show = |event: StreamEvent| match event {
            StreamEvent::Text(text) => self.ui.event(&Event::TextDelta { text }),
            StreamEvent::Reasoning(text) => self.ui.event(&Event::ReasoningDelta { text }),
            StreamEvent::Started | StreamEvent::ToolCall { .. } => {}
        };
        let secret = self.secret.as_ref();
        let sending = provider::send(self.client, &self.endpoint, secret, prepared, request, progress, &mut show);
        tokio::pin!(sending);
        let mut renew = tokio::time::interval_at(tokio::time::Instant::now() + RENEW_EVERY, RENEW_EVERY);
        loop {
            tokio::select! {
                biased;
                signal = self.cancel.cancelled() => return Ok(Attempt::Cancelled(signal)),
                ended = &mut sending => return Ok(match ended {
                    Ok(answer) => Attempt::Answered(Box::new(answer)),
                    Err(error) => Attempt::Failed(Box::new(error)),
                }),
                // What was sent may cost whatever the ledger does meanwhile: only its end is worth failing for.
                _ = renew.tick() => drop(self.ledger.renew(self.task_id, clock::now())),
            }
        }
    }

    /// Settles a whole answer and judges who paid for it.
    fn answered(
        &mut self,
        attempt: &NewAttempt,
        prepared: &Prepared,
        answer: Answer,
        started: Instant,
        paid: Option<(Paid, Proof, Result<(), Failure>)>,
    ) -> Result<Reply, Failure> {
        let Answer { reply, facts } = answer;
        let usage = if reply.usage_reported {
            reply.usage
        } else {
            let received = serde_json::to_string(&reply.content).map_or(0, |text| text.len() as u64);
            Usage { input: self.prefix.estimate(prepared.bytes), output: received.div_ceil(4), ..reply.usage }
        };
        let mut cost = self.tariff.cost(&usage, reply.reported_cost, reply.usage_reported);
        let other = reply.model.clone().filter(|model| !self.route.accepts(model));
        if other.is_some() && reply.reported_cost.is_none() {
            // The tables have the price of the model that was asked for.
            cost.certainty = cost.certainty.max(Certainty::Estimated);
        }
        if let Some((paid, ..)) = &paid {
            cost = paid.cost(cost);
        }
        let proof = if self.route.rehearsed {
            Proof::Claimed
        } else if let Some((_, proof, _)) = &paid {
            *proof
        } else {
            judge(&Evidence {
                path: self.route.path,
                pinned: self.pinned.as_deref(),
                answered: facts.organization.as_deref(),
                reported: reply.reported_cost,
                computed: self.tariff.computed(&usage),
                at_most: self.route.is_billed().then_some(attempt.hold),
                local_server: self.local_server,
                gateway: facts.gateway.is_some(),
            })
        };
        if reply.usage_reported {
            self.prefix = Prefix { tokens: usage.prompt(), bytes: prepared.bytes };
        }
        let model = reply.model.clone().filter(|model| *model != self.route.model);
        let settlement = Settlement {
            model,
            response_id: reply.response_id.clone(),
            ..settlement(usage, cost, proof, "ok", &facts, started)
        };
        self.settle(attempt, &settlement)?;
        if let (Some((paid, _, allowed)), Some(on_plan)) = (paid, &self.on_plan) {
            if paid != Paid::Plan {
                self.spent.extra_calls += 1;
            }
            on_plan.note(self.ledger, self.task_id, self.route)?;
            allowed?;
        }
        if proof == Proof::Contradicted {
            return Err(verdict::contradicted(&Answered {
                route: self.route,
                pinned: self.pinned.as_deref(),
                organization: facts.organization.as_deref(),
                reported: reply.reported_cost,
                held: attempt.hold,
                gateway: facts.gateway,
            }));
        }
        if let Some(model) = other {
            return Err(verdict::other_model(self.route, &model));
        }
        if self.pinned.is_none() {
            self.pinned = facts.organization;
        }
        Ok(reply)
    }

    /// Settles an attempt without a whole answer: nothing where it cannot have cost anything, else an estimate.
    fn settle_early(
        &mut self,
        attempt: &NewAttempt,
        end: &Early,
        prompt_estimate: u64,
        started: Instant,
    ) -> Result<(), Failure> {
        if !end.may_have_cost {
            self.spent.uncharged += 1;
            self.ledger.abort(&attempt.attempt_id, end.outcome, clock::now())?;
            return Ok(());
        }
        let (usage, cost) = self.tariff.partial_cost(&end.partial, prompt_estimate);
        let base = settlement(usage, cost, Proof::Claimed, end.outcome, &end.facts, started);
        let response_id = end.partial.response_id.clone();
        self.settle(attempt, &Settlement { retry_after_ms: end.retry_after_ms, response_id, ..base })
    }

    fn settle(&mut self, attempt: &NewAttempt, settlement: &Settlement) -> Result<(), Failure> {
        let recorded = self.ledger.settle(&attempt.attempt_id, settlement);
        self.spent.count(settlement);
        if let Err(error) = recorded {
            return Err(unrecorded(error, attempt, settlement));
        }
        let cost = settlement.cost;
        self.ui.event(&Event::CallSettled {
            attempt_id: attempt.attempt_id.clone(),
            usage: settlement.usage,
            cost_usd: cost.billed,
            cost_state: cost.state(),
            proof: settlement.proof,
            spent_usd: self.spent.counted,
        });
        Ok(())
    }

    pub(super) async fn sleep(&self, wait: Duration) -> Result<(), Failure> {
        tokio::select! {
            biased;
            signal = self.cancel.cancelled() => Err(signal.failure()),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }
}

fn settlement(
    usage: Usage,
    cost: crate::domain::cost::Cost,
    proof: Proof,
    outcome: &str,
    facts: &AnswerFacts,
    started: Instant,
) -> Settlement {
    Settlement {
        usage,
        cost,
        proof,
        outcome: outcome.to_owned(),
        model: None,
        response_id: None,
        request_id: facts.request_id.clone(),
        organization: facts.organization.clone(),
        http_status: facts.http_status,
        retry_after_ms: None,
        finished_at: clock::now(),
        duration_ms: millis(started.elapsed()),
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
