//! The payer law as properties: nothing but the user's own words decides who pays.

use proptest::prelude::*;

use super::testing::{World, key, project, same_as};
use super::*;
use crate::config::source::Source;
use crate::domain::route::CredentialRef;

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
            prop_assert!(world.settings.providers[&route.provider].serves(route.path));
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
