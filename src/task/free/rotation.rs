//! Who takes over when a free model cannot go on: the next of the pool, under the same payer, which is nobody. What the
//! failure says of the model, of the account, or of its upstreams is kept, so that no later call meets it again.

use jiff::{SignedDuration, Timestamp};

use super::record::Record;
use super::{consent, server};
use crate::base::clock;
use crate::catalog::Price;
use crate::domain::event::Event;
use crate::domain::failure::{Failure, Status};
use crate::domain::path::PayPath;
use crate::domain::route::Route;
use crate::domain::ui::Ui;
use crate::net::http::Client;
use crate::provider::{CallError, CallErrorKind, LimitFacts};
use crate::routing::pool::{self, Choice};
use crate::routing::{self, FreeFacts, LEAST_CONTEXT, POOL_EXHAUSTED, TRAINING_NOT_ALLOWED};
use crate::task::order::Order;
use crate::task::prepare::Known;

/// After a failure whose end nobody named.
const SHORT: SignedDuration = SignedDuration::from_mins(1);
/// A model that the provider does not have is not there again soon.
const GONE: SignedDuration = SignedDuration::from_hours(24);
/// Room for the answer and for what the tools say next, in tokens.
const ROOM: u64 = 8_192;

/// So many members failing one after the other is their provider failing: each try counts against the account's day.
const MOST_IN_A_ROW: u32 = 4;

/// What a failed call says beyond itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lesson {
    Member {
        until: Timestamp,
    },
    /// Every model of the provider, asked with this key.
    Account {
        until: Timestamp,
        day_limit: Option<u64>,
    },
    /// Only upstreams that train on prompts serve the model.
    MayTrain,
}

/// `None` for a failure that another model would meet too, or that is no model's: the task ends with it.
fn lesson(kind: CallErrorKind, limit: &LimitFacts, asked: Option<SignedDuration>, now: Timestamp) -> Option<Lesson> {
    let until = |or: SignedDuration| {
        let asked = asked.and_then(|wait| now.checked_add(wait).ok()).max(limit.reset);
        asked.filter(|until| *until > now).unwrap_or(now + or)
    };
    match kind {
        CallErrorKind::RateLimited if limit.whole_account => {
            Some(Lesson::Account { until: until(SHORT), day_limit: limit.limit.filter(|_| limit.daily) })
        }
        CallErrorKind::Transport => Some(Lesson::Account { until: until(SHORT), day_limit: None }),
        CallErrorKind::RateLimited
        | CallErrorKind::Overloaded
        | CallErrorKind::Server
        | CallErrorKind::Timeout
        | CallErrorKind::Interrupted
        | CallErrorKind::Malformed => Some(Lesson::Member { until: until(SHORT) }),
        CallErrorKind::UnknownModel => Some(Lesson::Member { until: now + GONE }),
        CallErrorKind::DataPolicy => Some(Lesson::MayTrain),
        CallErrorKind::Unauthorized
        | CallErrorKind::Forbidden
        | CallErrorKind::PayerBlocked
        | CallErrorKind::ContextExceeded
        | CallErrorKind::BadRequest
        | CallErrorKind::TooLarge
        | CallErrorKind::Redirected
        | CallErrorKind::BadSetup => None,
    }
}

/// The pool through one task.
pub struct Rotation<'a> {
    known: &'a Known,
    client: &'a Client,
    order: &'a Order,
    free: FreeFacts,
    /// The model that somebody named: nobody takes over from it.
    pinned: Option<String>,
    /// Members that failed since the last answer, and how long the transcript was then.
    in_a_row: u32,
    last_tokens: u64,
}

impl<'a> Rotation<'a> {
    #[must_use]
    pub fn of(known: &'a Known, client: &'a Client, order: &'a Order) -> Self {
        let settings = &known.loaded.settings;
        let pinned = known.with_facts(settings, Some(&order.task), |facts| routing::pinned(facts).map(str::to_owned));
        Self { known, client, order, free: known.free.clone(), pinned, in_a_row: 0, last_tokens: 0 }
    }

    #[must_use]
    pub const fn may_train(&self) -> bool {
        self.free.allow_training
    }

    /// Whether somebody else could take over at once, so that a failed call is not tried again first: each attempt
    /// counts against the account's day.
    #[must_use]
    pub fn can_take_over_from(&self, route: &Route) -> bool {
        if self.pinned.is_some() || !self.is_of_pool(route) {
            return false;
        }
        self.known.with_free(&self.free, Some(&self.order.task), |facts| {
            let mut members = routing::pool_of(facts);
            members.retain(|member| member.provider != route.provider || member.id != route.model);
            let closed = routing::closed(facts);
            let ask = routing::ask_of_pool(facts, &closed);
            matches!(pool::next(&members, &self.free.standings, &ask), Choice::Take(_))
        })
    }

    /// Whether the route is one that the pool of this task made: on the path that was chosen, at a provider that it
    /// names. To a route that an edge led to, the pool has nobody to give.
    fn is_of_pool(&self, route: &Route) -> bool {
        let is_chosen = self.known.loaded.settings.path.as_deref() == Some(&PayPath::Free);
        let providers = || self.known.with_free(&self.free, Some(&self.order.task), routing::free_providers);
        is_chosen && route.path == PayPath::Free && providers().contains(&route.provider)
    }

    /// After a failure: keeps what it says, and gives the route of the member that takes over.
    ///
    /// # Errors
    /// The failure that ends the task, with when somebody is back.
    pub fn after(
        &mut self,
        failure: Failure,
        call: Option<&CallError>,
        route: &Route,
        transcript_tokens: u64,
        ui: &dyn Ui,
    ) -> Result<(Route, Option<Price>), Failure> {
        if route.path != PayPath::Free {
            return Err(failure);
        }
        let now = clock::now();
        let data = &self.known.loaded.dirs.data;
        let name = pool::name(&route.provider, &route.model);
        if failure.status == Status::Contradicted {
            let why = failure.why.clone().unwrap_or_else(|| failure.what.clone());
            let why = format!("{why} on {}", now.strftime("%Y-%m-%d"));
            Record::change(data, now, |record| record.quarantine(&name, &why, now))?;
            return Err(failure
                .fix("vk models pool")
                .fix(format!("vk models pool --lift {name}   # once it is free again")));
        }
        let Some(call) = call else { return Err(failure) };
        let asked = call.retry_after.and_then(|wait| SignedDuration::try_from(wait).ok());
        let Some(lesson) = lesson(call.kind, &call.limit, asked, now) else { return Err(failure) };
        let lesson = self.in_a_row(lesson, call.kind, transcript_tokens);
        let account = pool::account(&route.provider, route.credential.fingerprint());
        let record = Record::change(data, now, |record| match lesson {
            Lesson::Member { until } => record.cool_member(&name, until, call.kind.as_str(), now),
            Lesson::Account { until, day_limit } => record.cool_account(&account, until, day_limit, now),
            Lesson::MayTrain => record.set_may_train(&name, now),
        })?;
        if !self.is_of_pool(route) {
            return Err(failure);
        }
        self.free.standings = record.standings();
        self.free.needed = LEAST_CONTEXT.max(transcript_tokens + ROOM);
        let words = [call.message.as_str(), failure.what.as_str()].into_iter().find(|words| !words.is_empty());
        let reason = words.unwrap_or_default().to_owned();
        let (next, price) = if self.pinned.is_some() {
            self.again_where_allowed(failure, lesson, ui)?
        } else {
            self.next(failure, &reason, ui)?
        };
        let shown = |one: &Route| {
            if next.provider == route.provider { one.model.clone() } else { pool::name(&one.provider, &one.model) }
        };
        if next.model != route.model || next.provider != route.provider {
            ui.event(&Event::ModelSwitched { from: shown(route), to: shown(&next), reason });
        }
        Ok((next, price))
    }

    /// What one failure more says: after several of them, that the provider fails and not its models.
    fn in_a_row(&mut self, lesson: Lesson, kind: CallErrorKind, transcript_tokens: u64) -> Lesson {
        let went_on = transcript_tokens > self.last_tokens;
        self.last_tokens = transcript_tokens;
        let is_failure =
            !matches!(kind, CallErrorKind::RateLimited | CallErrorKind::UnknownModel | CallErrorKind::DataPolicy);
        self.in_a_row = if went_on || !is_failure { 0 } else { self.in_a_row } + u32::from(is_failure);
        match lesson {
            Lesson::Member { until } if self.in_a_row >= MOST_IN_A_ROW => Lesson::Account { until, day_limit: None },
            other => other,
        }
    }

    fn next(&mut self, failure: Failure, reason: &str, ui: &dyn Ui) -> Result<(Route, Option<Price>), Failure> {
        let nobody = match self.known.decide_free(&self.free, &self.order.task) {
            Ok(next) => return Ok(next),
            Err(nobody) => nobody,
        };
        let numbers = consent::numbers(self.known, &self.free, Some(&self.order.task));
        if [POOL_EXHAUSTED, TRAINING_NOT_ALLOWED].contains(&nobody.code) && self.allow(numbers, ui)? {
            return self.known.decide_free(&self.free, &self.order.task);
        }
        // What ended the last member is why there is nobody.
        let why = [Some(reason.to_owned()), nobody.why.clone()].into_iter().flatten().collect::<Vec<_>>().join("\n");
        match nobody.code {
            POOL_EXHAUSTED | TRAINING_NOT_ALLOWED => Err(to_go_on(nobody).why(why)),
            _ => Err(failure),
        }
    }

    /// A model that was named goes on only where a person allows what it was refused for.
    fn again_where_allowed(
        &mut self,
        failure: Failure,
        lesson: Lesson,
        ui: &dyn Ui,
    ) -> Result<(Route, Option<Price>), Failure> {
        if lesson == Lesson::MayTrain && !self.free.allow_training && self.allow((1, 1), ui)? {
            return self.known.decide_free(&self.free, &self.order.task);
        }
        let named = self.pinned.as_deref().unwrap_or_default();
        let pinned = format!("{named} was named, so no other free model takes over");
        let why = failure.why.clone().map_or_else(|| pinned.clone(), |why| format!("{why}\n{pinned}"));
        Err(failure.why(why))
    }

    fn allow(&mut self, numbers: (usize, usize), ui: &dyn Ui) -> Result<bool, Failure> {
        let Some(free) = consent::asked(&self.known.loaded, numbers, ui)? else { return Ok(false) };
        let before = std::mem::replace(&mut self.free, free);
        (self.free.lists, self.free.needed) = (before.lists, before.needed);
        Ok(true)
    }

    /// The route with what its server of this machine says; one whose context is too small is left to the next member.
    /// Nothing is asked of a server where nothing will be sent.
    ///
    /// # Errors
    /// The server's own refusal, where nobody takes over.
    pub async fn checked(
        &mut self,
        mut route: Route,
        mut price: Option<Price>,
        ui: &dyn Ui,
    ) -> Result<(Route, Option<Price>), Failure> {
        if self.order.dry_run {
            return Ok((route, price));
        }
        let words = self.order.task.len() + self.order.stdin.as_ref().map_or(0, String::len);
        let needed = self.free.needed.max(u64::try_from(words).unwrap_or(u64::MAX) / 4 + ROOM);
        loop {
            let checked = server::check(self.client, &mut route, needed, ui).await;
            let Err(failure) = checked else { return Ok((route, price)) };
            let Some(next) = self.without(&route) else { return Err(failure) };
            ui.say(&format!("{} is left out: {}", route.model, failure.what));
            (route, price) = next;
        }
    }

    /// Leaves out a member that turned out to have too small a context, and gives the next.
    fn without(&mut self, route: &Route) -> Option<(Route, Option<Price>)> {
        if self.pinned.is_some() {
            return None;
        }
        for model in self.free.lists.get_mut(&route.provider).into_iter().flat_map(|list| &mut list.models) {
            if model.id == route.model {
                model.context = Some(0);
            }
        }
        let next = self.known.decide_free(&self.free, &self.order.task).ok()?;
        (next.0.model != route.model || next.0.provider != route.provider).then_some(next)
    }
}

/// The task has begun: what was offered as a run is one that goes on with it.
fn to_go_on(mut failure: Failure) -> Failure {
    for fix in &mut failure.fix {
        *fix = fix.replacen("vk run \"...\"", "vk run --continue", 1);
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    fn taught(kind: CallErrorKind, limit: LimitFacts, asked: Option<i64>) -> Option<Lesson> {
        lesson(kind, &limit, asked.map(SignedDuration::from_secs), now())
    }

    #[test]
    fn the_providers_word_decides_how_long_and_for_whom() {
        let member = |seconds| Some(Lesson::Member { until: now() + SignedDuration::from_secs(seconds) });
        let nothing = LimitFacts::default();
        assert_eq!(taught(CallErrorKind::RateLimited, nothing, Some(20)), member(20));
        assert_eq!(taught(CallErrorKind::RateLimited, nothing, None), member(60));
        assert_eq!(taught(CallErrorKind::Server, nothing, Some(0)), member(60));
        assert_eq!(taught(CallErrorKind::UnknownModel, nothing, None), member(24 * 3_600));
        let midnight: Timestamp = "2026-11-25T00:00:00Z".parse().unwrap();
        let day = LimitFacts { reset: Some(midnight), limit: Some(50), whole_account: true, daily: true };
        let account = Lesson::Account { until: midnight, day_limit: Some(50) };
        assert_eq!(taught(CallErrorKind::RateLimited, day, None), Some(account));
        assert_eq!(taught(CallErrorKind::DataPolicy, nothing, None), Some(Lesson::MayTrain));
    }

    /// Another model would not help, or would hide who cannot pay.
    #[test]
    fn what_is_no_models_fault_ends_the_task() {
        for kind in [
            CallErrorKind::Unauthorized,
            CallErrorKind::Forbidden,
            CallErrorKind::PayerBlocked,
            CallErrorKind::BadRequest,
            CallErrorKind::Redirected,
        ] {
            assert_eq!(taught(kind, LimitFacts::default(), Some(5)), None, "{kind:?}");
        }
    }

    #[test]
    fn a_moment_that_is_over_is_no_cool_down() {
        let past = LimitFacts { reset: Some(now() - SignedDuration::from_secs(5)), ..LimitFacts::default() };
        let minute = Lesson::Member { until: now() + SHORT };
        assert_eq!(taught(CallErrorKind::RateLimited, past, None), Some(minute));
    }
}
