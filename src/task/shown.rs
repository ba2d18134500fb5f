//! What is shown of a task before anything is sent, and of its budgets after: who pays, which model runs, what is left.

use super::forecast::History;
use super::prepare::Known;
use super::report::Leg;
use super::standing::Standings;
use crate::domain::estimate::Estimate;
use crate::domain::event::{BudgetAlert, Event, RouteResolved};
use crate::domain::failure::Failure;
use crate::domain::route::Route;
use crate::domain::ui::Ui;
use crate::ledger::Ledger;

/// Shows the route of a task that begins. After this line the payer does not change without an edge of the user's.
///
/// # Errors
/// A ledger that cannot be read: nothing may be spent then.
pub(super) fn route(known: &Known, ledger: &Ledger, route: &Route, task_id: &str, ui: &dyn Ui) -> Result<(), Failure> {
    let standings = known.standings_in(ledger, route, task_id)?;
    let estimate = History::read(ledger, known)?.estimate(known, route);
    tell(route, Some(task_id), &standings, estimate, ui);
    Ok(())
}

/// Shows the route of a task that is not run.
pub(super) fn only_looked_at(known: &Known, route: &Route, ui: &dyn Ui) {
    let (standings, note) = known.standings(route);
    let ledger = known.ledger().ok().flatten();
    let history = ledger.and_then(|ledger| History::read(ledger, known).ok());
    tell(route, None, &standings, history.and_then(|history| history.estimate(known, route)), ui);
    if let Some(note) = note {
        ui.say(&note);
    }
}

/// The budgets of every payer that was asked, where half or more is used.
///
/// # Errors
/// What the ledger answered.
pub(super) fn alerts(known: &Known, ledger: &Ledger, legs: &[Leg], task_id: &str) -> Result<Vec<BudgetAlert>, Failure> {
    let mut all = Standings::default();
    for leg in legs {
        all.join(known.standings_in(ledger, &leg.route, task_id)?);
    }
    Ok(all.alerts())
}

fn tell(route: &Route, task_id: Option<&str>, standings: &Standings, estimate: Option<Estimate>, ui: &dyn Ui) {
    ui.event(&Event::RouteResolved(Box::new(resolved(route, task_id, standings, estimate))));
}

/// The route with its budgets as it is told.
pub(super) fn resolved(
    route: &Route,
    task_id: Option<&str>,
    standings: &Standings,
    estimate: Option<Estimate>,
) -> RouteResolved {
    let route = &Route { cap: standings.task_cap().or(route.cap), ..route.clone() };
    let alerts = standings.alerts().into_iter().map(|alert| alert.to_string());
    RouteResolved {
        task_id: task_id.map(str::to_owned),
        path: route.path.to_string(),
        provider: route.provider.clone(),
        model: route.model.clone(),
        engine: route.engine.as_str().to_owned(),
        key_label: route.credential.label(),
        key_fingerprint: route.credential.fingerprint().map(str::to_owned),
        payer: route.payer.clone(),
        extra_usage: route.told_overage(),
        cap_usd: route.cap,
        sources: route.steps.clone(),
        ignored_ambient: route.ignored_ambient.clone(),
        warnings: route.warnings.iter().cloned().chain(alerts).collect(),
        estimate_usd: estimate,
        line: [route.line()].into_iter().chain(standings.left()).collect::<Vec<_>>().join(" · "),
    }
}
