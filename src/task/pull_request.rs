//! A pull request of the task's commit: pushed with git and opened with GitHub's own `gh`, both with the user's own
//! logins. These two are the only things of a task that run outside the sandbox, and neither runs what the repository
//! names: no hook, no helper, no address of its configuration that says more than where to push.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::commit::Message;
use super::git::Git;
use crate::agent::cancel::Cancel;
use crate::base::env::Env;
use crate::base::mask::looks_secret;
use crate::base::shell;
use crate::domain::failure::{Failure, Status};

/// A push over a slow line.
const LONGEST: Duration = Duration::from_mins(10);
const MOST_BYTES: usize = 16 * 1024;

/// What a pull request needs, found before anything is spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    gh: PathBuf,
    remote: String,
}

/// # Errors
/// Exit 2: no `gh`, nowhere to push, or a branch that a pull request would go to rather than come from. `branch` is
/// the one that will be committed to; `None` is the tree's own.
pub fn ready(env: &Env, git: &Git, branch: Option<&str>) -> Result<Way, Failure> {
    let Some(gh) = env.find_program("gh", Some(git.tree())) else {
        return Err(Failure::usage("no_gh", "gh is not installed")
            .why("--pr opens the pull request with GitHub's own program, with your login there")
            .fix("sudo apt-get install gh   # or as https://cli.github.com says")
            .fix("gh auth login"));
    };
    let own = git.line(["symbolic-ref", "--quiet", "--short", "HEAD"]).ok();
    let remotes = git.line(["remote"]).unwrap_or_default();
    let configured = own.as_ref().and_then(|own| git.line(["config", "--get", &format!("branch.{own}.remote")]).ok());
    let known = |name: &str| remotes.lines().any(|remote| remote == name);
    let remote = configured.filter(|name| known(name)).or_else(|| match remotes.lines().collect::<Vec<_>>()[..] {
        [only] => Some(only.to_owned()),
        _ => Some("origin".to_owned()).filter(|name| known(name)),
    });
    let Some(remote) = remote else {
        return Err(Failure::usage("no_remote", "the repository has nowhere to push to")
            .why("a pull request needs a remote")
            .fix("gh repo create --source . --push"));
    };
    if !git.runs_on_push.is_empty() {
        return Err(Failure::usage("push_runs_programs", "vk does not push here")
            .why(format!(
                "the repository's own .git/config sets {}, and a push would follow it outside the sandbox",
                git.runs_on_push.join(", ")
            ))
            .fix("vk run --worktree --commit \"...\"   # then: git push and gh pr create"));
    }
    if branch.is_none() {
        let default = git.line(["symbolic-ref", "--quiet", "--short", &format!("refs/remotes/{remote}/HEAD")]).ok();
        let default = default.and_then(|name| name.strip_prefix(&format!("{remote}/")).map(str::to_owned));
        let is_target = |own: &str| default.as_ref().map_or(matches!(own, "main" | "master"), |name| name == own);
        match own {
            Some(own) if !is_target(&own) => {}
            Some(own) => {
                return Err(Failure::usage(
                    "on_the_target",
                    format!("a pull request goes to {own}, and this tree is on it"),
                )
                .why("it comes from a branch of its own")
                .fix("vk run --worktree --pr \"...\"")
                .fix("git switch -c my-change"));
            }
            None => {
                return Err(Failure::usage("no_branch", "this tree is on no branch")
                    .why("HEAD is detached, and a pull request comes from a branch")
                    .fix("vk run --worktree --pr \"...\"")
                    .fix("git switch -c my-change"));
            }
        }
    }
    Ok(Way { gh, remote })
}

/// Pushes the branch and opens the pull request; gives its address. `key` is the variable that pays for the task.
///
/// # Errors
/// Exit 1 with what the program said; the commit is there.
pub async fn open(
    env: &Env,
    git: &Git,
    way: &Way,
    message: &Message<'_>,
    key: Option<&str>,
    interactive: bool,
    cancel: &Cancel,
) -> Result<String, Failure> {
    let branch = git.line(["symbolic-ref", "--quiet", "--short", "HEAD"]).map_err(|error| {
        Failure::new(Status::GaveUp, "not_pushed", "the branch to push is not known").why(error.to_string())
    })?;
    let reference = format!("refs/heads/{branch}:refs/heads/{branch}");
    let at = shell::path(git.tree());
    let by_hand = [
        format!("git -C {at} push --set-upstream {} {}", shell::word(&way.remote), shell::word(&branch)),
        format!("cd {at} && gh pr create --head {} --fill", shell::word(&branch)),
    ];
    let failed = |code: &'static str, what: &str, said: String| {
        let failure = Failure::new(Status::GaveUp, code, what).why(said);
        by_hand.iter().skip(usize::from(code == "no_pull_request")).fold(failure, Failure::fix)
    };
    let mut push = outside(env, git, git.program(), key, interactive);
    push.args(["push", "--set-upstream", &way.remote, &reference]);
    said(push, cancel)
        .await?
        .map_err(|said| failed("not_pushed", "the commit is there and could not be pushed", said))?;
    let mut create = outside(env, git, &way.gh, key, false);
    let body = format!("{}\n\n```\n{}```\n", message.body(), message.trailers());
    create.args(["pr", "create", "--head", &branch, "--title", &message.subject(), "--body", body.trim_start()]);
    let answer = said(create, cancel)
        .await?
        .map_err(|said| failed("no_pull_request", "the commit is pushed and gh opened no pull request", said))?;
    Ok(answer.lines().rev().find(|line| line.starts_with("https://")).unwrap_or(answer.trim()).trim().to_owned())
}

/// A program with the user's own environment, less the providers' credentials, in which git is held.
fn outside(env: &Env, git: &Git, program: &Path, key: Option<&str>, interactive: bool) -> Command {
    let mut command = Command::new(program);
    // No key of a provider's, under whatever name; GitHub's own tokens are what gh needs. And nothing that points
    // git at another repository or program.
    let own = env.without_ambient().filter(|(name, value)| {
        let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
        let is_github = name.starts_with("GH_") || name.starts_with("GITHUB_");
        (is_github || !looks_secret(&value)) && (!name.starts_with("GIT_") || name.starts_with("GIT_SSH"))
    });
    command.current_dir(git.tree()).env_clear().envs(own);
    if let Some(named) = key {
        command.env_remove(named);
    }
    command
        .envs(git.held_outside())
        .env("GH_PROMPT_DISABLED", "1")
        .env("GH_NO_UPDATE_NOTIFIER", "1")
        .env("NO_COLOR", "1");
    command
        .env("GIT_ALLOW_PROTOCOL", "file:http:https:ssh")
        .env("GIT_TERMINAL_PROMPT", if interactive { "1" } else { "0" });
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// What a program printed; the inner error is what it said when it did not do it.
async fn said(mut command: Command, cancel: &Cancel) -> Result<Result<String, String>, Failure> {
    let output = tokio::select! {
        biased;
        signal = cancel.cancelled() => return Err(signal.failure()),
        output = tokio::time::timeout(LONGEST, command.output()) => output,
    };
    let output = match output {
        Err(_) => return Ok(Err(format!("it did not end within {} minutes", LONGEST.as_secs() / 60))),
        Ok(Err(error)) => return Ok(Err(error.to_string())),
        Ok(Ok(output)) => output,
    };
    let bytes = if output.status.success() { output.stdout } else { output.stderr };
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MOST_BYTES)]).trim().to_owned();
    Ok(if output.status.success() { Ok(text) } else { Err(text) })
}
