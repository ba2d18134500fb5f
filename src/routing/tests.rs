//! Every branch of the decision.

use super::testing::{World, own_price, same_as, user};
use super::*;
use crate::base::money::Usd;
use crate::config::provider::ProviderSettings;
use crate::config::source::Source;
use crate::domain::path::Wire;
use crate::domain::request::Thinking;
use crate::domain::route::CredentialRef;

#[test]
fn the_line_that_is_shown_before_anything_is_sent() {
    let world = World::new().path(PayPath::Byok).anthropic_key("client-a");
    let route = world.route();
    assert_eq!(
        route.line(),
        "byok · anthropic · claude-sonnet-5-5 · key client-a 3f9c01aa · you pay Anthropic at list price · stops at $5.00"
    );
    let steps: Vec<String> = route
        .steps
        .iter()
        .map(|step| format!("{}: {} ({}) {}", step.decision, step.value, step.source, step.reason))
        .collect();
    insta::assert_snapshot!(steps.join("\n"), @r#"
    path: byok (vk.toml:1) named there; a path is never inferred
    provider: anthropic (inferred) the only byok provider with a key
    key: client-a (inferred) the only stored key of this provider
    model: claude-sonnet-5-5 (built in) the default; "balanced" is the newest sonnet
    cap: $5.00 (built in) this path costs money, so a task stops there
    "#);
    assert_eq!(route.traits.thinking, Thinking::Adaptive);
    assert_eq!((route.context, route.max_output), (1_000_000, 128_000));
}

#[test]
fn no_path_is_exit_3_with_what_to_type() {
    let fix = |world: World| {
        let failure = world.decide().unwrap_err();
        assert_eq!((failure.code, failure.exit_code()), (NO_PATH, 3));
        failure.fix.join("; ")
    };
    assert_eq!(fix(World::new()), "vk keys add anthropic; vk use byok --provider anthropic; vk demo");
    let both = World::new().anthropic_key("a").openai_key("b");
    assert_eq!(fix(both), "vk use byok --provider anthropic; vk use byok --provider openai");
    assert_eq!(fix(World::new().on("openai").openai_key("b")), "vk use byok --provider openai");
    let ci = World::new().on("anthropic").env("ANTHROPIC_API_KEY", true);
    assert_eq!(fix(ci), "vk run --path byok --provider anthropic --key env:ANTHROPIC_API_KEY \"TASK\"");
}

#[test]
fn one_possibility_is_inferred_several_are_listed_none_is_exit_3() {
    let byok = || World::new().path(PayPath::Byok);
    let (code, exit, told) = byok().refused();
    assert_eq!((code, exit), ("no_key", 3));
    assert!(told.contains("vk keys add anthropic"), "{told}");

    let (code, exit, told) = byok().anthropic_key("a").openai_key("b").refused();
    assert_eq!((code, exit), ("several_providers", 2));
    assert!(told.contains("--provider anthropic\n--provider openai"), "{told}");

    assert_eq!(byok().openai_key("b").route().provider, "openai");
    // A label that only one provider has decides between them.
    let labelled = byok().anthropic_key("a").openai_key("b").label("b").route();
    assert_eq!((labelled.provider.as_str(), labelled.credential.label().as_deref()), ("openai", Some("b")));
    // A variable could be any provider's: nothing about it is guessed.
    assert_eq!(byok().env("OPENAI_API_KEY", true).refused().0, "several_providers");
}

#[test]
fn keys_are_the_only_one_the_default_or_the_named_one() {
    let two = || World::new().path(PayPath::Byok).on("anthropic").anthropic_key("a").anthropic_key("b");
    let (code, exit, told) = two().refused();
    assert_eq!((code, exit), ("several_keys", 2));
    assert!(told.contains("--key a\n--key b\nvk keys default a --provider anthropic"), "{told}");
    let mut with_default = two();
    with_default.keys[1].is_default = true;
    assert_eq!(with_default.route().credential.label().unwrap(), "b");
    assert_eq!(two().label("a").route().credential.label().unwrap(), "a");
    let (code, exit, told) = two().label("c").refused();
    assert_eq!((code, exit), ("no_such_key", 3));
    assert!(told.contains("vk.toml:4") && told.contains("anthropic a, anthropic b"), "{told}");
    assert!(told.contains("vk keys add anthropic --label c"), "{told}");
    assert_eq!(World::new().path(PayPath::Byok).on("openai").anthropic_key("a").refused().0, "no_key");
}

#[test]
fn a_variable_is_used_only_by_name() {
    let ci = |set| World::new().path(PayPath::Byok).on("anthropic").anthropic_key("a").env("ANTHROPIC_API_KEY", set);
    let route = ci(true).route();
    let expected = CredentialRef::Env { name: "ANTHROPIC_API_KEY".to_owned(), fingerprint: "aaaa0000".to_owned() };
    assert_eq!(route.credential, expected);
    let (code, exit, told) = ci(false).refused();
    assert_eq!((code, exit), ("env_key_unset", 3), "an unset variable is never replaced by a stored key: {told}");
}

#[test]
fn a_stored_key_stays_at_its_address() {
    let mut world = World::new().path(PayPath::Byok).anthropic_key("a");
    let moved = Sourced::new("https://proxy.example.com".to_owned(), user(2));
    world.settings.providers.get_mut("anthropic").unwrap().base_url = moved;
    let (code, exit, told) = world.refused();
    assert_eq!((code, exit), ("key_of_other_address", 3));
    assert!(told.contains("vk keys test a --provider anthropic --accept-address"), "{told}");
    // Another provider's key does not step in.
    assert_eq!(world.openai_key("b").refused().0, "several_providers");
}

#[test]
fn the_provider_must_be_of_the_path() {
    let (code, exit, told) = World::new().path(PayPath::Platform).on("anthropic").anthropic_key("a").refused();
    assert_eq!((code, exit), ("provider_of_other_path", 2));
    assert!(told.contains("--path byok --provider anthropic"), "{told}");
    let (code, exit, told) = World::new().path(PayPath::Byok).on("antropic").refused();
    assert_eq!((code, exit), ("unknown_provider", 2));
    assert!(told.contains("--provider anthropic"), "{told}");
}

#[test]
fn paths_without_a_provider_say_what_this_version_can_do() {
    for (path, word) in [
        (PayPath::Subscription, "claude auth login"),
        (PayPath::Platform, "vk keys add openrouter"),
        (PayPath::Free, "vk use free --provider ollama"),
    ] {
        let (code, exit, told) = World::new().path(path).anthropic_key("a").refused();
        let expected = if path == PayPath::Platform { "no_key" } else { "no_provider" };
        assert_eq!((code, exit), (expected, 3), "{path}");
        assert!(told.contains(word) && (path == PayPath::Free || !told.contains("vk login")), "{told}");
    }
    assert_eq!(World::new().path(PayPath::Subscription).on("claude").refused().0, "no_program");
}

#[test]
fn a_model_name_never_moves_the_payer() {
    let world = World::new().path(PayPath::Byok).on("anthropic").anthropic_key("a").openai_key("b");
    for name in ["gpt", "gpt-mini", "gpt-6.2-sol", "gpt-4o", "terra"] {
        let (code, exit, told) =
            World { settings: world.settings.clone(), keys: world.keys.clone(), ..World::new() }.model(name).refused();
        assert_eq!((code, exit), ("unknown_model", 2), "{name}");
        assert!(told.contains(&format!("--path byok --provider openai --model {name}")), "{told}");
    }
    let (code, _, told) = world.model("sonet").refused();
    assert_eq!(code, "unknown_model");
    assert!(told.contains("did you mean sonnet") && told.contains("--model sonnet"), "{told}");
}

#[test]
fn exact_ids_always_work_where_the_money_is_known() {
    let with = |name: &str| World::new().path(PayPath::Byok).on("anthropic").anthropic_key("a").model(name);
    assert_eq!(with("claude-haiku-4-5-20251001").route().model, "claude-haiku-4-5-20251001");
    let retired = with("claude-opus-4-1-20250805").route();
    assert_eq!(retired.model, "claude-opus-4-1-20250805");
    assert_eq!(retired.warnings.len(), 1, "{:?}", retired.warnings);
    assert_eq!(retired.traits.thinking, Thinking::Budget);
    let snapshot = World::new().path(PayPath::Byok).openai_key("b").model("gpt-6.2-sol-2026-11-17").route();
    assert_eq!((snapshot.model.as_str(), snapshot.traits.thinking), ("gpt-6.2-sol-2026-11-17", Thinking::Effort));

    let (code, exit, told) = with("claude-opus-7").refused();
    assert_eq!((code, exit), ("unpriced_model", 2));
    assert!(told.contains("[providers.anthropic.prices.\"claude-opus-7\"]") && told.contains("$5.00"), "{told}");
    // The user's own price makes it run, without knobs that nobody knows it takes.
    let mut paid = with("claude-opus-7");
    let prices = &mut paid.settings.providers.get_mut("anthropic").unwrap().prices;
    prices.insert("claude-opus-7".to_owned(), own_price("3", "9"));
    let route = paid.route();
    assert_eq!((route.model.as_str(), route.traits.thinking), ("claude-opus-7", Thinking::None));
    let facts = paid.facts(None);
    let price = list_price(&paid.settings, facts.catalog, "anthropic", "claude-opus-7", facts.now).unwrap();
    assert_eq!((price.rates.cache_read, price.source.as_str()), ("3".parse().unwrap(), "config.toml:7"));
}

#[test]
fn the_users_price_beats_the_catalogs_and_keeps_the_models_traits() {
    let mut world = World::new().path(PayPath::Byok).anthropic_key("a").model("sonnet");
    let prices = &mut world.settings.providers.get_mut("anthropic").unwrap().prices;
    prices.insert("claude-sonnet-5-5".to_owned(), own_price("1", "5"));
    let route = world.route();
    assert_eq!(route.traits.thinking, Thinking::Adaptive);
    let facts = world.facts(None);
    let price = list_price(&world.settings, facts.catalog, "anthropic", &route.model, facts.now).unwrap();
    assert_eq!(price.rates.input, "1".parse().unwrap());
}

#[test]
fn gateways_take_their_own_names_prefixes_and_words() {
    let table = |settings: &mut ProviderSettings| {
        settings.markup = "8%".parse().unwrap();
        settings.prices.insert("house-large".to_owned(), same_as("claude-sonnet-5-5"));
        settings.prices.insert("house-old".to_owned(), same_as("claude-sonnet-4-5"));
        settings.prices.insert("house-big".to_owned(), same_as("claude-opus-5-5"));
    };
    let work = || World::new().path(PayPath::Platform).gateway("work", table);
    let route = work().route();
    assert_eq!(
        route.line(),
        "platform · work · house-large · key default 3f9c01aa · you pay work: list + 8% markup · stops at $5.00"
    );
    assert_eq!(route.markup, "8%".parse().unwrap());
    assert_eq!(route.traits.thinking, Thinking::None, "no knob is portable on Chat Completions");
    assert_eq!(route.context, 1_000_000);
    for (asked, sent) in [
        ("sonnet", "house-large"),
        ("best", "house-big"),
        ("opus", "house-big"),
        ("house-old", "house-old"),
        ("anthropic/claude-sonnet-5-5", "anthropic/claude-sonnet-5-5"),
        ("anthropic/claude-sonnet-4.5", "anthropic/claude-sonnet-4.5"),
        ("claude-opus-5-5", "claude-opus-5-5"),
    ] {
        assert_eq!(work().model(asked).route().model, sent, "{asked}");
    }
    // Nothing maps to it there, and it is offered elsewhere.
    let (code, exit, told) = work().model("haiku").refused();
    assert_eq!((code, exit), ("unknown_model", 2));
    assert!(told.contains("--path byok --provider anthropic --model haiku"), "{told}");
    assert_eq!(work().model("fast").refused().0, "model_not_named");
    assert_eq!(work().model("mystery-9").refused().0, "unpriced_model");
}

#[test]
fn gateways_without_a_table_go_by_their_wire() {
    let over = |wire| World::new().path(PayPath::Platform).gateway("work", move |settings| settings.wire = wire);
    let anthropic = over(Wire::Anthropic).route();
    assert_eq!((anthropic.model.as_str(), anthropic.traits.thinking), ("claude-sonnet-5-5", Thinking::Adaptive));
    assert_eq!(anthropic.payer, "you pay work: list, no markup");
    assert_eq!(over(Wire::Responses).route().model, "gpt-6.2-sol");
    assert_eq!(over(Wire::Chat).model("sonnet").route().model, "anthropic/claude-sonnet-5-5");
    assert_eq!(over(Wire::Chat).model("gpt").route().model, "openai/gpt-6.2-sol");
    assert_eq!(over(Wire::Chat).refused().0, "model_not_named");
    // A table with one model is a choice already.
    let one = |settings: &mut ProviderSettings| {
        settings.prices.insert("house".to_owned(), own_price("1", "2"));
    };
    assert_eq!(World::new().path(PayPath::Platform).gateway("work", one).route().model, "house");
}

#[test]
fn nobody_pays_at_a_local_server_and_no_cap_is_held() {
    let route = World::new().path(PayPath::Free).local().model("qwen3-coder:30b").route();
    assert_eq!(route.line(), "free · ollama · qwen3-coder:30b · nobody pays");
    assert_eq!((route.cap, route.credential, route.context), (None, CredentialRef::None, 32_768));
    assert_eq!(World::new().path(PayPath::Free).local().refused().0, "model_not_named");
    assert_eq!(World::new().path(PayPath::Free).local().model("sonnet").refused().0, "unknown_model");
    assert_eq!(World::new().path(PayPath::Free).local().model("devstral").route().model, "devstral");
    // A file's key belongs to that file's provider; a key named for this run is answered.
    assert_eq!(World::new().path(PayPath::Free).local().model("x").label("a").route().provider, "ollama");
    let with_key = || World::new().path(PayPath::Free).local().model("x").env("K", true);
    assert_eq!(with_key().on("ollama").refused().0, "key_not_taken");
    // It may be for the gateway that has free models too.
    assert_eq!(with_key().refused().0, "several_providers");
}

#[test]
fn the_cap_is_the_settings_and_is_shown() {
    let mut world = World::new().path(PayPath::Byok).anthropic_key("a");
    world.settings.budget.task = Sourced::new(Usd::from_cents(150), Source::Flag("--max-cost"));
    let route = world.route();
    assert_eq!(route.cap, Some(Usd::from_cents(150)));
    assert!(route.steps.iter().any(|step| step.decision == "cap" && step.source == "--max-cost"));
}

#[test]
fn every_path_side_by_side() {
    let world = World::new().path(PayPath::Byok).on("anthropic").anthropic_key("a").openai_key("b").local().gateway(
        "work",
        |settings| {
            settings.prices.insert("house".to_owned(), same_as("claude-sonnet-5-5"));
        },
    );
    let shown: Vec<String> = table(&world.facts(None))
        .iter()
        .map(|row| {
            let dash = || "-".to_owned();
            let (provider, model) = (row.provider.clone().unwrap_or_else(dash), row.model.clone().unwrap_or_else(dash));
            format!("{} {provider} {} {model} {}", row.path, row.possible, row.reason)
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    byok anthropic true claude-sonnet-5-5 key a
    subscription - false - no plan can pay: claude is not installed; codex is not installed
    platform work true house key default
    free ollama false - no free model of ollama is known here: vk models refresh
    "#);
    let mut open = World::new().anthropic_key("a").openai_key("b");
    open.settings.model = Some(Sourced::new("opus".to_owned(), Source::Flag("--model")));
    let rows = table(&open.facts(None));
    let byok: Vec<(&str, bool)> = rows
        .iter()
        .filter(|row| row.path == PayPath::Byok)
        .map(|r| (r.provider.as_deref().unwrap(), r.possible))
        .collect();
    assert_eq!(byok, [("anthropic", true), ("openai", false)]);
}
