//! What is left of a Codex plan, as the service says: one request that uses nothing of it.
//! Source: codex-rs/backend-client (2026-08), `GET {backend}/wham/usage`.

use jiff::Timestamp;
use serde_json::Value;

use super::refresh::Access;
use crate::domain::failure::{Failure, Status};
use crate::domain::quota::{Credits, Said, Window, percent};
use crate::net::http::{Client, Credential, Request};

const LARGEST_ANSWER: usize = 256 * 1024;

/// The windows of a plan, the shorter first, and whether it is used up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    pub plan: Option<String>,
    pub windows: Vec<Window>,
    /// What would pay once it is used up.
    pub credits: Option<Credits>,
    pub reached: bool,
}

impl Quota {
    #[must_use]
    pub fn said(self) -> Said {
        Said { windows: self.windows, credits: self.credits, reached: self.reached }
    }
}

/// How asking failed.
#[derive(Debug)]
pub enum Unknown {
    /// The access token is not taken.
    Unauthorized,
    Failed(Failure),
}

/// # Errors
/// A token that is not taken, no answer, or one that cannot be read.
pub async fn left(client: &Client, base_url: &str, access: &Access) -> Result<Quota, Unknown> {
    let url = format!("{}/wham/usage", base_url.trim_end_matches('/'));
    let mut headers = vec![("accept", "application/json".to_owned()), ("originator", "vk".to_owned())];
    headers.extend(access.account_id.clone().map(|id| ("chatgpt-account-id", id)));
    let credential = Credential { header: "authorization", prefix: "Bearer ", secret: &access.access_token };
    let request = Request { url: &url, headers: &headers, credential: Some(credential), body: None };
    let mut response = client.send(request, || {}).await.map_err(|error| Unknown::Failed(error.into()))?;
    let failed =
        |what: String| Unknown::Failed(Failure::new(Status::ProviderFailed, "no_quota", what).fix("vk whoami"));
    match response.status() {
        200 => {}
        401 => return Err(Unknown::Unauthorized),
        status => return Err(failed(format!("the service did not say what is left (HTTP {status})"))),
    }
    let body = response.read_up_to(LARGEST_ANSWER).await;
    let body: Option<Value> = serde_json::from_slice(&body).ok();
    body.as_ref().and_then(read).ok_or_else(|| failed("the service's answer on what is left cannot be read".to_owned()))
}

/// A token that was just renewed and is not taken.
#[must_use]
pub fn refused(label: &str) -> Failure {
    Failure::new(Status::NoCredential, "login_refused", "the plan's service does not take the login's token")
        .why("it was renewed just now, so the account may have lost its plan or its access")
        .fix(format!("vk login codex --label {label}"))
}

fn read(body: &Value) -> Option<Quota> {
    let limit = body.get("rate_limit")?;
    let windows = ["primary_window", "secondary_window"].iter().filter_map(|name| window(limit.get(name)?)).collect();
    let credits = body.get("credits").filter(|credits| credits.is_object()).map(|credits| {
        let flag = |name: &str| credits.get(name).and_then(Value::as_bool).unwrap_or(false);
        let balance = credits.get("balance").and_then(Value::as_str).and_then(|text| text.trim().parse().ok());
        Credits { has: flag("has_credits"), unlimited: flag("unlimited"), balance }
    });
    let refused = |name: &str, value| limit.get(name).and_then(Value::as_bool) == Some(value);
    Some(Quota {
        plan: body.get("plan_type").and_then(Value::as_str).map(str::to_owned),
        windows,
        credits,
        reached: refused("allowed", false) || refused("limit_reached", true),
    })
}

fn window(value: &Value) -> Option<Window> {
    let seconds = value.get("limit_window_seconds").and_then(Value::as_u64);
    Some(Window {
        name: seconds.map(Window::name_of).unwrap_or_default(),
        used: percent(value.get("used_percent")?.as_number()?)?.min(100),
        resets_at: value.get("reset_at").and_then(Value::as_i64).and_then(|at| Timestamp::from_second(at).ok()),
    })
}

impl std::fmt::Display for Quota {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, window) in self.windows.iter().enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{window}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_used_is_read_and_never_shown_as_less() {
        let body = json!({"plan_type": "plus", "rate_limit": {
            "primary_window": {"used_percent": 12, "limit_window_seconds": 18_000, "reset_at": 1_764_000_000},
            "secondary_window": {"used_percent": 40.1, "limit_window_seconds": 604_800, "reset_at": 1_764_300_000},
        }});
        let quota = read(&body).unwrap();
        assert_eq!(quota.plan.as_deref(), Some("plus"));
        assert_eq!(
            quota.to_string(),
            "5 h: 12 % used until 2025-11-24 16:00 UTC; 1 week: 41 % used until 2025-11-28 03:20 UTC"
        );
        assert_eq!(
            read(&json!({"rate_limit": {"primary_window": {"used_percent": 250}}})).unwrap().to_string(),
            "100 % used"
        );
        assert_eq!(read(&json!({"rate_limit": {"primary_window": null}})).unwrap().windows, []);
        assert_eq!(read(&json!({"rate_limit": {"primary_window": {"used_percent": "x"}}})).unwrap().windows, []);
        assert!(read(&json!({})).is_none());
    }
}
