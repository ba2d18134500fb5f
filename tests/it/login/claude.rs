//! `vk login claude`: a token of a plan, from a pipe or a hidden prompt, and nothing else in its place.

use super::browser::with_file;
use crate::support::env::Vk;
use crate::support::terminal;

const TOKEN: &str = "sk-ant-oat01-canary0123456789abcdefghijklmnopqrstuvwxyz";

#[test]
fn a_setup_token_is_kept_as_what_it_is() {
    let vk = with_file(Vk::new()).stdin(&format!("  {TOKEN}\r\n"));
    let ran = vk.run(&["login", "claude", "--token-stdin", "--label", "ci"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("Stored claude/ci") && ran.stderr.contains("cannot be verified"), "{ran}");
    assert!(!ran.stderr.contains("canary"), "{ran}");
    let row = vk.run(&["keys", "list", "--output", "json"]).json_lines()[0][0].clone();
    assert_eq!((&row["provider"], &row["kind"]), (&"claude".into(), &"setup_token".into()));
    assert!(row["account"].is_null());
    // It is nobody's API key.
    for (args, code) in [(&["keys", "test", "ci"][..], 2), (&["keys", "add", "claude", "--stdin"], 2)] {
        let ran = vk.run(args);
        assert_eq!(ran.code, code, "{ran}");
        assert!(!ran.stderr.contains("canary"), "{ran}");
    }
    let ran = vk.run(&["keys", "add", "anthropic", "--stdin"]);
    assert_eq!(ran.code, 3, "{ran}");
    assert!(ran.stderr.contains("vk login claude"), "{ran}");
}

#[test]
fn it_is_typed_without_being_shown() {
    let vk = with_file(Vk::new());
    let Some(mut session) = terminal::start(&vk, &["login", "claude"]) else { return };
    session.wait_for("(not shown): ");
    session.type_line(TOKEN);
    let ran = session.end();
    assert_eq!(ran.code, 0, "{ran}");
    assert!(!ran.stdout.contains("canary"), "{ran}");
}

#[test]
fn what_is_no_such_token_is_refused_with_the_command_that_takes_it() {
    for (text, code, words) in [
        ("sk-ant-api03-canary-0123456789", 3, "vk keys add anthropic"),
        ("sk-ant-oat01-canary0123456789\nabcdefghijklmnop", 3, "line break"),
        ("sk-or-v1-canary", 3, "vk keys add openrouter"),
        ("", 3, "empty"),
    ] {
        let vk = with_file(Vk::new()).stdin(text);
        let ran = vk.run(&["login", "claude", "--token-stdin"]);
        assert_eq!(ran.code, code, "{ran}");
        assert!(ran.stderr.contains(words) && !ran.stderr.contains("canary"), "{words}: {ran}");
        assert_eq!(vk.run(&["keys", "list", "--output", "json"]).stdout, "[]\n");
    }
    let ran = with_file(Vk::new()).run(&["login", "claude"]);
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains("--token-stdin"), "{ran}");
}
