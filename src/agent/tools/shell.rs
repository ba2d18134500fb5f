//! One command in the sandbox and what it came to, as the model hears it. What a command may do is the sandbox's;
//! here is only what a person is asked and what is said.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use super::arguments::quote_for_shell;
use super::output::render;
use super::{Family, place};
use crate::agent::approvals::{Answer, Approvals};
use crate::base::shell;
use crate::domain::failure::{Failure, Status as Ended};
use crate::domain::message::Block;
use crate::sandbox::{Command, MOST_PROCESSES, Output, Sandbox, SandboxError, Status, Tampered};

const DEFAULT: Duration = Duration::from_mins(2);
const LONGEST: Duration = Duration::from_mins(10);
const SHORTEST: Duration = Duration::from_secs(1);
/// Bytes kept from each end before progress bars and colours are taken out.
const KEPT: usize = 64 * 1024;
/// Hosts asked about after one command; a command cannot flood a person with questions.
pub(super) const ASKED: usize = 3;

/// What a tool came to.
pub(super) struct Ran {
    pub(super) text: String,
    pub(super) ok: bool,
    /// Of a command that ended by itself.
    pub(super) exit_code: Option<i32>,
    pub(super) images: Vec<Block>,
    pub(super) end: Option<Failure>,
}

impl Ran {
    pub(super) fn ok(text: impl Into<String>) -> Self {
        Self { text: text.into(), ok: true, exit_code: None, images: Vec::new(), end: None }
    }

    pub(super) fn error(text: impl Into<String>) -> Self {
        Self { ok: false, ..Self::ok(text) }
    }
}

pub(super) struct Request<'a> {
    pub(super) family: Family,
    pub(super) root: &'a Path,
    pub(super) script: &'a str,
    pub(super) timeout: Option<Duration>,
    pub(super) workdir: Option<&'a str>,
}

/// Asks where the mode says so, runs, and asks about hosts that were refused.
pub(super) async fn run(sandbox: &Sandbox, approvals: &mut Approvals, request: Request<'_>) -> Ran {
    let script = match script(&request) {
        Ok(script) => script,
        Err(why) => return Ran::error(format!("Nothing was run: {why}.")),
    };
    if let Answer::No(why) = approvals.command(&script).await {
        return Ran::error(format!("Not run: {why}."));
    }
    let timeout = request.timeout.unwrap_or(DEFAULT).clamp(SHORTEST, LONGEST);
    let command = Command { head: KEPT, tail: KEPT, ..Command::new(script.as_str()).timeout(timeout) };
    let output = match sandbox.run(command).await {
        Ok(output) => output,
        Err(error) => return ended(error),
    };
    let mut text = render(&output.output);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&status(&output, &request, timeout));
    let mut end = None;
    if let Some(tampered) = &output.tampered {
        let _ = write!(text, "\n[{}: {}]", tampered.path, tampered.what);
        end = tampered.ends_task.then(|| tampering(tampered));
    }
    if end.is_none() {
        for host in &output.denied_hosts {
            let said = reach(sandbox, approvals, host, &output.denied_hosts).await;
            let _ = write!(text, "\n[network: {said}]");
        }
    }
    let exit_code = match output.status {
        Status::Exited(code) => Some(code),
        _ => None,
    };
    Ran { ok: output.success(), exit_code, end, ..Ran::ok(text) }
}

/// The script that is run and shown: a folder that was asked for is entered first.
fn script(request: &Request) -> Result<String, String> {
    if request.script.trim().is_empty() {
        return Err("the command is empty".to_owned());
    }
    if request.script.contains('\0') {
        return Err("the command holds a NUL character".to_owned());
    }
    let Some(workdir) = request.workdir.filter(|dir| !dir.is_empty()) else { return Ok(request.script.to_owned()) };
    let dir = place::resolve(request.root, workdir).map_err(|error| error.to_string())?;
    let dir = request.root.join(dir);
    Ok(format!("cd {} || exit\n{}", quote_for_shell(&dir.to_string_lossy()), request.script))
}

fn status(output: &Output, request: &Request, timeout: Duration) -> String {
    let seconds = timeout.as_secs();
    match output.status {
        Status::Exited(127) if request.script.trim_start().starts_with("apply_patch") => {
            "[exit 127: apply_patch is a tool of its own, not a command]".to_owned()
        }
        Status::Exited(code) if output.output == crate::sandbox::Captured::default() => {
            format!("[exit {code}, no output]")
        }
        Status::Exited(code) => format!("[exit {code}]"),
        Status::Signalled(9) => "[killed by signal 9; out of memory, perhaps]".to_owned(),
        Status::Signalled(signal) => format!("[killed by signal {signal}]"),
        Status::TimedOut => {
            let longer = match request.family {
                Family::Anthropic => "",
                _ if timeout >= LONGEST => "; that is the longest a command may take",
                Family::OpenAi => "; timeout_ms may be up to 600000",
                Family::Plain => "; timeout_s may be up to 600",
            };
            format!("[stopped after {seconds} s{longer}]")
        }
        Status::Crowded => format!("[ended: it had more than {MOST_PROCESSES} processes at once]"),
        Status::Interrupted => "[interrupted]".to_owned(),
    }
}

/// Asks for one host, and says what the model should know.
async fn reach(sandbox: &Sandbox, approvals: &mut Approvals, host: &str, all: &[String]) -> String {
    if all.iter().position(|other| other == host).is_some_and(|index| index >= ASKED) {
        return format!("{host} is out of reach");
    }
    match approvals.network(host).await {
        Answer::No(why) => why,
        Answer::Yes => match sandbox.allow_host(host) {
            Ok(()) => format!("the user now allows {host}; run the command again"),
            Err(error) => format!("{host} stays out of reach: {error}"),
        },
    }
}

/// Starts the shell afresh.
pub(super) async fn restart(sandbox: &Sandbox) -> Ran {
    match sandbox.restart().await {
        Ok(()) => Ran::ok("[the shell was restarted]"),
        Err(error) => ended(error),
    }
}

fn ended(error: SandboxError) -> Ran {
    let text = format!("[{error}]");
    Ran { end: Some(error.into()), ..Ran::error(text) }
}

/// A command changed what only the user may change, behind a sandbox that cannot forbid it.
fn tampering(tampered: &Tampered) -> Failure {
    let failure = Failure::new(
        Ended::NoSandbox,
        "protected_changed",
        format!("a command of the model changed {}: {}", tampered.path, tampered.what),
    );
    let failure = failure.fix("sudo apt-get install bubblewrap   # a full sandbox forbids it beforehand");
    if tampered.restored { failure } else { failure.fix(format!("git diff; ls -la {}", shell::word(&tampered.path))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(script: &str, workdir: Option<&str>) -> Result<String, String> {
        let request = Request { family: Family::Plain, root: Path::new("/w/app"), script, timeout: None, workdir };
        self::script(&request)
    }

    /// SECURITY row 21: a folder the model names never widens anything.
    #[test]
    fn a_folder_is_entered_only_inside_the_project() {
        assert_eq!(asked("ls", None).unwrap(), "ls");
        assert_eq!(asked("ls", Some("it's")).unwrap(), "cd '/w/app/it'\\''s' || exit\nls");
        assert_eq!(asked("ls", Some("/w/app/src")).unwrap(), "cd /w/app/src || exit\nls");
        for outside in ["/", "~", "..", "/w/app-evil", "a/../../b"] {
            assert!(asked("ls", Some(outside)).unwrap_err().contains("outside"), "{outside}");
        }
        assert!(asked("  \n", None).is_err());
        assert!(asked("a\0b", None).is_err());
    }
}
