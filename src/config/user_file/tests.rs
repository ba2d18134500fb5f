use super::*;
use crate::base::money::Rate;
use crate::config::testing::World;
use crate::domain::path::{PayPath, Wire};

const GATEWAY: &str =
    "[providers.work]\nkind = \"platform\"\nwire = \"chat\"\nbase_url = \"https://llm.example.com/v1\"\n";

fn read_text(text: &str) -> Result<UserValues, ConfigError> {
    let document = Document::new("config.toml".into(), "config.toml", text, Source::User);
    read(&document, Some(Path::new("/home/u")), &[Path::new("/home/u/.config/vk"), Path::new("/home/u/.data/vk")])
}

fn refusal(text: &str) -> (&'static str, String) {
    match read_text(text) {
        Err(ConfigError::Wrong(wrong)) => (wrong.code, wrong.place),
        other => panic!("{text:?} gave {other:?}"),
    }
}

#[test]
fn a_provider_of_ones_own_has_what_it_says_and_its_wires_habits() {
    let values = read_text(GATEWAY).unwrap();
    let work = &values.providers["work"];
    assert_eq!(
        (work.kind, work.wire, work.auth, work.markup),
        (PayPath::Platform, Wire::Chat, Auth::Bearer, Rate::ZERO)
    );
    assert_eq!(work.origin(), "https://llm.example.com");
    let values = read_text(&GATEWAY.replace("chat", "anthropic").replace("/v1", "")).unwrap();
    assert_eq!(values.providers["work"].auth, Auth::XApiKey);
    let local = "[providers.ollama]\nkind = \"free\"\nwire = \"chat\"\nbase_url = \"http://127.0.0.1:11434/v1\"\nauth = \"none\"\n";
    assert_eq!(read_text(local).unwrap().providers["ollama"].auth, Auth::None);
}

#[test]
fn a_built_in_provider_may_move_and_be_priced_but_not_become_another() {
    let values = read_text("[providers.anthropic]\nbase_url = \"https://proxy.example.com/\"\n").unwrap();
    let moved = &values.providers["anthropic"];
    assert_eq!(moved.base_url.value, "https://proxy.example.com");
    assert_eq!((moved.kind, moved.wire, &moved.source), (PayPath::Byok, Wire::Anthropic, &Source::BuiltIn));
    let values = read_text("[providers.openai.prices.\"gpt-new\"]\ninput = \"1.25\"\noutput = \"10\"\n").unwrap();
    assert_eq!(values.providers["openai"].prices.len(), 1);
    for (key, code) in [
        ("kind = \"free\"", "bad_value"),
        ("wire = \"chat\"", "bad_value"),
        ("auth = \"none\"", "bad_value"),
        ("markup = \"1%\"", "not_allowed_here"),
        ("fee = \"1%\"", "not_allowed_here"),
        ("flat_month = \"1\"", "not_allowed_here"),
    ] {
        assert_eq!(refusal(&format!("[providers.anthropic]\n{key}\n")).0, code, "{key}");
    }
    assert!(read_text("[providers.anthropic]\nkind = \"byok\"\nwire = \"anthropic\"\n").is_ok());
}

#[test]
fn a_gateway_may_speak_another_wire_and_take_what_it_takes() {
    let text = "[providers.litellm]\nwire = \"anthropic\"\nbase_url = \"http://127.0.0.1:4100\"\nauth = \"none\"\n\
                markup = \"8%\"\nfee = \"5.5%\"\nflat_month = \"20.00\"\n";
    let values = read_text(text).unwrap();
    let moved = &values.providers["litellm"];
    assert_eq!((moved.kind, moved.wire, moved.auth), (PayPath::Platform, Wire::Anthropic, Auth::None));
    let terms = (moved.markup.to_string(), moved.fee.to_string(), moved.flat_month);
    assert_eq!(terms, ("8%".to_owned(), "5.5%".to_owned(), Some(Usd::from_cents(2_000))));
    let plain = read_text("").unwrap();
    assert_eq!(plain.providers["openrouter"].fee.to_string(), "5.5%");
    assert!(plain.providers["ollama"].is_unnamed_server());
    let named = read_text("[providers.ollama]\nbase_url = \"http://127.0.0.1:11434/v1\"\n").unwrap();
    assert!(!named.providers["ollama"].is_unnamed_server());
}

#[test]
fn every_wrong_line_is_named() {
    let work = |line: &str| format!("{GATEWAY}{line}\n");
    for (text, code, place) in [
        ("[providers.work]\nwire = \"chat\"\n".to_owned(), "missing_key", "config.toml:1:12"),
        ("[providers.Work]\n".into(), "bad_value", "config.toml:1:12"),
        ("[providers.claude]\nkind = \"platform\"\n".into(), "bad_value", "config.toml:2:8"),
        ("[providers]\nwork = \"https://x\"\n".into(), "bad_value", "config.toml:2:8"),
        (GATEWAY.replace("platform", "subscription"), "bad_value", "config.toml:2:8"),
        (GATEWAY.replace("platform", "plattform"), "bad_value", "config.toml:2:8"),
        (GATEWAY.replace("\"chat\"", "\"grpc\""), "bad_value", "config.toml:3:8"),
        (GATEWAY.replace("https://", "http://"), "bad_value", "config.toml:4:12"),
        (GATEWAY.replace("https://", "https://u:p@"), "bad_address", "config.toml:4:1"),
        (GATEWAY.replace("/v1", "/v1?x=1"), "bad_value", "config.toml:4:12"),
        (work("auth = \"basic\""), "bad_value", "config.toml:5:8"),
        (work("auth = \"none\"").replace("platform", "byok"), "bad_value", "config.toml:5:8"),
        (work("markup = \"8\""), "bad_value", "config.toml:5:10"),
        (work("markup = 8"), "bad_value", "config.toml:5:10"),
        (work("markup = \"8%\"").replace("platform", "byok"), "not_allowed_here", "config.toml:5:1"),
        (work("fee = \"5.5\""), "bad_value", "config.toml:5:7"),
        (work("flat_month = \"-20.00\""), "bad_value", "config.toml:5:14"),
        (work("api_key = \"x\""), "not_allowed_here", "config.toml:5:1"),
        (work("bas_url = \"x\""), "unknown_key", "config.toml:5:1"),
        (work("[providers.work.prices.m]\nas = \"sonnet\""), "bad_value", "config.toml:6:6"),
        (work("[providers.work.prices.m]\nas = \"a/b\"\ninput = \"1\""), "not_allowed_here", "config.toml:7:1"),
        (work("[providers.work.prices.m]\ninput = \"1\""), "missing_key", "config.toml:5:24"),
        (work("[providers.work.prices.m]\ninput = 1\noutput = \"2\""), "bad_value", "config.toml:6:9"),
        (work("[providers.work.prices.m]\ninput = \"1\"\noutput = \"2.1234567\""), "bad_value", "config.toml:7:10"),
        ("[fallback]\n\"byok:anthropic -> byok:openai\" = \"ask\"\n".into(), "bad_edge", "config.toml:2:1"),
        ("[fallback]\n\"byok:anthropic -> byok:opnai/k\" = \"ask\"\n".into(), "bad_edge", "config.toml:2:1"),
        ("[fallback]\n\"byok:anthropic -> free:openai\" = \"ask\"\n".into(), "bad_edge", "config.toml:2:1"),
        ("[fallback]\n\"byok:anthropic -> byok:openai/k\" = \"yes\"\n".into(), "bad_edge", "config.toml:2:1"),
        ("[fallback]\n\"byok:anthropic -> byok:openai/k\" = true\n".into(), "bad_value", "config.toml:2:37"),
        ("[free]\npool = []\n".into(), "bad_value", "config.toml:2:8"),
        ("[free]\npool = [\"openrouter\"]\n".into(), "bad_value", "config.toml:2:9"),
        ("[free]\nallow_training = \"true\"\n".into(), "bad_value", "config.toml:2:18"),
        ("[free]\nmodels = []\n".into(), "unknown_key", "config.toml:2:1"),
        ("[budget]\nquota = \"0%\"\n".into(), "bad_value", "config.toml:2:9"),
        ("[budget.paths.byok]\nquota = \"80%\"\n".into(), "not_allowed_here", "config.toml:2:1"),
        ("[projects.\"/shop\".budget]\ntasks_day = 5\n".into(), "not_allowed_here", "config.toml:2:1"),
        ("[budget.paths.free]\nday = \"1\"\n".into(), "bad_value", "config.toml:1:15"),
        ("[budget.paths.byo]\nday = \"1\"\n".into(), "unknown_key", "config.toml:1:15"),
        ("[budget.keys.client-a]\nday = \"1\"\n".into(), "bad_value", "config.toml:1:14"),
        ("[budget.keys.\"antropic/a\"]\nday = \"1\"\n".into(), "unknown_key", "config.toml:1:14"),
        ("[budget.keys.\"anthropic/a\"]\nyear = \"1\"\n".into(), "unknown_key", "config.toml:2:1"),
        ("[projects.\"/shop\".budget]\nyear = \"1\"\n".into(), "unknown_key", "config.toml:2:1"),
        ("[ledger]\nurl = \"postgres://x\"\n".into(), "bad_value", "config.toml:2:7"),
        ("[ledger]\nurl = \"postgres://vk@db/vk?sslmode=disable\"\n".into(), "bad_value", "config.toml:2:7"),
        ("[ledger]\nurl = \"postgres://vk:hunter2@db/vk\"\n".into(), "not_allowed_here", "config.toml:2:1"),
        ("[ledger]\nkey = \"team\"\n".into(), "bad_value", "config.toml:1:2"),
        ("[ledger]\nurl = \"postgres://vk@db/vk\"\nkey = \"hunter 2\"\n".into(), "bad_value", "config.toml:3:1"),
        ("[ledger]\nurl = \"postgres://vk@db/vk\"\npassword = \"x\"\n".into(), "not_allowed_here", "config.toml:3:1"),
        (
            "[ledger]\nurl = \"postgres://vk@db/vk\"\ncertificates = \"ca.pem\"\n".into(),
            "bad_value",
            "config.toml:3:16",
        ),
        ("checks = [\"x\"]\n".into(), "not_allowed_here", "config.toml:1:1"),
        ("[sandbox]\nrequire = \"off\"\n".into(), "bad_value", "config.toml:2:11"),
        ("[sandbox]\nread = [\"x\"]\n".into(), "bad_value", "config.toml:2:9"),
        ("[sandbox]\nread = [\"/a/../..\"]\n".into(), "bad_value", "config.toml:2:9"),
        ("[sandbox]\nwrite = [\"/tmp\", \"/home\"]\n".into(), "bad_value", "config.toml:2:18"),
        ("[sandbox]\nwrite = [\"~/.config/vk/x\"]\n".into(), "bad_value", "config.toml:2:10"),
        ("[sandbox]\nwrite = [\"~/.data\"]\n".into(), "bad_value", "config.toml:2:10"),
        ("[sandbox]\nenv = [\"ANTHROPIC_API_KEY\"]\n".into(), "bad_value", "config.toml:2:8"),
        ("[sandbox]\nenv = [\"A B\"]\n".into(), "bad_value", "config.toml:2:8"),
        ("[projects.shop]\npath = \"byok\"\n".into(), "bad_value", "config.toml:1:11"),
        ("[projects.\"/a\"]\nchecks = []\n".into(), "unknown_key", "config.toml:2:1"),
        ("[projects.\"/a\"]\nkey = \"env:X\"\n".into(), "bad_value", "config.toml:2:7"),
    ] {
        assert_eq!(refusal(&text), (code, place.to_owned()), "{text}");
    }
}

#[test]
fn the_errors_people_read() {
    let shown = |text: &str| World::new().user(text).error();
    insta::assert_snapshot!(shown(&GATEWAY.replace("https://", "http://")), @r#"
    ~/.config/vk/config.toml:4:12: the address must be https; http is for this machine only (127.0.0.1, [::1], localhost) [bad_value]
      |
    4 | base_url = "http://llm.example.com/v1"
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^
    fix: ${EDITOR:-vi} HOME/.config/vk/config.toml
    "#);
    let with_password = GATEWAY.replace("https://", "https://me:canary\u{40}");
    insta::assert_snapshot!(shown(&with_password), @"
    ~/.config/vk/config.toml:4:1: the address must not hold a user name or password; store the key with vk keys add [bad_address]
      |
    4 | base_url …
      | ^^^^^^^^
    fix: ${EDITOR:-vi} HOME/.config/vk/config.toml
    ");
    insta::assert_snapshot!(shown(&GATEWAY.replace("/v1", "/v1/chat/completions")), @r#"
    ~/.config/vk/config.toml:4:12: vk appends /chat/completions itself; write "https://llm.example.com/v1" [bad_value]
      |
    4 | base_url = "https://llm.example.com/v1/chat/completions"
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    fix: ${EDITOR:-vi} HOME/.config/vk/config.toml
    "#);
    insta::assert_snapshot!(shown("[providers.work]\nkind = \"platform\"\nwire = \"chat\"\n"), @r#"
    ~/.config/vk/config.toml:1:12: [providers.work] needs "base_url" [missing_key]
      |
    1 | [providers.work …
      |            ^^^^
    write base_url = "...": https, or http on this machine
    fix: ${EDITOR:-vi} HOME/.config/vk/config.toml
    "#);
    insta::assert_snapshot!(shown("[fallback]\n\"byok:anthropic -> byok:opnai/k\" = \"ask\"\n"), @r#"
    ~/.config/vk/config.toml:2:1: "opnai" is no provider you have; did you mean "openai"? [bad_edge]
      |
    2 | "byok:anthropic -> byok:opnai/k" …
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    fix: ${EDITOR:-vi} HOME/.config/vk/config.toml
    "#);
    insta::assert_snapshot!(shown(&format!("{GATEWAY}markup = \"8\"\n")), @r#"
    ~/.config/vk/config.toml:5:10: providers.work.markup: "8" is not a percentage; write it like "8%" or "5.5%" [bad_value]
      |
    5 | markup = "8"
      |          ^^^
    fix: ${EDITOR:-vi} HOME/.config/vk/config.toml
    "#);
}
