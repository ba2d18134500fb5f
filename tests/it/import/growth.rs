//! Logs that grow, are cut off, are replaced: whatever is imported when, the ledger ends with the same rows.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use proptest::prelude::*;
use vibekit::ledger::import::Tool;

use super::{Shelf, claude, fixtures};

/// The files of a tool's fixtures, by their paths.
fn files(tool: &str) -> Vec<(String, Vec<u8>)> {
    fn walk(dir: PathBuf, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            if entry.path().is_dir() { walk(entry.path(), found) } else { found.push(entry.path()) }
        }
    }
    let root = fixtures().join(tool);
    let mut paths = Vec::new();
    walk(root.clone(), &mut paths);
    paths.sort();
    let name = |path: &PathBuf| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
    paths.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

fn whole(tool: Tool, name: &str) -> Vec<String> {
    let shelf = Shelf::new();
    for (path, bytes) in files(name) {
        shelf.write(&path, std::str::from_utf8(&bytes).unwrap());
    }
    shelf.import(tool);
    shelf.rows()
}

/// Appends pieces of the files in any order, with an import now and then, at last the rest of all.
fn in_pieces(tool: Tool, name: &str, steps: &[(usize, usize, bool)]) -> Vec<String> {
    let shelf = Shelf::new();
    let files = files(name);
    let mut given = vec![0; files.len()];
    let give = |at: usize, upto: usize, given: &mut Vec<usize>| {
        let (path, bytes) = &files[at];
        let path = shelf.logs().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        file.write_all(&bytes[given[at]..upto]).unwrap();
        given[at] = upto;
    };
    for (which, size, imports) in steps {
        let at = which % files.len();
        let upto = files[at].1.len().min(given[at] + size);
        give(at, upto, &mut given);
        if *imports {
            shelf.import(tool);
        }
    }
    for (at, (_, bytes)) in files.iter().enumerate() {
        give(at, bytes.len(), &mut given);
    }
    shelf.import(tool);
    shelf.rows()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_split_of_what_is_appended_gives_the_same_rows(
        which in 0_usize..3,
        steps in prop::collection::vec((0_usize..8, 0_usize..2_500, any::<bool>()), 1..10),
    ) {
        let (tool, name) = [(Tool::ClaudeCode, "claude"), (Tool::Codex, "codex"), (Tool::Pi, "pi")][which];
        let rows = in_pieces(tool, name, &steps);
        prop_assert_eq!(rows, whole(tool, name));
    }
}

#[test]
fn only_new_bytes_are_read_and_nothing_is_counted_twice() {
    let shelf = Shelf::new();
    let first = claude("msg_1", "req_1", 10, 5);
    let path = shelf.write("p/s1.jsonl", &first);
    let found = |imported: vibekit::ledger::import::Imported| imported.tools[&Tool::ClaudeCode].clone();
    let one = found(shelf.import(Tool::ClaudeCode));
    assert_eq!((one.calls_new, one.bytes_read, one.files_read), (1, first.len() as u64, 1));
    let again = found(shelf.import(Tool::ClaudeCode));
    assert_eq!((again.files, again.files_read, again.bytes_read, again.calls_new), (1, 0, 0, 0));

    // The message goes on, and another begins, half written.
    let more = claude("msg_1", "req_1", 10, 90);
    let half = &claude("msg_2", "req_2", 7, 7)[..120];
    fs::write(&path, format!("{first}{more}{half}")).unwrap();
    let grown = found(shelf.import(Tool::ClaudeCode));
    assert_eq!((grown.calls_new, grown.calls_completed, grown.bytes_read), (0, 1, more.len() as u64));
    assert_eq!((grown.unfinished, grown.unfinished_named[0].line, grown.broken), (1, 3, 0));

    let whole = format!("{first}{more}{}", claude("msg_2", "req_2", 7, 7));
    // The last line feed is still missing: the line is whole all the same.
    fs::write(&path, whole.trim_end()).unwrap();
    let ended = found(shelf.import(Tool::ClaudeCode));
    assert_eq!((ended.calls_new, ended.unfinished), (1, 0));
    fs::write(&path, &whole).unwrap();
    let fed = found(shelf.import(Tool::ClaudeCode));
    assert_eq!((fed.calls_new, fed.calls_known), (0, 1));
    assert_eq!(shelf.rows().len(), 3);
}

#[test]
fn a_file_that_was_cut_off_or_replaced_is_read_from_its_beginning() {
    let shelf = Shelf::new();
    let line = |n: u64| claude(&format!("msg_{n}"), &format!("req_{n}"), n, 1);
    let found = |imported: vibekit::ledger::import::Imported| imported.tools[&Tool::ClaudeCode].clone();
    let path = shelf.write("p/s1.jsonl", &[line(1), line(2), line(3)].concat());
    assert_eq!(found(shelf.import(Tool::ClaudeCode)).calls_new, 3);
    // Cut off: what was read stays in the ledger.
    fs::write(&path, line(1)).unwrap();
    let cut = found(shelf.import(Tool::ClaudeCode));
    assert_eq!((cut.calls_new, cut.calls_known), (0, 1));
    // Another file under the same name, longer than what was read.
    fs::write(&path, [line(4), line(5), line(6), line(7)].concat()).unwrap();
    assert_eq!(found(shelf.import(Tool::ClaudeCode)).calls_new, 4);
    // Moved: the same lines at another place.
    fs::rename(&path, shelf.logs().join("p/moved.jsonl")).unwrap();
    let moved = found(shelf.import(Tool::ClaudeCode));
    assert_eq!((moved.calls_new, moved.calls_known), (0, 4));
    assert_eq!(shelf.rows().len(), 8);
}
