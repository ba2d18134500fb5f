//! What a person pastes where the browser cannot reach this machine: the code, or the whole address it ended at.

use url::Url;

use super::callback::{Answer, Expected, answer_in};
use super::secrets::{Code, same};

/// More than any address that a login ends at.
const LONGEST: usize = 8_192;

/// Reads what was pasted.
///
/// # Errors
/// A sentence that says why it was not taken and what to paste instead.
pub fn read(text: &str, expected: &Expected) -> Result<Answer, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Err("Nothing was pasted.");
    }
    if text.len() > LONGEST || text.chars().any(char::is_whitespace) {
        return Err("That is more than one address. Paste the address that the browser ended at, alone.");
    }
    if text.contains("://") {
        let url = Url::parse(text).map_err(|_| "That is no address. Copy all of it.")?;
        if !same(url.path(), &expected.path) {
            return Err("That address is not of this login. Paste the one that the browser ended at after you agreed.");
        }
        return answer_in(url.query().unwrap_or_default(), expected.state.as_deref())
            .ok_or("That address has no code of this login. Paste all of it, up to its end.");
    }
    // Some services show the code and the state in one word.
    let (code, state) = text.split_once('#').map_or((text, None), |(code, state)| (code, Some(state)));
    if let (Some(given), Some(wanted)) = (state, expected.state.as_deref())
        && !same(given, wanted)
    {
        return Err("That code is of another login.");
    }
    let code = code.strip_prefix("code=").unwrap_or(code);
    Code::parse(code).map(Answer::Code).ok_or("That is no code. Paste the code, or the whole address.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str) -> Option<String> {
        let expected = Expected { path: "/callback/k3y".to_owned(), state: Some("s1".to_owned()) };
        match read(text, &expected) {
            Ok(Answer::Code(code)) => Some(code.expose().to_owned()),
            Ok(Answer::Refused { error, .. }) => Some(format!("refused: {error}")),
            Err(_) => None,
        }
    }

    #[test]
    fn a_code_or_the_address_of_this_login_is_taken_and_nothing_else() {
        assert_eq!(taken(" c1\n").as_deref(), Some("c1"));
        assert_eq!(taken("code=c1").as_deref(), Some("c1"));
        assert_eq!(taken("c1#s1").as_deref(), Some("c1"));
        assert_eq!(taken("http://localhost:3000/callback/k3y?code=c1&state=s1").as_deref(), Some("c1"));
        assert_eq!(
            taken("http://localhost:3000/callback/k3y?error=denied&state=s1").as_deref(),
            Some("refused: denied")
        );
        for bad in [
            "",
            "c1 c2",
            "c1#s2",
            "http://localhost:3000/callback/other?code=c1&state=s1",
            "http://localhost:3000/callback/k3y?code=c1&state=s2",
            "http://localhost:3000/callback/k3y?code=c1",
            "https://openrouter.ai/auth?callback_url=x",
            "http://localhost:3000/callback/k3y",
            "://",
        ] {
            assert_eq!(taken(bad), None, "{bad}");
        }
    }
}
