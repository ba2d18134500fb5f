//! What a provider says when it fails, read from any of the shapes in use: one reader for all wires, because a
//! gateway that speaks one wire often passes on the error body of another.

use serde_json::Value;

/// An error in the provider's words, not yet redacted or bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorBody {
    /// `error.type`: Anthropic's and OpenAI's kind of error.
    pub kind: Option<String>,
    /// `error.code` where it is a word, or a more exact code from the details.
    pub code: Option<String>,
    pub message: String,
    /// `error.code` where it is a number: a gateway's own or its upstream's HTTP status.
    pub status: Option<u16>,
    /// `OpenRouter`'s `metadata.limit_source`.
    pub limit_source: Option<String>,
    /// The headers that `OpenRouter` repeats in `metadata.headers`.
    pub headers: Option<Box<LimitHeaders>>,
}

/// `X-RateLimit-Limit` and `X-RateLimit-Reset`, as they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitHeaders {
    pub limit: Option<String>,
    pub reset: Option<String>,
}

impl ErrorBody {
    pub(super) fn of_message(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    /// The most exact word there is for the error.
    #[must_use]
    pub fn word(&self) -> Option<&str> {
        self.code.as_deref().or(self.kind.as_deref())
    }

    /// Reads `{"error": {...}}`, `{"error": "..."}`, `{"type": "error", ...}`, `{"detail": ...}`, `{"message": ...}`
    /// and Google's one-element array of the first; `None` if it is no error at all.
    pub(super) fn of_json(value: &Value) -> Option<Self> {
        let value = value.as_array().and_then(|list| list.first()).unwrap_or(value);
        let object = value.as_object()?;
        match object.get("error") {
            Some(Value::String(text)) => Some(Self::of_message(text)),
            Some(error @ Value::Object(_)) => Some(Self::of_error(error)),
            // vLLM's older shape, FastAPI's, and the Responses stream's bare `error` event.
            _ if object.get("type").and_then(Value::as_str) == Some("error")
                || object.get("object").and_then(Value::as_str) == Some("error") =>
            {
                Some(Self::of_error(value))
            }
            _ => match (object.get("detail"), object.get("message")) {
                (Some(Value::String(text)), _) | (None, Some(Value::String(text))) => Some(Self::of_message(text)),
                (Some(detail), _) => Some(Self::of_message(words_in(detail, 0).unwrap_or_else(|| detail.to_string()))),
                _ => None,
            },
        }
    }

    /// Reads the object that holds `message`, `type` and `code`.
    pub(super) fn of_error(error: &Value) -> Self {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let number = |value: Option<&Value>| value.and_then(Value::as_u64).and_then(|n| u16::try_from(n).ok());
        let code = error.get("code");
        let details = error.get("details").and_then(|details| details.get("error_code"));
        let metadata = error.get("metadata");
        let header = |name: &str| match metadata.and_then(|m| m.get("headers")?.get(name)) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let headers = LimitHeaders { limit: header("X-RateLimit-Limit"), reset: header("X-RateLimit-Reset") };
        let message = text(error.get("message")).or_else(|| words_in(error, 0)).unwrap_or_default();
        // OpenRouter says "Provider returned error" and keeps the provider's own words here.
        let raw = text(metadata.and_then(|m| m.get("raw"))).filter(|raw| !raw.is_empty());
        Self {
            kind: text(error.get("type")).filter(|kind| kind != "error"),
            code: text(details).or_else(|| text(code)).or_else(|| text(error.get("status"))),
            message: raw.map_or_else(|| message.clone(), |raw| format!("{message}: {raw}")),
            status: number(code).filter(|status| (400..=599).contains(status)),
            limit_source: text(metadata.and_then(|m| m.get("limit_source"))),
            headers: (headers != LimitHeaders::default()).then(|| Box::new(headers)),
        }
    }

    /// Reads an HTTP error's body, JSON or not.
    pub(super) fn of_bytes(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        // Control characters inside its texts, which JSON forbids, are no reason not to read a body.
        let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let Ok(value) = serde_json::from_str::<Value>(&plain) else {
            return Self::of_message(html_title(&text).unwrap_or_else(|| text.chars().take(2_000).collect()));
        };
        Self::of_json(&value).unwrap_or_else(|| {
            Self::of_message(words_in(&value, 0).unwrap_or_else(|| {
                let start: String = text.lines().next().unwrap_or_default().chars().take(LONGEST_START).collect();
                format!("a body of unknown shape: {start}")
            }))
        })
    }
}

/// How much of a body that says nothing in words is shown.
const LONGEST_START: usize = 120;

/// The sentence in a body whose shape is not known: the field that such bodies keep it in, however deep.
fn words_in(value: &Value, depth: u8) -> Option<String> {
    const FIELDS: [&str; 6] = ["message", "detail", "error_description", "error_message", "msg", "title"];
    if depth > 4 {
        return None;
    }
    let inside = |value: &Value| words_in(value, depth + 1);
    match value {
        Value::Object(fields) => FIELDS
            .iter()
            .find_map(|name| fields.get(*name)?.as_str().filter(|words| !words.trim().is_empty()).map(str::to_owned))
            .or_else(|| fields.values().find_map(inside)),
        Value::Array(items) => items.iter().find_map(inside),
        _ => None,
    }
}

/// What an HTML page calls itself; `None` if the text is not HTML.
pub(super) fn html_title(text: &str) -> Option<String> {
    let head: String = text.trim_start().chars().take(8_192).collect();
    let lower = head.to_ascii_lowercase();
    if !(lower.starts_with("<!doctype") || lower.starts_with("<html") || lower.starts_with("<head")) {
        return None;
    }
    let title = lower.find("<title>").and_then(|start| {
        let start = start + "<title>".len();
        lower[start..].find("</title>").map(|length| head[start..start + length].trim().to_owned())
    });
    Some(match title {
        Some(title) if !title.is_empty() => format!("an HTML page (\"{title}\") instead of JSON"),
        _ => "an HTML page instead of JSON".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ErrorBody {
        ErrorBody::of_bytes(text.as_bytes())
    }

    #[test]
    fn every_shape_in_use_is_read() {
        let anthropic = read(
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"m","details":{"error_code":"enforced_spend_limit_reached"}},"request_id":"req_1"}"#,
        );
        assert_eq!(anthropic.kind.as_deref(), Some("rate_limit_error"));
        assert_eq!(anthropic.word(), Some("enforced_spend_limit_reached"));
        let openai =
            read(r#"{"error":{"message":"m","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#);
        assert_eq!(openai.word(), Some("insufficient_quota"));
        let openrouter = read(
            r#"{"error":{"code":402,"message":"m","metadata":{"limit_source":"openrouter_in_flight_budget","raw":"why"}}}"#,
        );
        assert_eq!((openrouter.status, openrouter.message.as_str()), (Some(402), "m: why"));
        assert_eq!(openrouter.limit_source.as_deref(), Some("openrouter_in_flight_budget"));
        let google = read(r#"[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}]"#);
        assert_eq!((google.status, google.word()), (Some(400), Some("INVALID_ARGUMENT")));
        for (text, message) in [
            (r#"{"error":"model not found"}"#, "model not found"),
            (r#"{"detail":"Not Found"}"#, "Not Found"),
            (r#"{"detail":[{"loc":["body"]}]}"#, r#"[{"loc":["body"]}]"#),
            (r#"{"detail":[{"loc":["body"],"msg":"Field required"}]}"#, "Field required"),
            (r#"{"object":"error","message":"m","code":404}"#, "m"),
            (r#"{"message":"Forbidden"}"#, "Forbidden"),
            (r#"{"errors":[{"status":"400","msg":"no such deployment"}]}"#, "no such deployment"),
            (r#"{"fault":{"faultstring":7}}"#, r#"a body of unknown shape: {"fault":{"faultstring":7}}"#),
            ("{\"error\":{\"message\":\"m\u{1b}[31m\"}}", "m [31m"),
            ("upstream connect error", "upstream connect error"),
            (
                "<!DOCTYPE html><html><head><title>502 Bad Gateway</title>",
                "an HTML page (\"502 Bad Gateway\") instead of JSON",
            ),
            ("", ""),
        ] {
            assert_eq!(read(text).message, message, "{text}");
        }
    }

    #[test]
    fn an_answer_that_is_no_error_is_none() {
        assert_eq!(ErrorBody::of_json(&serde_json::json!({"id": "x", "choices": []})), None);
        assert_eq!(ErrorBody::of_json(&serde_json::json!({"error": null, "id": "x"})), None);
    }
}
