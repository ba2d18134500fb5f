//! The identity server of ChatGPT, as its own program talks to it: the page, the device code, the exchange, the renewal
//! and the end of a login. One request each, never repeated. Sources: codex-rs/login (2026-08): `server.rs`,
//! `device_code_auth.rs`, `auth/manager.rs`, `auth/revoke.rs`.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;
use url::form_urlencoded::Serializer;

use super::record::{Given, is_token};
use crate::base::mask::mask;
use crate::base::secret::Secret;
use crate::credential::login::{Code, Expected, Pkce, unguessable};
use crate::domain::failure::{Failure, Status};
use crate::net::http::{Client, NetError, Request};

/// The identity server, unless the user's own configuration names another.
pub const ISSUER: &str = "https://auth.openai.com";
/// Where the access token is taken, likewise.
pub const BACKEND: &str = "https://chatgpt.com/backend-api";
/// The public client that the two ports are registered for.
const CLIENT_ID: &str = "app_EMoamEEZ73f0CkXaXp7hrann";
/// Who asks: vk does not claim to be another program.
const ORIGINATOR: &str = "vk";
/// What a plan needs, and nothing of the person's connected services.
const SCOPE: &str = "openid profile email offline_access";
/// Registered for this client, so no other will do.
pub const PORTS: &[u16] = &[1_455, 1_457];
const PATH: &str = "/auth/callback";
const LARGEST_ANSWER: usize = 256 * 1024;

/// The server's address.
#[derive(Clone, Debug)]
pub struct Issuer(Url);

/// A browser login that was begun.
#[derive(Debug)]
pub struct Login {
    pub expected: Expected,
    pkce: Pkce,
}

/// A login on another device that was begun.
#[derive(Clone, Debug)]
pub struct Device {
    /// Where the person types the code.
    pub page: String,
    pub user_code: String,
    /// Between two questions whether it is done.
    pub interval: Duration,
    id: Secret,
}

/// How a renewal failed.
#[derive(Debug)]
pub enum Refusal {
    /// The refresh token is spent, expired or taken back: nothing but a new login helps.
    Final(String),
    /// It may work again.
    Passing(Failure),
}

impl Issuer {
    /// # Errors
    /// Exit 2 for what is no address.
    pub fn new(address: &str) -> Result<Self, Failure> {
        let bad =
            || Failure::usage("bad_address", format!("{address} is no address")).fix("vk doctor   # where it is set");
        Url::parse(address).ok().filter(Url::has_host).map(Self).ok_or_else(bad)
    }

    fn at(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}{path}", self.0.path().trim_end_matches('/')));
        url
    }

    /// The page where the person agrees.
    #[must_use]
    pub fn page(&self, login: &Login, redirect: &str) -> String {
        let mut page = self.at("/oauth/authorize");
        page.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", CLIENT_ID)
            .append_pair("redirect_uri", redirect)
            .append_pair("scope", SCOPE)
            .append_pair("code_challenge", &login.pkce.challenge())
            .append_pair("code_challenge_method", "S256")
            .append_pair("id_token_add_organizations", "true")
            .append_pair("codex_cli_simplified_flow", "true")
            .append_pair("state", login.expected.state.as_deref().unwrap_or_default())
            .append_pair("originator", ORIGINATOR);
        page.into()
    }

    /// The tokens for the code that the browser brought.
    ///
    /// # Errors
    /// Exit 3 where the server refuses, 6 where it does not answer as one.
    pub async fn exchange(&self, client: &Client, login: Login, code: &Code, redirect: &str) -> Result<Given, Failure> {
        self.exchange_with(client, &login.pkce.verifier, code, redirect).await
    }

    async fn exchange_with(
        &self,
        client: &Client,
        verifier: &Secret,
        code: &Code,
        redirect: &str,
    ) -> Result<Given, Failure> {
        let form = Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", code.expose())
            .append_pair("redirect_uri", redirect)
            .append_pair("client_id", CLIENT_ID)
            .append_pair("code_verifier", verifier.expose())
            .finish();
        let answer = self.post(client, "/oauth/token", form, "application/x-www-form-urlencoded").await?;
        answer.given().map_err(|(status, words)| refused("the login was not completed", status, &words))
    }

    /// # Errors
    /// Exit 3 where this account or server has no such login, 6 where it does not answer as one.
    pub async fn begin_device(&self, client: &Client) -> Result<Device, Failure> {
        let answer =
            self.post_json(client, "/api/accounts/deviceauth/usercode", &json!({"client_id": CLIENT_ID})).await?;
        if answer.status == 404 {
            return Err(Failure::new(
                Status::NoCredential,
                "no_device_login",
                "the service offers no login by device code here",
            )
            .why("an administrator, or the account's own security settings, may have to allow it")
            .fix("vk login codex"));
        }
        let body =
            answer.body.as_ref().filter(|_| answer.is_ok()).ok_or_else(|| answer.odd("no device code was given"))?;
        let word =
            |names: [&str; 2]| names.iter().find_map(|name| body.get(name)?.as_str()).filter(|text| is_token(text));
        let code = word(["user_code", "usercode"]).filter(|code| code.len() <= 40);
        let (Some(user_code), Some(id)) = (code, word(["device_auth_id", "device_auth_id"])) else {
            return Err(answer.odd("no device code was given"));
        };
        // A text in the service's own answers; a number would mean the same.
        let interval = body.get("interval").and_then(|i| i.as_u64().or_else(|| i.as_str()?.trim().parse().ok()));
        Ok(Device {
            page: self.at("/codex/device").into(),
            user_code: user_code.to_owned(),
            interval: Duration::from_secs(interval.unwrap_or(5).clamp(1, 60)),
            id: Secret::new(id),
        })
    }

    /// The tokens, once the person has typed the code; `None` before that.
    ///
    /// # Errors
    /// As for [`Issuer::exchange`].
    pub async fn poll_device(&self, client: &Client, device: &Device) -> Result<Option<Given>, Failure> {
        let question = json!({"device_auth_id": device.id.expose(), "user_code": device.user_code});
        let answer = self.post_json(client, "/api/accounts/deviceauth/token", &question).await?;
        if matches!(answer.status, 403 | 404) {
            return Ok(None);
        }
        let field = |name: &str| answer.body.as_ref()?.get(name)?.as_str();
        // The server made the verifier for this one.
        let code = field("authorization_code").and_then(Code::parse);
        let verifier = field("code_verifier").filter(|text| is_token(text)).map(Secret::new);
        match (answer.is_ok(), code, verifier) {
            (true, Some(code), Some(verifier)) => {
                let redirect: String = self.at("/deviceauth/callback").into();
                self.exchange_with(client, &verifier, &code, &redirect).await.map(Some)
            }
            (true, ..) => Err(answer.odd("the login was not completed")),
            _ => Err(refused("the login was not completed", answer.status, &answer.words())),
        }
    }

    /// New tokens for the refresh token, which is spent by it.
    pub(super) async fn renew(&self, client: &Client, refresh: &Secret) -> Result<Given, Refusal> {
        let body = json!({"client_id": CLIENT_ID, "grant_type": "refresh_token", "refresh_token": refresh.expose()});
        let answer = self.post_json(client, "/oauth/token", &body).await.map_err(Refusal::Passing)?;
        if answer.is_final_refusal() {
            return Err(Refusal::Final(answer.words()));
        }
        answer.given().map_err(|(status, words)| Refusal::Passing(refused("the login was not renewed", status, &words)))
    }

    /// Ends the login at the service.
    ///
    /// # Errors
    /// That it did not say so.
    pub async fn revoke(&self, client: &Client, refresh: &Secret) -> Result<(), Failure> {
        let body = json!({"token": refresh.expose(), "token_type_hint": "refresh_token", "client_id": CLIENT_ID});
        let answer = self.post_json(client, "/oauth/revoke", &body).await?;
        if answer.is_ok() {
            Ok(())
        } else {
            Err(refused("the login was not ended there", answer.status, &answer.words()))
        }
    }

    async fn post_json(&self, client: &Client, path: &str, body: &Value) -> Result<Answer, Failure> {
        self.post(client, path, body.to_string(), "application/json").await
    }

    async fn post(&self, client: &Client, path: &str, body: String, kind: &str) -> Result<Answer, Failure> {
        let url = self.at(path);
        let headers = [
            ("accept", "application/json".to_owned()),
            ("content-type", kind.to_owned()),
            ("originator", ORIGINATOR.to_owned()),
        ];
        let request = Request { url: url.as_str(), headers: &headers, credential: None, body: Some(Bytes::from(body)) };
        let mut response = client.send(request, || {}).await.map_err(|error| unanswered(error, &url))?;
        let status = response.status();
        let server_time = response.header("date").and_then(|date| httpdate::parse_http_date(&date).ok());
        let server_time = server_time.and_then(|time| Timestamp::try_from(time).ok());
        let bytes = secrecy::zeroize::Zeroizing::new(response.read_up_to(LARGEST_ANSWER).await);
        Ok(Answer { status, body: serde_json::from_slice(&bytes).ok(), server_time })
    }
}

impl Login {
    /// # Errors
    /// If the system gives no random numbers.
    pub fn begin() -> Result<Self, Failure> {
        let expected = Expected { path: PATH.to_owned(), state: Some(unguessable()?) };
        Ok(Self { expected, pkce: Pkce::new()? })
    }
}

/// An answer of the server. Its body is `None` where it was no JSON.
struct Answer {
    status: u16,
    body: Option<Value>,
    server_time: Option<Timestamp>,
}

impl Answer {
    const fn is_ok(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// The tokens in it, or the status and the server's words.
    fn given(&self) -> Result<Given, (u16, String)> {
        let body = self.body.as_ref().filter(|_| self.is_ok());
        let token = |name: &str| body?.get(name)?.as_str().filter(|text| is_token(text)).map(Secret::new);
        let given = Given {
            access: token("access_token"),
            refresh: token("refresh_token"),
            id: token("id_token"),
            expires_in: body.and_then(|body| body.get("expires_in")?.as_i64()).filter(|seconds| *seconds > 0),
            server_time: self.server_time,
        };
        if given.access.is_none() && given.refresh.is_none() { Err((self.status, self.words())) } else { Ok(given) }
    }

    /// The code of an error, wherever this server puts it.
    fn error_code(&self) -> Option<&str> {
        let body = self.body.as_ref()?;
        let error = body.get("error");
        [error.and_then(|error| error.get("code")), error, body.get("code")]
            .into_iter()
            .flatten()
            .find_map(Value::as_str)
    }

    /// Whether this refresh token will never be taken again. Any 401 says so, and the standard's `invalid_grant`.
    fn is_final_refusal(&self) -> bool {
        const CODES: [&str; 4] =
            ["invalid_grant", "refresh_token_expired", "refresh_token_reused", "refresh_token_invalidated"];
        self.status == 401 || !self.is_ok() && self.error_code().is_some_and(|code| CODES.contains(&code))
    }

    /// What the server says, bounded and without anything that looks like a credential.
    fn words(&self) -> String {
        let body = self.body.as_ref();
        let of = |names: &[&str]| {
            let value = names.iter().try_fold(body?, |value, name| value.get(name))?;
            value.as_str().map(str::to_owned)
        };
        let words = of(&["error", "message"])
            .or_else(|| of(&["error_description"]))
            .or_else(|| self.error_code().map(str::to_owned));
        let words = words.unwrap_or_else(|| "it said nothing that can be read".to_owned());
        mask(&words.trim_end_matches('.').chars().take(300).collect::<String>())
    }

    fn odd(&self, what: &str) -> Failure {
        refused(what, self.status, &self.words())
    }
}

const AGAIN: &str = "vk login codex";

fn refused(what: &str, status: u16, words: &str) -> Failure {
    let (kind, code) = match status {
        400..=499 if status != 408 && status != 429 => (Status::NoCredential, "login_refused"),
        _ => (Status::ProviderFailed, "login_failed"),
    };
    Failure::new(kind, code, format!("{what} (HTTP {status})")).why(words).fix(AGAIN)
}

fn unanswered(error: NetError, url: &Url) -> Failure {
    let failure = Failure::from(error);
    let what = format!("{} did not answer: {}", url.host_str().unwrap_or_default(), failure.what);
    Failure { what, ..failure }.fix(AGAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, body: serde_json::from_str(body).ok(), server_time: None }
    }

    #[test]
    fn the_page_names_vk_its_port_and_no_secret() {
        let issuer = Issuer::new("https://auth.openai.com").unwrap();
        let login = Login::begin().unwrap();
        let page = Url::parse(&issuer.page(&login, "http://localhost:1455/auth/callback")).unwrap();
        let query: std::collections::BTreeMap<_, _> = page.query_pairs().into_owned().collect();
        assert_eq!((page.host_str(), page.path()), (Some("auth.openai.com"), "/oauth/authorize"));
        assert_eq!(query["redirect_uri"], "http://localhost:1455/auth/callback");
        assert_eq!(query["originator"], "vk");
        assert_eq!(query["code_challenge"], login.pkce.challenge());
        assert_eq!(Some(&query["state"]), login.expected.state.as_ref());
        assert_ne!(query["state"], login.pkce.verifier.expose());
        assert!(!page.as_str().contains(login.pkce.verifier.expose()));
        assert!(Issuer::new("auth.openai.com").is_err() && Issuer::new("data:x").is_err());
    }

    #[test]
    fn only_the_words_that_mean_it_end_a_login() {
        for (status, body) in [
            (400, r#"{"error":"invalid_grant"}"#),
            (400, r#"{"error":{"code":"refresh_token_reused","message":"x"}}"#),
            (403, r#"{"code":"refresh_token_expired"}"#),
            (401, "{}"),
            (401, "<html>"),
        ] {
            assert!(answer(status, body).is_final_refusal(), "{body}");
        }
        for (status, body) in [
            (400, r#"{"error":"invalid_request"}"#),
            (429, r#"{"error":{"code":"rate_limit_exceeded"}}"#),
            (500, r#"{"error":{"code":"server_error"}}"#),
            (503, "<html>"),
            (200, r#"{"error":"invalid_grant"}"#),
        ] {
            assert!(!answer(status, body).is_final_refusal(), "{body}");
        }
    }

    #[test]
    fn a_token_that_could_not_be_sent_is_none() {
        let given = answer(200, r#"{"access_token":"a\nb","refresh_token":"r1","expires_in":-5}"#).given().unwrap();
        assert!(given.access.is_none() && given.expires_in.is_none());
        assert_eq!(given.refresh.unwrap().expose(), "r1");
        assert!(answer(200, "[]").given().is_err());
        assert!(answer(500, r#"{"access_token":"a"}"#).given().is_err());
    }
}
