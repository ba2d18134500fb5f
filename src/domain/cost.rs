//! What a call cost: two facts (who was charged, how sure we are) and the one word derived from them.

use serde::{Deserialize, Serialize};

use crate::base::money::Usd;

/// Who was charged for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Charge {
    /// An account, per token.
    Billed,
    /// A plan; nothing per token.
    Covered,
    /// Nobody.
    Free,
    /// Nobody: the model was the rehearsed one of `vk demo`.
    Rehearsed,
    /// An imported call whose log does not say.
    Unknown,
}

impl Charge {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Billed => "billed",
            Self::Covered => "covered",
            Self::Free => "free",
            Self::Rehearsed => "rehearsed",
            Self::Unknown => "unknown",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Self {
        [Self::Billed, Self::Covered, Self::Free, Self::Rehearsed]
            .into_iter()
            .find(|charge| charge.as_str() == text)
            .unwrap_or(Self::Unknown)
    }
}

/// How sure the amount is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// Computed from the provider's own usage, or the provider's own figure.
    Exact,
    /// The call ended early, or the usage had to be counted here.
    Estimated,
    /// No price or no usage.
    Unknown,
}

impl Certainty {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Estimated => "estimated",
            Self::Unknown => "unknown",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Self {
        [Self::Exact, Self::Estimated].into_iter().find(|c| c.as_str() == text).unwrap_or(Self::Unknown)
    }
}

/// The one word that people and scripts read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CostState {
    Billed,
    Covered,
    Free,
    Rehearsed,
    Estimated,
    Unknown,
}

impl CostState {
    #[must_use]
    pub const fn of(charge: Charge, certainty: Certainty) -> Self {
        match (charge, certainty) {
            (Charge::Covered, _) => Self::Covered,
            (Charge::Free, _) => Self::Free,
            (Charge::Rehearsed, _) => Self::Rehearsed,
            (Charge::Billed, Certainty::Exact) => Self::Billed,
            (Charge::Billed, Certainty::Estimated) => Self::Estimated,
            (Charge::Billed, Certainty::Unknown) | (Charge::Unknown, _) => Self::Unknown,
        }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Billed => "billed",
            Self::Covered => "covered",
            Self::Free => "free",
            Self::Rehearsed => "rehearsed",
            Self::Estimated => "estimated",
            Self::Unknown => "unknown",
        }
    }
}

/// What the evidence of a call's answer says about who paid it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// The answer shows that the payer of the route paid.
    Verified,
    /// No evidence either way.
    Claimed,
    /// The answer shows another payer: no further call is made.
    Contradicted,
}

impl Proof {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Claimed => "claimed",
            Self::Contradicted => "contradicted",
        }
    }
}

/// The settled cost of one call or of a sum of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    pub charge: Charge,
    pub certainty: Certainty,
    /// What the payer was charged; `None` is unknown, never zero.
    pub billed: Option<Usd>,
    /// The same tokens at the provider's list price; `None` where the model has no price.
    pub list: Option<Usd>,
}

impl Cost {
    #[must_use]
    pub const fn state(&self) -> CostState {
        CostState::of(self.charge, self.certainty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_or_a_rehearsal_never_becomes_billed_by_doubt() {
        assert_eq!(CostState::of(Charge::Covered, Certainty::Unknown), CostState::Covered);
        assert_eq!(CostState::of(Charge::Rehearsed, Certainty::Estimated), CostState::Rehearsed);
        assert_eq!(CostState::of(Charge::Billed, Certainty::Unknown), CostState::Unknown);
        assert_eq!(CostState::of(Charge::Unknown, Certainty::Exact), CostState::Unknown);
    }
}
