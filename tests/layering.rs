#![allow(clippy::unwrap_used, reason = "a test may panic")]
//! The folders read as the architecture: every `crate::` edge goes down, and no file is oversized.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Top first. A folder may import itself and whatever stands below it.
const LAYERS: &[&str] = &[
    "cli",
    "present",
    "task",
    "engine",
    "rehearsal",
    "agent",
    "sandbox",
    "provider",
    "ledger",
    "credential",
    "routing",
    "catalog",
    "config",
    "net",
    "domain",
    "base",
];

fn source_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn files() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    source_files(&root, &mut found);
    let relative = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path.strip_prefix(&root).unwrap().to_path_buf(), text)
    };
    found.into_iter().map(relative).collect()
}

/// The first path segment after every `crate::`, nested groups of `use crate::{a::b, c}` included.
fn imports(text: &str) -> BTreeSet<String> {
    let word = |s: &str| s.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let (mut depth, mut start) = (1, 0);
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 || (depth == 1 && c == ',') {
                found.insert(word(group[start..i].trim_start()));
                start = i + 1;
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}

#[test]
fn imports_go_down_only() {
    let rank = |name: &str| LAYERS.iter().position(|layer| *layer == name);
    let mut upward = Vec::new();
    for (path, text) in files() {
        let folder = path.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let Some(own) = rank(&folder) else { continue };
        for import in imports(&text) {
            if rank(&import).is_some_and(|other| other < own) {
                upward.push(format!("{} imports crate::{import}", path.display()));
            }
        }
    }
    assert!(upward.is_empty(), "imports that go up:\n{}", upward.join("\n"));
}

#[test]
fn every_folder_is_a_layer() {
    for (path, _) in files() {
        let mut parts = path.components();
        let first = parts.next().unwrap().as_os_str().to_string_lossy().into_owned();
        if parts.next().is_some() {
            assert!(LAYERS.contains(&first.as_str()), "src/{first} is not in the list of layers");
        } else {
            assert!(["main.rs", "lib.rs"].contains(&first.as_str()), "src/{first} lies outside every layer");
        }
    }
}

#[test]
fn only_present_prints_and_only_base_reads_the_environment() {
    let mut wrong = Vec::new();
    for (path, text) in files() {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let at = |layer: &str| path.starts_with(layer);
        for (needle, allowed) in [("println!(", at("present")), ("eprintln!(", at("present")), ("env::var", at("base"))]
        {
            if !allowed && code.contains(needle) {
                wrong.push(format!("{} has {needle}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_stay_readable() {
    let long: Vec<String> = files()
        .into_iter()
        .map(|(path, text)| (path, text.split("#[cfg(test)]\nmod ").next().unwrap_or_default().lines().count()))
        .filter(|(_, lines)| *lines > 500)
        .map(|(path, lines)| format!("{}: {lines} lines without its tests", path.display()))
        .collect();
    assert!(long.is_empty(), "split before adding:\n{}", long.join("\n"));
}

#[test]
fn the_main_file_stays_a_plan() {
    let main = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/main.rs")).unwrap();
    assert!(main.lines().count() < 40);
}

#[test]
fn the_scanner_sees_plain_and_grouped_imports() {
    let text = "use crate::base::money::Usd;\nuse crate::{domain::{path, route}, net::http};\n crate::ledger::x()";
    let seen: Vec<String> = imports(text).into_iter().collect();
    assert_eq!(seen, ["base", "domain", "ledger", "net"]);
}
