//! What the environment and the command line say: the two layers that only the user writes.

use std::fmt::Display;
use std::str::FromStr;

use super::edge::Edge;
use super::error::{ConfigError, did_you_mean};
use super::excerpt::mask;
use super::names::{self, looks_secret};
use super::project_file::{Choice, PATH_WORDS};
use super::settings::KeyChoice;
use super::source::{Source, Sourced};
use crate::base::env::Env;
use crate::base::money::Usd;

/// What the command line says, as typed: the highest layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    pub path: Option<String>,
    pub provider: Option<String>,
    pub model: Option<String>,
    /// A label, or `env:NAME`.
    pub key: Option<String>,
    /// `--max-cost`, in dollars.
    pub max_cost: Option<String>,
    /// `--check`; any replaces the checks of every file.
    pub checks: Vec<String>,
    /// `--fallback EDGE=ask|USD`.
    pub fallback: Vec<String>,
    /// The task gets a git worktree of its own, so that what `[worktree]` says is in use.
    pub worktree: bool,
    /// `--mcp`: names of servers, or `none`.
    pub mcp: Option<String>,
}

impl Flags {
    /// The four flags that choose the payer, with those of a fix such as `--provider b --key c` in their place.
    /// `None` where the fix is no list of them.
    #[must_use]
    pub fn with(&self, fix: &str) -> Option<Self> {
        let mut flags = self.clone();
        for pair in fix.split(' ').collect::<Vec<_>>().chunks(2) {
            let [name, value] = *pair else { return None };
            let value = Some(value.to_owned());
            match name {
                "--path" => flags.path = value,
                // A key belongs to its provider; where none was named, it may be for this one.
                "--provider" if flags.provider.is_some() && flags.provider != value => {
                    (flags.provider, flags.key) = (value, None);
                }
                "--provider" => flags.provider = value,
                "--model" => flags.model = value,
                "--key" => flags.key = value,
                _ => return None,
            }
        }
        Some(flags)
    }

    /// The flags that choose the payer, as they are typed.
    #[must_use]
    pub fn choice(&self) -> String {
        let all = [("path", &self.path), ("provider", &self.provider), ("model", &self.model), ("key", &self.key)];
        let given = all.iter().filter_map(|(name, value)| value.as_ref().map(|value| format!("--{name} {value}")));
        given.collect::<Vec<_>>().join(" ")
    }
}

/// One such layer, parsed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Given {
    pub(super) choice: Choice,
    pub(super) budget_task: Option<Sourced<Usd>>,
    pub(super) checks: Vec<Sourced<String>>,
    pub(super) fallback: Vec<Sourced<Edge>>,
    pub(super) worktree: bool,
    pub(super) mcp: Option<Sourced<Vec<String>>>,
}

pub(super) fn from_env(env: &Env) -> Result<Given, ConfigError> {
    let value = |name: &'static str| env.get(name).map(|text| (text, Source::Env(name)));
    Ok(Given {
        choice: choice(value("VK_PATH"), value("VK_PROVIDER"), value("VK_MODEL"), value("VK_KEY"))?,
        budget_task: value("VK_BUDGET_TASK").map(|given| parsed(given, &[])).transpose()?,
        ..Given::default()
    })
}

pub(super) fn from_flags(flags: &Flags) -> Result<Given, ConfigError> {
    let flag = |text: &'_ Option<String>, name: &'static str| text.clone().map(|text| (text, Source::Flag(name)));
    let texts = [
        flag(&flags.path, "--path"),
        flag(&flags.provider, "--provider"),
        flag(&flags.model, "--model"),
        flag(&flags.key, "--key"),
        flag(&flags.max_cost, "--max-cost"),
    ];
    let [path, provider, model, key, max_cost] =
        texts.each_ref().map(|given| given.as_ref().map(|(text, source)| (text.as_str(), source.clone())));
    let checks = flags.checks.iter().map(|check| Sourced::new(check.clone(), Source::Flag("--check")));
    let edges = flags.fallback.iter().map(|edge| parsed((edge, Source::Flag("--fallback")), &[]));
    Ok(Given {
        choice: choice(path, provider, model, key)?,
        budget_task: max_cost.map(|given| parsed(given, &[])).transpose()?,
        checks: checks.collect(),
        fallback: edges.collect::<Result<_, _>>()?,
        worktree: flags.worktree,
        mcp: flags.mcp.as_deref().map(servers),
    })
}

/// Names as typed; whether there are such servers is found where they are known.
fn servers(text: &str) -> Sourced<Vec<String>> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != "none");
    Sourced::new(names.map(str::to_owned).collect(), Source::Flag("--mcp"))
}

type Text<'a> = Option<(&'a str, Source)>;

fn choice(path: Text<'_>, provider: Text<'_>, model: Text<'_>, key: Text<'_>) -> Result<Choice, ConfigError> {
    let word = |given: Text<'_>, allowed: fn(&str) -> bool, expected: &str| {
        let check = |(text, source): (&str, Source)| {
            if allowed(text) {
                return Ok(Sourced::new(text.to_owned(), source));
            }
            Err(wrong(&source, &format!("{} is not {expected}", naming(text))))
        };
        given.map(check).transpose()
    };
    Ok(Choice {
        path: path.map(|given| parsed(given, PATH_WORDS)).transpose()?,
        provider: word(provider, names::is_provider, "a provider's name")?,
        model: word(model, names::is_model, "a model's alias or id")?,
        key: key.map(one_key).transpose()?,
    })
}

fn one_key((text, source): (&str, Source)) -> Result<Sourced<KeyChoice>, ConfigError> {
    if looks_secret(text) {
        return Err(ConfigError::Given {
            origin: origin(&source),
            what: "this looks like a key itself; name a stored one by its label, or a variable as env:NAME".to_owned(),
            fix: Some("vk keys add".to_owned()),
        });
    }
    let key = match text.strip_prefix("env:") {
        Some(name) if names::is_variable(name) => KeyChoice::Env(name.to_owned()),
        None if names::is_key_label(text) => KeyChoice::Label(text.to_owned()),
        _ => return Err(wrong(&source, &format!("{} is neither a key's label nor env:NAME", naming(text)))),
    };
    Ok(Sourced::new(key, source))
}

fn parsed<T: FromStr<Err: Display>>((text, source): (&str, Source), words: &[&str]) -> Result<Sourced<T>, ConfigError> {
    match text.parse() {
        Ok(value) => Ok(Sourced::new(value, source)),
        Err(error) => Err(wrong(&source, &format!("{error}{}", did_you_mean(text, words.iter().copied())))),
    }
}

/// The word in quotes, unless it is so long that it is no word.
fn naming(text: &str) -> String {
    if text.len() > 60 { "this".to_owned() } else { format!("\"{text}\"") }
}

fn wrong(source: &Source, what: &str) -> ConfigError {
    let fix = match source {
        Source::Env(name) => Some(format!("unset {name}")),
        Source::Flag(_) => Some("vk run --help".to_owned()),
        _ => None,
    };
    ConfigError::Given { origin: origin(source), what: mask(what), fix }
}

const fn origin(source: &Source) -> &'static str {
    match source {
        Source::Env(name) | Source::Flag(name) => name,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::domain::path::PayPath;

    #[test]
    fn variables_choose_who_pays_and_nothing_else() {
        let vars = [
            ("VK_PATH", "byok"),
            ("VK_PROVIDER", "openai"),
            ("VK_MODEL", "gpt"),
            ("VK_KEY", "env:MY_KEY"),
            ("VK_BUDGET_TASK", "1.50"),
            ("VK_BASE_URL", "http://evil"),
            ("VK_FALLBACK", "byok:a -> free:b=ask"),
            ("VK_APPROVE", "all"),
            ("VK_SANDBOX", "off"),
        ];
        let given = from_env(&Env::of(&vars, Path::new("/"))).unwrap();
        assert_eq!(given.choice.path, Some(Sourced::new(PayPath::Byok, Source::Env("VK_PATH"))));
        assert_eq!(given.choice.key.unwrap().value, KeyChoice::Env("MY_KEY".into()));
        assert_eq!(given.budget_task.unwrap().value, Usd::from_cents(150));
        assert!(given.fallback.is_empty() && given.checks.is_empty());
    }

    #[test]
    fn the_flags_of_a_fix_take_the_place_of_those_typed() {
        let typed =
            Flags { path: Some("byok".into()), provider: Some("a".into()), key: Some("k".into()), ..Flags::default() };
        let again = |fix: &str| typed.with(fix).map(|flags| flags.choice());
        assert_eq!(again("--model m").unwrap(), "--path byok --provider a --model m --key k");
        assert_eq!(again("--provider b").unwrap(), "--path byok --provider b");
        assert_eq!(again("--provider a --key k2").unwrap(), "--path byok --provider a --key k2");
        assert_eq!(again("--path platform --provider w --key x").unwrap(), "--path platform --provider w --key x");
        assert_eq!(again("--model ID, the exact id that this provider takes"), None);
        assert_eq!(again("vk keys add a"), None);
    }

    #[test]
    fn a_wrong_word_names_the_flag_and_the_nearest_right_one() {
        let path = |path: &str| Flags { path: Some(path.into()), ..Flags::default() };
        let error = from_flags(&path("byokk")).unwrap_err().to_string();
        assert_eq!(error, "--path: \"byokk\" is not one of byok, subscription, platform, free; did you mean \"byok\"?");
        let flags = Flags { fallback: vec!["byok:a=ask".into()], ..Flags::default() };
        assert!(from_flags(&flags).unwrap_err().to_string().starts_with("--fallback: write it as FROM -> TO"));
    }

    #[test]
    fn a_key_typed_as_a_label_is_refused_and_not_repeated() {
        let secret = || Some("sk-ant-api03-canarycanarycanary".to_owned());
        for flags in [
            Flags { key: secret(), ..Flags::default() },
            Flags { path: secret(), ..Flags::default() },
            Flags { provider: secret(), ..Flags::default() },
            Flags { max_cost: secret(), ..Flags::default() },
        ] {
            let error = from_flags(&flags).unwrap_err();
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }
}
