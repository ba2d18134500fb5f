//! The token of a Claude plan that `claude setup-token` prints, told from everything else that people paste.

use crate::base::secret::Secret;
use crate::credential::shape;
use crate::domain::failure::{Failure, Status};

/// What such a token begins with. Source: Claude Code's documentation of `claude setup-token` (2026-10).
const PREFIX: &str = "sk-ant-oat";
/// Real ones have about a hundred characters.
const SHORTEST: usize = 30;

/// What else begins or looks like a credential of Anthropic's, or of others, and the command that takes it.
const OTHERS: &[(&str, &str, &str)] = &[
    ("sk-ant-ort", "this is a refresh token, which belongs to the program that it was made for", MAKE),
    ("sk-ant-api", "this is an API key: it is paid by the token, and no plan covers it", "vk keys add anthropic"),
    ("sk-ant-admin", "this is an admin key of Anthropic, which runs no model", MAKE),
    ("sk-or-", "this is a key of OpenRouter", "vk keys add openrouter"),
    ("sk-proj-", "this is a key of OpenAI", "vk keys add openai"),
    ("sk-", "this is an API key of another provider", "vk keys add"),
    ("eyJ", "this is an access token of another service; vk has its own login there", "vk login codex"),
    ("{", "this is a program's own credential file; vk takes no other program's login", MAKE),
];

const MAKE: &str = "claude setup-token      # prints the token; then vk login claude";

/// Takes a token as people paste it.
///
/// # Errors
/// Exit 3 for what is no such token, with the command that takes it.
pub fn read(text: String) -> Result<Secret, Failure> {
    let begins = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let other = OTHERS.iter().find(|(prefix, ..)| begins.starts_with(prefix) && !begins.starts_with(PREFIX));
    if let Some((_, what, fix)) = other {
        return Err(Failure::new(Status::NoCredential, "wrong_token", (*what).to_owned())
            .why("it was not stored and not sent anywhere")
            .fix(*fix));
    }
    // The words are those of a key; what helps is not.
    let token = shape::clean(text).map_err(|failure| {
        let what = failure.what.replace("the key", "the token");
        Failure { what, fix: Vec::new(), ..failure }.fix("vk login claude").fix(MAKE)
    })?;
    let rest = token.expose().strip_prefix(PREFIX).unwrap_or_default();
    let is_whole = token.expose().len() >= SHORTEST && rest.contains('-');
    if !is_whole {
        let what = if token.expose().starts_with(PREFIX) {
            "the token is cut short"
        } else {
            "this is no token of a Claude plan: those begin with sk-ant-oat01-"
        };
        return Err(Failure::new(Status::NoCredential, "wrong_token", what).why("copy it in one piece").fix(MAKE));
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_setup_token_prints_is_taken() {
        let good = "sk-ant-oat01-canary0123456789abcdefghijklmnopqrstuv";
        assert_eq!(read(format!("\u{feff} {good}\r\n")).unwrap().expose(), good);
        for (text, words, fix) in [
            ("sk-ant-api03-canary-0123456789", "an API key", "vk keys add anthropic"),
            (" sk-ant-ort01-canary-0123456789", "a refresh token", "claude setup-token"),
            ("sk-or-v1-canary", "OpenRouter", "vk keys add openrouter"),
            ("sk-canary", "another provider", "vk keys add"),
            ("{\"claudeAiOauth\":{\"accessToken\":\"sk-ant-oat01-canary\"}}", "credential file", "claude setup-token"),
            ("sk-ant-oat01-canary01234567\n89abcdefghijklmno", "line break", "vk login claude"),
            ("sk-ant-oat01-canary 89abcdefghijklmno", "space", "vk login claude"),
            ("sk-ant-oat01-canary", "cut short", "claude setup-token"),
            ("canary", "no token of a Claude plan", "claude setup-token"),
            ("", "empty", "vk login claude"),
        ] {
            let failure = read(text.to_owned()).unwrap_err();
            assert_eq!(failure.exit_code(), 3);
            assert!(failure.what.contains(words), "{text}: {}", failure.what);
            assert!(failure.fix.first().is_some_and(|first| first.starts_with(fix)), "{text}: {:?}", failure.fix);
            assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
        }
    }
}
