use super::super::testing::Person;
use super::*;
use crate::domain::failure::Failure;
use std::time::Instant;

const HOME: &str = "https://api.anthropic.com";

fn vault(data: &Path, keyring: &Arc<Memory>) -> Vault {
    let keyring = Arc::clone(keyring) as Arc<dyn SecretStore>;
    Vault::with_keyring(data, Person::nobody(), keyring, Duration::from_secs(5))
}

fn new_key<'a>(provider: &'a str, label: &'a str) -> NewKey<'a> {
    NewKey { provider, label, kind: KeyKind::ApiKey, base_url: HOME, replace: false }
}

fn code(error: CredentialError) -> &'static str {
    let failure = Failure::from(error);
    assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
    failure.code
}

#[test]
fn a_key_is_listed_without_its_secret_and_read_back_whole() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let keyring = Arc::new(Memory::new());
    let vault = vault(&data, &keyring);
    assert!(vault.list().unwrap().is_empty());
    assert!(!data.exists(), "listing makes nothing");
    let added = vault.add(&new_key("anthropic", "client-a"), &Secret::new("sk-ant-api03-canary")).unwrap();
    assert_eq!((added.store, added.origin.as_str()), (StoreKind::Keyring, HOME));
    assert_eq!(vault.list().unwrap(), std::slice::from_ref(&added));
    assert_eq!(vault.store().unwrap(), Some(StoreKind::Keyring));
    assert_eq!(vault.secret("anthropic", "client-a", &format!("{HOME}/")).unwrap().expose(), "sk-ant-api03-canary");
    assert!(!std::fs::read_to_string(data.join("keys.json")).unwrap().contains("canary"));
    assert_eq!(code(vault.add(&new_key("anthropic", "client-a"), &Secret::new("x")).unwrap_err()), "key_exists");

    let replacing = NewKey { replace: true, ..new_key("anthropic", "client-a") };
    vault.add(&replacing, &Secret::new("sk-ant-api03-other")).unwrap();
    assert_eq!(vault.secret("anthropic", "client-a", HOME).unwrap().expose(), "sk-ant-api03-other");
    assert_eq!(keyring.names().len(), 1, "the old secret is gone");
    vault.remove("anthropic", "client-a").unwrap();
    assert!(vault.list().unwrap().is_empty() && keyring.names().is_empty());
}

#[test]
fn a_key_leaves_only_for_the_address_it_was_added_for() {
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path(), &Arc::new(Memory::new()));
    vault.add(&new_key("anthropic", "k"), &Secret::new("canary")).unwrap();
    for other in ["https://api.anthropic.com:8443", "http://api.anthropic.com", "https://proxy.example.com"] {
        assert_eq!(code(vault.secret("anthropic", "k", other).unwrap_err()), "key_bound_elsewhere", "{other}");
    }
    vault.rebind("anthropic", "k", "https://proxy.example.com/v1").unwrap();
    assert!(vault.secret("anthropic", "k", "https://proxy.example.com").is_ok());
    assert_eq!(code(vault.secret("anthropic", "k", HOME).unwrap_err()), "key_bound_elsewhere");
}

#[test]
fn a_wiped_a_changed_and_a_locked_keyring_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = Arc::new(Memory::new());
    let added = vault(dir.path(), &keyring).add(&new_key("anthropic", "k"), &Secret::new("canary")).unwrap();

    keyring.change(&added.entry(), b"another secret");
    assert_eq!(code(vault(dir.path(), &keyring).secret("anthropic", "k", HOME).unwrap_err()), "key_changed");

    // As gnome-keyring before it was ever unlocked: nothing is found, and a write is refused.
    let locked = Arc::new(
        Memory::new()
            .failing(|action, _| (action == "put").then(|| StoreError::Locked("the prompt was dismissed".to_owned()))),
    );
    assert_eq!(code(vault(dir.path(), &locked).secret("anthropic", "k", HOME).unwrap_err()), "keyring_locked");
    assert_eq!(code(vault(dir.path(), &locked).remove("anthropic", "k").unwrap_err()), "keyring_locked");
    assert_eq!(vault(dir.path(), &locked).list().unwrap().len(), 1, "a locked key is not forgotten");

    let wiped = Arc::new(Memory::new());
    assert_eq!(code(vault(dir.path(), &wiped).secret("anthropic", "k", HOME).unwrap_err()), "key_gone");
    vault(dir.path(), &wiped).remove("anthropic", "k").unwrap();
    assert!(vault(dir.path(), &wiped).list().unwrap().is_empty());
}

#[test]
fn a_failure_changes_nothing_and_never_moves_keys_to_another_store() {
    let dir = tempfile::tempdir().unwrap();
    let broken = Arc::new(Memory::new().failing(|_, _| Some(StoreError::Unavailable("no bus".to_owned()))));
    let error = vault(dir.path(), &broken).add(&new_key("anthropic", "k"), &Secret::new("canary")).unwrap_err();
    let failure = Failure::from(error);
    assert_eq!((failure.code, failure.exit_code()), ("no_keyring", 3));
    assert!(failure.fix[0].starts_with("vk keys init --file") && failure.message().contains("--key env:NAME"));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);

    let keyring = Arc::new(Memory::new());
    vault(dir.path(), &keyring).add(&new_key("anthropic", "k"), &Secret::new("canary")).unwrap();
    let error = vault(dir.path(), &broken).add(&new_key("anthropic", "other"), &Secret::new("canary")).unwrap_err();
    assert_eq!(code(error), "no_keyring");
    assert_eq!(vault(dir.path(), &keyring).store().unwrap(), Some(StoreKind::Keyring));
    assert!(!dir.path().join("secrets.age").exists());
}

#[test]
fn a_store_that_gives_back_something_else_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let forgetful = Arc::new(Memory::new().failing(|action, _| (action == "get").then_some(StoreError::Absent)));
    let error = vault(dir.path(), &forgetful).add(&new_key("anthropic", "k"), &Secret::new("canary")).unwrap_err();
    assert_eq!(code(error), "key_damaged");
    assert!(vault(dir.path(), &forgetful).list().unwrap().is_empty() && forgetful.names().is_empty());
}

#[test]
fn a_keyring_that_hangs_is_given_up_and_not_waited_for_twice() {
    let dir = tempfile::tempdir().unwrap();
    let person = Person::nobody();
    let slow = Arc::new(Memory::new().slow(Duration::from_millis(400)));
    let vault = Vault::with_keyring(dir.path(), Arc::clone(&person) as _, slow, Duration::from_millis(40));
    let started = Instant::now();
    assert_eq!(code(vault.add(&new_key("anthropic", "k"), &Secret::new("canary")).unwrap_err()), "keyring_timeout");
    assert_eq!(code(vault.add(&new_key("anthropic", "k"), &Secret::new("canary")).unwrap_err()), "keyring_timeout");
    assert_eq!(code(vault.probe_keyring().unwrap_err()), "keyring_timeout");
    assert!(started.elapsed() < Duration::from_millis(300));
    assert_eq!(person.heard.lock().unwrap().len(), 1, "told once that it waits");
}

#[test]
fn labels_are_found_across_providers_where_only_one_has_them() {
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path(), &Arc::new(Memory::new()));
    for (provider, label) in [("anthropic", "client-a"), ("anthropic", "default"), ("openai", "default")] {
        vault.add(&new_key(provider, label), &Secret::new(format!("{provider}{label}"))).unwrap();
    }
    assert_eq!(vault.find("client-a", None).unwrap().provider, "anthropic");
    assert_eq!(vault.find("default", Some("openai")).unwrap().provider, "openai");
    assert_eq!(vault.find("openai/default", None).unwrap().provider, "openai");
    let several = Failure::from(vault.find("default", None).unwrap_err());
    assert_eq!((several.code, several.exit_code()), ("ambiguous_key", 2));
    assert!(several.message().contains("openai/default") && several.message().contains("anthropic/default"));
    let none = Failure::from(vault.find("client-b", None).unwrap_err());
    assert_eq!((none.code, none.exit_code()), ("unknown_key", 3));
    assert_eq!(code(vault.find("anthropic/default", Some("openai")).unwrap_err()), "unknown_key");

    vault.set_default("anthropic", "default").unwrap();
    vault.set_default("anthropic", "client-a").unwrap();
    let defaults = |vault: &Vault| -> Vec<String> {
        vault.list().unwrap().into_iter().filter(|key| key.is_default).map(|key| key.name()).collect()
    };
    assert_eq!(defaults(&vault), ["anthropic/client-a"]);
    assert_eq!(code(vault.set_default("openai", "client-a").unwrap_err()), "unknown_key");
}

#[test]
fn an_organization_is_pinned_once() {
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path(), &Arc::new(Memory::new()));
    vault.add(&new_key("anthropic", "k"), &Secret::new("canary")).unwrap();
    vault.pin_organization("anthropic", "k", Some("org-1"), None).unwrap();
    let key = vault.pin_organization("anthropic", "k", Some("org-2"), Some("Client A")).unwrap();
    assert_eq!((key.organization.as_deref(), key.account.as_deref()), (Some("org-1"), Some("Client A")));
    vault.touch_used("anthropic", "k").unwrap();
    assert!(vault.find("k", None).unwrap().last_used_at.is_some());
}

#[test]
fn labels_have_plain_names() {
    for good in ["a", "client-a", "Client_A.2", &"x".repeat(64)] {
        assert!(check_label(good).is_ok(), "{good}");
    }
    for bad in ["", "env:X", "a/b", "a b", "-x", "ä", "a\n", &"x".repeat(65)] {
        assert!(check_label(bad).is_err(), "{bad}");
    }
}

#[test]
fn tokens_that_no_index_names_yet_are_found_and_older_ones_never_take_their_place() {
    use crate::credential::plan::{Given, Tokens};
    let dir = tempfile::tempdir().unwrap();
    let keyring = Arc::new(Memory::new());
    let vault = vault(dir.path(), &keyring);
    let given = |name: &str| Given {
        access: Some(Secret::new(format!("{name}-canary"))),
        refresh: Some(Secret::new("refresh-canary")),
        ..Given::default()
    };
    let login = |name: &str| Tokens::of_login(given(name), "https://id.example", clock::now()).unwrap();
    let first = vault.add_login("codex", "default", HOME, false, login("first")).unwrap();
    let (key, tokens) = vault.tokens("codex", "default").unwrap();
    assert_eq!((key.generation, vault.unfinished(&key).unwrap().is_none()), (1, true));
    // A process that ended between the store and the index.
    let second = tokens.with(given("second"), clock::now());
    let entry = KeyInfo { generation: 2, ..key.clone() }.entry();
    parts::put(&*keyring, &entry, &second.to_bytes()).unwrap();
    let found = vault.unfinished(&key).unwrap().unwrap();
    vault.replace_tokens(&key, &found).unwrap();
    assert_eq!(vault.tokens("codex", "default").unwrap().1.access.expose(), "second-canary");
    assert_eq!(keyring.names(), [entry]);
    // The same again, from a process that came too late, and one whose login was replaced meanwhile.
    assert_eq!(code(vault.replace_tokens(&key, &found).unwrap_err()), "login_overtaken");
    let other = vault.add_login("codex", "default", HOME, true, login("other")).unwrap();
    let late = found.with(given("late"), clock::now());
    assert_eq!(code(vault.replace_tokens(&first, &late).unwrap_err()), "login_overtaken");
    assert_eq!(vault.tokens("codex", "default").unwrap().1.access.expose(), "other-canary");
    // Nor is an entry of the old login taken for a newer one of this.
    let later = late.with(given("late"), clock::now());
    assert_eq!((later.generation, other.generation), (4, 3));
    parts::put(&*keyring, &KeyInfo { generation: 4, ..other.clone() }.entry(), &later.to_bytes()).unwrap();
    assert!(vault.unfinished(&other).unwrap().is_none());
    assert_eq!(code(vault.secret("codex", "default", HOME).unwrap_err()), "not_a_key");
    vault.remove_login(&other).unwrap();
    assert!(vault.list().unwrap().is_empty() && keyring.names().is_empty(), "{:?}", keyring.names());
}
