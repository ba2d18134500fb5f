//! Connecting out: names are resolved here, not inside, and each address is looked at again before it is dialled, so
//! that a name cannot be pointed at this machine or network after it was allowed.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::host::{Host, is_metadata, is_private};
use crate::base::env::Env;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(10);
/// Of another proxy's answer to CONNECT.
const HEAD_LIMIT: usize = 16 * 1024;

/// The proxies of the user's own environment, through which everything outside goes.
#[derive(Clone, Debug, Default)]
pub(in crate::sandbox) struct Upstream {
    https: Option<Proxy>,
    http: Option<Proxy>,
    direct: Vec<String>,
    /// Why nothing can go out: a proxy is set that cannot be spoken to, and going around it is not what the user asked.
    broken: Option<String>,
}

#[derive(Clone, Debug)]
struct Proxy {
    host: String,
    port: u16,
    /// The value of `Proxy-Authorization`.
    authorization: Option<String>,
}

/// A connection out, and what a plain request must know about it.
#[derive(Debug)]
pub(super) struct Dialled {
    pub stream: TcpStream,
    /// Another proxy is at the other end, and is sent the whole URL.
    pub proxied: bool,
    /// For that proxy.
    pub authorization: Option<String>,
}

impl Upstream {
    pub(in crate::sandbox) fn of(env: &Env) -> Self {
        let get = |lower: &str, upper: &str| env.get(lower).or_else(|| env.get(upper));
        let all = get("all_proxy", "ALL_PROXY");
        // Upper-case HTTP_PROXY is a request header to CGI programs; here it is the user's own environment.
        let parsed = |text: Option<&str>| text.or(all).map(Proxy::parse).transpose();
        let https = parsed(get("https_proxy", "HTTPS_PROXY"));
        let http = parsed(get("http_proxy", "HTTP_PROXY"));
        let broken = https.as_ref().err().or(http.as_ref().err()).cloned();
        let direct = get("no_proxy", "NO_PROXY").unwrap_or_default();
        let direct = direct.split(',').map(|part| part.trim().trim_start_matches('.').to_ascii_lowercase());
        Self {
            https: https.unwrap_or_default(),
            http: http.unwrap_or_default(),
            direct: direct.filter(|part| !part.is_empty()).collect(),
            broken,
        }
    }

    fn proxy(&self, host: &Host, tunnel: bool) -> Option<&Proxy> {
        let name = host.to_string();
        let bypassed = |part: &String| {
            part == "*" || name == *part || name.strip_suffix(part.as_str()).is_some_and(|front| front.ends_with('.'))
        };
        let proxy = if tunnel { &self.https } else { &self.http };
        proxy.as_ref().filter(|_| !self.direct.iter().any(bypassed))
    }

    /// Connects to a host that is allowed; `private` says whether it may lie in this network.
    pub(super) async fn dial(&self, host: &Host, port: u16, private: bool, tunnel: bool) -> io::Result<Dialled> {
        if let Some(why) = &self.broken {
            return Err(io::Error::other(why.clone()));
        }
        let resolved = resolve(host, port).await;
        let leads = |to: fn(IpAddr) -> bool| resolved.as_ref().is_ok_and(|all| all.iter().any(|one| to(one.ip())));
        let refused = |why: &str| Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("{host} {why}")));
        if leads(is_metadata) {
            return refused("leads to where clouds keep credentials");
        }
        if !private && leads(is_private) {
            return refused("leads into a private network");
        }
        let Some(proxy) = self.proxy(host, tunnel) else {
            return Ok(Dialled { stream: connect(&resolved?).await?, proxied: false, authorization: None });
        };
        // Behind a proxy names need not resolve here.
        let addresses = lookup(&proxy.host, proxy.port).await?;
        let mut stream = connect(&addresses).await?;
        if tunnel {
            timeout(CONNECT_TIMEOUT, proxy.open(&mut stream, host, port)).await??;
        }
        Ok(Dialled { stream, proxied: true, authorization: proxy.authorization.clone() })
    }
}

impl Proxy {
    fn parse(text: &str) -> Result<Self, String> {
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let refused = |why: &str| Err(format!("commands cannot go out through the proxy of your environment: {why}"));
        let Ok(url) = Url::parse(&with_scheme) else { return refused("its address is not a URL") };
        if url.scheme() != "http" {
            return refused("only http:// proxies can be chained");
        }
        let Some(host) = url.host_str() else { return refused("its address names no host") };
        let authorization = (!url.username().is_empty()).then(|| {
            let pair = [decoded(url.username()), b":".to_vec(), decoded(url.password().unwrap_or_default())].concat();
            format!("Basic {}", STANDARD.encode(pair))
        });
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { host, port: url.port().unwrap_or(80), authorization })
    }

    async fn open(&self, stream: &mut TcpStream, host: &Host, port: u16) -> io::Result<()> {
        let authorization = self.authorization.as_ref().map(|value| format!("Proxy-Authorization: {value}\r\n"));
        let authorization = authorization.unwrap_or_default();
        let request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{authorization}\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            // One byte at a time: what follows the head belongs to the tunnel.
            head.push(stream.read_u8().await?);
            if head.len() > HEAD_LIMIT {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the proxy's answer has no end"));
            }
        }
        let status = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned();
        match status.split_ascii_whitespace().nth(1) {
            Some(code) if code.len() == 3 && code.starts_with('2') => Ok(()),
            _ => Err(io::Error::new(io::ErrorKind::ConnectionRefused, format!("the proxy answered: {status}"))),
        }
    }
}

async fn resolve(host: &Host, port: u16) -> io::Result<Vec<SocketAddr>> {
    match host {
        Host::Address(address) => Ok(vec![SocketAddr::new(*address, port)]),
        Host::Name(name) => lookup(name, port).await,
    }
}

async fn lookup(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let found = timeout(RESOLVE_TIMEOUT, tokio::net::lookup_host((name, port))).await??;
    Ok(found.collect())
}

async fn connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(late) => last = late.into(),
        }
    }
    Err(last)
}

/// `%41` to `A`: the user part of a URL.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = after.split_at_checked(2).filter(|_| *first == b'%');
        let byte = escaped.and_then(|(digits, _)| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = escaped.filter(|_| byte.is_some()).map_or(after, |(_, beyond)| beyond);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_users_proxy_is_used_with_its_exceptions() {
        let set = [("HTTPS_PROXY", "http://u%40corp:p%3A1@proxy.corp:3128"), ("no_proxy", ".internal.corp, pypi.org")];
        let upstream = Upstream::of(&Env::of(&set, Path::new("/")));
        let proxy = upstream.proxy(&"crates.io".parse().unwrap(), true).unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port), ("proxy.corp", 3128));
        assert_eq!(proxy.authorization.as_deref(), Some(&*format!("Basic {}", STANDARD.encode("u@corp:p:1"))));
        for direct in ["pypi.org", "a.internal.corp", "internal.corp"] {
            assert!(upstream.proxy(&direct.parse().unwrap(), true).is_none(), "{direct}");
        }
        assert!(upstream.proxy(&"notpypi.org".parse().unwrap(), true).is_some());
        assert!(upstream.proxy(&"crates.io".parse().unwrap(), false).is_none());
    }

    #[test]
    fn a_proxy_that_cannot_be_chained_is_not_gone_around() {
        for bad in ["socks5://127.0.0.1:1080", "https://proxy.corp"] {
            assert!(Upstream::of(&Env::of(&[("https_proxy", bad)], Path::new("/"))).broken.is_some(), "{bad}");
        }
    }
}
