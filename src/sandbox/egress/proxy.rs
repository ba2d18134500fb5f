//! The proxy that programs inside speak to: CONNECT for everything encrypted, and plain `http://` requests. One
//! connection carries one request or one tunnel, for one host, judged by name before anything is dialled.

use std::io;
use std::net::TcpStream as StdTcpStream;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType, sockopt};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::dial::{Dialled, Upstream};
use super::hello::{Greeting, greeting};
use super::host::{Host, authority};
use super::policy::{Policy, Verdict};

const HEAD_LIMIT: usize = 32 * 1024;
/// For a program to say what it wants.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// A TLS greeting fits one record.
const GREETING_LIMIT: usize = 5 + 16 * 1024;

/// Serves one connection that was handed over from inside. Errors end the connection and nothing else.
pub(in crate::sandbox) async fn serve(socket: OwnedFd, policy: Arc<Mutex<Policy>>, upstream: Arc<Upstream>) {
    // What comes from inside may be any descriptor; only a socket of the inside's own network is spoken to.
    let inet = matches!(sockopt::socket_domain(&socket), Ok(AddressFamily::INET | AddressFamily::INET6));
    if !inet || sockopt::socket_type(&socket).ok() != Some(SocketType::STREAM) {
        return;
    }
    let stream = StdTcpStream::from(socket);
    let Ok(mut client) = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream)) else { return };
    let Ok(Ok((head, rest))) = timeout(HEAD_TIMEOUT, read_head(&mut client)).await else { return };
    let _ = match Request::parse(&head) {
        Some(request) => Session { client, policy, upstream }.answer(request, rest).await,
        None => refuse(&mut client, "400 Bad Request", "vk: this proxy takes CONNECT and http:// requests").await,
    };
}

/// The bytes up to the empty line, and those behind it.
async fn read_head(client: &mut (impl AsyncRead + Unpin)) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = client.read(&mut buffer).await?;
        let searched = head.len().saturating_sub(3);
        head.extend_from_slice(&buffer[..read]);
        if let Some(at) = head[searched..].windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = head.split_off(searched + at + 4);
            return Ok((head, rest));
        }
        if read == 0 || head.len() > HEAD_LIMIT {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Request {
    Tunnel { host: Host, port: u16 },
    Plain { host: Host, port: u16, head: Plain },
}

/// A plain request as it goes on: its own connection, its own host.
#[derive(Debug, PartialEq, Eq)]
struct Plain {
    method: String,
    /// The path and query.
    target: String,
    /// Those that are not about this connection.
    headers: Vec<(String, String)>,
    body: u64,
}

impl Request {
    fn parse(head: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(head).ok()?;
        let mut lines = text.strip_suffix("\r\n\r\n")?.split("\r\n");
        let mut words = lines.next()?.split(' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        if words.next().is_some() || !matches!(version, "HTTP/1.1" | "HTTP/1.0") {
            return None;
        }
        if method == "CONNECT" {
            let (host, port) = authority(target, None).ok()?;
            return Some(Self::Tunnel { host, port });
        }
        let rest = target.strip_prefix("http://")?;
        let (place, path) = rest.find(['/', '?']).map_or((rest, ""), |at| rest.split_at(at));
        let (host, port) = authority(place, Some(80)).ok()?;
        let target = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let (headers, body) = headers(lines)?;
        let token = |b: u8| b.is_ascii_uppercase() || b == b'-';
        let head = Plain { method: method.to_owned(), target, headers, body };
        (!method.is_empty() && method.bytes().all(token)).then_some(Self::Plain { host, port, head })
    }
}

/// The headers to send on, and the body's length. `None` for what cannot be sent on exactly: folded lines, two lengths,
/// chunks.
fn headers<'a>(lines: impl Iterator<Item = &'a str>) -> Option<(Vec<(String, String)>, u64)> {
    const ABOUT_THE_CONNECTION: &[&str] =
        &["connection", "host", "keep-alive", "proxy-authorization", "proxy-connection", "te", "upgrade"];
    let (mut kept, mut body) = (Vec::new(), None);
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let clean = |b: u8| b.is_ascii_graphic();
        if name.is_empty() || !name.bytes().all(clean) || value.bytes().any(|b| b == 0 || b == b'\r' || b == b'\n') {
            return None;
        }
        let lower = name.to_ascii_lowercase();
        match lower.as_str() {
            "transfer-encoding" | "trailer" | "expect" => return None,
            "content-length" => {
                let digits = value.trim();
                let length = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()?;
                if body.replace(length).is_some() {
                    return None;
                }
                kept.push((name.to_owned(), digits.to_owned()));
            }
            other if ABOUT_THE_CONNECTION.contains(&other) => {}
            _ => kept.push((name.to_owned(), value.trim().to_owned())),
        }
    }
    Some((kept, body.unwrap_or(0)))
}

struct Session {
    client: TcpStream,
    policy: Arc<Mutex<Policy>>,
    upstream: Arc<Upstream>,
}

impl Session {
    async fn answer(mut self, request: Request, rest: Vec<u8>) -> io::Result<()> {
        let (host, port, tunnel) = match &request {
            Request::Tunnel { host, port } => (host, *port, true),
            Request::Plain { host, port, .. } => (host, *port, false),
        };
        let verdict = self.policy.lock().unwrap_or_else(PoisonError::into_inner).judge(host, port);
        let Verdict::Allowed { private, exact } = verdict else {
            let why = format!("vk: the sandbox does not let commands reach {host}; the user was told");
            return refuse(&mut self.client, "403 Forbidden", &why).await;
        };
        let dialled = match self.upstream.dial(host, port, private, tunnel).await {
            Ok(dialled) => dialled,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return refuse(&mut self.client, "403 Forbidden", &format!("vk: {error}")).await;
            }
            Err(error) => {
                return refuse(&mut self.client, "502 Bad Gateway", &format!("vk: {host} cannot be reached: {error}"))
                    .await;
            }
        };
        match request {
            Request::Tunnel { host, .. } => self.tunnel(dialled.stream, rest, exact.then_some(host)).await,
            Request::Plain { host, port, head } => self.forward(dialled, &host, port, head, rest).await,
        }
    }

    /// Copies both ways. `only` is the host that a TLS greeting must name; anything but such a greeting ends it.
    async fn tunnel(mut self, mut out: TcpStream, mut first: Vec<u8>, only: Option<Host>) -> io::Result<()> {
        self.client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
        if let Some(host) = only {
            let read = timeout(HEAD_TIMEOUT, read_greeting(&mut self.client, &mut first)).await??;
            let named = match (&host, read) {
                (Host::Name(name), Greeting::For(named)) => *name == named,
                (Host::Address(_), Greeting::Unnamed | Greeting::For(_)) => true,
                _ => false,
            };
            if !named {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
        }
        out.write_all(&first).await?;
        copy_bidirectional(&mut self.client, &mut out).await?;
        Ok(())
    }

    /// Sends one request on and its answer back.
    async fn forward(mut self, out: Dialled, host: &Host, port: u16, head: Plain, rest: Vec<u8>) -> io::Result<()> {
        let Dialled { stream: mut out, proxied, authorization } = out;
        let place = if port == 80 { host.to_string() } else { format!("{host}:{port}") };
        let target = if proxied { format!("http://{place}{}", head.target) } else { head.target };
        let mut lines = vec![format!("{} {target} HTTP/1.1", head.method), format!("Host: {place}")];
        lines.extend(authorization.map(|value| format!("Proxy-Authorization: {value}")));
        lines.extend(head.headers.iter().map(|(name, value)| format!("{name}: {value}")));
        // The answer's end is the connection's end, so that no second request can follow to another host.
        lines.push("Connection: close\r\n\r\n".to_owned());
        out.write_all(lines.join("\r\n").as_bytes()).await?;
        let from_rest = rest.len().min(usize::try_from(head.body).unwrap_or(usize::MAX));
        out.write_all(&rest[..from_rest]).await?;
        let (read_client, mut write_client) = self.client.split();
        let (mut read_out, mut write_out) = out.split();
        let mut body = read_client.take(head.body - from_rest as u64);
        let sent = tokio::io::copy(&mut body, &mut write_out);
        let answered = tokio::io::copy(&mut read_out, &mut write_client);
        tokio::try_join!(sent, answered)?;
        write_client.shutdown().await
    }
}

async fn read_greeting(client: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<Greeting> {
    let mut buffer = [0; 4096];
    loop {
        match greeting(bytes) {
            Greeting::Incomplete if bytes.len() <= GREETING_LIMIT => {}
            found => return Ok(found),
        }
        let read = client.read(&mut buffer).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&buffer[..read]);
    }
}

async fn refuse(client: &mut TcpStream, status: &str, why: &str) -> io::Result<()> {
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{why}\n",
        why.len() + 1
    );
    client.write_all(answer.as_bytes()).await?;
    client.shutdown().await
}
