//! Before the first task: everything that every task would stop at is found here, and who pays for all of them is
//! decided and shown once. Nothing is sent.

use std::sync::Arc;

use super::Wish;
use super::line::{self, Line};
use super::seat::Nobody;
use crate::base::clock;
use crate::base::env::Env;
use crate::base::money::Usd;
use crate::catalog::Price;
use crate::config::{self, Flags, Source, Sourced};
use crate::domain::event::RouteResolved;
use crate::domain::failure::{Failure, Status};
use crate::domain::route::Route;
use crate::domain::ui::Ui;
use crate::ledger::{Cap, Ledger, Raise, Scope, Standing};
use crate::net::http::Client;
use crate::routing;
use crate::task::again;
use crate::task::engines;
use crate::task::forecast::History;
use crate::task::free;
use crate::task::order::{Dirty, Membership, Order, Payer};
use crate::task::prepare::{self, Known};
use crate::task::setup;
use crate::task::shown;
use crate::task::workplace::Workplace;

/// What stands before the first task.
pub(super) struct Ready {
    pub(super) ledger: Ledger,
    pub(super) route: RouteResolved,
    pub(super) models: Vec<String>,
    /// What the tasks share.
    pub(super) membership: Membership,
    /// Whether uncommitted changes come along into every worktree.
    pub(super) dirty: Dirty,
    /// What the tasks may cost together, each by its own cap.
    pub(super) caps: Option<Usd>,
    /// What the batch has spent under its cap.
    pub(super) spent: Usd,
    /// The line without what only a batch has.
    pub(super) line: String,
    /// Whether the terminal's bell rings at the end.
    pub(super) bell: bool,
}

/// # Errors
/// What every task would end with, and lines of the file that cannot be routed.
pub(super) async fn ready(
    wish: &Wish,
    batch_id: &str,
    tasks: &[&Line],
    env: &Env,
    ui: &Arc<dyn Ui>,
) -> Result<Ready, Failure> {
    let order = &wish.order;
    let mut known = Known::read(env, &order.flags, ui)?;
    known.loaded.settings.builtin = order.engine.as_deref() == Some("builtin");
    for warning in &known.loaded.warnings {
        ui.say(warning);
    }
    config::trust::obtain(&mut known.loaded, order.trust.as_deref(), ui.as_ref())?;
    let client = Client::new(env)?;
    let first = tasks.first().map(|line| line.task.clone()).unwrap_or_default();
    let first = Order { task: first, ..order.clone() };
    free::discover::for_task(&client, &mut known, &first, ui.as_ref()).await?;
    let (route, _) = free::consent::decided(&mut known, &first.task, ui.as_ref())
        .map_err(|failure| prepare::typed_again(failure, &order.flags, "vk run ", " \"...\""))?;
    let routed = routes(wish, tasks, &known, &route)?;
    setup::check_approvals(order, &Nobody)?;
    let place = Workplace::decide(env, &known, &first, None, "t", ui.as_ref())?;
    let ledger = known.open_ledger()?;
    let (cap, spent) = cap(wish, batch_id, &ledger, &route)?;
    if !order.dry_run {
        prepare::secret(env, &known, &route.provider, &route.base_url, &route.credential)?;
    }
    if let Some(note) = client.proxy_note() {
        ui.say(&note);
    }
    let standings = known.standings_in(&ledger, &route, "")?;
    let estimate = History::read(&ledger, &known)?.estimate(&known, &route);
    let caps = routed.iter().map(|routed| routed.cap).collect::<Option<Vec<Usd>>>();
    let mut models: Vec<String> = routed.into_iter().map(|routed| routed.model).collect();
    models.sort();
    models.dedup();
    let shown = Route { cap: None, model: models.join(", "), ..route.clone() };
    Ok(Ready {
        line: [shown.line()].into_iter().chain(standings.left()).collect::<Vec<_>>().join(" · "),
        route: shown::resolved(&route, None, &standings, estimate),
        ledger,
        models,
        membership: Membership { batch_id: batch_id.to_owned(), cap, payer: Payer::of(&route) },
        dirty: if place.carries() { Dirty::Carry } else { Dirty::Leave },
        bell: known.loaded.settings.bell.value,
        caps: caps.map(|caps| caps.into_iter().sum()),
        spent,
    })
}

/// The route of one task.
struct Routed {
    model: String,
    cap: Option<Usd>,
}

/// The routes of all tasks: each has a model that is offered and an engine that holds what it asks for, and none is
/// paid by another account than the first.
fn routes(wish: &Wish, tasks: &[&Line], known: &Known, first: &Route) -> Result<Vec<Routed>, Failure> {
    let (mut all, mut wrong) = (Vec::new(), Vec::new());
    let mut failed = None;
    for line in tasks {
        let order = wish.order_of(line);
        let routed = route_of(line, known).and_then(|(route, _)| {
            // What is asked of the whole batch is asked of each.
            let mut asked = order.clone();
            if wish.cap.is_some() {
                asked.flags.max_cost = Some(String::new());
            }
            engines::check(&asked, known, &route)?;
            Ok(route)
        });
        match routed {
            Ok(route) if route.path != first.path || Payer::of(&route) != Payer::of(first) => {
                wrong.push((line.number, format!("its model is paid by another account: {}", route.line())));
            }
            Ok(route) => match (line.max_cost, route.cap) {
                (Some(own), Some(cap)) if own > cap => {
                    let why = format!("max_cost is {own}, and a task may cost {cap} here (--max-task-cost raises it)");
                    wrong.push((line.number, why));
                }
                (own, cap) => all.push(Routed { model: route.model, cap: own.filter(|_| cap.is_some()).or(cap) }),
            },
            // What is not of the line is of the whole batch.
            Err(failure) if line.model.is_none() => return Err(failure),
            Err(failure) => {
                wrong.push((line.number, failure.message()));
                failed.get_or_insert(failure);
            }
        }
    }
    if wrong.is_empty() {
        return Ok(all);
    }
    let refused = line::refused(&wish.file, &wrong);
    Err(failed.map_or(refused.clone(), |failure| Failure { status: failure.status, ..refused }))
}

fn route_of(line: &Line, known: &Known) -> Result<(Route, Option<Price>), Failure> {
    let Some(model) = &line.model else { return known.decide(Some(&line.task)) };
    let mut settings = known.loaded.settings.clone();
    settings.model = Some(Sourced::new(model.clone(), Source::Flag("--model")));
    settings.models.clear();
    known.with_facts(&settings, Some(&line.task), |facts| {
        let route = routing::decide(facts)?;
        let price = routing::list_price(&settings, facts.catalog, &route.provider, &route.model, facts.now);
        Ok((route, price))
    })
}

/// The cap of the whole batch, and what it has spent under it in earlier starts.
fn cap(wish: &Wish, batch_id: &str, ledger: &Ledger, route: &Route) -> Result<(Option<Cap>, Usd), Failure> {
    let scope = Scope::batch(batch_id, wish.cap.unwrap_or(Usd::MAX));
    let now = clock::now();
    ledger.expire(now)?;
    let standing = ledger.standing(std::slice::from_ref(&scope), now)?.into_iter().next();
    let used = standing.as_ref().map_or(Usd::ZERO, Standing::used);
    let Some(limit) = wish.cap.filter(|_| route.is_billed()) else { return Ok((None, used)) };
    let command = again::batch(&wish.order, &wish.typed, "");
    if standing.is_some_and(|standing| standing.without_live() <= Usd::ZERO) {
        let enough = Usd::from_nanos(used.nanos().max(limit.nanos()).saturating_mul(2)).max(Usd::from_cents(100));
        return Err(Failure::new(Status::Budget, "batch_budget_spent", "the budget of this batch is used up")
            .why(format!("{used} of {limit} is spent by batch {batch_id} (--max-cost)"))
            .fix(format!("{command} --max-cost {}", enough.exact())));
    }
    let raise = Raise::Batch(command);
    Ok((Some(Cap { scope, whose: String::new(), source: "--max-cost".to_owned(), raise }), used))
}

/// The flags of one task: the command's, and what its line says.
pub(super) fn flags(common: &Flags, line: &Line) -> Flags {
    Flags {
        model: line.model.clone().or_else(|| common.model.clone()),
        max_cost: line.max_cost.map(Usd::exact).or_else(|| common.max_cost.clone()),
        checks: line.checks.clone().unwrap_or_else(|| common.checks.clone()),
        ..common.clone()
    }
}
