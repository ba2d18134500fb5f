//! Searching the project: what git ignores is left out, every file is read through the workspace, and the answer is
//! bounded in matches, bytes and time.

use std::path::Path;
use std::time::{Duration, Instant};

use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, sinks::Lossy};
use ignore::overrides::OverrideBuilder;
use ignore::{Walk, WalkBuilder};

use crate::sandbox::Workspace;

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
        .line_terminator(Some(b'\n'))
        .build(pattern)
        .map_err(|error| format!("the pattern is no regular expression: {error}"))?;
    let mut found = Found::default();
    let mut searcher = SearcherBuilder::new().binary_detection(BinaryDetection::quit(0)).line_number(true).build();
    let started = Instant::now();
    for entry in walk(workspace.root(), below, glob)? {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.depth() == Some(0) => return Err(format!("{} cannot be searched", below.display())),
            Err(_) => continue,
        };
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let Ok(path) = entry.path().strip_prefix(workspace.root()) else { continue };
        found.search(&mut searcher, &matcher, workspace, path);
        if found.full {
            break;
        }
        if started.elapsed() > LONGEST {
            found.lines.push(format!("[stopped after {} s; narrow it by path or glob]", LONGEST.as_secs()));
            break;
        }
    }
    Ok(found.text())
}

/// The walk opens folders by their names; what it finds is only read through the workspace, which follows no link out.
fn walk(root: &Path, below: &Path, glob: Option<&str>) -> Result<Walk, String> {
    let mut builder = WalkBuilder::new(root.join(below));
    builder
        .follow_links(false)
        .hidden(false)
        .parents(true)
        .git_global(false)
        .require_git(false)
        .sort_by_file_path(Ord::cmp)
        .filter_entry(|entry| entry.file_name() != ".git");
    if let Some(glob) = glob {
        let mut overrides = OverrideBuilder::new(root);
        overrides.add(glob).map_err(|error| format!("the glob is none: {error}"))?;
        builder.overrides(overrides.build().map_err(|error| format!("the glob is none: {error}"))?);
    }
    Ok(builder.build())
}

#[derive(Default)]
struct Found {
    lines: Vec<String>,
    bytes: usize,
    full: bool,
    skipped: usize,
}

impl Found {
    fn search(&mut self, searcher: &mut Searcher, matcher: &RegexMatcher, workspace: &Workspace, path: &Path) {
        let Ok(bytes) = workspace.read(path, FILE) else {
            self.skipped += 1;
            return;
        };
        let before = self.lines.len();
        let shown = path.to_string_lossy().replace(char::is_control, "\u{fffd}");
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
        if searcher.search_slice(matcher, &bytes, sink).is_err() {
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
