//! What is said when an answer shows that the route was not held to: another payer, or another model.

use crate::base::money::Usd;
use crate::base::shell;
use crate::domain::failure::{Failure, Status};
use crate::domain::path::PayPath;
use crate::domain::request::ReportedCost;
use crate::domain::route::{CredentialRef, Route};

/// An answer that contradicts its route, and what is known of the two.
pub(super) struct Answered<'a> {
    pub route: &'a Route,
    /// The organization that the key's earlier answers named.
    pub pinned: Option<&'a str>,
    /// The one that this answer names.
    pub organization: Option<&'a str>,
    pub reported: Option<ReportedCost>,
    /// The most that the call could cost at the prices that were shown.
    pub held: Usd,
    /// The gateway that the answer's headers name.
    pub gateway: Option<&'static str>,
}

/// Exit 4: somebody else was charged than the route says, or more than its prices can come to.
pub(super) fn contradicted(answered: &Answered<'_>) -> Failure {
    let Answered { route, held, .. } = answered;
    let provider = &route.provider;
    let label = route.credential.label().unwrap_or_else(|| provider.clone());
    let why = match (answered.pinned, answered.organization, answered.reported) {
        (Some(pinned), Some(other), _) if pinned != other => {
            format!("key {label} is pinned to organization {pinned}, the answer came from {other}")
        }
        (.., Some(ReportedCost { is_byok: Some(true), .. })) => {
            format!("{provider} says that a key of yours at another provider paid for this call")
        }
        _ if route.path == PayPath::Free && answered.gateway.is_some() => {
            let gateway = answered.gateway.unwrap_or_default();
            format!("what answers as {provider} is a {gateway} gateway, behind which somebody may pay")
        }
        (.., Some(ReportedCost { cost, .. })) if route.path == PayPath::Platform => format!(
            "{provider} reported a charge of {cost}, and at the prices shown this call cannot cost more than {held}; \
             where it takes a markup, your config.toml has to say so: markup in [providers.{provider}]"
        ),
        (.., reported) => {
            format!("{provider} reported a charge of {}", reported.map_or(Usd::ZERO, |reported| reported.cost))
        }
    };
    Failure::new(
        Status::Contradicted,
        "payer_contradicted",
        "the answer shows another payer than the route; no further call was made",
    )
    .why(why)
    .fix(match &route.credential {
        CredentialRef::Stored { label, provider, .. } => format!("vk keys test {label} --provider {provider}"),
        CredentialRef::Env { .. } | CredentialRef::Login | CredentialRef::None => "vk route".to_owned(),
    })
}

/// Exit 6: the payer was right and the model was not. What runs is decided before the run as well.
pub(super) fn other_model(route: &Route, answered: &str) -> Failure {
    let Route { provider, model, .. } = route;
    Failure::new(
        Status::ProviderFailed,
        "other_model",
        format!("{provider} was asked for {model}, and {answered} answered; no further call was made"),
    )
    .why(format!(
        "another model has other prices and other skills; where {provider} may choose, your config.toml has to say \
         so: allow_other_models = true in [providers.{provider}]"
    ))
    .fix(format!("vk run --continue --model {} \"go on\"", shell::word(answered)))
    .fix("vk models list")
}
