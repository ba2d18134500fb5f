//! Where the hunks of an update belong in a file: in order, each below the one before, by four passes of falling
//! strictness. Context lines are found, never rewritten: the file's own bytes stay.

use super::parse::{Hunk, Line};
use crate::agent::tools::nearest::{cut, nearest};

/// `count` lines from `start` become `new`. The replacements of a file are in order and never overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replacement {
    pub(super) start: usize,
    pub(super) count: usize,
    pub(super) new: Vec<String>,
}

/// Lines of a hunk that are repeated in an error.
const REPEATED: usize = 12;

/// # Errors
/// Which hunk has no place in the file, and what in the file comes nearest.
pub(super) fn locate(lines: &[&str], hunks: &[Hunk]) -> Result<Vec<Replacement>, String> {
    let mut found = Vec::new();
    let mut cursor = 0;
    for (index, hunk) in hunks.iter().enumerate() {
        let place = place(lines, hunk, cursor).map_err(|why| match hunks.len() {
            1 => why,
            of => format!("hunk {} of {of}: {why}", index + 1),
        })?;
        cursor = place.next;
        found.extend(replacements(&place));
    }
    found.sort_by_key(|replacement| replacement.start);
    Ok(found)
}

/// A hunk with its place: its lines less what was taken off to make it fit.
struct Place {
    start: usize,
    lines: Vec<Line>,
    /// Where the next hunk may begin.
    next: usize,
}

fn place(lines: &[&str], hunk: &Hunk, cursor: usize) -> Result<Place, String> {
    let mut from = cursor;
    let mut missing = None;
    for anchor in &hunk.anchors {
        let Some(at) = seek(lines, &[anchor], from, false) else {
            missing = Some(anchor);
            break;
        };
        from = at + 1;
    }
    if let Some(anchor) = missing {
        // The block itself may leave no doubt.
        let old = hunk.old();
        return match only(lines, &old, cursor) {
            Some(start) => Ok(Place { start, next: start + old.len(), lines: hunk.lines.clone() }),
            None => Err(no_anchor(lines, anchor, cursor)),
        };
    }
    if hunk.old().is_empty() {
        // Nothing but new lines: at the end of the file, wherever the cursor is.
        return Ok(Place { start: lines.len(), next: from, lines: hunk.lines.clone() });
    }
    let mut candidate = hunk.clone();
    loop {
        let old = candidate.old();
        // From below the `@@` line, else from that line itself: models repeat it as context.
        let start = seek(lines, &old, from, hunk.end_of_file)
            .or_else(|| hunk.end_of_file.then(|| seek(lines, &old, from, false)).flatten())
            .or_else(|| (from > cursor).then(|| seek(lines, &old, from - 1, false)).flatten());
        if let Some(start) = start {
            return Ok(Place { start, next: start + old.len(), lines: candidate.lines });
        }
        if !drop_last_empty(&mut candidate.lines) {
            return Err(no_block(lines, hunk, from, cursor));
        }
    }
}

/// A block's last line, if empty, often stands for the file's final newline, which is no line of its own. Takes it
/// off, from what stands there after as well if that ends with an empty line too, as codex does; says whether
/// anything is left to look for.
fn drop_last_empty(lines: &mut Vec<Line>) -> bool {
    let Some(old) = lines.iter().rposition(|line| !matches!(line, Line::Added(_))) else { return false };
    match &lines[old] {
        Line::Context(text) if text.is_empty() => lines[old] = Line::Added(String::new()),
        Line::Removed(text) if text.is_empty() => drop(lines.remove(old)),
        _ => return false,
    }
    if let Some(new) = lines.iter().rposition(|line| !matches!(line, Line::Removed(_))) {
        match &lines[new] {
            Line::Added(text) if text.is_empty() => drop(lines.remove(new)),
            Line::Context(text) if text.is_empty() => lines[new] = Line::Removed(String::new()),
            _ => {}
        }
    }
    lines.iter().any(|line| !matches!(line, Line::Added(_)))
}

/// The runs between context lines.
fn replacements(place: &Place) -> Vec<Replacement> {
    let mut runs = Vec::new();
    let mut run = Replacement { start: place.start, count: 0, new: Vec::new() };
    for line in &place.lines {
        match line {
            Line::Removed(_) => run.count += 1,
            Line::Added(text) => run.new.push(text.clone()),
            Line::Context(_) => {
                let next = run.start + run.count + 1;
                runs.push(std::mem::replace(&mut run, Replacement { start: next, count: 0, new: Vec::new() }));
            }
        }
    }
    runs.push(run);
    runs.retain(|run| run.count > 0 || !run.new.is_empty());
    runs
}

/// The first place at or after `from` where `block` stands; the strictest pass that finds one decides.
fn seek<S: AsRef<str>>(lines: &[&str], block: &[S], from: usize, at_end: bool) -> Option<usize> {
    let last = lines.len().checked_sub(block.len())?;
    let from = if at_end { from.max(last) } else { from };
    let same: [fn(&str, &str) -> bool; 4] = [
        |a, b| a == b,
        |a, b| a.trim_end() == b.trim_end(),
        |a, b| a.trim() == b.trim(),
        |a, b| a.trim().chars().map(plain).eq(b.trim().chars().map(plain)),
    ];
    same.into_iter().find_map(|same| {
        (from..=last).find(|start| block.iter().zip(&lines[*start..]).all(|(wanted, line)| same(line, wanted.as_ref())))
    })
}

/// The one place from `from` on where `block` stands exactly, if it is only one.
fn only(lines: &[&str], block: &[&str], from: usize) -> Option<usize> {
    let last = lines.len().checked_sub(block.len()).filter(|_| !block.is_empty())?;
    let mut places = (from..=last).filter(|start| lines[*start..].starts_with(block));
    places.next().filter(|_| places.next().is_none())
}

/// Typographic dashes, quotes and spaces as the plain ones that models write.
const fn plain(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{2018}'..='\u{201b}' => '\'',
        '\u{201c}'..='\u{201f}' => '"',
        '\u{a0}' | '\u{2002}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
        other => other,
    }
}

fn no_anchor(lines: &[&str], anchor: &str, cursor: usize) -> String {
    if let Some(before) = seek(lines, &[anchor], 0, false) {
        return format!(
            "the line of `@@ {}` is line {}, above the place of the hunk before (line {cursor}); put hunks in the file's order",
            cut(anchor),
            before + 1
        );
    }
    let near = nearest(lines, &[anchor]).map(|near| format!("\n{near}")).unwrap_or_default();
    format!("no line is equal to that of `@@ {}`{near}", cut(anchor))
}

fn no_block(lines: &[&str], hunk: &Hunk, from: usize, cursor: usize) -> String {
    let old = hunk.old();
    if let Some(before) = seek(lines, &old, 0, false) {
        let what = if from > cursor { "the `@@` line" } else { "the hunk before" };
        return format!(
            "its lines stand at line {}, above {what} (line {from}); put hunks in the file's order, each below its `@@` line",
            before + 1
        );
    }
    let mut repeated: Vec<String> = old.iter().take(REPEATED).map(|line| cut(line)).collect();
    if old.len() > REPEATED {
        repeated.push(format!("… {} more", old.len() - REPEATED));
    }
    let below = if from > 0 { format!(" below line {from}") } else { String::new() };
    let near = nearest(lines, &old).map(|near| format!("\n{near}")).unwrap_or_default();
    format!("these lines are not in the file{below}:\n{}{near}", repeated.join("\n"))
}
