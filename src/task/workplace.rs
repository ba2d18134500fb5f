//! Where a task's work is done, and what becomes of it at the end: the tree that its user stands in or a worktree, a
//! commit, a pull request.

use std::path::Path;
use std::sync::Arc;

use super::commit::{self, Message, Paid};
use super::order::Order;
use super::prepare::Known;
use super::pull_request::{self, Way};
use super::report::{self, Ending};
use super::setup::Earlier;
use super::worktree::{self, Worktree};
use crate::agent::cancel::Cancel;
use crate::base::env::Env;
use crate::config::{KeyChoice, Loaded};
use crate::domain::cost::CostState;
use crate::domain::event::PayerShare;
use crate::domain::failure::Failure;
use crate::domain::route::Route;
use crate::domain::ui::Ui;

pub(super) struct Workplace {
    /// The environment of everything that the task starts.
    pub(super) env: Env,
    /// The configuration, with the tree that is worked in for the project's root.
    pub(super) loaded: Loaded,
    worktree: Option<Worktree>,
    /// How its pull request is opened, where one is.
    way: Option<Way>,
}

impl Workplace {
    /// Decides all of it, so that what cannot work is said before anything is spent. Nothing is made.
    pub(super) fn decide(
        env: &Env,
        known: &Known,
        order: &Order,
        before: Option<&Earlier>,
        task_id: &str,
        ui: &dyn Ui,
    ) -> Result<Self, Failure> {
        let mut loaded = known.loaded.clone();
        let (root, is_git) = (loaded.project.root.clone(), loaded.project.is_git);
        let earlier = before.and_then(|before| before.transcript.parent());
        let worktree = worktree::plan(env, &loaded, order, earlier, task_id, ui)?;
        let mut way = None;
        if order.commit {
            let git = match &worktree {
                // A merge that is under way here is none there.
                Some(_) => commit::author(env, &root, is_git)?,
                None => commit::ready(env, &root, is_git)?,
            };
            if order.pull_request {
                let branch = worktree.as_ref().map(|worktree| worktree.record.branch.as_str());
                way = Some(pull_request::ready(env, &git, branch)?);
            }
        }
        let env = match &worktree {
            Some(worktree) => {
                worktree.enter(&mut loaded);
                env.without_programs_of(&root)
            }
            None => env.clone(),
        };
        Ok(Self { env, loaded, worktree, way })
    }

    /// Whether the user's uncommitted changes come along.
    pub(super) fn carries(&self) -> bool {
        self.worktree.as_ref().is_some_and(Worktree::carries)
    }

    pub(super) async fn make(
        &self,
        order: &Order,
        task_dir: &Path,
        ui: &dyn Ui,
        cancel: &Cancel,
    ) -> Result<(), Failure> {
        match &self.worktree {
            Some(worktree) => worktree.make(&self.env, order, &self.loaded, task_dir, ui, cancel).await,
            None => Ok(()),
        }
    }

    /// Commits what was asked to be committed, once the task has ended well, and lets go of a worktree that nothing
    /// was changed in. `has_changes` says whether what changed is known.
    #[allow(clippy::too_many_arguments, reason = "each is another part of the task that has just ended")]
    pub(super) async fn hand_over(
        &self,
        order: &Order,
        task_id: &str,
        ending: &mut Ending,
        is_known: bool,
        result: Result<(), Failure>,
        ui: &Arc<dyn Ui>,
        cancel: &Cancel,
    ) -> Result<(), Failure> {
        let result = match result {
            Ok(()) if order.commit => self.commit(order, task_id, ending, ui.as_ref(), cancel).await,
            Err(failure) => {
                if order.commit && !ending.files_changed.is_empty() {
                    ui.say("nothing was committed: the task did not end well");
                }
                Err(failure)
            }
            done => done,
        };
        let changed = is_known.then_some(!ending.files_changed.is_empty());
        let data = &self.loaded.dirs.data;
        let used = self.worktree.as_ref().map(|worktree| worktree.leave(data, changed, ending.commit.is_some()));
        ending.worktree = used;
        result
    }

    async fn commit(
        &self,
        order: &Order,
        task_id: &str,
        ending: &mut Ending,
        ui: &dyn Ui,
        cancel: &Cancel,
    ) -> Result<(), Failure> {
        let loaded = &self.loaded;
        let git = commit::ready(&self.env, &loaded.project.root, true)?;
        let message = Message { task_id, task: &order.task, answer: ending.answer.as_deref(), paid: paid(ending) };
        let Some(id) = commit::commit(&git, &loaded.dirs.data, task_id, &message, ui)? else {
            ui.say("nothing was changed, so there is nothing to commit");
            return Ok(());
        };
        let key = match loaded.settings.key.as_ref().map(|key| &key.value) {
            Some(KeyChoice::Env(name)) => Some(name.as_str()),
            _ => None,
        };
        let address = match &self.way {
            Some(way) => Some(pull_request::open(&self.env, &git, way, &message, key, ui.interactive(), cancel).await),
            None => None,
        };
        ending.commit = Some(id);
        if let Some(address) = address {
            ending.pull_request = Some(address?);
        }
        Ok(())
    }
}

fn cost_words(share: &PayerShare) -> String {
    match (share.cost_state, share.cost_usd) {
        (CostState::Billed, Some(cost)) => cost.to_string(),
        (CostState::Estimated, Some(cost)) => format!("{cost}, estimated"),
        (CostState::Covered, _) => "covered by the plan".to_owned(),
        (CostState::Free, _) => "$0.00, free".to_owned(),
        (CostState::Rehearsed, _) => "nothing, rehearsed".to_owned(),
        (CostState::Unknown | CostState::Billed | CostState::Estimated, _) => "unknown".to_owned(),
    }
}

/// Who paid for a commit: a line for each payer, with the models that worked for it.
fn paid(ending: &Ending) -> Vec<Paid> {
    let of = |share: &PayerShare| {
        let routes = ending.legs.iter().filter(|leg| leg.spent.calls > 0).map(|leg| &leg.route);
        let mine = routes.filter(|route| route.provider == share.provider && route.path.to_string() == share.path);
        let mut models: Vec<&str> = mine.map(|route: &Route| route.model.as_str()).collect();
        models.dedup();
        let key = share.key_label.as_ref().map_or_else(String::new, |label| format!(", key {label}"));
        Paid {
            model: models.join(", "),
            payer: format!("{} {}{key}: {}", share.path, share.provider, share.payer),
            cost: cost_words(share),
        }
    };
    report::shares(&ending.legs).iter().map(of).collect()
}
