//! What is known of the plan while a program works: whether it pays, whether it goes on as paid extra usage, and how
//! much of it is used. Extra usage is another payer; only the user's edge allows it.

use std::sync::Arc;

use super::Terms;
use super::books::Paid;
use crate::base::money::Usd;
use crate::config::Allow;
use crate::domain::cost::Proof;
use crate::domain::failure::{Failure, Status};
use crate::domain::route::Route;
use crate::domain::ui::{Question, Ui};

/// A window of a plan: its name, how much is used in percent, when it starts anew (Unix time).
pub type Window = (String, u32, Option<i64>);

#[derive(Debug, Default)]
pub struct Plan {
    /// An answer showed that the plan pays.
    seen: bool,
    /// The last answer went out as paid extra usage.
    extra: bool,
    /// A person said yes to it in this task.
    agreed: bool,
    before: Vec<Window>,
    now: Vec<Window>,
}

impl Plan {
    /// An answer that only a plan gets, with what it says of the windows.
    pub fn saw(&mut self, windows: Vec<Window>) {
        self.seen = true;
        if windows.is_empty() {
            return;
        }
        if self.before.is_empty() {
            self.before.clone_from(&windows);
        }
        self.now = windows;
    }

    /// The plan covers calls again.
    pub const fn covers(&mut self) {
        self.extra = false;
    }

    /// The call went out as paid extra usage.
    ///
    /// # Errors
    /// Exit 4 where nobody allowed that.
    pub async fn went_on(&mut self, terms: &Terms, route: &Route, ui: &Arc<dyn Ui>) -> Result<(), Failure> {
        let first = !std::mem::replace(&mut self.extra, true);
        match terms.overage {
            None => return Err(stopped(route)),
            Some(Allow::UpTo(_)) => {}
            Some(Allow::Ask) if self.agreed => {}
            Some(Allow::Ask) => {
                let question = Question::yes_no("Go on, with each call paid as extra usage at list price?").detail(
                    format!("the {} plan is used up, and its account goes on as paid extra usage", route.provider),
                );
                let ui = Arc::clone(ui);
                let yes = tokio::task::spawn_blocking(move || ui.confirm(&question)).await.unwrap_or(false);
                if !yes {
                    return Err(stopped(route));
                }
                self.agreed = true;
            }
        }
        if let (true, Some(edge)) = (first, &terms.overage_shown) {
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
    pub fn check(&self, spent: Usd, terms: &Terms) -> Result<(), Failure> {
        match terms.overage {
            Some(Allow::UpTo(most)) if self.extra && spent >= most => Err(Failure::new(
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
        let line = |(name, used, resets): &Window| {
            let before = self.before.iter().find(|(other, ..)| other == name).map_or(*used, |(_, used, _)| *used);
            let change = if before == *used { String::new() } else { format!(" (was {before} %)") };
            let resets = resets.and_then(|at| jiff::Timestamp::from_second(at).ok());
            let resets = resets.map(|at| format!(", anew {}", at.strftime("%m-%d %H:%M UTC"))).unwrap_or_default();
            format!("{} {used} % used{change}{resets}", name.replace('_', " "))
        };
        let lines: Vec<String> = self.now.iter().map(line).collect();
        (!lines.is_empty()).then(|| lines.join("; "))
    }
}

fn stopped(route: &Route) -> Failure {
    let name = &route.provider;
    Failure::new(
        Status::PayerBlocked,
        "extra_usage",
        format!("the {name} plan is used up and went on as paid extra usage; the task was stopped"),
    )
    .why("extra usage is another payer, and no edge of yours allows it")
    .fix("vk run --continue   # once the plan covers it again")
    .fix(format!("vk run --continue --fallback '{}:{name}->overage=2.00'", route.path))
}

/// The plan is used up and nothing was charged.
#[must_use]
pub fn used_up(route: &Route, why: &str) -> Failure {
    let failure =
        Failure::new(Status::PayerBlocked, "plan_used_up", format!("the {} plan is used up for now", route.provider));
    let failure = if why.trim().is_empty() { failure } else { failure.why(why.trim()) };
    failure.fix("vk run --continue   # once the plan covers it again")
}
