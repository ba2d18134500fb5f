//! Members that keep prompts or train on them: out until the person of a project says otherwise, once.

use serde_json::json;

use super::{FREE, asked, done, error, two, user};
use crate::run::report;
use crate::support::provider::Script;
use crate::support::terminal::start;

fn refused() -> Script {
    let words = "No endpoints found matching your data policy (Free model training). Configure: https://openrouter.ai/settings/privacy";
    error(404, words, &json!({}))
}

#[test]
fn who_trains_is_passed_over_and_headless_nobody_is_asked() {
    let (gateway, vk) = user(two(), [refused(), done("a/second:free"), refused()]);
    let ran = vk.run(&[&FREE[..], &["go"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(asked(&gateway), ["a/first:free", "a/second:free"]);
    assert_eq!(gateway.requests()[0].json()["provider"]["data_collection"], "deny");
    // The one that refused is not asked again; when the last refuses too, the task ends with one sentence.
    let (ran, finished) = report(&vk, &FREE, &["go"]);
    assert_eq!((ran.code, finished["error"]["code"].as_str()), (7, Some("training_not_allowed")), "{ran}");
    let message = finished["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("no free model is left that does not keep prompts or train on them"), "{ran}");
    assert!(message.contains("2 of 2 would answer once you allow it for this project"), "{ran}");
    assert!(finished["error"]["fix"].as_str().unwrap().contains("vk models pool --allow-training"), "{ran}");
    assert_eq!(gateway.requests().len(), 3);
    // The command of the fix works, says the numbers, and the request says it too.
    let allowed = vk.run(&["models", "pool", "--allow-training"]);
    assert_eq!(allowed.code, 0, "{allowed}");
    gateway.then(done("a/first:free"));
    let ran = vk.run(&[&FREE[..], &["go"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    let last = gateway.requests().pop().unwrap().json();
    assert_eq!((&last["model"], &last["provider"]["data_collection"]), (&json!("a/first:free"), &json!("allow")));
    assert_eq!(last["provider"]["max_price"], json!({"prompt": 0.0, "completion": 0.0}), "free all the same");
    assert_eq!(vk.run(&["models", "pool", "--deny-training"]).code, 0);
    let ran = vk.run(&[&FREE[..], &["go"]].concat());
    assert_eq!(ran.code, 7, "{ran}");
}

#[test]
fn in_a_terminal_it_is_asked_once_with_the_numbers_and_no_is_the_default() {
    let (gateway, vk) = user(two(), [refused(), refused()]);
    let Some(mut run) = start(&vk, &[&FREE[..], &["go"]].concat()) else { return };
    run.wait_for("2 members of 2 of the free pool answer only where prompts may be kept or");
    run.wait_for("Use them in this project too, from now on?");
    run.type_keys("\n");
    let ran = run.end();
    assert_eq!(ran.code, 7, "{ran}");
    // A no is remembered: nobody is asked again, and nothing is sent.
    let Some(run) = start(&vk, &[&FREE[..], &["go"]].concat()) else { return };
    let ran = run.end();
    assert_eq!((ran.code, gateway.requests().len()), (7, 2), "{ran}");
    assert!(!ran.stdout.contains("from now on?"), "{ran}");
}

#[test]
fn a_yes_goes_on_at_once_and_holds_for_this_project_alone() {
    let (gateway, vk) = user(two(), [refused(), refused(), done("a/first:free"), done("a/first:free")]);
    let Some(mut run) = start(&vk, &[&FREE[..], &["go"]].concat()) else { return };
    run.wait_for("Use them in this project too, from now on?");
    run.type_keys("y\n");
    run.wait_for("Done.");
    run.type_keys("\n");
    let ran = run.end();
    assert_eq!(ran.code, 0, "{ran}");
    let sent: Vec<_> =
        gateway.requests().iter().map(|request| request.json()["provider"]["data_collection"].clone()).collect();
    assert_eq!(sent, ["deny", "deny", "allow"]);
    assert_eq!(vk.run(&[&FREE[..], &["go"]].concat()).code, 0, "remembered");
    let other = vk.home().join("other");
    std::fs::create_dir(&other).unwrap();
    let mut command = vk.command(&[&FREE[..], &["go"]].concat());
    let out = command.current_dir(&other).output().unwrap();
    assert_eq!(out.status.code(), Some(7), "{}", String::from_utf8_lossy(&out.stderr));
}

/// The user's own file may allow it for every project.
#[test]
fn the_users_file_allows_it_everywhere() {
    let (gateway, vk) = user(two(), [done("a/first:free")]);
    let vk = vk.config("[free]\nallow_training = true\n");
    let ran = vk.run(&[&FREE[..], &["go"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(gateway.requests()[0].json()["provider"]["data_collection"], "allow");
}
