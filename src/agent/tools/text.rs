//! A text file as lines that keep their own endings, so that an edit leaves every byte it does not mean to change.

use std::fmt::Write as _;

/// Why bytes are not edited as text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not UTF-8 text (byte {at}); change it with a command instead")]
pub(super) struct NotText {
    pub(super) at: usize,
}

/// # Errors
/// Bytes that are not UTF-8.
pub(super) fn decode(bytes: &[u8]) -> Result<&str, NotText> {
    std::str::from_utf8(bytes).map_err(|error| NotText { at: error.valid_up_to() })
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    text: String,
    /// `\n`, `\r\n`, `\r`, or nothing at the end of a file without a final newline.
    ending: &'static str,
}

/// The lines of a file. A byte order mark is kept apart, so that the first line can be matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lines {
    byte_order_mark: bool,
    all: Vec<Line>,
    /// The ending that new lines get: the file's first.
    preferred: &'static str,
}

impl Lines {
    /// A lone `\r` ends a line only in a file without any `\n`; elsewhere it is a character like any other.
    pub(super) fn of(content: &str) -> Self {
        let (byte_order_mark, content) = match content.strip_prefix('\u{feff}') {
            Some(rest) => (true, rest),
            None => (false, content),
        };
        let lone = if content.contains('\n') { '\n' } else { '\r' };
        let all: Vec<Line> = content.split_inclusive(lone).map(Line::of).collect();
        let preferred = all.first().map(|line| line.ending).filter(|ending| !ending.is_empty()).unwrap_or("\n");
        Self { byte_order_mark, all, preferred }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The text of each line, without its ending.
    pub(super) fn texts(&self) -> Vec<&str> {
        self.all.iter().map(|line| line.text.as_str()).collect()
    }

    /// Replaces `count` lines from `start` by new ones, which take the preferred ending.
    pub(super) fn splice(&mut self, start: usize, count: usize, new: &[String]) {
        let ending = self.preferred;
        let end = start.saturating_add(count).min(self.all.len());
        let start = start.min(end);
        self.all.splice(start..end, new.iter().map(|text| Line { text: text.clone(), ending }));
        // Only the last line may stand without an ending.
        let last = self.all.len().saturating_sub(1);
        for line in &mut self.all[..last] {
            if line.ending.is_empty() {
                line.ending = ending;
            }
        }
    }

    /// Ends the last line, if there is one.
    pub(super) fn end_with_newline(&mut self) {
        if let Some(last) = self.all.last_mut().filter(|line| line.ending.is_empty()) {
            last.ending = self.preferred;
        }
    }
}

impl std::fmt::Display for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.byte_order_mark {
            f.write_char('\u{feff}')?;
        }
        self.all.iter().try_for_each(|line| write!(f, "{}{}", line.text, line.ending))
    }
}

impl Line {
    fn of(raw: &str) -> Self {
        let (text, ending) = ["\r\n", "\n", "\r"]
            .into_iter()
            .find_map(|ending| raw.strip_suffix(ending).map(|text| (text, ending)))
            .filter(|(_, ending)| *ending != "\r" || !raw[..raw.len() - 1].contains('\n'))
            .unwrap_or((raw, ""));
        Self { text: text.to_owned(), ending }
    }
}

/// Puts `\r\n` for every bare `\n` of `text`, where that is the file's ending and the text has none itself: models
/// write `\n` whatever the file has.
pub(super) fn in_endings_of(file: &str, text: &str) -> String {
    let first_line = file.split_inclusive('\n').next().unwrap_or_default();
    let windows = first_line.ends_with("\r\n") && !text.contains('\r');
    if windows { text.replace('\n', "\r\n") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spliced(content: &str, start: usize, count: usize, new: &[&str]) -> String {
        let mut lines = Lines::of(content);
        lines.splice(start, count, &new.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>());
        lines.to_string()
    }

    #[test]
    fn each_line_keeps_its_ending_and_new_ones_take_the_first() {
        assert_eq!(spliced("a\r\nb\nc", 1, 1, &["x", "y"]), "a\r\nx\r\ny\r\nc");
        assert_eq!(spliced("a\nb", 2, 0, &["c"]), "a\nb\nc\n");
        assert_eq!(spliced("", 0, 0, &["c"]), "c\n");
        assert_eq!(spliced("a\rb\r", 0, 1, &["x"]), "x\rb\r");
        assert_eq!(spliced("a\rb\nc\n", 0, 1, &["x"]), "x\nc\n", "beside \\n a lone \\r is a character");
        assert_eq!(spliced("\u{feff}a\nb\n", 0, 1, &["x"]), "\u{feff}x\nb\n");
    }

    #[test]
    fn text_takes_the_endings_of_the_file() {
        assert_eq!(in_endings_of("a\r\nb\r\n", "x\ny"), "x\r\ny");
        assert_eq!(in_endings_of("a\r\n", "x\r\ny\n"), "x\r\ny\n");
        assert_eq!(in_endings_of("a\nb\r\n", "x\ny"), "x\ny");
        assert_eq!(in_endings_of("", "x\ny"), "x\ny");
    }

    proptest! {
        #[test]
        fn reading_and_writing_is_the_identity(content in "(\u{feff})?([ab é]|\r|\n|\r\n){0,40}") {
            prop_assert_eq!(Lines::of(&content).to_string(), content);
        }
    }
}
