//! Text of unknown origin made safe to show: nothing in it can move the cursor, hide, reorder or vanish.
//!
//! Models, providers, commands, file names and repositories are all of unknown origin. What is escaped stays
//! readable and cannot be mistaken for an instruction to the terminal; what is long shows its head *and* its tail,
//! because a command that is cut at the right edge hides what it does.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Spaces in a row that are shown as they are in a question; more become a count.
const SPACES_SHOWN: usize = 32;
/// Lines and columns of a question's detail that are shown from each end.
const LINES_SHOWN: usize = 20;
const COLUMNS_SHOWN: usize = 600;

/// Characters that a terminal acts on, draws as nothing, or lets change the order of others.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    matches!(u32::from(c),
        // C0, DEL and C1: among them ESC, CR, BEL and the one-byte CSI and OSC.
        0x00..=0x1f | 0x7f..=0x9f
        // Soft hyphen, grapheme joiner, Arabic letter mark, Hangul and Khmer fillers, Mongolian selectors.
        | 0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f | 0x3164 | 0xffa0
        // Zero-width characters, ZWJ, marks and bidi controls; line and paragraph separators.
        | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f
        // Variation selectors but for the two that choose text or emoji style; BOM; interlinear marks.
        | 0xfe00..=0xfe0d | 0xfeff | 0xfff0..=0xfffb
        // Shorthand and musical format controls; the plane of tags and supplementary selectors.
        | 0x1_bca0..=0x1_bca3 | 0x1_d173..=0x1_d17a | 0xe_0000..=0xe_0fff)
}

/// Text over several lines: line feeds and tabs stay, everything else hidden is written out (`\x1b`, `\u{202e}`).
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    escape_where(text, |c| is_hidden(c) && c != '\n' && c != '\t')
}

/// Text for one line: line feeds and tabs are written out as well.
#[must_use]
pub fn escape_line(text: &str) -> Cow<'_, str> {
    escape_where(text, is_hidden)
}

/// Data for a pipe, which may end in a terminal after all: only what a terminal acts on is written out. Carriage
/// returns stay, since text files have them.
#[must_use]
pub fn escape_controls(text: &str) -> Cow<'_, str> {
    escape_where(text, |c| c.is_control() && !matches!(c, '\n' | '\t' | '\r'))
}

fn escape_where(text: &str, hidden: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if !hidden(c) {
            shown.push(c);
            continue;
        }
        let _ = match c {
            '\n' => shown.write_str("\\n"),
            '\r' => shown.write_str("\\r"),
            '\t' => shown.write_str("\\t"),
            c if u32::from(c) < 0x100 => write!(shown, "\\x{:02x}", u32::from(c)),
            c => write!(shown, "\\u{{{:x}}}", u32::from(c)),
        };
    }
    Cow::Owned(shown)
}

/// Columns that escaped text takes on a terminal.
#[must_use]
pub fn columns(text: &str) -> usize {
    text.width()
}

/// One line of at most `width` columns: escaped, and cut in its middle so that both ends stay readable.
#[must_use]
pub fn shorten(text: &str, width: usize) -> Cow<'_, str> {
    let line = escape_line(text);
    if line.width() <= width {
        return line;
    }
    if width < 3 {
        return Cow::Owned("…".repeat(width.min(1)));
    }
    let tail_width = (width - 1) / 3;
    let head_width = width - 1 - tail_width;
    Cow::Owned(format!("{}…{}", head(&line, head_width), tail(&line, tail_width)))
}

/// The longest beginning of `text` that takes at most `width` columns.
pub(super) fn head(text: &str, width: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += c.width().unwrap_or(0);
        used > width
    });
    end.map_or(text, |(at, _)| &text[..at])
}

/// The longest end of `text` that takes at most `width` columns.
pub(super) fn tail(text: &str, width: usize) -> &str {
    let mut used = 0;
    let before = text.char_indices().rev().find(|(_, c)| {
        used += c.width().unwrap_or(0);
        used > width
    });
    before.map_or(text, |(at, c)| &text[at + c.len_utf8()..])
}

/// What a person decides on: escaped, long runs of spaces counted, long lines and many lines with head and tail
/// and the number of what lies between.
#[must_use]
pub fn verbatim(text: &str) -> String {
    let lines: Vec<&str> = text.split('\n').collect();
    let mut shown: Vec<String> = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        if lines.len() > 2 * LINES_SHOWN + 1 && (LINES_SHOWN..lines.len() - LINES_SHOWN).contains(&i) {
            if i == LINES_SHOWN {
                shown.push(format!("[{} more lines]", lines.len() - 2 * LINES_SHOWN));
            }
            continue;
        }
        shown.push(cut_line(&count_spaces(&escape(line))));
    }
    shown.join("\n")
}

fn cut_line(line: &str) -> String {
    if line.width() <= 2 * COLUMNS_SHOWN {
        return line.to_owned();
    }
    let (head, tail) = (head(line, COLUMNS_SHOWN), tail(line, COLUMNS_SHOWN));
    let between = line.chars().count() - head.chars().count() - tail.chars().count();
    format!("{head} [{between} more characters] {tail}")
}

/// Blank characters other than a space count too: a run of them pushes what follows out of sight just as well.
fn count_spaces(line: &str) -> Cow<'_, str> {
    let is_blank = |c: char| c.is_whitespace() || c == '\u{2800}';
    let mut shown = String::new();
    let mut rest = line;
    let mut cut = false;
    while let Some(start) = rest.find(is_blank) {
        let run = &rest[start..];
        let end = run.find(|c| !is_blank(c)).unwrap_or(run.len());
        let count = run[..end].chars().count();
        shown.push_str(&rest[..start]);
        if count > SPACES_SHOWN {
            cut = true;
            let _ = write!(shown, " [{count} spaces] ");
        } else {
            shown.push_str(&run[..end]);
        }
        rest = &run[end..];
    }
    if !cut {
        return Cow::Borrowed(line);
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_text_is_left_alone_and_not_copied() {
        for text in ["", "a\tb\nc", "größe — 日本語 ✓ ⚠️"] {
            assert!(matches!(escape(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn what_a_terminal_would_act_on_is_written_out() {
        assert_eq!(escape("rm -rf /\r\x1b[2Kls"), "rm -rf /\\r\\x1b[2Kls");
        assert_eq!(escape("\x1b]52;c;aGk=\x07"), "\\x1b]52;c;aGk=\\x07");
        assert_eq!(escape("\u{9b}31m"), "\\x9b31m");
        assert_eq!(escape("a\u{202e}cba\u{2066}"), "a\\u{202e}cba\\u{2066}");
        assert_eq!(escape("x\u{e0041}\u{e007f}"), "x\\u{e0041}\\u{e007f}");
        assert_eq!(escape("a\u{200d}b\u{feff}"), "a\\u{200d}b\\u{feff}");
        assert_eq!(escape_line("a\nb\tc"), "a\\nb\\tc");
    }

    #[test]
    fn long_lines_keep_both_ends() {
        assert_eq!(shorten("cargo test --workspace --all-features", 20), "cargo test --…atures");
        assert_eq!(shorten("日本語日本語日本語", 8), "日本…語");
        assert_eq!(shorten("abc", 3), "abc");
        assert_eq!(shorten("abcd", 1), "…");
        assert_eq!(shorten("abcd", 0), "");
    }

    #[test]
    fn a_question_cannot_hide_its_end() {
        let padded = format!("ls{}; rm -rf ~", " ".repeat(10_000));
        assert_eq!(verbatim(&padded), "ls [10000 spaces] ; rm -rf ~");
        let long = format!("echo {}; rm -rf ~", "x".repeat(10_000));
        let shown = verbatim(&long);
        assert!(shown.ends_with("; rm -rf ~") && shown.contains("more characters]") && shown.len() < 1_400);
        let lines = format!("ls{}rm -rf ~", "\n".repeat(500));
        let shown = verbatim(&lines);
        assert!(shown.ends_with("rm -rf ~") && shown.contains("[461 more lines]"), "{shown}");
    }

    proptest! {
        #[test]
        fn nothing_hidden_survives(text in any::<String>()) {
            prop_assert!(!escape(&text).chars().any(|c| is_hidden(c) && c != '\n' && c != '\t'));
            prop_assert!(!escape_line(&text).contains(is_hidden));
            prop_assert!(!verbatim(&text).chars().any(|c| is_hidden(c) && c != '\n' && c != '\t'));
        }

        #[test]
        fn hidden_characters_are_found_wherever_they_stand(
            text in "[a-z\\x00-\\x1f\\x7f-\\u{9f}\\u{200b}-\\u{206f}\\u{e0000}-\\u{e007f}]{0,40}", width in 0_usize..50
        ) {
            let short = shorten(&text, width);
            prop_assert!(!short.contains(is_hidden));
            prop_assert!(columns(&short) <= width);
        }
    }
}
