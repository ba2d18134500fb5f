//! Whatever a task does to a tree with its tools and its shell, `vk tasks undo` gives the same tree back, to the byte
//! and the mode; and nothing outside the tree has changed.

use std::fmt::Write as _;

use serde_json::json;

use super::Family;
use crate::support::env::Vk;
use crate::support::provider::Provider;
use crate::support::random::Random;
use crate::support::tree::{difference, tree};
use crate::support::turn::Turn;

/// Few, so that calls meet: files that are folders next, links over files, moves onto each other.
const NAMES: &[&str] = &["a.txt", "b", "dir/c.rs", "dir/deep/d", "-e", "ü", "dir", "ignored/f", "g h", "kept.log"];
/// What only the file tools write: commands may change what git ignores, and that is not kept.
const IGNORED: [&str; 2] = ["ignored/f", "kept.log"];
const LINES: &[&str] = &["one", "two", "", "\tthree", "four and more", "日本", "}"];

/// A name that git does not ignore, for a shell.
fn watched(random: &mut Random) -> String {
    loop {
        let name = random.pick(NAMES);
        if !IGNORED.contains(&name) {
            return format!("'./{name}'");
        }
    }
}

fn content(random: &mut Random) -> String {
    let ending = random.pick(&["\n", "\n", "\r\n"]).to_owned();
    let mut text = String::new();
    for _ in 0..random.below(8) {
        text += random.pick(LINES);
        text += &ending;
    }
    if random.once_in(3) {
        text += "no end";
    }
    text
}

/// A script that makes a tree: files of every mode, links, empty folders.
fn start(random: &mut Random) -> String {
    let mut script = "printf 'ignored/\\n*.log\\n' > .gitignore\nmkdir -p ignored\necho kept > kept.log\n".to_owned();
    for name in NAMES {
        let quoted = format!("'./{name}'");
        let _ = match random.below(6) {
            0 => writeln!(script, "mkdir -p {quoted} 2>/dev/null"),
            1 => writeln!(script, "ln -s {} {quoted} 2>/dev/null", watched(random)),
            2 => Ok(()),
            _ => {
                let text = content(random).replace('\\', "\\\\").replace('\'', "");
                let mode = random.pick(&["644", "755", "600", "400", "640"]);
                writeln!(
                    script,
                    "mkdir -p \"$(dirname -- {quoted})\" 2>/dev/null; printf '%s' '{text}' > {quoted} && chmod {mode} {quoted}"
                )
            }
        };
    }
    if random.once_in(2) {
        script += "mkdir -p -m 750 empty/inner\n";
    }
    script + "true\n"
}

/// A command as a model would give it. Most of them meet what is in their way and fail, as they would.
fn command(random: &mut Random) -> String {
    let (a, b) = (watched(random), watched(random));
    match random.below(14) {
        0 => format!("mv {a} {b}"),
        1 => format!("rm -rf {a}"),
        2 => format!("rm -f {a}; mkdir -p {a} && echo inside > {a}/inside"),
        3 => format!("rm -rf {a}; echo 'now a file' > {a}"),
        4 => format!("rm -rf {a}; ln -s {b} {a}"),
        5 => format!("ln -sfn /etc/passwd {a}"),
        6 => format!("chmod {} {a}", random.pick(&["755", "644", "700", "4755", "400", "777"])),
        7 => format!("echo more >> {a}"),
        8 => format!("mkdir -p new/{} && cp -r {a} new/", random.below(3)),
        9 => format!(": > {a}"),
        10 => "head -c 70000 /dev/urandom > noise; printf 'a\\0b' > binary".to_owned(),
        11 => format!("sed -i 's/one/1/' {a}"),
        12 => "printf x > \"$(printf 'bad\\377name')\"; printf y > \"$(printf 'new\\nline')\"".to_owned(),
        _ => format!("cp -p {a} {b}; touch {b}"),
    }
}

/// One call of the family, or a command.
fn step(family: Family, id: &str, turn: Turn, random: &mut Random) -> Turn {
    if random.once_in(2) {
        return turn.tool(id, family.shell(), json!({"command": command(random)}));
    }
    let path = random.pick(NAMES);
    let (old, new) = (random.pick(LINES), random.pick(LINES));
    match family {
        Family::Anthropic => {
            let input = match random.below(3) {
                0 => json!({"command": "create", "path": path, "file_text": content(random)}),
                1 => json!({"command": "str_replace", "path": path, "old_str": old, "new_str": new}),
                _ => json!({"command": "insert", "path": path, "insert_line": random.below(4), "insert_text": new}),
            };
            turn.tool(id, "str_replace_based_edit_tool", input)
        }
        Family::Plain => match random.below(2) {
            0 => turn.tool(id, "write", json!({"path": path, "content": content(random)})),
            _ => turn.tool(id, "edit", json!({"path": path, "old": old, "new": new, "all": random.once_in(2)})),
        },
        Family::OpenAi => {
            let section = match random.below(4) {
                0 => format!("*** Add File: {path}\n+{new}\n+end\n"),
                1 => format!("*** Delete File: {path}\n"),
                2 => format!(
                    "*** Update File: {path}\n*** Move to: {}\n@@\n-{old}\n+{new}\n",
                    random.pick(&["moved/to", "b", "dir/deep/d"])
                ),
                _ => format!("*** Update File: {path}\n@@\n-{old}\n+{new}\n"),
            };
            let more = if random.once_in(4) { "*** Add File: made/by patch\n+x\n" } else { "" };
            turn.custom(id, "apply_patch", &format!("*** Begin Patch\n{section}{more}*** End Patch\n"))
        }
    }
}

fn there_and_back(family: Family, seed: u64) {
    let mut random = Random::new(seed);
    let provider = Provider::start([]);
    let (vk, flags) = family.vk(&provider);
    let vk = vk.file("../home/outside.txt", "outside\n");
    in_project(&vk, &start(&mut random));
    for answer in 0..2 + random.below(2) {
        let mut turn = Turn::new();
        for call in 0..=random.below(12) {
            turn = step(family, &format!("c{answer}-{call}"), turn, &mut random);
        }
        provider.then(family.stream(&turn));
    }
    provider.then(family.stream(&Turn::say("Done.")));
    let before = tree(&vk.project());
    let outside = [tree(&vk.home()), tree(&vk.config_dir())];
    let ran = vk.run(&[&flags[..], &["--output", "json", "--approve", "all", "--max-cost", "1000", "go"]].concat());
    assert_eq!(ran.code, 0, "{family:?} {seed:#x}: {ran}");
    let during = tree(&vk.project());
    assert_eq!([tree(&vk.home()), tree(&vk.config_dir())], outside, "{family:?} {seed:#x}: outside");
    let finished = ran.json_lines().pop().unwrap();
    let undone = vk.run(&["tasks", "undo", finished["task_id"].as_str().unwrap()]);
    assert_eq!(undone.code, 0, "{family:?} {seed:#x}: {undone}\n{}", difference(&before, &during).join("\n"));
    let left = difference(&before, &tree(&vk.project()));
    assert!(left.is_empty(), "{family:?} {seed:#x}:\n{}\n{undone}\n{finished}", left.join("\n"));
    assert_eq!([tree(&vk.home()), tree(&vk.config_dir())], outside, "{family:?} {seed:#x}: outside");
}

fn in_project(vk: &Vk, script: &str) {
    let mut shell = std::process::Command::new("sh");
    let status = shell.args(["-c", script]).current_dir(vk.project()).stderr(std::process::Stdio::null()).status();
    assert!(status.unwrap().success());
}

#[test]
fn what_a_task_did_is_undone_to_the_byte() {
    for seed in 0..4 {
        for family in [Family::Anthropic, Family::OpenAi, Family::Plain] {
            there_and_back(family, 0xed17 + seed);
        }
    }
}

#[test]
#[ignore = "minutes: cargo nextest run --run-ignored only undone"]
fn so_it_is_after_hundreds_of_tasks() {
    for seed in 0..150 {
        for family in [Family::Anthropic, Family::OpenAi, Family::Plain] {
            there_and_back(family, 0xf00d + seed);
        }
    }
}
