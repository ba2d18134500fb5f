//! Each value comes from the highest layer that has it, and says which one that is.

use serde_json::Value;

use super::{ok, with_keys};
use crate::support::env::Vk;

/// What `vk route` says of one decision: its value and its source.
fn decision(vk: &Vk, flags: &[&str], name: &str) -> (String, String) {
    let args = [&["route", "--output", "json"], flags].concat();
    let shown: Value = serde_json::from_str(&ok(vk, &args).stdout).unwrap();
    let sources = shown["sources"].as_array().unwrap();
    let step = sources.iter().find(|step| step["decision"] == name).unwrap_or_else(|| panic!("{shown:#}"));
    let text = |key: &str| step[key].as_str().unwrap().to_owned();
    (text("value"), text("source"))
}

#[test]
fn each_layer_wins_over_those_below_and_is_named() {
    let vk = with_keys(Vk::new(), &["anthropic/a", "openai/b"]).config("path = \"byok\"\nmodel = \"haiku\"\n");
    let config = vk.config_dir().join("config.toml").display().to_string();
    let vk = vk.config("provider = \"anthropic\"\n");
    let is = |vk: &Vk, flags: &[&str], model: &str, source: &str| {
        assert_eq!(decision(vk, flags, "model"), (model.to_owned(), source.to_owned()), "{flags:?}");
    };
    is(&vk, &[], "claude-haiku-5-5", &format!("{config}:2"));
    let vk = vk.file("vk.toml", "# shared\nmodel = \"sonnet\"\n");
    is(&vk, &[], "claude-sonnet-5-5", "vk.toml:2");
    let folder = vk.project().canonicalize().unwrap().display().to_string();
    let vk = vk.config(&format!("[projects.\"{folder}\"]\nmodel = \"opus\"\n"));
    let (_, source) = decision(&vk, &[], "model");
    assert_eq!(source, format!("{config}:5"));
    let vk = vk.var("VK_MODEL", "haiku");
    is(&vk, &[], "claude-haiku-5-5", "VK_MODEL");
    is(&vk, &["--model", "sonnet"], "claude-sonnet-5-5", "--model");
    assert_eq!(decision(&vk, &[], "provider"), ("anthropic".to_owned(), format!("{config}:3")));
    assert_eq!(decision(&vk, &[], "key").0, "a");
    assert_eq!(decision(&vk, &[], "cap"), ("$5.00".to_owned(), "built in".to_owned()));
}

#[test]
fn a_lower_layers_provider_is_not_tried_on_another_path() {
    let vk = with_keys(Vk::new(), &["anthropic/a"])
        .config("path = \"byok\"\nprovider = \"anthropic\"\nkey = \"a\"\n")
        .config("[providers.local]\nkind = \"free\"\nwire = \"chat\"\nauth = \"none\"\nbase_url = \"http://127.0.0.1:9/v1\"\n")
        .config("[providers.local.prices.\"m\"]\ninput = \"0\"\noutput = \"0\"\n");
    let shown = ok(&vk, &["route", "--path", "free", "--model", "m", "--output", "json"]);
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(shown["chosen"]["provider"], "local", "{shown:#}");
    let notes = shown["notes"].to_string();
    assert!(notes.contains("provider anthropic") && notes.contains("is set aside"), "{notes}");
}

#[test]
fn no_variable_sets_an_address_an_approval_or_an_edge() {
    let vk = with_keys(Vk::new(), &["anthropic/a"])
        .config("path = \"byok\"\n")
        .var("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
        .var("VK_BASE_URL", "http://127.0.0.1:9")
        .var("VK_APPROVE", "all")
        .var("VK_FALLBACK", "byok:anthropic -> byok:openai/b=ask");
    let shown = ok(&vk, &["run", "--dry-run", "go"]);
    assert!(shown.stderr.contains("you pay Anthropic at list price"), "{shown}");
    assert!(shown.stderr.contains("ignored ambient ANTHROPIC_BASE_URL"), "{shown}");
    assert!(!shown.stderr.contains("127.0.0.1"), "{shown}");
}
