//! A stranger's text made fit for a model and for people: what a terminal would do, and what nobody can see, is gone.

/// Without escape sequences, control characters and characters without a shape: a description must not say one thing
/// to the model and another to whoever reads it.
pub(super) fn visible(text: &str) -> String {
    let text = console::strip_ansi_codes(text);
    text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control() && !is_hidden(*c)).collect()
}

/// As one line of at most so many characters.
pub(super) fn one_line(text: &str, most: usize) -> String {
    let line = visible(text).split_whitespace().collect::<Vec<_>>().join(" ");
    cut(&line, most)
}

/// At most so many characters; the last is `…` where there were more.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// Directions, joiners, tags and variation selectors beyond those of ordinary emoji.
const fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stays_that_nobody_sees() {
        let text = "ok\u{1b}[2K\u{1b}]0;t\u{7}\u{202e}x\u{e0041}\u{200b}\r\n\ty\u{0}";
        assert_eq!(visible(text), "okx\n\ty");
        assert_eq!(one_line("a\n b\t\u{1b}[31mc", 10), "a b c");
        assert_eq!((cut("abc", 3).as_str(), cut("abcd", 3).as_str()), ("abc", "ab…"));
    }
}
