//! File names as text. A name is bytes, and two names that differ must not read the same: what is not UTF-8 is written
//! `\xFF`, as bash takes it in `$'\xFF'`.

use std::fmt::Write as _;
use std::path::Path;

/// A path as text; control characters stay what they are.
#[must_use]
pub fn text(path: &Path) -> String {
    written(path, |_| false)
}

/// A path as one line: control characters are escaped too.
#[must_use]
pub fn line(path: &Path) -> String {
    written(path, char::is_control)
}

fn written(path: &Path, hidden: impl Fn(char) -> bool) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' if hidden(c) => text.push_str("\\n"),
                '\t' if hidden(c) => text.push_str("\\t"),
                c if hidden(c) => {
                    let _ = write!(text, "\\x{:02X}", u32::from(c));
                }
                c => text.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02X}");
        }
    }
    text
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    #[test]
    fn what_is_no_text_is_told_all_the_same() {
        let of = |bytes: &[u8]| {
            let path = Path::new(OsStr::from_bytes(bytes));
            (text(path), line(path))
        };
        let same = |shown: &str| (shown.to_owned(), shown.to_owned());
        assert_eq!(of("src/日本 \\.rs".as_bytes()), same("src/日本 \\.rs"));
        assert_eq!(of(b"a\xff\xfe/b"), same("a\\xFF\\xFE/b"));
        assert_eq!(of(b"\xe6\x97"), same("\\xE6\\x97"));
        assert_eq!(of(b"a\n\t\x1b[2J"), ("a\n\t\u{1b}[2J".to_owned(), "a\\n\\t\\x1B[2J".to_owned()));
    }
}
