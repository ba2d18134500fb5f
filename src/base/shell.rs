//! Words as a person pastes them into a shell, so that a command which an error offers means what it shows.

use std::path::Path;

/// The text as one word of a POSIX shell: as it is where nothing in it means anything to one, else in single quotes.
#[must_use]
pub fn word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+@%:,=".contains(c);
    // A tilde or `=` at the start is expanded by some shells.
    let starts_plain = !text.starts_with(['=', '~']) && !text.is_empty();
    if starts_plain && text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// A path as one word.
#[must_use]
pub fn path(path: &Path) -> String {
    word(&path.to_string_lossy())
}

/// The text as one word that is always quoted, in double quotes where they hide nothing: how people type a task.
#[must_use]
pub fn sentence(text: &str) -> String {
    if text.contains(['"', '$', '`', '\\', '!']) { word(text) } else { format!("\"{text}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_read_something_into_it() {
        for (text, quoted) in [
            ("cargo", "cargo"),
            ("/a/b-c_d.e", "/a/b-c_d.e"),
            ("cargo test", "'cargo test'"),
            ("it's", r"'it'\''s'"),
            ("$(x)", "'$(x)'"),
            ("", "''"),
            ("~/a", "'~/a'"),
        ] {
            assert_eq!(word(text), quoted);
        }
        assert_eq!(sentence("fix it's test"), "\"fix it's test\"");
        assert_eq!(sentence("say $HOME"), "'say $HOME'");
    }
}
