//! The values that bind a login to the process that began it: the verifier and its challenge (RFC 7636), the state,
//! and the code that comes back.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::base::secret::Secret;
use crate::domain::failure::{Failure, Status};

/// The longest code taken. Codes in use have under 200 characters.
const LONGEST_CODE: usize = 2_048;

/// A verifier of 512 bits. Only its hash is ever in an address.
#[derive(Debug)]
pub struct Pkce {
    pub verifier: Secret,
}

impl Pkce {
    /// # Errors
    /// If the system gives no random numbers.
    pub fn new() -> Result<Self, Failure> {
        Ok(Self { verifier: Secret::new(random::<64>()?) })
    }

    /// The challenge for `code_challenge_method=S256`.
    #[must_use]
    pub fn challenge(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.expose().as_bytes()))
    }
}

/// 256 bits that nobody else knows, as they may stand in an address.
///
/// # Errors
/// If the system gives no random numbers.
pub fn unguessable() -> Result<String, Failure> {
    random::<32>()
}

fn random<const BYTES: usize>() -> Result<String, Failure> {
    let mut bytes = [0_u8; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| {
        Failure::new(Status::NoCredential, "no_randomness", "the system gives no random numbers")
            .why(error.to_string())
            .fix("vk doctor")
    })?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// Whether two texts are the same, in a time that does not tell where they differ.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// The code that a service hands out for one exchange. Worth nothing without the verifier, and not shown all the same.
#[derive(Clone, Debug)]
pub struct Code(Secret);

impl Code {
    /// `None` for what cannot be one: empty, too long, or with characters that no address needs to carry.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=:".contains(&byte);
        ((1..=LONGEST_CODE).contains(&text.len()) && text.bytes().all(plain)).then(|| Self(Secret::new(text)))
    }

    pub(in crate::credential) fn expose(&self) -> &str {
        self.0.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_the_one_of_the_standard() {
        // RFC 7636, appendix B.
        let pkce = Pkce { verifier: Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") };
        assert_eq!(pkce.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn no_two_values_are_alike_and_each_has_its_bits() {
        let (one, other) = (Pkce::new().unwrap(), Pkce::new().unwrap());
        assert!(!same(one.verifier.expose(), other.verifier.expose()));
        assert_eq!(one.verifier.expose().len(), 86);
        assert_eq!(unguessable().unwrap().len(), 43);
        assert!(!format!("{one:?}").contains(one.verifier.expose()));
    }

    #[test]
    fn a_code_is_one_plain_word() {
        for good in ["auth_code_abc123", "ac_Y4-x.z", "a/b+c=", "x"] {
            assert!(Code::parse(good).is_some(), "{good}");
        }
        for bad in ["", "a b", "a\nb", "a\"b", "ä", "a&b", &"x".repeat(2_049)] {
            assert!(Code::parse(bad).is_none(), "{bad:?}");
        }
    }
}
