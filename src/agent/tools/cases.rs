//! Reads the edit cases of `tests/fixtures/patches` and holds a tree in memory to try them on. Only for tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::change::Change;
use super::patch::Tree;

#[derive(Debug, Default)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) files: BTreeMap<String, String>,
    pub(super) input: String,
    expect: BTreeMap<String, String>,
    errors: Vec<String>,
}

/// The cases of `tests/fixtures/patches/NAME.txt`; their format is in the README beside them.
pub(super) fn load(name: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/patches").join(format!("{name}.txt"));
    let text = std::fs::read_to_string(path).unwrap();
    text.split("=== ").skip(1).map(|body| parse(name, body)).collect()
}

fn parse(file: &str, body: &str) -> Case {
    let (title, rest) = body.split_once('\n').unwrap();
    let mut case = Case { name: format!("{file}: {title}"), ..Case::default() };
    for section in rest.split("--- ").skip(1) {
        let (head, text) = section.split_once('\n').unwrap();
        let (kind, argument) = head.split_once(' ').unwrap_or((head, ""));
        match kind {
            "file" => drop(case.files.insert(argument.into(), plain(text))),
            "expect" => drop(case.expect.insert(argument.into(), plain(text))),
            "patch" | "call" => case.input = plain(text),
            "error" => case.errors.push(argument.into()),
            other => panic!("{}: what is {other}?", case.name),
        }
    }
    assert!(case.expect.is_empty() || case.errors.is_empty(), "{}", case.name);
    case
}

fn plain(text: &str) -> String {
    let text = text.replace('␍', "\r").replace('␠', " ").replace('␉', "\t").replace('␀', "\0").replace('‑', "-");
    text.strip_suffix("∅\n").map(str::to_owned).unwrap_or(text)
}

impl Case {
    pub(super) fn check(&self, outcome: Result<&Memory, &str>) {
        match outcome {
            Ok(tree) => {
                assert!(self.errors.is_empty(), "{} should have failed", self.name);
                assert_eq!(tree.texts(), self.expect, "{}", self.name);
            }
            Err(error) => {
                assert!(!self.errors.is_empty(), "{} failed: {error}", self.name);
                for expected in &self.errors {
                    assert!(error.contains(expected), "{}\n wanted: {expected}\n got: {error}", self.name);
                }
            }
        }
    }
}

/// A tree in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory(BTreeMap<PathBuf, Vec<u8>>);

impl Memory {
    pub(super) fn of(files: &BTreeMap<String, String>) -> Self {
        Self(files.iter().map(|(path, text)| (PathBuf::from(path), text.clone().into_bytes())).collect())
    }

    pub(super) fn texts(&self) -> BTreeMap<String, String> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        self.0.iter().map(|(path, bytes)| (path.display().to_string(), text(bytes))).collect()
    }

    pub(super) fn apply(&mut self, change: &Change) {
        match change {
            Change::Write { path, after, .. } => drop(self.0.insert(path.clone(), after.clone())),
            Change::Delete { path, .. } => drop(self.0.remove(path)),
            Change::Move { path, to, after, .. } => {
                self.0.remove(path);
                self.0.insert(to.clone(), after.clone());
            }
        }
    }
}

impl Tree for Memory {
    fn resolve(&self, path: &str) -> Result<PathBuf, String> {
        super::place::resolve(Path::new("/work/project"), path).map_err(|error| error.to_string())
    }

    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, String> {
        if self.0.keys().any(|file| file != path && file.starts_with(path)) {
            return Err("it is a folder".to_owned());
        }
        Ok(self.0.get(path).cloned())
    }
}
