//! The commands that errors offer: pasted as they stand, they go on with the task as it was asked for.

use serde_json::json;

use super::payer::{CREDITS, PLATFORM, two_payers};
use super::{ANTHROPIC, anthropic, report};
use crate::support::env::{Ran, Vk, code_of};
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;

fn fixes(finished: &serde_json::Value) -> Vec<String> {
    finished["error"]["fix"].as_str().unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Runs a line as a shell takes it, with this `vk` for the word.
fn paste(vk: &Vk, line: &str) -> Ran {
    let program = env!("CARGO_BIN_EXE_vk");
    let known = vk.command(&[]);
    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg(format!("vk() {{ '{program}' \"$@\"; }}\n{line}")).current_dir(vk.project()).env_clear();
    shell.envs(known.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let out = shell.stdin(std::process::Stdio::null()).output().unwrap();
    Ran {
        code: code_of(out.status),
        stdout: String::from_utf8_lossy(&out.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&out.stderr).into_owned(),
    }
}

#[test]
fn going_on_after_a_failed_check_keeps_the_check_and_what_held_the_task() {
    let ends = || Script::sse(&Turn::say("ok").anthropic());
    let provider = Provider::start([
        ends(),
        Script::sse(&Turn::new().tool("t1", "bash", json!({"command": "touch made"})).anthropic()),
        ends(),
    ]);
    let vk = anthropic(&provider);
    let args =
        ["--check", "test -f made", "--check-rounds", "0", "--max-turns", "9", "--allow-network=registries", "go"];
    let (ran, finished) = report(&vk, &ANTHROPIC, &args);
    assert_eq!((ran.code, finished["status"].as_str()), (1, Some("check_failed")), "{ran}");
    let fix = fixes(&finished).remove(0);
    assert_eq!(
        fix,
        "vk run --continue --check-rounds 2 --path byok --provider anthropic --key env:TEST_ANTHROPIC_KEY \
         --max-turns 9 --allow-network=registries --check 'test -f made' \"make the checks pass\""
    );
    let again = paste(&vk, &fix);
    assert_eq!(again.code, 0, "{again}");
    assert!(vk.project().join("made").exists());
    assert!(again.stderr.contains("test -f made"), "the check ran: {again}");
}

#[test]
fn the_variable_that_pays_is_not_an_ignored_one() {
    let provider = Provider::start([]);
    let vk = anthropic(&provider).var("ANTHROPIC_API_KEY", "sk-ant-api03-mine").var("OPENAI_API_KEY", "sk-proj-other");
    let args = ["run", "--path", "byok", "--provider", "anthropic", "--key", "env:ANTHROPIC_API_KEY", "--dry-run"];
    let ran = vk.run(&[&args[..], &["--output", "stream-json", "go"]].concat());
    assert_eq!(ran.json_lines()[0]["ignored_ambient"], json!(["OPENAI_API_KEY"]), "{ran}");
    let ran = vk.run(&[&args[..], &["go"]].concat());
    assert!(!ran.stderr.contains("ignored ambient ANTHROPIC_API_KEY"), "{ran}");
}

#[test]
fn wrong_arguments_end_the_json_wherever_the_flag_stands_and_offer_a_command() {
    let cases: [&[&str]; 5] = [
        &["run", "--bogus", "--output", "json"],
        &["run", "--output=json", "--bogus", "go"],
        &["run", "go", "--chek=x", "--output", "stream-json"],
        &["run", "--output", "json", "--model"],
        &["run", "--max-turns", "0", "go", "--output=stream-json"],
    ];
    let vk = Vk::new();
    for args in cases {
        let ran = vk.run(args);
        let lines = ran.json_lines();
        assert_eq!((ran.code, lines.len(), lines[0]["status"].as_str()), (2, 1, Some("usage")), "{ran}");
        assert_eq!(lines[0]["type"], "task.finished", "{ran}");
        assert!(fixes(&lines[0]).iter().any(|fix| fix == "vk run --help"), "{ran}");
    }
    for (args, fix) in [
        (&["rute"][..], "  fix: vk route\n"),
        (&["keys", "remove"], "  fix: vk keys remove --help\n"),
        (&["cost", "--by", "modle"], "  fix: vk cost --by model\n"),
        (&["tasks", "--bogus"], "  fix: vk tasks --help\n"),
    ] {
        let ran = vk.run(args);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran}");
        assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains(fix), "{ran}");
    }
}

#[test]
fn an_account_without_credit_gets_the_other_payers_and_the_page_to_top_up() {
    let gateway = Provider::start([Script::json(402, CREDITS)]);
    let own = Provider::start([Script::sse(&Turn::say("Done by the other.").anthropic())]);
    let vk = two_payers(&gateway, &own, "");
    let (ran, finished) = report(&vk, &PLATFORM, &["--max-turns", "5", "go"]);
    assert_eq!(ran.code, 4, "{ran}");
    assert!(own.captured().is_empty(), "offered, not taken");
    let fix = fixes(&finished).remove(0);
    assert_eq!(fix, "vk run --continue --path platform --provider spare --model house --max-turns 5");
    let again = paste(&vk, &fix);
    assert_eq!((again.code, again.stdout.trim()), (0, "Done by the other."), "{again}");

    let body = r#"{"type":"error","error":{"type":"billing_error","message":"no credit"}}"#;
    let (_, finished) = report(&anthropic(&Provider::start([Script::json(402, body)])), &ANTHROPIC, &["go"]);
    let message = finished["error"]["message"].as_str().unwrap();
    assert!(message.contains("no credit") && message.contains("https://platform.claude.com/settings/billing"));
    assert!(fixes(&finished)[0].starts_with("vk run --continue --path byok --provider anthropic "), "{finished}");
}

#[test]
fn a_fallback_that_cannot_be_used_hides_neither_the_first_cause_nor_a_way_out() {
    let gateway = Provider::start([Script::json(402, CREDITS)]);
    let own = Provider::start([]);
    let edge = "[fallback]\n\"platform:work -> byok:openai/nokey\" = \"2.00\"\n";
    let (ran, finished) = report(&two_payers(&gateway, &own, edge), &PLATFORM, &["go"]);
    assert_eq!((ran.code, finished["status"].as_str()), (4, Some("payer_blocked")), "{ran}");
    let message = finished["error"]["message"].as_str().unwrap();
    assert!(message.contains("Insufficient credits") && message.contains("openai/nokey"), "{message}");
    let fixes = fixes(&finished);
    assert!(fixes.iter().any(|fix| fix == "vk keys add openai --label nokey"), "{fixes:?}");
    assert!(fixes[0].starts_with("vk run --continue --path platform --provider spare"), "{fixes:?}");

    let gateway = Provider::start([Script::json(402, CREDITS)]);
    let own = Provider::start([Script::json(401, "{}")]);
    let edge = "[fallback]\n\"platform:work -> platform:spare\" = \"2.00\"\n";
    let (ran, finished) = report(&two_payers(&gateway, &own, edge), &PLATFORM, &["go"]);
    assert_eq!((ran.code, finished["status"].as_str()), (4, Some("payer_blocked")), "the first cause decides: {ran}");
    assert!(finished["error"]["message"].as_str().unwrap().contains("spare does not accept"), "{ran}");
}

#[test]
fn the_cost_of_the_last_task_needs_no_id() {
    let provider = Provider::start([Script::sse(&Turn::say("ok").tokens(1_000, 100).anthropic())]);
    let vk = anthropic(&provider);
    let (_, finished) = report(&vk, &ANTHROPIC, &["go"]);
    let shown = vk.run(&["cost", "show"]);
    assert!(shown.code == 0 && shown.stdout.contains(finished["task_id"].as_str().unwrap()), "{shown}");
    assert!(vk.run(&["cost", "--since", "2020-01-01", "--until", "2020-01-02"]).stderr.contains("vk tasks list"));
}
