//! Limits on turns and time. Money is the ledger's.

use std::time::{Duration, Instant};

use crate::domain::failure::{Failure, Status};

/// How far a task may go. Made once, when the task starts.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub max_turns: Option<u32>,
    pub timeout: Option<Duration>,
    started: Instant,
}

impl Limits {
    #[must_use]
    pub fn start(max_turns: Option<u32>, timeout: Option<Duration>) -> Self {
        Self { max_turns, timeout, started: Instant::now() }
    }

    /// Time left until the deadline; `None` without one.
    #[must_use]
    pub fn left(&self) -> Option<Duration> {
        self.timeout.map(|timeout| timeout.saturating_sub(self.started.elapsed()))
    }

    /// Called before each turn with the number of turns already taken.
    ///
    /// # Errors
    /// The limit that is used up, with the flag that raises it.
    pub fn check(&self, turns: u32) -> Result<(), Failure> {
        if self.max_turns.is_some_and(|max| turns >= max) {
            return Err(Failure::new(Status::Limit, "turn_limit", format!("stopped after {turns} turns"))
                .why("--max-turns was reached before the model ended its work")
                .fix(format!("vk run --continue --max-turns {} \"go on\"", turns.saturating_mul(2))));
        }
        match self.left() {
            Some(left) if left.is_zero() => Err(self.timed_out()),
            _ => Ok(()),
        }
    }

    #[must_use]
    pub fn timed_out(&self) -> Failure {
        let after = self.timeout.unwrap_or_default();
        Failure::new(Status::Limit, "time_limit", format!("stopped after {}", show(after)))
            .why("--timeout was reached before the model ended its work")
            .fix(format!("vk run --continue --timeout {} \"go on\"", show(after * 2)))
    }
}

/// Parses `90s`, `10m`, `2h`; a bare number is refused because its unit would be a guess.
///
/// # Errors
/// A usage failure that names the text.
pub fn parse_duration(text: &str) -> Result<Duration, Failure> {
    let unit = |c| match c {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3_600),
        _ => None,
    };
    text.chars()
        .last()
        .and_then(unit)
        .and_then(|unit: u64| text[..text.len() - 1].parse::<u64>().ok()?.checked_mul(unit))
        .filter(|seconds| (1..=30 * 24 * 3_600).contains(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| {
            Failure::usage("bad_duration", format!("\"{text}\" is not a time"))
                .why("a time is a whole number with its unit, from 1s to 30 days: 90s, 10m, 2h")
        })
}

fn show(duration: Duration) -> String {
    match duration.as_secs() {
        s if s >= 3_600 && s.is_multiple_of(3_600) => format!("{}h", s / 3_600),
        s if s >= 60 && s.is_multiple_of(60) => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_need_their_unit() {
        assert_eq!(parse_duration("90s").unwrap(), Duration::from_secs(90));
        assert_eq!(parse_duration("2h").unwrap(), Duration::from_secs(7_200));
        for bad in ["", "90", "s", "-1s", "1.5h", "0s", "99999999999999999999h", "1ß"] {
            assert_eq!(parse_duration(bad).unwrap_err().exit_code(), 2, "{bad}");
        }
    }

    #[test]
    fn the_turn_limit_names_the_flag() {
        let limits = Limits::start(Some(2), None);
        assert!(limits.check(1).is_ok());
        let failure = limits.check(2).unwrap_err();
        assert_eq!((failure.exit_code(), failure.code), (1, "turn_limit"));
        assert!(failure.fix[0].contains("--max-turns 4"));
    }
}
