//! What a task will likely cost under a route: the tokens of comparable tasks of this project at the route's price.
//! Who paid for them then does not matter, and neither does what they were charged. Pure, without floats.

use crate::base::money::{Rate, Usd};
use crate::catalog::Price;
use crate::domain::estimate::{Estimate, PastTask, Score, Span};
use crate::domain::usage::Usage;

/// Fewer tasks than these are no history.
pub const ENOUGH: usize = 5;

/// What the route charges for tokens.
#[derive(Clone, Copy, Debug)]
pub enum Charging<'a> {
    /// Nothing by the token: free models, plans.
    Nothing,
    List {
        price: &'a Price,
        markup: Rate,
    },
}

/// The estimate for a task with `model`, from the project's past tasks, the oldest first; `None` before there are
/// five. Those of the same model come first, then vk's own with any, then sessions of other tools as well.
#[must_use]
pub fn estimate(past: &[PastTask], model: &str, charging: Charging<'_>) -> Option<Estimate> {
    let (tasks, basis) = comparable(past, model)?;
    let costs: Vec<Usd> = tasks.iter().map(|task| cost(task, charging)).collect();
    let tokens: Vec<u64> = tasks.iter().map(|task| task.calls.iter().map(all_tokens).sum()).collect();
    let seconds: Vec<u64> = tasks.iter().map(|task| task.seconds).collect();
    let kept = match charging {
        Charging::Nothing => score(&tokens),
        Charging::List { .. } => score(&costs),
    };
    let span = |mut values: Vec<u64>| {
        values.sort_unstable();
        Span { p50: at(&values, 50), p90: at(&values, 90) }
    };
    let mut sorted = costs;
    sorted.sort_unstable();
    Some(Estimate {
        p50: at(&sorted, 50),
        p90: at(&sorted, 90),
        basis,
        tokens: span(tokens),
        seconds: span(seconds),
        kept,
    })
}

fn comparable<'p>(past: &'p [PastTask], model: &str) -> Option<(Vec<&'p PastTask>, String)> {
    let own: Vec<&PastTask> = past.iter().filter(|task| task.own).collect();
    let same: Vec<&PastTask> = own.iter().copied().filter(|task| task.model == model).collect();
    let (all, sessions) = (past.iter().collect::<Vec<_>>(), past.len() - own.len());
    if same.len() >= ENOUGH {
        let basis = format!("{} tasks in this project with {model}", same.len());
        Some((same, basis))
    } else if own.len() >= ENOUGH {
        let basis = format!("{} tasks in this project", own.len());
        Some((own, basis))
    } else if all.len() >= ENOUGH {
        let sessions = format!("{sessions} imported {}", if sessions == 1 { "session" } else { "sessions" });
        let basis = match own.len() {
            0 => format!("{sessions} of this project"),
            1 => format!("1 task and {sessions} of this project"),
            tasks => format!("{tasks} tasks and {sessions} of this project"),
        };
        Some((all, basis))
    } else {
        None
    }
}

fn cost(task: &PastTask, charging: Charging<'_>) -> Usd {
    match charging {
        Charging::Nothing => Usd::ZERO,
        Charging::List { price, markup } => task.calls.iter().map(|call| price.list_cost(call).plus_rate(markup)).sum(),
    }
}

fn all_tokens(usage: &Usage) -> u64 {
    usage.prompt().saturating_add(usage.output)
}

/// The smallest value that so many percent of them do not pass (nearest rank).
fn at<T: Copy>(sorted: &[T], percent: usize) -> T {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted[rank.min(sorted.len()) - 1]
}

/// Each value that had enough before it, against the higher figure of those alone.
fn score<T: Copy + Ord>(values: &[T]) -> Score {
    let mut before: Vec<T> = Vec::new();
    let mut score = Score { within: 0, of: 0 };
    for value in values {
        if before.len() >= ENOUGH {
            score.of += 1;
            score.within += u64::from(*value <= at(&before, 90));
        }
        let place = before.partition_point(|known| known <= value);
        before.insert(place, *value);
    }
    score
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::money::TokenPrice;
    use crate::catalog::price::Rates;
    use jiff::civil::date;

    fn past(model: &str, own: bool, thousands: u64) -> PastTask {
        let call = Usage { output: thousands * 1_000, ..Usage::default() };
        PastTask { model: model.to_owned(), own, seconds: thousands * 60, calls: vec![call] }
    }

    /// A cent for a thousand tokens of output.
    fn price() -> Price {
        let (none, output) = (TokenPrice::ZERO, "10".parse().unwrap());
        let rates = Rates { input: none, output, cache_read: none, cache_write_5m: none, cache_write_1h: none };
        Price::new(rates, None, None, "test", date(2026, 11, 24))
    }

    fn made(past: &[PastTask]) -> Option<Estimate> {
        let price = price();
        estimate(past, "m", Charging::List { price: &price, markup: Rate::ZERO })
    }

    #[test]
    fn before_five_there_is_nothing_to_say() {
        let four: Vec<PastTask> = (1..=4).map(|n| past("m", true, n)).collect();
        assert_eq!(made(&four), None);
        let mut five = four.clone();
        five.push(past("n", false, 5));
        let estimate = made(&five).unwrap();
        assert_eq!(estimate.basis, "4 tasks and 1 imported session of this project");
        assert_eq!((estimate.p50, estimate.p90), (Usd::from_cents(3), Usd::from_cents(5)));
    }

    #[test]
    fn the_nearest_tasks_are_taken_and_the_figures_are_their_ranks() {
        let mut tasks: Vec<PastTask> = (1..=10).map(|n| past("m", true, n)).collect();
        tasks.push(past("other", true, 900));
        tasks.push(past("m", false, 900));
        let estimate = made(&tasks).unwrap();
        assert_eq!((estimate.p50, estimate.p90), (Usd::from_cents(5), Usd::from_cents(9)));
        // Each of the last five is the dearest so far.
        assert_eq!(estimate.kept, Score { within: 0, of: 5 });
        insta::assert_snapshot!(estimate, @"usually $0.05, 9 in 10 within $0.09 · 5,000 to 9,000 tokens · 5 to 9 min · from 10 tasks in this project with m; so far 0 of 5 kept within it");
        tasks.reverse();
        assert_eq!(made(&tasks).unwrap().kept, Score { within: 5, of: 5 });
        let other: Vec<PastTask> = tasks.into_iter().map(|task| PastTask { model: "x".into(), ..task }).collect();
        assert_eq!(made(&other).unwrap().basis, "11 tasks in this project");
    }

    #[test]
    fn what_charges_nothing_is_estimated_at_nothing_and_scored_by_its_tokens() {
        let tasks: Vec<PastTask> = (1..=7).map(|n| past("m", true, n)).collect();
        let estimate = estimate(&tasks, "m", Charging::Nothing).unwrap();
        assert_eq!((estimate.p90, estimate.tokens.p90, estimate.kept), (Usd::ZERO, 7_000, Score { within: 0, of: 2 }));
    }

    #[test]
    fn a_gateways_markup_is_part_of_it() {
        let (tasks, price): (Vec<PastTask>, Price) = ((0..5).map(|_| past("m", true, 100)).collect(), price());
        let charging = Charging::List { price: &price, markup: "10%".parse().unwrap() };
        assert_eq!(estimate(&tasks, "m", charging).unwrap().p50, Usd::from_cents(110));
    }
}
