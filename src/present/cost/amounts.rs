//! Amounts, states and moments as words of a cell.

use crate::base::money::Places;
use crate::domain::cost::CostState;
use crate::ledger::query::{Amount, Spend};

/// The decimals of what was charged in several sums, so that they add up as they are read.
pub(super) fn charged_places<'a>(spends: impl IntoIterator<Item = &'a Spend>) -> Places {
    Places::of(spends.into_iter().flat_map(|spend| [spend.charged().known, spend.billed, spend.estimated]))
}

/// The same for list values.
pub(super) fn list_places<'a>(spends: impl IntoIterator<Item = &'a Spend>) -> Places {
    let values = |spend: &'a Spend| {
        [spend.list, spend.covered_list, spend.free_list, spend.unknown_list].map(|amount| amount.known)
    };
    Places::of(spends.into_iter().flat_map(values))
}

/// What accounts were charged: `$1.24`, `~$1.24` where a part is estimated, `>= $1.24` or `?` where one is unknown.
pub(super) fn charged(spend: &Spend, places: Places) -> String {
    let amount = spend.charged();
    if amount.unknown_calls > 0 {
        return at_least(amount, places);
    }
    let about = if spend.counts.estimated > 0 { "~" } else { "" };
    format!("{about}{}", places.show(amount.known))
}

/// A sum of which a part may be unknown.
pub(super) fn at_least(amount: Amount, places: Places) -> String {
    match (amount.unknown_calls, amount.known.is_zero()) {
        (0, _) => places.show(amount.known),
        (_, true) => "?".to_owned(),
        (_, false) => format!(">= {}", places.show(amount.known)),
    }
}

/// Every state that some call of a group is in, the one that decides first: `unknown, billed`.
pub(super) fn states(spend: &Spend, otherwise: CostState) -> String {
    let c = &spend.counts;
    let words: Vec<&str> = [
        (c.unknown, CostState::Unknown),
        (c.estimated, CostState::Estimated),
        (c.billed, CostState::Billed),
        (c.covered, CostState::Covered),
        (c.free, CostState::Free),
        (c.rehearsed, CostState::Rehearsed),
    ]
    .into_iter()
    .filter_map(|(calls, state)| (calls > 0).then_some(state.as_str()))
    .collect();
    if words.is_empty() { otherwise.as_str().to_owned() } else { words.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::money::Usd;
    use crate::domain::usage::Usage;

    #[test]
    fn an_unknown_part_is_never_nothing() {
        let spend = |state, cents| Spend::of(state, 1, Usage::default(), Usd::from_cents(cents), Usd::ZERO, 0);
        let charged = |spend: &Spend| charged(spend, charged_places([spend]));
        let (billed, unknown) = (spend(CostState::Billed, 40), spend(CostState::Unknown, 0));
        assert_eq!(charged(&billed), "$0.40");
        assert_eq!(charged(&unknown), "?");
        assert_eq!(charged(&(billed + unknown)), ">= $0.40");
        assert_eq!(charged(&(billed + spend(CostState::Estimated, 2))), "~$0.42");
        assert_eq!(charged(&spend(CostState::Covered, 0)), "$0.00");
        assert_eq!(states(&(billed + unknown), CostState::Billed), "unknown, billed");
    }
}
