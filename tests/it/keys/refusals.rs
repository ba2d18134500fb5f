//! What cannot be a key, or cannot be kept, is refused before anybody types one, with a command that helps.

use crate::config::{says, with_keys};
use crate::support::env::{PLANTED, Vk};
use crate::support::provider::{Provider, Script};
use crate::support::terminal::start;
use crate::support::turn::Turn;

const WORK: &str =
    "[providers.work]\nkind = \"platform\"\nwire = \"chat\"\nbase_url = \"https://llm.example.com/v1\"\n";

#[test]
fn what_cannot_be_a_key_is_not_stored() {
    let vk = with_keys(Vk::new().config(WORK), &[]);
    let vk = vk.var("SPACED", "a key").var("SHORT", "on").var("LETTERS", "schlüssel-im-haus");
    for (variable, words) in [("HOME", "a path"), ("SPACED", "space"), ("SHORT", "short"), ("LETTERS", "no key has")] {
        let ran =
            says(&vk, &["keys", "add", "work", "--from-env", variable], 3, &[variable, words, "fix: vk keys add"]);
        assert!(!ran.stderr.contains("Stored"), "{ran}");
    }
    says(&vk, &["keys", "add", "anthropic", "--from-env", "NOPE"], 3, &["NOPE is not set", "fix: vk keys add"]);
    says(&vk, &["keys", "list"], 0, &["No key is stored"]);
}

#[test]
fn a_label_that_several_providers_have_gets_whole_commands() {
    let vk = with_keys(Vk::new(), &["anthropic/default", "openai/default"]);
    for command in ["remove", "default", "test"] {
        let first = format!("fix: vk keys {command} default --provider ");
        says(&vk, &["keys", command, "default"], 2, &[&first, "anthropic\n", "openai\n"]);
    }
}

#[cfg(unix)]
#[test]
fn the_store_is_tried_before_the_key_is_asked_for() {
    // There is no session bus here, so no keyring.
    let Some(mut adding) = start(&Vk::new(), &["keys", "add", "anthropic"]) else { return };
    adding.wait_for("Keep keys in an age-encrypted file instead?");
    adding.wait_for("(n):");
    adding.type_line("n");
    let ran = adding.end();
    assert!(ran.code == 3 && !ran.stdout.contains("not shown"), "{ran}");
}

#[cfg(unix)]
#[test]
fn a_named_provider_without_a_key_gets_one_and_the_waiting_task_runs() {
    let provider = Provider::start([Script::sse(&Turn::say("All done.").anthropic())]);
    let vk = with_keys(Vk::new().provider("anthropic", &provider.url()), &[]);
    let args = ["run", "--path", "byok", "--provider", "anthropic", "fix it"];
    says(&vk, &args, 3, &["no key of anthropic is stored", "fix: vk keys add anthropic"]);
    let Some(mut running) = start(&vk, &args) else { return };
    running.wait_for("No key of anthropic is stored. Store one now, and go on with the task?");
    running.wait_for("(n):");
    running.type_line("y");
    running.wait_for("(not shown)");
    running.type_line(PLANTED[0].1);
    running.wait_for("Stored anthropic/default");
    running.wait_for("All done.");
    let ran = running.end();
    assert_eq!(ran.code, 0, "{ran}");
    vk.assert_no_leak(&ran);
}

#[cfg(target_os = "linux")]
#[test]
fn where_nothing_could_be_recorded_nothing_is_said_to_be_spent() {
    let vk = Vk::new().var("VK_DATA_DIR", "/proc/vk");
    let ran = says(&vk, &["cost"], 9, &["/proc/vk cannot be written", "fix: "]);
    assert!(!ran.stderr.contains("Nothing has been spent"), "{ran}");
}
