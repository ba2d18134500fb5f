//! Prices as JSON numbers, read from their text: a float would already have changed them.

use crate::base::money::TokenPrice;
use crate::catalog::overlay::DEAREST;

/// Why a figure is no price. Each of these makes the whole list unbelievable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoPrice {
    #[error("is not a number")]
    NotANumber,
    #[error("is negative")]
    Negative,
    #[error("is more than 10,000 USD a million tokens")]
    TooLarge,
}

/// USD a million tokens, as models.dev writes it: `2.5` is 2,500,000 pico-dollars a token.
pub(super) fn per_million(text: &str) -> Result<TokenPrice, NoPrice> {
    scaled(text, 6)
}

/// USD a token, as LiteLLM writes it: `2.5e-06` is the same.
pub(super) fn per_token(text: &str) -> Result<TokenPrice, NoPrice> {
    scaled(text, 12)
}

/// The number of `text` times 10^`places`, rounded up: a price is never understated.
fn scaled(text: &str, places: i64) -> Result<TokenPrice, NoPrice> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: String = [whole, fraction].concat();
    if whole.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NoPrice::NotANumber);
    }
    let exponent: i64 = match exponent.strip_prefix('+').unwrap_or(exponent).parse() {
        Ok(exponent) => exponent,
        Err(_)
            if exponent.strip_prefix(['+', '-']).unwrap_or(exponent).starts_with(|c: char| c.is_ascii_digit())
                && exponent.bytes().skip(1).all(|b| b.is_ascii_digit()) =>
        {
            if exponent.starts_with('-') {
                i64::MIN / 4
            } else {
                i64::MAX / 4
            }
        }
        Err(_) => return Err(NoPrice::NotANumber),
    };
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Ok(TokenPrice::ZERO);
    }
    if negative {
        return Err(NoPrice::Negative);
    }
    let count = i64::try_from(digits.len()).unwrap_or(i64::MAX / 4);
    let shift = exponent.saturating_add(places).saturating_sub(i64::try_from(fraction.len()).unwrap_or(0));
    // How many digits stand before the point once it is shifted.
    let before = count.saturating_add(shift);
    if before > 11 {
        return Err(NoPrice::TooLarge);
    }
    let kept = usize::try_from(before.clamp(0, count)).unwrap_or(0);
    let mut picos: i64 = if kept == 0 { 0 } else { digits[..kept].parse().map_err(|_| NoPrice::TooLarge)? };
    for _ in count..before {
        picos = picos.saturating_mul(10);
    }
    if digits.bytes().skip(kept).any(|b| b != b'0') {
        picos += 1;
    }
    if picos > DEAREST { Err(NoPrice::TooLarge) } else { Ok(TokenPrice::from_picos(picos)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_same_price_in_both_units() {
        for (million, token, picos) in [
            ("2.5", "2.5e-06", 2_500_000),
            ("0.1", "1e-07", 100_000),
            ("0.125", "1.25E-7", 125_000),
            ("10", "0.00001", 10_000_000),
            ("0.546875", "5.46875e-07", 546_875),
            ("0", "0.0", 0),
            ("1e1", "1e-5", 10_000_000),
        ] {
            assert_eq!(per_million(million).unwrap().picos(), picos, "{million}");
            assert_eq!(per_token(token).unwrap().picos(), picos, "{token}");
        }
        // Less than a pico-dollar a token is not nothing.
        assert_eq!(per_token("1.5e-12").unwrap().picos(), 2);
        assert_eq!(per_token("1e-400").unwrap().picos(), 1);
    }

    #[test]
    fn what_is_no_price() {
        for text in ["\"NaN\"", "NaN", "null", "true", "[]", "{}", "", ".", "-", "1e", "1e5x", "0x10", "Infinity"] {
            assert_eq!(per_million(text), Err(NoPrice::NotANumber), "{text}");
        }
        for text in ["-1", "-0.1", "-1e-400"] {
            assert_eq!(per_million(text), Err(NoPrice::Negative), "{text}");
        }
        for text in ["1e400", "1e99999999999999999999", "10001", "99999999999999999999999999"] {
            assert_eq!(per_million(text), Err(NoPrice::TooLarge), "{text}");
        }
        assert_eq!(per_million("10000").unwrap().picos(), DEAREST);
        assert_eq!(per_million("-0.0").unwrap(), TokenPrice::ZERO);
    }

    proptest! {
        #[test]
        fn never_panics_and_never_understates(text in "-?[0-9]{0,25}(\\.[0-9]{0,25})?([eE][+-]?[0-9]{1,6})?") {
            let _ = per_token(&text);
            let _ = per_million(&text);
        }

        #[test]
        fn a_printed_price_reads_back(picos in 0_i64..=DEAREST) {
            let price = TokenPrice::from_picos(picos);
            prop_assert_eq!(per_million(&price.to_string()).unwrap(), price);
            prop_assert_eq!(per_token(&format!("{picos}e-12")).unwrap(), price);
        }
    }
}
