//! What one answer cost, by the gateway's own record of it.
//!
//! Sources: openrouter.ai/docs, API reference of `/generation` (2026-10); docs.litellm.ai, spend tracking,
//! `/spend/logs` (2026-10).

use serde_json::Value;

use super::{answer, escaped};
use crate::base::money::Usd;
use crate::base::secret::Secret;
use crate::net::http::Client;
use crate::provider::endpoint::{Endpoint, Gateway};
use crate::provider::error::CallError;
use crate::provider::reported;

/// Whether the gateway keeps a record of each answer that may be asked for.
#[must_use]
pub fn keeps_records(endpoint: &Endpoint) -> bool {
    endpoint.gateway().is_some()
}

/// In USD. `None` where the gateway has no record of it, or not yet.
///
/// # Errors
/// The gateway refuses the key or does not answer.
pub async fn charged(
    client: &Client,
    endpoint: &Endpoint,
    secret: &Secret,
    response_id: &str,
) -> Result<Option<Usd>, CallError> {
    let root = endpoint.root();
    let id = escaped(response_id);
    let found = match endpoint.gateway() {
        Some(Gateway::OpenRouter) => answer(client, endpoint, secret, &format!("{root}/generation?id={id}")).await?,
        Some(Gateway::LiteLlm) => {
            let root = root.strip_suffix("/v1").unwrap_or(&root);
            answer(client, endpoint, secret, &format!("{root}/spend/logs?request_id={id}")).await?
        }
        None => None,
    };
    Ok(found.as_ref().and_then(|found| figure(found, response_id)))
}

/// `total_cost` of the one record, or `spend` of the rows of that request. Never below zero, and never another's.
fn figure(answer: &Value, id: &str) -> Option<Usd> {
    let cost = match answer {
        Value::Array(rows) if !rows.is_empty() => rows
            .iter()
            .map(|row| reported::balance(row.get("spend").filter(|_| row["request_id"] == id)?))
            .sum::<Option<Usd>>(),
        _ => reported::balance(answer.pointer("/data/total_cost").filter(|_| answer["data"]["id"] == id)?),
    };
    cost.filter(|cost| !cost.is_negative())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_tells_what_was_charged() {
        let generation =
            json!({"data": {"id": "gen-3bhGkxlo", "total_cost": 0.0015, "usage": 0.0015, "is_byok": false}});
        assert_eq!(figure(&generation, "gen-3bhGkxlo"), Some(Usd::from_nanos(1_500_000)));
        let logs = json!([{"request_id": "chatcmpl-1", "spend": 0.001}, {"request_id": "chatcmpl-1", "spend": 5e-4}]);
        assert_eq!(figure(&logs, "chatcmpl-1"), Some(Usd::from_nanos(1_500_000)));
        for odd in [json!([]), json!({}), json!({"data": {"total_cost": null}}), json!([{"spend": -1}]), json!("x")] {
            assert_eq!(figure(&odd, "gen-1"), None, "{odd}");
        }
        assert_eq!((figure(&generation, "gen-2"), figure(&logs, "chatcmpl-2")), (None, None), "another call's");
        assert_eq!(escaped("gen-1_a/../?x=&"), "gen-1_a%2F..%2F%3Fx%3D%26");
    }
}
