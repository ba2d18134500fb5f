//! Waiting for other writers. SQLite's own wait grows to 100 ms a try, which under many writers leaves the unlucky
//! ones asleep while the file is free; this one stays short and differs from process to process.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// How long a write waits before it gives up.
const LONGEST: Duration = Duration::from_secs(30);

thread_local! {
    static SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// SQLite's busy handler: `tries` counts from 0 for each wait. False gives up.
pub(super) fn wait(tries: i32) -> bool {
    let now = Instant::now();
    let since = SINCE.with(|cell| {
        if tries == 0 {
            cell.set(Some(now));
        }
        cell.get().unwrap_or(now)
    });
    if now.duration_since(since) >= LONGEST {
        return false;
    }
    std::thread::sleep(pause(tries, std::process::id()));
    true
}

/// A quarter of a millisecond at first, then one to six: about the length of a synced write.
fn pause(tries: i32, salt: u32) -> Duration {
    let tries = tries.unsigned_abs();
    if tries < 4 {
        return Duration::from_micros(250 * u64::from(tries + 1));
    }
    let spread = tries.wrapping_mul(2_654_435_761).wrapping_add(salt.wrapping_mul(40_503)) >> 7;
    Duration::from_micros(1_000 + u64::from(spread % 5_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_stay_short_and_differ_between_processes() {
        for tries in 0..5_000 {
            assert!(pause(tries, 77) < Duration::from_millis(6), "{tries}");
        }
        assert_ne!(pause(10, 1_000), pause(10, 1_001));
    }
}
