//! Where the budgets of a task stand: for the route line before it, and for its summary after.

use jiff::Timestamp;

use super::caps::{self, Here};
use crate::base::money::Usd;
use crate::config::Budgets;
use crate::domain::event::BudgetAlert;
use crate::domain::route::Route;
use crate::ledger::{Cap, Ledger, LedgerError, Scope, ScopeKind, Standing};

/// A part of a budget, in percent, from which people are told of it. That it is 80 % or all of it shows in the figure.
const ALERT_FROM: u64 = 50;

/// The budgets of a task at one moment, the ledger's own among them.
#[derive(Clone, Debug, Default)]
pub struct Standings(Vec<(Cap, Standing)>);

impl Standings {
    /// Reads them. Without a ledger nothing is spent yet.
    ///
    /// # Errors
    /// What the ledger answered.
    pub fn read(
        ledger: Option<&Ledger>,
        budgets: &Budgets,
        route: &Route,
        here: Here<'_>,
        task_id: &str,
        now: Timestamp,
    ) -> Result<Self, LedgerError> {
        let mut all = caps::of_task(budgets, route, here, task_id);
        if let Some(ledger) = ledger.filter(|_| route.is_billed()) {
            all.extend(caps::of_ledger(&ledger.team_budgets()?, task_id));
        }
        let scopes: Vec<Scope> = all.iter().map(|cap| cap.scope.clone()).collect();
        let standings = match ledger {
            Some(ledger) => ledger.standing(&scopes, now)?,
            None => scopes.into_iter().map(Standing::untouched).collect(),
        };
        Ok(Self(all.into_iter().zip(standings).collect()))
    }

    /// What the task stops at: its own cap, or a lower one that the ledger keeps.
    #[must_use]
    pub fn task_cap(&self) -> Option<Usd> {
        self.0.iter().filter(|(cap, _)| cap.scope.kind == ScopeKind::Task).map(|(cap, _)| cap.scope.limit).min()
    }

    /// What the tightest window has left, as the route line says it: `$12.40 of $20.00 left today in all projects`.
    #[must_use]
    pub fn left(&self) -> Option<String> {
        let windows = self.0.iter().filter(|(cap, _)| cap.scope.window.is_some());
        let (cap, standing) = windows.min_by_key(|(_, standing)| standing.available())?;
        let left = standing.available().max(Usd::ZERO);
        Some(format!("{left} of {} left {}", cap.scope.limit, cap.words()))
    }

    /// The budgets of which half or more is used, the fullest first.
    #[must_use]
    pub fn alerts(&self) -> Vec<BudgetAlert> {
        let mut alerts: Vec<BudgetAlert> = self.0.iter().filter_map(|(cap, standing)| alert(cap, standing)).collect();
        alerts.sort_by_key(|alert| std::cmp::Reverse(alert.percent));
        alerts
    }

    /// Adds the budgets of another route that are not among these: a task that changed its payer has both.
    pub fn join(&mut self, other: Self) {
        for (cap, standing) in other.0 {
            if !self.0.iter().any(|(known, _)| known.scope == cap.scope) {
                self.0.push((cap, standing));
            }
        }
    }
}

fn alert(cap: &Cap, standing: &Standing) -> Option<BudgetAlert> {
    let used = standing.used();
    let percent = percent(used, cap.scope.limit);
    (percent >= ALERT_FROM).then(|| BudgetAlert {
        budget: cap.words(),
        percent,
        used_usd: used,
        limit_usd: cap.scope.limit,
        source: cap.source.clone(),
    })
}

/// The part that is used, rounded down; a budget of nothing is used up.
#[must_use]
pub fn percent(used: Usd, limit: Usd) -> u64 {
    let used = i128::from(used.nanos().max(0)) * 100;
    match i128::from(limit.nanos()) {
        limit if limit > 0 => u64::try_from(used / limit).unwrap_or(u64::MAX),
        _ => 100,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_rounded_down_and_nothing_of_nothing_is_all() {
        let usd = Usd::from_cents;
        for (used, limit, expected) in
            [(0, 100, 0), (49, 100, 49), (799, 1_000, 79), (800, 1_000, 80), (130, 100, 130), (0, 0, 100), (-5, 100, 0)]
        {
            assert_eq!(percent(usd(used), usd(limit)), expected, "{used} of {limit}");
        }
        assert_eq!(percent(Usd::MAX, Usd::from_nanos(1)), u64::MAX);
    }
}
