//! The files of the project that a search looks at: what git ignores is left out. Every folder and every list of rules
//! is read through the workspace, so that nothing that a command plants there (a link out, a pipe, a device without
//! end) is followed, waited for or read.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use ignore::overrides::Override;

use crate::sandbox::Workspace;
use crate::sandbox::workspace::Kind;

/// A larger `.gitignore` is not a list of patterns, in bytes.
const LARGEST_RULES: u64 = 1 << 20;
/// Most entries of one folder.
const ENTRIES: usize = 100_000;

/// Files in path order, folder by folder; it ends early when its time is used up.
pub(super) struct Walk<'a> {
    workspace: &'a Workspace,
    glob: Option<Override>,
    /// What is still to be looked at, the next one last.
    open: Vec<Found>,
    until: Instant,
    /// Folders that could not be listed.
    pub(super) unreadable: usize,
    /// Whether the time ended it.
    pub(super) late: bool,
}

struct Found {
    path: PathBuf,
    is_folder: bool,
    /// Those that hold in the folder it lies in.
    rules: Option<Rc<Rules>>,
}

/// The rules of a folder, and those of the folders above it.
struct Rules {
    above: Option<Rc<Rules>>,
    own: Gitignore,
}

impl Rules {
    /// As git has it: the nearest file that says anything decides, and in it the last line.
    fn ignore(&self, path: &Path, is_folder: bool) -> bool {
        let mut rules = Some(self);
        while let Some(here) = rules {
            match here.own.matched(path, is_folder) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => rules = here.above.as_deref(),
            }
        }
        false
    }
}

impl<'a> Walk<'a> {
    /// Everything below `folder`, which is searched even where git ignores it.
    pub(super) fn of(workspace: &'a Workspace, folder: &Path, glob: Option<Override>, time: Duration) -> Self {
        let now = Instant::now();
        let until = now.checked_add(time).unwrap_or(now);
        let mut rules = read_rules(workspace, Path::new(""), Path::new(".git/info/exclude"), None);
        let above: Vec<&Path> = folder.ancestors().skip(1).collect();
        for folder in above.into_iter().rev() {
            rules = read_rules(workspace, folder, &folder.join(".gitignore"), rules);
        }
        let first = Found { path: folder.to_path_buf(), is_folder: true, rules };
        Self { workspace, glob, open: vec![first], until, unreadable: 0, late: false }
    }

    fn enter(&mut self, folder: &Path, rules: Option<Rc<Rules>>) {
        let Ok((entries, _)) = self.workspace.list(folder, ENTRIES) else {
            self.unreadable += 1;
            return;
        };
        let rules = read_rules(self.workspace, folder, &folder.join(".gitignore"), rules);
        for entry in entries.into_iter().rev() {
            let is_folder = match entry.kind {
                Kind::Folder => true,
                Kind::File => false,
                Kind::Link | Kind::Other => continue,
            };
            if entry.name.eq_ignore_ascii_case(".git") {
                continue;
            }
            let path = folder.join(entry.name);
            let ignored = rules.as_ref().is_some_and(|rules| rules.ignore(&path, is_folder));
            let unwanted = self.glob.as_ref().is_some_and(|glob| glob.matched(&path, is_folder).is_ignore());
            if !ignored && !unwanted {
                self.open.push(Found { path, is_folder, rules: rules.clone() });
            }
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = PathBuf;

    fn next(&mut self) -> Option<PathBuf> {
        while let Some(found) = self.open.pop() {
            if Instant::now() > self.until {
                self.late = true;
                return None;
            }
            if !found.is_folder {
                return Some(found.path);
            }
            self.enter(&found.path, found.rules);
        }
        None
    }
}

/// The rules of `folder` out of `file`, or those above where it has none. As git does, a link is not read for rules.
fn read_rules(workspace: &Workspace, folder: &Path, file: &Path, above: Option<Rc<Rules>>) -> Option<Rc<Rules>> {
    if !workspace.metadata(file).is_ok_and(|entry| entry.kind == Kind::File) {
        return above;
    }
    let Ok(bytes) = workspace.read(file, LARGEST_RULES) else { return above };
    let mut builder = GitignoreBuilder::new(folder);
    for line in String::from_utf8_lossy(&bytes).lines() {
        // A line that is no pattern is no rule.
        let _ = builder.add_line(None, line);
    }
    match builder.build() {
        Ok(own) => Some(Rc::new(Rules { above, own })),
        Err(_) => above,
    }
}
