use super::*;
use crate::base::money::Usd;
use crate::config::source::Source;
use crate::config::testing::World;
use crate::domain::budget::Per;

fn read_text(text: &str) -> Result<ProjectValues, ConfigError> {
    let document = Document::new("vk.toml".into(), "vk.toml", text, Source::Project);
    let plans =
        PlanBudgets { quota: Some(Sourced::built_in("80%".parse().unwrap())), tasks_day: Some(Sourced::built_in(20)) };
    let amounts = vec![(Per::Task, Sourced::built_in(Usd::from_cents(500)))];
    read(&document, &Ceilings { amounts, plans })
}

/// The code and the place of the error.
fn refusal(text: &str) -> (&'static str, String) {
    match read_text(text) {
        Err(ConfigError::Wrong(wrong)) => (wrong.code, wrong.place),
        other => panic!("{text:?} gave {other:?}"),
    }
}

/// SECURITY rows 1, 3, 4 and 5: what a stranger's file must not say, in every way TOML can say it.
#[test]
fn nothing_of_the_users_can_be_set_here() {
    let keys = [
        "providers",
        "base_url",
        "url",
        "endpoint",
        "proxy",
        "http_proxy",
        "https_proxy",
        "certificate",
        "ssl_cert_file",
        "headers",
        "auth",
        "wire",
        "markup",
        "prices",
        "fallback",
        "edges",
        "sandbox",
        "ledger",
        "projects",
        "env",
        "approve",
        "approval",
        "permissions",
        "network",
        "allow_network",
        "trust",
        "api_key",
        "token",
    ];
    for key in keys {
        for text in [
            format!("{key} = \"x\"\n"),
            format!("\"{key}\" = 1\n"),
            format!("{key}.a.b = \"x\"\n"),
            format!("[{key}]\na = 1\n"),
            format!("['{key}']\n"),
            format!("[{key}.anthropic]\nbase_url = \"http://127.0.0.1:1\"\n"),
            format!("[[{key}]]\na = 1\n"),
            format!("{key} = {{ a = {{ b = 1 }} }}\n"),
        ] {
            let (code, place) = refusal(&format!("path = \"byok\"\n\n{text}"));
            assert_eq!((code, place.starts_with("vk.toml:3:")), ("not_allowed_here", true), "{text}");
        }
    }
}

#[test]
fn a_key_with_other_letters_is_no_way_around() {
    for key in [
        "Providers",
        "PROVIDERS",
        "provid\u{0435}rs",
        "\"providers \"",
        "\"providers\\u0000\"",
        "ＰＲＯＸＹ",
        "'base_url.'",
    ] {
        let text = format!("{key} = \"x\"\n");
        let code = match read_text(&text) {
            Err(ConfigError::Wrong(wrong)) => wrong.code,
            other => panic!("{key} gave {other:?}"),
        };
        assert!(["unknown_key", "bad_toml", "not_allowed_here"].contains(&code), "{key}: {code}");
    }
}

/// A plan's part is text with its sign, its tasks a whole number; both are at most what the user allows.
#[test]
fn a_plans_limits_are_read_and_only_lowered() {
    let plans = read_text("[budget]\nquota = \"50%\"\ntasks_day = 5\n").unwrap().plan_budgets;
    assert_eq!(plans.quota.unwrap().to_string(), "50%");
    assert_eq!(plans.tasks_day.unwrap().value, 5);
    assert_eq!(read_text("[budget]\ntasks_day = \"0\"\n").unwrap().plan_budgets.tasks_day.unwrap().value, 0);
    for (text, code, place) in [
        ("budget.quota = \"81%\"\n", "bad_value", "vk.toml:1:16"),
        ("budget.quota = 80\n", "bad_value", "vk.toml:1:16"),
        ("budget.quota = \"80\"\n", "bad_value", "vk.toml:1:16"),
        ("[budget]\ntasks_day = 21\n", "bad_value", "vk.toml:2:13"),
        ("[budget]\ntasks_day = -1\n", "bad_value", "vk.toml:2:13"),
        ("[budget]\ntasks_day = \"many\"\n", "bad_value", "vk.toml:2:13"),
        ("[budget]\ntasks_week = 5\n", "unknown_key", "vk.toml:2:1"),
    ] {
        assert_eq!(refusal(text), (code, place.to_owned()), "{text}");
    }
}

#[test]
fn every_wrong_value_has_its_line_and_column() {
    for (text, code, place) in [
        ("path = byok\n", "bad_toml", "vk.toml:1:8"),
        ("path = \"byok\n", "bad_toml", "vk.toml:1:13"),
        ("path = \"byok\"\npath = \"free\"\n", "bad_toml", "vk.toml:2:1"),
        ("\n\npath = \"paid\"\n", "bad_value", "vk.toml:3:8"),
        ("path = 1\n", "bad_value", "vk.toml:1:8"),
        ("path = [\"byok\"]\n", "bad_value", "vk.toml:1:8"),
        ("path = \"BYOK\"\n", "bad_value", "vk.toml:1:8"),
        ("provider = \"Work\"\n", "bad_value", "vk.toml:1:12"),
        ("provider = \"https://evil.example\"\n", "bad_value", "vk.toml:1:12"),
        ("provider = \"\"\n", "bad_value", "vk.toml:1:12"),
        ("model = \"a b\"\n", "bad_value", "vk.toml:1:9"),
        ("model = true\n", "bad_value", "vk.toml:1:9"),
        ("key = \"env:AWS_SECRET_ACCESS_KEY\"\n", "bad_value", "vk.toml:1:7"),
        ("key = \"a/b\"\n", "bad_value", "vk.toml:1:7"),
        ("key = \"sk-ant-api03-AAAAAAAAAAAAAAAAAAAA\"\n", "secret_in_file", "vk.toml:1:1"),
        ("name = \"\"\n", "bad_value", "vk.toml:1:8"),
        ("name = \"a\\u001b[2K\"\n", "bad_value", "vk.toml:1:8"),
        ("checks = \"cargo test\"\n", "bad_value", "vk.toml:1:10"),
        ("checks = [\"a\", 2]\n", "bad_value", "vk.toml:1:16"),
        ("checks = [\n  \"a\",\n  \"\",\n]\n", "bad_value", "vk.toml:3:3"),
        ("checks = [\"a\\nb\"]\n", "bad_value", "vk.toml:1:11"),
        ("checks = [\"a\\u200bb\"]\n", "bad_value", "vk.toml:1:11"),
        ("budget = \"2.00\"\n", "bad_value", "vk.toml:1:10"),
        ("[budget]\ntask = 2.00\n", "bad_value", "vk.toml:2:8"),
        ("[budget]\ntask = \"2,00\"\n", "bad_value", "vk.toml:2:8"),
        ("[budget]\ntask = \"-1\"\n", "bad_value", "vk.toml:2:8"),
        ("[budget]\ntask = \"inf\"\n", "bad_value", "vk.toml:2:8"),
        ("[budget]\ntask = \"5.000000001\"\n", "bad_value", "vk.toml:2:8"),
        ("[budget]\ntaks = \"1\"\n", "unknown_key", "vk.toml:2:1"),
        ("[budget]\nday = 20\n", "bad_value", "vk.toml:2:7"),
        ("[budget.paths.byok]\nday = \"1\"\n", "unknown_key", "vk.toml:1:9"),
        ("[budget.keys.\"anthropic/a\"]\nday = \"1\"\n", "unknown_key", "vk.toml:1:9"),
        ("[models]\nmatch = \"x\"\n", "bad_value", "vk.toml:1:1"),
        ("[[models]]\nmatch = \"x\"\n", "missing_key", "vk.toml:1:1"),
        ("[[models]]\nmodel = \"x\"\n", "missing_key", "vk.toml:1:1"),
        ("[[models]]\nmatch = \"(\"\nmodel = \"x\"\n", "bad_value", "vk.toml:2:9"),
        ("[[models]]\nmatch = \"x{9999}{9999}\"\nmodel = \"x\"\n", "bad_value", "vk.toml:2:9"),
        ("[[models]]\nmatch = \"x\"\nmodel = \"x\"\nprovider = \"y\"\n", "unknown_key", "vk.toml:4:1"),
    ] {
        assert_eq!(refusal(text), (code, place.to_owned()), "{text}");
    }
}

#[test]
fn a_list_too_long_to_be_read_is_refused() {
    let checks = vec!["\"x\""; MOST_CHECKS + 1].join(",");
    assert_eq!(refusal(&format!("checks = [{checks}]")).0, "bad_value");
    assert_eq!(refusal(&"[[models]]\nmatch = \"x\"\nmodel = \"x\"\n".repeat(MOST_RULES + 1)).0, "bad_value");
    assert_eq!(refusal(&format!("checks = [\"{}\"]", "x".repeat(LONGEST + 1))).0, "bad_value");
    assert_eq!(refusal(&format!("x = {}1{}", "[".repeat(5_000), "]".repeat(5_000))).0, "bad_toml");
}

#[test]
fn the_errors_people_read() {
    let shown = |text: &str| World::new().project(text).error();
    insta::assert_snapshot!(shown("path = \"byok\"\nprovder = \"anthropic\"\n"), @r#"
    vk.toml:2:1: unknown key "provder"; did you mean "provider"? [unknown_key]
      |
    2 | provder …
      | ^^^^^^^
    known here: name, path, provider, model, key, checks, budget, models, free, worktree, mcp
    fix: ${EDITOR:-vi} HOME/shop/vk.toml
    "#);
    insta::assert_snapshot!(shown("path = \"subscripton\"\n"), @r#"
    vk.toml:1:8: path: "subscripton" is not one of byok, subscription, platform, free; did you mean "subscription"? [bad_value]
      |
    1 | path = "subscripton"
      |        ^^^^^^^^^^^^^
    fix: ${EDITOR:-vi} HOME/shop/vk.toml
    "#);
    insta::assert_snapshot!(shown("[providers.anthropic]\nbase_url = \"http://127.0.0.1:9\"\n"), @r#"
    vk.toml:1:2: "providers" may not be set here [not_allowed_here]
      |
    1 | [providers …
      |  ^^^^^^^^^
    vk.toml comes with the repository, and whoever wrote that must not decide this
    remove it here; your own config.toml may set it
    fix: ${EDITOR:-vi} HOME/shop/vk.toml
    "#);
    insta::assert_snapshot!(shown("[budget]\nquota = \"90\"\n"), @r#"
    vk.toml:2:9: budget.quota: "90" is no part of a plan: write it from 1% to 100% [bad_value]
      |
    2 | quota = "90"
      |         ^^^^
    fix: ${EDITOR:-vi} HOME/shop/vk.toml
    "#);
    insta::assert_snapshot!(shown("[budget]\ntask = 2.50\n"), @r#"
    vk.toml:2:8: "budget.task" must be text in quotes, not a number [bad_value]
      |
    2 | task = 2.50
      |        ^^^^
    write task = "2.50"
    fix: ${EDITOR:-vi} HOME/shop/vk.toml
    "#);
    insta::assert_snapshot!(shown("key = \"sk-ant-api03-canarycanarycanary\"\n"), @r#"
    vk.toml:1:1: "key" is the label of a stored key, and this looks like a key itself [secret_in_file]
      |
    1 | key …
      | ^^^
    if it is a real one, revoke it: files are shared
    fix: vk keys add
    fix: ${EDITOR:-vi} HOME/shop/vk.toml
    "#);
    insta::assert_snapshot!(shown("api_key = \"sk-ant-api03-canarycanarycanary\"\n"), @r#"
    vk.toml:1:1: "api_key" may not be set here [not_allowed_here]
      |
    1 | api_key …
      | ^^^^^^^
    a key in a file that is shared ends up shared; if a real one stood here, revoke it
    fix: vk keys add
    fix: ${EDITOR:-vi} HOME/shop/vk.toml
    "#);
    insta::assert_snapshot!(shown("path = byok\n"), @"
    vk.toml:1:8: not TOML: string values must be quoted, expected literal string [bad_toml]
      |
    1 | path = byok
      |        ^^^^
    fix: ${EDITOR:-vi} HOME/shop/vk.toml
    ");
    insta::assert_snapshot!(shown("[[models]]\nmatch = \"re(factor\"\nmodel = \"best\"\n"), @r#"
    vk.toml:2:9: "match" is not a regular expression: unclosed group [bad_value]
      |
    2 | match = "re(factor"
      |         ^^^^^^^^^^^
    fix: ${EDITOR:-vi} HOME/shop/vk.toml
    "#);
}
