//! `vk run --commit`: what the task changed and nothing else, in the user's name, with who paid for it.

use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::{Value, json};

use super::{booby_trapped, does, git, git_in, read, repository, sprung};
use crate::run::{ANTHROPIC, anthropic, report};
use crate::support::env::{Ran, Vk};
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;

fn commits(vk: &Vk, more: &[&str]) -> (Ran, Value) {
    report(vk, &ANTHROPIC, &[&["--commit"], more, &["say five\nin a.txt"]].concat())
}

/// The files of the last commit with their letters.
fn changed(vk: &Vk) -> String {
    git(vk, &["-c", "core.quotePath=false", "show", "--format=", "--name-status", "--no-renames", "HEAD"])
}

fn count(vk: &Vk) -> String {
    git(vk, &["rev-list", "--count", "HEAD"]).trim().to_owned()
}

#[test]
fn a_commit_holds_the_task_alone_and_says_who_paid() {
    let provider = Provider::start(does("sed -i s/5/five/ a.txt; echo new > made.txt; rm src/b.rs"));
    let vk = repository(&provider).file("other.txt", "user\n").file("staged.txt", "s\n").git();
    let vk = vk.file("other.txt", "the user's own edit\n").file("staged.txt", "staged by the user\n");
    let vk = vk.file("untracked.txt", "u\n");
    git(&vk, &["add", "staged.txt"]);
    let (ran, finished) = commits(&vk, &[]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(finished["commit"].as_str(), Some(git(&vk, &["rev-parse", "HEAD"]).trim()));
    assert_eq!(changed(&vk), "M\ta.txt\nA\tmade.txt\nD\tsrc/b.rs\n");
    assert_eq!(git(&vk, &["status", "--porcelain"]), " M other.txt\nM  staged.txt\n?? untracked.txt\n");
    let id = finished["task_id"].as_str().unwrap();
    let cost = finished["cost_usd"].as_str().unwrap();
    assert_eq!(
        git(&vk, &["log", "-1", "--format=%an <%ae> %cn%n%B"]).trim(),
        format!(
            "Ann <ann@example.com> Ann\nsay five\n\nAll done.\n\nVk-Task: {id}\nVk-Model: claude-sonnet-5-5\n\
             Vk-Payer: byok anthropic, key env:TEST_ANTHROPIC_KEY: you pay Anthropic at list price\nVk-Cost: ${cost}"
        )
    );
    // git itself takes them for trailers.
    let trailers = git(&vk, &["log", "-1", "--format=%(trailers:key=Vk-Task,valueonly)"]);
    assert_eq!(trailers.trim(), id);
}

#[test]
fn edits_of_the_users_in_the_same_file_stay_where_they_were() {
    let provider = Provider::start(does("sed -i s/5/five/ a.txt"));
    let vk = repository(&provider);
    let lines = |first: &str, last: &str| format!("{first}\n2\n3\n4\n5\n6\n7\n8\n{last}\n");
    let vk = vk.file("a.txt", &lines("1", "nine staged"));
    git(&vk, &["add", "a.txt"]);
    let vk = vk.file("a.txt", &lines("one unstaged", "nine staged"));
    let (ran, _) = commits(&vk, &[]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(git(&vk, &["show", "HEAD:a.txt"]), "1\n2\n3\n4\nfive\n6\n7\n8\n9\n");
    assert_eq!(git(&vk, &["show", ":a.txt"]), "1\n2\n3\n4\nfive\n6\n7\n8\nnine staged\n");
    assert_eq!(read(&vk.project().join("a.txt")).unwrap(), "one unstaged\n2\n3\n4\nfive\n6\n7\n8\nnine staged\n");
}

#[test]
fn an_overlap_with_the_users_edits_commits_nothing_and_names_the_files() {
    for (user, staged) in [("1\n2\n3\n4\n5 mine\n6\n7\n8\n9\n", false), ("1\n2\n3\n4\n5 mine\n6\n7\n8\n9\n", true)] {
        let provider = Provider::start(does("sed -i s/5/five/ a.txt; echo x >> loose.txt; echo new > made.txt"));
        let vk = repository(&provider).file("a.txt", user).file("loose.txt", "never committed\n");
        if staged {
            git(&vk, &["add", "a.txt"]);
        }
        let (ran, finished) = commits(&vk, &[]);
        let error = &finished["error"];
        assert_eq!((ran.code, error["code"].as_str()), (1, Some("commit_overlap")), "{ran}");
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains("a.txt: ") && message.contains("loose.txt: ") && !message.contains("made"),
            "{message}"
        );
        assert_eq!((count(&vk).as_str(), &finished["commit"]), ("1", &Value::Null), "{ran}");
        assert_eq!(read(&vk.project().join("a.txt")).unwrap(), user.replace('5', "five"), "the work is there");
        let index = git(&vk, &["show", ":a.txt"]);
        assert_eq!(index, if staged { user.to_owned() } else { "1\n2\n3\n4\n5\n6\n7\n8\n9\n".to_owned() });
    }
}

/// The user staged an edit and took it back in the file: the task's line is next to it all the same.
#[test]
fn an_overlap_with_the_index_alone_is_one_too() {
    let provider = Provider::start(does("sed -i s/5/five/ a.txt"));
    let vk = repository(&provider).file("a.txt", "1\n2\n3\n4\n5 staged\n6\n7\n8\n9\n");
    git(&vk, &["add", "a.txt"]);
    let vk = vk.file("a.txt", "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    let (ran, finished) = commits(&vk, &[]);
    assert_eq!(finished["error"]["code"], "commit_overlap", "{ran}");
    assert!(finished["error"]["message"].as_str().unwrap().contains("staged"), "{finished}");
    assert_eq!((count(&vk).as_str(), git(&vk, &["show", ":a.txt"]).contains("5 staged")), ("1", true));
}

#[test]
fn every_kind_of_change_is_committed_as_git_would() {
    let script = "printf 'one\\r\\ntwo\\r\\n' > crlf.txt; printf 'no end' > no-end.txt; : > empty; chmod +x run.sh; \
        ln -s a.txt link; ln -sf elsewhere old-link; rm -r folder; echo now a file > folder; rm file; mkdir file; \
        echo deep > file/deep; printf 'a\\0b' > binary; printf x > \"$(printf 'odd\\nname')\"; echo u > 'ü \"q\" \\.txt'; \
        sed -i s/5/five/ win.txt";
    let provider = Provider::start(does(script));
    let vk = repository(&provider)
        .file(".gitattributes", "*.txt text=auto\nwin.txt text eol=crlf\n")
        .file("run.sh", "#!/bin/sh\n")
        .file("folder/x", "x\n")
        .file("file", "f\n")
        .file("win.txt", "4\r\n5\r\n6\r\n");
    symlink("a.txt", vk.project().join("old-link")).unwrap();
    let vk = vk.git();
    let (ran, _) = commits(&vk, &[]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(git(&vk, &["status", "--porcelain"]), "", "nothing is left over, and git agrees with every byte");
    assert_eq!(git(&vk, &["show", "HEAD:win.txt"]), "4\nfive\n6\n");
    assert_eq!(git(&vk, &["show", "HEAD:crlf.txt"]), "one\ntwo\n");
    let tree = git(&vk, &["ls-tree", "-r", "HEAD"]);
    for (mode, name) in [("100755", "run.sh"), ("120000", "link"), ("100644", "file/deep"), ("100644", "empty")] {
        assert!(
            tree.lines().any(|line| line.starts_with(mode) && line.ends_with(&format!("\t{name}"))),
            "{name}: {tree}"
        );
    }
    assert!(tree.contains("odd\\nname") && git(&vk, &["show", "HEAD:old-link"]) == "elsewhere", "{tree}");
}

#[test]
fn line_ends_follow_the_users_own_setting() {
    let provider = Provider::start(does("printf 'one\\r\\ntwo\\r\\n' > crlf.txt"));
    let vk = repository(&provider);
    git(&vk, &["config", "--global", "core.autocrlf", "input"]);
    assert_eq!(commits(&vk, &[]).0.code, 0);
    assert_eq!(git(&vk, &["show", "HEAD:crlf.txt"]), "one\ntwo\n");
    assert_eq!(git(&vk, &["status", "--porcelain"]), "");
}

#[test]
fn what_git_ignores_is_left_out() {
    let edit = json!({"command": "create", "path": "secret.env", "file_text": "x\n"});
    let provider = Provider::start([
        Script::sse(&Turn::new().tool("t1", "str_replace_based_edit_tool", edit).anthropic()),
        Script::sse(
            &Turn::new().tool("t2", "bash", json!({"command": "echo n > made.txt; echo l > own.log"})).anthropic(),
        ),
        Script::sse(&Turn::say("ok").anthropic()),
    ]);
    let vk = repository(&provider).file(".gitignore", "*.env\n").git();
    std::fs::write(vk.home().join("ignored"), "*.log\n").unwrap();
    git(&vk, &["config", "--global", "core.excludesFile", vk.home().join("ignored").to_str().unwrap()]);
    let (ran, _) = commits(&vk, &[]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(changed(&vk), "A\tmade.txt\n");
    assert!(ran.stderr.contains("secret.env is ignored by git and not committed"), "{ran}");
}

#[test]
fn a_first_commit_and_a_detached_head_are_committed_to() {
    let provider = Provider::start(does("echo new > made.txt").into_iter().chain(does("echo more >> made.txt")));
    let vk = anthropic(&provider);
    std::fs::write(vk.home().join(".gitconfig"), "[user]\n\tname = Ann\n\temail = ann@example.com\n").unwrap();
    git(&vk, &["init", "-q", "-b", "trunk"]);
    let vk = vk.file("mine.txt", "not added\n");
    let (ran, _) = commits(&vk, &[]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!((changed(&vk).as_str(), git(&vk, &["branch", "--show-current"]).trim()), ("A\tmade.txt\n", "trunk"));
    assert_eq!(git(&vk, &["status", "--porcelain"]), "?? mine.txt\n");
    git(&vk, &["checkout", "-q", "--detach"]);
    assert_eq!(commits(&vk, &[]).0.code, 0);
    assert_eq!((count(&vk).as_str(), git(&vk, &["rev-list", "--count", "trunk"]).trim()), ("2", "1"));
}

#[test]
fn a_worktrees_commit_is_on_its_branch_and_merges() {
    let provider = Provider::start(does("sed -i s/5/five/ a.txt"));
    let vk = repository(&provider).file("a.txt", "1 mine\n2\n3\n4\n5\n6\n7\n8\n9\n");
    let (ran, finished) = commits(&vk, &["--worktree=carry"]);
    assert_eq!(ran.code, 0, "{ran}");
    let branch = finished["worktree"]["branch"].as_str().unwrap();
    assert_eq!(
        git(&vk, &["show", &format!("{branch}:a.txt")]),
        "1\n2\n3\n4\nfive\n6\n7\n8\n9\n",
        "what came along is not committed"
    );
    assert_eq!((count(&vk).as_str(), git(&vk, &["status", "--porcelain"]).as_str()), ("1", " M a.txt\n"));
    git(&vk, &["checkout", "-q", "a.txt"]);
    git(&vk, &["merge", "-q", branch]);
    assert!(read(&vk.project().join("a.txt")).unwrap().contains("five"));
}

#[test]
fn neither_hooks_nor_filters_nor_monitors_run() {
    let provider = Provider::start(does("echo new > made.txt; sed -i s/5/five/ a.txt"));
    let vk = repository(&provider).file(".gitattributes", "*.rs filter=evil diff=evil\n").git();
    let traps = booby_trapped(&vk);
    let (ran, _) = commits(&vk, &[]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(sprung(&traps), Vec::<String>::new(), "{ran}");
    let log = ["-c", "core.fsmonitor=false", "-c", "core.pager=cat", "log", "-1", "--format=%G?"];
    assert_eq!(git(&vk, &log).trim(), "N", "it is not signed: that would run a program");
}

/// Without its filter the file would be committed as it must not be: in plain text where it is to be encrypted, whole
/// where it is to be a pointer. Also when the task took the rule away.
#[test]
fn a_file_that_passes_through_a_filter_is_not_committed() {
    for script in ["echo x >> src/b.rs", "echo x >> src/b.rs; rm .gitattributes"] {
        let provider = Provider::start(does(script));
        let vk = repository(&provider).file(".gitattributes", "*.rs filter=evil\n").git();
        let traps = booby_trapped(&vk);
        let (ran, finished) = commits(&vk, &[]);
        assert_eq!((ran.code, finished["error"]["code"].as_str()), (1, Some("not_committed")), "{ran}");
        let message = finished["error"]["message"].as_str().unwrap();
        assert!(message.contains("src/b.rs passes through the git filter evil"), "{message}");
        assert_eq!((sprung(&traps), finished["commit"].clone()), (Vec::<String>::new(), Value::Null));
    }
}

#[test]
fn what_cannot_be_committed_is_said_before_anything_is_spent() {
    let provider = Provider::start([]);
    let vk = anthropic(&provider).git();
    let (ran, finished) = commits(&vk, &[]);
    assert_eq!((ran.code, finished["error"]["code"].as_str()), (2, Some("no_author")), "{ran}");
    let (ran, finished) = commits(&anthropic(&provider), &[]);
    assert_eq!((ran.code, finished["error"]["code"].as_str()), (2, Some("no_repository")), "{ran}");
    let vk = repository(&provider);
    let head = git(&vk, &["rev-parse", "HEAD"]);
    std::fs::write(vk.project().join(".git/MERGE_HEAD"), head).unwrap();
    let (ran, finished) = commits(&vk, &[]);
    assert_eq!((ran.code, finished["error"]["code"].as_str()), (2, Some("merge_under_way")), "{ran}");
    assert!(provider.captured().is_empty());
}

#[test]
fn a_task_that_did_not_end_well_or_changed_nothing_commits_nothing() {
    let provider =
        Provider::start(does("echo new > made.txt").into_iter().chain([Script::sse(&Turn::say("no").anthropic())]));
    let vk = repository(&provider);
    let (ran, finished) = commits(&vk, &["--check", "false", "--check-rounds", "0"]);
    assert_eq!((ran.code, &finished["commit"]), (1, &Value::Null), "{ran}");
    assert!(ran.stderr.contains("nothing was committed"), "{ran}");
    let (ran, finished) = commits(&vk, &[]);
    assert_eq!((ran.code, &finished["commit"]), (0, &Value::Null), "{ran}");
    assert_eq!(count(&vk), "1");
}

#[test]
fn an_index_that_is_in_use_leaves_everything_as_it_was() {
    let provider = Provider::start(does("sed -i s/5/five/ a.txt"));
    let vk = repository(&provider).file(".git/index.lock", "");
    let (ran, finished) = commits(&vk, &[]);
    assert_eq!((ran.code, finished["error"]["code"].as_str()), (1, Some("not_committed")), "{ran}");
    assert!(finished["error"]["message"].as_str().unwrap().contains("index.lock"), "{finished}");
    std::fs::remove_file(vk.project().join(".git/index.lock")).unwrap();
    assert_eq!((count(&vk).as_str(), git(&vk, &["status", "--porcelain"]).as_str()), ("1", " M a.txt\n"));
}

#[test]
fn a_submodules_files_are_not_the_projects_to_commit() {
    let provider = Provider::start(does("echo x > lib/new.txt; echo new > made.txt"));
    let vk = repository(&provider);
    let library = vk.home().join("library");
    std::fs::create_dir(&library).unwrap();
    git_in(&vk, &library, &["init", "-q", "-b", "main"]);
    git_in(&vk, &library, &["commit", "-q", "--allow-empty", "-m", "start"]);
    let file = ["-c", "protocol.file.allow=always"];
    git(&vk, &[&file[..], &["submodule", "--quiet", "add", library.to_str().unwrap(), "lib"]].concat());
    git(&vk, &["commit", "-q", "-m", "lib"]);
    let (ran, finished) = commits(&vk, &[]);
    assert_eq!((ran.code, finished["error"]["code"].as_str()), (1, Some("commit_overlap")), "{ran}");
    assert!(finished["error"]["message"].as_str().unwrap().contains("lib/new.txt: it lies in a submodule"), "{ran}");
    assert_eq!(count(&vk), "2");
}

#[test]
fn executable_bits_that_git_is_told_to_ignore_stay_ignored() {
    let provider = Provider::start(does("sed -i s/5/five/ a.txt"));
    let vk = repository(&provider);
    git(&vk, &["config", "core.fileMode", "false"]);
    std::fs::set_permissions(vk.project().join("a.txt"), PermissionsExt::from_mode(0o755)).unwrap();
    assert_eq!(commits(&vk, &[]).0.code, 0);
    assert!(git(&vk, &["ls-tree", "HEAD", "a.txt"]).starts_with("100644"));
}
