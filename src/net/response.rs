//! An answer as it arrives: its headers, then its body piece by piece under the limits of the call.

use bytes::Bytes;

use super::http::NetError;
use super::limits::Watch;

/// Longer header values are cut: they are shown and stored.
const LONGEST_HEADER: usize = 200;

/// An answer whose body has not been read yet.
#[derive(Debug)]
pub struct Response {
    host: String,
    answer: reqwest::Response,
    watch: Watch,
}

impl Response {
    pub(super) const fn new(host: String, answer: reqwest::Response, watch: Watch) -> Self {
        Self { host, answer, watch }
    }

    #[must_use]
    pub fn status(&self) -> u16 {
        self.answer.status().as_u16()
    }

    /// A header's value if it is printable ASCII, cut to 200 characters.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let value = self.answer.headers().get(name)?.to_str().ok()?.trim();
        (!value.is_empty()).then(|| value.chars().take(LONGEST_HEADER).collect())
    }

    /// A header's value as it is, if it is printable ASCII of at most so many bytes: for what is sent back.
    #[must_use]
    pub fn whole_header(&self, name: &str, limit: usize) -> Option<String> {
        let value = self.answer.headers().get(name)?.to_str().ok()?;
        (!value.is_empty() && value.len() <= limit).then(|| value.to_owned())
    }

    /// The media type without its parameters, in lower case.
    #[must_use]
    pub fn media_type(&self) -> Option<String> {
        let value = self.header("content-type")?;
        value.split(';').next().map(|kind| kind.trim().to_ascii_lowercase())
    }

    /// The next piece of the body, decompressed; `None` at its end. Pieces are small (some KiB) whatever a
    /// compressed body grows to.
    ///
    /// # Errors
    /// A broken connection, or the first of the call's time limits that passes.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, NetError> {
        let (until, what) = self.watch.deadline();
        match tokio::time::timeout_at(until, self.answer.chunk()).await {
            Err(_) => Err(NetError::TimedOut { host: self.host.clone(), what }),
            Ok(Err(e)) => Err(NetError::Broken { host: self.host.clone(), source: e.without_url() }),
            Ok(Ok(chunk)) => Ok(chunk),
        }
    }

    /// A sign of life that is no content came: a ping, a comment.
    pub fn mark_alive(&mut self) {
        self.watch.alive();
    }

    /// Something that brings the answer forward came.
    pub fn mark_content(&mut self) {
        self.watch.content();
    }

    /// At most `limit` bytes of the body; whatever is beyond is not read. A body that breaks off gives what came.
    pub async fn read_up_to(&mut self, limit: usize) -> Vec<u8> {
        let mut body = Vec::new();
        while let Ok(Some(chunk)) = self.chunk().await {
            let room = limit - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() >= limit {
                break;
            }
        }
        body
    }
}
