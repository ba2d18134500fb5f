//! A model's words on a terminal: broken between words, their markdown shown modestly. Only for terminals: in a pipe
//! the words stay as they are.

use super::escape::{columns, escape, escape_line};
use super::screen::Paint;
use super::table::fold;

/// Turns whole lines into what is shown. Remembers whether they stand in a block of code.
#[derive(Debug, Default)]
pub(super) struct Prose {
    in_code: bool,
}

impl Prose {
    /// The lines of `text`, each ended, blank ones among them. Of any origin: they are escaped.
    pub(super) fn show(&mut self, text: &str, width: usize, paint: Paint) -> String {
        text.strip_suffix('\n').unwrap_or(text).split('\n').filter_map(|line| self.line(line, width, paint)).collect()
    }

    /// `None` for a line that only marks code.
    fn line(&mut self, line: &str, width: usize, paint: Paint) -> Option<String> {
        let line = line.trim_end_matches('\r').replace('\t', "    ");
        let line = escape_line(&line);
        let text = line.trim_start();
        if text.starts_with("```") || text.starts_with("~~~") {
            self.in_code = !self.in_code;
            return None;
        }
        // What is copied from code, and a table, would not be itself any more in other lines.
        if self.in_code {
            return Some(format!("  {}\n", paint.code(&line)));
        }
        if text.starts_with('|') {
            return Some(format!("{line}\n"));
        }
        if text.trim().is_empty() {
            return Some("\n".to_owned());
        }
        let indent = &line[..line.len() - text.len()];
        if let Some(heading) = heading(text) {
            return Some(fold(&paint.bold(heading), Some(width), "", ""));
        }
        let (mark, words) = text.split_at(list_mark(text));
        let (first, next) = (format!("{indent}{mark}"), " ".repeat(columns(indent) + columns(mark)));
        Some(fold(&inline(words, paint), Some(width), &first, &next))
    }
}

/// Whole lines for a log.
pub(super) fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    escape(text.strip_suffix('\n').unwrap_or(&text)).into_owned() + "\n"
}

/// The words after `#` to `######`.
fn heading(text: &str) -> Option<&str> {
    let words = text.trim_start_matches('#');
    let level = text.len() - words.len();
    ((1..=6).contains(&level) && words.starts_with(' ')).then(|| words.trim())
}

/// The length of `- `, `* `, `> ` or `12. ` at the start.
fn list_mark(text: &str) -> usize {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let sign = match text.as_bytes().get(digits) {
        Some(b'.' | b')') if digits > 0 => digits + 1,
        Some(b'-' | b'*' | b'+' | b'>') if digits == 0 => 1,
        _ => return 0,
    };
    let blanks = text.bytes().skip(sign).take_while(|byte| *byte == b' ').count();
    if blanks == 0 { 0 } else { sign + blanks }
}

/// Bold and code in a line. Without colour the marks of code stay, since they say where it begins and ends.
fn inline(text: &str, paint: Paint) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['`', '*']) {
        let (before, marked) = rest.split_at(at);
        shown.push_str(before);
        let mark = if marked.starts_with("**") { "**" } else { &marked[..1] };
        let inner =
            marked[mark.len()..].split_once(mark).filter(|(inner, _)| inner.trim() == *inner && !inner.is_empty());
        match (mark, inner) {
            ("**", Some((inner, after))) => {
                shown.push_str(&paint.bold(inner));
                rest = after;
            }
            ("`", Some((inner, after))) if paint.0 => {
                shown.push_str(&paint.code(inner));
                rest = after;
            }
            ("`", Some((inner, after))) => {
                shown.extend(["`", inner, "`"]);
                rest = after;
            }
            _ => {
                shown.push_str(mark);
                rest = &marked[mark.len()..];
            }
        }
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::escape::is_hidden;
    use proptest::prelude::*;

    const ANSWER: &str = "## What I did\n\nThe **parser** reads `empty files` now, because 2 * 3 * 4 is not a list.\n\n\
        - it is tested with a rather long sentence that has to go on below\n  1. nested\n\n```sh\n\
        cargo test --workspace --all-features -- --nocapture\n```\nDone\x1b[2J. `a ** b` and **open\n| a | b |";

    #[test]
    fn markdown_is_shown_modestly_and_broken_between_words() {
        insta::assert_snapshot!(Prose::default().show(ANSWER, 40, Paint(false)), @r"
        What I did

        The parser reads `empty files` now,
        because 2 * 3 * 4 is not a list.

        - it is tested with a rather long
          sentence that has to go on below
          1. nested

          cargo test --workspace --all-features -- --nocapture
        Done\x1b[2J. `a ** b` and **open
        | a | b |
        ");
        let coloured = Prose::default().show(ANSWER, 40, Paint(true));
        assert!(coloured.contains("\x1b[1mparser\x1b[0m") && coloured.contains("\x1b[36mempty files\x1b[0m"));
        assert_eq!(console::strip_ansi_codes(&coloured).replace('`', ""), {
            Prose::default().show(ANSWER, 40, Paint(false)).replace('`', "")
        });
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_shown_and_no_word_is_lost(text in "[a-z `*#|\\n\\x1b\\u{202e}-]{0,80}") {
            let shown = Prose::default().show(&text, 20, Paint(false));
            prop_assert!(!shown.contains(|c| is_hidden(c) && c != '\n'));
            let letters = |text: &str| text.chars().filter(char::is_ascii_lowercase).count();
            let marks = text.lines().filter(|line| line.trim_start().starts_with("```"));
            let dropped: usize = marks.map(|line| letters(&escape_line(line))).sum();
            prop_assert_eq!(letters(&shown), letters(&escape_line(&text.replace('\n', " "))) - dropped);
        }
    }
}
