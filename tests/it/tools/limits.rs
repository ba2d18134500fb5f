//! What a run may not do is refused in every family's own tools, and told in the summary.

use serde_json::{Value, json};

use super::Family;
use crate::support::env::{Ran, Vk};
use crate::support::provider::{Captured, Provider};
use crate::support::turn::Turn;

/// One task with these calls; what it printed and what the model was told.
fn task(family: Family, calls: &[(&str, Value)], more: &[&str], prepare: impl Fn(Vk) -> Vk) -> (Ran, Vec<String>, Vk) {
    let provider = Provider::start([]);
    let (vk, flags) = family.vk(&provider);
    let vk = prepare(vk);
    let turn = calls.iter().enumerate().fold(Turn::new(), |turn, (at, (name, input))| match input {
        Value::String(text) => turn.custom(&format!("c{at}"), name, text),
        input => turn.tool(&format!("c{at}"), name, input.clone()),
    });
    provider.then(family.stream(&turn));
    provider.then(family.stream(&Turn::say("Done.")));
    let ran =
        vk.run(&[&flags[..], &["--output", "json", "--approve", "all", "--max-cost", "1000"], more, &["go"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    let last: Captured = provider.requests().pop().unwrap();
    let told = family.told(&last);
    (ran, (0..calls.len()).map(|at| told[&format!("c{at}")].clone()).collect(), vk)
}

/// A call of each family that would write this path.
fn writing(family: Family, path: &str) -> (&'static str, Value) {
    match family {
        Family::Anthropic => {
            ("str_replace_based_edit_tool", json!({"command": "create", "path": path, "file_text": "x\n"}))
        }
        Family::OpenAi => ("apply_patch", json!(format!("*** Begin Patch\n*** Add File: {path}\n+x\n*** End Patch\n"))),
        Family::Plain => ("write", json!({"path": path, "content": "x\n"})),
    }
}

const FAMILIES: [Family; 3] = [Family::Anthropic, Family::OpenAi, Family::Plain];

#[test]
fn a_run_that_may_only_read_writes_nothing() {
    for family in FAMILIES {
        let calls = [writing(family, "new.txt"), (family.shell(), json!({"command": "echo x > other.txt; cat a.txt"}))];
        let (ran, told, vk) = task(family, &calls, &["--sandbox", "read-only"], |vk| vk.file("a.txt", "one\n"));
        assert_eq!(told[0], "Nothing was changed: this run may only read.", "{family:?}");
        assert!(told[1].contains("one\n"), "{family:?}: {}", told[1]);
        let names: Vec<_> = std::fs::read_dir(vk.project()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["a.txt"], "{family:?}: {ran}");
    }
}

#[test]
fn a_path_outside_is_named_in_the_summary() {
    for family in FAMILIES {
        let calls = [writing(family, "../outside.txt"), writing(family, "inside.txt")];
        let (ran, told, vk) = task(family, &calls, &[], |vk| vk);
        assert!(told[0].contains("lies outside the project"), "{family:?}: {}", told[0]);
        let finished = ran.json_lines().pop().unwrap();
        assert!(finished["refused"].to_string().contains("../outside.txt"), "{family:?}: {finished}");
        assert!(vk.project().join("inside.txt").exists() && !vk.project().join("../outside.txt").exists());
    }
}

#[test]
fn a_search_does_not_look_into_gits_own_folder() {
    let calls = [
        ("grep", json!({"pattern": "needle"})),
        ("grep", json!({"pattern": "needle", "path": ".git/notes.txt"})),
        ("read", json!({"path": "."})),
    ];
    let (_, told, _) = task(Family::Plain, &calls, &[], |vk| {
        vk.file("a.txt", "needle\n").git().file(".git/notes.txt", "needle in git\n").file("sub/.git/x", "needle\n")
    });
    assert_eq!(told[0], "a.txt:1: needle");
    assert_eq!(told[1], ".git/notes.txt:1: needle in git", "what is named is read");
    assert_eq!(told[2], ".git/\na.txt\nsub/\nsub/.git/");
}
