//! A provider's words made safe to keep: the credential taken out in every form it may be echoed, then bounded.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

use crate::base::secret::Secret;

const LONGEST_MESSAGE: usize = 500;
const LONGEST_WORD: usize = 100;
const IN_ITS_PLACE: &str = "[key]";

/// A message: no credential, no control characters, one space where there were many, 500 characters at most.
pub(super) fn message(text: &str, secret: Option<&Secret>) -> String {
    let text = without(text, secret);
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    let text = words.join(" ");
    match text.char_indices().nth(LONGEST_MESSAGE - 1) {
        Some((at, _)) if text[at..].chars().nth(1).is_some() => format!("{}…", &text[..at]),
        _ => text,
    }
}

/// A code or an id: printable ASCII, 100 characters at most; `None` if nothing is left.
pub(super) fn word(text: &str, secret: Option<&Secret>) -> Option<String> {
    let word: String = without(text, secret).chars().filter(char::is_ascii_graphic).take(LONGEST_WORD).collect();
    (!word.is_empty()).then_some(word)
}

/// Redaction comes before any cut, so that no cut leaves the first half of a credential.
fn without(text: &str, secret: Option<&Secret>) -> String {
    let Some(secret) = secret.map(Secret::expose).filter(|secret| !secret.is_empty()) else { return text.to_owned() };
    let forms = [
        secret.to_owned(),
        percent_encoded(secret),
        BASE64_STANDARD_NO_PAD.encode(secret),
        BASE64_URL_SAFE_NO_PAD.encode(secret),
    ];
    forms.iter().fold(text.to_owned(), |text, form| text.replace(form.as_str(), IN_ITS_PLACE))
}

fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_echoed_key_is_taken_out_in_every_form() {
        let secret = Secret::new("sk-test+canary/==x");
        let encoded = BASE64_STANDARD_NO_PAD.encode(secret.expose());
        let said = format!("bad key sk-test+canary/==x, sk-test%2Bcanary%2F%3D%3Dx, {encoded}=\u{1b}[31m\r\n  end");
        assert_eq!(message(&said, Some(&secret)), "bad key [key], [key], [key]= [31m end");
        assert_eq!(word("req sk-test+canary/==x\n", Some(&secret)).unwrap(), "req[key]");
    }

    #[test]
    fn messages_are_cut_at_a_character() {
        let cut = message(&"é".repeat(600), None);
        assert_eq!(cut.chars().count(), 500);
        assert!(cut.ends_with('…'));
        assert_eq!(message(&"é".repeat(500), None).chars().count(), 500);
        assert!(!message(&"é".repeat(500), None).ends_with('…'));
    }

    proptest! {
        #[test]
        fn no_message_holds_the_key_or_runs_on(before in ".{0,600}", after in ".{0,600}") {
            let secret = Secret::new("sk-ant-api03-canary-0123456789");
            let out = message(&format!("{before}{}{after}", secret.expose()), Some(&secret));
            prop_assert!(!out.contains("canary"));
            prop_assert!(out.chars().count() <= 500);
            prop_assert!(!out.chars().any(char::is_control));
        }
    }
}
