//! One row of one list, with what it leaves open, and the rules that every price keeps.

use crate::base::money::TokenPrice;
use crate::catalog::{LongContext, Rates};

/// The rates that a list states; a list that leaves one open does not say that it is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StatedRates {
    pub input: TokenPrice,
    pub output: TokenPrice,
    pub cache_read: Option<TokenPrice>,
    pub cache_write_5m: Option<TokenPrice>,
    pub cache_write_1h: Option<TokenPrice>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StatedLong {
    pub over_tokens: u64,
    pub rates: StatedRates,
}

/// What one list says of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ListedRow {
    /// The vendor's id in the catalog.
    pub vendor: &'static str,
    pub id: String,
    pub context: Option<u64>,
    pub max_output: Option<u32>,
    pub rates: StatedRates,
    pub long: Option<StatedLong>,
}

impl ListedRow {
    /// The first rule of prices that this row breaks.
    pub(super) fn broken_rule(&self) -> Option<&'static str> {
        let long = self.long.as_ref().map(|long| &long.rates);
        std::iter::once(&self.rates).chain(long).find_map(|rates| {
            if rates.input == TokenPrice::ZERO || rates.output == TokenPrice::ZERO {
                // Whether nobody pays is decided by the path, never by a list.
                return Some("a price of 0 is not taken as a price");
            }
            if rates.cache_read.is_some_and(|read| read > rates.input) {
                return Some("a cache read is dearer than input");
            }
            let hour = rates.cache_write_1h.filter(|_| self.vendor == "anthropic");
            if hour.is_some_and(|hour| hour.picos() != rates.input.picos().saturating_mul(2)) {
                return Some("Anthropic's 1-hour cache write is not twice input");
            }
            None
        })
    }
}

impl StatedRates {
    /// The dearer of each figure, so that a cap holds whichever list is right; what one leaves open is the other's.
    pub(super) fn dearer(&self, other: &Self) -> Self {
        let either = |a: Option<TokenPrice>, b: Option<TokenPrice>| a.max(b);
        Self {
            input: self.input.max(other.input),
            output: self.output.max(other.output),
            cache_read: either(self.cache_read, other.cache_read),
            cache_write_5m: either(self.cache_write_5m, other.cache_write_5m),
            cache_write_1h: either(self.cache_write_1h, other.cache_write_1h),
        }
    }

    /// Whether a figure that both state is more than 5 % apart, as a share of the smaller one.
    pub(super) fn apart(&self, other: &Self) -> bool {
        let far = |a: TokenPrice, b: TokenPrice| {
            let (low, high) = (a.min(b).picos(), a.max(b).picos());
            i128::from(high - low) * 20 > i128::from(low)
        };
        let both = |a: Option<TokenPrice>, b: Option<TokenPrice>| a.zip(b).is_some_and(|(a, b)| far(a, b));
        far(self.input, other.input)
            || far(self.output, other.output)
            || both(self.cache_read, other.cache_read)
            || both(self.cache_write_5m, other.cache_write_5m)
    }

    /// Every rate: what is left open is charged as input, but for Anthropic, whose writes are 1.25 times (5 minutes)
    /// and twice (1 hour) input (platform.claude.com, prompt caching).
    pub(super) fn complete(&self, vendor: &str) -> Rates {
        let input = self.input;
        let anthropic = vendor == "anthropic";
        let times = |quarters: i64| TokenPrice::from_picos((input.picos().saturating_mul(quarters) + 3) / 4);
        let short = self.cache_write_5m.filter(|write| *write > TokenPrice::ZERO);
        let short = short.unwrap_or(if anthropic { times(5) } else { input });
        let hour = if anthropic { times(8) } else { self.cache_write_1h.unwrap_or(short).max(short) };
        Rates {
            input,
            output: self.output,
            cache_read: self.cache_read.unwrap_or(input),
            cache_write_5m: short,
            cache_write_1h: hour,
        }
    }
}

impl StatedLong {
    /// Rates above the threshold; a cache rate that is left open is as far below input as it is under it.
    pub(super) fn complete(&self, vendor: &str, base: &Rates) -> LongContext {
        let scaled = |rate: TokenPrice| {
            let (rate, from, to) = (rate.picos(), base.input.picos().max(1), self.rates.input.picos());
            let scaled = (i128::from(rate) * i128::from(to) + i128::from(from) - 1) / i128::from(from);
            TokenPrice::from_picos(i64::try_from(scaled).unwrap_or(to))
        };
        let stated = StatedRates {
            cache_read: Some(self.rates.cache_read.unwrap_or_else(|| scaled(base.cache_read).min(self.rates.input))),
            cache_write_5m: Some(self.rates.cache_write_5m.unwrap_or_else(|| scaled(base.cache_write_5m))),
            ..self.rates
        };
        LongContext { over_tokens: self.over_tokens, rates: stated.complete(vendor) }
    }
}
