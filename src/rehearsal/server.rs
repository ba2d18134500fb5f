//! The rehearsed provider's HTTP server: 127.0.0.1, one script, gone when it is dropped.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::lines::{Line, Script};
use super::wire;
use crate::domain::path::Wire;

/// Between two pieces of an answer, so that it is seen to stream.
pub const SEEN: Duration = Duration::from_millis(12);
/// A demo's request is a few kilobytes.
const REQUEST_LIMIT: usize = 8 * 1024 * 1024;

type Body = BoxBody<Bytes, Infallible>;

/// A running rehearsed provider.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Server {
    /// Starts on a free loopback port, inside the runtime; `pace` lies between two pieces of an answer.
    ///
    /// # Errors
    /// When loopback cannot be listened on.
    pub async fn start(wire: Wire, script: Script, pace: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State { wire, script, pace, served: AtomicUsize::new(0) });
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&state);
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let state = Arc::clone(&state);
                        async move { Ok::<_, Infallible>(answer(request, &state).await) }
                    });
                    // A client that goes away has ended its task.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Ok(Self { address, serving })
    }

    /// `http://127.0.0.1:PORT`
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

struct State {
    wire: Wire,
    script: Script,
    pace: Duration,
    served: AtomicUsize,
}

async fn answer(request: Request<Incoming>, state: &State) -> Response<Body> {
    let Ok(body) = Limited::new(request.into_body(), REQUEST_LIMIT).collect().await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, String::new());
    };
    let body = body.to_bytes();
    let line = state.script.next();
    let number = state.served.fetch_add(1, Ordering::Relaxed);
    if let Line::Fail(status, code, message) = &line {
        let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return plain(status, wire::error(state.wire, code, message).to_string());
    }
    let pieces = wire::stream(state.wire, &line, state.script.count(&body, &line), number);
    let pace = state.pace;
    let frames = stream::iter(pieces).then(move |piece| async move {
        if !pace.is_zero() {
            tokio::time::sleep(pace).await;
        }
        Ok::<_, Infallible>(Frame::data(Bytes::from(piece)))
    });
    respond(StatusCode::OK, "text/event-stream", BoxBody::new(StreamBody::new(frames)))
}

fn plain(status: StatusCode, body: String) -> Response<Body> {
    respond(status, "application/json", BoxBody::new(Full::new(Bytes::from(body))))
}

fn respond(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    response
}

/// A listener that nobody should talk to: it counts who does. What a poisoned variable points at.
#[derive(Debug)]
pub struct Silent {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Silent {
    /// # Errors
    /// When loopback cannot be listened on.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        let serving = tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        Ok(Self { address, connections, serving })
    }

    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections were made so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
