//! The completion scripts and the manual page: those in the repository are the program's own, and the shells that are
//! here load and use them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::env::Vk;

/// The shells, and the files in which their users expect the script.
const FILES: [(&str, &str); 5] =
    [("bash", "vk.bash"), ("zsh", "_vk"), ("fish", "vk.fish"), ("elvish", "vk.elv"), ("powershell", "_vk.ps1")];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("completions")
}

#[test]
fn the_scripts_in_the_repository_are_current() {
    for (shell, file) in FILES {
        let ran = Vk::new().run(&["completions", shell]);
        assert_eq!(ran.code, 0, "{ran}");
        let kept = std::fs::read_to_string(folder().join(file)).unwrap_or_default();
        assert!(kept == ran.stdout, "completions/{file} is old: vk completions {shell} > completions/{file}");
        assert!(!ran.stdout.contains("__sandbox"), "{shell} completes what is not for people");
    }
}

#[test]
fn an_unknown_shell_is_told_with_the_known_ones() {
    let ran = Vk::new().run(&["completions", "zhs"]);
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains("bash, elvish, fish, powershell, zsh"), "{ran}");
}

#[test]
fn the_manual_page_has_every_command_and_no_broken_request() {
    let ran = Vk::new().run(&["man"]);
    assert_eq!(ran.code, 0, "{ran}");
    for section in ["VK RUN", "VK KEYS ADD", "VK USE", "VK COST SHOW", "VK TASKS UNDO"] {
        assert!(ran.stdout.contains(&format!(".SH \"{section}\"\n")), "{section}");
    }
    assert!(!ran.stdout.contains("__sandbox"));
    if !exists("groff") {
        return;
    }
    let page = Vk::new().file("vk.1", &ran.stdout);
    let mut groff = Command::new("groff");
    let shown = groff.args(["-man", "-Tutf8", "-ww", "-z"]).arg(page.project().join("vk.1")).output().unwrap();
    assert!(shown.stderr.is_empty(), "{}", String::from_utf8_lossy(&shown.stderr));
}

/// Whether the program is here; said where it is not.
#[allow(clippy::print_stdout, reason = "a skipped test must be seen")]
fn exists(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok_and(|shown| shown.status.success());
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}

#[cfg(unix)]
mod shells {
    use super::{Command, Vk, exists, folder};
    use crate::support::terminal::{Session, start_program};

    fn shell(vk: &Vk, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).current_dir(vk.project()).env_clear();
        command.envs([("PATH", "/usr/local/bin:/usr/bin:/bin"), ("PS1", "$ "), ("LANG", "C.UTF-8")]);
        command.env("HOME", vk.home()).env("ZDOTDIR", vk.home());
        command
    }

    /// Types the beginnings, each with a tab, and waits for what the shell makes of them.
    fn complete(session: &mut Session) {
        for (typed, wanted) in [
            ("vk ke\t", "vk keys "),
            ("\u{15}vk use by\t", "vk use byok "),
            ("\u{15}vk run --approve ed\t", "--approve edits "),
            ("\u{15}vk keys init --fi\t", "vk keys init --file"),
        ] {
            session.type_keys(typed);
            session.wait_for(wanted);
        }
    }

    #[test]
    fn bash_completes() {
        if !exists("bash") {
            return;
        }
        let vk = Vk::new();
        let Some(mut bash) = start_program(&shell(&vk, "bash", &["--norc", "--noprofile", "-i"])) else { return };
        bash.wait_for("$ ");
        bash.type_line(&format!("source '{}'; echo load''ed", folder().join("vk.bash").display()));
        bash.wait_for("loaded");
        complete(&mut bash);
    }

    #[test]
    fn zsh_completes() {
        if !exists("zsh") {
            return;
        }
        let vk = Vk::new();
        let Some(mut zsh) = start_program(&shell(&vk, "zsh", &["-f", "-i"])) else { return };
        let load = "autoload -Uz compinit && compinit -u -D && echo load''ed";
        zsh.type_line(&format!("fpath=('{}' $fpath) && {load}", folder().display()));
        zsh.wait_for("loaded");
        complete(&mut zsh);
    }

    #[test]
    fn fish_completes() {
        if !exists("fish") {
            return;
        }
        let vk = Vk::new();
        let script = format!(
            "source '{}'; for line in 'vk ke' 'vk use by' 'vk run --approve ed' 'vk keys init --fi'; complete -C $line; end",
            folder().join("vk.fish").display()
        );
        let shown = shell(&vk, "fish", &["--no-config", "-c", &script]).output().unwrap();
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        let words: Vec<&str> = shown.lines().filter_map(|line| line.split('\t').next()).collect();
        assert_eq!(words, ["keys", "byok", "edits", "--file"], "{shown}");
    }
}
