//! `vk run --worktree`: the user's own tree stays as it is.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{booby_trapped, does, git, git_in, read, repository, sprung};
use crate::run::{ANTHROPIC, anthropic, report};
use crate::support::env::{Vk, code_of};
use crate::support::provider::{Provider, Script};
use crate::support::terminal::start;
use crate::support::turn::Turn;

fn path_of(finished: &Value) -> PathBuf {
    finished["worktree"]["path"].as_str().unwrap_or_else(|| panic!("{finished}")).into()
}

fn says(text: &str) -> Script {
    Script::sse(&Turn::say(text).anthropic())
}

#[test]
fn a_task_works_beside_the_users_tree_and_is_taken_over_with_gits_own_commands() {
    let provider = Provider::start(does("sed -i s/5/five/ a.txt; echo new > made.txt; git rev-parse HEAD"));
    let vk = repository(&provider);
    let before = git(&vk, &["status", "--porcelain"]);
    let (ran, finished) = report(&vk, &ANTHROPIC, &["--worktree", "say five"]);
    assert_eq!(ran.code, 0, "{ran}");
    let (id, tree) = (finished["task_id"].as_str().unwrap(), path_of(&finished));
    assert_eq!(tree, vk.project().with_file_name("project.worktrees").join(id), "{finished}");
    assert_eq!(finished["worktree"]["branch"], format!("vk/{id}"));
    assert_eq!(finished["worktree"]["removed"], false);
    assert_eq!(read(&tree.join("made.txt")).as_deref(), Some("new\n"));
    assert_eq!((git(&vk, &["status", "--porcelain"]), read(&vk.project().join("made.txt"))), (before, None));
    // History can be read in there.
    let told = provider.requests()[1].json()["messages"].to_string();
    assert!(told.contains(git(&vk, &["rev-parse", "HEAD"]).trim()), "{told}");

    // Its project is the one it was made from, in every list.
    for folder in [vk.project(), tree.clone()] {
        let mut list = vk.command(&["tasks", "list", "--output", "json"]);
        let list = list.current_dir(folder).output().unwrap();
        let list: Value = serde_json::from_slice(&list.stdout).unwrap();
        assert_eq!((&list[0]["task_id"], list[0]["project"].as_str()), (&json!(id), Some("project")), "{list}");
    }
    let shown = vk.run(&["tasks", "show", id]).stdout;
    assert!(shown.contains(&format!("(branch vk/{id})")), "{shown}");
    // As the summary says: into the user's own tree, and away.
    let taken = std::process::Command::new("sh")
        .args(["-c", &format!("'{}' tasks diff {id} | git apply", env!("CARGO_BIN_EXE_vk"))])
        .env_clear()
        .envs(vk.command(&[]).get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(vk.project())
        .output()
        .unwrap();
    assert_eq!(code_of(taken.status), 0, "{}", String::from_utf8_lossy(&taken.stderr));
    assert_eq!(git(&vk, &["status", "--porcelain"]), " M a.txt\n?? made.txt\n");
    let undone = vk.run(&["tasks", "undo", id]);
    assert_eq!((undone.code, read(&tree.join("made.txt"))), (0, None), "{undone}");
    assert_eq!(read(&vk.project().join("made.txt")).as_deref(), Some("new\n"), "the user's tree is not undone");
    git(&vk, &["worktree", "remove", "--force", tree.to_str().unwrap()]);
    git(&vk, &["branch", "-D", &format!("vk/{id}")]);
}

#[test]
fn the_summary_says_where_it_is_and_how_to_take_it_over() {
    let provider = Provider::start(does("echo new > made.txt"));
    let vk = repository(&provider);
    let ran = vk.run(&[&ANTHROPIC[..], &["--worktree", "go"]].concat());
    for words in ["worktree ", "(branch vk/t", "| git apply", "git worktree remove --force", "git branch -D vk/t"] {
        assert!(ran.stderr.contains(words), "{words}: {ran}");
    }
}

#[test]
fn one_that_is_left_unchanged_is_removed_whatever_the_end() {
    let provider = Provider::start([says("Nothing to do."), Script::json(401, "{}")]);
    let vk = repository(&provider);
    for code in [0, 3] {
        let (ran, finished) = report(&vk, &ANTHROPIC, &["--worktree", "look"]);
        assert_eq!((ran.code, &finished["worktree"]["removed"]), (code, &json!(true)), "{ran}");
        assert!(!path_of(&finished).parent().unwrap().exists(), "{ran}");
        assert_eq!(git(&vk, &["branch", "--list", "vk/*"]), "");
        assert_eq!(git(&vk, &["worktree", "list"]).lines().count(), 1);
    }
}

#[test]
fn going_on_goes_on_in_the_same_worktree() {
    let scripts = does("echo one > made.txt").into_iter().chain(does("cat made.txt; echo two >> made.txt"));
    let provider = Provider::start(scripts.chain([says("in a new one")]));
    let vk = repository(&provider);
    let (_, first) = report(&vk, &ANTHROPIC, &["--worktree", "begin"]);
    let (ran, second) = report(&vk, &ANTHROPIC, &["--continue", "more"]);
    assert_eq!((ran.code, path_of(&second)), (0, path_of(&first)), "{ran}");
    let tree = path_of(&first);
    assert_eq!(read(&tree.join("made.txt")).as_deref(), Some("one\ntwo\n"));
    git(&vk, &["worktree", "remove", "--force", tree.to_str().unwrap()]);
    let (ran, finished) = report(&vk, &ANTHROPIC, &["--continue", "more"]);
    assert_eq!((ran.code, finished["error"]["code"].as_str()), (2, Some("worktree_gone")), "{ran}");
    let (ran, third) = report(&vk, &ANTHROPIC, &["--continue", "--worktree", "more"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_ne!(path_of(&third), tree);
}

fn dirty(vk: &Vk) {
    let project = vk.project();
    std::fs::write(project.join("a.txt"), "mine\r\n").unwrap();
    std::fs::remove_file(project.join("src/b.rs")).unwrap();
    std::fs::write(project.join("tool.sh"), "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(project.join("tool.sh"), PermissionsExt::from_mode(0o755)).unwrap();
    symlink("/etc/hostname", project.join("link")).unwrap();
    git(vk, &["add", "tool.sh"]);
}

#[test]
fn uncommitted_changes_stay_unless_they_are_asked_to_come_along() {
    let seen = "ls -l; cat a.txt";
    let provider = Provider::start(does(seen).into_iter().chain(does(seen)));
    let vk = repository(&provider);
    dirty(&vk);
    let before = git(&vk, &["status", "--porcelain"]);
    let (ran, _) = report(&vk, &ANTHROPIC, &["--worktree", "look"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("4 uncommitted changes of this tree stay here; --worktree=carry"), "{ran}");
    let told = provider.requests()[1].json()["messages"].to_string();
    assert!(!told.contains("mine") && !told.contains("tool.sh"), "{told}");

    let (ran, finished) = report(&vk, &ANTHROPIC, &["--worktree=carry", "look"]);
    assert_eq!((ran.code, &finished["files_changed"]), (0, &json!([])), "what came along is not the task's: {ran}");
    let told = provider.requests()[3].json()["messages"].to_string();
    assert!(told.contains("mine") && told.contains("-rwxr-xr-x") && told.contains("link -> /etc/hostname"), "{told}");
    assert_eq!(git(&vk, &["status", "--porcelain"]), before);
}

#[test]
fn a_person_is_asked_whether_changes_come_along() {
    for (answer, comes) in [("y", true), ("n", false)] {
        let provider = Provider::start(does("cat a.txt > seen"));
        let vk = repository(&provider);
        dirty(&vk);
        let Some(mut run) = start(&vk, &[&ANTHROPIC[..], &["--worktree", "look"]].concat()) else { return };
        let asked = run.wait_for("Take the 4 uncommitted changes along into the task's worktree?");
        assert!(asked.contains("M a.txt") && asked.contains("D src/b.rs") && asked.contains("?? link"), "{asked}");
        run.wait_for("(n):");
        run.type_line(answer);
        let ran = run.end();
        assert_eq!(ran.code, 0, "{ran}");
        let trees = vk.project().with_file_name("project.worktrees");
        let tree = std::fs::read_dir(trees).unwrap().next().unwrap().unwrap().path();
        assert_eq!(read(&tree.join("seen")).unwrap().contains("mine"), comes);
    }
}

const DRESSED: &str = "[worktree]\ncopy = [\".env.local\", \"data\"]\nlink = [\"node_modules\"]\n\
    setup = [\"test -f .env.local && echo set up > ready\", \"touch ../escaped || true\"]\n";

fn furnished(vk: Vk) -> Vk {
    let vk = vk
        .file(".gitignore", ".env.local\nnode_modules\ndata\nready\n")
        .file(".env.local", "PORT=1\n")
        .file("data/x/y.txt", "deep\n")
        .file("node_modules/dep/index.js", "module.exports = 1\n")
        .file("vk.toml", DRESSED)
        .git();
    symlink("../../etc/hostname", vk.project().join("data/link")).unwrap();
    vk
}

fn trust(vk: &Vk) -> String {
    vk.run(&["trust", "--print"]).stdout.trim().to_owned()
}

#[test]
fn vk_toml_furnishes_a_worktree_once_it_is_trusted() {
    let script = "cat ready .env.local data/x/y.txt node_modules/dep/index.js; readlink data/link; \
        echo no > node_modules/dep/index.js; echo mine > .env.local; echo kept > kept.txt";
    let provider = Provider::start(does(script).into_iter().chain([says("again"), says("and again")]));
    let vk = furnished(repository(&provider));
    let (ran, finished) = report(&vk, &ANTHROPIC, &["--worktree", "go"]);
    assert_eq!((ran.code, &finished["status"]), (7, &json!("untrusted")), "{ran}");
    assert!(finished["error"]["message"].as_str().unwrap().contains("touch ../escaped"), "shown verbatim: {finished}");
    let hash = trust(&vk);
    let (ran, finished) = report(&vk, &ANTHROPIC, &["--worktree", "--trust", &hash, "go"]);
    assert_eq!(ran.code, 0, "{ran}");
    let told = provider.requests()[1].json()["messages"].to_string();
    for words in ["set up", "PORT=1", "deep", "module.exports = 1", "../../etc/hostname", "Read-only file system"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let project = vk.project();
    assert_eq!(read(&project.join(".env.local")).as_deref(), Some("PORT=1\n"));
    assert_eq!(read(&project.join("node_modules/dep/index.js")).as_deref(), Some("module.exports = 1\n"));
    assert_eq!(finished["files_changed"], json!([{"path": "kept.txt", "added": 1, "removed": 0}]), "{finished}");
    assert!(!path_of(&finished).with_file_name("escaped").exists());

    // Without a worktree none of it is in use, and nothing needs trust.
    assert_eq!(report(&vk, &ANTHROPIC, &["go"]).0.code, 0);
    // What is trusted in the project is trusted in its worktrees.
    let mut trusting = start(&vk, &["trust"]).unwrap();
    trusting.wait_for("(n):");
    trusting.type_line("y");
    assert_eq!(trusting.end().code, 0);
    let inside = vk.command(&[&ANTHROPIC[..], &["--worktree", "go"]].concat()).current_dir(path_of(&finished)).output();
    assert_eq!(code_of(inside.as_ref().unwrap().status), 0, "{}", String::from_utf8_lossy(&inside.unwrap().stderr));
}

#[test]
fn a_set_up_that_fails_is_told_apart_and_costs_nothing() {
    let provider = Provider::start([]);
    let vk = repository(&provider).file("vk.toml", "[worktree]\nsetup = [\"echo no registry; exit 7\"]\n");
    let hash = trust(&vk);
    let (ran, finished) = report(&vk, &ANTHROPIC, &["--worktree", "--trust", &hash, "go"]);
    let error = &finished["error"];
    assert_eq!((ran.code, error["code"].as_str()), (2, Some("setup_failed")), "{ran}");
    assert!(error["message"].as_str().unwrap().contains("no registry"), "{error}");
    assert!(error["fix"].as_str().unwrap().contains("--allow-network=registries"), "{error}");
    assert_eq!(git(&vk, &["worktree", "list"]).lines().count(), 1);
    assert_eq!(git(&vk, &["branch", "--list", "vk/*"]), "");
    assert!(provider.captured().is_empty());
}

#[test]
fn names_of_vk_toml_lead_neither_out_of_the_project_nor_through_links() {
    let secret = |vk: &Vk| std::fs::write(vk.home().join("secret"), "canary-of-home").unwrap();
    for (toml, code) in [
        ("copy = [\"../home/secret\"]", "bad_value"),
        ("copy = [\"/etc/passwd\"]", "bad_value"),
        ("link = [\".git\"]", "bad_value"),
        ("link = [\"x/../../home\"]", "bad_value"),
        ("copy = [\"out/secret\"]", "worktree_failed"),
        ("copy = [\"out\"]", "worktree_failed"),
        ("link = [\"out\"]", "worktree_failed"),
    ] {
        let provider = Provider::start([]);
        let vk = repository(&provider).file("vk.toml", &format!("[worktree]\n{toml}\n"));
        secret(&vk);
        symlink(vk.home(), vk.project().join("out")).unwrap();
        let hash = trust(&vk);
        let (ran, finished) = report(&vk, &ANTHROPIC, &["--worktree", "--trust", &hash, "go"]);
        assert_eq!((ran.code, finished["error"]["code"].as_str()), (2, Some(code)), "{toml}: {ran}");
        assert_eq!(git(&vk, &["worktree", "list"]).lines().count(), 1, "{toml}");
    }
}

#[test]
fn nothing_that_a_repository_prepared_runs() {
    let provider = Provider::start(does("echo new > made.txt"));
    let vk = repository(&provider).file(".gitattributes", "* filter=evil diff=evil merge=evil\n").git();
    let traps = booby_trapped(&vk);
    let (ran, finished) = report(&vk, &ANTHROPIC, &["--worktree=carry", "go"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(sprung(&traps), Vec::<String>::new(), "{ran}");
    assert_eq!(read(&path_of(&finished).join("src/b.rs")).as_deref(), Some("fn b() {}\n"));
    assert!(ran.stderr.contains("vk runs no filter"), "{ran}");
    // The traps are live: git itself, used without care, springs them.
    let mut status = std::process::Command::new("git");
    status.args(["status"]).current_dir(vk.project()).env("HOME", vk.home()).output().unwrap();
    assert!(sprung(&traps).contains(&"fsmonitor".to_owned()), "{:?}", sprung(&traps));
}

#[test]
fn a_repository_that_names_another_work_tree_is_refused() {
    let provider = Provider::start([]);
    let vk = repository(&provider);
    git(&vk, &["config", "core.worktree", vk.home().to_str().unwrap()]);
    let (ran, finished) = report(&vk, &ANTHROPIC, &["--worktree", "go"]);
    assert_eq!((ran.code, finished["error"]["code"].as_str()), (2, Some("no_repository")), "{ran}");
}

#[test]
fn where_no_worktree_can_begin_the_reason_is_said_before_anything_is_spent() {
    let provider = Provider::start([]);
    let vk = anthropic(&provider);
    let (ran, finished) = report(&vk, &ANTHROPIC, &["--worktree", "go"]);
    assert_eq!((ran.code, finished["error"]["code"].as_str()), (2, Some("no_repository")), "{ran}");
    git(&vk, &["init", "-q"]);
    let (ran, finished) = report(&vk, &ANTHROPIC, &["--worktree", "go"]);
    assert_eq!((ran.code, finished["error"]["code"].as_str()), (2, Some("no_commit_yet")), "{ran}");
    assert!(provider.captured().is_empty());
}

#[test]
fn detached_heads_branches_called_vk_and_other_worktrees_are_begun_from() {
    let scripts: Vec<Script> = (0..3).flat_map(|_| does("echo new > made.txt")).collect();
    let provider = Provider::start(scripts);
    let vk = repository(&provider);
    git(&vk, &["branch", "vk"]);
    git(&vk, &["checkout", "-q", "--detach"]);
    let (ran, finished) = report(&vk, &ANTHROPIC, &["--worktree", "go"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(finished["worktree"]["branch"].as_str().unwrap().starts_with("vk-t"), "{finished}");
    git(&vk, &["branch", "-D", "vk"]);
    // From a worktree of vk's, and from one of the user's own: all stand beside the one repository.
    let own = vk.project().with_file_name("mine");
    git(&vk, &["worktree", "add", "-q", own.to_str().unwrap()]);
    for from in [path_of(&finished), own] {
        let out = vk
            .command(&[&ANTHROPIC[..], &["--output", "json", "--worktree=clean", "go"]].concat())
            .current_dir(from)
            .output()
            .unwrap();
        let finished: Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!(out.status.code(), Some(0), "{finished}");
        assert_eq!(path_of(&finished).parent().unwrap(), vk.project().with_file_name("project.worktrees"));
    }
}

#[test]
fn a_submodules_worktree_does_not_stand_in_the_project_around_it() {
    let provider = Provider::start(does("echo new > made.txt"));
    let vk = repository(&provider);
    let library = vk.home().join("library");
    std::fs::create_dir(&library).unwrap();
    git_in(&vk, &library, &["init", "-q", "-b", "main"]);
    git_in(&vk, &library, &["commit", "-q", "--allow-empty", "-m", "start"]);
    let file = ["-c", "protocol.file.allow=always"];
    git(&vk, &[&file[..], &["submodule", "--quiet", "add", library.to_str().unwrap(), "lib"]].concat());
    let out = vk
        .command(&[&ANTHROPIC[..], &["--output", "json", "--worktree", "go"]].concat())
        .current_dir(vk.project().join("lib"))
        .output()
        .unwrap();
    let finished: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(0), "{finished}");
    assert_eq!(path_of(&finished).parent().unwrap(), vk.project().with_file_name("lib.worktrees"), "{finished}");
    assert_eq!(git(&vk, &["status", "--porcelain", "--ignore-submodules=all"]), "A  .gitmodules\n");
}

#[test]
fn two_tasks_have_a_worktree_each_at_once() {
    let provider = Provider::start([Script::silence(), says("second")]);
    provider.allow_leftovers();
    let vk = repository(&provider);
    let mut first = vk.command(&[&ANTHROPIC[..], &["--worktree", "go"]].concat()).spawn().unwrap();
    let waiting = std::time::Instant::now();
    while provider.requests().is_empty() && waiting.elapsed() < std::time::Duration::from_secs(20) {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let (ran, _) = report(&vk, &ANTHROPIC, &["--worktree", "go too"]);
    assert_eq!(ran.code, 0, "{ran}");
    first.kill().unwrap();
    first.wait().unwrap();
}

/// A link planted where worktrees go would lead them elsewhere.
#[test]
fn a_link_in_the_place_of_the_folder_is_refused() {
    let provider = Provider::start([]);
    let vk = repository(&provider);
    symlink(vk.home(), vk.project().with_file_name("project.worktrees")).unwrap();
    let (ran, finished) = report(&vk, &ANTHROPIC, &["--worktree", "go"]);
    assert_eq!((ran.code, finished["error"]["code"].as_str()), (2, Some("worktree_failed")), "{ran}");
    assert!(!Path::new(&vk.home()).join(finished["task_id"].as_str().unwrap()).exists());
}
