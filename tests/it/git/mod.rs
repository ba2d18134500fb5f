//! Tasks and git: worktrees, commits, pull requests; with real repositories, some of them prepared by somebody hostile.

mod commit;
mod pull_request;
mod worktree;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::run::anthropic;
use crate::support::env::Vk;
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;

/// A project with a repository, and a user that git knows.
pub fn repository(provider: &Provider) -> Vk {
    let vk = anthropic(provider).file("a.txt", "1\n2\n3\n4\n5\n6\n7\n8\n9\n").file("src/b.rs", "fn b() {}\n");
    std::fs::write(vk.home().join(".gitconfig"), "[user]\n\tname = Ann\n\temail = ann@example.com\n").unwrap();
    vk.git()
}

/// One command, then the last words.
pub fn does(script: &str) -> [Script; 2] {
    [
        Script::sse(&Turn::new().tool("t1", "bash", json!({"command": script})).anthropic()),
        Script::sse(&Turn::say("All done.").tokens(1_000, 100).anthropic()),
    ]
}

/// What git prints for the user, in this folder.
pub fn git_in(vk: &Vk, folder: &Path, arguments: &[&str]) -> String {
    let mut git = Command::new("git");
    git.args(arguments).current_dir(folder).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
    let out = git.env("HOME", vk.home()).env("LC_ALL", "C").output().unwrap();
    assert!(out.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

pub fn git(vk: &Vk, arguments: &[&str]) -> String {
    git_in(vk, &vk.project(), arguments)
}

pub fn read(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// Everything in a repository that could run a program when git is used: hooks, filters, a monitor, a diff driver.
/// Each leaves a file in this folder.
pub fn booby_trapped(vk: &Vk) -> PathBuf {
    let traps = vk.home().join("traps");
    std::fs::create_dir_all(&traps).unwrap();
    let hooks = vk.project().join(".git/hooks");
    std::fs::create_dir_all(&hooks).unwrap();
    for name in
        ["post-checkout", "pre-commit", "commit-msg", "prepare-commit-msg", "post-commit", "reference-transaction"]
            .into_iter()
            .chain(["post-index-change", "pre-push", "pre-auto-gc"])
    {
        let hook = hooks.join(name);
        std::fs::write(&hook, format!("#!/bin/sh\ntouch '{}/hook-{name}'\n", traps.display())).unwrap();
        std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    let trap = |name: &str| format!("touch '{}/{name}'; cat", traps.display());
    let keys = [
        ("core.fsmonitor", trap("fsmonitor")),
        ("filter.evil.clean", trap("clean")),
        ("filter.evil.smudge", trap("smudge")),
        ("filter.evil.process", trap("process")),
        ("filter.evil.required", "true".to_owned()),
        ("diff.evil.command", trap("diff")),
        ("diff.evil.textconv", trap("textconv")),
        ("merge.evil.driver", trap("merge")),
        ("core.editor", trap("editor")),
        ("core.pager", trap("pager")),
        ("gpg.program", trap("gpg")),
        ("commit.gpgSign", "true".to_owned()),
    ];
    for (key, value) in keys {
        // Written by hand: git itself would already follow some of them.
        let config = std::fs::read_to_string(vk.project().join(".git/config")).unwrap();
        let (section, name) = key.rsplit_once('.').unwrap();
        let section = match section.split_once('.') {
            Some((kind, sub)) => format!("[{kind} \"{sub}\"]"),
            None => format!("[{section}]"),
        };
        let config = format!("{config}{section}\n\t{name} = \"{}\"\n", value.replace('"', "\\\""));
        std::fs::write(vk.project().join(".git/config"), config).unwrap();
    }
    traps
}

pub fn sprung(traps: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(traps).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}
