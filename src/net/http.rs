//! The one HTTP client: no redirects, no cookies, no hidden retries, limits on time and size.
//!
//! Built on first use, so that commands without a request do not load certificates.

use std::error::Error;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, HeaderName, HeaderValue};

use super::address;
use super::limits::{Limits, Watch};
use super::proxy::WayOut;
pub use super::response::Response;
use crate::base::env::Env;
use crate::base::fsx;
use crate::base::secret::Secret;
use crate::domain::failure::{Failure, Status};

/// A bundle of certificates larger than this is not one.
const LARGEST_CERTIFICATE_FILE: u64 = 8 << 20;

/// Why a request could not be made or its answer not read.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    #[error("{name} is not a proxy address: {why}")]
    BadProxy { name: &'static str, why: String },
    #[error("the certificates of SSL_CERT_FILE ({}) cannot be used: {why}", .path.display())]
    BadCertificates { path: PathBuf, why: String },
    #[error("{address} cannot be used as an address: {why}")]
    BadAddress { address: String, why: String },
    #[error("a credential must be printable ASCII without spaces")]
    BadCredential,
    #[error("the HTTP client could not be set up: {}", chain(.0))]
    Setup(#[source] reqwest::Error),
    #[error("no connection to {host}: {}", chain(.source))]
    Connect { host: String, source: reqwest::Error },
    #[error("the connection to {host} broke: {}", chain(.source))]
    Broken { host: String, source: reqwest::Error },
    #[error("{host}: {what}")]
    TimedOut { host: String, what: String },
    #[error("{from} redirects to {to}; redirects are not followed, and credentials never go to another address")]
    Redirected { status: u16, from: String, to: String },
}

/// Only what is the user's own set-up to mend; a provider's failures become a `CallError` first.
impl From<NetError> for Failure {
    fn from(error: NetError) -> Self {
        let (status, code) = match &error {
            NetError::BadProxy { .. } => (Status::Usage, "bad_proxy"),
            NetError::BadCertificates { .. } => (Status::Usage, "bad_certificates"),
            NetError::BadAddress { .. } => (Status::Usage, "bad_address"),
            NetError::BadCredential => (Status::NoCredential, "bad_credential"),
            _ => (Status::ProviderFailed, "unreachable"),
        };
        Self::new(status, code, error.to_string())
    }
}

/// The causes of an error from the outside in, without the address and without saying a thing twice.
fn chain(error: &reqwest::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        parts.retain(|part| !part.contains(&text));
        parts.push(text);
        cause = inner.source();
    }
    if parts.is_empty() { "no more is known".to_owned() } else { parts.join(": ") }
}

/// How a credential is carried.
#[derive(Clone, Copy, Debug)]
pub struct Credential<'a> {
    pub header: &'static str,
    /// `Bearer `, or nothing.
    pub prefix: &'static str,
    pub secret: &'a Secret,
}

/// One request. With a body it is a POST, of JSON unless its headers say otherwise; without one a GET.
#[derive(Debug)]
pub struct Request<'a> {
    pub url: &'a str,
    pub headers: &'a [(&'static str, String)],
    pub credential: Option<Credential<'a>>,
    pub body: Option<Bytes>,
}

/// The client. One for the whole process, so that connections are used again.
#[derive(Debug)]
pub struct Client {
    way_out: WayOut,
    limits: Limits,
    built: OnceLock<reqwest::Client>,
}

impl Client {
    /// # Errors
    /// A proxy variable that is not a proxy's address.
    pub fn new(env: &Env) -> Result<Self, NetError> {
        Self::with_limits(env, Limits::default())
    }

    /// # Errors
    /// As for [`Client::new`].
    pub fn with_limits(env: &Env, limits: Limits) -> Result<Self, NetError> {
        Ok(Self { way_out: WayOut::of(env)?, limits, built: OnceLock::new() })
    }

    /// What people are told about the way out: the proxy and the certificates that their environment sets.
    #[must_use]
    pub fn proxy_note(&self) -> Option<String> {
        self.way_out.note()
    }

    /// Sends once and waits for the answer's headers. `on_leaving` is called just before the first byte of the
    /// body goes to an open connection: before it, nothing can have cost anything.
    ///
    /// # Errors
    /// A bad address or credential, a connection that cannot be made or breaks, a time limit, a redirect.
    /// An HTTP error status is no error here.
    pub async fn send(
        &self,
        request: Request<'_>,
        on_leaving: impl Fn() + Send + Sync + 'static,
    ) -> Result<Response, NetError> {
        self.send_as(None, request, on_leaving).await
    }

    /// A DELETE, under the same rules.
    ///
    /// # Errors
    /// As for [`Client::send`].
    pub async fn delete(&self, request: Request<'_>) -> Result<Response, NetError> {
        self.send_as(Some(Method::DELETE), request, || {}).await
    }

    async fn send_as(
        &self,
        method: Option<Method>,
        request: Request<'_>,
        on_leaving: impl Fn() + Send + Sync + 'static,
    ) -> Result<Response, NetError> {
        let url = address::check(request.url)?;
        let host = address::host(&url);
        let client = self.client()?;
        let mut watch = Watch::start(&self.limits, address::is_loopback(&url));
        let mut building = match request.body {
            Some(bytes) => {
                let building = client.post(url.clone()).header(CONTENT_LENGTH, bytes.len());
                let is_said = request.headers.iter().any(|(name, _)| *name == "content-type");
                let building = if is_said { building } else { building.header("content-type", "application/json") };
                building.body(reqwest::Body::wrap(Outgoing { bytes: Some(bytes), on_leaving: Arc::new(on_leaving) }))
            }
            None => client.request(method.unwrap_or(Method::GET), url.clone()),
        };
        for (name, value) in request.headers {
            building = building.header(*name, value);
        }
        if let Some(credential) = request.credential {
            let (name, value) = header_of(credential)?;
            building = building.header(name, value);
        }
        let (until, what) = watch.deadline();
        let answer = match tokio::time::timeout_at(until, building.send()).await {
            Err(_) => return Err(NetError::TimedOut { host, what }),
            Ok(Err(e)) if e.is_connect() && e.is_timeout() => {
                return Err(NetError::TimedOut { host, what: "no connection in time".to_owned() });
            }
            Ok(Err(e)) if e.is_connect() => return Err(NetError::Connect { host, source: e.without_url() }),
            Ok(Err(e)) => return Err(NetError::Broken { host, source: e.without_url() }),
            Ok(Ok(answer)) => answer,
        };
        watch.alive();
        if answer.status().is_redirection() {
            let to = answer.headers().get("location").and_then(|to| to.to_str().ok());
            let to = to.and_then(|to| url.join(to).ok()).map_or_else(|| "nowhere".to_owned(), |to| address::host(&to));
            return Err(NetError::Redirected { status: answer.status().as_u16(), from: host, to });
        }
        Ok(Response::new(host, answer, watch))
    }

    fn client(&self) -> Result<&reqwest::Client, NetError> {
        if let Some(built) = self.built.get() {
            return Ok(built);
        }
        let built = self.build()?;
        Ok(self.built.get_or_init(|| built))
    }

    fn build(&self) -> Result<reqwest::Client, NetError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("vk/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            // A retry inside the client would be an attempt that no ledger row stands for.
            .retry(reqwest::retry::never())
            .referer(false)
            // The client's own reading of proxy variables; ours follows.
            .no_proxy()
            .connect_timeout(self.limits.connect)
            .tcp_keepalive(Duration::from_mins(1))
            .tcp_nodelay(true);
        if let Some(proxy) = self.way_out.proxy().map_err(NetError::Setup)? {
            builder = builder.proxy(proxy);
        }
        if let Some(path) = &self.way_out.certificates {
            let bad = |why: String| NetError::BadCertificates { path: path.clone(), why };
            let pem = fsx::read_bounded(path, LARGEST_CERTIFICATE_FILE).map_err(|e| bad(e.to_string()))?;
            let bundle = reqwest::Certificate::from_pem_bundle(&pem).map_err(|e| bad(chain(&e)))?;
            if bundle.is_empty() {
                return Err(bad("it holds no certificate".to_owned()));
            }
            builder = builder.tls_certs_only(bundle);
        }
        builder.build().map_err(NetError::Setup)
    }
}

/// The credential's header, marked sensitive so that no log of the HTTP stack shows it.
fn header_of(credential: Credential<'_>) -> Result<(HeaderName, HeaderValue), NetError> {
    let secret = credential.secret.expose();
    if secret.is_empty() || !secret.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(NetError::BadCredential);
    }
    let mut value =
        HeaderValue::try_from(format!("{}{secret}", credential.prefix)).map_err(|_| NetError::BadCredential)?;
    value.set_sensitive(true);
    Ok((HeaderName::from_static(credential.header), value))
}

/// A request body that tells when it leaves.
struct Outgoing<F> {
    bytes: Option<Bytes>,
    on_leaving: Arc<F>,
}

impl<F: Fn() + Send + Sync> Body for Outgoing<F> {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let bytes = self.bytes.take();
        if bytes.is_some() {
            (self.on_leaving)();
        }
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
