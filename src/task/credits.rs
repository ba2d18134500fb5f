//! What a gateway's account has left, asked beside a task and for `vk route`. Only shown: it decides nothing, and
//! where it cannot be had nothing waits for it.

use futures_util::future::join_all;

use super::prepare::{self, Known};
use crate::base::env::Env;
use crate::base::secret::Secret;
use crate::domain::credits::CreditsLeft;
use crate::domain::event::Event;
use crate::domain::path::PayPath;
use crate::domain::route::{CredentialRef, Route};
use crate::domain::ui::Ui;
use crate::ledger::Ledger;
use crate::net::http::Client;
use crate::provider::{self, Endpoint};
use crate::routing::PathRow;

/// The account behind a route, which can be asked before a task and after it.
pub struct Account<'a> {
    client: &'a Client,
    /// Where nothing ran yet there is none, and no median.
    ledger: Option<&'a Ledger>,
    route: &'a Route,
    secret: &'a Secret,
}

impl<'a> Account<'a> {
    /// `None` where nobody keeps credits: a key of the user's own, a plan, a server of this machine.
    #[must_use]
    pub fn of(
        client: &'a Client,
        ledger: Option<&'a Ledger>,
        route: &'a Route,
        secret: Option<&'a Secret>,
    ) -> Option<Self> {
        let keeps_credits = matches!(route.path, PayPath::Platform | PayPath::Free) && !route.rehearsed;
        keeps_credits.then_some(Self { client, ledger, route, secret: secret? })
    }

    pub async fn left(&self) -> Option<CreditsLeft> {
        let route = self.route;
        let left = provider::left(self.client, &Endpoint::of(route), self.secret).await?;
        let is_free = route.path == PayPath::Free;
        let left = CreditsLeft {
            provider: route.provider.clone(),
            credits_usd: left.credits.filter(|_| !is_free),
            free_requests: left.free_requests.filter(|_| is_free).map(|requests| requests.left),
            // A figure that is only shown: without it the credits stand alone.
            median_usd: self
                .ledger
                .and_then(|ledger| ledger.typical_cost(route.path, &route.provider).ok().flatten())
                .filter(|_| !is_free),
        };
        (left.credits_usd.is_some() || left.free_requests.is_some()).then_some(left)
    }

    /// Says what is left before anything is sent, and whether the task could use all of it up.
    pub async fn tell(&self, ui: &dyn Ui) {
        let Some(left) = self.left().await else { return };
        let short = self.route.cap.filter(|cap| left.is_less_than(*cap));
        ui.event(&Event::CreditsLeft { left: left.clone(), at_most_usd: short });
    }
}

/// Asks for every row whose credential can be read without a question to anybody. All at once: it takes as long as
/// the slowest answer, three seconds at most.
pub async fn fill(rows: &mut [PathRow], env: &Env, known: &Known, client: &Client, ledger: Option<&Ledger>) {
    let asked = rows.iter().map(|row| async move {
        let route = row.route.as_ref().filter(|route| is_unattended(known, &route.credential))?;
        let secret = prepare::secret(env, known, &route.provider, &route.base_url, &route.credential).ok()??;
        Account::of(client, ledger, route, Some(&secret))?.left().await
    });
    let answers = join_all(asked).await;
    for (row, left) in rows.iter_mut().zip(answers) {
        row.left = left.map(|left| left.to_string()).or_else(|| row.left.take());
    }
}

fn is_unattended(known: &Known, credential: &CredentialRef) -> bool {
    match credential {
        CredentialRef::Env { .. } => true,
        CredentialRef::Stored { provider, label, .. } => {
            let of_it = |key: &&crate::credential::KeyInfo| key.provider == *provider && key.label == *label;
            known.keys.iter().find(of_it).is_some_and(|key| known.vault.is_unattended(key))
        }
        CredentialRef::Login | CredentialRef::None => false,
    }
}
