//! Credentials that were typed or pasted where they do not belong: told by their beginnings, and never repeated.

/// Beginnings that only credentials have. Sources: the providers' key formats (2026-11).
pub const SECRET_STARTS: &[&str] =
    &["sk-", "sk_", "xai-", "gsk_", "AIza", "ghp_", "github_pat_", "eyJ", "AKIA", "AGE-SECRET"];

/// Whether a word looks like a credential rather than the name of one.
#[must_use]
pub fn looks_secret(word: &str) -> bool {
    word.len() >= 20 && SECRET_STARTS.iter().any(|start| word.starts_with(start))
}

/// The text with `***` in place of each word that begins as a credential does. A path or a name that only holds such
/// a beginning (`task-runner-of-the-shop`) stays as it is.
#[must_use]
pub fn mask(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = if is_word(first) { rest.find(|c| !is_word(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        let (word, tail) = rest.split_at(end);
        let start = SECRET_STARTS.iter().find(|start| word.starts_with(**start)).filter(|_| looks_secret(word));
        match start {
            Some(start) => out.extend([start, "***"]),
            None => out.push_str(word),
        }
        rest = tail;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_hidden_wherever_it_stands_and_nothing_else_is() {
        let key = "sk-ant-api03-AbCdEfGh_IjKl-MnOpQr";
        for around in ["", "\"", "\u{1b}[31m ", "--key=", "env:", "/tmp/"] {
            assert_eq!(mask(&format!("no {around}{key}.")), format!("no {around}sk-***."));
        }
        for kept in
            ["", "/home/ann/task-runner-of-the-shop/vk.toml", "claude-sonnet-4-5-20250929", "sk-short", "日本 sk-"]
        {
            assert_eq!(mask(kept), kept);
        }
    }
}
