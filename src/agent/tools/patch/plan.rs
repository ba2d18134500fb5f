//! A patch against a tree: every new content worked out, nothing written.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::locate::locate;
use super::parse::{Hunk, Kind, Operation, parse};
use crate::agent::tools::change::Change;
use crate::agent::tools::text::{Lines, decode};

/// Failures reported at once; more would only repeat the first mistake.
const REPORTED: usize = 3;

/// The tree a patch is worked out against.
pub(in crate::agent::tools) trait Tree {
    /// The path a model wrote, relative to the root.
    ///
    /// # Errors
    /// Why it may not be named.
    fn resolve(&self, path: &str) -> Result<PathBuf, String>;

    /// `None` where there is nothing.
    ///
    /// # Errors
    /// Why it cannot be read; also for folders.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, String>;
}

/// # Errors
/// Everything that stands against the patch, as the model should hear it.
pub(in crate::agent::tools) fn plan(patch: &str, tree: &impl Tree) -> Result<Vec<Change>, String> {
    let operations = parse(patch)?;
    let mut named = BTreeSet::new();
    let mut changes = Vec::new();
    let mut failures = Vec::new();
    for operation in &operations {
        match change(operation, tree, &mut named) {
            Ok(change) => changes.push(change),
            Err(why) => failures.push(format!("{}: {why}", operation.path)),
        }
    }
    match failures.len() {
        0 => Ok(changes),
        n => {
            failures.truncate(REPORTED);
            if n > REPORTED {
                failures.push(format!("and {} more sections fail", n - REPORTED));
            }
            Err(failures.join("\n\n"))
        }
    }
}

fn change(operation: &Operation, tree: &impl Tree, named: &mut BTreeSet<PathBuf>) -> Result<Change, String> {
    let mut claim = |path: &str| -> Result<PathBuf, String> {
        let path = tree.resolve(path)?;
        if named.insert(path.clone()) {
            Ok(path)
        } else {
            Err(format!("{} is named twice; a patch has one section for each file", path.display()))
        }
    };
    let path = claim(&operation.path)?;
    match &operation.kind {
        Kind::Add { content } => {
            let before = tree.read(&path)?;
            Ok(Change::Write { path, before, after: content.clone().into_bytes() })
        }
        Kind::Delete => {
            let before = tree.read(&path)?.ok_or("there is no such file")?;
            Ok(Change::Delete { path, before })
        }
        Kind::Update { move_to, hunks } => {
            let before = tree.read(&path)?.ok_or("there is no such file")?;
            let after = updated(&before, hunks)?;
            let Some(to) = move_to else { return Ok(Change::Write { path, before: Some(before), after }) };
            if tree.resolve(to)? == path {
                return Ok(Change::Write { path, before: Some(before), after });
            }
            let to = claim(to)?;
            let replaced = tree.read(&to)?;
            Ok(Change::Move { path, to, before, after, replaced })
        }
    }
}

/// The content after the hunks. It ends with a newline, as codex leaves it; a rename alone changes no byte.
fn updated(before: &[u8], hunks: &[Hunk]) -> Result<Vec<u8>, String> {
    if hunks.is_empty() {
        return Ok(before.to_vec());
    }
    let mut lines = Lines::of(decode(before).map_err(|error| error.to_string())?);
    let replacements = locate(&lines.texts(), hunks)?;
    for replacement in replacements.iter().rev() {
        lines.splice(replacement.start, replacement.count, &replacement.new);
    }
    lines.end_with_newline();
    Ok(lines.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::tools::patch::memory::Memory;
    use proptest::prelude::*;

    /// The patch that makes `after` of `before`, with every line of the file in it.
    fn whole_patch(path: &str, before: &[String], after: &[String]) -> String {
        let mut text = format!("*** Begin Patch\n*** Update File: {path}\n@@\n");
        let (before, after): (Vec<&str>, Vec<&str>) =
            (before.iter().map(String::as_str).collect(), after.iter().map(String::as_str).collect());
        for change in similar::TextDiff::from_slices(&before, &after).iter_all_changes() {
            let sign = match change.tag() {
                similar::ChangeTag::Equal => " ",
                similar::ChangeTag::Delete => "-",
                similar::ChangeTag::Insert => "+",
            };
            for part in [sign, change.value(), "\n"] {
                text.push_str(part);
            }
        }
        text + "*** End Patch\n"
    }

    fn tree(text: &str) -> Memory {
        Memory::of(&[("f", text), ("other", "other\n")])
    }

    fn patched(mut tree: Memory, patch: &str) -> Memory {
        for change in plan(patch, &tree).unwrap() {
            tree.apply(&change);
        }
        tree
    }

    fn lines() -> impl Strategy<Value = Vec<String>> {
        proptest::collection::vec("[ab +@*-]{0,4}|\\*\\*\\* End Patch|@@ a|間", 1..12)
    }

    proptest! {
        #[test]
        fn a_patch_and_its_reverse_are_the_identity(before in lines(), after in lines(), ending in "\n|\r\n") {
            let text = |lines: &[String]| lines.iter().flat_map(|line| [line.as_str(), &ending]).collect::<String>();
            prop_assume!(before != after);
            let start = tree(&text(&before));
            let there = patched(start.clone(), &whole_patch("f", &before, &after));
            prop_assert_eq!(&there, &tree(&text(&after)));
            prop_assert_eq!(&patched(there, &whole_patch("f", &after, &before)), &start);
        }

        /// Lines that a patch does not name keep every byte.
        #[test]
        fn untouched_lines_keep_their_bytes(
            before in proptest::collection::vec("[ab]{0,2}(\n|\r\n)", 0..6),
            after in proptest::collection::vec("[ab]{0,2}(\n|\r\n)", 0..6),
        ) {
            let text = format!("{}OLD\n{}", before.concat(), after.concat());
            let patch = "*** Begin Patch\n*** Update File: f\n@@\n-OLD\n+NEW\n*** End Patch";
            let ending = if before.first().is_some_and(|line| line.ends_with("\r\n")) { "\r\n" } else { "\n" };
            let expected = format!("{}NEW{ending}{}", before.concat(), after.concat());
            prop_assert_eq!(patched(tree(&text), patch), tree(&expected));
        }

        /// Whatever is sent, the answer is a plan for the files it names or an error; never a panic.
        #[test]
        fn any_text_is_answered(lines in proptest::collection::vec(
            "\\*\\*\\* (Begin|End) Patch|\\*\\*\\* (Add|Update|Delete) File: (f|g|\\.\\./x|)|\\*\\*\\* Move to: [gh]|@@|@@ [ab]|\\*\\*\\* End of File|[ +-][ab]?|<<EOF|EOF|.{0,5}",
            0..14,
        )) {
            let start = tree("a\nb\na\n");
            if let Ok(changes) = plan(&lines.join("\n"), &start) {
                prop_assert!(!changes.is_empty());
                for path in changes.iter().flat_map(Change::paths) {
                    prop_assert!(["f", "g", "h"].contains(&path.to_str().unwrap()));
                }
            }
        }
    }
}
