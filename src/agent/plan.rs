//! What is known of the plan while a task runs on it: whether it pays, whether its account goes on as paid extra usage,
//! and how much of it is used. Extra usage is another payer; only the user's edge allows it.

use std::sync::Arc;

use crate::base::money::Usd;
use crate::config::Allow;
use crate::domain::cost::{Certainty, Charge, Cost, Proof};
use crate::domain::failure::{Failure, Status};
use crate::domain::quota::{Between, Part, Said, Window};
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

impl Paid {
    /// What a call cost, from what it would have cost under the plan.
    #[must_use]
    pub const fn cost(self, cost: Cost) -> Cost {
        match self {
            Self::Plan => cost,
            Self::AllowedExtra => {
                let certainty = if cost.list.is_some() { Certainty::Estimated } else { Certainty::Unknown };
                Cost { charge: Charge::Billed, certainty, billed: cost.list, list: cost.list }
            }
            Self::Extra => {
                Cost { charge: Charge::Billed, certainty: Certainty::Unknown, billed: None, list: cost.list }
            }
        }
    }
}

/// The part of a plan's windows from which no further call is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    pub part: Part,
    /// Where it was set.
    pub source: String,
    /// Whether a project's file says so, and the user's own ceiling above that.
    pub of_project: bool,
    pub ceiling: Option<Part>,
}

impl Quota {
    /// # Errors
    /// Exit 5 where a window is used that far: which, when it begins anew, and what raises the quota.
    pub fn check(&self, provider: &str, windows: &[Window]) -> Result<(), Failure> {
        let Some(full) = windows.iter().filter(|window| self.part.is_reached(window)).max_by_key(|w| w.resets_at)
        else {
            return Ok(());
        };
        let window = if full.name.is_empty() { "window".to_owned() } else { format!("{} window", full.name) };
        let what = format!(
            "{} % of the {provider} plan's {window} is used, and your budget stops tasks at {}",
            full.used, self.part
        );
        let anew = full.resets_at.map(|at| format!("\nthe window begins anew {}", at.strftime("%Y-%m-%d %H:%M UTC")));
        let why = format!("budget.quota = \"{}\" ({}){}", self.part, self.source, anew.unwrap_or_default());
        let failure = Failure::new(Status::Budget, "plan_quota", what).why(why);
        let failure = failure.fix("vk run --continue   # once the window has begun anew");
        let enough = (full.used / 10 + 1) * 10;
        let Some(enough) = Part::of(enough.min(100)).filter(|part| !part.is_reached(full)) else { return Err(failure) };
        let failure = match self.ceiling {
            Some(ceiling) if ceiling < enough => failure.fix(format!("vk budget set --quota {enough}")),
            _ => failure,
        };
        let project = if self.of_project { " --project" } else { "" };
        Err(failure.fix(format!("vk budget set --quota {enough}{project}")))
    }
}

/// What binds a task on a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanTerms {
    /// What the user's edge allows once the plan goes on as paid extra usage; without one the task stops there. With
    /// it the edge as it was written, and where.
    pub overage: Option<(Allow, String)>,
    /// What its program said before the task.
    pub told: Option<Said>,
    pub quota: Option<Quota>,
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
    /// As last told.
    now: Said,
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
            now: Said::default(),
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
    /// Exit 4 where nothing of the plan is left, and no edge allows what would pay then; exit 5 where the user's quota
    /// of it is used.
    pub fn begins(&mut self, said: Said) -> Result<(), Failure> {
        let used_up = said.is_used_up();
        self.keep(said);
        if used_up && self.terms.overage.is_none() {
            return Err(used_up_for_now(&self.provider, "its included usage is used up"));
        }
        self.check_quota()
    }

    /// An answer that only a plan gets, with what it says of the windows.
    pub fn saw(&mut self, windows: Vec<Window>) {
        self.seen = true;
        self.keep(Said { windows, ..Said::default() });
    }

    /// What is not said again stays as it was.
    fn keep(&mut self, said: Said) {
        let Said { windows, credits, reached } = said;
        self.now.reached = reached;
        self.now.credits = credits.or_else(|| self.now.credits.take());
        if windows.is_empty() {
            return;
        }
        if self.before.is_empty() {
            self.before.clone_from(&windows);
        }
        self.now.windows = windows;
    }

    /// What an account with credits said after an answer: who paid for that answer follows from it.
    ///
    /// # Errors
    /// Exit 4 where the credits paid and nobody allowed that.
    pub async fn answered(&mut self, said: Said, ui: &Arc<dyn Ui>) -> Result<Proof, Failure> {
        let between = match &said.credits {
            Some(now) => now.since(self.now.credits.as_ref()),
            None => Between::Untold,
        };
        let tells = !said.windows.is_empty();
        self.keep(said);
        if between == Between::Fell {
            self.went_on(ui).await?;
        } else if tells {
            self.covers();
        }
        Ok(if between == Between::Held && tells { Proof::Verified } else { Proof::Claimed })
    }

    /// Whether a call may follow what was last said. `spent` is money that went out as extra usage.
    ///
    /// # Errors
    /// Exit 4 where credits would pay for it, and no edge allows that; exit 5 where the edge's dollars, or the user's
    /// quota of the plan, are used.
    pub fn may_go_on(&self, spent: Usd) -> Result<(), Failure> {
        match &self.terms.overage {
            None if self.now.is_beyond() => {
                return Err(used_up_for_now(&self.provider, "the next call would be paid by credits"));
            }
            Some((Allow::UpTo(most), _)) if self.extra && spent >= *most => {
                let what = format!("the {most} that your edge allows for paid extra usage are spent");
                return Err(Failure::new(Status::Budget, "extra_usage_spent", what).fix("vk cost --by payer"));
            }
            _ => {}
        }
        self.check_quota()
    }

    /// A quota binds what the plan covers; beyond it the edge's dollars do.
    fn check_quota(&self) -> Result<(), Failure> {
        let quota = self.terms.quota.as_ref().filter(|_| !self.extra);
        quota.map_or(Ok(()), |quota| quota.check(&self.provider, &self.now.windows))
    }

    /// The windows at the beginning of the task, and as they are now.
    #[must_use]
    pub fn windows(&self) -> (&[Window], &[Window]) {
        (&self.before, &self.now.windows)
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

    /// How much of the plan is used, and how much of that in this task, for people.
    #[must_use]
    pub fn used(&self) -> Option<String> {
        let line = |window: &Window| {
            let before = self.before.iter().find(|other| other.name == window.name).map_or(window.used, |w| w.used);
            let change = if before == window.used { String::new() } else { format!(" (was {before} %)") };
            format!("{window}{change}")
        };
        let lines: Vec<String> = self.now.windows.iter().map(line).collect();
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
