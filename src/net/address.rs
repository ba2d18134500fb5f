//! Which addresses a request may go to: https anywhere, http on this machine only.

use reqwest::Url;

use super::http::NetError;

/// Parses and checks an address. The check is here, below every provider, so that no configuration mistake sends
/// a key or source code in the clear.
pub(super) fn check(text: &str) -> Result<Url, NetError> {
    let bad = |why: String| NetError::BadAddress { address: shown(text), why };
    let url = Url::parse(text).map_err(|e| bad(e.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("an address must not carry a name or password".to_owned()));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(bad("http is for this machine only; another host needs https".to_owned())),
        other => Err(bad(format!("{other} is not https"))),
    }
}

pub(super) fn is_loopback(url: &Url) -> bool {
    // The URL parser has already written every way to spell an IPv4 address as four decimals.
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback()),
        None => false,
    }
}

/// `host` or `host:port`, for messages.
pub(super) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or("nowhere");
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// An address as it may be printed: without name, password or query, and not endless.
pub(super) fn shown(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let without_user = match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        (None, Some((_, rest))) => rest.to_owned(),
        _ => text.to_owned(),
    };
    without_user.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_for_this_machine_only() {
        for good in
            ["https://api.anthropic.com", "http://127.0.0.1:8080/v1", "http://localhost:11434", "http://[::1]:1"]
        {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "http://api.anthropic.com",
            "http://127.0.0.1.evil.example",
            "http://localhost.evil.example",
            "http://127.0.0.1@evil.example",
            "https://user:word@api.example.com",
            "http://0.0.0.0:80",
            "ftp://127.0.0.1",
            "file:///etc/passwd",
            "127.0.0.1:80",
            "",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_printed_address_has_no_credential_in_it() {
        assert_eq!(shown("http://user:word@proxy:3128/x?key=1"), "http://proxy:3128/x");
        assert_eq!(shown("user:word@proxy:3128"), "proxy:3128");
    }
}
