//! Every branch of the decision, and the payer law.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::base::money::{Rate, TokenPrice, Usd};
use crate::config::provider::{OwnPrice, PriceSettings, ProviderSettings, built_in};
use crate::config::settings::{Budgets, Require, SandboxSettings};
use crate::config::source::{Place, Source};
use crate::domain::path::{Auth, Wire};
use crate::domain::request::Thinking;
use crate::domain::route::CredentialRef;

/// A home with keys and settings, changed by each test and then asked for its route.
#[derive(Debug)]
struct World {
    settings: Settings,
    keys: Vec<KeyFact>,
    env_key: Option<EnvKey>,
    ambient: Vec<String>,
}

fn line(shown: &str, line: usize) -> Place {
    Place { file: std::sync::Arc::new(shown.into()), shown: shown.into(), line }
}

fn user(n: usize) -> Source {
    Source::User(line("config.toml", n))
}

fn project(n: usize) -> Source {
    Source::Project(line("vk.toml", n))
}

fn key(provider: &str, label: &str, origin: &str) -> KeyFact {
    let (provider, label, origin) = (provider.to_owned(), label.to_owned(), origin.to_owned());
    KeyFact { provider, label, fingerprint: "3f9c01aa".to_owned(), origin, is_default: false }
}

fn provider(kind: PayPath, wire: Wire, auth: Auth, base_url: &str) -> ProviderSettings {
    ProviderSettings {
        kind,
        wire,
        base_url: Sourced::new(base_url.to_owned(), user(3)),
        auth,
        markup: Rate::ZERO,
        prices: BTreeMap::new(),
        source: user(1),
    }
}

fn same_as(model: &str) -> Sourced<PriceSettings> {
    let price = PriceSettings::As { vendor: "anthropic".to_owned(), model: model.to_owned() };
    Sourced::new(price, user(9))
}

impl World {
    fn new() -> Self {
        let settings = Settings {
            path: None,
            provider: None,
            model: None,
            key: None,
            providers: built_in(),
            models: Vec::new(),
            checks: Vec::new(),
            budget: Budgets { task: Sourced::built_in(Usd::from_cents(500)) },
            fallback: Vec::new(),
            sandbox: SandboxSettings {
                require: Sourced::built_in(Require::Full),
                read: Vec::new(),
                write: Vec::new(),
                env: Vec::new(),
            },
        };
        Self { settings, keys: Vec::new(), env_key: None, ambient: Vec::new() }
    }

    fn path(mut self, path: PayPath) -> Self {
        self.settings.path = Some(Sourced::new(path, project(1)));
        self
    }

    fn on(mut self, name: &str) -> Self {
        self.settings.provider = Some(Sourced::new(name.to_owned(), project(2)));
        self
    }

    fn model(mut self, name: &str) -> Self {
        self.settings.model = Some(Sourced::new(name.to_owned(), project(3)));
        self
    }

    fn label(mut self, label: &str) -> Self {
        self.settings.key = Some(Sourced::new(KeyChoice::Label(label.to_owned()), project(4)));
        self
    }

    fn env(mut self, name: &str, set: bool) -> Self {
        self.settings.key = Some(Sourced::new(KeyChoice::Env(name.to_owned()), Source::Flag("--key")));
        self.env_key = set.then(|| EnvKey { name: name.to_owned(), fingerprint: "aaaa0000".to_owned() });
        self
    }

    fn anthropic_key(mut self, label: &str) -> Self {
        self.keys.push(key("anthropic", label, "https://api.anthropic.com"));
        self
    }

    fn openai_key(mut self, label: &str) -> Self {
        self.keys.push(key("openai", label, "https://api.openai.com"));
        self
    }

    fn gateway(mut self, name: &str, change: impl FnOnce(&mut ProviderSettings)) -> Self {
        let mut settings = provider(PayPath::Platform, Wire::Chat, Auth::Bearer, "https://llm.example.com/v1");
        change(&mut settings);
        self.settings.providers.insert(name.to_owned(), settings);
        self.keys.push(key(name, "default", "https://llm.example.com"));
        self
    }

    fn local(mut self) -> Self {
        let settings = provider(PayPath::Free, Wire::Chat, Auth::None, "http://127.0.0.1:11434/v1");
        self.settings.providers.insert("ollama".to_owned(), settings);
        self
    }

    fn facts<'a>(&'a self, task: Option<&'a str>) -> Facts<'a> {
        Facts {
            settings: &self.settings,
            keys: &self.keys,
            env_key: self.env_key.as_ref(),
            catalog: Catalog::bundled(),
            ambient: &self.ambient,
            task,
            now: "2026-11-24T12:00:00Z".parse().unwrap(),
        }
    }

    fn decide(&self) -> Result<Route, Failure> {
        decide(&self.facts(None))
    }

    fn route(&self) -> Route {
        self.decide().unwrap_or_else(|failure| panic!("{failure:?}"))
    }

    /// Code, exit code and everything that is said.
    fn refused(&self) -> (&'static str, u8, String) {
        let failure = self.decide().unwrap_err();
        let why = failure.why.clone().unwrap_or_default();
        let told = format!("{}\n{why}\n{}", failure.what, failure.fix.join("\n"));
        (failure.code, failure.exit_code(), told)
    }
}

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
        (PayPath::Subscription, "cannot run on a Claude or Codex plan"),
        (PayPath::Platform, "kind = \"platform\""),
        (PayPath::Free, "kind = \"free\""),
    ] {
        let (code, exit, told) = World::new().path(path).anthropic_key("a").refused();
        assert_eq!((code, exit), ("no_provider", 3), "{path}");
        assert!(told.contains(word) && !told.contains("vk login"), "{told}");
    }
    assert_eq!(World::new().path(PayPath::Subscription).on("claude").refused().0, "no_provider");
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
    let mut priced = with("claude-opus-7");
    let usd = |text: &str| text.parse::<TokenPrice>().unwrap();
    let own =
        OwnPrice { input: usd("3"), output: usd("9"), cache_read: None, cache_write_5m: None, cache_write_1h: None };
    let prices = &mut priced.settings.providers.get_mut("anthropic").unwrap().prices;
    prices.insert("claude-opus-7".to_owned(), Sourced::new(PriceSettings::Own(own), user(7)));
    let route = priced.route();
    assert_eq!((route.model.as_str(), route.traits.thinking), ("claude-opus-7", Thinking::None));
    let facts = priced.facts(None);
    let price = list_price(&priced.settings, facts.catalog, "anthropic", "claude-opus-7", facts.now).unwrap();
    assert_eq!((price.rates.cache_read, price.source.as_str()), (usd("3"), "config.toml:7"));
}

#[test]
fn the_users_price_beats_the_catalogs_and_keeps_the_models_traits() {
    let mut world = World::new().path(PayPath::Byok).anthropic_key("a").model("sonnet");
    let own = PriceSettings::Own(OwnPrice {
        input: "1".parse().unwrap(),
        output: "5".parse().unwrap(),
        cache_read: None,
        cache_write_5m: None,
        cache_write_1h: None,
    });
    let prices = &mut world.settings.providers.get_mut("anthropic").unwrap().prices;
    prices.insert("claude-sonnet-5-5".to_owned(), Sourced::new(own, user(7)));
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
        let own = OwnPrice {
            input: "1".parse().unwrap(),
            output: "2".parse().unwrap(),
            cache_read: None,
            cache_write_5m: None,
            cache_write_1h: None,
        };
        settings.prices.insert("house".to_owned(), Sourced::new(PriceSettings::Own(own), user(7)));
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
    assert_eq!(World::new().path(PayPath::Free).local().model("x").env("K", true).refused().0, "key_not_taken");
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
    subscription - false - no provider of kind subscription is configured: vk use byok
    platform work true house key default
    free ollama false - ollama has no model for "balanced" (built in): --model ID, the exact id that this provider takes
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

fn any_world() -> impl Strategy<Value = World> {
    let path = prop::option::of(prop::sample::select(PayPath::ALL.to_vec()));
    let named = prop::option::of(prop::sample::select(vec!["anthropic", "openai", "work", "ollama", "groq", "nobody"]));
    let model =
        prop::option::of(prop::sample::select(vec!["sonnet", "gpt", "best", "gpt-6.2-sol", "house", "claude-9"]));
    let label = prop::option::of(prop::sample::select(vec!["a", "b", "default", "zzz"]));
    let keys = prop::collection::vec((prop::sample::select(vec!["anthropic", "openai", "groq"]), "[ab]"), 0..4);
    (path, named, model, label, keys).prop_map(|(path, named, model, label, keys)| {
        let mut world = World::new().local().gateway("work", |settings| {
            settings.prices.insert("house".to_owned(), same_as("claude-sonnet-5-5"));
        });
        world.settings.path = path.map(|path| Sourced::new(path, project(1)));
        world.settings.provider = named.map(|name| Sourced::new(name.to_owned(), project(2)));
        world.settings.model = model.map(|name| Sourced::new(name.to_owned(), project(3)));
        world.settings.key = label.map(|label| Sourced::new(KeyChoice::Label(label.to_owned()), project(4)));
        for (provider, label) in keys {
            let origin = world.settings.providers[provider].origin();
            world.keys.push(key(provider, &label, &origin));
        }
        world
    })
}

proptest! {
    /// Nothing that lies about in the environment changes a route; it is only named in it.
    #[test]
    fn ambient_credentials_never_change_a_route(
        mut world in any_world(),
        ambient in prop::collection::vec("[A-Z_]{1,20}", 0..5),
    ) {
        let before = world.decide();
        world.ambient.clone_from(&ambient);
        let after = world.decide();
        let without_names = |decided: Result<Route, Failure>| {
            decided.map(|route| Route { ignored_ambient: Vec::new(), ..route })
        };
        if let Ok(route) = &after {
            prop_assert_eq!(&route.ignored_ambient, &ambient);
        }
        prop_assert_eq!(without_names(before), without_names(after));
    }

    /// The model is decided last: whatever it is called, path, provider and key stay what they were.
    #[test]
    fn no_model_name_moves_the_payer(mut world in any_world(), name in "[a-z0-9./-]{1,24}") {
        let payer = |route: &Route| (route.path, route.provider.clone(), route.credential.clone());
        let before = world.decide();
        world.settings.model = Some(Sourced::new(name, Source::Flag("--model")));
        if let (Ok(before), Ok(after)) = (before, world.decide()) {
            prop_assert_eq!(payer(&before), payer(&after));
        }
    }

    /// A route is only ever of the path that was named, at a provider of that kind, with a key of that provider
    /// that was added for that address.
    #[test]
    fn a_route_is_what_was_named(world in any_world()) {
        if let Ok(route) = world.decide() {
            prop_assert_eq!(Some(route.path), world.settings.path.as_ref().map(|path| path.value));
            prop_assert_eq!(route.path, world.settings.providers[&route.provider].kind);
            if let Some(named) = &world.settings.provider {
                prop_assert_eq!(&named.value, &route.provider);
            }
            if let CredentialRef::Stored { provider, label, .. } = &route.credential {
                prop_assert_eq!(provider, &route.provider);
                let origin = world.settings.providers[provider].origin();
                prop_assert!(world.keys.iter().any(|key| key.provider == *provider && key.label == *label && key.origin == origin));
            }
            if route.path.is_billed() {
                prop_assert!(route.cap.is_some());
                let facts = world.facts(None);
                prop_assert!(list_price(&world.settings, facts.catalog, &route.provider, &route.model, facts.now).is_some());
            }
        }
    }
}
