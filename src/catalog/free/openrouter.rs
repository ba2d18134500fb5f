//! OpenRouter's public list of models, `GET {base}/models`: which cost nothing and take tools. No key is sent.
//! Source: openrouter.ai/docs, models API (2026-10): prices are decimal strings in USD a token or a request.

use serde_json::Value;

use super::{FreeModel, best_first};
use crate::domain::failure::{Failure, Status};
use crate::net::http::{Client, NetError, Request};

/// The list is about 1 MB.
const LARGEST: usize = 16 << 20;
const MOST_MODELS: usize = 500;
/// A longer id is none.
const LONGEST_ID: usize = 200;

/// What a call can be charged by, so that all of it must be nothing. What only other kinds of requests cost (images,
/// web search) is not among it.
const CHARGES: [&str; 6] =
    ["prompt", "completion", "request", "internal_reasoning", "input_cache_read", "input_cache_write"];

#[derive(Debug, thiserror::Error)]
pub enum ListError {
    #[error(transparent)]
    Net(#[from] NetError),
    #[error("{from} answered {status}")]
    Status { from: String, status: u16 },
    #[error("what {from} answered is no list of models")]
    NoList { from: String },
}

impl From<ListError> for Failure {
    fn from(error: ListError) -> Self {
        match error {
            ListError::Net(error) => Self::from(error),
            other => Self::new(Status::ProviderFailed, "no_model_list", other.to_string()),
        }
    }
}

/// Reads the list from its address.
///
/// # Errors
/// No answer, an answer other than 200, or one that is no list of models.
pub async fn fetch(client: &Client, base_url: &str) -> Result<Vec<FreeModel>, ListError> {
    let from = format!("{}/models", base_url.trim_end_matches('/'));
    let headers = [("accept", "application/json".to_owned())];
    let mut answer =
        client.send(Request { url: &from, headers: &headers, credential: None, body: None }, || {}).await?;
    if answer.status() != 200 {
        return Err(ListError::Status { from, status: answer.status() });
    }
    let body = answer.read_up_to(LARGEST).await;
    read(&body).ok_or(ListError::NoList { from })
}

/// The models of the list that cost nothing and take tools, the best for coding first; `None` if it is no such list.
#[must_use]
pub fn read(body: &[u8]) -> Option<Vec<FreeModel>> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let data = body.get("data")?.as_array()?;
    let mut models: Vec<FreeModel> = data.iter().filter_map(free_model).take(MOST_MODELS).collect();
    best_first(&mut models);
    Some(models)
}

fn free_model(model: &Value) -> Option<FreeModel> {
    let id = model.get("id")?.as_str().filter(|id| is_id(id))?;
    let takes_tools = model.get("supported_parameters")?.as_array()?.iter().any(|one| one == "tools");
    if !takes_tools || !costs_nothing(model.get("pricing")?) {
        return None;
    }
    let top = model.get("top_provider");
    let number = |value: Option<&Value>| value.and_then(Value::as_u64).filter(|n| *n > 0);
    let context = [number(model.get("context_length")), number(top.and_then(|top| top.get("context_length")))];
    Some(FreeModel {
        id: id.to_owned(),
        context: context.into_iter().flatten().min(),
        max_output: number(top.and_then(|top| top.get("max_completion_tokens"))).and_then(|n| u32::try_from(n).ok()),
    })
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(|b| b.is_ascii_graphic())
}

/// Prompt and completion have a price, and every price of a call is nothing.
fn costs_nothing(pricing: &Value) -> bool {
    let is_zero = |name: &str| pricing.get(name).map(|price| price.as_str().is_some_and(is_zero));
    is_zero("prompt") == Some(true)
        && is_zero("completion") == Some(true)
        && CHARGES.iter().all(|name| is_zero(name) != Some(false))
}

/// A decimal string that is exactly nothing: no float, in which a small price may vanish.
fn is_zero(text: &str) -> bool {
    let digits = text.strip_prefix("0.").map_or(text, |fraction| fraction);
    !digits.is_empty() && digits.bytes().all(|b| b == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shape and fields of the published list.
    fn model(id: &str, pricing: &str, parameters: &str, context: u64) -> String {
        format!(
            r#"{{"id":"{id}","canonical_slug":"{id}","name":"X","created":1764000000,"context_length":{context},
            "architecture":{{"modality":"text->text"}},"pricing":{pricing},
            "top_provider":{{"context_length":{context},"max_completion_tokens":null,"is_moderated":false}},
            "per_request_limits":null,"supported_parameters":{parameters}}}"#
        )
    }

    const FREE: &str =
        r#"{"prompt":"0","completion":"0","request":"0","image":"0","web_search":"0.01","internal_reasoning":"0"}"#;
    const TOOLS: &str = r#"["max_tokens","tool_choice","tools"]"#;

    fn ids(models: &[String]) -> Vec<String> {
        let body = format!(r#"{{"data":[{}]}}"#, models.join(","));
        read(body.as_bytes()).unwrap().into_iter().map(|model| model.id).collect()
    }

    #[test]
    fn a_member_costs_exactly_nothing_and_takes_tools() {
        let listed = [
            model("a/small:free", FREE, TOOLS, 32_768),
            model("a/no-tools:free", FREE, r#"["max_tokens"]"#, 32_768),
            model("a/paid", r#"{"prompt":"0.0000003","completion":"0"}"#, TOOLS, 32_768),
            model("a/tiny-price:free", r#"{"prompt":"0","completion":"0.0000000000000000000000001"}"#, TOOLS, 32_768),
            model("a/per-request:free", r#"{"prompt":"0","completion":"0","request":"0.01"}"#, TOOLS, 32_768),
            model("openrouter/auto", r#"{"prompt":"-1","completion":"-1"}"#, TOOLS, 32_768),
            model("a/number:free", r#"{"prompt":0,"completion":0}"#, TOOLS, 32_768),
            model("a/unpriced:free", "{}", TOOLS, 32_768),
            model("a/large:free", r#"{"prompt":"0","completion":"0.00"}"#, TOOLS, 262_144),
            model("openai/gpt-oss-20b:free", FREE, TOOLS, 131_072),
        ];
        // What is known to do coding work comes first, then the larger context.
        assert_eq!(ids(&listed), ["openai/gpt-oss-20b:free", "a/large:free", "a/small:free"]);
    }

    #[test]
    fn what_is_no_list_is_none_and_an_odd_row_is_left_out() {
        for body in ["", "<html>", "[]", r#"{"data":{}}"#, r#"{"error":{"message":"m"}}"#] {
            assert_eq!(read(body.as_bytes()), None, "{body}");
        }
        assert_eq!(ids(&["7".to_owned(), r#"{"id":7}"#.to_owned(), model("a b", FREE, TOOLS, 1)]), [""; 0]);
        let body = format!(r#"{{"data":[{}]}}"#, model("a/x:free", FREE, TOOLS, 0));
        assert_eq!(read(body.as_bytes()).unwrap()[0].context, None);
    }
}
