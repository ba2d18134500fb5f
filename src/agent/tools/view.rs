//! Files and folders as a model sees them: a page at a time, every line with its number, and always how to go on.

use std::fmt::Write as _;
use std::path::Path;

use super::output::is_binary;
use super::specs::VIEW_CHARACTERS;
use crate::base::name;
use crate::sandbox::Workspace;
use crate::sandbox::workspace::{Entry, Kind, WorkspaceError};

/// Most lines of one page.
pub(super) const PAGE: u64 = 2000;
/// A longer line is cut, in characters.
const LINE: usize = 2000;
/// Entries listed of the folder itself and of each folder in it.
const ENTRIES: usize = 200;
const BELOW: usize = 40;

/// Which lines, from 1, and what the tool calls the way to the next page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    pub(super) first: u64,
    /// The last line wanted; the caps hold whatever it says.
    pub(super) last: u64,
    pub(super) shape: Shape,
}

/// How the next page is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// `offset`
    Offset,
    /// `view_range`
    Range,
}

/// # Errors
/// A sentence for the model: not text, or lines the file does not have.
pub(super) fn file(bytes: &[u8], page: Page) -> Result<String, String> {
    if is_binary(bytes) {
        return Err(format!("it is a binary file of {} bytes", bytes.len()));
    }
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if text.is_empty() {
        return Ok("[the file is empty]".to_owned());
    }
    let total = u64::try_from(text.lines().count()).unwrap_or(u64::MAX);
    let first = page.first.max(1);
    if first > total {
        return Err(format!("there is no line {first}: the file has {total} lines"));
    }
    let mut shown = String::new();
    let mut next = first;
    let skipped = usize::try_from(first - 1).unwrap_or(usize::MAX);
    for (line, number) in text.lines().skip(skipped).zip(first..=page.last.min(first.saturating_add(PAGE - 1))) {
        let line = format!("{number}: {}\n", cut(line));
        if !shown.is_empty() && shown.len() + line.len() > VIEW_CHARACTERS as usize {
            break;
        }
        shown.push_str(&line);
        next = number + 1;
    }
    if next <= total && next <= page.last {
        let how = match page.shape {
            Shape::Offset => format!("offset {next}"),
            Shape::Range => format!("view_range [{next}, -1]"),
        };
        let _ = writeln!(shown, "[lines {first}-{} of {total}; go on with {how}]", next - 1);
    }
    if bytes.windows(2).any(|pair| pair == b"\r\n") {
        shown.push_str("[lines end with CRLF]\n");
    }
    if std::str::from_utf8(bytes).is_err() {
        shown.push_str("[not all of it is UTF-8; \u{fffd} stands for bad bytes]\n");
    }
    Ok(shown)
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(LINE) {
        Some((at, _)) => format!("{}… [{} more bytes in this line]", &line[..at], line.len() - at),
        None => line.to_owned(),
    }
}

/// A folder two levels deep, paths relative to it, folders with a `/` at the end. `.git` is named, not shown.
///
/// # Errors
/// Whatever the workspace says of the folder itself; folders in it that cannot be read are only named.
pub(super) fn folder(workspace: &Workspace, path: &Path) -> Result<String, WorkspaceError> {
    let (entries, more) = workspace.list(path, ENTRIES)?;
    let mut lines = Vec::new();
    for entry in &entries {
        lines.push(listed(entry));
        if entry.kind != Kind::Folder || entry.name == ".git" {
            continue;
        }
        let Ok((below, more)) = workspace.list(&path.join(&entry.name), BELOW) else { continue };
        lines.extend(below.iter().map(|inner| format!("{}{}", listed(entry), listed(inner))));
        if more {
            lines.push(format!("{}…", listed(entry)));
        }
    }
    if more {
        lines.push("… and more".to_owned());
    }
    Ok(if lines.is_empty() { "[the folder is empty]".to_owned() } else { lines.join("\n") })
}

fn listed(entry: &Entry) -> String {
    let name = name::line(Path::new(&entry.name));
    match entry.kind {
        Kind::Folder => format!("{name}/"),
        Kind::Link => format!("{name} (link)"),
        Kind::File | Kind::Other => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(first: u64, last: u64) -> Page {
        Page { first, last, shape: Shape::Offset }
    }

    #[test]
    fn a_page_has_numbers_and_says_how_to_go_on() {
        let text = "one\ntwo\nthree\nfour\n";
        assert_eq!(file(text.as_bytes(), page(1, u64::MAX)).unwrap(), "1: one\n2: two\n3: three\n4: four\n");
        assert_eq!(file(text.as_bytes(), page(2, 3)).unwrap(), "2: two\n3: three\n");
        assert_eq!(file(b"a\r\nb", page(0, 9)).unwrap(), "1: a\n2: b\n[lines end with CRLF]\n");
        assert_eq!(file(b"", page(1, 9)).unwrap(), "[the file is empty]");
        assert_eq!(file(text.as_bytes(), page(5, 9)).unwrap_err(), "there is no line 5: the file has 4 lines");
        assert!(file(b"\0", page(1, 9)).is_err());
    }

    #[test]
    fn long_files_and_lines_are_cut() {
        let many = "x\n".repeat(5000);
        let shown = file(many.as_bytes(), page(1, u64::MAX)).unwrap();
        assert!(shown.ends_with("2000: x\n[lines 1-2000 of 5000; go on with offset 2001]\n"));
        let wide = format!("{}\nb\n", "é".repeat(30_000)).repeat(10);
        let shown = file(wide.as_bytes(), Page { shape: Shape::Range, ..page(1, u64::MAX) }).unwrap();
        assert!(shown.len() < VIEW_CHARACTERS as usize + 200);
        assert!(shown.contains("… [56000 more bytes in this line]\n"));
        assert!(shown.ends_with("[lines 1-16 of 20; go on with view_range [17, -1]]\n"), "{shown}");
    }
}
