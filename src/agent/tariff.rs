//! From tokens to the cost of a call on a route: list price, markup, the gateway's own figure, and how sure it is.

use crate::base::money::{Rate, Usd};
use crate::catalog::price::Price;
use crate::domain::cost::{Certainty, Charge, Cost};
use crate::domain::path::PayPath;
use crate::domain::request::{Partial, ReportedCost};
use crate::domain::route::Route;
use crate::domain::usage::Usage;

use super::hold::HoldPrices;

/// How a route's calls are charged.
#[derive(Clone, Debug)]
pub struct Tariff {
    pub charge: Charge,
    pub price: Option<Price>,
    pub markup: Rate,
    /// A gateway's own figure is looked for; without one its cost is an estimate from the tables.
    pub gateway: bool,
}

impl Tariff {
    #[must_use]
    pub fn of(route: &Route, price: Option<Price>) -> Self {
        let charge = charge_of(route);
        let gateway = route.path == PayPath::Platform && !route.rehearsed && !route.flat;
        Self { charge, price, markup: route.markup, gateway }
    }

    /// The dearest prices a call of this prompt can be charged at; `None` where nothing is held.
    #[must_use]
    pub fn hold_prices(&self, prompt_at_most: u64) -> Option<HoldPrices> {
        let price = self.price.as_ref()?;
        let (input, output) = price.dearest(prompt_at_most);
        Some(HoldPrices { input, output, markup: self.markup })
    }

    /// The computed charge: list price and markup.
    #[must_use]
    pub fn computed(&self, usage: &Usage) -> Option<Usd> {
        self.price.as_ref().map(|price| price.list_cost(usage).plus_rate(self.markup))
    }

    /// The cost of a whole answer.
    #[must_use]
    pub fn cost(&self, usage: &Usage, reported: Option<ReportedCost>, usage_reported: bool) -> Cost {
        let list = self.price.as_ref().map(|price| price.list_cost(usage));
        if self.charge != Charge::Billed {
            let billed = reported.map_or(Usd::ZERO, |reported| reported.cost);
            // A free answer that reports a cost is a contradiction: somebody was charged, and budgets count it.
            let is_paid = self.charge == Charge::Free && billed > Usd::ZERO;
            let charge = if is_paid { Charge::Billed } else { self.charge };
            return Cost { charge, certainty: Certainty::Exact, billed: Some(billed), list };
        }
        // A negative figure is no figure: the tables stand, and the row says that it is an estimate.
        let own = reported.map(|reported| reported.cost).filter(|cost| self.gateway && !cost.is_negative());
        let billed = own.or_else(|| self.computed(usage));
        let certainty = match (billed, own) {
            (None, _) => Certainty::Unknown,
            (Some(_), Some(_)) => Certainty::Exact,
            (Some(_), None) if usage_reported && !self.gateway => Certainty::Exact,
            (Some(_), None) => Certainty::Estimated,
        };
        Cost { charge: self.charge, certainty, billed, list }
    }

    /// The cost of an answer that ended early: the input, and the greater of reported and received output.
    #[must_use]
    pub fn partial_cost(&self, partial: &Partial, prompt_estimate: u64) -> (Usage, Cost) {
        let usage = likely_usage(partial, prompt_estimate);
        let mut cost = self.cost(&usage, None, false);
        cost.certainty = cost.certainty.max(Certainty::Estimated);
        (usage, cost)
    }
}

/// Who is charged for a call under this route, if all goes as it says.
#[must_use]
pub const fn charge_of(route: &Route) -> Charge {
    match route.path {
        _ if route.rehearsed => Charge::Rehearsed,
        PayPath::Platform if route.flat => Charge::Covered,
        PayPath::Byok | PayPath::Platform => Charge::Billed,
        PayPath::Subscription => Charge::Covered,
        PayPath::Free => Charge::Free,
    }
}

/// Fills in what an early end left unreported: the prompt as estimated, four characters a token of output.
#[must_use]
pub fn likely_usage(partial: &Partial, prompt_estimate: u64) -> Usage {
    let mut usage = partial.usage;
    if usage.prompt() == 0 {
        usage.input = prompt_estimate;
    }
    usage.output = usage.output.max(partial.received_chars.div_ceil(4));
    usage
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::price::Rates;
    use jiff::civil::date;

    fn tariff(charge: Charge, markup: &str, gateway: bool) -> Tariff {
        let rates = Rates {
            input: "2".parse().unwrap(),
            output: "10".parse().unwrap(),
            cache_read: "0.10".parse().unwrap(),
            cache_write_5m: "2.50".parse().unwrap(),
            cache_write_1h: "4".parse().unwrap(),
        };
        let (source, hash) = (String::new(), String::new());
        let price = Price { rates, long: None, from: None, source, as_of: date(2026, 11, 24), own: true, hash };
        Tariff { charge, price: Some(price), markup: markup.parse().unwrap(), gateway }
    }

    fn usage(input: u64, output: u64) -> Usage {
        Usage { input, output, ..Usage::default() }
    }

    #[test]
    fn the_gateways_own_figure_wins_and_a_negative_one_does_not() {
        let tariff = tariff(Charge::Billed, "8%", true);
        let reported = |cents| Some(ReportedCost { cost: Usd::from_cents(cents), is_byok: None });
        let tokens = usage(1_000_000, 0);
        let cost = tariff.cost(&tokens, reported(215), true);
        assert_eq!((cost.billed, cost.certainty), (Some(Usd::from_cents(215)), Certainty::Exact));
        assert_eq!(cost.list, Some(Usd::from_cents(200)));
        let cost = tariff.cost(&tokens, reported(-5), true);
        assert_eq!((cost.billed, cost.certainty), (Some(Usd::from_cents(216)), Certainty::Estimated));
    }

    #[test]
    fn without_a_price_the_cost_is_unknown_and_never_zero() {
        let tariff = Tariff { price: None, ..tariff(Charge::Billed, "0%", false) };
        let cost = tariff.cost(&usage(10, 10), None, true);
        assert_eq!((cost.billed, cost.list, cost.certainty), (None, None, Certainty::Unknown));
        let (_, cost) = tariff.partial_cost(&Partial::default(), 10);
        assert_eq!(cost.certainty, Certainty::Unknown);
    }

    #[test]
    fn an_early_end_costs_its_input_and_what_was_received() {
        let tariff = tariff(Charge::Billed, "0%", false);
        let partial = Partial { received_chars: 4_000, ..Partial::default() };
        let (usage, cost) = tariff.partial_cost(&partial, 500_000);
        assert_eq!((usage.input, usage.output), (500_000, 1_000));
        assert_eq!((cost.billed, cost.certainty), (Some(Usd::from_cents(101)), Certainty::Estimated));
    }

    #[test]
    fn a_plan_shows_the_list_value_beside_nothing_charged() {
        let cost = tariff(Charge::Covered, "0%", false).cost(&usage(1_000_000, 0), None, true);
        assert_eq!((cost.billed, cost.list), (Some(Usd::ZERO), Some(Usd::from_cents(200))));
    }
}
