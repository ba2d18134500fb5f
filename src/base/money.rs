//! Exact money: prices in pico-dollars a token, amounts in nano-dollars. No floats anywhere.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const NANO: i64 = 1_000_000_000;
const PICO_PER_NANO: i128 = 1_000;

/// An amount of US dollars in whole nano-dollars (1e-9 USD). Saturates instead of overflowing: an absurd
/// figure from outside stays absurd and positive rather than wrapping into a small or negative one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usd(i64);

impl Usd {
    pub const ZERO: Self = Self(0);
    pub const MAX: Self = Self(i64::MAX);

    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    #[must_use]
    pub const fn from_cents(cents: i64) -> Self {
        Self(cents.saturating_mul(NANO / 100))
    }

    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Rounds half up from pico-dollars, once: sums are made in `i128` pico-dollars before this is called.
    #[must_use]
    pub fn from_picos(picos: i128) -> Self {
        let rounded = (picos + PICO_PER_NANO / 2).div_euclid(PICO_PER_NANO);
        Self(i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX }))
    }

    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// `self` plus `rate` of it, rounded half up to the nano-dollar.
    #[must_use]
    pub fn plus_rate(self, rate: Rate) -> Self {
        let extra = (i128::from(self.0) * i128::from(rate.0) + 500_000).div_euclid(1_000_000);
        Self(i64::try_from(i128::from(self.0) + extra).unwrap_or(i64::MAX))
    }

    /// The fewest decimals that lose nothing, two at least: for events, JSON and the ledger's exports.
    #[must_use]
    pub fn exact(self) -> String {
        let magnitude = self.0.unsigned_abs();
        let whole = magnitude / NANO.unsigned_abs();
        let fraction = format!("{:09}", magnitude % NANO.unsigned_abs());
        let trimmed = fraction.trim_end_matches('0');
        let digits = &fraction[..trimmed.len().max(2)];
        format!("{}{whole}.{digits}", if self.0 < 0 { "-" } else { "" })
    }
}

/// For people: `$1.24`, and `$0.0412` where cents would round; a positive amount is never shown as zero.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&Places::of([*self]).show(*self))
    }
}

/// The decimals of amounts that are read together, such as a column and its sum. What is shown with cents beside
/// what is shown with more does not add up; the amount that needs the most decides for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places(u32);

impl Places {
    /// Cents, unless an amount under a dollar is no whole number of them.
    #[must_use]
    pub fn of(amounts: impl IntoIterator<Item = Usd>) -> Self {
        let needed = |usd: Usd| match usd.0.unsigned_abs() {
            magnitude if magnitude.is_multiple_of(10_000_000) || magnitude >= NANO.unsigned_abs() => 2,
            50_000.. => 4,
            50.. => 7,
            _ => 9,
        };
        Self(amounts.into_iter().map(needed).max().unwrap_or(2))
    }

    /// The number of decimals.
    #[must_use]
    pub const fn count(self) -> usize {
        self.0 as usize
    }

    /// The amount, rounded half up once.
    #[must_use]
    pub fn show(self, usd: Usd) -> String {
        let unit = 10_u64.pow(9 - self.0);
        let rounded = usd.0.unsigned_abs().saturating_add(unit / 2) / unit;
        let scale = 10_u64.pow(self.0);
        let sign = if usd.0 < 0 { "-" } else { "" };
        format!("{sign}${}.{:0width$}", rounded / scale, rounded % scale, width = self.count())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an amount of dollars; write it like 2.00")]
pub struct ParseUsdError(pub String);

impl FromStr for Usd {
    type Err = ParseUsdError;

    /// Accepts `5`, `5.00`, `$0.50`, `.5`; at most nine decimals; refuses negatives, exponents and separators.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_decimal(text.trim().trim_start_matches('$'), 9).map(Self).ok_or_else(|| ParseUsdError(text.to_owned()))
    }
}

/// Parses a plain non-negative decimal into an integer scaled by 10^`places`; `None` if it does not fit exactly.
fn parse_decimal(text: &str, places: usize) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) || fraction.len() > places {
        return None;
    }
    let scale = 10_i64.pow(u32::try_from(places).ok()?);
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let fraction: i64 = format!("{fraction:0<places$}").parse().unwrap_or(0);
    whole.checked_mul(scale)?.checked_add(fraction)
}

impl Add for Usd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Usd {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

/// A decimal string in JSON: numbers would pass through somebody's float.
impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.exact())
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (negative, digits) = text.strip_prefix('-').map_or((false, text.as_str()), |rest| (true, rest));
        let amount: Self = digits.parse().map_err(serde::de::Error::custom)?;
        Ok(if negative { Self(-amount.0) } else { amount })
    }
}

/// A share in parts per million: a gateway's markup or fee. `8%` is 80,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(i64);

impl Rate {
    pub const ZERO: Self = Self(0);

    #[must_use]
    pub const fn from_ppm(ppm: i64) -> Self {
        Self(ppm)
    }

    #[must_use]
    pub const fn ppm(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:04}", self.0 % 10_000);
        let fraction = fraction.trim_end_matches('0');
        let dot = if fraction.is_empty() { "" } else { "." };
        write!(f, "{}{dot}{fraction}%", self.0 / 10_000)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a percentage; write it like \"8%\" or \"5.5%\"")]
pub struct ParseRateError(pub String);

impl FromStr for Rate {
    type Err = ParseRateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.trim()
            .strip_suffix('%')
            .and_then(|number| parse_decimal(number.trim(), 4))
            .filter(|ppm| *ppm <= 10_000_000)
            .map(Self)
            .ok_or_else(|| ParseRateError(text.to_owned()))
    }
}

/// A price of one kind of token in pico-dollars a token, which is the same number as micro-dollars a million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenPrice(i64);

impl TokenPrice {
    pub const ZERO: Self = Self(0);

    #[must_use]
    pub const fn from_picos(picos: i64) -> Self {
        Self(picos)
    }

    #[must_use]
    pub const fn picos(self) -> i64 {
        self.0
    }

    /// The price of `tokens` in pico-dollars, not yet rounded.
    #[must_use]
    pub fn times(self, tokens: u64) -> i128 {
        i128::from(self.0) * i128::from(tokens)
    }
}

/// Parses USD a million tokens as price lists print it: `2.50` is 2,500,000 pico-dollars a token.
impl FromStr for TokenPrice {
    type Err = ParseUsdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_decimal(text.trim().trim_start_matches('$'), 6).map(Self).ok_or_else(|| ParseUsdError(text.to_owned()))
    }
}

/// USD a million tokens with the fewest decimals, two at least.
impl fmt::Display for TokenPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Usd(self.0.saturating_mul(1_000)).exact())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn people_see_cents_and_never_a_false_zero() {
        let show = |nanos| Usd::from_nanos(nanos).to_string();
        assert_eq!(show(0), "$0.00");
        assert_eq!(show(5_000_000_000), "$5.00");
        assert_eq!(show(1_239_000_000), "$1.24");
        assert_eq!(show(4_200_000), "$0.0042");
        assert_eq!(show(41_200_000), "$0.0412");
        assert_eq!(show(40_000_000), "$0.04");
        assert_eq!(show(1), "$0.000000001");
        assert_eq!(show(-1_500_000_000), "-$1.50");
    }

    #[test]
    fn amounts_that_stand_together_have_the_same_decimals() {
        let shown = |nanos: &[i64]| {
            let amounts: Vec<Usd> = nanos.iter().copied().map(Usd::from_nanos).collect();
            let places = Places::of(amounts.iter().copied());
            amounts.into_iter().map(|usd| places.show(usd)).collect::<Vec<_>>()
        };
        assert_eq!(shown(&[41_200_000, 5_000_000_000, 0]), ["$0.0412", "$5.0000", "$0.0000"]);
        assert_eq!(shown(&[40_000_000, 1_239_000_000]), ["$0.04", "$1.24"]);
        assert_eq!(shown(&[41_200_000, 300]), ["$0.0412000", "$0.0000003"]);
        assert!(shown(&[]).is_empty());
    }

    #[test]
    fn amounts_that_are_not_plain_decimals_are_refused() {
        for bad in ["", ".", "-1", "1e3", "1,000", "1.0000000001", "NaN", "$", "1.2.3", "99999999999"] {
            assert!(bad.parse::<Usd>().is_err(), "{bad:?} must not parse");
        }
        assert_eq!("$0.5".parse::<Usd>().unwrap(), Usd::from_cents(50));
        assert_eq!(".5".parse::<Usd>().unwrap(), Usd::from_cents(50));
    }

    #[test]
    fn rates_keep_four_decimals() {
        let rate: Rate = "5.5%".parse().unwrap();
        assert_eq!(rate.ppm(), 55_000);
        assert_eq!(rate.to_string(), "5.5%");
        assert_eq!(Usd::from_cents(1000).plus_rate(rate), Usd::from_nanos(10_550_000_000));
        assert!("5.5".parse::<Rate>().is_err());
        assert!("-5%".parse::<Rate>().is_err());
    }

    proptest! {
        #[test]
        fn exact_text_round_trips(nanos in 0..i64::MAX) {
            let usd = Usd::from_nanos(nanos);
            prop_assert_eq!(usd.exact().parse::<Usd>().unwrap(), usd);
        }

        #[test]
        fn rounding_happens_once_and_stays_within_half_a_nano(picos in -1_000_000_000_000_i128..1_000_000_000_000) {
            let nanos = i128::from(Usd::from_picos(picos).nanos());
            prop_assert!((nanos * 1_000 - picos).abs() <= 500);
        }
    }
}
