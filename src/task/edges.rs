//! Whether a failed payer may be followed by another: only along an edge that the user wrote, only as written. Pure.

use crate::base::money::Usd;
use crate::config::{Allow, Edge, EdgeTarget, Payer, Source, Sourced};
use crate::domain::failure::{Failure, Status};
use crate::domain::path::PayPath;
use crate::domain::route::Route;

/// A change of payer that the user's own edge allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub to: Payer,
    pub allow: Allow,
    /// Where it was written.
    pub source: Source,
    /// The edge as it was written, and where.
    pub shown: String,
}

/// The first edge that leads away from `route` after `failure`. Only a payer that cannot pay and a provider that
/// stays out of reach may be followed by another; a wrong key, a budget, a contradiction end the task.
#[must_use]
pub fn after(failure: &Failure, route: &Route, edges: &[Sourced<Edge>]) -> Option<Step> {
    if !matches!(failure.status, Status::PayerBlocked | Status::ProviderFailed) {
        return None;
    }
    edges.iter().find_map(|edge| {
        let EdgeTarget::Payer(to) = &edge.value.to else { return None };
        leads_from(&edge.value.from, route).then(|| Step {
            to: to.clone(),
            allow: edge.value.allow,
            source: edge.source.clone(),
            shown: format!("{} ({})", edge.value, edge.source),
        })
    })
}

/// What the user's edge allows once the plan of `route` goes on as paid extra usage, and the edge as it was written.
#[must_use]
pub fn overage(route: &Route, edges: &[Sourced<Edge>]) -> Option<(Allow, String)> {
    let edge = edges.iter().find(|edge| edge.value.to == EdgeTarget::Overage && leads_from(&edge.value.from, route))?;
    Some((edge.value.allow, format!("{} ({})", edge.value, edge.source)))
}

/// The plans that edges may lead to from `route`, over other payers too, each with the edge that does.
pub fn plans_after<'e>(
    route: &Route,
    edges: &'e [Sourced<Edge>],
) -> impl Iterator<Item = (&'e Payer, &'e Sourced<Edge>)> {
    let mut reached: Vec<(&Payer, &Sourced<Edge>)> = Vec::new();
    loop {
        let before = reached.len();
        for edge in edges {
            let from = &edge.value.from;
            let EdgeTarget::Payer(to) = &edge.value.to else { continue };
            let is_of = |payer: &Payer| {
                payer.path == from.path
                    && payer.provider == from.provider
                    && (from.key.is_none() || payer.key.is_none() || from.key == payer.key)
            };
            let leads = leads_from(from, route) || reached.iter().any(|(payer, _)| is_of(payer));
            if leads && !reached.iter().any(|(payer, _)| *payer == to) {
                reached.push((to, edge));
            }
        }
        if reached.len() == before {
            return reached.into_iter().filter(|(payer, _)| payer.path == PayPath::Subscription);
        }
    }
}

fn leads_from(from: &Payer, route: &Route) -> bool {
    from.is(route.path, &route.provider, &route.credential)
}

/// The cap of the whole task once the edge is taken: what is spent so far and what the edge allows, and never more
/// than the task's own cap.
#[must_use]
pub fn cap_after(cap: Option<Usd>, spent: Usd, allow: Allow) -> Option<Usd> {
    match allow {
        Allow::Ask => cap,
        Allow::UpTo(most) => Some(cap.map_or(spent + most, |cap| cap.min(spent + most))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_dollars_never_raise_the_tasks_cap() {
        let usd = Usd::from_cents;
        assert_eq!(cap_after(Some(usd(500)), usd(100), Allow::UpTo(usd(200))), Some(usd(300)));
        assert_eq!(cap_after(Some(usd(250)), usd(100), Allow::UpTo(usd(200))), Some(usd(250)));
        assert_eq!(cap_after(None, usd(0), Allow::UpTo(usd(200))), Some(usd(200)));
        assert_eq!(cap_after(Some(usd(500)), usd(100), Allow::Ask), Some(usd(500)));
    }
}
