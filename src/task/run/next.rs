//! Who goes on with a task when its payer cannot: another member of the free pool, or the payer that an edge of the
//! user's leads to.

use super::{Payer, Running, rehearse};
use crate::agent::context;
use crate::agent::transcript::Transcript;
use crate::base::secret::Secret;
use crate::catalog::Price;
use crate::config::Allow;
use crate::domain::event::Event;
use crate::domain::failure::{Failure, Status};
use crate::domain::route::Route;
use crate::domain::ui::Question;
use crate::task::edges::{self, Step};
use crate::task::{engines, plan_limits, prepare, shown, ways_out};

impl Running<'_> {
    /// The member of the free pool that takes over after `failure`: nobody pays before and after.
    pub(super) async fn other_member(
        &mut self,
        failure: Failure,
        route: &Route,
        transcript: &Transcript,
    ) -> Result<(Route, Option<Price>), Failure> {
        let tokens = context::estimate(transcript.messages());
        let (next, price) = self.rotation.after(failure, self.failed.as_ref(), route, tokens, self.ui.as_ref())?;
        self.rotation.checked(next, price, self.ui.as_ref()).await
    }

    /// The secret of another provider, after its line was shown.
    pub(super) fn shown_secret(&self, route: &Route) -> Result<Option<Secret>, Failure> {
        shown::route(self.known, self.ledger, route, self.task_id, self.ui.as_ref())?;
        prepare::secret(self.env, self.known, &route.provider, &route.base_url, &route.credential)
    }

    /// How the task ends when no other payer follows.
    pub(super) fn ended(&self, first: Option<Failure>, last: Failure) -> Failure {
        let tried: Vec<&Route> = self.ending.legs.iter().map(|leg| &leg.route).collect();
        ways_out::offered(ways_out::first_cause(first, last), self.known, &tried, &self.order.task)
    }

    /// The payer that an edge of the user's allows after `failure`. An edge that leads to nobody adds why
    /// to that failure.
    pub(super) fn other_payer(&self, failure: &Failure, route: &Route) -> Result<Option<Payer>, Failure> {
        if failure.status == Status::PayerBlocked {
            self.ui.event(&Event::PayerBlocked {
                payer: route.payer.clone(),
                code: failure.code.to_owned(),
                message: failure.what.clone(),
            });
        }
        let Some(step) = edges::after(failure, route, &self.known.loaded.settings.fallback) else { return Ok(None) };
        self.along(&step, failure).map_err(|second| ways_out::edge_failed(failure.clone(), &step.shown, &second))
    }

    /// The route to which an edge leads: shown, asked about where the edge says so.
    fn along(&self, step: &Step, failure: &Failure) -> Result<Option<Payer>, Failure> {
        let (mut next, price) = self.known.decide_for(&step.to, &step.source, &self.order.task)?;
        rehearse(self.order, &mut next);
        engines::check_next(self.order, self.known, &next)?;
        // A payer that was already tried in this task is not tried again: edges may form a ring.
        if self.ending.legs.iter().any(|leg| leg.route.line() == next.line()) {
            return Ok(None);
        }
        let spent = self.ending.legs.iter().map(|leg| leg.spent.counted).sum();
        next.cap = edges::cap_after(next.cap, spent, step.allow);
        if step.allow == Allow::Ask {
            // A payer that cannot pay has been told of just now.
            let why = if failure.status == Status::PayerBlocked { String::new() } else { failure.what.clone() + "\n" };
            let detail = format!("{why}{}\nallowed by {}", next.line(), step.shown);
            let question = Question::yes_no("Go on with this task under that other payer?").detail(detail);
            if !self.ui.confirm(&question) {
                return Ok(None);
            }
        }
        let secret = prepare::secret(self.env, self.known, &next.provider, &next.base_url, &next.credential)?;
        plan_limits::claim(self.known, self.ledger, &next, self.task_id)?;
        self.ui.say(&format!("payer changed by your edge {}", step.shown));
        shown::route(self.known, self.ledger, &next, self.task_id, self.ui.as_ref())?;
        Ok(Some((next, price, secret)))
    }
}
