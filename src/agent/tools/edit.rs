//! Exact edits of a text: one place that is beyond doubt, or an error that says where the doubt lies. Nothing is
//! guessed but line endings, which models always write as `\n`.

use super::nearest::nearest;
use super::text::{Lines, in_endings_of};

/// A changed text and where it changed, in lines from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edited {
    pub(super) text: String,
    pub(super) lines: Vec<usize>,
}

/// Places named in an error or a result.
const NAMED: usize = 10;

/// Replaces `old`, which must occur once unless `all`.
///
/// # Errors
/// A sentence for the model: not there, and what comes nearest; or there more than once, and where.
pub(super) fn replace(content: &str, old: &str, new: &str, all: bool) -> Result<Edited, String> {
    if old.is_empty() {
        return Err("the text to replace is empty".to_owned());
    }
    if old == new {
        return Err("the old and the new text are the same".to_owned());
    }
    let mut old = std::borrow::Cow::Borrowed(old);
    let mut places = places(content, &old);
    if places.is_empty() {
        let with_endings = in_endings_of(content, &old);
        places = self::places(content, &with_endings);
        if places.is_empty() {
            return Err(missing(content, &old));
        }
        old = with_endings.into();
    }
    if all {
        // Overlapping places are not all replaced.
        places = content.match_indices(old.as_ref()).map(|(at, _)| at).collect();
    }
    let lines: Vec<usize> = places.iter().map(|at| line_of(content, *at)).collect();
    if places.len() > 1 && !all {
        return Err(format!(
            "the text to replace occurs {} times, at lines {}; add lines around it until it is unique",
            places.len(),
            named(&lines)
        ));
    }
    let new = in_endings_of(content, new);
    let text = if all { content.replace(old.as_ref(), &new) } else { content.replacen(old.as_ref(), &new, 1) };
    Ok(Edited { text, lines })
}

/// Puts `text` as whole lines below line `after` (0 is the top of the file).
///
/// # Errors
/// A line that the file does not have.
pub(super) fn insert(content: &str, after: u64, text: &str) -> Result<Edited, String> {
    let mut lines = Lines::of(content);
    let at = usize::try_from(after).ok().filter(|at| *at <= lines.len());
    let Some(at) = at else {
        return Err(format!("there is no line {after}: the file has {} lines, and 0 is its top", lines.len()));
    };
    let text = text.strip_suffix('\n').unwrap_or(text);
    let new: Vec<String> = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line).to_owned()).collect();
    let added = at + 1..=at + new.len();
    lines.splice(at, 0, &new);
    Ok(Edited { text: lines.to_string(), lines: added.collect() })
}

pub(super) fn named(lines: &[usize]) -> String {
    let mut named: Vec<String> = lines.iter().take(NAMED).map(ToString::to_string).collect();
    if lines.len() > NAMED {
        named.push(format!("{} more", lines.len() - NAMED));
    }
    named.join(", ")
}

/// Every place, overlapping ones too: `aa` is not unique in `aaa`.
fn places(content: &str, old: &str) -> Vec<usize> {
    let step = old.chars().next().map_or(1, char::len_utf8);
    let mut places = Vec::new();
    let mut from = 0;
    while let Some(at) = content[from..].find(old) {
        places.push(from + at);
        from += at + step;
    }
    places
}

fn line_of(content: &str, at: usize) -> usize {
    content[..at].bytes().filter(|byte| *byte == b'\n').count() + 1
}

fn missing(content: &str, old: &str) -> String {
    let lines: Vec<&str> = content.lines().collect();
    let wanted: Vec<&str> = old.lines().collect();
    let prefixed = |line: &&str| {
        line.trim_start().split_once(": ").is_some_and(|(n, _)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let mut why = "the text to replace is not in the file".to_owned();
    if wanted.first().is_some_and(prefixed) {
        why.push_str("; the line numbers of the view are not part of the file");
    } else if content.is_empty() {
        why.push_str(", which is empty");
    } else if let Some(near) = nearest(&lines, &wanted) {
        why.push_str(".\n");
        why.push_str(&near);
    }
    why
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn overlapping_places_are_not_unique() {
        assert!(replace("aaa", "aa", "b", false).unwrap_err().contains("occurs 2 times"));
        assert_eq!(replace("aaa", "aa", "b", true).unwrap().text, "ba");
    }

    proptest! {
        /// What was put in can be taken out again, and nothing else has changed.
        #[test]
        fn an_edit_can_be_reverted(before in "([a-c \n]|\r\n){0,30}", after in "([a-c \n]|\r\n){0,30}", new in "[x-z]{1,8}") {
            let content = format!("{before}OLD{after}");
            let edited = replace(&content, "OLD", &new, false).unwrap();
            prop_assert_eq!(replace(&edited.text, &new, "OLD", false).unwrap().text, content);
        }

        #[test]
        fn an_insertion_leaves_the_other_lines(content in "([ab]{0,3}(\n|\r\n)){0,6}", at in 0..8_u64) {
            let lines = content.lines().count() as u64;
            match insert(&content, at, "NEW") {
                Ok(edited) => {
                    prop_assert!(at <= lines);
                    let ending = if content.lines().count() > 0 && content.split('\n').next().unwrap().ends_with('\r') { "\r\n" } else { "\n" };
                    prop_assert_eq!(edited.text.replacen(&format!("NEW{ending}"), "", 1), content);
                }
                Err(_) => prop_assert!(at > lines),
            }
        }
    }
}
