//! File names that are no text, or look like something else: told as they are, undone, shown as a patch that git
//! takes, and committed.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use serde_json::json;

use crate::run::{ANTHROPIC, anthropic, report};
use crate::support::provider::{Provider, Script};
use crate::support::tree::{difference, tree};
use crate::support::turn::Turn;

/// As bash writes it, its bytes, and how it is told.
const NAMES: [(&str, &[u8], &str); 8] = [
    (r"$'bad\xff\xfe.txt'", b"bad\xff\xfe.txt", r"bad\xFF\xFE.txt"),
    (r"$'other\xfd.txt'", b"other\xfd.txt", r"other\xFD.txt"),
    (r"$'new\nline'", b"new\nline", "new\nline"),
    (r"$'esc\x1b[31m'", b"esc\x1b[31m", "esc\u{1b}[31m"),
    ("./-rf", b"-rf", "-rf"),
    ("'sp ace\"quote'", b"sp ace\"quote", "sp ace\"quote"),
    ("'日本'", "日本".as_bytes(), "日本"),
    (r"'back\slash'", br"back\slash", r"back\slash"),
];

fn edits() -> String {
    NAMES.map(|(shell, ..)| format!("echo new >> {shell}")).join("; ")
}

#[test]
fn odd_names_are_told_and_undone_and_shown_as_a_patch_that_git_applies() {
    let answer = Turn::new().tool("t1", "bash", json!({"command": edits()}));
    let provider = Provider::start([Script::sse(&answer.anthropic()), Script::sse(&Turn::say("Done.").anthropic())]);
    let vk = anthropic(&provider);
    for (at, (_, bytes, _)) in NAMES.iter().enumerate() {
        // Half of them are there before.
        if at % 2 == 0 {
            std::fs::write(vk.project().join(OsStr::from_bytes(bytes)), "old\n").unwrap();
        }
    }
    let before = tree(&vk.project());
    let (ran, finished) = report(&vk, &ANTHROPIC, &["go"]);
    assert_eq!(ran.code, 0, "{ran}");
    let mut told: Vec<&str> =
        finished["files_changed"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    let mut expected: Vec<&str> = NAMES.iter().map(|(.., told)| *told).collect();
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told, expected);
    let id = finished["task_id"].as_str().unwrap();
    let after = tree(&vk.project());

    let patch = vk.command(&["tasks", "diff", id]).output().unwrap().stdout;
    let file = vk.home().join("patch");
    std::fs::write(&file, &patch).unwrap();
    let mut git = Command::new("git");
    let applied = git.args(["apply", "--reverse"]).arg(&file).current_dir(vk.project()).output().unwrap();
    assert!(
        applied.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&applied.stderr),
        String::from_utf8_lossy(&patch)
    );
    assert_eq!(difference(&before, &tree(&vk.project())), [""; 0], "{}", String::from_utf8_lossy(&patch));

    // On a terminal, and in a table, no name does anything.
    for args in [&["tasks", "show", id][..], &["tasks", "list"]] {
        let shown = vk.run(args);
        assert!(!shown.stdout.contains('\u{1b}'), "{shown}");
    }
    let json = vk.run(&["tasks", "show", id, "--output", "json"]);
    let _: serde_json::Value = serde_json::from_str(&json.stdout).unwrap_or_else(|error| panic!("{error}: {json}"));

    let mut git = Command::new("git");
    assert!(git.args(["apply"]).arg(&file).current_dir(vk.project()).status().unwrap().success());
    assert_eq!(difference(&after, &tree(&vk.project())), [""; 0]);
    let undone = vk.run(&["tasks", "undo", id]);
    assert_eq!(undone.code, 0, "{undone}");
    assert_eq!(difference(&before, &tree(&vk.project())), [""; 0], "{undone}");
}

#[test]
fn odd_names_are_committed() {
    let answer = Turn::new().tool("t1", "bash", json!({"command": edits()}));
    let provider = Provider::start([Script::sse(&answer.anthropic()), Script::sse(&Turn::say("Done.").anthropic())]);
    let vk = anthropic(&provider).file("a.txt", "a\n");
    std::fs::write(vk.home().join(".gitconfig"), "[user]\n\tname = Ann\n\temail = ann@example.com\n").unwrap();
    let vk = vk.git();
    let (ran, finished) = report(&vk, &ANTHROPIC, &["--commit", "go"]);
    assert_eq!((ran.code, finished["commit"].is_string()), (0, true), "{ran}");
    let mut git = Command::new("git");
    let listed = git.args(["ls-tree", "-z", "--name-only", "HEAD"]).current_dir(vk.project()).output().unwrap().stdout;
    for (_, bytes, _) in NAMES {
        assert!(listed.split(|byte| *byte == 0).any(|name| name == bytes), "{:?}", String::from_utf8_lossy(bytes));
    }
    let mut git = Command::new("git");
    let status = git.args(["status", "--porcelain"]).current_dir(vk.project()).output().unwrap().stdout;
    assert_eq!(String::from_utf8_lossy(&status), "");
}
