//! What a provider says that was charged: reports by day and model, the record of one answer, an invoice as a file.
//! Each is asked only by `vk cost reconcile`.

mod invoice;
mod record;
mod report;

pub use invoice::{InvoiceError, read as read_invoice};
pub use record::{charged, keeps_records};
pub use report::{ReportError, ReportPeriod, Reporter, reporter};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::endpoint::Endpoint;
use super::error::CallError;
use super::outcome::Attempt;
use super::progress::Progress;
use crate::base::secret::Secret;
use crate::net::http::{Client, Request};

/// More than a month of any report.
const LARGEST_ANSWER: usize = 8 << 20;

/// One question that costs nothing. `None` where the provider says that there is no such thing (404).
async fn answer(client: &Client, endpoint: &Endpoint, secret: &Secret, url: &str) -> Result<Option<Value>, CallError> {
    let progress = Progress::new();
    let mut attempt = Attempt::new(Some(secret), &progress);
    let (headers, credential) = (endpoint.headers(), endpoint.credential(Some(secret)));
    let sent = client.send(Request { url, headers: &headers, credential, body: None }, || {}).await;
    let mut response = sent.map_err(|error| attempt.no_answer(&error))?;
    attempt.read_headers(&response);
    match response.status() {
        200..300 => {}
        404 => return Ok(None),
        _ => return Err(attempt.refused(&mut response).await),
    }
    let body = response.read_up_to(LARGEST_ANSWER).await;
    serde_json::from_slice(&body).map(Some).map_err(|_| attempt.not_json(&body))
}

/// What a word of a provider's may have as it is in an address; the rest is escaped.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

fn escaped(word: &str) -> String {
    utf8_percent_encode(word, PLAIN).to_string()
}
