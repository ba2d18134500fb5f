//! `tests/score` against its own rehearsed model: what is solved counts, what is not does not, and the cost is vk's.

use std::path::Path;
use std::process::Command;

#[test]
fn the_score_counts_what_the_hidden_checks_find() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("scores.jsonl");
    let mut score = Command::new(root.join("tests/score"));
    score.args([
        "--rehearsed",
        "--vk",
        env!("CARGO_BIN_EXE_vk"),
        "--only",
        "01",
        "--only",
        "05",
        "--only",
        "09",
        "--out",
    ]);
    let ran = match score.arg(&out).env("HOME", home.path()).output() {
        Ok(ran) => ran,
        Err(error) => return println!("skipped: tests/score needs python3: {error}"),
    };
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let talk = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(1), "one of three is not solved: {said}{talk}");
    let row = said.lines().find(|line| line.starts_with("platform")).unwrap_or_else(|| panic!("{said}{talk}"));
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(&cells[..4], ["platform", "rehearsed", "house", "2/3"], "{row}");
    assert!(cells[4].starts_with("$0.0") && cells[4] != "$0.0000", "{row}");
    let lines: Vec<serde_json::Value> =
        std::fs::read_to_string(&out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let solved: Vec<(&str, bool)> =
        lines.iter().map(|line| (line["task"].as_str().unwrap(), line["solved"].as_bool().unwrap())).collect();
    assert_eq!(solved, [("01-last-page", true), ("05-merge-patch", false), ("09-slow-dedupe", true)]);
    assert!(lines.iter().all(|line| line["status"] == "done"), "{lines:?}");
}

/// Every task can be solved, and none is solved already.
#[test]
fn each_check_fails_before_the_known_solution_and_passes_after_it() {
    let tasks = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tasks");
    let has = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !["python3", "git", "node"].into_iter().all(has) {
        return println!("skipped: the tasks need python3, node and git");
    }
    let all: Vec<_> = std::fs::read_dir(tasks).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(all.len(), 20);
    std::thread::scope(|scope| {
        for task in &all {
            scope.spawn(move || {
                let tree = tempfile::tempdir().unwrap();
                let run = |command: &str| {
                    let script = format!("cp -R {0}/repo/. . && {command}", task.display());
                    Command::new("sh").args(["-c", &script]).current_dir(tree.path()).output().unwrap()
                };
                let check = format!("sh {}/check.sh", task.display());
                assert!(!run(&check).status.success(), "{}: solved already", task.display());
                let solved = run(&format!("git apply {}/solution.patch && {check}", task.display()));
                assert!(solved.status.success(), "{}: {}", task.display(), String::from_utf8_lossy(&solved.stderr));
            });
        }
    });
}
