//! Searching the project: what git ignores is left out, everything is read through the workspace, and the answer is
//! bounded in matches, bytes and time.

use std::path::Path;
use std::time::Duration;

use grep_matcher::LineTerminator;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, sinks::Lossy};
use ignore::overrides::{Override, OverrideBuilder};

use super::walk::Walk;
use crate::base::name;
use crate::sandbox::Workspace;
use crate::sandbox::workspace::WorkspaceError;

/// Most matching lines and bytes of one answer.
const MATCHES: usize = 200;
const BYTES: usize = 16 * 1024;
/// A longer line is cut, in characters.
const LINE: usize = 300;
/// Larger files are not searched, in bytes.
const FILE: u64 = 8 * 1024 * 1024;
const LONGEST: Duration = Duration::from_secs(20);

/// Lines as `path:12: text`, in path order. Blocks; to be called on a thread of its own.
///
/// # Errors
/// A pattern or glob that is none, or a path that cannot be searched.
pub(super) fn grep(workspace: &Workspace, pattern: &str, below: &Path, glob: Option<&str>) -> Result<String, String> {
    let matcher = RegexMatcherBuilder::new()
        .crlf(true)
        .multi_line(true)
        .build(pattern)
        .map_err(|error| format!("the pattern is no regular expression: {error}"))?;
    let glob = glob.map(parsed).transpose().map_err(|error| format!("the glob is none: {error}"))?;
    let mut found = Found::default();
    let mut searcher = SearcherBuilder::new()
        .binary_detection(BinaryDetection::quit(0))
        .line_terminator(LineTerminator::crlf())
        .line_number(true)
        .build();
    match workspace.read(below, FILE) {
        Ok(bytes) => found.search(&mut searcher, &matcher, below, &bytes),
        Err(WorkspaceError::IsFolder(_)) => {
            let mut walk = Walk::of(workspace, below, glob, LONGEST);
            while let Some(path) = walk.next().filter(|_| !found.full) {
                match workspace.read(&path, FILE) {
                    Ok(bytes) => found.search(&mut searcher, &matcher, &path, &bytes),
                    Err(_) => found.skipped += 1,
                }
            }
            found.skipped += walk.unreadable;
            found.late = walk.late;
        }
        Err(error) => return Err(error.to_string()),
    }
    Ok(found.text())
}

fn parsed(glob: &str) -> Result<Override, ignore::Error> {
    OverrideBuilder::new("").add(glob)?.build()
}

#[derive(Default)]
struct Found {
    lines: Vec<String>,
    bytes: usize,
    full: bool,
    late: bool,
    skipped: usize,
}

impl Found {
    fn search(&mut self, searcher: &mut Searcher, matcher: &RegexMatcher, path: &Path, bytes: &[u8]) {
        let before = self.lines.len();
        let shown = name::line(path);
        let sink = Lossy(|number, line| {
            let line = format!("{shown}:{number}: {}", cut(line.trim_end_matches(['\n', '\r'])));
            if self.lines.len() >= MATCHES || self.bytes + line.len() > BYTES {
                self.full = true;
                return Ok(false);
            }
            self.bytes += line.len() + 1;
            self.lines.push(line);
            Ok(true)
        });
        if searcher.search_slice(matcher, bytes, sink).is_err() {
            self.lines.truncate(before);
            self.skipped += 1;
        }
    }

    fn text(mut self) -> String {
        if self.full {
            self.lines
                .push(format!("[the first {} matching lines; narrow it by path, glob or pattern]", self.lines.len()));
        } else if self.lines.is_empty() {
            self.lines.push("[no match]".to_owned());
        }
        if self.late {
            self.lines.push(format!("[stopped after {} s; narrow it by path or glob]", LONGEST.as_secs()));
        }
        if self.skipped > 0 {
            self.lines.push(format!("[{} files could not be searched: too large, or not to be read]", self.skipped));
        }
        self.lines.join("\n")
    }
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(LINE) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}
