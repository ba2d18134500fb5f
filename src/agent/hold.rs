//! The most a call can cost, before it is sent. Pure arithmetic; the ledger decides whether it fits.

use crate::base::money::{Rate, TokenPrice, Usd};

/// Output tokens asked for at first, after a `max_tokens` stop, and at the very least.
pub const FIRST_OUTPUT: u32 = 16_384;
pub const RAISED_OUTPUT: u32 = 32_768;
pub const LEAST_OUTPUT: u32 = 1_024;

/// Tokens that providers add to a first prompt and that no byte of the request shows: their own description of
/// schema-less tools and of tool use. Anthropic documents up to 346 for tool use, 245 for `bash` and 700 for the
/// text editor (docs "Tool use" and "Text editor tool", 2026-10); rounded up well beyond their sum.
const HIDDEN_TOKENS: u64 = 2_048;

/// What the provider last said of a prompt, and how long that request's body was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prefix {
    pub tokens: u64,
    pub bytes: u64,
}

impl Prefix {
    /// An upper bound on the tokens of a request of `bytes`: what was last reported, and every new byte a token.
    #[must_use]
    pub const fn bound(self, bytes: u64) -> u64 {
        let known = if self.tokens == 0 { HIDDEN_TOKENS } else { self.tokens };
        known.saturating_add(bytes.saturating_sub(self.bytes))
    }

    /// A likely count for reports: about four bytes a token for what is new.
    #[must_use]
    pub const fn estimate(self, bytes: u64) -> u64 {
        self.tokens.saturating_add(bytes.saturating_sub(self.bytes) / 4)
    }
}

/// The dearest prices that can apply to a call, and the gateway's markup on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldPrices {
    pub input: TokenPrice,
    pub output: TokenPrice,
    pub markup: Rate,
}

impl HoldPrices {
    /// The hold of a call.
    #[must_use]
    pub fn worst_case(&self, prompt_tokens: u64, max_output: u32) -> Usd {
        let picos = self.input.times(prompt_tokens) + self.output.times(u64::from(max_output));
        Usd::from_picos(picos).plus_rate(self.markup)
    }

    /// The largest output, at most `wanted`, whose hold fits into `available`; `None` when not even
    /// [`LEAST_OUTPUT`] tokens fit.
    #[must_use]
    pub fn fit_output(&self, available: Usd, prompt_tokens: u64, wanted: u32) -> Option<u32> {
        let fits = |output: u32| self.worst_case(prompt_tokens, output) <= available;
        if fits(wanted) {
            return Some(wanted);
        }
        if !fits(LEAST_OUTPUT) {
            return None;
        }
        // The hold grows with the output, so halving finds the last size that fits in at most 32 steps.
        let (mut low, mut high) = (LEAST_OUTPUT, wanted);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if fits(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        Some(low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sonnet() -> HoldPrices {
        HoldPrices { input: "2.50".parse().unwrap(), output: "10".parse().unwrap(), markup: Rate::ZERO }
    }

    #[test]
    fn a_hold_is_the_prompt_and_the_whole_output() {
        // 100,000 x $2.50/M + 16,384 x $10/M
        assert_eq!(sonnet().worst_case(100_000, FIRST_OUTPUT), "0.41384".parse().unwrap());
    }

    #[test]
    fn new_bytes_count_as_tokens_on_top_of_what_was_reported() {
        let prefix = Prefix { tokens: 10_000, bytes: 40_000 };
        assert_eq!(prefix.bound(40_500), 10_500);
        assert_eq!(Prefix::default().bound(1_000), 1_000 + HIDDEN_TOKENS);
    }

    proptest! {
        #[test]
        fn a_fitted_output_never_passes_what_is_available(
            nanos in 0_i64..1_000_000_000, prompt in 0_u64..2_000_000, wanted in LEAST_OUTPUT..200_000, ppm in 0_i64..500_000,
        ) {
            let prices = HoldPrices { markup: Rate::from_ppm(ppm), ..sonnet() };
            let available = Usd::from_nanos(nanos);
            match prices.fit_output(available, prompt, wanted) {
                Some(output) => {
                    prop_assert!((LEAST_OUTPUT..=wanted).contains(&output));
                    prop_assert!(prices.worst_case(prompt, output) <= available);
                    prop_assert!(output == wanted || prices.worst_case(prompt, output + 1) > available);
                }
                None => prop_assert!(prices.worst_case(prompt, LEAST_OUTPUT) > available),
            }
        }
    }
}
