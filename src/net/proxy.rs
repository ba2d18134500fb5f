//! The way out: the proxy and the certificates of the user's own environment, and nothing from a project.
//!
//! Only `HTTPS_PROXY` matters: plain http goes to this machine only, and this machine is never reached by proxy.

use std::path::PathBuf;

use reqwest::{NoProxy, Proxy, Url};

use super::address;
use super::http::NetError;
use crate::base::env::Env;

/// Added to every `NO_PROXY`.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// What the environment says about the way out, checked but not yet used.
#[derive(Clone, Debug, Default)]
pub(super) struct WayOut {
    proxy: Option<(Url, String)>,
    pub(super) certificates: Option<PathBuf>,
}

impl WayOut {
    pub(super) fn of(env: &Env) -> Result<Self, NetError> {
        // Both spellings are in use; the lower-case one wins, as in curl.
        let proxy = ["https_proxy", "HTTPS_PROXY"].into_iter().find_map(|name| env.get(name).map(|text| (name, text)));
        let proxy = proxy.map(|(name, text)| parse(name, text)).transpose()?;
        let except = ["no_proxy", "NO_PROXY"].into_iter().find_map(|name| env.get(name));
        let except = except.map_or_else(|| LOOPBACK.to_owned(), |list| format!("{LOOPBACK},{list}"));
        Ok(Self { proxy: proxy.map(|url| (url, except)), certificates: env.path("SSL_CERT_FILE") })
    }

    pub(super) fn proxy(&self) -> Result<Option<Proxy>, reqwest::Error> {
        let Some((url, except)) = &self.proxy else { return Ok(None) };
        Ok(Some(Proxy::https(url.clone())?.no_proxy(NoProxy::from_string(except))))
    }

    /// One line for people; the proxy's own password is not in it.
    pub(super) fn note(&self) -> Option<String> {
        let proxy = self.proxy.as_ref().map(|(url, _)| format!("proxy {} (HTTPS_PROXY)", address::shown(url.as_str())));
        let certificates =
            self.certificates.as_ref().map(|path| format!("certificates {} (SSL_CERT_FILE)", path.display()));
        let parts: Vec<String> = [proxy, certificates].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

fn parse(name: &'static str, text: &str) -> Result<Url, NetError> {
    let bad = |why: String| NetError::BadProxy { name, why };
    let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&text).map_err(|e| bad(e.to_string()))?;
    match url.scheme() {
        "http" | "https" if url.host_str().is_some() => Ok(url),
        other => Err(bad(format!("only http and https proxies are supported, not {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn way(vars: &[(&str, &str)]) -> Result<WayOut, NetError> {
        WayOut::of(&Env::of(vars, Path::new("/")))
    }

    #[test]
    fn the_way_out_is_told_without_the_proxys_password() {
        let out = way(&[("HTTPS_PROXY", "http://me:hunter2@proxy.example:3128"), ("SSL_CERT_FILE", "/etc/corp.pem")]);
        assert_eq!(
            out.unwrap().note().unwrap(),
            "proxy http://proxy.example:3128/ (HTTPS_PROXY), certificates /etc/corp.pem (SSL_CERT_FILE)"
        );
        assert_eq!(way(&[]).unwrap().note(), None);
    }

    #[test]
    fn a_proxy_that_is_none_is_refused_by_name() {
        let error = way(&[("https_proxy", "socks5://127.0.0.1:1080")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "https_proxy is not a proxy address: only http and https proxies are supported, not socks5"
        );
        assert!(way(&[("HTTPS_PROXY", "proxy.example:3128")]).is_ok());
    }
}
