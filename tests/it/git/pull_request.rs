//! `vk run --pr`: pushed to a real remote, opened by a program that stands in for `gh`.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::Value;

use super::{booby_trapped, does, git, git_in, read, repository, sprung};
use crate::run::{ANTHROPIC, report};
use crate::support::env::{Ran, Vk};
use crate::support::provider::Provider;

/// A user with a bare remote and a `gh` that keeps what it was told and ends with this.
fn with_gh(provider: &Provider, ending: &str) -> Vk {
    let vk = repository(provider);
    let remote = remote(&vk);
    std::fs::create_dir(&remote).unwrap();
    git_in(&vk, &remote, &["init", "-q", "--bare", "-b", "main"]);
    git(&vk, &["remote", "add", "origin", remote.to_str().unwrap()]);
    git(&vk, &["push", "-q", "-u", "origin", "main"]);
    let bin = vk.home().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let gh = "#!/bin/sh\nhere=$(dirname \"$0\")\nfor word; do printf '%s\\0' \"$word\"; done > \"$here/gh.args\"\n\
              env | grep -v ^TEST_OPEN > \"$here/gh.env\"; pwd > \"$here/gh.pwd\"; git status --porcelain > \"$here/gh.status\"\n";
    std::fs::write(bin.join("gh"), format!("{gh}{ending}\n")).unwrap();
    std::fs::set_permissions(bin.join("gh"), PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display());
    vk.var("PATH", &path).var("ANTHROPIC_API_KEY", "sk-ant-api03-poison").var("GH_TOKEN", "ghp_of_the_user")
}

fn remote(vk: &Vk) -> PathBuf {
    vk.home().join("remote.git")
}

fn told(vk: &Vk) -> Vec<String> {
    let arguments = read(&vk.home().join("bin/gh.args")).unwrap_or_default();
    arguments.split_terminator('\0').map(str::to_owned).collect()
}

fn opens(vk: &Vk, more: &[&str]) -> (Ran, Value) {
    report(vk, &ANTHROPIC, &[&["--pr"], more, &["say five; `rm -rf /` \"$HOME\""]].concat())
}

const OPENED: &str = "echo 'Creating pull request' >&2; echo https://github.com/ann/shop/pull/7";

#[test]
fn a_worktrees_commit_is_pushed_and_a_pull_request_opened() {
    let provider = Provider::start(does("sed -i s/5/five/ a.txt"));
    let vk = with_gh(&provider, OPENED);
    let traps = booby_trapped(&vk);
    let (ran, finished) = opens(&vk, &["--worktree"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(finished["pull_request"], "https://github.com/ann/shop/pull/7", "{finished}");
    let branch = finished["worktree"]["branch"].as_str().unwrap();
    let pushed = git_in(&vk, &remote(&vk), &["rev-parse", branch]);
    assert_eq!(Some(pushed.trim()), finished["commit"].as_str());
    let told = told(&vk);
    let words = ["pr", "create", "--head", branch, "--title", "say five; `rm -rf /` \"$HOME\"", "--body"];
    assert_eq!(told[..7], words);
    assert!(told[7].starts_with("All done.") && told[7].contains("Vk-Cost: $"), "{}", told[7]);
    let env = read(&vk.home().join("bin/gh.env")).unwrap();
    assert!(
        env.contains("GH_TOKEN=ghp_of_the_user") && !env.contains("poison") && !env.contains("TEST_ANTHROPIC_KEY"),
        "{env}"
    );
    assert_eq!(read(&vk.home().join("bin/gh.pwd")).unwrap().trim(), finished["worktree"]["path"].as_str().unwrap());
    // The hook before a push, and the monitor that gh's own git would ask, did not run.
    assert_eq!(sprung(&traps), Vec::<String>::new());
}

#[test]
fn from_a_branch_of_ones_own_no_worktree_is_needed() {
    let provider = Provider::start(does("sed -i s/5/five/ a.txt"));
    let vk = with_gh(&provider, OPENED);
    git(&vk, &["switch", "-q", "-c", "five"]);
    let (ran, finished) = opens(&vk, &[]);
    assert_eq!((ran.code, &finished["worktree"]), (0, &Value::Null), "{ran}");
    assert_eq!(told(&vk)[3], "five");
    assert_eq!(git(&vk, &["rev-parse", "@{upstream}"]), git(&vk, &["rev-parse", "HEAD"]));
}

#[test]
fn what_a_pull_request_needs_is_said_before_anything_is_spent() {
    let provider = Provider::start([]);
    let refused = |vk: &Vk, code: &str, words: &str| {
        let (ran, finished) = opens(vk, &[]);
        assert_eq!((ran.code, finished["error"]["code"].as_str()), (2, Some(code)), "{ran}");
        let error = finished["error"].to_string();
        assert!(error.contains(words), "{words}: {error}");
    };
    refused(&repository(&provider), "no_gh", "apt-get install gh");
    let vk = with_gh(&provider, OPENED);
    refused(&vk, "on_the_target", "vk run --worktree --pr");
    git(&vk, &["checkout", "-q", "--detach"]);
    refused(&vk, "no_branch", "git switch -c");
    git(&vk, &["switch", "-q", "-c", "five"]);
    git(&vk, &["config", "core.sshCommand", "evil"]);
    refused(&vk, "push_runs_programs", "core.sshcommand");
    git(&vk, &["config", "--unset", "core.sshCommand"]);
    git(&vk, &["remote", "remove", "origin"]);
    refused(&vk, "no_remote", "gh repo create");
    assert!(provider.captured().is_empty());
}

#[test]
fn a_push_or_a_pull_request_that_fails_leaves_the_commit_and_the_commands() {
    let provider = Provider::start(does("sed -i s/5/five/ a.txt"));
    let vk = with_gh(&provider, "echo 'GraphQL: no permission' >&2; exit 1");
    let (ran, finished) = opens(&vk, &["--worktree"]);
    let error = &finished["error"];
    assert_eq!((ran.code, error["code"].as_str()), (1, Some("no_pull_request")), "{ran}");
    assert!(error["message"].as_str().unwrap().contains("GraphQL: no permission"), "{error}");
    assert!(error["fix"].as_str().unwrap().contains("gh pr create --head vk/t"), "{error}");
    assert!(finished["commit"].is_string());

    let provider = Provider::start(does("sed -i s/5/five/ a.txt"));
    let vk = with_gh(&provider, OPENED);
    std::fs::remove_dir_all(remote(&vk)).unwrap();
    let (ran, finished) = opens(&vk, &["--worktree"]);
    assert_eq!((ran.code, finished["error"]["code"].as_str()), (1, Some("not_pushed")), "{ran}");
    assert!(finished["error"]["fix"].as_str().unwrap().contains("push --set-upstream origin vk/t"), "{finished}");
    assert!(finished["commit"].is_string() && told(&vk).is_empty());
}
