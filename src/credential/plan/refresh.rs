//! The access token of a Codex login, renewed when it is about to end: by one process at a time, with one request, and
//! stored before anybody uses it. A renewal that has begun is not given up when the one who wanted it has no more time:
//! the service has spent the old token by then.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::CODEX;
use super::codex::{Issuer, Refusal};
use super::record::Tokens;
use crate::base::clock;
use crate::base::env::Env;
use crate::base::secret::Secret;
use crate::credential::error::CredentialError;
use crate::credential::index::KeyInfo;
use crate::credential::origin;
use crate::credential::vault::Vault;
use crate::domain::failure::{Failure, Status};
use crate::net::Limits;
use crate::net::http::Client;

/// One renewal, from the connection to the end of its answer.
const REQUEST: Duration = Duration::from_secs(30);
/// For another process that renews: its request, and what it takes to store.
const WAIT: Duration = Duration::from_mins(1);
/// At the end of the program, for a renewal that is under way.
const SETTLE: Duration = Duration::from_secs(35);

/// Held while a renewal is between its request and the store.
static UNDER_WAY: Mutex<()> = Mutex::new(());

/// What a call to the plan's service needs.
#[derive(Clone, Debug)]
pub struct Access {
    pub access_token: Secret,
    pub account_id: Option<String>,
    pub email: Option<String>,
    pub plan: Option<String>,
    pub is_fedramp: bool,
    /// By this machine's clock.
    pub expires_at: Timestamp,
    /// Which login it is: the same after a renewal.
    pub fingerprint: String,
}

/// What is wanted.
#[derive(Clone, Debug)]
pub enum Want {
    /// A token that lasts five minutes more.
    Fresh,
    /// Another than this one, which the service refused.
    OtherThan(Secret),
}

/// The access token of the Codex login `label`, for requests to `base_url`, whose tokens `issuer` renews.
///
/// # Errors
/// Exit 3 where there is no such login, it is over, or its store does not open; 6 where the identity server does not
/// answer and no token is left that works.
pub async fn codex_access(
    vault: &Vault,
    env: &Env,
    issuer: &str,
    base_url: &str,
    label: &str,
    want: Want,
) -> Result<Access, Failure> {
    let job = Job {
        vault: vault.clone(),
        client: Client::with_limits(env, limits())?,
        issuer: Issuer::new(issuer)?,
        issuer_address: issuer.trim_end_matches('/').to_owned(),
        base_url: base_url.to_owned(),
        label: label.to_owned(),
        want,
    };
    let (sender, receiver) = oneshot::channel();
    // A thread of its own: it goes on when this future is dropped.
    std::thread::Builder::new()
        .name("login".to_owned())
        .spawn(move || {
            let _ = sender.send(job.run());
        })
        .map_err(|error| no_thread(&error))?;
    receiver.await.unwrap_or_else(|_| Err(no_thread(&"it ended early")))
}

fn no_thread(why: &dyn std::fmt::Display) -> Failure {
    Failure::new(Status::NoCredential, "no_thread", "the login could not be looked up")
        .why(why.to_string())
        .fix("vk whoami")
}

const fn limits() -> Limits {
    Limits {
        connect: Duration::from_secs(10),
        idle: REQUEST,
        idle_loopback: REQUEST,
        without_content: REQUEST,
        total: REQUEST,
    }
}

/// Waits for a renewal that is under way in this process: for the end of the program, so that what the service gave is
/// stored.
pub fn settle() {
    let until = Instant::now() + SETTLE;
    while UNDER_WAY.try_lock().is_err_and(|error| matches!(error, std::sync::TryLockError::WouldBlock)) {
        if Instant::now() >= until {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

struct Job {
    vault: Vault,
    client: Client,
    issuer: Issuer,
    issuer_address: String,
    base_url: String,
    label: String,
    want: Want,
}

impl Job {
    fn run(self) -> Result<Access, Failure> {
        let (key, tokens) = self.stored()?;
        if self.serves(&tokens) {
            return Ok(access(&key, tokens));
        }
        let _held = match self.vault.lock_login(CODEX, &self.label, WAIT) {
            // Whoever holds it does not come to an end; what there is works for some minutes yet.
            Err(CredentialError::Busy { .. })
                if matches!(self.want, Want::Fresh) && tokens.still_works(clock::now()) =>
            {
                return Ok(access(&key, tokens));
            }
            held => held?,
        };
        // Whoever held the lock before may have renewed it.
        let (key, tokens) = self.stored()?;
        if self.serves(&tokens) {
            return Ok(access(&key, tokens));
        }
        let (key, tokens) = match self.vault.unfinished(&key)? {
            Some(newer) => (self.vault.replace_tokens(&key, &newer)?, newer),
            None => (key, tokens),
        };
        if self.serves(&tokens) {
            return Ok(access(&key, tokens));
        }
        self.renew(&key, &tokens)
    }

    fn stored(&self) -> Result<(KeyInfo, Tokens), Failure> {
        let (key, tokens) = self.vault.tokens(CODEX, &self.label).map_err(|error| match error {
            CredentialError::Unknown { wanted, .. } => {
                Failure::new(Status::NoCredential, "no_login", format!("there is no login {wanted}"))
                    .fix(format!("vk login codex{}", self.flag()))
            }
            other => other.into(),
        })?;
        if tokens.issuer != self.issuer_address {
            return Err(Failure::new(
                Status::NoCredential,
                "login_of_other_issuer",
                format!(
                    "{} was logged in at {}, and the configuration now names {}",
                    key.name(),
                    tokens.issuer,
                    self.issuer_address
                ),
            )
            .why("a login is renewed only where it was made")
            .fix(format!("vk login codex{}", self.flag())));
        }
        let wanted = origin::of(&self.base_url).unwrap_or_default();
        if key.origin != wanted {
            return Err(Failure::new(
                Status::NoCredential,
                "key_bound_elsewhere",
                format!("the login {} is bound to {}, not to {wanted}", key.name(), key.origin),
            )
            .why("a token is sent only to the address it was made for")
            .fix(format!("vk login codex{}", self.flag())));
        }
        Ok((key, tokens))
    }

    fn flag(&self) -> String {
        if self.label == "default" { String::new() } else { format!(" --label {}", self.label) }
    }

    fn serves(&self, tokens: &Tokens) -> bool {
        match &self.want {
            Want::Fresh => tokens.is_fresh(clock::now()),
            Want::OtherThan(refused) => tokens.access.expose() != refused.expose(),
        }
    }

    /// One request, then the store, then the answer.
    fn renew(&self, key: &KeyInfo, tokens: &Tokens) -> Result<Access, Failure> {
        let _under_way: MutexGuard<'_, ()> = UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| no_thread(&error))?;
        // A store that takes no write would lose what the service is about to give.
        self.vault.probe_store(key.store)?;
        match runtime.block_on(self.issuer.renew(&self.client, &tokens.refresh)) {
            Ok(given) => {
                let next = tokens.with(given, clock::now());
                let key = self.vault.replace_tokens(key, &next).or_else(|error| match error {
                    // A login that was made meanwhile is the one that counts.
                    CredentialError::Overtaken { .. } => Ok(key.clone()),
                    other => Err(unsaved(&other, &self.flag())),
                })?;
                let (key, now) = if key.generation == next.generation { (key, next) } else { self.stored()? };
                if now.still_works(clock::now()) {
                    Ok(access(&key, now))
                } else {
                    Err(self.over(&key, "the service gave no access token"))
                }
            }
            Err(Refusal::Final(words)) => {
                // Perhaps it was renewed by somebody who does not know this lock.
                let (key, now) = self.stored()?;
                if now.generation > tokens.generation && now.still_works(clock::now()) {
                    return Ok(access(&key, now));
                }
                Err(self.over(&key, &words))
            }
            Err(Refusal::Passing(failure)) => match self.want {
                // A few minutes early; what there is still works.
                Want::Fresh if tokens.still_works(clock::now()) => Ok(access(key, tokens.clone())),
                _ => Err(failure.fix("vk whoami")),
            },
        }
    }

    fn over(&self, key: &KeyInfo, words: &str) -> Failure {
        Failure::new(Status::NoCredential, "logged_out", format!("the login {} is over: {words}", key.name()))
            .why("its refresh token was used by another program, taken back, or is too old; nothing was deleted")
            .fix(format!("vk login codex{}", self.flag()))
    }
}

/// The service has given new tokens and they could not be kept.
fn unsaved(error: &CredentialError, flag: &str) -> Failure {
    Failure::new(Status::NoCredential, "login_not_stored", "the login was renewed and could not be stored")
        .why(format!("{error}; what was stored before is of no use any more"))
        .fix("vk doctor")
        .fix(format!("vk login codex{flag}"))
}

fn access(key: &KeyInfo, tokens: Tokens) -> Access {
    Access {
        access_token: tokens.access,
        account_id: tokens.account_id,
        email: tokens.email,
        plan: tokens.plan,
        is_fedramp: tokens.is_fedramp,
        expires_at: tokens.expires_at,
        fingerprint: key.fingerprint.clone(),
    }
}
