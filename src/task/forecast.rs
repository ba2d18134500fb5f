//! The likely cost of a task under a route, from what this project's tasks used before.

use super::prepare::Known;
use crate::base::clock;
use crate::domain::estimate::{Estimate, PastTask};
use crate::domain::route::Route;
use crate::ledger::{Ledger, LedgerError};
use crate::routing::{self, Charging, PathRow};

/// This project's past tasks; sessions of other tools only where vk's own are too few.
pub struct History(Vec<PastTask>);

impl History {
    /// # Errors
    /// What the ledger answered.
    pub fn read(ledger: &Ledger, known: &Known) -> Result<Self, LedgerError> {
        let folder = known.here().dir;
        let mut tasks = ledger.past_tasks(folder, false)?;
        if tasks.len() < routing::ENOUGH_TASKS {
            tasks.splice(0..0, ledger.past_tasks(folder, true)?);
        }
        Ok(Self(tasks))
    }

    /// The likely cost under this route; `None` before five tasks, and where the model has no price.
    #[must_use]
    pub fn estimate(&self, known: &Known, route: &Route) -> Option<Estimate> {
        if !route.is_billed() {
            return routing::estimate(&self.0, &route.model, Charging::Nothing);
        }
        let settings = &known.loaded.settings;
        let price = routing::list_price(settings, &known.catalog, &route.provider, &route.model, clock::now())?;
        routing::estimate(&self.0, &route.model, Charging::List { price: &price, markup: route.markup })
    }

    /// Writes what a task would likely cost beside every path that could run it.
    pub fn fill(&self, rows: &mut [PathRow], known: &Known) {
        for row in rows {
            row.estimate_usd = row.route.as_ref().and_then(|route| self.estimate(known, route));
        }
    }
}
