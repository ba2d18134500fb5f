//! How values lie in columns: money, tokens and moments as integers whose sums cannot overflow.

use jiff::Timestamp;

use super::{Row, Stop};
use crate::base::money::Usd;
use crate::domain::usage::Usage;

/// No attempt costs a million dollars; a figure above it is a broken one and is kept as this. It leaves room for
/// nine thousand such rows in one 64-bit sum.
const MOST_NANOS: i64 = 1_000_000_000_000_000;

/// No attempt has a trillion tokens.
const MOST_TOKENS: u64 = 1_000_000_000_000;

pub(in crate::ledger) fn stored_money(usd: Usd) -> i64 {
    usd.nanos().clamp(0, MOST_NANOS)
}

pub(in crate::ledger) fn money(nanos: i64) -> Usd {
    Usd::from_nanos(nanos)
}

pub(in crate::ledger) fn stored_tokens(count: u64) -> i64 {
    i64::try_from(count.min(MOST_TOKENS)).unwrap_or(0)
}

pub(in crate::ledger) fn tokens(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

/// The moment of a column; a number outside the calendar reads as 1970.
pub(in crate::ledger) fn moment(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The six token columns, in the order of [`Usage`], from the column `first` on.
pub(in crate::ledger) fn usage(row: &Row<'_>, first: usize) -> Result<Usage, Stop> {
    let get = |at: usize| row.get(first + at).map(tokens);
    Ok(Usage {
        input: get(0)?,
        cache_read: get(1)?,
        cache_write_5m: get(2)?,
        cache_write_1h: get(3)?,
        output: get(4)?,
        reasoning: get(5)?,
    })
}
