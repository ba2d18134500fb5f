//! The difference that a task made, in lines: counted for summaries, and as a patch that `git apply` takes.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use similar::{Algorithm, ChangeTag, TextDiff};

use super::snapshot::{Change, Kind, Record, State, Store};

/// A larger file is not shown or counted line by line.
pub(super) const LARGEST_SHOWN: u64 = 1 << 20;
/// For all files of a task together; what takes longer is shown coarser, never wrong.
const TIME: Duration = Duration::from_secs(5);
/// As git: a zero byte near the beginning means that a file is not text.
const LOOKED_AT: usize = 8_000;
const CONTEXT: usize = 3;

/// Comparing stops being exact about what moved where when its time is used up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget(Instant);

impl Default for Budget {
    fn default() -> Self {
        let now = Instant::now();
        Self(now.checked_add(TIME).unwrap_or(now))
    }
}

impl Budget {
    /// Lines added and removed; `None` for binary and large files and for folders.
    pub(super) fn count(&mut self, store: &Store, old: Option<&State>, new: Option<&State>) -> Option<(u64, u64)> {
        let (old, new) = (text_of(store, old)?, text_of(store, new)?);
        let mut counts = (0, 0);
        for change in self.compare(&lines(&old), &lines(&new)).iter_all_changes() {
            match change.tag() {
                ChangeTag::Insert => counts.0 += 1,
                ChangeTag::Delete => counts.1 += 1,
                ChangeTag::Equal => {}
            }
        }
        Some(counts)
    }

    fn compare<'old, 'new>(&self, old: &[&'old str], new: &[&'new str]) -> TextDiff<'old, 'new, str> {
        TextDiff::configure()
            .algorithm(Algorithm::Myers)
            .deadline(self.0)
            .newline_terminated(true)
            .diff_slices(old, new)
    }
}

/// Lines with their ends, as git cuts them: at line feeds only.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// What is compared: a file's text, a link's target; nothing for what is not there. `None` when it is not text,
/// too large, or not kept.
fn text_of(store: &Store, state: Option<&State>) -> Option<String> {
    let Some(state) = state.filter(|state| state.kind != Kind::Dir) else { return Some(String::new()) };
    if state.size > LARGEST_SHOWN {
        return None;
    }
    let bytes = store.get(state.object.as_ref()?, LARGEST_SHOWN).ok()?;
    let is_binary = bytes.iter().take(LOOKED_AT).any(|byte| *byte == 0);
    (!is_binary).then(|| String::from_utf8_lossy(&bytes).into_owned())
}

/// A task's changes as a patch. Exact: to be escaped before it is shown on a terminal.
pub(super) fn patch(store: &Store, record: &Record) -> String {
    let budget = Budget::default();
    let mut text = String::new();
    for change in &record.changes {
        one(&mut text, store, change, budget);
    }
    text
}

fn one(text: &mut String, store: &Store, change: &Change, budget: Budget) {
    let file = |state: &Option<State>| state.clone().filter(|state| state.kind != Kind::Dir);
    let (old, new) = (file(&change.before), file(&change.after));
    if old.is_none() && new.is_none() {
        return;
    }
    // Git has no patch that turns a file into a link: it is one removal and one addition.
    if let (Some(before), Some(after)) = (&old, &new)
        && before.kind != after.kind
    {
        one(text, store, &Change { after: None, ..change.clone() }, budget);
        one(text, store, &Change { before: None, ..change.clone() }, budget);
        return;
    }
    let (a, b) = (quoted("a/", &change.path), quoted("b/", &change.path));
    let _ = writeln!(text, "diff --git {a} {b}");
    let _ = match (&old, &new) {
        (None, Some(new)) => writeln!(text, "new file mode {}", git_mode(new)),
        (Some(old), None) => writeln!(text, "deleted file mode {}", git_mode(old)),
        (Some(old), Some(new)) if git_mode(old) != git_mode(new) => {
            writeln!(text, "old mode {}\nnew mode {}", git_mode(old), git_mode(new))
        }
        _ => Ok(()),
    };
    let name = |state: &Option<State>, name| if state.is_some() { name } else { "/dev/null".to_owned() };
    let (from, to) = (name(&old, a), name(&new, b));
    let (Some(before), Some(after)) = (text_of(store, old.as_ref()), text_of(store, new.as_ref())) else {
        let _ = writeln!(text, "Binary files {from} and {to} differ");
        return;
    };
    if before == after {
        return;
    }
    let (before, after) = (lines(&before), lines(&after));
    let diff = budget.compare(&before, &after);
    let _ = write!(text, "--- {from}\n+++ {to}\n{}", diff.unified_diff().context_radius(CONTEXT));
    if !text.ends_with('\n') {
        text.push('\n');
    }
}

fn git_mode(state: &State) -> &'static str {
    match state.kind {
        Kind::Link => "120000",
        _ if state.mode & 0o111 != 0 => "100755",
        _ => "100644",
    }
}

/// A name as git quotes it: only where it holds a quote, a backslash, a control character, or what is no text.
fn quoted(side: &str, path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    let is_plain = |c: char| c != '"' && c != '\\' && !c.is_ascii_control();
    if let Some(name) = std::str::from_utf8(bytes).ok().filter(|name| name.chars().all(is_plain)) {
        return format!("{side}{name}");
    }
    let mut shown = format!("\"{side}");
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' | '\\' => {
                    shown.push('\\');
                    shown.push(c);
                }
                '\n' => shown.push_str("\\n"),
                '\t' => shown.push_str("\\t"),
                c if c.is_ascii_control() => {
                    let _ = write!(shown, "\\{:03o}", u32::from(c));
                }
                c => shown.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(shown, "\\{byte:03o}");
        }
    }
    shown.push('"');
    shown
}
