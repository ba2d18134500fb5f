//! vk's own loop on a Codex plan: the access token of vk's own login, renewed when the service refuses it, and what the
//! plan says of itself beside each answer.

use std::sync::Arc;

use super::plan::{Paid, Plan};
use crate::base::clock;
use crate::base::env::Env;
use crate::base::secret::Secret;
use crate::credential::Vault;
use crate::credential::plan::{Access, Want, codex_access, quota};
use crate::domain::cost::Proof;
use crate::domain::failure::{Failure, Status};
use crate::domain::quota::Said;
use crate::domain::route::Route;
use crate::domain::ui::Ui;
use crate::ledger::{Ledger, PlanKey};
use crate::net::http::Client;
use crate::provider::PlanAccount;

/// The login that pays.
pub struct Login<'a> {
    pub vault: &'a Vault,
    pub env: &'a Env,
    pub issuer: String,
    pub label: String,
}

pub struct OnPlan<'a> {
    /// `None` for a token that the user named for this run, which nobody renews.
    pub login: Option<Login<'a>>,
    pub plan: Plan,
    pub ui: Arc<dyn Ui>,
    begun: bool,
}

/// What a call is sent with.
pub struct Sender {
    pub secret: Secret,
    pub account: PlanAccount,
}

impl<'a> OnPlan<'a> {
    #[must_use]
    pub const fn new(login: Option<Login<'a>>, plan: Plan, ui: Arc<dyn Ui>) -> Self {
        Self { login, plan, ui, begun: false }
    }

    /// Before the task's first call: the token, and what is used of the plan so far.
    ///
    /// # Errors
    /// A login that is over; a plan of which nothing, or nothing of the user's quota, is left.
    pub async fn begin(
        &mut self,
        client: &Client,
        ledger: &Ledger,
        task_id: &str,
        route: &Route,
    ) -> Result<Option<Sender>, Failure> {
        if self.begun {
            return Ok(None);
        }
        self.begun = true;
        let Some(login) = &self.login else { return Ok(None) };
        let mut access = login.access(route, Want::Fresh).await?;
        let mut told = quota::left(client, &route.base_url, &access).await;
        if matches!(told, Err(quota::Unknown::Unauthorized)) {
            access = login.access(route, Want::OtherThan(access.access_token)).await?;
            told = quota::left(client, &route.base_url, &access).await;
        }
        // What is not told is not known; the answers will tell.
        if let Ok(told) = told {
            let begins = self.plan.begins(told.said());
            self.note(ledger, task_id, route)?;
            begins?;
        }
        Ok(Some(sender(access)))
    }

    /// Another token, once the service has refused this one.
    ///
    /// # Errors
    /// A login that is over.
    pub async fn renewed(&self, route: &Route, refused: &Secret) -> Result<Option<Sender>, Failure> {
        let Some(login) = &self.login else { return Ok(None) };
        login.access(route, Want::OtherThan(refused.clone())).await.map(sender).map(Some)
    }

    /// Who paid for an answer, by what came beside it; with the failure where that is another payer.
    pub async fn paid(&mut self, said: Option<&Said>) -> (Paid, Proof, Result<(), Failure>) {
        let Some(said) = said else { return (self.plan.paid(), Proof::Claimed, Ok(())) };
        match self.plan.answered(said.clone(), &self.ui).await {
            Ok(proof) => (self.plan.paid(), proof, Ok(())),
            Err(failure) => (Paid::Extra, Proof::Contradicted, Err(failure)),
        }
    }

    /// # Errors
    /// A ledger that cannot record.
    pub fn note(&self, ledger: &Ledger, task_id: &str, route: &Route) -> Result<(), Failure> {
        let (before, now) = self.plan.windows();
        if now.is_empty() {
            return Ok(());
        }
        Ok(ledger.saw_plan(PlanKey::of(route), task_id, before, now, clock::now())?)
    }
}

impl Login<'_> {
    async fn access(&self, route: &Route, want: Want) -> Result<Access, Failure> {
        let access = codex_access(self.vault, self.env, &self.issuer, &route.base_url, &self.label, want).await?;
        if route.credential.fingerprint() == Some(access.fingerprint.as_str()) {
            return Ok(access);
        }
        Err(Failure::new(
            Status::NoCredential,
            "login_changed",
            format!("the login {} is not the one that was shown", self.label),
        )
        .why("another login was made under that label meanwhile")
        .fix("vk run --continue"))
    }
}

fn sender(access: Access) -> Sender {
    let account = PlanAccount { account_id: access.account_id, is_fedramp: access.is_fedramp };
    Sender { secret: access.access_token, account }
}
