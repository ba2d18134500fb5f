//! Amounts, states and moments as words of a cell.

use crate::domain::cost::CostState;
use crate::ledger::query::{Amount, Spend};

/// What accounts were charged: `$1.24`, `~$1.24` where a part is estimated, `>= $1.24` or `?` where one is unknown.
pub(super) fn charged(spend: &Spend) -> String {
    let amount = spend.charged();
    if amount.unknown_calls > 0 {
        return at_least(amount);
    }
    let about = if spend.counts.estimated > 0 { "~" } else { "" };
    format!("{about}{}", amount.known)
}

/// A sum of which a part may be unknown.
pub(super) fn at_least(amount: Amount) -> String {
    match (amount.unknown_calls, amount.known.is_zero()) {
        (0, _) => amount.known.to_string(),
        (_, true) => "?".to_owned(),
        (_, false) => format!(">= {}", amount.known),
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
        let (billed, unknown) = (spend(CostState::Billed, 40), spend(CostState::Unknown, 0));
        assert_eq!(charged(&billed), "$0.40");
        assert_eq!(charged(&unknown), "?");
        assert_eq!(charged(&(billed + unknown)), ">= $0.40");
        assert_eq!(charged(&(billed + spend(CostState::Estimated, 2))), "~$0.42");
        assert_eq!(charged(&spend(CostState::Covered, 0)), "$0.00");
        assert_eq!(states(&(billed + unknown), CostState::Billed), "unknown, billed");
    }
}
