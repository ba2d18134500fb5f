//! Every command in a hostile repository, before anything of it was trusted.

use super::repository::{Hostile, INNER, assert_shown_safely, paying};
use crate::support::terminal;

/// A file that chooses a payer and runs commands: it has to be trusted first.
pub const UNTRUSTED: &str = "path = \"byok\"\nprovider = \"anthropic\"\nmodel = \"best\"\nchecks = [\"@\"]\n\
    [worktree]\nsetup = [\"@\"]\n";

/// Each command with arguments that take it as far as it goes where nothing was set up.
const ARGUMENTS: &[(&str, &[&[&str]])] = &[
    ("run", &[&["go"], &["--dry-run", "go"], &["--worktree", "go"], &["--commit", "go"], &["--continue", "go"]]),
    ("batch", &[&["tasks.jsonl"], &["tasks.jsonl", "--dry-run"], &["tasks.jsonl", "--commit", "--worktree=carry"]]),
    ("exec", &[&["--", "true"], &["--", "git", "status"]]),
    ("keys add", &[&["anthropic", "--from-env", "NOT_SET"]]),
    ("keys list", &[&[], &["--output", "json"]]),
    ("keys test", &[&[]]),
    ("keys remove", &[&["default"]]),
    ("keys default", &[&["default"]]),
    ("keys init", &[&["--file"]]),
    ("login", &[&["claude", "--token-stdin"]]),
    ("logout", &[&[]]),
    ("whoami", &[&[], &["--output", "json"]]),
    ("use", &[&[], &["byok"], &["byok", "--personal"]]),
    ("route", &[&[], &["go", "--output", "json"]]),
    ("cost", &[&[], &["--by", "project"], &["--output", "html"]]),
    ("cost show", &[&["t1"]]),
    ("cost reconcile", &[&[]]),
    ("budget list", &[&[]]),
    ("budget set", &[&["5", "--per", "day", "--project"]]),
    ("budget clear", &[&["--per", "day"]]),
    ("budget settle", &[&["a1", "0.10"]]),
    ("import", &[&[]]),
    ("ledger copy", &[&["--to", "sqlite"]]),
    ("compare", &[&[]]),
    ("tasks list", &[&[]]),
    ("tasks show", &[&[]]),
    ("tasks diff", &[&[]]),
    ("tasks undo", &[&[]]),
    ("models list", &[&[]]),
    ("models pool", &[&[]]),
    ("models prices", &[&[], &["--diff"]]),
    ("models refresh", &[&["--from", "/nonexistent.json"]]),
    ("trust", &[&["--print"], &[]]),
    ("doctor", &[&[]]),
    ("demo", &[&[]]),
    ("completions", &[&["bash"]]),
    ("man", &[&[]]),
];

/// Each command line. A command that has no arguments here fails the test, so that none is forgotten.
pub fn all() -> Vec<Vec<String>> {
    let mut lines = Vec::new();
    for command in leaves(&vibekit::cli::args::visible(), "") {
        let (_, given) = ARGUMENTS.iter().find(|(name, _)| *name == command).unwrap_or_else(|| {
            panic!("vk {command} is not tried in a hostile repository: give it arguments in ARGUMENTS")
        });
        for arguments in *given {
            lines.push(command.split(' ').chain(arguments.iter().copied()).map(str::to_owned).collect());
        }
    }
    lines
}

/// The commands that have none below them, and those that do something by themselves.
fn leaves(command: &clap::Command, before: &str) -> Vec<String> {
    let mut all = Vec::new();
    for inner in command.get_subcommands() {
        let name = format!("{before} {}", inner.get_name()).trim().to_owned();
        if inner.get_subcommands().next().is_none() || !inner.is_subcommand_required_set() && name == "cost" {
            all.push(name.clone());
        }
        all.extend(leaves(inner, &name));
    }
    all
}

fn words(line: &[String]) -> Vec<&str> {
    line.iter().map(String::as_str).collect()
}

#[test]
fn no_command_runs_or_asks_anything_that_a_repository_brings() {
    let hostile = Hostile::new(Some(UNTRUSTED));
    for line in all() {
        for folder in [hostile.vk.project(), hostile.vk.project().join(INNER)] {
            let ran = hostile.ran_in(&folder, &words(&line));
            hostile.assert_untouched(&format!("{line:?} in {folder:?}"));
            // The page is a file, and the scripts of shells have what shells need.
            if !matches!(line[0].as_str(), "completions" | "man") {
                assert_shown_safely(&ran.stdout, &format!("{line:?}"));
            }
            assert_shown_safely(&ran.stderr, &format!("{line:?}"));
            assert!((0..=9).contains(&ran.code), "{line:?}: {ran}");
        }
    }
    assert!(hostile.provider.captured().is_empty(), "nothing was sent before trust");
    hostile.vk.run(&["doctor"]);
    hostile.assert_can_be_touched();
}

#[test]
fn whoever_is_there_is_shown_what_would_run_and_no_is_the_answer() {
    let hostile = Hostile::new(Some(UNTRUSTED));
    let line: Vec<&str> = ["run"].into_iter().chain(paying()).chain(["go"]).collect();
    let Some(mut session) = terminal::start(&hostile.vk, &line) else { return };
    let shown = session.wait_for("(n): ");
    assert!(shown.contains("check ") && shown.contains("touch "), "{shown}");
    session.type_line("");
    let ran = session.end();
    assert_eq!(ran.code, 7, "{ran}");
    hostile.assert_untouched("a question that was answered by Enter");
    assert!(hostile.provider.captured().is_empty());
}

/// What a project may hold beside vk.toml takes no part, also where a task is paid for.
#[test]
fn a_task_in_a_hostile_repository_runs_nothing_of_it() {
    let hostile = Hostile::new(None);
    let said = crate::support::turn::Turn::say("Done.").anthropic();
    for extra in [&[][..], &["--commit"], &["--worktree"]] {
        hostile.provider.then(crate::support::provider::Script::sse(&said));
        let mut line: Vec<String> = ["run"].into_iter().chain(paying()).map(str::to_owned).collect();
        line.extend(extra.iter().map(|flag| (*flag).to_owned()).chain(["go".to_owned()]));
        let ran = hostile.ran(&words(&line));
        hostile.assert_untouched(&format!("{line:?}"));
        assert_shown_safely(&ran.stderr, &format!("{line:?}"));
        // A repository whose head has no commit can have no worktree, and says so.
        assert!(ran.code == 0 || (ran.code == 2 && !extra.is_empty()), "{line:?}: {ran}");
    }
    hostile.provider.allow_leftovers();
    for request in hostile.provider.requests() {
        assert!(!request.json().to_string().contains("\\u001b"), "an escape reached the model");
    }
}
