//! The lists from their published addresses. Nothing in the environment or a file can change these.

use jiff::Timestamp;

use super::{LARGEST_LIST, RawList, RefreshError};
use crate::catalog::day;
use crate::net::http::{Client, Request};

/// Where the lists are. Only tests give others than the published ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    pub models_dev: String,
    pub litellm: String,
}

impl Default for Addresses {
    fn default() -> Self {
        Self {
            models_dev: "https://models.dev/api.json".to_owned(),
            litellm: "https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json"
                .to_owned(),
        }
    }
}

/// Both lists, one after the other.
///
/// # Errors
/// The first that does not come whole: no connection, an answer other than 200, more than [`LARGEST_LIST`] bytes.
pub async fn fetch(client: &Client, from: &Addresses, now: Timestamp) -> Result<Vec<RawList>, RefreshError> {
    let mut lists = Vec::new();
    for address in [&from.models_dev, &from.litellm] {
        let headers = [("accept", "application/json".to_owned())];
        let request = Request { url: address, headers: &headers, credential: None, body: None };
        let mut answer = client.send(request, || {}).await?;
        if answer.status() != 200 {
            return Err(RefreshError::Status { from: address.clone(), status: answer.status() });
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if bytes.len() as u64 + chunk.len() as u64 > LARGEST_LIST {
                return Err(RefreshError::TooLarge { from: address.clone() });
            }
            answer.mark_content();
            bytes.extend_from_slice(&chunk);
        }
        lists.push(RawList { from: address.clone(), as_of: day(now), bytes });
    }
    Ok(lists)
}
