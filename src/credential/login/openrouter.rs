//! OpenRouter's login for programs without a client id: a page where the person agrees, and a key of theirs for the
//! code that it gives. Source: openrouter.ai/docs/guides/overview/auth/oauth and the SDK's `exchange_auth_code`
//! (2026-11). It takes no `state`, so the callback's path is what nobody can guess.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::callback::Expected;
use super::secrets::{Code, Pkce, unguessable};
use crate::base::mask::mask;
use crate::base::secret::Secret;
use crate::credential::{ProviderFacts, shape};
use crate::domain::failure::{Failure, Status};
use crate::net::http::{Client, NetError, Request};

/// The documentation's own example comes first; the service takes others of this machine too.
pub const PORTS: &[u16] = &[3_000, 0];
const LARGEST_ANSWER: usize = 64 * 1024;

/// A login that was begun.
#[derive(Debug)]
pub struct Login {
    pub expected: Expected,
    site: Url,
    pkce: Pkce,
}

/// What the exchange gave.
#[derive(Debug)]
pub struct Granted {
    pub key: Secret,
    /// The service's id of the person.
    pub account: Option<String>,
}

#[derive(Deserialize)]
struct Exchanged {
    key: String,
    #[serde(default)]
    user_id: Option<String>,
}

impl Login {
    /// # Errors
    /// If the provider's address is none, or the system gives no random numbers.
    pub fn begin(base_url: &str) -> Result<Self, Failure> {
        let bad =
            || Failure::usage("bad_address", format!("{base_url} is no address")).fix("vk doctor   # where it is set");
        let mut site = Url::parse(base_url).map_err(|_| bad())?;
        // A regional address has the same accounts and keys; the page is the service's only one.
        if site.host_str().is_some_and(|host| host.ends_with(".openrouter.ai")) {
            site.set_host(Some("openrouter.ai")).map_err(|_| bad())?;
        }
        site.set_query(None);
        site.set_fragment(None);
        let expected = Expected { path: format!("/callback/{}", unguessable()?), state: None };
        Ok(Self { expected, site, pkce: Pkce::new()? })
    }

    /// The page where the person agrees.
    #[must_use]
    pub fn page(&self, callback_url: &str) -> String {
        let mut page = self.site.clone();
        page.set_path("/auth");
        page.query_pairs_mut()
            .append_pair("callback_url", callback_url)
            .append_pair("code_challenge", &self.pkce.challenge())
            .append_pair("code_challenge_method", "S256");
        page.into()
    }

    /// The key for the code: one request, never sent twice.
    ///
    /// # Errors
    /// The service's refusal (exit 3), no answer (exit 6), or an answer that is no key of OpenRouter's.
    pub async fn exchange(self, client: &Client, code: &Code) -> Result<Granted, Failure> {
        let mut url = self.site.clone();
        url.set_path("/api/v1/auth/keys");
        let body = json!({
            "code": code.expose(),
            "code_verifier": self.pkce.verifier.expose(),
            "code_challenge_method": "S256",
        });
        let request = Request {
            url: url.as_str(),
            headers: &[("accept", "application/json".to_owned())],
            credential: None,
            body: Some(Bytes::from(body.to_string())),
        };
        let mut response = client.send(request, || {}).await.map_err(|error| unanswered(error, &url))?;
        let status = response.status();
        let body = response.read_up_to(LARGEST_ANSWER).await;
        if !(200..300).contains(&status) {
            return Err(refused(status, &body));
        }
        let exchanged: Exchanged = serde_json::from_slice(&body).map_err(|_| {
            Failure::new(Status::ProviderFailed, "malformed", "OpenRouter answered with something that holds no key")
                .fix(AGAIN)
                .fix(BY_HAND)
        })?;
        let key = shape::clean(exchanged.key)?;
        shape::check(ProviderFacts { name: "openrouter", base_url: self.site.as_str() }, &key)?;
        let account = exchanged.user_id.map(|id| mask(&id.chars().take(100).collect::<String>()));
        Ok(Granted { key, account: account.filter(|id| !id.is_empty()) })
    }
}

const AGAIN: &str = "vk login openrouter";
const BY_HAND: &str = "vk keys add openrouter      # with a key from https://openrouter.ai/settings/keys";

fn unanswered(error: NetError, url: &Url) -> Failure {
    let failure = Failure::from(error);
    let host = url.host_str().unwrap_or_default();
    Failure { what: format!("no key came from {host}: {}", failure.what), ..failure }.fix(AGAIN).fix(BY_HAND)
}

fn refused(status: u16, body: &[u8]) -> Failure {
    let words = serde_json::from_slice::<serde_json::Value>(body).ok();
    let words = words.as_ref().and_then(|body| {
        let error = body.get("error")?;
        error.as_str().or_else(|| error.get("message")?.as_str())
    });
    let words = words.map(|words| mask(&words.chars().take(300).collect::<String>()));
    let (kind, code, what) = match status {
        400..=499 => (Status::NoCredential, "login_refused", "OpenRouter gave no key for this code"),
        _ => (Status::ProviderFailed, "login_failed", "OpenRouter could not give a key"),
    };
    Failure::new(kind, code, format!("{what} (HTTP {status})"))
        .why(words.unwrap_or_else(|| {
            "a code works once, for a few minutes, and only for the login that it came from".to_owned()
        }))
        .fix(AGAIN)
        .fix(BY_HAND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_the_challenge_and_never_the_verifier() {
        for (base_url, begins) in [
            (
                "https://openrouter.ai/api/v1",
                "https://openrouter.ai/auth?callback_url=http%3A%2F%2Flocalhost%3A3000%2Fcallback%2F",
            ),
            ("https://eu.openrouter.ai/api/v1", "https://openrouter.ai/auth?"),
            ("http://127.0.0.1:9/api/v1", "http://127.0.0.1:9/auth?"),
            ("https://openrouter.ai.evil.example/api", "https://openrouter.ai.evil.example/auth?"),
        ] {
            let login = Login::begin(base_url).unwrap();
            let page = login.page(&format!("http://localhost:3000{}", login.expected.path));
            assert!(page.starts_with(begins), "{page}");
            assert!(page.ends_with(&format!("&code_challenge={}&code_challenge_method=S256", login.pkce.challenge())));
            assert!(!page.contains(login.pkce.verifier.expose()));
            assert!(login.expected.path.len() > 50);
        }
    }
}
