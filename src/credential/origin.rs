//! The address a key is bound to: scheme, host and port of a base URL, nothing else of it.

/// `https://api.anthropic.com` of `https://API.Anthropic.com:443/v1/`; `None` if the text is no http or https address
/// and no database's `postgres://HOST:PORT`.
#[must_use]
pub fn of(base_url: &str) -> Option<String> {
    let url = url::Url::parse(base_url.trim()).ok()?;
    if url.scheme() == "postgres" {
        return Some(format!("postgres://{}:{}", url.host_str().filter(|host| !host.is_empty())?, url.port()?));
    }
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return None;
    }
    Some(url.origin().ascii_serialization())
}

/// The host of a base URL, lower case, without a trailing dot.
#[must_use]
pub fn host(base_url: &str) -> Option<String> {
    let url = url::Url::parse(base_url.trim()).ok()?;
    url.host_str().map(|host| host.trim_end_matches('.').to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scheme_host_and_port_count() {
        assert_eq!(of("https://API.Anthropic.com:443/v1/?x=1#y").as_deref(), Some("https://api.anthropic.com"));
        assert_eq!(of("http://127.0.0.1:8080/v1").as_deref(), Some("http://127.0.0.1:8080"));
        assert_eq!(of("http://[::1]:8080").as_deref(), Some("http://[::1]:8080"));
        assert_ne!(of("https://api.anthropic.com.evil.example"), of("https://api.anthropic.com"));
        assert_eq!(of("https://api.anthropic.com@evil.example").as_deref(), Some("https://evil.example"));
        assert_eq!(of("postgres://db.example.com:5432").as_deref(), Some("postgres://db.example.com:5432"));
        for bad in
            ["", "postgres://", "postgres://db", "api.anthropic.com", "file:///etc/passwd", "javascript:alert(1)"]
        {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
