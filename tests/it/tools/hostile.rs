//! A tree full of what no tree should hold: pipes, sockets, devices without end, files of ten gigabytes, circles of
//! links, folders nobody may read, pipes in the place of every file that vk itself looks for. Nothing hangs, nothing
//! is read without end, nothing outside is reached.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, mknodat};
use serde_json::json;

use super::Family;
use crate::run::{ANTHROPIC, report};
use crate::support::env::{Ran, Vk, code_of};
use crate::support::provider::{Provider, Script};
use crate::support::tree::{difference, tree};
use crate::support::turn::Turn;

fn pipe(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    mknodat(CWD, path, FileType::Fifo, 0o644.into(), 0).unwrap();
}

fn plant(vk: &Vk) {
    let at = |path: &str| vk.project().join(path);
    for path in [
        ".gitignore",
        ".ignore",
        ".gitattributes",
        "AGENTS.md",
        "CLAUDE.md",
        ".env",
        "package.json",
        "Cargo.toml",
        "Makefile",
        "pyproject.toml",
        "go.mod",
        "justfile",
        "sub/.gitignore",
        "sub/AGENTS.md",
        "pipe",
        ".git/info/exclude",
    ] {
        pipe(&at(path));
    }
    drop(UnixListener::bind(at("socket")).unwrap());
    symlink("/dev/zero", at("zero")).unwrap();
    symlink("loop", at("loop")).unwrap();
    symlink("..", at("up")).unwrap();
    symlink("/", at("root")).unwrap();
    std::fs::File::create(at("huge.bin")).unwrap().set_len(10 << 30).unwrap();
    std::fs::create_dir(at("closed")).unwrap();
    std::fs::write(at("closed/x"), "x").unwrap();
    std::fs::set_permissions(at("closed"), std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    std::fs::write(at("a.txt"), "needle\n").unwrap();
}

/// Runs with a limit; past it the run is ended and the test fails.
fn run_within(vk: &Vk, limit: Duration, args: &[&str]) -> Ran {
    let mut child = vk.command(args).spawn().unwrap();
    let began = Instant::now();
    let read = |pipe: Option<Box<dyn std::io::Read + Send>>| {
        std::thread::spawn(move || {
            let mut text = String::new();
            let _ = pipe.map(|mut pipe| pipe.read_to_string(&mut text));
            text
        })
    };
    let out = read(child.stdout.take().map(|pipe| Box::new(pipe) as _));
    let err = read(child.stderr.take().map(|pipe| Box::new(pipe) as _));
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > limit {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{args:?} hangs: {}\n{}", out.join().unwrap(), err.join().unwrap());
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    Ran { code: code_of(status), stdout: out.join().unwrap(), stderr: err.join().unwrap() }
}

const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn a_task_in_a_tree_of_pipes_and_endless_files_ends_and_is_undone() {
    for family in [Family::Anthropic, Family::Plain] {
        let provider = Provider::start([]);
        let (vk, flags) = family.vk(&provider);
        plant(&vk);
        let mut turn =
            Turn::new().tool("c0", "bash", json!({"command": "echo two >> a.txt; cat < /dev/null; ls | wc -l"}));
        for (n, path) in ["pipe", "zero", "loop", "root/etc/passwd", "up", "huge.bin", "socket", "sub/.gitignore", "."]
            .into_iter()
            .enumerate()
        {
            let id = format!("c{}", n + 1);
            turn = match family {
                Family::Plain => turn
                    .tool(&id, "read", json!({"path": path}))
                    .tool(&format!("g{id}"), "grep", json!({"pattern": "needle|root:", "path": path}))
                    .tool(&format!("w{id}"), "write", json!({"path": path, "content": "x"})),
                _ => turn.tool(&id, "str_replace_based_edit_tool", json!({"command": "view", "path": path})),
            };
        }
        provider.then(family.stream(&turn));
        provider.then(family.stream(&Turn::say("Done.")));
        let before = tree(&vk.project());
        let began = Instant::now();
        let args = [&flags[..], &["--output", "json", "--approve", "all", "--max-cost", "1000", "go"]].concat();
        let ran = run_within(&vk, LIMIT, &args);
        assert_eq!(ran.code, 0, "{family:?}: {ran}");
        let told = family.told(provider.requests().last().unwrap());
        assert!(!told.values().any(|text| text.contains("root:x:0")), "{told:?}");
        if family == Family::Plain {
            assert!(told["gc9"].starts_with("a.txt:1: needle\n"), "{}", told["gc9"]);
        }
        let finished = ran.json_lines().pop().unwrap();
        assert_eq!(finished["files_changed"], json!([{"path": "a.txt", "added": 1, "removed": 0}]), "{ran}");
        let undone = run_within(&vk, LIMIT, &["tasks", "undo", finished["task_id"].as_str().unwrap()]);
        assert_eq!(undone.code, 0, "{undone}");
        assert_eq!(difference(&before, &tree(&vk.project())), [""; 0]);
        assert!(began.elapsed() < LIMIT);
    }
}

#[test]
fn every_command_that_looks_at_the_project_ends() {
    let vk = Vk::new().config("[providers.anthropic]\nbase_url = \"http://127.0.0.1:9\"\n");
    plant(&vk);
    for args in [
        &[][..],
        &["doctor"],
        &["route", "change one to two"],
        &["trust", "--print"],
        &["tasks", "list"],
        &["cost"],
        &["budget", "list"],
        &[&ANTHROPIC[..], &["--dry-run", "go"]].concat(),
    ] {
        run_within(&vk, LIMIT, args);
    }
    // The one file of vk's own that a project may hold.
    pipe(&vk.project().join("vk.toml"));
    for args in [&[][..], &["doctor"], &["route"], &["trust", "--print"], &[&ANTHROPIC[..], &["go"]].concat()] {
        let ran = run_within(&vk, LIMIT, args);
        if args.contains(&"go") {
            assert_eq!(ran.code, 2, "{ran}");
            assert!(ran.stderr.contains("vk.toml"), "{ran}");
        }
    }
}

/// What a task makes that an undo cannot put away is told, not passed over.
#[test]
fn a_pipe_that_a_task_makes_is_told_when_the_task_is_undone() {
    let answer =
        Turn::new().tool("t1", "bash", json!({"command": "mkdir new && mkfifo new/pipe && echo x > new/file"}));
    let provider = Provider::start([Script::sse(&answer.anthropic()), Script::sse(&Turn::say("Done.").anthropic())]);
    let vk = crate::run::anthropic(&provider).file("a.txt", "a\n");
    let (ran, finished) = report(&vk, &ANTHROPIC, &["go"]);
    assert_eq!(ran.code, 0, "{ran}");
    let undone = run_within(&vk, LIMIT, &["tasks", "undo", finished["task_id"].as_str().unwrap()]);
    assert!(!vk.project().join("new/file").exists());
    assert!(format!("{undone}").contains("new"), "{undone}");
}

/// A dotfiles repository in the home folder ignores everything; the projects in it are none of its business.
#[test]
fn rules_above_the_project_do_not_hold_in_it() {
    let family = Family::Plain;
    let provider = Provider::start([
        family.stream(&Turn::new().tool("c1", "grep", json!({"pattern": "needle"}))),
        family.stream(&Turn::say("Done.")),
    ]);
    let (vk, flags) = family.vk(&provider);
    let vk = vk.file("../.gitignore", "*\n").file("a.txt", "needle\n");
    let ran = vk.run(&[&flags[..], &["--approve", "all", "--max-cost", "1000", "go"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(family.told(&provider.requests()[1])["c1"], "a.txt:1: needle");
}

/// Git opens its rules wherever they are, and would wait for the other end of a pipe for ever.
#[test]
fn a_commit_does_not_wait_for_a_pipe_in_the_place_of_gits_rules() {
    for rules in [".gitignore", "sub/.gitattributes"] {
        let script = format!("mkdir -p sub; rm -f {rules}; mkfifo {rules}; echo x > sub/new; echo two > a.txt");
        let answer = Turn::new().tool("t1", "bash", json!({"command": script}));
        let provider =
            Provider::start([Script::sse(&answer.anthropic()), Script::sse(&Turn::say("Done.").anthropic())]);
        let vk = crate::run::anthropic(&provider).file("a.txt", "a\n").file(".gitignore", "*.log\n");
        std::fs::write(vk.home().join(".gitconfig"), "[user]\n\tname = Ann\n\temail = ann@example.com\n").unwrap();
        let vk = vk.git();
        let ran = run_within(&vk, LIMIT, &[&ANTHROPIC[..], &["--commit", "--output", "json", "go"]].concat());
        assert_eq!(ran.code, 1, "{ran}");
        let finished = ran.json_lines().pop().unwrap();
        assert_eq!(finished["error"]["code"], "not_committed", "{ran}");
        assert!(finished["error"].to_string().contains(rules), "{ran}");
    }
}
