//! A model that tries to leave the project by every kind of path: nothing outside is read or written.

use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use super::{ANTHROPIC, OPENAI, anthropic, report};
use crate::support::env::Vk;
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;

const EDITOR: &str = "str_replace_based_edit_tool";

#[test]
fn no_path_of_a_file_tool_leads_out_of_the_project() {
    let make = |path: &str| json!({"command": "create", "path": path, "file_text": "pwned\n"});
    let view = |path: &str| json!({"command": "view", "path": path});
    let edit = |path: &str| json!({"command": "str_replace", "path": path, "old_str": "canary", "new_str": "pwned"});
    let tries: Vec<Value> = vec![
        make("../home/new"),
        make("sub/../../home/new"),
        make("out/new"),
        make("linked"),
        edit("linked"),
        edit("hard"),
        view("linked"),
        view("out/secret"),
        view("../home/secret"),
        view("/proc/self/environ"),
        make("/proc/self/comm"),
        make(".git/hooks/pre-commit"),
        make("vk.toml"),
    ];
    let mut turn = Turn::new();
    for (n, input) in tries.iter().enumerate() {
        turn = turn.tool(&format!("t{n}"), EDITOR, input.clone());
    }
    let provider = Provider::start([Script::sse(&turn.anthropic()), Script::sse(&Turn::say("ok").anthropic())]);
    let vk = anthropic(&provider).file("a.txt", "a\n").git();
    let secret = vk.home().join("secret");
    std::fs::write(&secret, "canary of the home\n").unwrap();
    symlink(vk.home(), vk.project().join("out")).unwrap();
    symlink(&secret, vk.project().join("linked")).unwrap();
    std::fs::hard_link(&secret, vk.project().join("hard")).unwrap();
    let (ran, finished) = report(&vk, &ANTHROPIC, &["go"]);
    assert_eq!((ran.code, &finished["files_changed"]), (0, &json!([])), "{ran}");
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "canary of the home\n");
    assert!(!vk.home().join("new").exists() && !vk.project().join(".git/hooks/pre-commit").exists());
    let told = provider.requests()[1].json()["messages"].clone();
    let results = told[2]["content"].as_array().unwrap();
    assert_eq!(results.len(), tries.len());
    for (result, input) in results.iter().zip(&tries) {
        assert_eq!(result["is_error"], true, "{input}: {result}");
        assert!(!result["content"].to_string().contains("canary of the home"), "{input}: {result}");
    }
}

#[test]
fn a_working_directory_that_the_model_chooses_stays_in_the_sandbox() {
    let call = |id: &str, folder: &str| {
        Turn::new().tool(id, "shell", json!({"command": "cat secret; touch pwned; pwd", "workdir": folder}))
    };
    let provider = Provider::start([
        Script::sse(&call("c1", "../home").responses()),
        Script::sse(&call("c2", "out").responses()),
        Script::sse(&Turn::say("ok").responses()),
    ]);
    let vk = Vk::new().provider("openai", &format!("{}/v1", provider.url())).file("a.txt", "a\n");
    std::fs::write(vk.home().join("secret"), "canary of the home\n").unwrap();
    symlink(vk.home(), vk.project().join("out")).unwrap();
    assert_eq!(report(&vk, &OPENAI, &["go"]).0.code, 0);
    let told = provider.requests()[2].json()["input"].to_string();
    assert!(!told.contains("canary of the home"), "{told}");
    assert!(!vk.home().join("pwned").exists());
}
