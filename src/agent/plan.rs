//! What is known of the plan while a task runs on it: whether it pays, whether its account goes on as paid extra usage,
//! and how much of it is used. Extra usage is another payer; only the user's edge allows it.

use std::sync::Arc;

use crate::base::money::Usd;
use crate::config::Allow;
use crate::domain::cost::Proof;
use crate::domain::failure::{Failure, Status};
use crate::domain::quota::{Between, Credits, Said, Window};
use crate::domain::route::Route;
use crate::domain::ui::{Question, Ui};

/// Who paid for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paid {
    Plan,
    /// Paid extra usage that the user's edge allows: list price, as an estimate.
    AllowedExtra,
    /// Paid extra usage that nobody allowed: what it cost is not known.
    Extra,
}

/// What binds a task on a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanTerms {
    /// What the user's edge allows once the plan goes on as paid extra usage; without one the task stops there. With
    /// it the edge as it was written, and where.
    pub overage: Option<(Allow, String)>,
    /// What its program said before the task.
    pub told: Option<Said>,
}

#[derive(Debug)]
pub struct Plan {
    provider: String,
    terms: PlanTerms,
    /// An answer showed that the plan pays.
    seen: bool,
    /// The last answer went out as paid extra usage.
    extra: bool,
    /// A person said yes to it in this task.
    agreed: bool,
    before: Vec<Window>,
    now: Vec<Window>,
    /// As last told.
    credits: Option<Credits>,
}

impl Plan {
    #[must_use]
    pub fn new(route: &Route, terms: PlanTerms) -> Self {
        Self {
            provider: route.provider.clone(),
            terms,
            seen: false,
            extra: false,
            agreed: false,
            before: Vec::new(),
            now: Vec::new(),
            credits: None,
        }
    }

    /// What the account said before the first call, where nothing newer is known.
    ///
    /// # Errors
    /// As [`Self::begins`].
    pub fn begins_as_told(&mut self) -> Result<(), Failure> {
        self.terms.told.take().map_or(Ok(()), |said| self.begins(said))
    }

    /// What the account says before the first call.
    ///
    /// # Errors
    /// Exit 4 where nothing of the plan is left, and no edge allows what would pay then.
    pub fn begins(&mut self, said: Said) -> Result<(), Failure> {
        let used_up = said.is_used_up();
        self.keep(said.windows);
        self.credits = said.credits;
        if used_up && self.terms.overage.is_none() {
            return Err(used_up_for_now(&self.provider, "its included usage is used up"));
        }
        Ok(())
    }

    /// An answer that only a plan gets, with what it says of the windows.
    pub fn saw(&mut self, windows: Vec<Window>) {
        self.seen = true;
        self.keep(windows);
    }

    fn keep(&mut self, windows: Vec<Window>) {
        if windows.is_empty() {
            return;
        }
        if self.before.is_empty() {
            self.before.clone_from(&windows);
        }
        self.now = windows;
    }

    /// What an account with credits said after an answer: who paid for that answer follows from it.
    ///
    /// # Errors
    /// Exit 4 where the credits paid and nobody allowed that.
    pub async fn answered(&mut self, said: &Said, ui: &Arc<dyn Ui>) -> Result<Proof, Failure> {
        let between = match &said.credits {
            Some(now) => now.since(self.credits.as_ref()),
            None => Between::Untold,
        };
        self.credits = said.credits.clone().or_else(|| self.credits.take());
        self.keep(said.windows.clone());
        if between == Between::Fell {
            self.went_on(ui).await?;
        } else if !said.windows.is_empty() {
            self.covers();
        }
        let is_proven = between == Between::Held && !said.windows.is_empty();
        Ok(if is_proven { Proof::Verified } else { Proof::Claimed })
    }

    /// Whether a call may follow what was last said.
    ///
    /// # Errors
    /// Exit 4 where credits would pay for it, and no edge allows that.
    pub fn may_go_on(&self, said: &Said) -> Result<(), Failure> {
        if said.is_beyond() && self.terms.overage.is_none() {
            return Err(used_up_for_now(&self.provider, "the next call would be paid by credits"));
        }
        Ok(())
    }

    /// The plan covers calls again.
    pub const fn covers(&mut self) {
        self.extra = false;
    }

    /// The call went out as paid extra usage.
    ///
    /// # Errors
    /// Exit 4 where nobody allowed that.
    pub async fn went_on(&mut self, ui: &Arc<dyn Ui>) -> Result<(), Failure> {
        let first = !std::mem::replace(&mut self.extra, true);
        let Some((allow, edge)) = &self.terms.overage else { return Err(self.stopped()) };
        if *allow == Allow::Ask && !self.agreed {
            let question = Question::yes_no("Go on, with each call paid as extra usage at list price?")
                .detail(format!("the {} plan is used up, and its account goes on as paid extra usage", self.provider));
            let ui = Arc::clone(ui);
            let yes = tokio::task::spawn_blocking(move || ui.confirm(&question)).await.unwrap_or(false);
            if !yes {
                return Err(self.stopped());
            }
            self.agreed = true;
        }
        if first {
            ui.say(&format!("the plan goes on as paid extra usage, allowed by your edge {edge}"));
        }
        Ok(())
    }

    #[must_use]
    pub const fn paid(&self) -> Paid {
        if self.extra { Paid::AllowedExtra } else { Paid::Plan }
    }

    #[must_use]
    pub const fn proof(&self) -> Proof {
        if self.seen && !self.extra { Proof::Verified } else { Proof::Claimed }
    }

    /// The edge's dollars are a cap of their own.
    ///
    /// # Errors
    /// Exit 5 once they are used up.
    pub fn check(&self, spent: Usd) -> Result<(), Failure> {
        match &self.terms.overage {
            Some((Allow::UpTo(most), _)) if self.extra && spent >= *most => Err(Failure::new(
                Status::Budget,
                "extra_usage_spent",
                format!("the {most} that your edge allows for paid extra usage are spent"),
            )
            .fix("vk cost --by payer")),
            _ => Ok(()),
        }
    }

    /// How much of the plan is used, and how much of that in this task, for people.
    #[must_use]
    pub fn used(&self) -> Option<String> {
        let line = |window: &Window| {
            let before = self.before.iter().find(|other| other.name == window.name).map_or(window.used, |w| w.used);
            let change = if before == window.used { String::new() } else { format!(" (was {before} %)") };
            format!("{window}{change}")
        };
        let lines: Vec<String> = self.now.iter().map(line).collect();
        (!lines.is_empty()).then(|| lines.join("; "))
    }

    fn stopped(&self) -> Failure {
        let name = &self.provider;
        Failure::new(
            Status::PayerBlocked,
            "extra_usage",
            format!("the {name} plan is used up and went on as paid extra usage; the task was stopped"),
        )
        .why("extra usage is another payer, and no edge of yours allows it")
        .fix("vk run --continue   # once the plan covers it again")
        .fix(format!("vk run --continue --fallback 'subscription:{name}->overage=2.00'"))
    }
}

/// The plan is used up and nothing was charged.
#[must_use]
pub fn used_up_for_now(provider: &str, why: &str) -> Failure {
    let failure = Failure::new(Status::PayerBlocked, "plan_used_up", format!("the {provider} plan is used up for now"));
    let failure = if why.trim().is_empty() { failure } else { failure.why(why.trim()) };
    failure.fix("vk run --continue   # once the plan covers it again")
}
