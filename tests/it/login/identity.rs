//! The identity server of Codex plans and the plan's service, on loopback: a refresh token is good once, and what was
//! given to whom is remembered.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::browser::with_file;
use crate::support::env::Vk;
use crate::support::provider::{Captured, Script};
use crate::support::service::Service;

/// In every token that is given out, so that it is found wherever it must not be.
pub(super) const CANARY: &str = "t0ken-canary";

pub(super) struct State {
    pub challenge: String,
    /// The number of the tokens that count.
    pub number: u64,
    /// How long an access token lasts, in seconds.
    pub lifetime: i64,
    /// The server's clock against this machine's, in seconds.
    pub skew: i64,
    /// Renewals that were asked for, taken or not.
    pub renewals: u64,
    /// Of those, the ones that were refused.
    pub refused: u64,
    /// Access tokens up to this number are no longer taken by the plan's service.
    pub revoked: u64,
    /// The highest number that the plan's service was shown.
    pub used: u64,
    /// Whether older tokens are taken as well: a process that is killed between the answer and the store loses what it
    /// was given, several in a row each theirs.
    pub lenient: bool,
    /// Before each answer to a renewal.
    pub pause: Duration,
    /// What every renewal gets instead of tokens.
    pub failing: Option<Script>,
    /// Refresh tokens that were revoked.
    pub ended: Vec<String>,
    /// A device login that was begun and is not yet agreed to.
    pub device_pending: u32,
    /// What the plan's models answer, one after the other.
    pub answers: VecDeque<Script>,
    /// After so many more of these answers, access tokens up to this number are no longer taken.
    pub revoke_after: Option<(u32, u64)>,
    /// The credit balance that the plan's service tells of before a task.
    pub balance: Option<&'static str>,
    /// What broke the rules.
    pub broken: Vec<String>,
}

pub(super) struct Identity {
    service: Service,
    state: Arc<Mutex<State>>,
}

impl Identity {
    pub(super) fn start() -> Self {
        let state = Arc::new(Mutex::new(State {
            challenge: String::new(),
            number: 0,
            lifetime: 3_600,
            skew: 0,
            renewals: 0,
            refused: 0,
            revoked: 0,
            used: 0,
            lenient: false,
            pause: Duration::ZERO,
            failing: None,
            ended: Vec::new(),
            device_pending: 2,
            answers: VecDeque::new(),
            revoke_after: None,
            balance: None,
            broken: Vec::new(),
        }));
        let shared = Arc::clone(&state);
        let service = Service::start(move |request| answer(request, &shared));
        Self { service, state }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// A vk whose Codex plan is this one.
    pub(super) fn vk(&self) -> Vk {
        let url = self.service.url();
        with_file(Vk::new().config(&format!("[login.codex]\nissuer = \"{url}\"\n")))
    }

    /// The address of the plan's service.
    pub(super) fn backend(&self) -> String {
        format!("{}/backend-api", self.service.url())
    }

    /// The person agrees on the page: where the browser is sent, and the state that goes with it.
    pub(super) fn agree(&self, (page, query): &(Url, BTreeMap<String, String>)) -> (String, String) {
        assert_eq!(page.path(), "/oauth/authorize");
        assert_eq!((query["response_type"].as_str(), query["originator"].as_str()), ("code", "vk"));
        self.state().challenge.clone_from(&query["code_challenge"]);
        (query["redirect_uri"].clone(), query["state"].clone())
    }

    pub(super) fn requests(&self, path: &str) -> Vec<Captured> {
        self.service.requests(path)
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let broken = self.state().broken.join("\n");
            assert!(broken.is_empty(), "{broken}");
        }
    }
}

fn answer(request: &Captured, state: &Mutex<State>) -> Script {
    match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/oauth/token") if request.header("content-type") == Some("application/json") => renew(request, state),
        ("POST", "/oauth/token") => exchange(request, &mut state.lock().unwrap()),
        ("POST", "/oauth/revoke") => {
            let token = request.json()["token"].as_str().unwrap().to_owned();
            state.lock().unwrap().ended.push(token);
            Script::json(200, "{}")
        }
        ("POST", "/api/accounts/deviceauth/usercode") => Script::json(
            200,
            &json!({"device_auth_id": "device-1", "user_code": "ABCD-12345", "interval": "1"}).to_string(),
        ),
        ("POST", "/api/accounts/deviceauth/token") => {
            let mut state = state.lock().unwrap();
            if state.device_pending > 0 {
                state.device_pending -= 1;
                return Script::json(403, "{}");
            }
            // The server makes the verifier.
            state.challenge = challenge("device-verifier");
            let given = json!({"authorization_code": "good-code", "code_challenge": state.challenge, "code_verifier": "device-verifier"});
            Script::json(200, &given.to_string())
        }
        ("GET", "/backend-api/wham/usage") => usage(request, &mut state.lock().unwrap()),
        ("POST", "/backend-api/codex/responses") => {
            let mut state = state.lock().unwrap();
            if let Some(refused) = refused(request, &mut state) {
                return refused;
            }
            if let Some((left, number)) = state.revoke_after {
                state.revoke_after = (left > 1).then_some((left - 1, number));
                state.revoked = if left > 1 { state.revoked } else { number };
            }
            state.answers.pop_front().unwrap_or_else(|| Script::json(500, "{}"))
        }
        (method, path) => {
            state.lock().unwrap().broken.push(format!("{method} {path} is asked by nobody"));
            Script::json(404, "{}")
        }
    }
}

fn challenge(verifier: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

fn exchange(request: &Captured, state: &mut State) -> Script {
    let form: BTreeMap<String, String> = url::form_urlencoded::parse(&request.body).into_owned().collect();
    let good = form["grant_type"] == "authorization_code"
        && form["code"] == "good-code"
        && !form["client_id"].is_empty()
        && challenge(&form["code_verifier"]) == state.challenge;
    if !good {
        return Script::json(400, r#"{"error":"invalid_grant","error_description":"That code is not good."}"#);
    }
    state.number += 1;
    Script::json(200, &tokens(state))
}

fn renew(request: &Captured, state: &Mutex<State>) -> Script {
    let pause = state.lock().unwrap().pause;
    std::thread::sleep(pause);
    let mut state = state.lock().unwrap();
    state.renewals += 1;
    if let Some(script) = &state.failing {
        return script.clone();
    }
    let body = request.json();
    assert_eq!(body["grant_type"], "refresh_token");
    let given = body["refresh_token"].as_str().and_then(|token| token.strip_prefix(&format!("rt-{CANARY}-"))).unwrap();
    let given: u64 = given.parse().unwrap();
    if given < state.used {
        let used = state.used;
        state.broken.push(format!("the tokens {given} were stored when {used} were in use"));
    }
    if given != state.number && !state.lenient {
        state.refused += 1;
        return Script::json(400, r#"{"error":{"code":"refresh_token_reused","message":"It was used already."}}"#);
    }
    state.number += 1;
    Script::json(200, &tokens(&state))
}

/// What the plan's service answers to a token that is none, or no longer one.
fn refused(request: &Captured, state: &mut State) -> Option<Script> {
    let token = request.header("authorization").unwrap_or_default().to_owned();
    let number: Option<u64> = token.rsplit_once(&format!("{CANARY}-")).and_then(|(_, number)| number.parse().ok());
    let Some(number) = number.filter(|_| request.header("chatgpt-account-id") == Some("acc-1")) else {
        state.broken.push(format!("no token of this server: {token}"));
        return Some(Script::json(401, "{}"));
    };
    if number <= state.revoked {
        return Some(Script::json(401, r#"{"error":{"code":"token_expired","message":"Your token is over."}}"#));
    }
    state.used = state.used.max(number);
    None
}

fn usage(request: &Captured, state: &mut State) -> Script {
    if let Some(refused) = refused(request, state) {
        return refused;
    }
    let windows = json!({"used_percent": 12, "limit_window_seconds": 18_000, "reset_at": 1_999_999_980});
    let credits = state.balance.map(|balance| json!({"has_credits": true, "unlimited": false, "balance": balance}));
    let usage = json!({"plan_type": "plus", "rate_limit": {"primary_window": windows}, "credits": credits});
    Script::json(200, &usage.to_string())
}

/// Tokens with this number, in the shape of the service's. As large as real ones, so that they need several parts of a
/// keyring.
fn tokens(state: &State) -> String {
    let now = vibekit::base::clock::now().as_second() + state.skew;
    let part = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let auth = json!({"chatgpt_plan_type": "plus", "chatgpt_account_id": "acc-1", "chatgpt_user_id": "user-1"});
    let jwt = |claims| format!("{}.{}.{CANARY}-{}", part(json!({"alg": "RS256"})), part(claims), state.number);
    let access =
        json!({"iat": now, "exp": now + state.lifetime, "pad": "x".repeat(1_500), "https://api.openai.com/auth": auth});
    let id = json!({"email": "ada@example.com", "https://api.openai.com/auth": auth});
    json!({"access_token": jwt(access), "id_token": jwt(id), "refresh_token": format!("rt-{CANARY}-{}", state.number)})
        .to_string()
}
