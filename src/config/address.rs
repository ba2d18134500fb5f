//! Which addresses a provider may have: https anywhere, http on loopback only, nothing hidden in the address.

use url::{Host, Url};

use crate::domain::path::Wire;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("\"{0}\" is not an address; write it like \"https://llm.example.com/v1\"")]
    NotAnAddress(String),
    #[error("the address must be https; http is for this machine only (127.0.0.1, [::1], localhost)")]
    NotHttps,
    #[error("the address must not hold a user name or password; store the key with vk keys add")]
    Userinfo,
    #[error("the address must not have a {0}")]
    Extra(&'static str),
    #[error("vk appends {ending} itself; write \"{short}\"")]
    Ending { ending: &'static str, short: String },
}

/// The address as it is used: normalised, without a `/` at its end.
///
/// # Errors
/// Which rule it breaks.
pub fn parse(text: &str, wire: Wire) -> Result<String, AddressError> {
    let not_one = || AddressError::NotAnAddress(text.to_owned());
    // The URL standard strips or rewrites these; what is written must be what is used.
    if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err(not_one());
    }
    let url = Url::parse(text).map_err(|_| not_one())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(AddressError::Userinfo);
    }
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => {}
        ("http", Some(host)) if is_loopback(&host) => {}
        ("http", Some(_)) => return Err(AddressError::NotHttps),
        _ => return Err(not_one()),
    }
    if url.query().is_some() {
        return Err(AddressError::Extra("query (?...)"));
    }
    if url.fragment().is_some() {
        return Err(AddressError::Extra("fragment (#...)"));
    }
    let address = url.as_str().trim_end_matches('/').to_owned();
    let endings: &[&'static str] = match wire {
        Wire::Anthropic => &["/v1/messages", "/v1"],
        Wire::Responses => &["/responses"],
        Wire::Chat => &["/chat/completions"],
    };
    match endings.iter().find_map(|ending| Some((*ending, address.strip_suffix(ending)?))) {
        Some((ending, short)) => Err(AddressError::Ending { ending, short: short.to_owned() }),
        None => Ok(address),
    }
}

/// This machine, whatever the network does: no name that a resolver could send elsewhere but `localhost` itself.
fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// The scheme, host and port of an address: what a stored key is bound to. Text that is no address is its own origin.
#[must_use]
pub fn origin(base_url: &str) -> String {
    Url::parse(base_url).map_or_else(|_| base_url.to_owned(), |url| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_or_loopback_only() {
        for good in [
            "https://llm.example.com/v1",
            "http://127.0.0.1:8080/v1",
            "http://127.9.9.9",
            "http://[::1]:8080",
            "http://localhost:11434/v1/",
        ] {
            assert!(parse(good, Wire::Chat).is_ok(), "{good}");
        }
        assert_eq!(parse("https://LLM.example.com:443/v1/", Wire::Chat).unwrap(), "https://llm.example.com/v1");
        for bad in [
            "http://llm.example.com/v1",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://evil.localhost",
            "http://localhost.",
            "http://0.0.0.0:80",
            "http://[::ffff:127.0.0.1]",
            "http://10.0.0.1",
            "http://169.254.169.254",
        ] {
            assert_eq!(parse(bad, Wire::Chat), Err(AddressError::NotHttps), "{bad}");
        }
    }

    #[test]
    fn nothing_is_hidden_in_an_address() {
        let error = |text: &str| parse(text, Wire::Chat).unwrap_err();
        assert_eq!(error("https://user@host"), AddressError::Userinfo);
        assert_eq!(error("https://:sk-secret@host"), AddressError::Userinfo);
        assert_eq!(error("https://host/?key=1"), AddressError::Extra("query (?...)"));
        assert_eq!(error("https://host/#x"), AddressError::Extra("fragment (#...)"));
        for bad in
            ["", "host", "file:///etc/passwd", "javascript:x", "https:\\\\evil", "https://a b", "https://", "ftp://h"]
        {
            assert!(matches!(error(bad), AddressError::NotAnAddress(_)), "{bad}");
        }
    }

    #[test]
    fn a_pasted_endpoint_is_shortened() {
        let error = parse("https://api.example.com/v1/messages", Wire::Anthropic).unwrap_err();
        assert_eq!(error.to_string(), "vk appends /v1/messages itself; write \"https://api.example.com\"");
        assert!(parse("https://api.example.com/v1", Wire::Anthropic).is_err());
        assert!(parse("https://api.example.com/v1/chat/completions", Wire::Chat).is_err());
    }

    #[test]
    fn the_origin_keeps_the_port() {
        assert_eq!(origin("https://a.example/v1"), "https://a.example");
        assert_eq!(origin("http://127.0.0.1:8080/v1"), "http://127.0.0.1:8080");
    }
}
