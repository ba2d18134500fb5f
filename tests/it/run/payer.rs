//! The payer law: what was shown is what pays, and only an edge of the user's changes it.

use serde_json::json;

use super::{ANTHROPIC, anthropic, report};
use crate::support::env::Vk;
use crate::support::provider::{Provider, Script};
use crate::support::turn::Turn;

pub const CREDITS: &str = r#"{"error":{"message":"Insufficient credits","code":402}}"#;

/// A gateway whose credits are gone, another gateway beside it, and whatever edge.
pub fn two_payers(gateway: &Provider, own: &Provider, edge: &str) -> Vk {
    let config = format!(
        "[providers.work]\nkind = \"platform\"\nwire = \"chat\"\nbase_url = \"{}/v1\"\nauth = \"none\"\n\
         [providers.work.prices.\"house\"]\nas = \"anthropic/claude-sonnet-5-5\"\n\
         [providers.spare]\nkind = \"platform\"\nwire = \"anthropic\"\nbase_url = \"{}\"\nauth = \"none\"\n\
         [providers.spare.prices.\"house\"]\nas = \"anthropic/claude-sonnet-5-5\"\n{edge}",
        gateway.url(),
        own.url(),
    );
    Vk::new().config(&config).file("a.txt", "one\n")
}

pub const PLATFORM: [&str; 7] = ["run", "--path", "platform", "--provider", "work", "--model", "house"];

#[test]
fn no_error_moves_a_task_to_another_payer() {
    let own = Provider::start([]);
    for script in [Script::json(402, CREDITS), Script::json(401, "{}"), Script::json(400, "{}"), Script::hang_up()] {
        let gateway = Provider::start([script, Script::hang_up(), Script::hang_up()]);
        gateway.allow_leftovers();
        let vk = two_payers(&gateway, &own, "");
        let (ran, _) = report(&vk, &PLATFORM, &["go"]);
        assert_ne!(ran.code, 0, "{ran}");
    }
    assert!(own.captured().is_empty(), "nobody but the shown payer was asked");
}

#[test]
fn a_dollar_edge_is_taken_headless_and_its_dollars_hold() {
    let gateway = Provider::start([
        Script::sse(&Turn::new().tool("c1", "read", json!({"path": "a.txt"})).chat()),
        Script::json(402, CREDITS),
    ]);
    let own = Provider::start([Script::sse(&Turn::say("Done by the other.").anthropic())]);
    let vk = two_payers(&gateway, &own, "[fallback]\n\"platform:work -> platform:spare\" = \"2.00\"\n");
    let (ran, finished) = report(&vk, &PLATFORM, &["go"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(finished["answer"], "Done by the other.");
    let payers: Vec<&str> =
        finished["payers"].as_array().unwrap().iter().map(|p| p["provider"].as_str().unwrap()).collect();
    assert_eq!(payers, ["work", "spare"]);
    let sent = own.requests()[0].json()["messages"].to_string();
    assert!(sent.contains("one"), "the transcript goes on with what was read: {sent}");
}

#[test]
fn an_ask_edge_is_not_taken_where_nobody_can_be_asked() {
    let gateway = Provider::start([Script::json(402, CREDITS)]);
    let own = Provider::start([]);
    let vk = two_payers(&gateway, &own, "[fallback]\n\"platform:work -> platform:spare\" = \"ask\"\n");
    let (ran, finished) = report(&vk, &PLATFORM, &["go"]);
    assert_eq!((ran.code, finished["status"].as_str()), (4, Some("payer_blocked")), "{ran}");
    assert!(own.captured().is_empty());
}

#[test]
fn poisoned_variables_and_a_poisoned_dotenv_reach_nobody() {
    let provider = Provider::start([
        Script::sse(
            &Turn::new()
                .tool("t1", "bash", json!({"command": "printenv; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'"}))
                .anthropic(),
        ),
        Script::sse(&Turn::say("nothing found").anthropic()),
    ]);
    let stranger = Provider::start([]);
    let poison = "sk-ant-api03-poison";
    let vk = anthropic(&provider)
        .file(".env", &format!("ANTHROPIC_API_KEY={poison}\nANTHROPIC_BASE_URL={}\nVK_PATH=free\n", stranger.url()))
        .var("ANTHROPIC_API_KEY", poison)
        .var("ANTHROPIC_BASE_URL", &stranger.url())
        .var("OPENAI_BASE_URL", &stranger.url());
    let args = [&ANTHROPIC[..], &["--output", "stream-json", "go"]].concat();
    let ran = vk.run(&args);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(stranger.captured().is_empty());
    let route = &ran.json_lines()[0];
    assert_eq!(route["type"], "route.resolved");
    assert_eq!(route["ignored_ambient"], json!(["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "OPENAI_BASE_URL"]));
    let second = provider.requests()[1].json()["messages"].to_string();
    assert!(!second.contains("poison") && !second.contains("planted"), "a command saw a key: {second}");
}

#[test]
fn an_answer_from_another_organization_ends_the_task() {
    let answer = |org: &str| Script::sse(&Turn::say("ok").anthropic()).header("anthropic-organization-id", org);
    let provider = Provider::start([answer("org-a"), answer("org-a"), answer("org-b")]);
    let identity = age::x25519::Identity::generate();
    let identity = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
    let vk = anthropic(&provider).var("VK_AGE_IDENTITY", &identity);
    assert_eq!(vk.run(&["keys", "init", "--file"]).code, 0);
    let added = vk.run(&["keys", "add", "anthropic", "--label", "a", "--from-env", "TEST_ANTHROPIC_KEY"]);
    assert_eq!(added.code, 0, "{added}");
    let flags = ["run", "--path", "byok", "--provider", "anthropic"];
    let (ran, finished) = report(&vk, &flags, &["go"]);
    assert_eq!((ran.code, finished["proof"].as_str()), (0, Some("claimed")), "a first call proves nothing: {ran}");
    let (ran, finished) = report(&vk, &flags, &["go"]);
    assert_eq!((ran.code, finished["proof"].as_str()), (0, Some("verified")), "{ran}");
    let (ran, finished) = report(&vk, &flags, &["go"]);
    assert_eq!((ran.code, finished["status"].as_str()), (4, Some("contradicted")), "{ran}");
    assert_eq!(finished["proof"], "contradicted");
}
