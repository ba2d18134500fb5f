//! The streamable HTTP transport over vk's own client: no redirects, the user's proxy, limits on time and size, and a
//! key that goes to the address it is for and nowhere else. The stream that a server may open by itself is not asked
//! for: vk has no use for what would come over it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use http::{HeaderName, HeaderValue};
use rmcp::model::{ClientJsonRpcMessage, JsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::streamable_http_client::{
    SseError, StreamableHttpClient, StreamableHttpError, StreamableHttpPostResponse,
};
use sse_stream::Sse;

use super::flood::Allowance;
use super::text::one_line;
use crate::base::secret::Secret;
use crate::net::http::{Client, Credential, NetError, Request, Response};
use crate::net::sse::{Decoder, Item, SseError as BadStream};

const SESSION: &str = "mcp-session-id";
const VERSION: &str = "mcp-protocol-version";
/// A session's name may be a signed token.
const LONGEST_SESSION: usize = 8 * 1024;
const LARGEST_ANSWER: usize = 16 << 20;
/// Of an answer that is no protocol: enough to see what it is.
const SHOWN: usize = 2 * 1024;

#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error(transparent)]
    Net(#[from] NetError),
    #[error("it answered HTTP {status}{}", said(.body))]
    Status { status: u16, body: String },
    #[error("it said more than a call may")]
    Flood,
    #[error("its stream cannot be read: {0}")]
    Stream(#[from] BadStream),
}

fn said(body: &str) -> String {
    let line = one_line(body, 200);
    if line.is_empty() { line } else { format!(": {line}") }
}

type Failed = StreamableHttpError<HttpError>;

impl From<HttpError> for Failed {
    fn from(error: HttpError) -> Self {
        Self::Client(error)
    }
}

/// One service.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) client: Arc<Client>,
    pub(super) secret: Option<Secret>,
    pub(super) allowance: Arc<Allowance>,
    /// 401 or 403, where that was its last word; else 0.
    pub(super) refused: Arc<AtomicU16>,
}

impl Service {
    async fn send(&self, url: &str, headers: &[(&'static str, String)], how: How) -> Result<Response, HttpError> {
        let credential =
            self.secret.as_ref().map(|secret| Credential { header: "authorization", prefix: "Bearer ", secret });
        let request = |body| Request { url, headers, credential, body };
        let response = match how {
            How::Post(body) => self.client.send(request(Some(body.into())), || {}).await?,
            How::Get => self.client.send(request(None), || {}).await?,
            How::Delete => self.client.delete(request(None)).await?,
        };
        let status = response.status();
        self.refused.store(if matches!(status, 401 | 403) { status } else { 0 }, Ordering::Relaxed);
        Ok(response)
    }

    /// The messages of an event stream.
    fn events(&self, response: Response) -> BoxStream<'static, Result<Sse, SseError>> {
        let state = Events {
            response,
            decoder: Decoder::new(),
            waiting: VecDeque::new(),
            allowance: Arc::clone(&self.allowance),
            broken: false,
        };
        stream::unfold(state, |mut state| async move { Some((state.next().await?, state)) }).boxed()
    }
}

enum How {
    Post(Vec<u8>),
    Get,
    Delete,
}

struct Events {
    response: Response,
    decoder: Decoder,
    waiting: VecDeque<Sse>,
    allowance: Arc<Allowance>,
    broken: bool,
}

impl Events {
    async fn next(&mut self) -> Option<Result<Sse, SseError>> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(Ok(event));
            }
            if self.broken {
                return None;
            }
            match self.more().await {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.broken = true;
                    return Some(Err(SseError::Body(Box::new(error))));
                }
            }
        }
    }

    /// Reads on; whether there was anything.
    async fn more(&mut self) -> Result<bool, HttpError> {
        let Some(chunk) = self.response.chunk().await? else { return Ok(false) };
        let items = self.decoder.push(&chunk)?;
        if !self.allowance.take(chunk.len() as u64, items.len() as u64) {
            return Err(HttpError::Flood);
        }
        for item in items {
            match item {
                Item::Comment => self.response.mark_alive(),
                Item::Event(event) => {
                    self.response.mark_content();
                    self.waiting.push_back(Sse {
                        event: (!event.name.is_empty()).then_some(event.name),
                        data: Some(String::from_utf8_lossy(&event.data).into_owned()),
                        id: event.id,
                        retry: event.retry_ms,
                    });
                }
            }
        }
        Ok(true)
    }
}

fn headers(session: Option<&str>, others: &HashMap<HeaderName, HeaderValue>) -> Vec<(&'static str, String)> {
    let version = others.get(&HeaderName::from_static(VERSION)).and_then(|value| value.to_str().ok());
    let named = |name: &'static str, value: Option<&str>| value.map(|value| (name, value.to_owned()));
    named(SESSION, session).into_iter().chain(named(VERSION, version)).collect()
}

impl StreamableHttpClient for Service {
    type Error = HttpError;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        _key: Option<String>,
        others: HashMap<HeaderName, HeaderValue>,
    ) -> Result<StreamableHttpPostResponse, Failed> {
        let mut headers = headers(session.as_deref(), &others);
        headers.push(("accept", "application/json, text/event-stream".to_owned()));
        let mut response = self.send(&uri, &headers, How::Post(serde_json::to_vec(&message)?)).await?;
        let status = response.status();
        if matches!(status, 202 | 204) {
            return Ok(StreamableHttpPostResponse::Accepted);
        }
        if status == 404 && session.is_some() {
            return Err(StreamableHttpError::SessionExpired);
        }
        let kind = response.media_type().unwrap_or_default();
        if !(200..300).contains(&status) {
            let body = response.read_up_to(SHOWN).await;
            // An error in the protocol's own words is one of the call, but for who may call at all.
            if !matches!(status, 401 | 403)
                && let Ok(said @ JsonRpcMessage::Error(_)) = serde_json::from_slice::<ServerJsonRpcMessage>(&body)
            {
                return Ok(StreamableHttpPostResponse::Json(said, None));
            }
            let body = String::from_utf8_lossy(&body).into_owned();
            return Err(HttpError::Status { status, body }.into());
        }
        let session = response.whole_header(SESSION, LONGEST_SESSION);
        if kind == "text/event-stream" {
            return Ok(StreamableHttpPostResponse::Sse(self.events(response), session));
        }
        let body = response.read_up_to(LARGEST_ANSWER + 1).await;
        if body.len() > LARGEST_ANSWER {
            return Err(StreamableHttpError::ResponseBodyTooLarge { max_size: LARGEST_ANSWER });
        }
        if kind == "application/json" {
            match serde_json::from_slice(&body) {
                Ok(said) => return Ok(StreamableHttpPostResponse::Json(said, session)),
                Err(error) if matches!(message, ClientJsonRpcMessage::Request(_)) => return Err(error.into()),
                Err(_) => {}
            }
        }
        // Nothing is waited for but the answer to a request.
        if matches!(message, ClientJsonRpcMessage::Request(_)) {
            return Err(StreamableHttpError::UnexpectedContentType(Some(one_line(&kind, 100))));
        }
        Ok(StreamableHttpPostResponse::Accepted)
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session: Arc<str>,
        _key: Option<String>,
        others: HashMap<HeaderName, HeaderValue>,
    ) -> Result<(), Failed> {
        self.send(&uri, &headers(Some(&session), &others), How::Delete).await?;
        Ok(())
    }

    /// Only to go on with an answer that broke off.
    async fn get_stream(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last: Option<String>,
        _key: Option<String>,
        others: HashMap<HeaderName, HeaderValue>,
    ) -> Result<BoxStream<'static, Result<Sse, SseError>>, Failed> {
        let Some(last) = last else { return Err(StreamableHttpError::ServerDoesNotSupportSse) };
        let mut headers = headers(session.as_deref(), &others);
        headers.push(("accept", "text/event-stream".to_owned()));
        headers.push(("last-event-id", last));
        let response = self.send(&uri, &headers, How::Get).await?;
        match (response.status(), response.media_type().as_deref()) {
            (200, Some("text/event-stream")) => Ok(self.events(response)),
            (405, _) => Err(StreamableHttpError::ServerDoesNotSupportSse),
            (status, _) => Err(HttpError::Status { status, body: String::new() }.into()),
        }
    }
}
