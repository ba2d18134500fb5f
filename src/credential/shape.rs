//! What a key looks like and whose it is: a key of the wrong provider is refused before it is sent to anybody.
//! Only prefixes are looked at; nothing of a key is ever repeated in a message.

use secrecy::zeroize::Zeroize as _;

use super::origin;
use crate::base::env::Env;
use crate::base::secret::Secret;
use crate::domain::failure::{Failure, Status};

/// What the check needs to know of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderFacts<'a> {
    /// Its name in the configuration.
    pub name: &'a str,
    pub base_url: &'a str,
}

/// The largest secret taken: 64 KiB. Keys have about 100 bytes; tokens with claims a few thousand.
pub const MOST_BYTES: usize = 64 << 10;

/// The shortest that anybody issues or chooses for a gateway of their own; what is shorter is a slip.
const FEWEST_BYTES: usize = 4;

/// An issuer whose keys have a fixed prefix.
struct Issuer {
    /// The built-in provider's name.
    name: &'static str,
    shown: &'static str,
    /// Where its own API answers, so that a provider of another name at that address is known too.
    host: &'static str,
    /// Every key of this issuer begins so.
    prefix: &'static str,
}

/// Prefixes as the vendors document and issue them (2026-11): Anthropic `sk-ant-api03-`, OpenAI `sk-proj-`,
/// `sk-svcacct-`, `sk-admin-` and older bare `sk-`, OpenRouter `sk-or-v1-`.
const ISSUERS: &[Issuer] = &[
    Issuer { name: "anthropic", shown: "Anthropic", host: "api.anthropic.com", prefix: "sk-ant-api" },
    Issuer { name: "openai", shown: "OpenAI", host: "api.openai.com", prefix: "sk-" },
    Issuer { name: "openrouter", shown: "OpenRouter", host: "openrouter.ai", prefix: "sk-or-" },
];

/// Prefixes that exactly one issuer gives out. A key with one of them goes to that issuer and nowhere else.
/// `sk-admin-` and `sk-svcacct-` are not here: gateways let their owners choose keys, and such words get chosen.
const EXCLUSIVE: &[(&str, &str)] = &[("sk-ant-", "anthropic"), ("sk-proj-", "openai"), ("sk-or-", "openrouter")];

/// Prefixes that name a provider when the user names none.
const NAMING: &[(&str, &str)] = &[
    ("sk-ant-api", "anthropic"),
    ("sk-proj-", "openai"),
    ("sk-svcacct-", "openai"),
    ("sk-admin-", "openai"),
    ("sk-or-", "openrouter"),
    ("gsk_", "groq"),
    ("xai-", "xai"),
    ("AIza", "gemini"),
];

fn issuer_of(facts: ProviderFacts<'_>) -> Option<&'static Issuer> {
    let host = origin::host(facts.base_url).unwrap_or_default();
    let at = |issuer: &&Issuer| host == issuer.host || host.ends_with(&format!(".{}", issuer.host));
    ISSUERS.iter().find(|issuer| issuer.name == facts.name).or_else(|| ISSUERS.iter().find(at))
}

/// The provider whose prefix this key has. Bare `sk-` names nobody: many issue it.
#[must_use]
pub fn provider_of(secret: &Secret) -> Option<&'static str> {
    let text = secret.expose();
    NAMING.iter().find(|(prefix, _)| text.starts_with(prefix)).map(|(_, name)| *name)
}

/// Whether this provider may be sent this key.
///
/// # Errors
/// A failure with exit code 3: a token of a plan, a key that only another provider issues, or one that lacks the
/// prefix which all keys of this provider have. A provider that the user configured at its own address takes any
/// other shape.
pub fn check(facts: ProviderFacts<'_>, secret: &Secret) -> Result<(), Failure> {
    let text = secret.expose();
    match facts.name {
        "claude" => return check_setup_token(text),
        "codex" if text.starts_with("sk-") => {
            return Err(refused("not_a_token", "this is an API key, and codex takes a token of its plan".to_owned())
                .why("a key is billed per token: it pays on the path byok")
                .fix("vk keys add openai"));
        }
        _ => {}
    }
    if text.starts_with("sk-ant-oat") || text.starts_with("sk-ant-ort") {
        return Err(refused("plan_token", "a Claude plan token cannot be used as an API key".to_owned())
            .why("it belongs to a Pro or Max plan, which pays in Claude's own program only: that is the path subscription")
            .fix("vk login claude      # keeps it for that program")
            .fix("vk keys add anthropic      # with a key from https://platform.claude.com/settings/keys"));
    }
    if text.starts_with("sk-ant-admin") {
        return Err(refused("admin_key", "an Anthropic admin key cannot call models".to_owned())
            .fix("vk keys add anthropic      # with a key from https://platform.claude.com/settings/keys"));
    }
    let issuer = issuer_of(facts);
    let foreign = EXCLUSIVE
        .iter()
        .find(|(prefix, owner)| text.starts_with(prefix) && issuer.is_none_or(|issuer| issuer.name != *owner));
    if let Some((_, owner)) = foreign {
        let shown = ISSUERS.iter().find(|issuer| issuer.name == *owner).map_or(*owner, |issuer| issuer.shown);
        return Err(refused("foreign_key", format!("this is a key of {shown}; it is not sent to {}", facts.name))
            .why("only the provider that issued a key may see it")
            .fix(format!("vk keys add {owner}")));
    }
    match issuer {
        Some(issuer) if !text.starts_with(issuer.prefix) => {
            Err(refused("not_a_key", format!("this is no key of {}: those begin with {}", issuer.shown, issuer.prefix))
                .why("it was not sent anywhere")
                .fix(format!("vk keys add {}", facts.name)))
        }
        _ => Ok(()),
    }
}

/// What `claude setup-token` prints, and nothing that is billed or refreshed.
fn check_setup_token(text: &str) -> Result<(), Failure> {
    if text.starts_with("sk-ant-oat") {
        return Ok(());
    }
    let failure = refused("not_a_setup_token", "a Claude plan takes what claude setup-token prints".to_owned());
    Err(match text {
        key if key.starts_with("sk-ant-api") => {
            failure.why("this is an API key, which is billed per token").fix("vk use byok --provider anthropic")
        }
        refresh if refresh.starts_with("sk-ant-ort") => {
            failure.why("this is a refresh token of a login; it stays with the program that got it")
        }
        _ => failure.why("those begin with sk-ant-oat; this was not sent anywhere"),
    }
    .fix("claude setup-token"))
}

fn refused(code: &'static str, what: String) -> Failure {
    Failure::new(Status::NoCredential, code, what)
}

/// Takes a key as people paste it: white space, line ends and a byte order mark around it are dropped.
///
/// # Errors
/// A failure with exit code 3 if nothing is left, or if what is left cannot be a key: more than 64 KiB, white space,
/// control or other characters outside visible ASCII, or quotes around it.
pub fn clean(mut text: String) -> Result<Secret, Failure> {
    let kept = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let problem = problem_of(kept);
    let secret = if problem.is_none() { Some(Secret::new(kept)) } else { None };
    text.zeroize();
    match (problem, secret) {
        (None, Some(secret)) => Ok(secret),
        (problem, _) => Err(refused("not_a_key", problem.unwrap_or_default().to_owned())
            .fix("vk keys add      # asks for it, without showing it")),
    }
}

fn problem_of(text: &str) -> Option<&'static str> {
    let quoted = |quote: char| text.starts_with(quote) || text.ends_with(quote);
    if text.is_empty() {
        Some("the key is empty")
    } else if text.len() > MOST_BYTES {
        Some("the key is larger than 64 KiB")
    } else if text.contains(['\n', '\r']) {
        Some("the key has a line break inside; copy it in one piece")
    } else if text.chars().any(char::is_whitespace) {
        Some("the key has a space inside; copy it alone, without words before or after it")
    } else if text.chars().any(char::is_control) {
        Some("the key has a control character inside; copy it again")
    } else if !text.is_ascii() {
        Some("the key has a character that no key has; copy it again from where it was made")
    } else if ["/", "./", "../", "~/"].iter().any(|start| text.starts_with(start)) {
        Some("the key is a path; give what the file holds")
    } else if text.len() < FEWEST_BYTES {
        Some("the key is too short to be one")
    } else if quoted('"') || quoted('\'') {
        Some("the key has quotes around it; give it without them")
    } else if ["sk-ant-", "sk-proj-", "sk-or-"].iter().any(|start| text.rfind(start).is_some_and(|at| at > 0)) {
        Some("the key is there twice, or is two keys; give one")
    } else {
        None
    }
}

/// The key in the variable that the user named with `--key env:NAME` or `--from-env NAME`.
///
/// # Errors
/// A failure with exit code 2 if the name cannot be one, 3 if it is not set or holds no key.
pub fn env_key(env: &Env, name: &str) -> Result<Secret, Failure> {
    let valid = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !valid {
        // Not repeated: people put the key itself here.
        return Err(Failure::usage("bad_variable", "what follows env: is not the name of a variable")
            .why("give the name, never the key: env:ANTHROPIC_API_KEY")
            .fix("vk keys add      # asks for the key, without showing it, and stores it"));
    }
    let value = env.get(name).ok_or_else(|| {
        refused("key_variable_unset", format!("the variable {name} is not set, or empty"))
            .why("it is set in the shell that vk is started from, or by what keeps the secrets of a CI")
            .fix("vk keys add      # asks for the key, without showing it, and stores it")
    })?;
    clean(value.to_owned()).map_err(|mut failure| {
        failure.what = format!("{name} holds no usable key: {}", failure.what.trim_start_matches("the key "));
        failure
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const ANTHROPIC: ProviderFacts<'_> = ProviderFacts { name: "anthropic", base_url: "https://api.anthropic.com" };
    const OPENAI: ProviderFacts<'_> = ProviderFacts { name: "openai", base_url: "https://api.openai.com/v1" };
    const OPENROUTER: ProviderFacts<'_> =
        ProviderFacts { name: "openrouter", base_url: "https://openrouter.ai/api/v1" };
    const WORK: ProviderFacts<'_> = ProviderFacts { name: "work", base_url: "https://llm.example.com/v1" };
    const CLIENT: ProviderFacts<'_> = ProviderFacts { name: "client", base_url: "https://api.anthropic.com" };
    const PROXIED: ProviderFacts<'_> = ProviderFacts { name: "anthropic", base_url: "http://127.0.0.1:9" };

    fn code(facts: ProviderFacts<'_>, key: &str) -> &'static str {
        match check(facts, &Secret::new(key)) {
            Ok(()) => "ok",
            Err(failure) => {
                assert_eq!(failure.exit_code(), 3);
                assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
                failure.code
            }
        }
    }

    #[test]
    fn keys_go_to_their_own_issuer_only() {
        let table = [
            ("sk-ant-api03-canary", ["ok", "foreign_key", "foreign_key", "foreign_key", "ok", "ok"]),
            ("sk-ant-oat01-canary", ["plan_token"; 6]),
            ("sk-ant-ort01-canary", ["plan_token"; 6]),
            ("sk-ant-admin01-canary", ["admin_key"; 6]),
            ("sk-proj-canary", ["foreign_key", "ok", "foreign_key", "foreign_key", "foreign_key", "foreign_key"]),
            ("sk-svcacct-canary", ["not_a_key", "ok", "not_a_key", "ok", "not_a_key", "not_a_key"]),
            ("sk-or-v1-canary", ["foreign_key", "foreign_key", "ok", "foreign_key", "foreign_key", "foreign_key"]),
            ("sk-canary", ["not_a_key", "ok", "not_a_key", "ok", "not_a_key", "not_a_key"]),
            ("canary", ["not_a_key", "not_a_key", "not_a_key", "ok", "not_a_key", "not_a_key"]),
        ];
        for (key, expected) in table {
            let got = [ANTHROPIC, OPENAI, OPENROUTER, WORK, CLIENT, PROXIED].map(|facts| code(facts, key));
            assert_eq!(got, expected, "{key}");
        }
    }

    #[test]
    fn a_lookalike_host_is_not_the_issuer() {
        for base_url in ["https://api.anthropic.com.evil.example", "https://evil.example/api.anthropic.com"] {
            assert_eq!(code(ProviderFacts { name: "x", base_url }, "sk-ant-api03-canary"), "foreign_key");
        }
        let regional = ProviderFacts { name: "eu", base_url: "https://eu.api.openai.com/v1" };
        assert_eq!(code(regional, "sk-proj-canary"), "ok");
    }

    #[test]
    fn a_prefix_names_its_provider_and_bare_sk_names_nobody() {
        let named = |key: &str| provider_of(&Secret::new(key));
        assert_eq!(named("sk-ant-api03-x"), Some("anthropic"));
        assert_eq!(named("sk-proj-x"), Some("openai"));
        assert_eq!(named("sk-admin-x"), Some("openai"));
        assert_eq!(named("sk-or-v1-x"), Some("openrouter"));
        assert_eq!(named("gsk_x"), Some("groq"));
        assert_eq!(named("sk-x"), None);
        assert_eq!(named("sk-ant-oat01-x"), None);
    }

    #[test]
    fn pasted_keys_are_trimmed_and_odd_ones_refused() {
        let cleaned = |text: &str| clean(text.to_owned());
        assert_eq!(cleaned("\u{feff} sk-ant-api03-x\r\n\n").unwrap().expose(), "sk-ant-api03-x");
        for (text, words) in [
            ("", "empty"),
            (" \n\t", "empty"),
            ("sk-canary\nsk-canary", "line break"),
            ("Bearer sk-canary", "space"),
            ("sk-can\u{a0}ary", "space"),
            ("sk-can\u{1b}ary", "control"),
            ("sk-can\u{2013}ary", "no key has"),
            ("sk-can\u{200b}ary", "no key has"),
            ("/home/canary", "a path"),
            ("~/canary.txt", "a path"),
            ("yes", "too short"),
            ("\"sk-canary\"", "quotes"),
            ("'sk-canary'", "quotes"),
        ] {
            let failure = cleaned(text).unwrap_err();
            assert!(failure.what.contains(words), "{text:?}: {}", failure.what);
            assert!(!failure.what.contains("canary"));
            assert_eq!(failure.exit_code(), 3);
        }
        assert!(clean("x".repeat(MOST_BYTES)).is_ok());
        assert!(clean("x".repeat(MOST_BYTES + 1)).is_err());
    }

    #[test]
    fn a_key_in_the_place_of_a_variable_name_is_not_repeated() {
        let env = Env::of(&[("GOOD", " sk-x\n"), ("BAD", "a canary")], Path::new("/"));
        assert_eq!(env_key(&env, "GOOD").unwrap().expose(), "sk-x");
        let refused = env_key(&env, "sk-ant-api03-canary").unwrap_err();
        assert_eq!(refused.exit_code(), 2);
        assert!(!format!("{refused:?}").contains("canary"));
        assert_eq!(env_key(&env, "NONE").unwrap_err().code, "key_variable_unset");
        let bad = env_key(&env, "BAD").unwrap_err();
        assert!(bad.what.contains("BAD") && !bad.what.contains("canary"), "{}", bad.what);
    }
}
