//! What an answer proves about who paid for it. Pure; the caller stops the task on a contradiction.

use crate::base::money::Usd;
use crate::domain::cost::Proof;
use crate::domain::path::PayPath;
use crate::domain::request::ReportedCost;

/// Everything an answer shows of its payer.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    pub path: PayPath,
    /// The organization that this key's earlier answers named.
    pub pinned: Option<&'a str>,
    /// The organization that this answer names.
    pub answered: Option<&'a str>,
    /// The gateway's own figure.
    pub reported: Option<ReportedCost>,
    /// List price and markup from the tables.
    pub computed: Option<Usd>,
    /// The most that the call could cost at the prices that were shown: what was held for it.
    pub at_most: Option<Usd>,
    /// A server on this machine that the user named: it has nobody to send a bill to.
    pub local_server: bool,
    /// The answer names a gateway, behind which somebody may pay.
    pub gateway: bool,
}

/// `Verified` needs evidence, `Contradicted` needs evidence against; everything else is `Claimed`.
#[must_use]
pub fn judge(evidence: &Evidence) -> Proof {
    match evidence.path {
        PayPath::Byok => match (evidence.pinned, evidence.answered) {
            (Some(pinned), Some(answered)) if pinned == answered => Proof::Verified,
            (Some(_), Some(_)) => Proof::Contradicted,
            _ => Proof::Claimed,
        },
        PayPath::Platform => match evidence.reported {
            Some(ReportedCost { is_byok: Some(true), .. }) => Proof::Contradicted,
            Some(ReportedCost { cost, .. }) if evidence.at_most.is_some_and(|most| cost > most) => Proof::Contradicted,
            Some(ReportedCost { cost, is_byok: Some(false) })
                if evidence.computed.is_some_and(|computed| within_a_percent(cost, computed)) =>
            {
                Proof::Verified
            }
            _ => Proof::Claimed,
        },
        PayPath::Free => match evidence.reported {
            _ if evidence.gateway => Proof::Contradicted,
            Some(reported) if !reported.cost.is_zero() => Proof::Contradicted,
            Some(_) => Proof::Verified,
            None if evidence.local_server => Proof::Verified,
            None => Proof::Claimed,
        },
        PayPath::Subscription => Proof::Claimed,
    }
}

fn within_a_percent(a: Usd, b: Usd) -> bool {
    let (a, b) = (i128::from(a.nanos()), i128::from(b.nanos()));
    (a - b).abs() * 100 <= b.abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn byok<'a>(pinned: Option<&'a str>, answered: Option<&'a str>) -> Evidence<'a> {
        Evidence {
            path: PayPath::Byok,
            pinned,
            answered,
            reported: None,
            computed: None,
            at_most: None,
            local_server: false,
            gateway: false,
        }
    }

    #[test]
    fn a_key_is_verified_only_by_the_organization_it_is_pinned_to() {
        assert_eq!(judge(&byok(Some("org-a"), Some("org-a"))), Proof::Verified);
        assert_eq!(judge(&byok(Some("org-a"), Some("org-b"))), Proof::Contradicted);
        assert_eq!(judge(&byok(None, Some("org-b"))), Proof::Claimed);
        assert_eq!(judge(&byok(Some("org-a"), None)), Proof::Claimed);
    }

    #[test]
    fn a_free_answer_with_a_cost_is_a_contradiction() {
        let reported = |cents| Some(ReportedCost { cost: Usd::from_cents(cents), is_byok: None });
        let free = |reported| Evidence { path: PayPath::Free, reported, ..byok(None, None) };
        assert_eq!(judge(&free(reported(0))), Proof::Verified);
        assert_eq!(judge(&free(reported(1))), Proof::Contradicted);
        assert_eq!(judge(&free(None)), Proof::Claimed);
        assert_eq!(judge(&Evidence { local_server: true, ..free(None) }), Proof::Verified);
        let gateway = Evidence { local_server: true, gateway: true, ..free(reported(0)) };
        assert_eq!(judge(&gateway), Proof::Contradicted, "other people's gateways are not free");
    }

    #[test]
    fn a_gateway_is_verified_by_a_cost_within_one_percent() {
        let platform = |cost: i64, is_byok| Evidence {
            path: PayPath::Platform,
            reported: Some(ReportedCost { cost: Usd::from_cents(cost), is_byok }),
            computed: Some(Usd::from_cents(1_000)),
            ..byok(None, None)
        };
        assert_eq!(judge(&platform(1_010, Some(false))), Proof::Verified);
        assert_eq!(judge(&platform(1_011, Some(false))), Proof::Claimed);
        assert_eq!(judge(&platform(1_000, None)), Proof::Claimed);
        assert_eq!(judge(&platform(1_000, Some(true))), Proof::Contradicted);
        let held = |cost| Evidence { at_most: Some(Usd::from_cents(5_000)), ..platform(cost, None) };
        assert_eq!(judge(&held(5_000)), Proof::Claimed);
        assert_eq!(judge(&held(5_001)), Proof::Contradicted, "more than the shown prices can come to");
    }
}
