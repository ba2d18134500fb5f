//! The line of a file that an error points at, with a caret under the place. Never shows what may be a secret:
//! people paste keys into the wrong file, and errors end up in logs.

use std::fmt::Write as _;
use std::ops::Range;

use unicode_width::UnicodeWidthChar as _;

use super::names::{SECRET_STARTS, looks_secret};

/// Columns of the source line that are shown; a longer line is cut around the place.
const WIDTH: usize = 100;

/// Line and column, both from 1, the column in characters.
pub(super) fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at.min(text.len())).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before[line_start..].chars().filter(|c| *c != '\u{feff}').count();
    (before.matches('\n').count() + 1, column + 1)
}

/// The line that holds the start of `span`, with a caret line under it; `hide` leaves out what follows the span.
pub(super) fn excerpt(text: &str, span: &Range<usize>, hide: bool) -> String {
    let start = span.start.min(text.len());
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
    let end = span.end.clamp(start, line_end);
    let (number, _) = line_and_column(text, start);

    let safe_line = mask(text[line_start..line_end].trim_end_matches('\r'));
    let lead = text[line_start..start].chars().count();
    let marked = text[start..end].chars().count().max(1);
    let chars: Vec<char> = safe_line.chars().map(printable).collect();
    let from = if chars.len() > WIDTH { lead.saturating_sub(WIDTH / 3) } else { 0 };
    let shown_end = if hide { (lead + marked).min(chars.len()) } else { chars.len() };
    let to = shown_end.min(from + WIDTH);

    let gutter = number.to_string().len();
    let mut line: String = chars[from.min(to)..to].iter().collect();
    if from > 0 {
        line.insert(0, '…');
    }
    if to < chars.len() {
        line.push_str(if hide && to == shown_end { " …" } else { "…" });
    }
    let width = |part: &[char]| part.iter().map(|c| c.width().unwrap_or(1)).sum::<usize>();
    let lead = lead.min(chars.len());
    let pad = width(&chars[from.min(lead)..lead]) + usize::from(from > 0);
    let carets = width(&chars[lead..(lead + marked).min(to).max(lead)]).max(1);

    let mut out = String::new();
    let _ = write!(out, "{:gutter$} |\n{number} | {line}\n{:gutter$} | {:pad$}", "", "", "");
    out.push_str(&"^".repeat(carets));
    out
}

/// One column for everything that could move the cursor, hide or reorder text.
fn printable(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
        c => c,
    }
}

/// Puts `*` over all but the beginning of each word that looks like a credential; the length stays.
pub(super) fn mask(line: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+' | '/' | '=');
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let end = if is_word(first) { rest.find(|c| !is_word(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        let (word, tail) = rest.split_at(end);
        out.push_str(&mask_word(word));
        rest = tail;
    }
    out
}

fn mask_word(word: &str) -> String {
    let secret_at = SECRET_STARTS.iter().filter_map(|start| word.find(start)).min();
    match secret_at.filter(|at| looks_secret(&word[*at..])) {
        Some(at) => format!("{}{}", &word[..at + 3], "*".repeat(word.len() - at - 3)),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_caret_stands_under_wide_and_invisible_text() {
        let text = "a = 1\nname = \"日本\u{202e}x\" !\n";
        let at = text.find('!').unwrap();
        insta::assert_snapshot!(excerpt(text, &(at..at + 1), false), @r#"
          |
        2 | name = "日本�x" !
          |                 ^
        "#);
    }

    #[test]
    fn a_pasted_key_is_not_repeated() {
        let text = "key = \"sk-ant-api03-AbCdEfGhIjKlMnOpQr\"\napi=sk-proj-AbCdEfGhIjKlMnOpQr";
        let shown = excerpt(text, &(0..3), false) + &excerpt(text, &(text.len() - 3..text.len()), false);
        assert!(!shown.contains("AbCd"), "{shown}");
        assert!(excerpt("model = \"claude-sonnet-4-5-20250929\"", &(0..5), false).contains("20250929"));
        assert!(!excerpt("password = \"hunter2\"", &(0..8), true).contains("hunter2"));
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text = format!("checks = [\"{}\", 7]", "x".repeat(500));
        let at = text.len() - 2;
        let shown = excerpt(&text, &(at..at + 1), false);
        assert!(shown.lines().all(|line| line.chars().count() < 120), "{shown}");
        assert!(shown.contains("7]"), "{shown}");
    }

    proptest! {
        #[test]
        fn any_text_and_place_gives_an_excerpt(text in any::<String>(), a in 0_usize..80, b in 0_usize..80, hide: bool) {
            let floor = |at: usize| (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
            let (start, end) = (floor(a.min(b)), floor(a.max(b)));
            let shown = excerpt(&text, &(start..end), hide);
            prop_assert!(shown.contains('^'));
            prop_assert!(!shown.chars().any(|c| c.is_control() && c != '\n'));
        }
    }
}
