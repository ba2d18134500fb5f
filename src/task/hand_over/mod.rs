//! Handing one account to a program that calls its provider by itself: under which names it reads a key and an
//! address. Everything else of that kind is taken out of its environment.

pub mod program;

use crate::domain::path::Wire;

/// What a variable is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    Secret,
    Address,
}

/// A provider, as programs know it.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    pub provider: &'a str,
    pub wire: Wire,
    /// Whether the address is another than the one that programs have built in for this provider.
    pub own_address: bool,
}

/// A built-in provider's own name for its key, as its SDK or its documentation has it (2026-11).
const KEYS: &[(&str, &str)] = &[
    ("anthropic", "ANTHROPIC_API_KEY"),
    ("openai", "OPENAI_API_KEY"),
    ("deepseek", "DEEPSEEK_API_KEY"),
    ("gemini", "GEMINI_API_KEY"),
    ("groq", "GROQ_API_KEY"),
    ("mistral", "MISTRAL_API_KEY"),
    ("openrouter", "OPENROUTER_API_KEY"),
    ("xai", "XAI_API_KEY"),
    ("zai", "ZAI_API_KEY"),
];

/// The variables of a program, in name order. A provider that is known by a name of its own gets that; one at an
/// address of the user's speaks a vendor's wire and is given as that vendor, always with its address, so that the key
/// cannot go to the vendor itself.
///
/// Sources: the SDKs of Anthropic (`ANTHROPIC_API_KEY`, `ANTHROPIC_BASE_URL`) and of `OpenAI` (`OPENAI_API_KEY`,
/// `OPENAI_BASE_URL`; `OPENAI_API_BASE` in `LiteLLM` and aider); `codex exec` reads `CODEX_API_KEY` (2026-11).
#[must_use]
pub fn variables(program: &str, account: &Account<'_>) -> Vec<(&'static str, Value)> {
    let mut names = Vec::new();
    let known = KEYS.iter().find(|(provider, _)| *provider == account.provider).map(|(_, name)| *name);
    if let Some(name) = known.filter(|_| !account.own_address || is_vendor(account.provider)) {
        names.push((name, Value::Secret));
    }
    // Programs that know no other provider speak to it by the address of a compatible one.
    let compatible = account.own_address || !is_vendor(account.provider);
    if compatible {
        let (key, addresses): (_, &[_]) = match account.wire {
            Wire::Anthropic => ("ANTHROPIC_API_KEY", &["ANTHROPIC_BASE_URL"]),
            Wire::Responses | Wire::Chat => ("OPENAI_API_KEY", &["OPENAI_API_BASE", "OPENAI_BASE_URL"]),
        };
        names.push((key, Value::Secret));
        names.extend(addresses.iter().map(|name| (*name, Value::Address)));
    }
    if program == "codex" && account.wire != Wire::Anthropic {
        names.push(("CODEX_API_KEY", Value::Secret));
    }
    names.sort_unstable_by_key(|(name, _)| *name);
    names.dedup();
    names
}

/// The two whose own programs and SDKs have their address built in.
fn is_vendor(provider: &str) -> bool {
    matches!(provider, "anthropic" | "openai")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(program: &str, provider: &str, wire: Wire, own_address: bool) -> String {
        let account = Account { provider, wire, own_address };
        let shown = variables(program, &account).into_iter().map(|(name, value)| match value {
            Value::Secret => name.to_owned(),
            Value::Address => format!("{name}@"),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_program_gets_the_names_it_reads_and_no_other() {
        assert_eq!(names("aider", "anthropic", Wire::Anthropic, false), "ANTHROPIC_API_KEY");
        assert_eq!(names("python3", "openai", Wire::Responses, false), "OPENAI_API_KEY");
        assert_eq!(names("codex", "openai", Wire::Responses, false), "CODEX_API_KEY OPENAI_API_KEY");
        assert_eq!(
            names("aider", "openrouter", Wire::Chat, false),
            "OPENAI_API_BASE@ OPENAI_API_KEY OPENAI_BASE_URL@ OPENROUTER_API_KEY"
        );
    }

    /// The vendor's name for a key never stands alone where the key is another's.
    #[test]
    fn another_address_always_goes_with_the_key() {
        assert_eq!(names("aider", "work", Wire::Anthropic, true), "ANTHROPIC_API_KEY ANTHROPIC_BASE_URL@");
        assert_eq!(names("aider", "anthropic", Wire::Anthropic, true), "ANTHROPIC_API_KEY ANTHROPIC_BASE_URL@");
        assert_eq!(names("x", "work", Wire::Chat, true), "OPENAI_API_BASE@ OPENAI_API_KEY OPENAI_BASE_URL@");
        // A moved address of a provider that programs know by name: by name, the key would go to the old address.
        assert_eq!(names("x", "groq", Wire::Chat, true), "OPENAI_API_BASE@ OPENAI_API_KEY OPENAI_BASE_URL@");
    }
}
