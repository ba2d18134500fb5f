//! Ids of tasks and attempts: short, unique, and in the order of time when sorted as text.

use jiff::Timestamp;

/// Crockford's base 32 in lower case: digits and letters in ASCII order, none that reads like another.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// 2025-01-01T00:00:00Z in milliseconds since 1970. 35 bits of 32 ms each reach to 2059.
const EPOCH_MS: i64 = 1_735_689_600_000;

/// `t`, seven characters of time (32 ms each), four of chance: 12 characters, `t0vk3j9q2x7f`.
#[must_use]
pub fn task_id(now: Timestamp) -> String {
    id('t', now)
}

/// The same for a batch: `b0vk3j9q2x7f`.
#[must_use]
pub fn batch_id(now: Timestamp) -> String {
    id('b', now)
}

fn id(kind: char, now: Timestamp) -> String {
    let ticks = u64::try_from((now.as_millisecond() - EPOCH_MS) / 32).unwrap_or(0);
    let mut id = String::with_capacity(12);
    id.push(kind);
    push_base32(&mut id, ticks, 7);
    push_base32(&mut id, chance(), 4);
    id
}

/// The id of a call's attempt: `t0vk3j9q2x7f-3.1`.
#[must_use]
pub fn attempt_id(task_id: &str, call_no: u32, attempt_no: u32) -> String {
    format!("{task_id}-{call_no}.{attempt_no}")
}

fn push_base32(text: &mut String, value: u64, digits: u32) {
    for place in (0..digits).rev() {
        let index = usize::try_from((value >> (5 * place)) & 31).unwrap_or(0);
        text.push(char::from(ALPHABET[index]));
    }
}

/// Random bits; without a source of them, the ids of two tasks begun in the same 32 ms may meet, which the
/// ledger then refuses.
fn chance() -> u64 {
    getrandom::u64().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_differ_in_the_same_moment() {
        let at = |text: &str| task_id(text.parse().unwrap());
        let (early, late) = (at("2026-11-25T10:00:00Z"), at("2026-11-25T10:00:00.05Z"));
        assert!(early < late, "{early} {late}");
        assert_eq!(early.len(), 12);
        assert!(late < at("2058-01-01T00:00:00Z"));
        let many: std::collections::BTreeSet<String> = (0..50).map(|_| at("2026-11-25T10:00:00Z")).collect();
        assert!(many.len() > 48);
    }
}
