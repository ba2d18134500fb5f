//! What a command printed, made fit for a model: text only, what a terminal would have left standing, both ends of
//! what is too long.

use std::borrow::Cow;

use crate::sandbox::Captured;

/// Most of one output that goes to the model, in bytes; half from each end.
pub(super) const CAP: usize = 16 * 1024;

/// Never longer than [`CAP`] and a line that says what was left out.
pub(super) fn render(captured: &Captured) -> String {
    let kept = captured.head.len() + captured.tail.len();
    let total = u64::try_from(kept).unwrap_or(u64::MAX).saturating_add(captured.omitted);
    if is_binary(&captured.head) || is_binary(&captured.tail) {
        return format!("[binary output, {total} bytes, not shown]");
    }
    if captured.omitted == 0 {
        let all = clean(&[captured.head.as_slice(), captured.tail.as_slice()].concat());
        return bounded(&all);
    }
    let head = clean(whole_end(&captured.head));
    let tail = clean(whole_start(&captured.tail));
    let (head, tail) = (first_part(&head, CAP / 2), last_part(&tail, CAP / 2));
    let shown = u64::try_from(head.len() + tail.len()).unwrap_or(u64::MAX);
    join(head, total.saturating_sub(shown), tail)
}

/// The two ends of a text longer than [`CAP`].
fn bounded(text: &str) -> String {
    if text.len() <= CAP {
        return text.to_owned();
    }
    let (head, tail) = (first_part(text, CAP / 2), last_part(text, CAP / 2));
    join(head, u64::try_from(text.len() - head.len() - tail.len()).unwrap_or(u64::MAX), tail)
}

fn join(head: &str, left_out: u64, tail: &str) -> String {
    let newline = if head.ends_with('\n') || head.is_empty() { "" } else { "\n" };
    format!("{head}{newline}[{left_out} bytes left out here; send it to a file or through grep to see them]\n{tail}")
}

/// At most `limit` bytes from the start, whole lines where they are not too long.
fn first_part(text: &str, limit: usize) -> &str {
    let cut = &text[..text.floor_char_boundary(limit)];
    if cut.len() == text.len() {
        return cut;
    }
    cut.rfind('\n').filter(|at| *at >= cut.len() / 2).map_or(cut, |at| &cut[..=at])
}

/// At most `limit` bytes from the end, whole lines where they are not too long.
fn last_part(text: &str, limit: usize) -> &str {
    let start = text.ceil_char_boundary(text.len().saturating_sub(limit));
    let cut = &text[start..];
    if start == 0 || text[..start].ends_with('\n') {
        return cut;
    }
    cut.find('\n').filter(|at| *at < cut.len() / 2).map_or(cut, |at| &cut[at + 1..])
}

/// A NUL, or more bad bytes than text has: not to be read.
pub(super) fn is_binary(bytes: &[u8]) -> bool {
    const LOOKED_AT: usize = 8 * 1024;
    let start = &bytes[..bytes.len().min(LOOKED_AT)];
    if start.contains(&0) {
        return true;
    }
    let bad: usize = start.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    bad * 10 > start.len().max(40)
}

/// Without a character cut in two at its end.
fn whole_end(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        _ => {
            // A bad byte before the end hides the cut: look at the last character alone.
            let start = bytes.len().saturating_sub(4);
            let cut = bytes[start..].iter().rposition(|byte| *byte >= 0xC0).map(|at| start + at);
            match cut.map(|at| (at, std::str::from_utf8(&bytes[at..]))) {
                Some((at, Err(error))) if error.error_len().is_none() => &bytes[..at],
                _ => bytes,
            }
        }
    }
}

/// Without the rest of a character cut in two at its start.
fn whole_start(bytes: &[u8]) -> &[u8] {
    let rest = bytes.iter().take(3).take_while(|byte| **byte & 0xC0 == 0x80).count();
    &bytes[rest..]
}

/// Text as a terminal leaves it: no escape sequences, a line that was rewritten in place once, no control characters.
fn clean(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text =
        if text.contains(['\u{1b}', '\u{9b}']) { console::strip_ansi_codes(&text).into_owned().into() } else { text };
    if !text.contains(|c: char| c.is_control() && c != '\n' && c != '\t') {
        return text.into_owned();
    }
    let mut cleaned = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, newline) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        cleaned.push_str(&standing(line));
        cleaned.push_str(newline);
    }
    cleaned
}

/// What a line shows at last: after the last carriage return, backspaces done.
fn standing(line: &str) -> Cow<'_, str> {
    let line = line.trim_end_matches('\r');
    let last = line.rsplit('\r').find(|part| !part.is_empty()).unwrap_or("");
    if !last.contains(char::is_control) {
        return last.into();
    }
    let mut shown = String::with_capacity(last.len());
    for c in last.chars() {
        match c {
            '\u{8}' => drop(shown.pop()),
            '\t' => shown.push(c),
            '\u{7}' => {}
            c if c.is_control() => shown.push('\u{fffd}'),
            c => shown.push(c),
        }
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(bytes: &[u8]) -> String {
        render(&Captured { head: bytes.to_vec(), tail: Vec::new(), omitted: 0 })
    }

    #[test]
    fn a_terminals_tricks_are_undone() {
        let cases: &[(&[u8], &str)] = &[
            (b"plain\n\ttext\n", "plain\n\ttext\n"),
            (b"\x1b[31mred\x1b[0m\n", "red\n"),
            (b"10%\r50%\r100%\ndone\r\n", "100%\ndone\n"),
            (b"\x1b]0;title\x07x\n", "x\n"),
            (b"N\x08NA\x08AM\x08M\n", "NAM\n"),
            (b"ding\x07\n", "ding\n"),
            (b"caf\xe9 and more text around it, quite enough\n", "caf\u{fffd} and more text around it, quite enough\n"),
            (b"a\x01b\n", "a\u{fffd}b\n"),
            (b"", ""),
        ];
        for (bytes, expected) in cases {
            assert_eq!(of(bytes), *expected);
        }
    }

    #[test]
    fn binary_output_is_named() {
        assert_eq!(of(b"\x7fELF\0\0\0"), "[binary output, 7 bytes, not shown]");
        let noise: Vec<u8> = (0..400_u32).map(|n| u8::try_from(128 + n % 128).unwrap()).collect();
        assert_eq!(of(&noise), "[binary output, 400 bytes, not shown]");
    }

    #[test]
    fn the_middle_of_long_output_is_left_out_and_sized() {
        let lines: String = (0..10_000).fold(String::new(), |all, n| all + &format!("line {n}\n"));
        let text = of(lines.as_bytes());
        assert!(text.starts_with("line 0\n") && text.ends_with("line 9999\n"));
        let marker = text.lines().find(|line| line.contains("left out")).unwrap();
        let shown: usize = text.lines().filter(|line| line.starts_with("line ")).map(|line| line.len() + 1).sum();
        assert_eq!(
            marker,
            format!("[{} bytes left out here; send it to a file or through grep to see them]", lines.len() - shown)
        );
    }

    #[test]
    fn what_the_sandbox_dropped_is_counted_and_no_character_is_halved() {
        let captured =
            Captured { head: "é".as_bytes()[..1].to_vec(), tail: "é!".as_bytes()[1..].to_vec(), omitted: 100 };
        assert_eq!(render(&captured), "[102 bytes left out here; send it to a file or through grep to see them]\n!");
    }

    proptest! {
        #[test]
        fn it_is_never_longer_than_the_cap(head in proptest::collection::vec(any::<u8>(), 0..2000), times in 1..40_usize, omitted in 0..3_u64) {
            let bytes = head.repeat(times);
            let text = render(&Captured { head: bytes.clone(), tail: bytes, omitted });
            prop_assert!(text.len() <= CAP + 100);
            prop_assert_eq!(text.find('\x1b'), None);
        }
    }
}
