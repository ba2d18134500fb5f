//! `vk keys test`: one free request a key, which tells whether it works and whose it is.

use super::super::args::ListOutput;
use super::{Keys, no_credential};
use crate::config::mcp::KEYS_OF;
use crate::config::{KeyChoice, LedgerSettings, PASSWORD_OF, Sourced};
use crate::credential::{KeyInfo, KeyKind, ProviderFacts, origin, shape};
use crate::domain::failure::{Failure, Status};
use crate::ledger::Ledger;
use crate::net::http::Client;
use crate::present;
use crate::present::keys::Tested;
use crate::provider::{CallError, CallErrorKind, Endpoint, check_key};
use crate::task::{ledger, mcp};

impl Keys<'_> {
    pub(super) async fn test(
        &self,
        label: Option<&str>,
        provider: Option<&str>,
        accept_address: bool,
        output: ListOutput,
    ) -> Result<(), Failure> {
        let keys = self.chosen(label, provider)?;
        if accept_address && keys.len() != 1 {
            return Err(Failure::usage("one_key_only", "--accept-address takes one key at a time")
                .fix("vk keys test LABEL --accept-address"));
        }
        let client = Client::new(&self.context.env)
            .map_err(|error| Failure::usage("no_client", "no request can be made").why(error.to_string()))?;
        if let Some(note) = client.proxy_note() {
            self.say(note);
        }
        let mut tested = Vec::with_capacity(keys.len());
        for key in keys {
            let outcome = self.test_one(&client, &key, accept_address).await;
            // What the answer changed is shown as it is now.
            let now = self.vault.find(&key.label, Some(&key.provider)).unwrap_or(key);
            tested.push(Tested { key: now, failure: outcome.err() });
        }
        match output {
            ListOutput::Json => present::stdout(&present::keys::tested_json(&tested))?,
            ListOutput::Table if tested.len() > 1 || tested.iter().all(|one| one.failure.is_none()) => {
                present::stdout(&present::keys::tested_table(&tested, present::table::width(&self.context.env)))?;
            }
            // The failure of the only key says more than a row.
            ListOutput::Table => {}
        }
        tested.into_iter().find_map(|one| one.failure).map_or(Ok(()), Err)
    }

    fn chosen(&self, label: Option<&str>, provider: Option<&str>) -> Result<Vec<KeyInfo>, Failure> {
        if let Some(label) = label {
            return Ok(vec![self.find("test", label, provider)?]);
        }
        let mut keys = self.vault.list()?;
        keys.retain(|key| key.kind == KeyKind::ApiKey && provider.is_none_or(|provider| key.provider == provider));
        if keys.is_empty() {
            let whose = provider.map_or_else(|| "no key".to_owned(), |provider| format!("no key of {provider}"));
            return Err(no_credential("no_key", format!("{whose} is stored"))
                .fix(format!("vk keys add {}", provider.unwrap_or_default()).trim_end().to_owned()));
        }
        Ok(keys)
    }

    async fn test_one(&self, client: &Client, key: &KeyInfo, accept_address: bool) -> Result<(), Failure> {
        if key.kind != KeyKind::ApiKey {
            return Err(Failure::usage("not_a_key", format!("{} is a login to a plan, not a key", key.name()))
                .why("whose it is and what is left of it stands in another list")
                .fix("vk whoami"));
        }
        let address = self.address(&key.provider, &key.label)?;
        let base_url = address.as_str();
        if accept_address && origin::of(base_url).as_ref() != Some(&key.origin) {
            let now = self.vault.rebind(&key.provider, &key.label, base_url)?;
            self.say(format!("{} was bound to {} and is now bound to {}.", key.name(), key.origin, now.origin));
        }
        let secret = self.vault.secret(&key.provider, &key.label, base_url)?;
        if let Some(settings) = self.loaded.settings.ledger.as_ref().filter(|_| key.provider == PASSWORD_OF) {
            let choice = Sourced::new(KeyChoice::Label(key.label.clone()), settings.database.source.clone());
            let settings = LedgerSettings { key: Some(choice), ..settings.clone() };
            let server = ledger::server(&settings, &self.context.env, self.vault)?;
            return Ok(Ledger::connect_existing(server).map(drop)?);
        }
        if key.provider == KEYS_OF {
            let (server, _) = self.mcp_server(&key.label)?;
            return mcp::probe(server, self.loaded, self.vault, &self.context.env).await.map(drop);
        }
        let settings = self.provider(&key.provider)?;
        shape::check(ProviderFacts { name: &key.provider, base_url }, &secret)?;
        let endpoint = Endpoint::configured(&key.provider, settings);
        let answer = check_key(client, &endpoint, &secret).await;
        let answered = match &answer {
            Ok(check) => check.organization.as_deref(),
            Err(error) => error.facts.organization.as_deref(),
        };
        // Also a refusal says whose account it was asked of.
        if let (Some(pinned), Some(answered)) = (key.organization.as_deref(), answered)
            && pinned != answered
        {
            return Err(contradicted(key, pinned, answered));
        }
        let check = answer.map_err(|error| call_failure(error, key))?;
        let (organization, account) = (check.organization.as_deref(), check.account.as_deref());
        self.vault.pin_organization(&key.provider, &key.label, organization, account)?;
        Ok(())
    }
}

fn contradicted(key: &KeyInfo, pinned: &str, answered: &str) -> Failure {
    let what = format!("the key {} answers for the organization {answered}, and it was {pinned} before", key.name());
    Failure::new(Status::Contradicted, "other_organization", what)
        .why("another account would pay than the one that was shown")
        .fix(format!("vk keys remove {} --provider {}", key.label, key.provider))
        .fix(format!("vk keys add {} --label {}", key.provider, key.label))
}

/// A failed check in the words of somebody who asked only about the key: there is no route here yet.
fn call_failure(error: CallError, key: &KeyInfo) -> Failure {
    let (provider, name) = (&key.provider, key.name());
    let failed = |code, what| Failure::new(Status::ProviderFailed, code, what);
    let failure = match error.kind {
        CallErrorKind::Unauthorized => {
            no_credential("key_rejected", format!("{provider} does not accept the key {name}"))
                .fix(format!("vk keys remove {} --provider {provider}", key.label))
                .fix(format!("vk keys add {provider} --label {}      # with a new key", key.label))
        }
        CallErrorKind::Forbidden => {
            no_credential("key_forbidden", format!("{provider} knows the key {name} and does not let it list models"))
                .why("it may be allowed to answer all the same: a small task tells")
                .fix(format!("vk run --key {} --provider {provider} --max-cost 0.10 \"say hi\"", key.label))
        }
        CallErrorKind::PayerBlocked => Failure::new(
            Status::PayerBlocked,
            "payer_blocked",
            format!("the account behind {name} cannot pay {provider}"),
        )
        .fix("vk route"),
        CallErrorKind::Transport => {
            failed("unreachable", format!("{provider} could not be reached at {}", key.origin)).fix("vk doctor")
        }
        CallErrorKind::Redirected => {
            failed("redirected", format!("{} answered with a redirect", key.origin)).fix("vk doctor")
        }
        kind => failed(kind.as_str(), format!("{provider} did not answer whether the key {name} works"))
            .fix(format!("vk keys test {} --provider {provider}", key.label)),
    };
    if error.message.is_empty() { failure } else { failure.why(error.message) }
}
