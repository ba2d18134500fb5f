//! Stored keys as a table and as JSON: everything that is known of them except the keys.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::json::text;
use super::table::{cell, new_table, render};
use crate::base::clock;
use crate::credential::{KeyInfo, KeyKind};
use crate::domain::failure::Failure;

/// A key that was tested, with what the test changed, and why it failed if it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    pub key: KeyInfo,
    pub failure: Option<Failure>,
}

/// `vk keys list --output json`: the fields are a contract (DESIGN 6).
#[must_use]
pub fn json(keys: &[KeyInfo]) -> String {
    let rows = keys.iter().map(|key| {
        json!({
            "provider": key.provider,
            "label": key.label,
            "fingerprint": key.fingerprint,
            "kind": key.kind.as_str(),
            "store": key.store.as_str(),
            "account": key.account,
            "added_at": clock::rfc3339(key.added_at),
            "last_used_at": key.last_used_at.map(clock::rfc3339),
        })
    });
    text(&Value::Array(rows.collect()))
}

#[must_use]
pub fn table(keys: &[KeyInfo], width: Option<u16>) -> String {
    let mut table = new_table(&["provider", "label", "fingerprint", "store", "account", "added", "last used"], width);
    for key in keys {
        table.add_row([
            cell(&key.provider),
            cell(&label(key)),
            cell(&key.fingerprint),
            cell(key.store.as_str()),
            cell(account(key)),
            cell(&day(key.added_at)),
            cell(&key.last_used_at.map_or_else(|| "never".to_owned(), day)),
        ]);
    }
    render(&table)
}

/// `vk keys test --output json`.
#[must_use]
pub fn tested_json(tested: &[Tested]) -> String {
    let rows = tested.iter().map(|one| {
        json!({
            "provider": one.key.provider,
            "label": one.key.label,
            "fingerprint": one.key.fingerprint,
            "ok": one.failure.is_none(),
            "organization": one.key.organization,
            "account": one.key.account,
            "error": one.failure,
        })
    });
    text(&Value::Array(rows.collect()))
}

#[must_use]
pub fn tested_table(tested: &[Tested], width: Option<u16>) -> String {
    let mut table = new_table(&["provider", "label", "fingerprint", "result", "account"], width);
    for one in tested {
        table.add_row([
            cell(&one.key.provider),
            cell(&label(&one.key)),
            cell(&one.key.fingerprint),
            cell(one.failure.as_ref().map_or("works", |failure| &failure.what)),
            cell(one.key.account.as_deref().unwrap_or("unknown")),
        ]);
    }
    render(&table)
}

fn label(key: &KeyInfo) -> String {
    if key.is_default { format!("{} (default)", key.label) } else { key.label.clone() }
}

/// Whose it is. A setup-token does not say, and nobody can be asked.
pub(super) fn account(key: &KeyInfo) -> &str {
    match (&key.account, key.kind) {
        (Some(account), _) => account,
        (None, KeyKind::SetupToken) => "not verifiable",
        (None, _) => "unknown",
    }
}

fn day(at: Timestamp) -> String {
    clock::rfc3339(at)[..10].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::StoreKind;

    fn keys() -> Vec<KeyInfo> {
        let first = KeyInfo {
            provider: "anthropic".to_owned(),
            label: "client-a".to_owned(),
            fingerprint: "0a1b2c3d".to_owned(),
            kind: KeyKind::ApiKey,
            store: StoreKind::Keyring,
            account: Some("Client\u{202e} A".to_owned()),
            organization: Some("org-1".to_owned()),
            origin: "https://api.anthropic.com".to_owned(),
            added_at: "2026-11-20T09:00:00.5Z".parse().unwrap(),
            last_used_at: Some("2026-11-24T10:30:00Z".parse().unwrap()),
            is_default: true,
            plan: None,
            expires_at: None,
            generation: 0,
        };
        let second = KeyInfo {
            provider: "openai".to_owned(),
            label: "default".to_owned(),
            store: StoreKind::File,
            account: None,
            last_used_at: None,
            is_default: false,
            ..first.clone()
        };
        vec![first, second]
    }

    #[test]
    fn people_see_a_table() {
        insta::assert_snapshot!(table(&keys(), None), @r"
        provider   label               fingerprint  store    account           added       last used
        anthropic  client-a (default)  0a1b2c3d     keyring  Client\u{202e} A  2026-11-20  2026-11-24
        openai     default             0a1b2c3d     file     unknown           2026-11-20  never
        ");
    }

    #[test]
    fn scripts_see_exactly_the_fields_of_the_contract() {
        insta::assert_snapshot!(json(&keys()), @r#"[{"provider":"anthropic","label":"client-a","fingerprint":"0a1b2c3d","kind":"api_key","store":"keyring","account":"Client\u202e A","added_at":"2026-11-20T09:00:00.500Z","last_used_at":"2026-11-24T10:30:00.000Z"},{"provider":"openai","label":"default","fingerprint":"0a1b2c3d","kind":"api_key","store":"file","account":null,"added_at":"2026-11-20T09:00:00.500Z","last_used_at":null}]"#);
        assert_eq!(json(&[]), "[]");
    }

    #[test]
    fn tests_say_what_works_and_what_does_not() {
        let failure =
            Failure::usage("key_rejected", "openai does not accept the key openai/default").fix("vk keys add");
        let mut rows = keys().into_iter();
        let tested = [
            Tested { key: rows.next().unwrap(), failure: None },
            Tested { key: rows.next().unwrap(), failure: Some(failure) },
        ];
        insta::assert_snapshot!(tested_table(&tested, None), @r"
        provider   label               fingerprint  result                                         account
        anthropic  client-a (default)  0a1b2c3d     works                                          Client\u{202e} A
        openai     default             0a1b2c3d     openai does not accept the key openai/default  unknown
        ");
        let rows: Value = serde_json::from_str(&tested_json(&tested)).unwrap();
        assert_eq!(rows[0]["ok"], json!(true));
        assert_eq!(rows[0]["organization"], json!("org-1"));
        assert_eq!(rows[0]["error"], Value::Null);
        assert_eq!(rows[1]["ok"], json!(false));
        assert_eq!(rows[1]["error"]["code"], json!("key_rejected"));
    }
}
