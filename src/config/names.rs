//! What may be the name of a provider, a key, a model, a project or a variable. A credential is never one of them: it
//! would be repeated in errors, and sent somewhere as a name.

pub(super) use crate::base::mask::{SECRET_STARTS, looks_secret};

/// A provider's name: lower-case letters, digits, `-`, `_`; at most 40 characters.
#[must_use]
pub fn is_provider(text: &str) -> bool {
    is_word(text, 40, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
}

/// A key's label: letters, digits, `-`, `_`, `.`, `@`; at most 64 characters.
#[must_use]
pub fn is_key_label(text: &str) -> bool {
    is_word(text, 64, |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@'))
}

/// A model as written: any provider's id or an alias; no spaces, at most 200 characters.
#[must_use]
pub fn is_model(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '`' | '$');
    !text.is_empty() && text.len() <= 200 && !text.starts_with('-') && !looks_secret(text) && text.chars().all(allowed)
}

/// A host's name or address as a person writes it: no scheme, path or port.
#[must_use]
pub fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    !text.is_empty() && text.len() <= 253 && text.split('.').all(is_label)
}

/// An environment variable's name.
#[must_use]
pub fn is_variable(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.len() <= 200
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A project's name in reports: one printable line of at most 80 characters.
#[must_use]
pub fn is_project(text: &str) -> bool {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
            || ('\u{e0000}'..='\u{e007f}').contains(&c)
    };
    !text.trim().is_empty() && text.chars().count() <= 80 && !text.chars().any(hidden)
}

fn is_word(text: &str, most: usize, allowed: impl Fn(char) -> bool) -> bool {
    text.len() <= most
        && !looks_secret(text)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_nothing_that_means_something_elsewhere() {
        for good in ["anthropic", "work", "my-gateway_2"] {
            assert!(is_provider(good), "{good}");
        }
        for bad in ["", "Work", "a/b", "a b", "-a", "a:b", "a->b", "ä", "a\n"] {
            assert!(!is_provider(bad), "{bad:?}");
        }
        assert!(is_key_label("client-a@acme.example"));
        assert!(!is_key_label("env:ANTHROPIC_API_KEY"));
        assert!(is_model("openrouter/meta-llama/llama-3.3-70b:free"));
        assert!(!is_model("$(touch x)"));
        assert!(is_variable("_A1") && !is_variable("1A") && !is_variable("A-B") && !is_variable(""));
        assert!(is_project("Größer als alles") && !is_project("a\u{202e}b") && !is_project(" "));
    }
}
