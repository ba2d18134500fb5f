//! What a model's tokens cost, and the arithmetic from token counts to dollars: exact, rounded once a call.

use jiff::civil::Date;

use crate::base::money::{TokenPrice, Usd};
use crate::domain::usage::Usage;

/// The price of each kind of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    pub input: TokenPrice,
    pub output: TokenPrice,
    pub cache_read: TokenPrice,
    /// Anthropic's five-minute write; the write of every vendor that has only one kind.
    pub cache_write_5m: TokenPrice,
    /// Anthropic's one-hour write.
    pub cache_write_1h: TokenPrice,
}

impl Rates {
    /// What tokens cost at these rates, in pico-dollars, not rounded.
    #[must_use]
    pub fn picos(&self, usage: &Usage) -> i128 {
        self.input.times(usage.input)
            + self.cache_read.times(usage.cache_read)
            + self.cache_write_5m.times(usage.cache_write_5m)
            + self.cache_write_1h.times(usage.cache_write_1h)
            + self.output.times(usage.output)
    }

    fn dearest_input(&self) -> TokenPrice {
        self.input.max(self.cache_read).max(self.cache_write_5m).max(self.cache_write_1h)
    }
}

/// Other rates for the whole of a request whose prompt is longer than this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongContext {
    /// All prompt tokens count: input, cache reads and cache writes.
    pub over_tokens: u64,
    pub rates: Rates,
}

/// A list price with its evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    pub rates: Rates,
    pub long: Option<LongContext>,
    /// The first UTC day it is charged; `None` where it was so from the start.
    pub from: Option<Date>,
    /// Where it was read.
    pub source: String,
    /// When that page or list was current, or was read where it bears no date.
    pub as_of: Date,
    /// Whether that was the vendor's own document, or one that cites it: lists of others never replace it.
    pub own: bool,
    /// The first 12 hex digits of a SHA-256 over everything above: ledger rows keep it, so that a cost can be
    /// traced to the row that made it.
    pub hash: String,
}

impl Price {
    /// The rates that a request with this many prompt tokens is charged at.
    #[must_use]
    pub fn rates_for(&self, prompt_tokens: u64) -> &Rates {
        match &self.long {
            Some(long) if prompt_tokens > long.over_tokens => &long.rates,
            _ => &self.rates,
        }
    }

    /// What one call costs at list price: summed in pico-dollars, rounded once to the nano-dollar.
    #[must_use]
    pub fn list_cost(&self, usage: &Usage) -> Usd {
        Usd::from_picos(self.rates_for(usage.prompt()).picos(usage))
    }

    /// The dearest prices of an input and an output token that a request of at most `prompt_at_most` tokens can
    /// be charged: what a hold is computed with.
    #[must_use]
    pub fn dearest(&self, prompt_at_most: u64) -> (TokenPrice, TokenPrice) {
        let base = (self.rates.dearest_input(), self.rates.output);
        match &self.long {
            Some(long) if prompt_at_most > long.over_tokens => {
                (base.0.max(long.rates.dearest_input()), base.1.max(long.rates.output))
            }
            _ => base,
        }
    }
}
