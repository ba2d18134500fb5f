//! `vk models refresh` and `vk models prices` with lists in the two sources' own formats, whole and broken.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::env::{Ran, Vk};

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/prices").join(name).display().to_string()
}

fn refreshed() -> Vk {
    let vk = Vk::new();
    let ran = vk.run(&["models", "refresh", "--from", &fixture("models-dev.json"), "--from", &fixture("litellm.json")]);
    assert_eq!(ran.code, 0, "{ran}");
    vk
}

fn overlay(vk: &Vk) -> PathBuf {
    vk.data_dir().join("prices.json")
}

fn json(ran: &Ran) -> Value {
    assert_eq!(ran.code, 0, "{ran}");
    ran.json_lines().pop().unwrap()
}

#[test]
fn both_lists_are_read_checked_and_stored() {
    let vk = Vk::new();
    let ran = vk.run(&["models", "refresh", "--from", &fixture("litellm.json"), "--from", &fixture("models-dev.json")]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.contains("24 prices taken, 17 checked against each other, 2 more than 5 % apart"), "{ran}");
    assert!(ran.stdout.contains("7 models added, 2 bundled prices replaced, 1 bundled prices kept"), "{ran}");
    // Both figures of what is apart, and what was left out with its reason.
    assert!(
        ran.stderr.contains("openai/gpt-6.3-sol: models.dev says in 2.20")
            && ran.stderr.contains("LiteLLM says in 2.42")
    );
    assert!(ran.stderr.contains("claude-nova-1: Anthropic's 1-hour cache write is not twice input"), "{ran}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(overlay(&vk)).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn what_was_read_prices_new_models_everywhere() {
    let vk = refreshed();
    let listed = json(&vk.run(&["models", "list", "claude-opus-6", "--output", "json"]));
    assert_eq!(listed[0]["price"]["input"], "4.50");
    assert_eq!(listed[0]["price"]["source"], "models.dev and LiteLLM");
    assert_eq!(listed[0]["price"]["hash"].as_str().unwrap().len(), 12);
    let shown = vk.run(&["models", "list", "kimi-k3"]);
    assert!(shown.stdout.contains("a platform only; vk has no direct path to it"), "{shown}");
    // 100,000 x $4.50 + 900,000 x $0.225 + 15,000 x $22.50 a million = $0.45 + $0.2025 + $0.3375 = $0.99
    let args =
        ["compare", "--tasks", "1000", "--tokens", "100k,900k,15k", "--model", "claude-opus-6", "--output", "json"];
    assert_eq!(json(&vk.run(&args))["paths"][0]["month_usd"], "990.00");
    // Without them it is no known model.
    assert_eq!(Vk::new().run(&args).code, 2);
    // The list without a filter keeps to what vk knows, and says what else there is.
    let all = vk.run(&["models"]);
    assert!(!all.stdout.contains("glm-5.3-flash") && all.stderr.contains("7 more models"), "{}", all.stderr);
}

#[test]
fn a_route_uses_the_refreshed_price_under_its_cap() {
    let vk = refreshed();
    let args = ["run", "--path", "byok", "--provider", "anthropic", "--key", "env:TEST_ANTHROPIC_KEY", "--model"];
    let known = vk.run(&[&args[..], &["claude-opus-6", "--dry-run", "hello"]].concat());
    assert_eq!(known.code, 0, "{known}");
    let unknown = vk.run(&[&args[..], &["claude-opus-7", "--dry-run", "hello"]].concat());
    assert_eq!(unknown.code, 2, "{unknown}");
}

#[test]
fn the_difference_is_shown_with_what_is_in_force() {
    let vk = refreshed();
    let ran = vk.run(&["models", "prices", "--diff"]);
    assert_eq!(ran.code, 0, "{ran}");
    for line in ran.stdout.lines().filter(|line| !line.contains("tests/fixtures") && !line.contains("sha256")) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let table: Vec<&str> = ran.stdout.lines().skip_while(|line| !line.trim_start().starts_with("in ")).collect();
    let today = vibekit::base::clock::now().strftime("%Y-%m-%d").to_string();
    // The lists are as old as their files.
    let table = table.join("\n");
    let dates: Vec<&str> = table.split_whitespace().filter(|word| word.len() == 10 && word.starts_with("20")).collect();
    assert!(dates.iter().all(|date| **date <= *today), "{dates:?}");
    assert!(
        table.contains("kept deepseek/deepseek-flash") && table.contains("replaced groq/openai/gpt-oss-20b"),
        "{table}"
    );
    let rows = json(&vk.run(&["models", "prices", "--diff", "--output", "json"]));
    let row = rows.as_array().unwrap().iter().find(|row| row["id"] == "gpt-6.3-sol").unwrap();
    assert_eq!(
        (&row["change"], &row["apart"][0]["list"], &row["apart"][1]["input"]),
        (&"added".into(), &"models.dev".into(), &"2.42".into())
    );
    let all = json(&vk.run(&["models", "prices", "--output", "json"]));
    assert!(all.as_array().unwrap().iter().any(|row| row["id"] == "claude-opus-6"));
    // Without an overlay there is nothing to compare.
    let none = Vk::new().run(&["models", "prices", "--diff"]);
    assert!(none.code == 0 && none.stderr.contains("vk models refresh"), "{none}");
}

#[test]
fn a_broken_or_hostile_file_changes_nothing() {
    let vk = refreshed();
    let before = std::fs::read(overlay(&vk)).unwrap();
    let whole = std::fs::read_to_string(fixture("models-dev.json")).unwrap();
    // Outside the home, every file of which is searched for keys after each run.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list.json");
    let model = |cost: &str| format!("{{\"anthropic\": {{\"models\": {{\"claude-x-1\": {{\"cost\": {{{cost}}}}}}}}}}}");
    for (name, text) in [
        ("truncated", whole[..whole.len() - 40].to_owned()),
        ("empty", String::new()),
        ("a page", "<!doctype html><title>gone</title>".to_owned()),
        ("something else", "{\"a\": {\"b\": 1}}".to_owned()),
        ("an overflow", model("\"input\": 1e400, \"output\": 1")),
        ("negative", model("\"input\": -3, \"output\": 15")),
        ("not a number", model("\"input\": \"NaN\", \"output\": 15")),
        ("twice", model("\"input\": 3, \"output\": 15, \"input\": 1")),
        (
            "hidden",
            "{\"anthropic\": {\"models\": {\"claude-\\u001b[2Jx\": {\"cost\": {\"input\": 1, \"output\": 2}}}}}"
                .to_owned(),
        ),
        ("deep", "{\"a\":".repeat(100_000)),
        ("deep and whole", "[".repeat(50_000) + &"]".repeat(50_000)),
    ] {
        std::fs::write(&file, text).unwrap();
        let ran = vk.run(&["models", "refresh", "--from", &file.display().to_string()]);
        assert_eq!(ran.code, 2, "{name}: {ran}");
        assert!(ran.stderr.contains("nothing was changed") && !ran.stderr.contains('\u{1b}'), "{name}: {ran}");
        assert_eq!(std::fs::read(overlay(&vk)).unwrap(), before, "{name}");
    }
    // 200 MB of nothing is refused by its size alone.
    std::fs::File::create(&file).unwrap().set_len(200 << 20).unwrap();
    let ran = vk.run(&["models", "refresh", "--from", &file.display().to_string()]);
    assert!(ran.code == 2 && ran.stderr.contains("larger than"), "{ran}");
    std::fs::remove_file(&file).unwrap();
    for missing in [file.display().to_string(), vk.home().display().to_string(), "/dev/zero".to_owned()] {
        assert_eq!(vk.run(&["models", "refresh", "--from", &missing]).code, 2, "{missing}");
    }
    // One good list beside a broken one is not taken either.
    std::fs::write(&file, "{").unwrap();
    let ran = vk.run(&["models", "refresh", "--from", &fixture("litellm.json"), "--from", &file.display().to_string()]);
    assert_eq!(ran.code, 2, "{ran}");
    assert_eq!(std::fs::read(overlay(&vk)).unwrap(), before);
}

#[test]
fn a_damaged_overlay_is_ignored_said_and_mended() {
    let vk = refreshed();
    let text = std::fs::read_to_string(overlay(&vk)).unwrap();
    // A price that somebody lowered by hand is not believed.
    std::fs::write(overlay(&vk), text.replace("\"input\":\"4.50\"", "\"input\":\"0.01\"")).unwrap();
    let ran = vk.run(&["models", "list", "claude"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("damaged") && ran.stderr.contains("vk models refresh"), "{ran}");
    assert!(!ran.stdout.contains("claude-opus-6") && ran.stdout.contains("claude-opus-5-5"), "{ran}");
    let doctor = vk.run(&["doctor", "--output", "json"]);
    let findings: Value = serde_json::from_str(doctor.stdout.lines().next().unwrap()).unwrap();
    let prices = findings["findings"].as_array().unwrap().iter().find(|one| one["subject"] == "prices").unwrap();
    assert_eq!((&prices["state"], &prices["fix"][0]), (&"warning".into(), &"vk models refresh".into()), "{prices}");
    assert_eq!(vk.run(&["models", "prices", "--diff"]).code, 2);
    let mended = vk.run(&["models", "refresh", "--from", &fixture("litellm.json")]);
    assert!(mended.code == 0 && mended.stderr.contains("only LiteLLM was read"), "{mended}");
    assert!(vk.run(&["models", "list", "claude-opus-6"]).stderr.is_empty());
}

#[test]
fn nothing_in_the_environment_moves_the_addresses() {
    // Both names resolve nowhere through this proxy, and no other address is tried: no connection, exit 6.
    let vk = Vk::new().var("HTTPS_PROXY", "http://127.0.0.1:9").var("VK_MODELS_URL", "http://127.0.0.1:9/x");
    let ran = vk.run(&["models", "refresh"]);
    assert_eq!(ran.code, 6, "{ran}");
    assert!(ran.stderr.contains("nothing was changed") && ran.stderr.contains("--from FILE"), "{ran}");
    assert!(!overlay(&vk).exists());
}
