//! The listener that a browser is sent back to: 127.0.0.1 only, one answer wanted, everything else refused without
//! consequence. Requests are small and short, and however many are wrong, the right one still gets through.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::peer;
use super::secrets::{Code, same};

/// A connection's whole life.
const CONNECTION: Duration = Duration::from_secs(3);
/// The most of a request's head that is read.
const LARGEST_HEAD: usize = 16 * 1024;
/// Connections at a time; more wait in the system's queue.
const AT_ONCE: usize = 32;
/// The longest words of a service that are kept.
const LONGEST_WORDS: usize = 300;

/// What makes a callback the one that was asked for.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The path of the callback, `/` first. Unguessable where the service takes no state.
    pub path: String,
    /// What was sent as `state`, where the service takes one.
    pub state: Option<String>,
}

/// What the true callback brought.
#[derive(Clone, Debug)]
pub enum Answer {
    Code(Code),
    /// The service's word for why not, and its own description.
    Refused {
        error: String,
        description: Option<String>,
    },
}

/// A bound port.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Takes the first of these ports that is free; 0 is any.
    ///
    /// # Errors
    /// That of the last port, if none can be had.
    pub async fn bind(ports: &[u16]) -> io::Result<Self> {
        let mut failed = io::Error::other("no port was named");
        for port in ports {
            match TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).await {
                Ok(socket) => {
                    let address = socket.local_addr()?;
                    return Ok(Self { socket, address });
                }
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// `http://localhost:PORT` and the path: what services have on their lists of allowed callbacks.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.address.port())
    }

    /// Serves until the expected callback has come and been answered. The port is closed when the listener is dropped.
    ///
    /// # Errors
    /// If the port can no longer be listened on.
    pub async fn wait(&self, expected: &Expected) -> io::Result<Answer> {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.socket.accept(), if connections.len() < AT_ONCE => match accepted {
                    Ok((stream, from)) => {
                        connections.spawn(serve(stream, from, self.address, expected.clone()));
                    }
                    // A client that is gone already, or too many open files: neither ends the login.
                    Err(error) if is_passing(&error) => tokio::time::sleep(Duration::from_millis(20)).await,
                    Err(error) => return Err(error),
                },
                Some(ended) = connections.join_next() => {
                    if let Ok(Some(answer)) = ended {
                        return Ok(answer);
                    }
                }
            }
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    // EMFILE and ENFILE have no kind of their own.
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    ) || matches!(error.raw_os_error(), Some(23 | 24))
}

/// One connection, one request. Gives the answer once its page is written.
async fn serve(stream: TcpStream, from: SocketAddr, own: SocketAddr, expected: Expected) -> Option<Answer> {
    let found = Arc::new(Mutex::new(None));
    let service = service_fn(|request: Request<_>| {
        // Whose connection it is, is looked up last: it costs more than all the rest.
        let judged = judge(&request, own.port(), &expected)
            .and_then(|answer| if peer::is_foreign(from, own) { Err(StatusCode::FORBIDDEN) } else { Ok(answer) });
        let page = page(judged.as_ref());
        if let Ok(answer) = judged {
            *found.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        }
        async move { Ok::<_, Infallible>(page) }
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(LARGEST_HEAD)
        .timer(TokioTimer::new())
        .header_read_timeout(CONNECTION)
        .serve_connection(TokioIo::new(stream), service);
    // Whether the page arrived is the browser's matter.
    let _ = timeout(CONNECTION, serving).await;
    found.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Whether this is the callback that was asked for, and what it brings; else how it is refused.
fn judge<B>(request: &Request<B>, port: u16, expected: &Expected) -> Result<Answer, StatusCode> {
    // A name that somebody's resolver sends here is not this machine's own.
    let hosts = [format!("localhost:{port}"), format!("127.0.0.1:{port}")];
    if !only(request.headers(), &header::HOST).is_some_and(|host| hosts.iter().any(|own| host == own)) {
        return Err(StatusCode::MISDIRECTED_REQUEST);
    }
    // A browser that follows a redirect names no origin; a page that makes requests does.
    if request.headers().contains_key(header::ORIGIN) {
        return Err(StatusCode::FORBIDDEN);
    }
    if !same(request.uri().path(), &expected.path) {
        return Err(StatusCode::NOT_FOUND);
    }
    if request.method() != Method::GET {
        return Err(StatusCode::METHOD_NOT_ALLOWED);
    }
    answer_in(request.uri().query().unwrap_or_default(), expected.state.as_deref()).ok_or(StatusCode::BAD_REQUEST)
}

/// What a query says, if it has the state that is wanted and each of its words once.
pub(super) fn answer_in(query: &str, state: Option<&str>) -> Option<Answer> {
    let pairs: Vec<(String, String)> =
        url::form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into(), value.into())).collect();
    let one = |name: &str| {
        let mut found = pairs.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        match (found.next(), found.next()) {
            (value, None) => Some(value),
            _ => None,
        }
    };
    if let Some(wanted) = state
        && !one("state")?.is_some_and(|given| same(given, wanted))
    {
        return None;
    }
    match (one("code")?, one("error")?) {
        (Some(code), None) => Code::parse(code).map(Answer::Code),
        (None, Some(error)) if !error.is_empty() => {
            let short = |text: &str| text.chars().take(LONGEST_WORDS).collect::<String>();
            Some(Answer::Refused { error: short(error), description: one("error_description")?.map(short) })
        }
        _ => None,
    }
}

/// A header that is there exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(first)
}

/// What the browser shows: fixed words, nothing of the request, and nothing that runs or loads.
fn page(judged: Result<&Answer, &StatusCode>) -> Response<Full<Bytes>> {
    let (status, words) = match judged {
        Ok(Answer::Code(_)) => {
            (StatusCode::OK, "vk has what it needs. You can close this page and go back to the terminal.")
        }
        Ok(Answer::Refused { .. }) => (StatusCode::OK, "The login was refused. The terminal says more."),
        Err(status) => (*status, "This is not the login that vk waits for."),
    };
    let html = format!("<!doctype html><meta charset=\"utf-8\"><title>vk</title><p>{words}</p>\n");
    let mut response = Response::new(Full::new(Bytes::from(html)));
    *response.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(head: &str) -> Result<String, u16> {
        let mut lines = head.lines();
        let mut words = lines.next().unwrap().split(' ');
        let mut request = Request::builder().method(words.next().unwrap()).uri(words.next().unwrap());
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            request = request.header(name, value);
        }
        let expected = Expected { path: "/callback".to_owned(), state: Some("right".to_owned()) };
        match judge(&request.body(()).unwrap(), 1455, &expected) {
            Ok(Answer::Code(code)) => Ok(code.expose().to_owned()),
            Ok(Answer::Refused { error, .. }) => Ok(format!("refused: {error}")),
            Err(status) => Err(status.as_u16()),
        }
    }

    #[test]
    fn only_the_callback_that_was_asked_for_is_taken() {
        let host = "Host: localhost:1455";
        let table = [
            (format!("GET /callback?code=c1&state=right\n{host}"), Ok("c1")),
            ("GET /callback?state=right&code=c1&scope=a+b\nHost: 127.0.0.1:1455".to_owned(), Ok("c1")),
            (format!("GET /callback?error=access_denied&state=right\n{host}"), Ok("refused: access_denied")),
            // The wrong name for this machine: what DNS rebinding would use.
            ("GET /callback?code=c1&state=right\nHost: evil.example:1455".to_owned(), Err(421)),
            ("GET /callback?code=c1&state=right\nHost: localhost".to_owned(), Err(421)),
            ("GET /callback?code=c1&state=right".to_owned(), Err(421)),
            (format!("GET /callback?code=c1&state=right\n{host}\n{host}"), Err(421)),
            (format!("GET /callback?code=c1&state=right\n{host}\nOrigin: https://evil.example"), Err(403)),
            (format!("GET /callbac?code=c1&state=right\n{host}"), Err(404)),
            (format!("GET /callback/?code=c1&state=right\n{host}"), Err(404)),
            (format!("POST /callback?code=c1&state=right\n{host}"), Err(405)),
            (format!("GET /callback?code=c1&state=wrong\n{host}"), Err(400)),
            (format!("GET /callback?code=c1\n{host}"), Err(400)),
            (format!("GET /callback?code=c1&state=wrong&state=right\n{host}"), Err(400)),
            (format!("GET /callback?code=c1&code=c2&state=right\n{host}"), Err(400)),
            (format!("GET /callback?code=c1&error=x&state=right\n{host}"), Err(400)),
            (format!("GET /callback?code=&state=right\n{host}"), Err(400)),
            (format!("GET /callback?code=a%0Ab&state=right\n{host}"), Err(400)),
            (format!("GET /callback?state=right\n{host}"), Err(400)),
            (format!("GET /callback\n{host}"), Err(400)),
        ];
        for (head, wanted) in table {
            assert_eq!(judged(&head), wanted.map(str::to_owned), "{head}");
        }
    }

    #[tokio::test]
    async fn a_busy_port_gives_way_to_the_next() {
        let first = Listener::bind(&[0]).await.unwrap();
        let taken = first.address.port();
        let second = Listener::bind(&[taken, 0]).await.unwrap();
        assert_ne!(second.address.port(), taken);
        assert!(Listener::bind(&[taken]).await.is_err());
        assert!(second.address.ip().is_loopback());
    }
}
