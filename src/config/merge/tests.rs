use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::config::document::Document;
use crate::config::settings::KeyChoice;
use crate::config::source::Source;
use crate::config::{project_file, provider, user_file};
use crate::domain::path::{Auth, PayPath};

const USER: &str = r#"
[providers.anthropic]
base_url = "https://proxy.example.com"
[providers.work]
kind = "platform"
wire = "chat"
base_url = "https://llm.example.com/v1"
markup = "8%"
[fallback]
"byok:anthropic -> byok:openai/spare" = "1.00"
[budget]
task = "3.00"
day = "9.00"
[sandbox]
require = "full"
read = ["/opt/read"]
write = ["/opt/write"]
env = ["JAVA_HOME"]
"#;

static USER_VALUES: LazyLock<UserValues> = LazyLock::new(|| {
    let document = Document::new("config.toml".into(), "config.toml", USER, Source::User);
    user_file::read(&document, None, &[]).unwrap()
});

fn with_project(user: &UserValues, text: &str) -> Result<Settings, ConfigError> {
    let document = Document::new("vk.toml".into(), "vk.toml", text, Source::Project);
    let none = Given::default();
    let project = project_file::read(&document, &ceilings(user, &none, &none))?;
    let (user, personal, budgets) = (user.clone(), Vec::new(), user.budgets.clone());
    let layers = Layers { user, project, personal, budgets, env: none.clone(), flags: none };
    merge(layers).map(|(settings, _)| settings)
}

/// H3: whatever stands in a project's file, it is refused with its place, or it has loosened nothing.
fn loosens_nothing(user: &UserValues, text: &str) -> Result<(), TestCaseError> {
    match with_project(user, text) {
        Err(ConfigError::Wrong(wrong)) => {
            let mut parts = wrong.place.split(':').skip(1).map(str::parse::<usize>);
            let (line, column) = (parts.next(), parts.next());
            prop_assert!(matches!((line, column), (Some(Ok(1..)), Some(Ok(1..)))), "{}", wrong.place);
        }
        Err(other) => prop_assert!(false, "{other:?}"),
        Ok(settings) => {
            prop_assert!(settings.budget.task.value <= Usd::from_cents(300));
            let users = settings.budget.others.iter().filter(|budget| !budget.source.is_project());
            prop_assert_eq!(users.cloned().collect::<Vec<_>>(), user.budgets.clone());
            let own = settings.budget.others.iter().filter(|budget| budget.source.is_project());
            prop_assert!(own.clone().all(|budget| budget.of == Subject::Project));
            prop_assert!(own.clone().all(|b| b.per != Per::Day || b.limit <= Usd::from_cents(900)));
            prop_assert_eq!(&settings.providers, &user.providers);
            prop_assert_eq!(&settings.fallback, &user.fallback);
            prop_assert_eq!(settings.sandbox.require.value, Require::Full);
            prop_assert_eq!(&settings.sandbox.read, &user.read);
            prop_assert_eq!(&settings.sandbox.write, &user.write);
            prop_assert_eq!(&settings.sandbox.env, &user.env);
            prop_assert!(!matches!(settings.key.as_deref(), Some(KeyChoice::Env(_))));
        }
    }
    Ok(())
}

/// Lines that a hostile author would try, well formed and not.
static LINES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let known =
        ["path", "provider", "model", "key", "name", "checks", "budget", "models", "match", "task", "day", "month"];
    let refused = ["providers", "base_url", "fallback", "sandbox", "projects", "approve", "proxy", "paths", "x"];
    let values = [
        "\"byok\"",
        "\"work\"",
        "\"2.99\"",
        "\"3.01\"",
        "\"env:HOME\"",
        "\"\"",
        "1",
        "99.5",
        "inf",
        "true",
        "[]",
        "[\"true\", \"x\"]",
        "{ task = \"1\" }",
        "{ task = \"9\" }",
        "{ base_url = \"http://x\" }",
        "[{ match = \"a\", model = \"b\" }]",
        "[",
        "\"\"\"",
    ];
    let mut lines = vec!["# \u{1f600}".to_owned(), "=".to_owned(), "\r".to_owned(), "\u{feff}".to_owned()];
    for key in known.iter().chain(&refused) {
        lines.extend(values.iter().map(|value| format!("{key} = {value}")));
        lines.extend(["budget", "providers.anthropic", "sandbox"].map(|table| format!("{table}.{key} = \"9\"")));
        lines.extend([format!("[{key}]"), format!("[[{key}]]"), format!("[providers.{key}]"), format!("['{key}'")]);
    }
    lines
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 100_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_project_loosens_nothing(lines in prop::collection::vec(0..LINES.len(), 1..5)) {
        let text = lines.iter().map(|i| LINES[*i].as_str()).collect::<Vec<_>>().join("\n");
        loosens_nothing(&USER_VALUES, &text)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_at_all_loosens_anything(text in any::<String>()) {
        loosens_nothing(&USER_VALUES, &text)?;
    }

    #[test]
    fn budgets_only_shrink(user_cents in 0_i64..1_000, project_cents in 0_i64..1_000) {
        let mut user = USER_VALUES.clone();
        user.budget_task = Some(Sourced::built_in(Usd::from_cents(user_cents)));
        let text = format!("[budget]\ntask = \"{}\"", Usd::from_cents(project_cents).exact());
        match with_project(&user, &text) {
            Ok(settings) => {
                prop_assert!(project_cents <= user_cents);
                prop_assert_eq!(settings.budget.task.value, Usd::from_cents(project_cents));
            }
            Err(_) => prop_assert!(project_cents > user_cents),
        }
    }

    /// The model is the highest layer's; every other value too, or it is set aside and that is said.
    #[test]
    fn the_highest_layer_wins_or_says_why_not(layers in prop::collection::vec(one_layer(), 5)) {
        let (choice, warnings) = choose(&layers, &USER_VALUES.providers);
        let highest = |value: fn(&Choice) -> Option<String>| layers.iter().rev().find_map(value);
        let model = |choice: &Choice| choice.model.as_ref().map(|v| v.value.clone());
        let path = |choice: &Choice| choice.path.as_ref().map(|v| v.value.to_string());
        let provider = |choice: &Choice| choice.provider.as_ref().map(|v| v.value.clone());
        let key = |choice: &Choice| choice.key.as_ref().map(|v| v.value.to_string());
        prop_assert_eq!(model(&choice), highest(model));
        prop_assert_eq!(path(&choice), highest(path));
        let aside = |word: &str| warnings.iter().any(|warning| warning.starts_with(word));
        prop_assert!(provider(&choice) == highest(provider) || (provider(&choice).is_none() && aside("provider")));
        prop_assert!(key(&choice) == highest(key) || (key(&choice).is_none() && aside("key")));
        prop_assert_eq!(warnings.is_empty(), provider(&choice) == highest(provider) && key(&choice) == highest(key));
    }

    /// A key is never used with another provider than the one it was named under.
    #[test]
    fn a_key_stays_with_its_provider(layers in prop::collection::vec(one_layer(), 5)) {
        let (choice, _) = choose(&layers, &USER_VALUES.providers);
        if choice.key.is_some() {
            let at = layers.iter().rposition(|layer| layer.key.is_some()).unwrap_or(0);
            let named = layers[..=at].iter().rev().find_map(|layer| layer.provider.clone());
            prop_assert!(named.is_none() || named.map(|p| p.value) == choice.provider.map(|p| p.value));
        }
    }
}

fn one_layer() -> impl Strategy<Value = Choice> {
    let path = prop::option::of(prop::sample::select(PayPath::ALL.to_vec()));
    let word = |words: &'static [&'static str]| prop::option::of(prop::sample::select(words));
    (path, word(&["anthropic", "openai", "work", "nobody"]), word(&["sonnet", "gpt"]), word(&["a", "b"])).prop_map(
        |(path, provider, model, key)| {
            let text = |word: &str| Sourced::built_in(word.to_owned());
            Choice {
                path: path.map(Sourced::built_in),
                provider: provider.map(text),
                model: model.map(text),
                key: key.map(|label| Sourced::built_in(KeyChoice::Label(label.to_owned()))),
            }
        },
    )
}

#[test]
fn built_in_providers_are_of_the_right_kind() {
    for (name, settings) in provider::built_in() {
        let is_plan = [provider::CLAUDE, provider::CODEX].contains(&name.as_str());
        assert_eq!(settings.kind == PayPath::Subscription, is_plan, "{name}");
        assert_eq!(settings.auth == Auth::None, settings.kind == PayPath::Free, "{name}");
        let parsed = crate::config::address::parse(&settings.base_url, settings.wire).unwrap();
        assert_eq!(parsed, settings.base_url.value, "{name}");
    }
}
